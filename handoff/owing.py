"""Which reports are owed in a month, how each stands, and how reliably they came. Each is a bounded number of reads."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Q, Value
from django.db.models.functions import Coalesce, Concat, Trim

from opportunities.models import Client, User
from proposals.models import Service

from . import cadence
from .models import Project, Report, ReportingCadence

# So many reports of a month, choices of a filter, and rows of a table are shown.
MOST, CHOICES, ROWS = 500, 200, 50
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


def reports_of(user):
    """Return the reports that somebody may see, with what a page says of each."""
    return Report.objects.visible_to(user).select_related(*ALONG).order_by("due_on", "pk")


def planned(user, chosen: dict, first: date, last: date) -> list:
    """Return the reports that will be owed between two days beyond those that exist, not saved. Three queries."""
    there = ReportingCadence.objects.visible_to(user).exclude(first_due_on=None)
    there = narrowed(there.exclude(project__stage__in=Project.CLOSED), chosen, owner="project__owner")
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


def narrowed(rows, chosen: dict, owner="owner"):
    """Return those of these reports that belong to the owner, the client and the service that were chosen."""
    for name, path in (("owner", owner), ("client", "project__client"), ("service", SERVICE)):
        if chosen.get(name):
            rows = rows.filter(**{path: chosen[name]})
    return rows


def choices(user) -> list:
    """Return what the pages of reports filter by: name, label and the choices, each of reports that one may see."""
    mine = Report.objects.visible_to(user).order_by()
    owners = User.objects.filter(Q(pk__in=mine.values("owner")) | Q(pk__in=mine.values("owed_by"))).order_by(
        "first_name", "username"
    )
    clients = Client.objects.filter(pk__in=mine.values("project__client")).order_by("name")
    services = Service.objects.filter(pk__in=mine.values(SERVICE)).order_by("name")
    named = (("owner", "Owner", owners), ("client", "Client", clients), ("service", "Service", services))
    return [(name, label, [(row.pk, str(row)) for row in rows[:CHOICES]]) for name, label, rows in named]


# -- How reliably they came. -------------------------------------------------------------------------------------------


@dataclass
class Kept:
    """How many reports of one client, service or person came in time, late, or not for days."""

    pk: int | None
    name: str
    on_time: int
    late: int
    missed: int

    @property
    def count(self) -> int:
        return self.on_time + self.late + self.missed

    @property
    def share(self) -> int:
        """Return how many of a hundred came in time, never rounded up to all of them."""
        return 100 * self.on_time // self.count

    @property
    def bars(self) -> list:
        """Return the parts of its bar: the kind, where it begins and how long it is, of a hundred."""
        parts, at = [], 0.0
        for kind in ("on_time", "late", "missed"):
            wide = 100 * getattr(self, kind) / self.count
            parts += [(kind, round(at, 2), round(wide, 2))] if wide else []
            at += wide
        return parts


def is_past(*, by=timedelta(0)) -> Q:
    """Return the condition for reports whose day has passed where their client is, or passed so long ago."""
    zones = ReportingCadence.objects.order_by().values_list("time_zone", flat=True).distinct()
    by_day: dict[date, list] = {}
    for zone in zones:
        by_day.setdefault(cadence.today(zone), []).append(zone)
    found = Q(pk=None)
    for day, there in by_day.items():
        found |= Q(due_on__lt=day - by, cadence__time_zone__in=there)
    return found


def kinds() -> dict[str, Q]:
    """Return the condition for each way in which a report came or did not. One that was dropped keeps its breach."""
    # For the moments until the clock marks it.
    lags = Q(stage__in=Report.UNPUBLISHED, breach="") & is_past()
    return {
        "on_time": Q(stage=Report.Stage.PUBLISHED, breach=""),
        "late": Q(breach=Report.Breach.LATE) | lags,
        "missed": Q(breach=Report.Breach.MISSED),
    }


def answered_for(rows):
    """Say with each report who answers for it: whoever owned it when its day passed, and else its owner."""
    return rows.annotate(answers=Coalesce("owed_by", "owner"))


def reliability(rows) -> dict[str, list[Kept]]:
    """Return by client, by service and by owner how these reports came, whoever owes most first."""
    rows = answered_for(rows)
    counts = {kind: Count("pk", filter=condition) for kind, condition in kinds().items()}
    found = {}
    for name, path, label in (
        ("client", "project__client", F("project__client__name")),
        ("service", SERVICE, F(f"{SERVICE}__name")),
        ("owner", "answers", Trim(Concat(their("first_name"), Value(" "), their("last_name")))),
    ):
        groups = rows.order_by().values(key=F(path), name=label).annotate(**counts)
        some = groups.filter(Q(on_time__gt=0) | Q(late__gt=0) | Q(missed__gt=0))
        lines = some.order_by("-missed", "-late", "-on_time", "name")[:ROWS]
        found[name] = [
            Kept(line["key"], line["name"] or "Without one", line["on_time"], line["late"], line["missed"])
            for line in lines
        ]
    return found


def their(name):
    """Return a part of the name of whoever answers for a report."""
    return Coalesce(f"owed_by__{name}", f"owner__{name}")


def due_between(rows, first: date, last: date):
    return rows.filter(due_on__gte=first, due_on__lte=last)


def since(days: int, today: date) -> date:
    return today - timedelta(days=days)
