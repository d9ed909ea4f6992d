"""What falls due in delivery: reports to write, and reports that never came."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from opportunities import clock, followups, notices
from opportunities.models import Notice, Task
from opportunities.records import Opens, edit, lock
from proposals.asking import holders_of
from proposals.policies import right_for

from . import alarms, cadence
from .models import Report
from .reactions import open_report_task

# A report's task opens so long before it is due; so long after it, the report counts as missed.
BEFORE = timedelta(days=5)
AFTER = timedelta(days=5)
BATCH = 50
# What ends the key of what a manager is told about a client who was told nothing.
UNTOLD = ":untold"


def run() -> dict:
    """Open the tasks of reports that come up, mark those that were missed, tell of the late. Return the counts."""
    return {
        "report_tasks": open_report_tasks(),
        "missed_reports": mark_missed(),
        "late_reports": tell_of_late(),
        "late_blockers": alarms.tell_of_late_blockers(),
        "untold_clients": tell_managers(),
    }


def open_report_tasks() -> int:
    """Open the task of each report that is due soon, once."""
    told = Task.objects.filter(record_type=Report.label()).values("record_id")
    soon = Report.objects.filter(stage="scheduled", due_on__lte=timezone.localdate() + BEFORE).exclude(pk__in=told)
    return sum(once(report, open_report_task) for report in soon.order_by("due_on")[:BATCH])


def mark_missed() -> int:
    """Mark each report that did not come, and ask its owner why."""
    due = timezone.localdate() - AFTER
    missed = Report.objects.owed().filter(due_on__lt=due).exclude(breach="missed")
    return sum(once(report, miss) for report in missed.order_by("due_on")[:BATCH])


def tell_of_late() -> int:
    """Tell the owners of reports whose day has passed where the client is, once each."""
    late = Report.objects.owed().filter(breach="", due_on__lt=clock.today())
    late = notices.untold(late, Notice.Kind.BREACH, ":late").select_related("owner", "cadence", "project")
    words, kind = "{} is late: publish it, and say why.", Notice.Kind.BREACH
    rows = [
        (report.owner, kind, words.format(report), report.staff_url(), f"{report.pk}:late", report)
        for report in late.order_by("due_on", "pk")[:BATCH]
        if report.is_late
    ]
    notices.tell_all(rows)
    return len(rows)


def tell_managers() -> int:
    """Tell who manages the owner of a late report that its client heard nothing for a working day. Once each."""
    late = Report.objects.owed().filter(due_on__lt=clock.today()).exclude(pk__in=Report.with_notice())
    told = Notice.objects.filter(kind=Notice.Kind.BREACH, record_type=Report.label(), key__endswith=UNTOLD)
    late = late.exclude(pk__in=told.values("record_id")).select_related("owner", "cadence", "project__client")
    rows = []
    for report in late.order_by("due_on", "pk")[:BATCH]:
        # Late from the day after; then a whole working day has to pass where the client is.
        first = cadence.next_working_day(report.cadence, report.due_on + cadence.DAY)
        if cadence.today(report.cadence.time_zone) <= first:
            continue
        words = f"{report} is late, and {report.project.client} was not told: {report.owner} has not written to them."
        about = (Notice.Kind.BREACH, words, report.staff_url("late"), f"{report.pk}{UNTOLD}", report)
        rows += [(manager, *about) for manager in who_manages(report)]
    notices.tell_all(rows)
    return len(rows)


def who_manages(report) -> list:
    """Return who manages the owner of a report; where nobody does, whoever may approve its notice and reaches it."""
    if managers := list(report.owner.managers()):
        return managers
    others = holders_of(right_for("summary")).exclude(pk=report.owner_id)
    return [user for user in others if report.within_reach(user, "change")]


@transaction.atomic
def once(report, do) -> bool:
    """Do something to a report under its lock, so that of two workers the second finds it done."""
    return do(lock(report)) is not None


def miss(report):
    if report.breach == Report.Breach.MISSED or not report.is_open:
        return None
    edit(report, by=None, breach=Report.Breach.MISSED, reason=f"It was due on {date_format(report.due_on, 'D j M Y')}.")
    return followups.open_task(report, Opens("report", "Say why it was missed, and publish it", 1), by=None)
