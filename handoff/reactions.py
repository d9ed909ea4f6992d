"""What delivery does when something below it moves, and when its own records move."""

from django.db.models import Q
from django.utils import timezone

from opportunities import followups, leaving, notices
from opportunities.models import Notice, Task
from opportunities.records import ClientSafe, Opens, begin, edit, perform, reacts_to
from proposals.models import Contract, Proposal, Summary
from proposals.publishing import withdraw

from . import alarms, cadence, inherit, policies, publishing, scope, standing
from .models import (
    CadenceChange,
    ChecklistItem,
    Connector,
    Handoff,
    LaunchBlocker,
    OutOfScope,
    Project,
    Promise,
    Report,
)
from .models.days import TERMS


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
    """A live project always has its next step: the report that is owed first, or what is left where one came before."""
    if report := project.reports.filter(stage="scheduled").first():
        open_report_task(report)
    if project.reports.filter(stage="published").exists() or project.due_on is None:
        owe_the_next(project)


@reacts_to("project.go_live")
def owe_nothing_of_onboarding(project, event):
    """A handoff whose project is live waits for nothing but its end."""
    finish_tasks(project.handoff, "The project is live.", "Bring the project live")
    edit(project.handoff, by=None, next_action="Keep what was promised", due_on=None, reason="The project is live.")


@reacts_to("project.edit")
def move_the_list_with_the_kickoff(project, facts):
    """A new kickoff moves what is still open on the onboarding list, its tasks, and the first day to report of."""
    if "kickoff_on" not in facts:
        return
    if project.kickoff_on:
        agree_no_more(project)
    elif project.stage == Project.Stage.SETUP:
        agree_again(project)
    for terms in project.cadences.all():
        terms.begin_anew()
    for item in project.items.filter(stage="open"):
        item = edit(item, by=None, due_on=item.planned_for(project.kickoff_on), reason="The kickoff moved.")
        inherit.promise_item(item, by=None)


def agree_again(project):
    """A day that was taken back is agreed anew, and until then nothing of the list has one."""
    because = "The kickoff has no day any more."
    for item in project.items.filter(stage="open"):
        cancel_tasks(item, because)
    task = followups.open_task(project, Opens("onboarding_handoff", inherit.AGREE_AGAIN, 2), by=None)
    edit(project, by=None, next_action=inherit.AGREE_AGAIN, due_on=timezone.localdate(task.due_at), reason=because)


WORK_ON = "Work through the onboarding list"


def agree_no_more(project):
    """The day that was to be agreed is there: its task is done, and the list comes next."""
    asked = (inherit.AGREE, inherit.AGREE_AGAIN)
    finish_tasks(project, "The day of the kickoff was agreed.", *asked)
    if project.next_action.startswith((*asked, WORK_ON)):
        edit(project, by=None, next_action=WORK_ON, due_on=project.kickoff_on, reason="The kickoff was agreed.")


@reacts_to("checklistitem.edit")
def keep_its_day_and_its_distance(item, facts):
    """The day of an item and its distance from the kickoff are one thing: whichever is said moves the other."""
    kickoff = item.project.kickoff_on
    if item.is_open and kickoff and "due_on" in facts and item.due_on:
        item = edit(item, by=None, offset_days=(item.due_on - kickoff).days)
    elif item.is_open and kickoff and "offset_days" in facts:
        item = edit(item, by=None, due_on=item.planned_for(kickoff))
    if {"due_on", "offset_days"} & set(facts):
        move_tasks(item)


@reacts_to("project.edit")
def hand_over_the_onboarding(project, facts):
    """Whoever takes a project over gets what its last owner still owed of it. What is late stays with who owed it."""
    tasks = Task.objects.filter(opportunity=project.opportunity_id, kind__in=["onboarding_handoff", "report"])
    owed = [
        project.items.filter(stage=ChecklistItem.Stage.OPEN),
        project.blockers.filter(stage=LaunchBlocker.Stage.OPEN),
        project.reports.filter(stage__in=Report.UNPUBLISHED, breach="", due_on__gte=timezone.localdate()),
        Handoff.objects.filter(pk=project.handoff_id).exclude(stage=Handoff.Stage.CLOSED),
        tasks.unfinished(),
    ]
    leaving.take_over(project, facts, owed)


@reacts_to("reportingcadence.edit")
def move_the_reports_with_the_cadence(terms, facts):
    """Other days move the reports that nobody began to write, and their tasks."""
    if {*TERMS, "tells_from"} & set(facts):
        for report in terms.schedule_again():
            move_tasks(report)


@reacts_to("cadencechange.create")
def have_it_decided(change, event):
    """A change of the days waits for somebody who may approve it."""
    if change.asked_by_id:
        whose = policies.may_decide_on_days
        followups.open_task(change, Opens("report", "Approve or refuse", 2, whose=whose), by=event.actor)


@reacts_to("cadencechange.approve")
def apply_the_change(change, event):
    """What was approved about the days holds from then on, and the client reads when the next report comes."""
    for report in change.apply(by=event.actor):
        move_tasks(report)
    if change.kind == CadenceChange.Kind.END:
        finish_tasks(change.cadence, change.asked, ASK_THE_END)
    publishing.show_project(Project.objects.get(pk=change.cadence.project_id))
    owe_the_next(change.cadence.project)


@reacts_to("project.close")
def owe_no_more_reports(project, event):
    """A project that is closed owes no report any more."""
    end_reports(project, event.reason)


@reacts_to("contract.end")
def owe_none_without_a_contract(contract, event):
    """Nor does a contract that has ended. What was begun, or is late, may still be sent while the project is open."""
    for project in Project.objects.filter(handoff__contract=contract).exclude(stage__in=Project.CLOSED):
        end_reports(project, event.reason)
        end_what_waits(project, f"The contract ended: {event.reason}")
        followups.open_task(project, Opens("onboarding_handoff", CLOSE, 3), by=None)
        if project.handoff.is_open:
            edit(project.handoff, by=None, next_action=CLOSE, due_on=None, reason=f"The contract ended: {event.reason}")
        publishing.show_project(project)


def end_reports(project, reason):
    """End the reports of a project by a change that follows from a move: nobody asked for it."""
    for terms in project.cadences.all():
        for change in terms.changes.filter(stage=CadenceChange.Stage.REQUESTED):
            perform(change.refuse, by=None, reason=reason)
        end = {"kind": CadenceChange.Kind.END, "first_on": terms.today, "reason": reason}
        change = begin(CadenceChange(cadence=terms, **end), by=None, past="followed:")
        perform(change.approve, by=None)


@reacts_to("project.close")
def end_what_waited_for_it(project, event):
    """What was still to be done for it ends with it. An access that works has to be given back by somebody."""
    because = f"The project was closed: {event.reason}"
    end_what_waits(project, because)
    for connector in project.connectors.exclude(stage=Connector.Stage.REVOKED):
        followups.open_task(connector, Opens("onboarding_handoff", "Give back the access", 3), by=None)
    if project.handoff.is_open:
        edit(project.handoff, by=None, next_action="Close the handoff", reason=because)
        followups.open_task(project.handoff, Opens("onboarding_handoff", "Close the handoff", 3), by=None)


def end_what_waits(project, because):
    """Ask for nothing more: of the client, and of ourselves."""
    for item in project.items.filter(stage=ChecklistItem.Stage.OPEN):
        perform(item.waive, by=None, reason=because)
    for blocker in project.blockers.filter(stage=LaunchBlocker.Stage.OPEN):
        perform(blocker.clear, by=None, reason=because)
    for connector in project.connectors.filter(stage__in=Connector.WAITS):
        perform(connector.revoke, by=None, reason=because)
    for record in (project, project.handoff):
        cancel_tasks(record, because)


def finish_tasks(record, outcome, *begins):
    """Finish the open tasks of a record whose titles begin so: what they asked for came about."""
    for task in Task.objects.about(record).unfinished():
        if task.title.startswith(begins):
            perform(task.finish, by=None, outcome=outcome)


def cancel_tasks(record, because):
    """Cancel the open tasks of a record: nobody waits for them any more."""
    for task in Task.objects.about(record).unfinished():
        perform(task.cancel, by=None, reason=because[:300])


def move_tasks(record):
    """Move the open tasks of a record to its new day."""
    if record.due_on:
        due_at = followups.end_of_day(record.due_on)
        for task in Task.objects.about(record).unfinished().exclude(due_at=due_at):
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
    "checklistitem.reopen",
    "checklistitem.waive",
    "checklistitem.edit",
    "launchblocker.clear",
    "launchblocker.edit",
    "connector.grant",
    "connector.verify",
    "connector.fail",
    "connector.revoke",
    "connector.request",
    "connector.ask_anew",
    "connector.edit",
)
def show_the_step(record, event):
    """The client's onboarding page follows each step. What ends with its project is shown with its end, at once."""
    if record.project.goes_on or isinstance(record, Connector):
        publishing.show_project(record.project)


@reacts_to("connector.create", "launchblocker.create", "checklistitem.create")
def show_what_is_new(record, event):
    """So does what is added later. While winning makes all of it, the page is shown once, at the end."""
    if record.project.handoff.stage != Handoff.Stage.PREPARING:
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
    """A report that is late, and later one that was missed, is told to whoever owes it."""
    if "breach" in facts and report.breach:
        late = report.breach == Report.Breach.LATE
        words = f"{report} is late: publish it, and say why." if late else f"{report} was missed: say why."
        about = {"key": f"{report.pk}:{report.breach}", "about": report}
        notices.tell(report.owner, Notice.Kind.BREACH, words, report.staff_url(), **about)


@reacts_to("report.publish")
def send_the_report(report, event):
    """Whoever reads the reports gets a mail. What said that this one is late is over."""
    end_notices(report, "The report is there.")
    publishing.mail_report(report)


@reacts_to("report.drop")
def tell_no_more_of_it(report, event):
    """What said that a report comes late is over when none is owed."""
    publishing.withdraw_notices(report, "It is not owed any more.")
    end_notices(report, "It is not owed any more.")


def end_notices(report, why):
    """End what was written about a report's being late, sent or not."""
    publishing.hold_mails(report, "report_notice", why)
    for summary in report.notices.filter(stage=Summary.Stage.PUBLISHED):
        perform(summary.supersede, by=None)
    for summary in report.notices.filter(stage__in=Summary.WRITABLE):
        perform(summary.withdraw, by=None, reason=why)


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
    owe_the_next(report.project)
    publishing.show_project(report.project)


CLOSE = "Close the project"


def owe_the_next(project):
    """A live project owes the report that comes next; where none is owed any more, whatever is left to do."""
    owed = project.reports.filter(stage__in=Report.UNPUBLISHED).order_by("due_on").first()
    project = Project.objects.get(pk=project.pk)
    if owed and project.stage == Project.Stage.LIVE:
        edit(project, by=None, next_action="Send the next report", due_on=owed.due_on)
    elif project.is_open and not project.goes_on:
        edit(project, by=None, next_action=CLOSE, due_on=timezone.localdate() + cadence.DAY * 3)
    elif project.stage == Project.Stage.LIVE and any(terms.is_ending for terms in project.cadences.all()):
        edit(project, by=None, next_action=f"{CLOSE} once its work is done: no report is owed", due_on=None)


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


# -- Changes of what was sold. -----------------------------------------------------------------------------------------


@reacts_to("proposal.accept")
def inherit_what_changed(proposal, event):
    """An accepted change order is delivery's in the same transaction; both owners hear of it, and it is billed."""
    if not proposal.is_change_order or not (handoff := inherit.inherit_change(proposal, by=None)):
        return
    words = f"{event.actor_name} accepted {proposal}: answer what it adds."
    about = {"key": f"{proposal.pk}:changed", "about": handoff}
    notices.tell(handoff.owner, Notice.Kind.ANSWER, words, handoff.staff_url("promises"), **about)
    if proposal.totals.first_year:
        followups.open_task(proposal, Opens("contract_step", "Bill what it costs", 2), by=None)


@reacts_to(*(f"proposal.{name}" for name in ("send", "accept", "decline", "expire", "withdraw", "supersede")))
def show_the_change(proposal, event):
    """The client sees that a change order waits for them, beside how far the work is."""
    if not proposal.is_change_order:
        return
    for handoff in Handoff.objects.filter(contract=proposal.changes).select_related("project"):
        publishing.show_project(handoff.project)


@reacts_to("promise.settle")
def measure_it_no_more(promise, event):
    """What is promised no more is reported no more."""
    if promise.claim_id and promise.outcome in Promise.LET_GO:
        inherit.measure_no_more(promise)


@reacts_to("promise.accept", "promise.settle")
def answer_no_more(promise, event):
    """What a change order added is answered with its last promise."""
    handoff = promise.handoff
    if not handoff.promises.unanswered().exists():
        finish_tasks(handoff, "Every promise is answered.", "Answer what ")


ASK_THE_END = "Ask for the end of the reports"


@reacts_to("promise.settle")
def ask_for_the_end_of_reports(promise, event):
    """Reports that are promised no more end by an approved change only: whoever leads the project asks for it."""
    if promise.kind == Promise.Kind.CADENCE and promise.outcome == Promise.Outcome.WITHDRAWN:
        for terms in promise.handoff.project.cadences.all():
            if not terms.is_ending:
                followups.open_task(terms, Opens("report", ASK_THE_END, 2), by=None)


@reacts_to("promise.give_up")
def tell_of_what_did_not_hold(promise, event):
    """What we relied on and did not hold is told to both owners, and the client is to hear of it."""
    if promise.kind not in (Promise.Kind.ASSUMPTION, Promise.Kind.DEPENDENCY):
        return
    words = f"It did not hold: {promise.get_kind_display().lower()} “{promise}”. {event.reason}"
    for user in dict.fromkeys((promise.sold_by, promise.handoff.owner)):
        about = {"key": f"{promise.pk}:broke", "about": promise, "by": event.actor}
        notices.tell(user, Notice.Kind.BREACH, words, promise.staff_url(), **about)
    followups.open_task(
        promise.handoff, Opens("onboarding_handoff", f"Tell the client: “{promise}” did not hold", 1), by=None
    )


# -- Work out of scope. ------------------------------------------------------------------------------------------------


@reacts_to("task.create")
def look_whether_it_was_sold(task, event):
    """A task that somebody writes about the work is held against what was excluded."""
    if task.opportunity_id and task.record_type in ("", "handoff.project", "handoff.handoff"):
        # What a move promises names its record behind a colon: that is no work.
        name = f": {task.record}" if task.record_type else ""
        find_out_of_scope(task.opportunity.handoffs.all(), task.title.removesuffix(name), task=task)


@reacts_to("task.edit")
def look_again_whether_it_was_sold(task, facts):
    if "title" in facts and task.stage not in Task.CLOSED:
        look_whether_it_was_sold(task, None)


@reacts_to("checklistitem.create")
def look_whether_an_item_was_sold(item, event):
    """The house's own list, in words that were approved, was weighed when it was written."""
    if item.client_safe != ClientSafe.APPROVED:
        find_out_of_scope([item.project.handoff], item.title, item=item)


@reacts_to("checklistitem.edit")
def look_again_whether_an_item_was_sold(item, facts):
    if "title" in facts and item.stage == ChecklistItem.Stage.OPEN:
        look_whether_an_item_was_sold(item, None)


def find_out_of_scope(handoffs, words, **work):
    """Write down each exclusion that these words name, once. One that was let go excludes nothing."""
    for handoff in handoffs:
        excluded = handoff.promises.filter(kind=Promise.Kind.EXCLUSION).exclude(outcome__in=Promise.LET_GO)
        for promise in excluded if handoff.is_open else ():
            shared = scope.touches(words, promise.title)
            if shared and not promise.touched_by.filter(**work).exists():
                found = OutOfScope(handoff=handoff, exclusion=promise, words=", ".join(shared)[:200], **work)
                begin(found, by=None, past="found")


# -- Onboarding. -------------------------------------------------------------------------------------------------------


@reacts_to("connector.fail")
def raise_the_alarm(connector, event):
    """An access that stopped working is told to whoever leads the onboarding, and to whoever has the deal."""
    alarms.tell_of_the_broken(connector, event)


@reacts_to("contact.edit")
def ask_for_a_new_holder(contact, facts):
    """An access whose holder left the client is nobody's: it needs a new holder before the project goes live.

    Of two entries that are one person the one that stays holds it.
    """
    if "merged_into" in facts and contact.merged_into:
        for connector in alarms.accesses_of(contact=contact):
            edit(connector, by=None, reason=f"{contact} is the same person.", holder_contact=contact.merged_into)
    elif "left_on" in facts and contact.left_on:
        alarms.tell_that_the_holder_left(alarms.accesses_of(contact=contact))


@reacts_to("user.edit")
def ask_for_a_new_holder_of_ours(user, facts):
    """The same, of whoever left us."""
    if "is_active" in facts and not user.is_active:
        alarms.tell_that_the_holder_left(alarms.accesses_of(user=user))


@reacts_to("connector.edit")
def be_done_with_a_new_holder(connector, facts):
    """Whoever named a new holder has done the task."""
    if {"holder_contact", "holder_user"} & set(facts) and connector.holder and not connector.holder_left:
        finish_tasks(connector, f"{connector.holder} holds it now.", "Name a new holder")


@reacts_to("checklistitem.reopen")
def promise_it_again(item, event):
    """An item that is open again has a task again, and the project waits for it."""
    inherit.promise_item(item, by=None)


@reacts_to("summary.create")
def give_a_blocker_its_words(summary, event):
    """Words that are written about a blocker are its words, as soon as they are begun."""
    if summary.record_type == LaunchBlocker.label() and summary.kind == Summary.Kind.BLOCKER:
        gone = [Summary.Stage.WITHDRAWN, Summary.Stage.SUPERSEDED]
        open_ones = LaunchBlocker.objects.filter(pk=summary.record_id, stage="open")
        open_ones = open_ones.filter(project__opportunity=summary.opportunity_id)
        for blocker in open_ones.filter(Q(summary=None) | Q(summary__stage__in=gone)):
            edit(blocker, by=None, reason="Its words were begun.", summary=summary)
