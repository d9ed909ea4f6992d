"""Quiet dates: days on which nobody of a client, or nobody at all, gets a follow-up."""

from django.core.exceptions import ValidationError
from django.db import models

from ..records import DiaryKeeper
from .client import Client


class QuietDate(DiaryKeeper):
    """Days on which no follow-up goes out: for everybody, or for one client."""

    first_on = models.DateField("first day")
    last_on = models.DateField("last day")
    words = models.CharField("why", max_length=120)
    client = models.ForeignKey(
        Client, models.PROTECT, null=True, blank=True, related_name="quiet_dates", help_text="Empty: for everybody."
    )

    class Meta(DiaryKeeper.Meta):
        verbose_name = "quiet date"
        constraints = [
            models.CheckConstraint(
                name="quiet_dates_run_forward", condition=models.Q(last_on__gte=models.F("first_on"))
            )
        ]
        indexes = [models.Index(fields=["last_on"], name="quiet_by_end")]

    def __str__(self):
        return self.words

    def clean(self):
        if self.first_on and self.last_on and self.last_on < self.first_on:
            raise ValidationError({"last_on": "Choose the first day, or one after it."})
