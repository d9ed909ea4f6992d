"""When a task that repeats is due next: at the same hour where it was said, whatever the clocks there do."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from .models import Task

Repeats = Task.Repeats
ONE = timedelta(days=1)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name; the agency's where there is none of that name."""
    try:
        return ZoneInfo(name or settings.TIME_ZONE)
    except (KeyError, ValueError, OSError):  # what is no time zone is no key, no path, or a folder
        return ZoneInfo(settings.TIME_ZONE)


def moment(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """Return when it is this hour of a day in a zone.

    An hour that the clocks leave out moves forward with them; of one that comes twice it is the first.
    """
    return datetime.combine(day, hour.replace(fold=0), tzinfo=zone).astimezone(UTC)


def following(first: datetime, repeats: str, zone: ZoneInfo, after: datetime) -> datetime:
    """Return the next time of a rhythm after a moment. `first` says its hour, its weekday or its day of the month."""
    start = first.astimezone(zone)
    falls_on = RHYTHMS[repeats]
    day = max(start.date(), after.astimezone(zone).date())
    while not (falls_on(start.date(), day) and moment(day, start.time(), zone) > after):
        day += ONE
    return moment(day, start.time(), zone)


# -- On which days a rhythm falls that began on a day. -----------------------------------------------------------------


def every_day(first: date, day: date) -> bool:
    return True


def every_workday(first: date, day: date) -> bool:
    return day.weekday() < 5


def every_week(first: date, day: date) -> bool:
    return day.weekday() == first.weekday()


def every_month(first: date, day: date) -> bool:
    """The last day of a month stays the last; a day that a month has not is its last."""
    last = last_of(day)
    return day.day == (last if first.day == last_of(first) else min(first.day, last))


def last_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]


RHYTHMS: dict = {
    Repeats.DAILY: every_day,
    Repeats.WORKDAYS: every_workday,
    Repeats.WEEKLY: every_week,
    Repeats.MONTHLY: every_month,
}


# -- The next one. -----------------------------------------------------------------------------------------------------


def next_due(task, now: datetime) -> datetime | None:
    """Return when the next one of a task's series is due; None where the series ends.

    What was done early or late changes nothing about the rhythm, and what was missed meanwhile is not owed any more.
    """
    if not task.repeats:
        return None
    zone = zone_of(task.time_zone)
    due = following(task.repeats_from or task.due_at, task.repeats, zone, max(task.due_at, now))
    if task.repeats_until and due.astimezone(zone).date() > task.repeats_until:
        return None
    return due


# What the next one has from the one before it.
SAME: tuple[str, ...] = ("opportunity", "lead", "kind", "title", "time_zone", "promised_to", "repeats", "repeats_until")
SAME += ("contact", "purpose", "template", "subject", "words", "record_type", "record_id")


def unborn(task, due: datetime) -> Task:
    """Return the next one of a task's series, due then, for its owner or for whoever has the deal by now."""
    window = task.not_after and due + (task.not_after - task.due_at)
    owner = task.owner if task.owner.is_active else task.parent.owner
    same = {name: getattr(task, name) for name in SAME}
    first = task.repeats_from or task.due_at
    return Task(**same, owner=owner, due_at=due, not_after=window, repeats_from=first, follows=task)
