"""When reports are due. Days only: a day of the month that a month lacks is its last day."""

from datetime import date, timedelta
from itertools import count as counting
from itertools import islice

from dateutil.relativedelta import relativedelta
from django.utils import timezone

from opportunities.repeating import zone_of

WEEKS = {"weekly": 1, "every_two_weeks": 2}
MONTHS = {"monthly": 1, "quarterly": 3}


def due_dates(cadence, start: date, count: int) -> list[date]:
    """Return the first `count` days from `start` on that fit a cadence."""
    first = first_date(cadence, start)
    return [step(cadence, first, number) for number in range(count)]


def first_date(cadence, start: date) -> date:
    """Return the first day from `start` on that fits a cadence."""
    if cadence.frequency in WEEKS:
        weekday = start.weekday() if cadence.weekday is None else cadence.weekday
        return start + timedelta(days=(weekday - start.weekday()) % 7)
    this_month = start + relativedelta(day=cadence.day or start.day)
    return this_month if this_month >= start else this_month + relativedelta(months=1, day=cadence.day or start.day)


def step(cadence, first: date, number: int) -> date:
    """Return the day that lies so many intervals after the first, or before it."""
    if cadence.frequency in WEEKS:
        return first + timedelta(weeks=WEEKS[cadence.frequency] * number)
    # Always counted from the first one: counted from each other, the 31st would stick at the 28th of February.
    return first + relativedelta(months=MONTHS[cadence.frequency] * number, day=cadence.day or first.day)


def periods(cadence, start: date, count: int, *, after: date = date.min) -> list[tuple[date, date, date]]:
    """Return (due, from, to) of the next reports: each covers the interval that ends on the day before it is due."""
    first = first_date(cadence, start)
    later = (number for number in counting() if step(cadence, first, number) > after)
    return [
        (step(cadence, first, n), step(cadence, first, n - 1), step(cadence, first, n) - timedelta(days=1))
        for n in islice(later, count)
    ]


def today(time_zone: str) -> date:
    """Return the day that it is in a time zone."""
    return timezone.localdate(timezone=zone_of(time_zone))
