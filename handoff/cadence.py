"""When reports are due. Days only: a day of the month that a month lacks is its last day.

A cadence names days: a weekday, a day of the month, or the last working day of it. Where it skips days off, a report
whose day is one comes on the next working day, and still covers what it would have covered. While reports rest none is
due; the first one afterwards covers every day since the last one, so that no day is lost.
"""

from calendar import day_name
from datetime import date, timedelta
from itertools import count as counting
from itertools import islice

from dateutil.relativedelta import relativedelta
from django.utils import timezone
from django.utils.formats import date_format

from opportunities.repeating import zone_of
from proposals.models import Cadence
from proposals.reportdays import DAY, MONTHS, WEEKS, first_date, in_month, is_working_day

# So many whole days lie between the last day that a report tells of and its own: in them it is written and approved.
ROOM = timedelta(days=3)


def periods(cadence, start: date, count: int, **limits) -> list[tuple[date, date, date]]:
    """Return (due, from, to) of the next reports, so many or as many as there are. `owed` says which."""
    return list(islice(owed(cadence, start, **limits), count))


def owed(cadence, start: date, *, since=None, told=(), not_before=date.min, rests=(), ends_on=date.max):
    """Yield (due, from, to) of each report that is owed on the days from `since` on.

    Each covers the days from where the last one ended to some days before the one that the cadence names, without those
    that others tell of: `told`, in their order (first and last day). What lies before and behind such days are two
    reports. None is due before `not_before`, in one of the rests, or from `ends_on` on.
    """
    first, begins = first_date(cadence, start), since
    for number in counting():
        day = named(cadence, first, number)
        ends = last_told(cadence, day)
        begins = begins or last_told(cadence, named(cadence, first, number - 1)) + DAY
        if not (left := untold(begins, ends, told)):
            continue
        due = due_on(cadence, day)
        if due >= ends_on:
            return
        if due >= not_before and not any(rest_on <= due <= rest_until for rest_on, rest_until in rests):
            for period in left:
                yield due, *period
            begins = ends + DAY


def untold(begins: date, ends: date, told) -> list[tuple[date, date]]:
    """Return what is left of these days without those that were told of: first and last day of each stretch."""
    left = []
    for first, last in told:
        if first > ends:
            break
        if begins < first:
            left.append((begins, first - DAY))
        begins = max(begins, last + DAY)
    return [*left, (begins, ends)] if begins <= ends else left


def resumed(rests, day: date) -> list[tuple[date, date]]:
    """Return these rests as they are when reports come again from a day on: the one around it ends before."""
    cut = [(first, min(last, day - DAY) if first <= day <= last else last) for first, last in rests]
    return [(first, last) for first, last in cut if first <= last]


def named(cadence, first: date, number: int) -> date:
    """Return the day that a cadence names so many intervals after the first, or before it."""
    if cadence.frequency in WEEKS:
        return first + timedelta(weeks=WEEKS[cadence.frequency] * number)
    # Always counted from the first one: counted from each other, the 31st would stick at the 28th of February.
    month = first + relativedelta(months=MONTHS[cadence.frequency] * number)
    return in_month(cadence, month, first.day)


def last_told(cadence, day: date) -> date:
    """Return the last day that the report of a day tells of: there is room to write it.

    One of the first half of a month tells of whole months, as everything that it is compared with does.
    """
    latest, month_end = day - ROOM - DAY, day.replace(day=1) - DAY
    whole_months = cadence.frequency in MONTHS and month_end <= latest and day.day <= 15
    return month_end if whole_months else latest


def due_on(cadence, day: date) -> date:
    """Return the day on which a report is due whose day this is."""
    while cadence.skips_days_off and not is_working_day(cadence, day):
        day += DAY
    return day


def next_working_day(cadence, day: date) -> date:
    """Return the first day from this one on that people work on where the client is."""
    while not is_working_day(cadence, day):
        day += DAY
    return day


def today(time_zone: str, at=None) -> date:
    """Return the day that it is in a time zone, or that it was at some moment."""
    return timezone.localdate(at, timezone=zone_of(time_zone))


def rest_in_words(first: date, last: date) -> str:
    return f"Reports rest from {date_format(first, 'D j M Y')} until {date_format(last, 'D j M Y')}"


def end_in_words(first: date) -> str:
    return f"Reports end: none comes from {date_format(first, 'D j M Y')} on"


def in_words(terms) -> str:
    """Say on which days reports come: "monthly, on day 1, or on the next working day"."""
    often = Cadence(terms.frequency).label
    if terms.frequency in WEEKS:
        day = "on no day yet" if terms.weekday is None else f"on {day_name[terms.weekday]}"
    elif terms.on_last_working_day:
        return f"{often.lower()}, on the last working day of the month"
    else:
        day = f"on day {terms.day}" if terms.day else "on no day yet"
    moved = ", or on the next working day" if terms.skips_days_off else ""
    return f"{often.lower()}, {day}{moved}"
