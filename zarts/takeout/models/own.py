"""What a person takes out of what they own: who asked, how far it is, and its pieces until it is forgotten."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

# It can be downloaded for so long.
KEPT = timedelta(days=7)


class OwnTakeout(models.Model):
    """One asking for everything that a person owns, or for everybody's.

    asked → ready, and gone when its days are over; or failed.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Being made"
        READY = "ready"
        FAILED = "failed", "Not made"
        GONE = "gone", "Removed"

    # Who asked, and nobody else downloads it.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Whose records it holds; nobody's in particular: everybody's.
    whose = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=6, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    # How many rows each file has so far, which file is written now, and the last record in it.
    counts = models.JSONField(default=dict)
    file = models.PositiveSmallIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    of = models.PositiveIntegerField(default=0)
    trouble = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(state="asked"), name="one_takeout_at_a_time_each"
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="takeout_due", condition=models.Q(state="asked")),
            models.Index(
                fields=["gone_at"], name="takeout_to_forget", condition=models.Q(state__in=["ready", "failed"])
            ),
            models.Index(fields=["user", "-id"], name="takeout_of_user"),
        ]

    def __str__(self):
        return f"Everything of {self.whose}" if self.whose else "Everything of everybody"

    @property
    def is_at_work(self) -> bool:
        return self.state == self.State.ASKED

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // max(self.of, 1))

    @property
    def progress(self) -> str:
        return f"{self.done:,} of {self.of:,} rows"


class OwnPiece(models.Model):
    """A piece of one of its files, pressed. It waits in the database, so that any process can go on and hand it out."""

    of = models.ForeignKey(OwnTakeout, models.PROTECT, related_name="pieces")
    file = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["of", "file", "number"], name="takeout_piece_once")]

    def __str__(self):
        return f"{self.of}, file {self.file}, piece {self.number}"
