from django.db import models
from django.utils import timezone

from portal.tokens import new_token, token_hash

from .publication import Publication


class ProposalLink(models.Model):
    """The key to one proposal, mailed to one contact. Only a hash of it is kept."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="links")
    client_id = models.BigIntegerField(db_index=True)
    contact_id = models.BigIntegerField()
    contact_name = models.CharField(max_length=200)
    sender_name = models.CharField(max_length=200)
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    decide_by = models.DateField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaces")
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"Link for {self.contact_name}"

    @classmethod
    def mint(cls, *, publication, contact_id, contact_name, sender_name, expires_at, decide_by=None):
        """Make a link to a publication; return it with its token, which cannot be read again."""
        token = new_token()
        link = cls.objects.create(
            publication=publication,
            client_id=publication.client_id,
            contact_id=contact_id,
            contact_name=contact_name,
            sender_name=sender_name,
            expires_at=expires_at,
            decide_by=decide_by,
            token_hash=token_hash(token),
        )
        return link, token

    def revoke(self, replaced_by=None):
        """Close this link for good; name the one that takes its place, if there is one."""
        self.revoked_at = self.revoked_at or timezone.now()
        self.replaced_by = replaced_by or self.replaced_by
        self.save(update_fields=["revoked_at", "replaced_by"])
