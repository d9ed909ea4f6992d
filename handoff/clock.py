"""What falls due in delivery: reports to write, and reports that never came."""

from datetime import timedelta
from itertools import count

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format

from opportunities import clock, followups, notices
from opportunities.models import Notice, Task
from opportunities.records import Opens, edit, lock
from proposals.asking import holders_of
from proposals.policies import right_for

from . import alarms, cadence, owing, publishing
from .models import CadenceChange, Project, Report, ReportingCadence
from .models.report import AHEAD
from .reactions import open_report_task

# A report's task opens so long before it is due; so long after it, the report counts as missed.
BEFORE = timedelta(days=5)
AFTER = timedelta(days=5)
BATCH = 50
# What ends the key of what a manager is told about a client who was told nothing.
UNTOLD = ":untold"


def run() -> dict:
    """Owe the reports that come next, open their tasks, mark what was missed, tell of the late. Return the counts."""
    return {
        "reports_ahead": keep_reports_ahead(),
        "report_tasks": open_report_tasks(),
        "missed_reports": mark_missed(),
        "late_reports": mark_late(),
        "late_blockers": alarms.tell_of_late_blockers(),
        "untold_clients": tell_managers(),
    }


def keep_reports_ahead() -> int:
    """Let enough reports stand ahead of every client, also of one whose last ones never came. Return how many moved."""
    today = clock.today()
    ahead = Q(reports__stage__in=Report.UNPUBLISHED, reports__due_on__gte=today)
    over = CadenceChange.objects.filter(stage="approved", kind="end", first_on__lte=today)
    again = CadenceChange.objects.filter(stage="approved", kind="again", cadence=OuterRef("cadence"))
    over = over.exclude(Exists(again.filter(decided_at__gte=OuterRef("decided_at"))))
    owes = ReportingCadence.objects.exclude(first_due_on=None).exclude(project__stage__in=Project.CLOSED)
    few = owes.exclude(pk__in=over.values("cadence")).annotate(ahead=Count("reports", filter=ahead))
    return sum(once(terms, owe_more) for terms in few.filter(ahead__lt=AHEAD).order_by("pk"))


def owe_more(terms):
    if not (new := terms.schedule(by=None)):
        return None
    # Its client reads when the next one comes: no day that has passed.
    publishing.show_project(terms.project)
    return new


def open_report_tasks() -> int:
    """Open the task of each report that is due soon, once."""
    told = Task.objects.filter(record_type=Report.label()).values("record_id")
    soon = Report.objects.filter(stage="scheduled", due_on__lte=timezone.localdate() + BEFORE).exclude(pk__in=told)
    return sum(once(report, open_report_task) for report in soon.order_by("due_on")[:BATCH])


def mark_missed() -> int:
    """Mark each report that did not come, and ask its owner why."""
    missed = Report.objects.owed().filter(owing.is_past(by=AFTER)).exclude(breach="missed")
    return sum(once(report, miss) for report in missed.order_by("due_on")[:BATCH])


def mark_late() -> int:
    """Mark each report whose day has passed where the client is: from then on it is its owner's of that day."""
    late = Report.objects.owed().filter(owing.is_past(), breach="")
    return sum(once(report, be_late) for report in late.order_by("due_on", "pk")[:BATCH])


def tell_managers() -> int:
    """Tell who manages the owner of a late report that its client heard nothing for a working day. Once each."""
    late = Report.objects.owed().filter(owing.is_past()).exclude(pk__in=Report.with_notice())
    told = Notice.objects.filter(kind=Notice.Kind.BREACH, record_type=Report.label(), key__endswith=UNTOLD)
    late = late.exclude(pk__in=told.values("record_id")).select_related("owner", "cadence", "project__client")
    rows: list = []
    for report in by_batches(late.order_by("due_on", "pk")):
        # Whoever has nobody who could be told takes no place of others.
        if len(rows) >= BATCH:
            break
        # Late from the day after; then a whole working day has to pass where the client is.
        first = cadence.next_working_day(report.cadence, report.due_on + cadence.DAY)
        if cadence.today(report.cadence.time_zone) <= first:
            continue
        words = f"{report} is late, and {report.project.client} was not told: {report.owner} has not written to them."
        about = (Notice.Kind.BREACH, words, report.staff_url("late"), f"{report.pk}{UNTOLD}", report)
        rows += [(manager, *about) for manager in who_manages(report)]
    notices.tell_all(rows)
    return len(rows)


def by_batches(rows):
    """Yield all of these, a batch at a time."""
    for start in count(0, BATCH):
        yield from (batch := rows[start : start + BATCH])
        if len(batch) < BATCH:
            return


def who_manages(report) -> list:
    """Return who manages the owner of a report; where nobody does, whoever may approve its notice and reaches it."""
    if managers := list(report.owner.managers()):
        return managers
    others = holders_of(right_for("summary")).exclude(pk=report.owner_id)
    return [user for user in others if report.within_reach(user, "change")]


@transaction.atomic
def once(record, do) -> bool:
    """Do something to a report or a cadence under its lock, so that of two workers the second finds it done."""
    return do(lock(record)) is not None


def be_late(report):
    if report.breach or not report.is_late:
        return None
    return edit(report, by=None, **report.broken(Report.Breach.LATE), reason=its_day(report))


def miss(report):
    if report.breach == Report.Breach.MISSED or not report.is_open:
        return None
    edit(report, by=None, **report.broken(Report.Breach.MISSED), reason=its_day(report))
    return followups.open_task(report, Opens("report", "Say why it was missed, and publish it", 1), by=None)


def its_day(report) -> str:
    return f"It was due on {date_format(report.due_on, 'D j M Y')}."
