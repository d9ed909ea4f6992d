"""When reports are due. Days only: a day of the month that a month lacks is its last day.

A cadence names days: a weekday, a day of the month, or the last working day of it. Where it skips days off, a report
whose day is one comes on the next working day, and still covers what it would have covered.
"""

from datetime import date, timedelta
from itertools import count as counting
from itertools import islice

from dateutil.relativedelta import relativedelta
from django.utils import timezone

from opportunities.conditions import holidays_of
from opportunities.repeating import zone_of

WEEKS = {"weekly": 1, "every_two_weeks": 2}
MONTHS = {"monthly": 1, "quarterly": 3}
DAY = timedelta(days=1)


def periods(cadence, start: date, count: int, *, after: date = date.min) -> list[tuple[date, date, date]]:
    """Return (due, from, to) of the next reports whose period ends after a day.

    Each covers the interval that ends on the day before the one that the cadence names.
    """
    first = first_date(cadence, start)
    ends = ((number, named(cadence, first, number) - DAY) for number in counting())
    later = ((number, end) for number, end in ends if end > after)
    return [
        (due_on(cadence, end + DAY), named(cadence, first, number - 1), end) for number, end in islice(later, count)
    ]


def first_date(cadence, start: date) -> date:
    """Return the first day from `start` on that a cadence names."""
    if cadence.frequency in WEEKS:
        weekday = start.weekday() if cadence.weekday is None else cadence.weekday
        return start + timedelta(days=(weekday - start.weekday()) % 7)
    this_month = in_month(cadence, start, start.day)
    return this_month if this_month >= start else in_month(cadence, start + relativedelta(months=1), start.day)


def named(cadence, first: date, number: int) -> date:
    """Return the day that a cadence names so many intervals after the first, or before it."""
    if cadence.frequency in WEEKS:
        return first + timedelta(weeks=WEEKS[cadence.frequency] * number)
    # Always counted from the first one: counted from each other, the 31st would stick at the 28th of February.
    month = first + relativedelta(months=MONTHS[cadence.frequency] * number)
    return in_month(cadence, month, first.day)


def in_month(cadence, month: date, usual: int) -> date:
    """Return the day that a cadence names in a month; the usual day where it names none."""
    if not cadence.on_last_working_day:
        return month + relativedelta(day=cadence.day or usual)
    day = month + relativedelta(day=31)
    while not is_working_day(cadence, day):
        day -= DAY
    return day


def due_on(cadence, day: date) -> date:
    """Return the day on which a report is due whose day this is."""
    while cadence.skips_days_off and not is_working_day(cadence, day):
        day += DAY
    return day


def is_working_day(cadence, day: date) -> bool:
    """Whether people work on a day where the client is: Monday to Friday, on no public holiday."""
    return day.weekday() < 5 and day not in holidays_of(cadence.country, day.year)


def today(time_zone: str) -> date:
    """Return the day that it is in a time zone."""
    return timezone.localdate(timezone=zone_of(time_zone))
