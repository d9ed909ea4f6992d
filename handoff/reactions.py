"""What delivery does when something below it moves, and when its own records move."""

from django.utils import timezone

from opportunities import followups, notices
from opportunities.models import Notice, Task
from opportunities.records import ClientSafe, Opens, edit, perform, reacts_to
from proposals.models import Contract, Proposal, Summary
from proposals.publishing import withdraw

from . import inherit, publishing, standing
from .models import LaunchBlocker, Report


@reacts_to("opportunity.win")
def make_what_delivery_inherits(opportunity, event):
    """Winning makes everything once, in its own transaction."""
    inherit.inherit(opportunity, by=event.actor)


@reacts_to("handoff.accept")
def leave_it_to_delivery(handoff, event):
    """The opportunity is handed off when delivery accepts."""
    if handoff.opportunity.stage == "won":
        perform(handoff.opportunity.hand_off, by=None)
    publishing.show_project(handoff.project)


@reacts_to("project.go_live")
def prepare_the_first_report(project, event):
    """A live project always has its next step: the report that is owed first."""
    if report := project.reports.filter(stage="scheduled").first():
        open_report_task(report)


@reacts_to("project.edit")
def move_the_list_with_the_kickoff(project, facts):
    """A new kickoff moves what is still open on the onboarding list, and its tasks."""
    if "kickoff_on" not in facts:
        return
    for item in project.items.filter(stage="open"):
        item = edit(item, by=None, due_on=item.planned_for(project.kickoff_on), reason="The kickoff moved.")
        inherit.promise_item(item, by=None)
        move_tasks(item)


@reacts_to("reportingcadence.edit")
def move_the_reports_with_the_cadence(terms, facts):
    """Other days move the reports that nobody began to write, and their tasks."""
    if {"frequency", "weekday", "day", "on_last_working_day", "skips_days_off", "country", "first_due_on"} & set(facts):
        for report in terms.schedule_again():
            move_tasks(report)
        terms.schedule(by=None)


def move_tasks(record):
    """Move the open tasks of a record to its new day."""
    if record.due_on:
        due_at = followups.end_of_day(record.due_on)
        for task in Task.objects.about(record).exclude(stage__in=Task.CLOSED).exclude(due_at=due_at):
            edit(task, by=None, due_at=due_at, told_at=None, reason="Its day moved.")


@reacts_to(
    "handoff.edit", "project.edit", "checklistitem.edit", "launchblocker.edit", "report.edit", "reportingcadence.edit"
)
def let_the_new_owner_work(record, facts):
    """Whoever takes over a record of delivery's can reach the opportunity that it belongs to."""
    if user := getattr(record, "owner", None) if "owner" in facts else None:
        opportunity = record
        while opportunity.label() != "opportunities.opportunity":
            opportunity = opportunity.parent
        inherit.let_work(user, opportunity, by=None)


@reacts_to("project.make_ready", "project.go_live", "project.close", "project.edit")
def show_the_project(project, event):
    """The client's pages follow the project."""
    publishing.show_project(project)


@reacts_to(
    "checklistitem.finish",
    "checklistitem.waive",
    "checklistitem.edit",
    "launchblocker.clear",
    "launchblocker.edit",
    "connector.grant",
    "connector.verify",
    "connector.fail",
    "connector.revoke",
    "connector.request",
)
def show_the_step(record, event):
    """The client's onboarding page follows each step."""
    publishing.show_project(record.project)


@reacts_to("summary.approve", "summary.fall_back", "summary.send_back", "summary.withdraw")
def show_blockers_in_approved_words(summary, event):
    """A blocker stands on the client's page exactly while its words are approved."""
    for blocker in LaunchBlocker.objects.filter(summary=summary, stage="open").select_related("project"):
        publishing.show_project(blocker.project)


@reacts_to("summary.withdraw")
def take_back_what_said_it(summary, event):
    """A report leaves the client's pages with its words. That it came, and when, stays."""
    for report in Report.objects.filter(summary=summary, stage="published", client_safe="published"):
        withdraw(report, event.reason)
        publishing.hold_mails(report, "report", "The words of the report were withdrawn.")
        report = edit(report, by=None, client_safe=ClientSafe.WITHDRAWN, reason="Its words were withdrawn.")
        followups.open_task(report, Opens("report", "Tell the client why this is gone", 1), by=None)


@reacts_to("report.edit")
def tell_of_a_breach(report, facts):
    """A report that was missed is told to whoever owes it. The clock tells of one that is late."""
    if "breach" in facts and report.breach:
        words = f"{report} was {report.get_breach_display().lower()}: say why."
        about = {"key": f"{report.pk}:{report.breach}", "about": report}
        notices.tell(report.owner, Notice.Kind.BREACH, words, report.staff_url(), **about)


@reacts_to("report.publish")
def send_the_report(report, event):
    """Whoever reads the reports gets a mail. What said that this one is late is over."""
    publishing.hold_mails(report, "report_notice", "The report is there.")
    publishing.mail_report(report)
    for summary in report.notices.filter(stage=Summary.Stage.PUBLISHED):
        perform(summary.supersede, by=None)
    for summary in report.notices.filter(stage__in=Summary.WRITABLE):
        perform(summary.withdraw, by=None, reason="The report was published.")


@reacts_to("summary.create")
def take_the_words(summary, event):
    """Words that somebody begins for a report are its words, unless it has some that count."""
    if summary.kind != Summary.Kind.REPORT or summary.record_type != Report.label():
        return
    report = Report.objects.filter(pk=summary.record_id, project__opportunity=summary.opportunity_id).first()
    writable = (Report.Stage.SCHEDULED, Report.Stage.DRAFTING)
    if report is None or report.stage not in writable:
        return
    if report.summary is None or report.summary.stage in (Summary.Stage.WITHDRAWN, Summary.Stage.SUPERSEDED):
        edit(report, by=event.actor, summary=summary)


@reacts_to("summary.approve")
def publish_an_approved_notice(summary, event):
    """A notice waits for no page that carries it: the client waits for it."""
    if summary.kind == Summary.Kind.NOTICE:
        perform(summary.publish, by=None)


@reacts_to("summary.publish")
def show_a_notice(summary, event):
    """It stands where the report will stand, in place of an earlier one, and goes to whoever reads the reports."""
    if summary.kind != Summary.Kind.NOTICE:
        return
    report = Report.objects.get(pk=summary.record_id)
    for earlier in report.notices.filter(stage=Summary.Stage.PUBLISHED).exclude(pk=summary.pk):
        perform(earlier.supersede, by=None)
    publishing.withdraw_notices(report, "A newer notice stands there.")
    publishing.publish_notice(report, summary)
    publishing.mail_notice(report, summary)


@reacts_to("summary.withdraw")
def take_a_notice_back(summary, event):
    """A notice leaves the client's pages with its words, and its mail does not go."""
    if summary.kind == Summary.Kind.NOTICE and event.stage_from == Summary.Stage.PUBLISHED:
        report = Report.objects.get(pk=summary.record_id)
        publishing.withdraw_notices(report, event.reason)
        publishing.hold_mails(report, "report_notice", "The words in it were taken back.")


@reacts_to("report.publish")
def schedule_the_next(report, event):
    """Reports stand ready ahead of time, and the project owes the next one."""
    report.cadence.schedule(by=None)
    owed = report.project.reports.exclude(stage="published").order_by("due_on").first()
    if owed and report.project.stage == "live":
        edit(report.project, by=None, next_action="Send the next report", due_on=owed.due_on)


# Whatever carries words to the client, from its birth on.
CARRIERS = [
    f"{model._meta.model_name}.{name}"
    for model in (Proposal, Contract, Summary, Report)
    for name in ("create", *(step.name for step in model.steps()))
]


@reacts_to(*dict.fromkeys(CARRIERS), "audit.verify", "handoff.create", "project.create", "opportunity.reopen")
def keep_what_is_derived(record, event):
    """The scope of a deal and its words for the client follow what was written, approved, shown and taken back."""
    keep_standing(record)


@reacts_to("report.edit")
def keep_what_a_report_says(report, facts):
    """The same, when a published report is taken back with its words."""
    if "client_safe" in facts:
        keep_standing(report)


def keep_standing(record):
    while record.label() != "opportunities.opportunity":
        record = record.parent
    standing.keep(record)


def open_report_task(report):
    """Open the task to write a report, once."""
    if Task.objects.about(report).exists():
        return None
    days = max(0, (report.due_on - timezone.localdate()).days)
    return followups.open_task(report, Opens("report", "Write the report", days), by=None)
