from django.db import models
from django.utils import timezone

from portal.tokens import new_token, token_hash

from .publication import Publication


class ProposalLink(models.Model):
    """The key to one proposal, mailed to one contact. Only a hash of it is kept.

    Attention has three levels: fetched (anything that asked for the page, mail scanners too: it means nothing),
    opened (a person pressed the cover's button), engaged (they read for a while, chose, or answered).
    """

    class Role(models.TextChoices):
        DECIDES = "decides", "Decides"
        SIGNS = "signs", "Reads, and signs the contract"
        READS = "reads", "Reads"

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="links")
    client_id = models.BigIntegerField(db_index=True)
    contact_id = models.BigIntegerField()
    contact_name = models.CharField(max_length=200)
    role = models.CharField(max_length=7, choices=Role, default=Role.DECIDES, db_default="decides")
    sender_name = models.CharField(max_length=200)
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    decide_by = models.DateField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaces")
    created_at = models.DateTimeField(default=timezone.now)
    fetched_at = models.DateTimeField(null=True, blank=True)
    fetches = models.PositiveIntegerField(default=0, db_default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    engaged_at = models.DateTimeField(null=True, blank=True)
    # The options that they would take, as long as they have not answered.
    chosen = models.JSONField(default=list, db_default=[])
    answered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"Link for {self.contact_name}"

    @classmethod
    def mint(
        cls,
        *,
        publication,
        contact_id,
        contact_name,
        sender_name,
        expires_at,
        decide_by=None,
        role="decides",
        chosen=(),
    ):
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
            role=role,
            chosen=list(chosen),
            token_hash=token_hash(token),
        )
        return link, token

    def revoke(self, replaced_by=None):
        """Close this link for good; name the one that takes its place, if there is one."""
        self.revoked_at = self.revoked_at or timezone.now()
        self.replaced_by = replaced_by or self.replaced_by
        self.save(update_fields=["revoked_at", "replaced_by"])


class Reader(models.Model):
    """A browser in which a link was opened: the contact's, or a colleague's who gave a name.

    The portal's doors write it. `seconds` says how long each part of the page was in sight.
    """

    link = models.ForeignKey(ProposalLink, models.PROTECT, related_name="readers")
    # Of a browser: a replaced link and the one that it leads to know it by the same key.
    key_hash = models.CharField(max_length=64)
    # Of what the cover was signed with: who brings it a second time is a machine that repeats.
    stamp_hash = models.CharField(max_length=64, blank=True)
    # Empty for the contact that the link was mailed to.
    name = models.CharField(max_length=120, blank=True)
    opened_at = models.DateTimeField()
    # When it was known that a person is there. What opened faster than people do is shown the page, and not counted.
    counted_at = models.DateTimeField(null=True, blank=True)
    engaged_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()
    seconds = models.JSONField(default=dict)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "key_hash"], name="portal_reader_once_a_link")]

    def __str__(self):
        return self.name or self.link.contact_name
