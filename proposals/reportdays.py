"""The days that an agreement about reports names: a weekday, a day of the month, or the last working day of it."""

from datetime import date, timedelta
from types import SimpleNamespace

from dateutil.relativedelta import relativedelta

from opportunities.conditions import code_of, holidays_of

WEEKS = {"weekly": 1, "every_two_weeks": 2}
MONTHS = {"monthly": 1, "quarterly": 3}
DAY = timedelta(days=1)


def agreed(contract, client) -> SimpleNamespace:
    """Return what a contract says about the days. Days off, and the end of a day, are those where the client is."""
    return SimpleNamespace(
        frequency=contract.report_every,
        weekday=contract.report_weekday,
        day=contract.report_day,
        on_last_working_day=contract.report_on_last_working_day,
        skips_days_off=contract.report_skips_days_off,
        country=code_of(client.country),
        time_zone=client.time_zone,
    )


def first_date(cadence, start: date) -> date:
    """Return the first day from `start` on that a cadence names."""
    if cadence.frequency in WEEKS:
        weekday = start.weekday() if cadence.weekday is None else cadence.weekday
        return start + timedelta(days=(weekday - start.weekday()) % 7)
    this_month = in_month(cadence, start, start.day)
    return this_month if this_month >= start else in_month(cadence, start + relativedelta(months=1), start.day)


def in_month(cadence, month: date, usual: int) -> date:
    """Return the day that a cadence names in a month; the usual day where it names none."""
    if not cadence.on_last_working_day:
        return month + relativedelta(day=cadence.day or usual)
    day = month + relativedelta(day=31)
    while not is_working_day(cadence, day):
        day -= DAY
    return day


def is_working_day(cadence, day: date) -> bool:
    """Whether people work on a day where the client is: Monday to Friday, on no public holiday."""
    return day.weekday() < 5 and day not in holidays_of(cadence.country, day.year)
