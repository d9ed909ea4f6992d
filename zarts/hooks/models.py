"""Endpoints of other systems, and what is delivered to them, event by event."""

import re
from secrets import token_hex

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from opportunities import clock
from opportunities.models import Event
from opportunities.records import REASON, DiaryKeeper, Record, stage_field, transition

from . import kinds
from .addresses import refuse_address

MOVE = "hooks.move_endpoint"
# How the words of an event lead on to what it is about.
LEADS_ON = r":$| (about|as|at|by|for|from|in|of|on|to|with)$"


def new_salt() -> str:
    return token_hex(16)


class Endpoint(DiaryKeeper, Record):
    """An address of another system that is told of events as they happen.

    in use → paused, and back; either → ended.
    """

    class Stage(models.TextChoices):
        IN_USE = "in_use", "In use"
        PAUSED = "paused"
        ENDED = "ended"

    CLOSED = (Stage.ENDED,)
    PATH = (Stage.IN_USE,)

    name = models.CharField(max_length=80, unique=True, help_text="Which system listens there.")
    url = models.CharField("address", max_length=500, validators=[refuse_address])
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who hears when it fails."
    )
    everything = models.BooleanField("every event", default=False)
    kinds = ArrayField(models.CharField(max_length=80), verbose_name="events", default=list, blank=True)
    with_reason = models.BooleanField(
        "say why, too",
        default=False,
        help_text="The reason that somebody wrote, and the next action. They are written for us alone.",
    )
    with_names = models.BooleanField(
        "name clients, too",
        default=False,
        help_text="What a record is called and who of a client did it. These are names of people.",
    )
    # The secret is made of the house's key and this: nothing that signs stands in the table.
    salt = models.CharField(max_length=64, default=new_salt, editable=False)
    shown_at = models.DateTimeField(null=True, editable=False)
    # While one secret takes the place of another, both sign.
    salt_before = models.CharField(max_length=64, blank=True, editable=False)
    before_until = models.DateTimeField(null=True, editable=False)
    # How it does: what the rounds found.
    last_ok_at = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    rests_until = models.DateTimeField(null=True, editable=False)
    paused_because = models.CharField(max_length=300, blank=True, editable=False)
    stage = stage_field(Stage, Stage.IN_USE)

    class Meta(DiaryKeeper.Meta):
        permissions = [("move_endpoint", "Can pause, resume and end webhooks")]
        verbose_name = "webhook"
        ordering = ["name"]

    def __str__(self):
        return self.name

    @classmethod
    def reach(cls, user) -> models.Q:
        """Where the house's events go is for those who look after it."""
        return models.Q() if user.has_perm("hooks.view_endpoint") else models.Q(pk__in=[])

    def within_reach(self, user, to: str) -> bool:
        return user.has_perm("hooks.view_endpoint")

    def clean(self):
        if not self.everything and not self.kinds:
            raise ValidationError({"kinds": "Choose at least one event, or every event."})

    @transition(
        stage,
        source=Stage.IN_USE,
        target=Stage.PAUSED,
        permission=MOVE,
        label="Pause",
        past="paused",
        asks=REASON,
    )
    def pause(self, *, by, reason):
        """Send nothing for now. What happens meanwhile is kept, and goes when it is resumed."""
        self.paused_because = reason[:300]

    @transition(stage, source=Stage.PAUSED, target=Stage.IN_USE, permission=MOVE, label="Resume", past="resumed")
    def resume(self, *, by):
        """Send again, what waited first."""
        self.paused_because = ""
        self.begin_anew()

    def begin_anew(self):
        """Take it for mended: it does not rest, and what waits for its next try goes now, as if it never had been."""
        self.failing_since = self.rests_until = None
        self.failures = 0
        tried = self.deliveries.filter(state=Delivery.State.WAITING, first_at__isnull=False)
        tried.update(go_at=clock.now(), first_at=None)

    @transition(
        stage,
        source=[Stage.IN_USE, Stage.PAUSED],
        target=Stage.ENDED,
        permission=MOVE,
        label="End",
        past="ended",
        asks=REASON,
    )
    def end(self, *, by, reason):
        """Send nothing any more; what waits is dropped."""
        waiting = self.deliveries.filter(state=Delivery.State.WAITING)
        waiting.update(state=Delivery.State.DROPPED, settled_at=timezone.now(), trouble="The webhook was ended.")


class Delivery(models.Model):
    """One event that is owed to one endpoint. The database writes it along with the event."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up", "Given up"
        DROPPED = "dropped"

    SETTLED = (State.DELIVERED, State.GIVEN_UP, State.DROPPED)

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="deliveries")
    # None: somebody tries the endpoint out.
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="+")
    diary_id = models.BigIntegerField(null=True)
    verb = models.CharField(max_length=60)
    happened_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    go_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    # The first try since it was last put into the queue: from then on it is tried for so many days.
    first_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    # As it was sent the last time.
    body = models.TextField(blank=True, db_default="")
    trouble = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="event_delivered_once")]
        indexes = [
            models.Index(fields=["endpoint", "go_at", "id"], name="hook_waits", condition=models.Q(state="waiting")),
            models.Index(fields=["endpoint"], name="hook_sending", condition=models.Q(state="sending")),
            # What of a diary is still owed: a later event waits for an earlier one.
            models.Index(
                fields=["endpoint", "diary_id", "id"],
                name="hook_owed",
                condition=models.Q(state__in=["waiting", "sending"]),
            ),
            models.Index(fields=["endpoint", "-id"], name="hook_log"),
            models.Index(fields=["endpoint", "state", "-id"], name="hook_log_by_state"),
            models.Index(fields=["endpoint", "happened_at"], name="hook_happened"),
            models.Index(fields=["settled_at"], name="hook_settled", condition=models.Q(settled_at__isnull=False)),
        ]

    def __str__(self):
        return f"{self.verb} to {self.endpoint}"

    @property
    def words(self) -> str:
        """Say in words what happened: those of the kind, or of the event where its kind is not offered by itself."""
        if self.event is None:
            return "A test"
        done = re.sub(LEADS_ON, "", self.event.past)
        return kinds.words().get(self.verb) or f"{self.verb.split('.')[0].capitalize()}: {done}"

    @property
    def event_number(self) -> str:
        """Return the number by which a receiver knows what it has already."""
        return str(self.event_id) if self.event_id else f"test-{self.pk}"


class Attempt(models.Model):
    """One try of a delivery: how long it took, and what came back."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    took = models.PositiveIntegerField("milliseconds", null=True)
    status = models.PositiveSmallIntegerField(null=True)
    said = models.CharField(max_length=300, blank=True)
    # The first letters of what came back.
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self):
        return f"{self.number}. {self.said or self.status}"
