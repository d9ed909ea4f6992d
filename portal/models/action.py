from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from .guest import Guest
from .link import ProposalLink
from .publication import Publication
from .unhandled import UnhandledQuerySet


class ClientAction(models.Model):
    """What a client did. The database's own functions write it; the agency reads it and answers for it."""

    class Verb(models.TextChoices):
        OPENED = "opened"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        ASKED = "asked"
        OBJECTED = "objected"
        CHOSE = "chose"
        ENGAGED = "engaged"
        SIGNED = "signed"
        WANTS_LINK = "wants_link"
        TICKED = "ticked"
        GRANTED = "granted"

    client_id = models.BigIntegerField(db_index=True)
    opportunity_id = models.BigIntegerField(null=True, blank=True)
    publication = models.ForeignKey(Publication, models.PROTECT, null=True, blank=True, related_name="actions")
    link = models.ForeignKey(ProposalLink, models.PROTECT, null=True, blank=True, related_name="actions")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, blank=True, related_name="actions")
    contact_id = models.BigIntegerField(null=True, blank=True)
    verb = models.CharField(max_length=20, choices=Verb)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=200, blank=True)
    words = models.TextField(blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    digest = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True)
    # We read it and could not take it: its owner has a task, and the client reads that we look at it.
    written_off = models.BooleanField(default=False, db_default=False)

    objects = UnhandledQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(handled_at=None), name="portal_action_waiting")]
        constraints = [
            models.UniqueConstraint(
                fields=["publication"],
                condition=models.Q(verb__in=["accepted", "declined"]),
                name="portal_action_one_answer",
            ),
            models.UniqueConstraint(
                fields=["publication", "contact_id"],
                condition=models.Q(verb="signed"),
                name="portal_action_one_signature",
            ),
            # Each is told once of whoever reads by a link: its contact, and each colleague who gave a name.
            models.UniqueConstraint(
                fields=["link", "name", "verb"],
                condition=models.Q(verb__in=["opened", "engaged"]),
                name="portal_action_read_once",
            ),
        ]

    def __str__(self):
        return f"{self.name} {self.verb}"
