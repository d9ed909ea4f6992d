"""What is done to many rows of a list at once, row by row, and how far it has come."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

# So long after the last row what was done can be undone.
UNDO_FOR = timedelta(minutes=30)


class BulkChange(models.Model):
    """One thing done to many rows. Each row changes by itself, with its own event, or says why not."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Which list, what is done there, and what was answered when it was asked how.
    list = models.CharField(max_length=60)
    do = models.CharField(max_length=20)
    answers = models.JSONField(default=dict)
    # What the person read before they said yes: "Give 12 tasks to Ana?"
    words = models.CharField(max_length=300)
    total = models.PositiveIntegerField(default=0)
    # One that set nothing back leaves the way to another.
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="undone_by")
    # The address of the list, to go back to.
    back = models.CharField(max_length=2000, blank=True)
    at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["id"], name="bulk_change_due", condition=models.Q(ended_at=None))]

    def __str__(self):
        return self.words

    @property
    def undo_until(self):
        """Return until when what it did can be set back; nothing while it is at work, and for what undid another."""
        return self.ended_at + UNDO_FOR if self.ended_at and not self.undoes_id else None

    @property
    def may_be_undone(self) -> bool:
        """Whether it can still be set back, as far as the clock goes."""
        return self.undo_until is not None and timezone.now() < self.undo_until


class BulkRow(models.Model):
    """One row of it: what became of it, and what to set back should it be undone."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        SAME = "same"
        REFUSED = "refused"
        GONE = "gone"

    change = models.ForeignKey(BulkChange, models.PROTECT, related_name="rows")
    record_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    subject = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    # The fields that it changed: {"owner": [3, 7]}. Empty where nothing can be set back.
    changed = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["change", "state", "id"], name="bulk_row_of_change")]

    def __str__(self):
        return self.subject or f"Row {self.record_id}"
