"""The diary: what happened, who did it, and a chain of hashes that shows when somebody meddled."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from .. import programs


class Diary(models.Model):
    """A chain of events, with its head. The database keeps it; nobody else may."""

    length = models.BigIntegerField(default=0, editable=False)
    head = models.CharField(max_length=64, default="", editable=False)
    # When the newest of its events happened: a deal is stale when this is long ago.
    last_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["last_at", "id"], name="diary_by_last")]

    def __str__(self):
        return f"Diary {self.pk}"


class Facts(models.Model):
    """The particulars of an event. They stand beside it so that a person's data can go while the chain holds."""

    values = models.JSONField(encoder=DjangoJSONEncoder)
    # Without it, a digest of facts that are gone could be guessed from a phone book.
    salt = models.UUIDField(db_default=models.Func(function="gen_random_uuid"), editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"Facts {self.pk}"


class Event(models.Model):
    """One line in a diary. Written by `records.tell`, numbered and hashed by the database, never changed."""

    class Actor(models.TextChoices):
        USER = "user", "Staff"
        CONTACT = "contact", "Client"
        SYSTEM = "system", "ZartsAlgo"

    diary = models.ForeignKey(Diary, models.PROTECT, related_name="events")
    # The place in the diary, and the links of the chain: set by the database on INSERT.
    seq = models.BigIntegerField(default=0, editable=False)
    facts_digest = models.CharField(max_length=64, default="", editable=False)
    previous = models.CharField(max_length=64, default="", editable=False)
    hash = models.CharField(max_length=64, default="", editable=False)
    xid = models.BigIntegerField(default=0, editable=False)

    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=60)
    past = models.CharField(max_length=80)
    record_type = models.CharField(max_length=60)
    record_id = models.BigIntegerField()
    subject = models.CharField(max_length=200)
    actor_kind = models.CharField(max_length=8, choices=Actor)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    contact = models.ForeignKey("opportunities.Contact", models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    stage_from = models.CharField(max_length=20, blank=True)
    stage_to = models.CharField(max_length=20, blank=True)
    next_action = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    facts = models.OneToOneField(Facts, models.PROTECT, null=True, related_name="event")

    class Meta:
        default_permissions = ("view",)
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["diary", "seq"], name="event_place_in_diary")]
        indexes = [
            # The at-commit wall asks for the events of one record in this transaction; a record's own timeline, too.
            models.Index(fields=["record_type", "record_id", "xid"], name="event_of_record"),
            # A diary's timeline, newest first.
            models.Index(fields=["diary", "-at", "-id"], name="event_of_diary"),
        ]

    def __str__(self):
        return f"{self.actor_name} {self.past} {self.subject}"

    @classmethod
    def actor_fields(cls, by) -> dict:
        """Return who did it, with the name frozen: a user, a client contact, a service, or None for the clock.

        Whoever acts through a program of theirs is named with it.
        """
        program = programs.NOW.get()
        if isinstance(by, cls._meta.get_field("contact").related_model):
            return {"actor_kind": cls.Actor.CONTACT, "contact": by, "actor_name": str(by)[:200]}
        if program and program.is_service:
            return {"actor_kind": cls.Actor.SYSTEM, "actor_name": str(program)[:200]}
        if by is None:
            return {"actor_kind": cls.Actor.SYSTEM, "actor_name": "ZartsAlgo"}
        name = f"{by} through {program.name}" if program else str(by)
        return {"actor_kind": cls.Actor.USER, "actor": by, "actor_name": name[:200]}


class Blanked(models.Model):
    """An event of which a privacy erase took words away. What it left is proved instead of what was written.

    The database's erasing function writes it, along with the event that tells of the erase.
    """

    event = models.ForeignKey(Event, models.PROTECT, related_name="+")
    told_by = models.ForeignKey(Event, models.PROTECT, related_name="+")
    left_hash = models.CharField(max_length=64)
    left_facts = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["told_by", "event"], name="event_blanked_once_an_erase")]

    def __str__(self):
        return f"What is left of event {self.event_id}"
