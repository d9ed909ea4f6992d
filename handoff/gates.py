"""What must be true of a handoff, a project or a report before it may move."""

from django.utils.formats import date_format

from opportunities import gates as of_opportunities
from opportunities.models import Event
from opportunities.records import Lack, gate
from proposals.gates import to_take_out

from . import cadence, figures, publishing

# -- Handoffs. ---------------------------------------------------------------------------------------------------------


@gate("Write down what was sold: there is no promise yet.", mend="promises")
def has_promises(handoff):
    return handoff.promises.exists()


@gate("Get the contract signed by both sides.")
def contract_is_active(handoff):
    if handoff.contract.stage != "active":
        yield Lack("Get the contract signed by both sides.", handoff.contract.staff_url())


@gate("Let stand what was signed.")
def signed_contract_stands(handoff):
    yield from handoff.contract.fallen_since_signed()


@gate("Accept or settle every promise.")
def promises_are_answered(handoff):
    for promise in handoff.promises.unanswered():
        what = "Settle the disputed promise" if promise.stage == "disputed" else "Accept or dispute the promise"
        yield Lack(f"{what} “{promise}”.", promise.staff_url())


@gate("Meet the checkpoints of the house.")
def deal_may_be_handed_off(handoff):
    """Accepting hands the deal off: what would hold that up is said before."""
    if handoff.opportunity.stage == "won":
        yield from of_opportunities.own_checkpoints_are_met.lacks(handoff.opportunity)


@gate("Close its project first.")
def its_projects_are_closed(handoff):
    project = getattr(handoff, "project", None)
    if project is not None and project.is_open:
        yield Lack(f"Close the project {project} first.", project.staff_url())


@gate("Close it: its project was closed.")
def its_project_is_open(handoff):
    project = getattr(handoff, "project", None)
    return project is None or project.is_open


@gate("Nobody owes it any more.")
def promise_is_owed(promise):
    if promise.outcome in promise.LET_GO:
        yield Lack(f"It was {promise.get_outcome_display().lower()}: nobody owes it any more.", promise.staff_url())


# -- Projects. ---------------------------------------------------------------------------------------------------------


@gate("Finish the onboarding list, or waive what is not needed.")
def checklist_is_done(project):
    for item in project.items.filter(stage="open"):
        yield Lack(f"Finish or waive “{item}”.", item.staff_url())


@gate("Get the contract signed by both sides.")
def its_contract_is_active(project):
    yield from contract_is_active.lacks(project.handoff)


@gate("Have the client pay as the contract asks.")
def payment_is_as_agreed(project):
    contract = project.handoff.contract
    if not contract.payment_is_as_agreed:
        yield Lack("Have the client pay the first invoice, as the contract asks.", contract.payment.staff_url())


@gate("Agree the day of the kickoff.", mend="id_kickoff_on")
def kickoff_is_set(project):
    return project.kickoff_on is not None


@gate("Name somebody who works here as the onboarding owner.", mend="id_owner")
def somebody_leads_it(project):
    return project.owner.is_active


@gate("Accept the handoff.")
def its_handoff_is_accepted(project):
    """Nothing goes live that delivery has not taken over, or that is blocked."""
    handoff = project.handoff
    if handoff.stage not in (handoff.Stage.ACCEPTED, handoff.Stage.CLOSED):
        blocked = handoff.stage == handoff.Stage.BLOCKED
        words = "Cure what blocks the handoff, and accept it." if blocked else "Accept the handoff."
        yield Lack(words, handoff.staff_url())


@gate("Accept or settle every promise.")
def its_promises_are_answered(project):
    yield from promises_are_answered.lacks(project.handoff)


@gate("Clear every launch blocker.")
def no_launch_blocker_is_open(project):
    for blocker in project.blockers.filter(stage="open"):
        yield Lack(f"Clear the launch blocker “{blocker}”.", blocker.staff_url())


@gate("Verify every access, or revoke what is not needed.")
def connectors_are_verified(project):
    people = ("provider", "holder_contact", "holder_user")
    for connector in project.connectors.exclude(stage="revoked").select_related(*people):
        if connector.stage != "verified":
            yield Lack(f"Verify the access to {connector}.", connector.staff_url())
        elif not connector.holder:
            yield Lack(f"Name who holds the access to {connector}.", connector.staff_url("id_holder_contact"))
        elif connector.holder_left:
            words = f"Name a new holder of the access to {connector}: {connector.holder} left."
            yield Lack(words, connector.staff_url("id_holder_contact"))


@gate("Set the day of the first report.")
def first_report_is_dated(project):
    terms = project.cadences.first()
    if terms is None or terms.first_due_on is None:
        url = terms.staff_url("change") if terms else project.staff_url("cadences-group")
        yield Lack("Set the day of the first report.", url)


# -- What is on the way to live. ---------------------------------------------------------------------------------------


@gate("Its project is live already: note what is missing as a task.")
def its_project_is_not_live(item):
    return item.project.stage in ("setup", "ready")


@gate("Its project is over: the client is asked for nothing any more.")
def its_project_goes_on(connector):
    return connector.project.goes_on


@gate("Name somebody who works there as its holder.", mend="id_holder_contact")
def somebody_holds_it(connector):
    return bool(connector.holder) and not connector.holder_left


@gate("The client has not said that it is granted: wait for them, or write down that it was.")
def client_said_so(connector):
    return connector.said_at is not None


@gate("Say whether it touches what was excluded.")
def item_is_in_scope(item):
    # All of them: whoever shows a list has read them before.
    for found in item.out_of_scope.all():
        if found.stage == "found":
            yield Lack(f"Say whether it touches what was excluded: “{found.exclusion}”.", found.staff_url())


# -- Reports. ----------------------------------------------------------------------------------------------------------


@gate("Write the words for the client.", mend="words")
def has_summary(report):
    return report.summary_id is not None


@gate("Write words for this very report.")
def summary_is_of_this_report(report):
    """Words that were approved for one report say nothing of another."""
    words = report.summary
    if words is None:
        return
    of_another = words.record_type == report.label() and words.record_id != report.pk
    taken = type(report).objects.filter(summary=words).exclude(pk=report.pk).exists()
    if words.kind != "report" or of_another or taken:
        yield Lack(f"Write words for this report: “{words}” was written for something else.", report.staff_url("words"))


@gate("Give every number its value.")
def numbers_are_filled(report):
    for number in report.numbers:
        if number.get("value") in (None, ""):
            yield Lack(f"Give {number['metric']} its value.", report.staff_url("numbers"))
        elif figures.as_decimal(number["value"]) is None:
            yield Lack(f"Write {number['metric']} as a number, such as 2480 or 2.1.", report.staff_url("numbers"))


@gate("Take out what a client must not read.")
def own_words_are_safe(report):
    """What the client reads beside the words that are approved as a summary: next steps, and numbers that we added."""
    yield from to_take_out(report)


@gate("Have the words for the client approved.")
def summary_is_approved(report):
    words = report.summary
    if words is None:
        yield from has_summary.lacks(report)
    elif words.stage in ("withdrawn", "superseded"):
        yield Lack(f"Write new words: “{words}” was {words.stage}.", report.staff_url("words"))
    elif words.stage not in words.SAFE:
        yield Lack("Have the words for the client approved.", words.staff_url())


@gate("Let it rest: the contract ended before its period began.")
def its_period_began_under_contract(report):
    """Whoever left is still told of what was done for them, and of no day after that."""
    contract = report.project.handoff.contract
    if contract.stage != "ended":
        return
    about = {"record_type": contract.label(), "record_id": contract.pk, "verb": "contract.end"}
    ended = cadence.today(report.cadence.time_zone, Event.objects.filter(**about).latest("pk").at)
    if report.period_from >= ended:
        day = date_format(ended, "D j M Y")
        words = f"Let it rest: the contract ended on {day}, before its period began. Nothing is owed for these days."
        yield Lack(words, contract.staff_url())


@gate("Name who reads the reports.")
def somebody_reads_it(report):
    """It is refused only where nobody gets it; whoever else does not is told to its owner."""
    to, without = report.readers
    if to:
        return
    at = report.cadence.staff_url("id_recipients")
    for contact, why in without:
        yield publishing.mend_reader(contact, why, at)
    if not without:
        yield Lack(f"Name who reads the reports: nobody at {report.project.client} does.", at)


@gate("It changed since it was approved. Ask for changes and have it approved again.")
def is_as_approved(report):
    return report.digest == report.approved_digest


@gate("Say why it is late.", mend="id_breach_reason")
def lateness_is_explained(report):
    return not (report.is_late or report.breach) or bool(report.breach_reason.strip())


@gate("Wait until its period has ended.")
def period_has_ended(report):
    """A report on days that are still to come would be made up."""
    if report.period_to >= cadence.today(report.cadence.time_zone):
        yield Lack(f"Wait until its period has ended: it runs until {date_format(report.period_to, 'D j M Y')}.")


# -- Changes of the days of reports. -----------------------------------------------------------------------------------


@gate("Refuse it, and ask for what still can be.")
def change_still_fits(change):
    """What stood against it by now: its first day has passed, reports have ended meanwhile."""
    for _, words in change.troubles() if change.asked_by_id else ():
        yield Lack(f"{words} Refuse this change, and ask for another.", change.cadence.staff_url())
