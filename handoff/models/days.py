"""The days on which reports come: what a contract agrees, a cadence keeps and a change asks to have otherwise."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.formats import date_format

from opportunities.models.client import countries
from opportunities.models.user import known_time_zone
from proposals import reportdays
from proposals.models import Cadence, Contract

from .. import cadence

WEEKDAYS = Contract._meta.get_field("report_weekday").choices
# What is agreed about the days, and changes by an approved change only.
TERMS = (
    "frequency",
    "weekday",
    "day",
    "on_last_working_day",
    "skips_days_off",
    "country",
    "time_zone",
    "first_due_on",
)


class Days(models.Model):
    """On which days reports come."""

    frequency = models.CharField(max_length=16, choices=Cadence, default=Cadence.MONTHLY)
    weekday = models.PositiveSmallIntegerField("on weekday", choices=WEEKDAYS, null=True, blank=True)
    day = models.PositiveSmallIntegerField(
        "on day of the month",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text="31 is the last day of a short month.",
    )
    on_last_working_day = models.BooleanField(
        "on the last working day of the month", default=False, help_text="Instead of a day of the month."
    )
    skips_days_off = models.BooleanField(
        "on the next working day, when that is none",
        default=True,
        help_text="Saturdays, Sundays and the public holidays of the client's country.",
    )
    country = models.CharField(
        "whose holidays count", max_length=2, blank=True, choices=countries, help_text="Where the client works."
    )
    time_zone = models.CharField(max_length=40, default="UTC", validators=[known_time_zone])
    first_due_on = models.DateField("first report on", null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def terms(self) -> dict:
        return {name: getattr(self, name) for name in TERMS}

    @property
    def days_in_words(self) -> str:
        """Say all of it: whatever is left out here could change and nobody who approves it would see."""
        first = f"the first on {date_format(self.first_due_on, 'j M Y')}" if self.first_due_on else "no first day yet"
        holidays = f" and the holidays of {self.get_country_display()}" if self.country else ""
        return f"{cadence.in_words(self)}; {first}; by the time of {self.time_zone}{holidays}"

    def clean(self):
        by_week = self.frequency in (Cadence.WEEKLY, Cadence.EVERY_TWO_WEEKS)
        if by_week and self.weekday is None:
            raise ValidationError({"weekday": "Choose the weekday."})
        if by_week and self.on_last_working_day:
            raise ValidationError({"on_last_working_day": "Reports of a week come on its weekday. Untick this."})
        if not by_week and self.day is None and not self.on_last_working_day:
            raise ValidationError({"day": "Choose the day of the month."})


def agreed(contract, client) -> dict:
    """Return what a contract says about the days, with the first one that it names."""
    days, first = reportdays.agreed(contract, client), contract.first_report_on
    return {**vars(days), "first_due_on": first and reportdays.first_date(days, first)}
