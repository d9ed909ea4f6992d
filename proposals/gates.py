"""What must be true of a proposal, an approval, a summary or a contract before it may move."""

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format

from opportunities.currencies import refuse_decimals
from opportunities.money import MOST, money
from opportunities.records import Lack, gate

from . import approvals, coverage, publishing, reportdays, sealing, totals
from .coverage import evidence_falls_because

# -- Whatever a client reads. ------------------------------------------------------------------------------------------


def not_passed(record, lacks):
    """Yield what a manager did not let pass, with a reason, when it was submitted.

    A row passes as it was: another of the same name, or the same with other words, is asked for.
    """
    lacks = list(lacks)
    passed = record.let_pass() if lacks else ()
    yield from (lack for lack in lacks if lack.passed_as not in passed)


@gate("Take out what a client must not read.")
def words_are_safe(record):
    yield from not_passed(record, to_take_out(record))


def to_take_out(record) -> list[Lack]:
    """Return what stops the words of a record: each mark once, however often its words stand in one place."""
    marks = [mark for mark in record.unsafe() if mark.blocking]
    once = {(m.sentence.casefold(), m.url, m.about): Lack(m.sentence, m.url, m.about) for m in reversed(marks)}
    return [*reversed(once.values())]


# -- Proposals. --------------------------------------------------------------------------------------------------------


@gate("Start the proposal of this opportunity first: its audit has to be verified.")
def its_opportunity_is_ready(proposal):
    opportunity = proposal.opportunity
    if proposal.is_change_order:
        yield from contract_still_runs.lacks(proposal)
    elif opportunity.stage not in ("proposal", "contract"):
        yield Lack(
            "Start the proposal of this opportunity first: its audit has to be verified.", opportunity.staff_url()
        )


@gate("Have the contract that it changes in force.")
def contract_still_runs(proposal):
    """A change order changes what is in force, and nothing else."""
    if proposal.is_change_order and proposal.changes.stage != "active":
        yield Lack(f"{proposal.changes.number} is not in force any more: withdraw this.", proposal.changes.staff_url())


@gate("Resume the deal first.")
def its_deal_goes_on(record):
    """Nothing goes to a client for a deal that rests, and nobody decides on what would."""
    if record.opportunity.stage == "paused":
        yield Lack("Resume the deal first: it is paused.", record.opportunity.move_url("resume"))


@gate("Say what is included.")
def has_scope(proposal):
    """A change order may also take out, plan or price alone, as long as it says something."""
    rows, url = coverage.rows_of(proposal), proposal.staff_url("scope_items-group")
    if proposal.is_change_order:
        if not any(rows.values()):
            yield Lack("Say what changes: add a row.", url)
    elif not any(row.kind == "included" for row in rows["scope_items"]):
        yield Lack("Say what is included.", url)


@gate("Add the steps of the timeline.", mend="milestones-group")
def has_timeline(proposal):
    return proposal.is_change_order or bool(coverage.rows_of(proposal)["milestones"])


@gate("Let each step begin when what it waits for has ended.")
def steps_follow(proposal):
    for step in coverage.rows_of(proposal)["milestones"]:
        before = step.depends_on
        if before is not None and step.start_week < before.end_week:
            words = f"Let “{step}” begin after week {before.end_week}: it waits for “{before}”, which ends then."
            yield Lack(words, step.staff_url())


@gate("Add a price.", mend="price_lines-group")
def has_prices(proposal):
    return proposal.is_change_order or bool(coverage.rows_of(proposal)["price_lines"])


@gate(
    f"Bring the first year with every option to {money(MOST)} or less: more cannot be billed.", mend="price_lines-group"
)
def can_be_billed(proposal):
    return totals.of(coverage.rows_of(proposal)["price_lines"], proposal.currency, proposal.discount).first_year <= MOST


@gate("Write each price in amounts that its currency has.")
def prices_can_be_paid(proposal):
    """What was typed is refused at once; this is for prices that were there before."""
    for line in coverage.rows_of(proposal)["price_lines"]:
        try:
            refuse_decimals(line.unit_price, proposal.currency)
        except ValidationError as refusal:
            yield Lack(f"“{line}”: {refusal.message}", line.staff_url())


@gate("Set the day until which it is valid.", mend="id_valid_until")
def is_still_valid(proposal):
    return proposal.valid_until is not None and proposal.valid_until >= timezone.localdate()


@gate("Rest on evidence what is promised.")
def rows_have_proof(proposal):
    """Every row that needs proof has some. Of claims `claims_are_supported` says it, and nobody lets these pass."""
    rows = coverage.without_proof(proposal)
    yield from not_passed(proposal, (coverage.lack_of_proof(row) for row in rows))


@gate("Choose a decision deadline that is still to come, or leave it empty.", mend="id_decide_on")
def is_decided_in_time(proposal):
    return proposal.decide_on is None or proposal.decide_on >= timezone.localdate()


@gate("Ask for the decision while the offer is valid.", mend="id_decide_on")
def is_decided_while_valid(proposal):
    return None in (proposal.decide_on, proposal.valid_until) or proposal.decide_on <= proposal.valid_until


@gate("Back every claim with evidence, and say how each number was reached.")
def claims_are_supported(proposal):
    """What a claim lacks beside proof that counts: `proof_stands` names what fell."""
    for claim in coverage.rows_of(proposal)["claims"]:
        versions = list(claim.evidence.all())
        if reason := claim.lacks_besides_proof(versions) if versions else "none is attached.":
            yield Lack(f"Back the claim “{claim}” with evidence: {reason}", claim.staff_url())
        for words in claim.misquotes(versions).values():
            yield Lack(f"Say in the claim “{claim}” what was measured. {words}", claim.staff_url())


@gate("Rest only on evidence that counts.")
def proof_stands(proposal):
    """Every piece of evidence under any row is verified, current and inside its shelf life."""
    for row, versions in coverage.proof_under(proposal).items():
        for evidence in versions:
            if reason := evidence_falls_because(evidence):
                yield Lack(f"Replace or measure again {evidence.metric} under “{row}”: {reason}", row.staff_url())


@gate("Know who decides at the client, and how to reach them.")
def decision_path_is_known(proposal):
    opportunity = proposal.opportunity
    decides = opportunity.decision_owner
    if decides is None:
        yield Lack("Name the decision owner of this opportunity.", opportunity.staff_url("id_decision_owner"))
    elif not decides.is_reachable:
        yield Lack(f"Find a way to {decides}, or name who decides instead.", opportunity.staff_url("id_decision_owner"))


@gate("Promise in words only what a claim proves.")
def words_are_proved(proposal):
    for mark in coverage.unclaimed(proposal):
        if mark.blocking:
            yield Lack(mark.sentence, mark.url)


@gate("Bring back what it had when it was submitted.")
def holds_as_before(proposal):
    """One that goes back to review, or to be sent, is asked again what it was asked when it was submitted."""
    was_submitted = proposal.paused_from != proposal.Stage.DRAFT
    for each in proposal.HOLDS if was_submitted else (proof_stands,):
        yield from each.lacks(proposal)


@gate("Add a contact with a mail address.")
def somebody_can_receive_it(record):
    opportunity = record.opportunity
    if not opportunity.client.contacts.reachable().exists():
        yield Lack("Add a contact with a mail address to the client.", opportunity.client.staff_url("contacts-group"))


@gate("A contract of this proposal is already signed: end the contract instead.")
def no_contract_is_signed(proposal):
    """A change order is part of its contract from when it was accepted."""
    if proposal.is_change_order and proposal.stage == "accepted":
        return False
    return not proposal.contracts.filter(stage__in=["signed", "active", "ended"]).exists()


# -- Approvals. --------------------------------------------------------------------------------------------------------


@gate("Have every approval given.")
def approvals_are_given(record):
    yield from approvals.lacks(record)


@gate("What you approve changed since it was asked. Read it again.")
def content_is_as_asked(approval):
    return approval.digest == approvals.digest(approval.aspect, approval.subject)


@gate("Only the pricing can be approved on a condition. Approve the rest as it is.")
def content_hangs_on_numbers(approval):
    return approval.aspect == "pricing"


@gate("It is not in review any more.")
def subject_is_in_review(approval):
    if approval.rests_because and approval.subject.stage == "paused":
        yield Lack(f"It waits. {approval.rests_because}", approval.subject.staff_url())
    elif approval.subject.stage != "in_review":
        yield Lack("It is not in review any more.", approval.staff_url())


@gate("Nobody vouches for what does not hold.")
def subject_holds(approval):
    """Whatever was true of it when it was submitted is still true when somebody vouches for it."""
    for each in approval.subject.HOLDS:
        yield from each.lacks(approval.subject)


# -- Summaries. --------------------------------------------------------------------------------------------------------


@gate("Write the words for the client.", mend="id_words")
def has_words(summary):
    return bool(summary.words.strip())


@gate("Say only what still counts.")
def what_it_rests_on_stands(summary):
    if reason := coverage.falls_because(summary.record):
        yield Lack(
            f"Read again what “{summary}” rests on, then take it out or write it anew: {reason}", summary.staff_url()
        )


@gate("Say which question it answers.", mend="id_about")
def answers_a_question(summary):
    """An answer is about what this very client asked at the portal; other words need no question."""
    if summary.kind != "answer":
        return True
    asked = summary.record
    of_this_deal = getattr(asked, "opportunity_id", None) == summary.opportunity_id
    return of_this_deal and getattr(asked, "portal_action_id", None) is not None


@gate("Say which report it is about: begin it on the page of that report.", mend="id_about")
def tells_of_what_is_late(summary):
    """A notice is about a report of this very client that is owed; other words need none.

    It may be told ahead of the day: whoever knows that it comes late says so at once.
    """
    if summary.kind != "notice":
        return
    late = summary.record if summary.record_type == "handoff.report" else None
    if late is None or late.opportunity.pk != summary.opportunity_id:
        yield Lack("Say which report it is about: begin it on the page of that report.", summary.staff_url("id_about"))
    elif not late.is_open:
        yield Lack(f"Withdraw it: {late} is late no more, it came, or is not owed any more.", summary.staff_url())


# -- Contracts. --------------------------------------------------------------------------------------------------------


@gate("Have the client accept the proposal.")
def its_proposal_is_accepted(contract):
    return contract.proposal.stage == "accepted"


@gate("Pin the clauses.", mend="contract_clauses-group")
def has_clauses(contract):
    return contract.contract_clauses.exists()


@gate("Set when reports come.")
def reporting_is_set(contract):
    if not contract.first_report_on:
        yield Lack("Set the day of the first report.", contract.staff_url("id_first_report_on"))
    if contract.report_every in ("weekly", "every_two_weeks") and contract.report_weekday is None:
        yield Lack("Choose the weekday of the reports.", contract.staff_url("id_report_weekday"))
    by_month = contract.report_every in ("monthly", "quarterly")
    if by_month and contract.report_day is None and not contract.report_on_last_working_day:
        yield Lack("Choose the day of the month of the reports.", contract.staff_url("id_report_day"))


@gate("Choose a first report on a day on which reports come.")
def first_report_is_on_its_days(contract):
    """What both sign names one first day: a second one, by its own weekday or day of the month, would be another."""
    first = contract.first_report_on
    if not first or any(reporting_is_set.lacks(contract)):
        return
    named = reportdays.first_date(reportdays.agreed(contract, contract.opportunity.client), first)
    if named != first:
        right, wrong = date_format(named, "D j M Y"), date_format(first, "D j M Y")
        words = f"Choose {right} for the first report, or other days: by these none comes on {wrong}."
        yield Lack(words, contract.staff_url("id_first_report_on"))


@gate("Choose a day for the kickoff that is still to come.", mend="id_kickoff_on")
def kickoff_is_to_come(contract):
    """An offer counts its weeks from the kickoff and names no day, so that only the present one can be too late."""
    return contract.kickoff_on is None or contract.kickoff_on >= publishing.agency_day()


@gate("Name who signs for the client.", mend="signatories-group")
def has_a_signer(contract):
    """Everybody who is to sign can get the mail that says where."""
    named = contract.its("signatories", "contact")
    if not named:
        yield Lack("Name who signs for the client.", contract.staff_url("signatories-group"))
    for signatory in named:
        who = signatory.contact
        if not who.email or who.left_on:
            words = f"{who} is to sign and cannot be reached: write down a mail address, or name somebody else."
            yield Lack(words, contract.staff_url("signatories-group"))


@gate("Choose a day to sign by that is still to come, or leave it empty.", mend="id_sign_by")
def can_be_signed_in_time(contract):
    return contract.sign_by is None or contract.sign_by >= publishing.agency_day()


@gate("Wait until its last day to sign has passed.")
def its_time_to_sign_is_over(contract):
    """Its last day has passed, and that was not noticed yet."""
    last = contract.sign_by
    return last is not None and last < publishing.agency_day() and contract.ran_out_on != last


@gate("Have every signatory of the client sign.")
def everybody_has_signed(contract):
    return contract.signatories.exists() and not contract.unsigned


@gate(sealing.MISSING)
def the_seal_is_set(contract):
    return sealing.is_set()


@gate("Let stand what was signed.")
def stands_as_signed(contract):
    """What the client signed is what we published, and what was approved then is what stands now."""
    for theirs in contract.signatures.filter(side="client"):
        if not publishing.was_published(contract, theirs.digest):
            words = f"{theirs.name} signed something else than we published as {contract.number}."
            yield Lack(words, contract.staff_url())
    for name in approvals.changed_since_approved("contract", contract):
        yield Lack(f"Bring back what was signed in {contract.number}: “{name}” changed.", contract.staff_url())
