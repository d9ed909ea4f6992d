"""A person's open tasks and reports as a calendar reads them: what, when and where.

Of what a client said only a title tells.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import icalendar
from django.conf import settings
from django.db.models import Count, Max, OuterRef, Subquery

from handoff.models import Report
from opportunities.models import Event, Task
from zarts.reads import rows as reads

MOST = 500
LONG = timedelta(minutes=15)


def tasks_of(user):
    """Return what this person owes or waits with, the most urgent first, each with its lines in the diary counted."""
    rows = reads.tasks.visible_to(user).filter(owner_id=user.pk, stage__in=[Task.Stage.OPEN, Task.Stage.PAUSED])
    shown = rows.only("title", "due_at", "stage", "opportunity_id", "opportunity_name", "lead_name")
    return with_diary(shown).order_by("due_at", "pk")[:MOST]


def with_diary(rows):
    """Read along how many lines the diary has about each, and when the last one was written."""
    about = {"record_type": rows.model.record.label(), "record_id": OuterRef("pk")}
    told = Event.objects.filter(**about).order_by().values("record_id")
    return rows.annotate(
        told=Subquery(told.annotate(lines=Count("pk")).values("lines")),
        changed_at=Subquery(told.annotate(last=Max("at")).values("last")),
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
    for report in reports_of(user):
        calendar.add_component(day_of(report))
    return calendar.to_ical()


def reports_of(user):
    """Return the reports that this person owes, the next one first, each with its lines in the diary counted."""
    rows = reads.reports.visible_to(user).filter(owner_id=user.pk, stage__in=Report.UNPUBLISHED)
    return with_diary(rows.only("due_on", "client_name", "time_zone")).order_by("due_on", "pk")[:MOST]


def day_of(report) -> icalendar.Event:
    """Return a report as a calendar shows it: on the whole day on which it is due where the client is."""
    shown = of_record(report, f"report-{report.pk}")
    shown.add("dtstart", report.due_on)
    shown.add("summary", f"Report for {report.client_name}")
    shown.add("description", f"Due in {report.time_zone}\n{url_of(report)}")
    shown.add("status", "CONFIRMED")
    return shown


def entry(task) -> icalendar.Event:
    """Return a task as a calendar shows it. One that waits is tentative."""
    shown = of_record(task, f"task-{task.pk}")
    shown.add("dtstart", task.due_at)
    shown.add("duration", LONG)
    shown.add("summary", task.title)
    shown.add("description", f"{task.about}\n{url_of(task)}")
    shown.add("status", "CONFIRMED" if task.stage == Task.Stage.OPEN else "TENTATIVE")
    return shown


def of_record(record, uid) -> icalendar.Event:
    """Return what a calendar needs of either: by its diary it tells an older copy from a newer one."""
    shown = icalendar.Event()
    shown.add("uid", f"{uid}@{urlsplit(settings.SITE_URL).hostname or 'zarts'}")
    shown.add("dtstamp", record.changed_at)
    shown.add("last-modified", record.changed_at)
    shown.add("sequence", record.told - 1)
    shown.add("url", url_of(record))
    shown.add("transp", "TRANSPARENT")
    return shown


def url_of(record) -> str:
    return f"{settings.SITE_URL}{record.staff_url()}"
