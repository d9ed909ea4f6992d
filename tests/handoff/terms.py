"""A cadence as its terms say it, and the days on which its reports are due."""

from types import SimpleNamespace

from handoff.cadence import periods


def terms(frequency, *, weekday=None, day=None, last=False, skips=False, country=""):
    days = {"weekday": weekday, "day": day, "on_last_working_day": last, "skips_days_off": skips}
    return SimpleNamespace(frequency=frequency, country=country, **days)


def due_dates(cadence, start, count):
    return [due for due, _, _ in periods(cadence, start, count)]
