"""A person's open tasks as a calendar reads them: what, when and where. Of what a client said only a title tells."""

from datetime import timedelta
from urllib.parse import urlsplit

import icalendar
from django.conf import settings
from django.db.models import Count, Max, OuterRef, Subquery

from opportunities.models import Event, Task

MOST = 500
LONG = timedelta(minutes=15)


def tasks_of(user):
    """Return what this person owes or waits with, the most urgent first, each with its lines in the diary counted."""
    told = Event.objects.filter(record_type=Task.label(), record_id=OuterRef("pk")).order_by().values("record_id")
    return (
        Task.objects.visible_to(user)
        .filter(owner=user, stage__in=[Task.Stage.OPEN, Task.Stage.PAUSED])
        .select_related("opportunity", "lead")
        .annotate(
            told=Subquery(told.annotate(lines=Count("pk")).values("lines")),
            changed_at=Subquery(told.annotate(last=Max("at")).values("last")),
        )
        .order_by("due_at", "pk")[:MOST]
    )


def feed(user) -> bytes:
    """Return the calendar. The same tasks make the same bytes."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//ZartsAlgo//Tasks//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"{settings.AGENCY_NAME}: what {user} owes")
    for task in tasks_of(user):
        calendar.add_component(entry(task))
    return calendar.to_ical()


def entry(task) -> icalendar.Event:
    """Return a task as a calendar shows it. One that waits is tentative."""
    url = f"{settings.SITE_URL}{task.staff_url()}"
    shown = icalendar.Event()
    shown.add("uid", f"task-{task.pk}@{urlsplit(settings.SITE_URL).hostname or 'zarts'}")
    shown.add("dtstamp", task.changed_at)
    shown.add("last-modified", task.changed_at)
    shown.add("sequence", task.told - 1)
    shown.add("dtstart", task.due_at)
    shown.add("duration", LONG)
    shown.add("summary", task.title)
    shown.add("description", f"{task.parent}\n{url}")
    shown.add("url", url)
    shown.add("status", "CONFIRMED" if task.stage == Task.Stage.OPEN else "TENTATIVE")
    shown.add("transp", "TRANSPARENT")
    return shown
