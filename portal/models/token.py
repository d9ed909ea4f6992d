from django.db import models
from django.utils import timezone

from portal.tokens import new_token, token_hash


class SecretToken(models.Model):
    """The key of a program. Only a hash of it is kept."""

    name = models.CharField(max_length=80, help_text="Which program uses it.")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True
        default_permissions = ("view", "add", "change")

    def __str__(self):
        return self.name

    @classmethod
    def mint(cls, **fields):
        """Make a token; return its row and the token itself, which cannot be read again."""
        token = new_token()
        return cls.objects.create(token_hash=token_hash(token), **fields), token

    def revoke(self, by) -> bool:
        """Close it for good; false when somebody did already."""
        open_ones = type(self).objects.filter(pk=self.pk, revoked_at=None)
        return bool(open_ones.update(revoked_at=timezone.now(), revoked_by=by))


class IntakeToken(SecretToken):
    """The key of a program that sends inquiries."""

    # What the leads that it sends name as their source.
    source_name = models.CharField("source of its leads", max_length=120)

    class Meta(SecretToken.Meta):
        abstract = False
