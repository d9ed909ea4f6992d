"""The agency's working time: Monday to Friday from 9 to 17 in its time zone, without its holidays and quiet dates."""

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from opportunities.conditions import holidays_of
from opportunities.models import QuietDate

BEGINS, ENDS = time(9), time(17)
# A working day, in hours.
A_DAY = 8
# So many days ahead an end is looked for; the longest time that a rule allows ends long before.
AHEAD = 400


class Calendar:
    """The working time of the agency. The quiet dates of everybody are read once."""

    def __init__(self):
        self.quiet = list(QuietDate.objects.filter(client=None).values_list("first_on", "last_on"))

    def is_off(self, day) -> bool:
        """Whether nobody of the agency works on this day."""
        if day.isoweekday() > 5 or day in holidays_of(settings.AGENCY_COUNTRY, day.year):
            return True
        return any(first <= day <= last for first, last in self.quiet)

    def days(self, first):
        """Yield when each working day from this one on begins and ends."""
        # In UTC: two times of one zone would be compared by their faces, which on the day of a change are wrong.
        zone = timezone.get_default_timezone()
        for day in (first + timedelta(days=number) for number in range(AHEAD)):
            if not self.is_off(day):
                yield tuple(datetime.combine(day, at, zone).astimezone(UTC) for at in (BEGINS, ENDS))

    def after(self, start, hours) -> datetime:
        """Return the moment at which so many working hours have passed since another."""
        left = timedelta(hours=float(hours))
        for begins, ends in self.days(day_of(start)):
            begins = max(begins, start)
            if begins + left <= ends:
                return begins + left
            left -= max(ends - begins, timedelta())
        return start + timedelta(days=AHEAD)

    def hours_between(self, start, end) -> float:
        """Return how many working hours lie between two moments."""
        found = timedelta()
        for begins, ends in self.days(day_of(start)):
            if begins >= end:
                break
            found += max(min(ends, end) - max(begins, start), timedelta())
        return found.total_seconds() / 3600


def day_of(moment):
    return timezone.localdate(moment, timezone.get_default_timezone())
