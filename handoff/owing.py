"""Which reports are owed in a month, and how each stands. Each is a bounded number of reads."""

from datetime import date, timedelta
from itertools import takewhile

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, OuterRef, Q, Value

from opportunities.models import User
from proposals.models import Service

from . import cadence
from .models import Project, Report, ReportingCadence

# So many reports of a month, and choices of a filter, are shown.
MOST, CHOICES = 500, 200
# So far ahead the days of reports are worked out that do not exist yet.
AHEAD = timedelta(days=2 * 366)
SERVICE = "project__handoff__contract__proposal__service"
ALONG = ("project__client", "owner", "cadence", SERVICE)
# How a report stands, in words, in the order in which it goes wrong less.
STATES = {
    "missed": "Missed",
    "late": "Late",
    "scheduled": "Scheduled",
    "writing": "Writing",
    "in_review": "In review",
    "approved": "Approved",
    "published": "Published",
    "dropped": "Dropped",
}
WRITTEN = {"drafting": "writing"}


def state_of(report) -> str:
    """Return how a report stands: what went wrong speaks first while it is owed."""
    if report.is_open and report.breach == Report.Breach.MISSED:
        return "missed"
    return "late" if report.is_late else WRITTEN.get(report.stage, report.stage)


def said_of(report) -> str:
    """Say how a report stands. One that came keeps that it came late."""
    late = report.stage == Report.Stage.PUBLISHED and report.breach
    return f"{STATES['published']}, {report.get_breach_display().lower()}" if late else STATES[state_of(report)]


def planned(user, chosen: dict, first: date, last: date) -> list:
    """Return the reports that will be owed between two days beyond those that exist, not saved. Three queries."""
    there = ReportingCadence.objects.visible_to(user).exclude(first_due_on=None)
    for name, path in (("owner", "project__owner"), ("client", "project__client"), ("service", SERVICE)):
        there = there.filter(**{path: chosen[name]}) if chosen.get(name) else there
    there = there.exclude(project__stage__in=Project.CLOSED)
    there = (
        there.annotate(told_from=told_of("period_from"), told_to=told_of("period_to"))
        .select_related("project__client", "project__owner")
        .prefetch_related("changes")
    )
    return [
        terms.report_of(period)
        for terms in there.order_by("pk")[:MOST]
        for period in takewhile(lambda period: period[0] <= last, periods_of(terms))
        if period[0] >= first
    ]


def periods_of(terms):
    """Return what is owed beside the reports that were read along with a cadence."""
    return terms.periods_left(zip(terms.told_from, terms.told_to, strict=True))


def told_of(end):
    """Return the days on which the periods of a cadence's reports begin, or end, always in the same order."""
    kept = Q(reports__isnull=False) & ~Q(reports__stage=Report.Stage.DROPPED)
    return ArrayAgg(f"reports__{end}", filter=kept, order_by="reports__pk", default=Value([]))


def choices(user) -> list:
    """Return what the pages of reports filter by: name, label and the choices. Clients are looked up instead."""
    mine = Report.objects.visible_to(user).order_by()
    answers = Exists(mine.filter(owner=OuterRef("pk"))) | Exists(mine.filter(owed_by=OuterRef("pk")))
    owners = User.objects.filter(answers).order_by("first_name", "username")
    services = Service.objects.order_by("name")
    named = (("owner", "Owner", owners), ("service", "Service", services))
    return [(name, label, [(row.pk, str(row)) for row in rows[:CHOICES]]) for name, label, rows in named]


def is_past(*, by=timedelta(0), zones=None) -> Q:
    """Return the condition for reports whose day has passed where their client is, or passed so long ago.

    `zones` are the time zones of these clients, where they are known; else those of all clients are read.
    """
    if zones is None:
        zones = ReportingCadence.objects.order_by().values_list("time_zone", flat=True).distinct()
    by_day: dict[date, list] = {}
    for zone in zones:
        by_day.setdefault(cadence.today(zone), []).append(zone)
    found = Q(pk=None)
    for day, there in by_day.items():
        found |= Q(due_on__lt=day - by, cadence__time_zone__in=there)
    return found
