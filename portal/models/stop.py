from django.db import models
from django.utils import timezone

from portal.tokens import token_hash

from .unhandled import UnhandledQuerySet


class StopLink(models.Model):
    """The way out of one kind of mail, for whoever got one of them. Only a hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    client_id = models.BigIntegerField()
    contact_id = models.BigIntegerField(db_index=True)
    # Where the mail went. The page shows its first letter and its domain.
    email = models.CharField(max_length=254)
    purpose = models.CharField(max_length=14)
    made_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"Way out of {self.purpose} mail"

    @classmethod
    def keep(cls, token, **fields):
        """Know a token from now on. A second attempt to send the same mail brings the same one."""
        return cls.objects.get_or_create(token_hash=token_hash(token), defaults=fields)[0]


class Stop(models.Model):
    """Somebody pressed it. The database's own function writes it; the agency reads it."""

    link = models.ForeignKey(StopLink, models.PROTECT, related_name="stops")
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True)

    objects = UnhandledQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(handled_at=None), name="portal_stop_waiting")]

    def __str__(self):
        return f"Stop of {self.link.purpose} mail"
