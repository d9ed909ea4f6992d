"""Approval of content: what an aspect says, its digest, who must be asked, and what lapses when it changes."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.utils import formats, timezone

from opportunities import notices
from opportunities.models import Notice
from opportunities.records import Lack, Opens, begin, edit, lock, perform, tell

from . import asking
from .measures import Measured, holds_on
from .policies import is_asked, stands_in
from .working import A_DAY, Calendar

# -- What an aspect says. ----------------------------------------------------------------------------------------------


def content(aspect, record) -> dict:
    """Return what one aspect of a record says, as plain JSON in a fixed order."""
    said = CONTENTS[aspect](record)
    return json.loads(json.dumps(said, cls=DjangoJSONEncoder, sort_keys=True))


def digest(aspect, record) -> str:
    """Return the fingerprint of what one aspect says now."""
    return fingerprint(aspect, content(aspect, record))


def fingerprint(aspect, said) -> str:
    return hashlib.sha256(printed(aspect, said).encode()).hexdigest()


def printed(aspect, said) -> str:
    """Return what an aspect says as the one text of which its fingerprint is taken."""
    return json.dumps([aspect, said], sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def rows_of(proposal, name, *along):
    """Return the rows of one kind as they were read with the proposal, else read them with what they need."""
    rows = getattr(proposal, name)
    return rows.all() if name in getattr(proposal, "_prefetched_objects_cache", {}) else rows.prefetch_related(*along)


def of_proposal(proposal) -> dict:
    said = {name: getattr(proposal, name) for name in proposal.CONTENT} | {
        "scope": [row.says() for row in proposal.scope_items.all()],
        "timeline": [row.says() for row in rows_of(proposal, "milestones", "depends_on")],
    }
    return said | ({"report_every": proposal.report_every} if proposal.report_every else {})


def of_pricing(proposal) -> dict:
    prices = {"currency": proposal.currency, "prices": [row.says() for row in proposal.price_lines.all()]}
    return prices | ({"discount": proposal.discount} if proposal.discount else {})


def of_claims(proposal) -> dict:
    return {"claims": [row.says() for row in rows_of(proposal, "claims", "evidence")]}


def of_contract(contract) -> dict:
    """The terms and the clauses, and what the client accepted: the contract quotes it."""
    proposal = contract.proposal
    terms = (
        "report_every",
        "report_weekday",
        "report_day",
        "first_report_on",
        "payment_before_start",
        "kickoff_on",
    )
    return (
        who_signs(contract)
        | {name: getattr(contract, name) for name in terms}
        # Only where they are chosen: what was approved before there was such a choice still stands.
        | {name: True for name in ("report_on_last_working_day", "report_skips_days_off") if getattr(contract, name)}
        | {
            "clauses": [[row.clause_id, row.text] for row in contract.contract_clauses.all()],
            "proposal": {aspect: digest(aspect, proposal) for aspect in proposal.ASPECTS},
            "chosen": proposal.chosen,
        }
    )


def who_signs(contract) -> dict:
    """Where one signs alone they are said as before there were several: what was approved then still stands."""
    named = [signatory.contact_id for signatory in contract.signatories.all()]
    return {"signer_id": next(iter(named), None)} | ({"signatories": named} if len(named) > 1 else {})


def of_summary(summary) -> dict:
    return {name: getattr(summary, name) for name in ("kind", "title", "words", "record_type", "record_id")}


CONTENTS = {
    "proposal": of_proposal,
    "pricing": of_pricing,
    "claims": of_claims,
    "contract": of_contract,
    "summary": of_summary,
}


# What is next for whoever has a question.
READ_IT, FIND_SOMEBODY = "Read it and decide", "Find somebody who may decide"

# -- Asking. -----------------------------------------------------------------------------------------------------------


def ask(record, *, by, asked_by=None):
    """Ask for every approval that is needed and neither given nor asked. Return the new ones.

    Every rule that matches asks; of an aspect, the next step when all of the one before is given. `asked_by` is who
    hears of the answer and may recall the question, where `by` is the clock.
    """
    needed = list(asking.missing(record, live_approvals(record)))
    if not needed:
        return []
    calendar, asked = Calendar(), []
    asked_by = by or asked_by or who_asked(record)
    for need in needed:
        said = content(need.aspect, record)
        approval = record.approvals.model(
            opportunity=record.opportunity,
            **{record._meta.model_name: record},
            aspect=need.aspect,
            rule=need.rule,
            why=need.why,
            step=need.step,
            permission=need.permission,
            group=need.group,
            person=need.person,
            content=said,
            digest=fingerprint(need.aspect, said),
            asked_by=asked_by,
            owner=asking.approver(record, need),
            source=f"{record}"[:200],
            **deadline(need.rule, calendar),
        )
        approval.next_action = next_of(approval)
        asked.append(begin(approval, by=by, past="asked for"))
        open_decision(approval, by=by)
        tell_if_nobody_decides(approval)
    return asked


def deadline(rule, calendar) -> dict:
    """Return until when a question that a rule asks now is to be answered, and when somebody is reminded of it."""
    hours, part = (rule.hours, rule.remind_after) if rule else (asking.HOURS, asking.REMIND_AFTER)
    due = calendar.after(timezone.now(), hours)
    remind_at = calendar.after(timezone.now(), hours * part / 100) if part else None
    return {"due": due, "due_on": timezone.localdate(due), "remind_at": remind_at}


def who_asked(record):
    """Return who asked for the last approval of a record, or else its author."""
    last = record.approvals.exclude(asked_by=None).order_by("-pk").first()
    return last.asked_by if last else record.author


def open_decision(approval, *, by):
    """Open the task to decide, for whoever has the question now. It rests with its question."""
    from opportunities.followups import open_task

    days = max((timezone.localdate(approval.due) - timezone.localdate()).days, 0)
    what = f"the {approval.get_aspect_display().lower()}"
    words = f"{FIND_SOMEBODY} on {what}" if approval.next_action == FIND_SOMEBODY else f"Decide on {what}"
    task = open_task(approval, Opens("proposal_review", words, days), by=by)
    if approval.rests_because:
        perform(task.pause, by=None, reason=approval.rests_because)


def next_deadline():
    """Return the time allowed to somebody to whom a late question was passed on: a working day."""
    return Calendar().after(timezone.now(), A_DAY)


def pass_on(approval, reason):
    """Have the tasks of a question follow it to whoever has it now."""
    from opportunities.models import Task

    for task in Task.objects.about(approval).unfinished():
        perform(task.cancel, by=None, reason=reason)
    open_decision(approval, by=None)


def pass_on_from_hands(record, pending):
    """Pass on at once what waits for somebody who has meanwhile become one of those who wrote it.

    Where everybody is asked, what they were asked is not needed any more. Return what lapsed so.
    """
    dropped = [lapse_unneeded(each) for each in pending if not asking.is_needed(each)]
    for approval in (each for each in pending if each.owner_id in record.hands and each not in dropped):
        before, following = approval.owner, asking.approver(record, approval, instead_of=approval.owner)
        approval.owner = following
        what_next = next_of(approval)
        if following != before or what_next != approval.next_action:
            reason = f"{before} has written in it, and does not decide on it as well."
            changes = {"owner": following, "next_action": what_next, "looked_at_by": None, "looked_at": None}
            pass_on(edit(approval, by=None, reason=reason, past="moved on", **changes), reason)
            tell_if_nobody_decides(approval)
    return dropped


def next_of(approval) -> str:
    """Say what is next for whoever has a question: to decide, or where nobody can, to find somebody who may."""
    return FIND_SOMEBODY if asking.nobody_because(approval) else READ_IT


def tell_if_nobody_decides(approval):
    """Tell whoever may mend it that a question waits for nobody."""
    if words := asking.nobody_because(approval):
        kind, url, key = Notice.Kind.ESCALATION, approval.staff_url(), f"{approval.pk}:nobody"
        said = f"Nobody can decide on {called(approval)}. {words}"
        menders = asking.menders(approval.subject)
        notices.tell_all([(user, kind, said, url, key, approval) for user in menders])


def rest(record):
    """Have the tasks to decide on a record wait with it."""
    from opportunities.models import Task

    for approval in record.approvals.filter(stage="pending").order_by("pk"):
        for task in Task.objects.about(approval).filter(stage="open"):
            perform(task.pause, by=None, reason=approval.rests_because)


def take_up(rows, reason):
    """Give each question that rested, and that somebody is to answer again now, its hours anew."""
    from opportunities.followups import end_of_day
    from opportunities.models import Task

    calendar = Calendar()
    for approval in rows.waiting().select_related("rule").order_by("pk"):
        approval = edit(approval, by=None, reason=reason, **deadline(approval.rule, calendar))
        for task in Task.objects.about(approval).unfinished():
            task = edit(task, by=None, reason=reason, due_at=end_of_day(approval.due_on))
            if task.stage == "paused":
                perform(task.resume, by=None)


def subject_of(approval) -> str:
    """Say what is asked, of which client and what it is worth, as short as the subject of a mail."""
    worth = f", {approval.worth}" if approval.worth else ""
    return f"{approval.get_aspect_display()} to approve: {approval.opportunity.client}{worth}"


def called(approval) -> str:
    """Say what is asked, of which client and what it is worth: for a mail that is read on a phone."""
    worth = f", {approval.worth}" if approval.worth else ""
    return (
        f"the {approval.get_aspect_display().lower()} of {approval.opportunity}, {approval.opportunity.client}{worth}"
    )


def why_asked(approval, user) -> str:
    """Say why a question comes to somebody: the rule's reason, and for whom they stand in."""
    if approval.stage != "pending":
        return approval.why
    if words := asking.nobody_because(approval):
        return f"{approval.why} {words}"
    if not is_asked(approval, user) and (delegation := stands_in(approval, user)):
        day = formats.date_format(delegation.ends_on, "j F Y")
        return f"{approval.why} You stand in for {delegation.giver} until {day}."
    return approval.why


# -- Lapsing and settling. ---------------------------------------------------------------------------------------------


# Asked or given.
LIVE = ("pending", "approved")


def live_approvals(record) -> list:
    """Return the approvals that are asked or given, in the order in which they were asked."""
    if record.has_read("approvals"):
        return [approval for approval in reversed(record.its("approvals")) if approval.stage in LIVE]
    return list(record.approvals.filter(stage__in=LIVE).order_by("pk"))


def lapse_changed(record, *, by=None):
    """Lapse the approvals of exactly those aspects whose content changed, and ask for them again.

    One that was given on a condition stands for a change that keeps within it, and its event says so; but nobody's word
    is carried to what they wrote in themselves. What is needed is looked at anew whenever something changed: a higher
    price may need somebody more, though nothing else lapses.
    """
    said, measured = {aspect: content(aspect, record) for aspect in record.ASPECTS}, Measured(record)
    lapsed, bound, stands = [], [], []
    for approval in live_approvals(record):
        now = said[approval.aspect]
        if approval.holds_for == fingerprint(approval.aspect, now):
            stands.append(approval)
            continue
        second = approval.decided_by_id not in record.hands
        if approval.condition and second and holds_on(approval.condition, approval.content, now, measured):
            bound.append(bind(approval, now))
        else:
            lapsed.append(perform(approval.lapse, by=None, reason="What it stood for has changed."))
    dropped = pass_on_from_hands(record, [approval for approval in stands if approval.stage == "pending"])
    if not lapsed and not bound and not dropped:
        return
    names = ", ".join(dict.fromkeys(approval.get_aspect_display().lower() for approval in lapsed))
    ask_again(record, by=by, reason=f"Changed: {names}." if lapsed else "What changed needs somebody more.")
    if dropped:
        settle(type(record).objects.get(pk=record.pk))


def bind(approval, said):
    """Let an approval stand for what its aspect says now, within the condition on which it was given.

    The database sees for itself that the condition is kept: nobody binds an approval to anything by hand.
    """
    approval, before = lock(approval), approval.bound
    with connection.cursor() as cursor:
        cursor.execute("select zarts_carry_on(%s, %s)", [approval.pk, printed(approval.aspect, said)])
        (approval.bound,) = cursor.fetchone()
    reason, facts = f"What changed keeps within its condition: {approval.on_condition}.", [before, approval.bound]
    past = "bound to what changed, within its condition,"
    tell(approval, "edit", past, by=None, reason=reason, facts={"bound": facts})
    return approval


def ask_again(record, *, reason, by=None):
    """Ask for what is missing, of a record that is in review or was approved; once nobody is writing in it."""
    if record.stage not in ("in_review", "approved") or not list(asking.missing(record, live_approvals(record))):
        return
    if record.stage == "approved":
        record = perform(record.fall_back, by=None, reason=reason)
    if not record.written_now:
        ask(record, by=by)


def ask_for_what_lapsed(record):
    """Ask anew for what lapsed while the record was paused, when nobody could be asked; or settle what was given."""
    ask_again(record, reason="It changed while it was paused.")
    settle(type(record).objects.get(pk=record.pk))


def lapse_unneeded(approval):
    """Lapse a question of everybody whose person is not one of those who are to answer any more."""
    return perform(approval.lapse, by=None, reason=f"{approval.person} is not one of those who decide on it any more.")


def drop(approval):
    """Lapse a question that is not needed any more, and see whether that was all that its record waited for."""
    lapse_unneeded(approval)
    subject = approval.subject
    settle(type(subject).objects.get(pk=subject.pk), asked_by=approval.asked_by)


def send_back_when_resumed(record, reason):
    """Have a paused record come back as a draft: what was refused while it rested is refused all the same."""
    past = "will be sent back when it is resumed:"
    edit(record, by=None, reason=reason, past=past, paused_from="draft", client_safe="drafted")
    lapse_pending(record, reason="It was sent back.")


def run_out(approval):
    """Lapse what was given too long ago, and ask again. Whatever has left us keeps what it was approved by."""
    record = approval.subject
    if record.stage not in record.WRITABLE:
        type(approval).objects.filter(pk=approval.pk).update(expires_at=None)
        return False
    perform(approval.lapse, by=None, reason="It was given too long ago.")
    ask_again(type(record).objects.get(pk=record.pk), reason="An approval ran out.")
    return True


def lapse_pending(record, *, reason):
    """Stop asking: what is still pending lapses."""
    for approval in record.approvals.filter(stage="pending").order_by("pk"):
        perform(approval.lapse, by=None, reason=reason)


def lapse_given_by(record, user):
    """Lapse the word of somebody who has become one of those who may not give it."""
    for approval in record.approvals.filter(stage="approved", decided_by=user).order_by("pk"):
        perform(approval.lapse, by=None, reason=f"{user} let it pass a closed gate: somebody else decides.")


def lacks(record):
    """Yield what keeps a record from being approved, or sent as approved, naming each aspect."""
    live: dict = {}
    for approval in live_approvals(record):
        live.setdefault(approval.aspect, []).append(approval)
    for aspect in record.ASPECTS:
        if aspect not in live:
            words = f"Ask again for the approval of: {aspect}."
            if record.written_now:
                words = f"{record.written_now} The approval of {aspect} is asked when that is done."
            yield Lack(words, record.staff_url("approvals"))
            continue
        now = digest(aspect, record)
        for approval in live[aspect]:
            if approval.holds_for != now:
                yield Lack(f"The {aspect} changed since it was approved. Have it approved again.", approval.staff_url())
            elif approval.stage == "pending":
                nobody = asking.nobody_because(approval)
                yield Lack(nobody or f"Wait for the approval of: {aspect}.", approval.staff_url())
            elif has_run_out(approval, record):
                yield Lack(f"The approval of {aspect} was given too long ago: it is asked again.", approval.staff_url())


def has_run_out(approval, record) -> bool:
    """Whether an approval no longer holds by its age. What has left us keeps what it was approved by."""
    late = approval.expires_at is not None and approval.expires_at <= timezone.now()
    return late and record.stage in record.WRITABLE


def changed_since_approved(aspect, record) -> list[str]:
    """Name the parts of an aspect that do not say what was approved. All of it, when no approval stands."""
    given = record.approvals.filter(aspect=aspect, stage="approved").first()
    now = content(aspect, record)
    if given and given.holds_for == fingerprint(aspect, now) and given.digest == fingerprint(aspect, given.content):
        return []
    before = given.content if given else {}
    return [spoken(record, name) for name in now if before.get(name) != now[name]] or [aspect]


def spoken(record, name) -> str:
    """Say a part of an aspect as screens do."""
    names = {field.attname: field.verbose_name for field in record._meta.concrete_fields}
    own = {"chosen": "what the client chose", "signer_id": "who signs for the client", "signatories": "who signs"}
    return names.get(name, own.get(name, name))


def settle(record, *, asked_by=None):
    """Ask for the next step, or approve a record in review when its last approval was given.

    While somebody writes in it neither is done: it is settled when they stop.
    """
    if record.written_now:
        return
    if record.stage == "in_review" and not ask(record, by=None, asked_by=asked_by) and not list(lacks(record)):
        perform(record.approve, by=None)


# -- How long it takes. ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pace:
    """How many questions somebody, or a rule, had decided, and the working hours that it took."""

    who: Any
    count: int
    median: float
    p90: float

    @classmethod
    def of(cls, who, hours):
        hours = sorted(hours)
        return cls(who, len(hours), median(hours), hours[ceil(0.9 * len(hours)) - 1])


def turnaround(rows, since) -> dict:
    """Return the pace of each approver and each rule since a moment, the slowest first: by "people" and "rules".

    `rows` are the approvals that count: those that whoever looks may see.
    """
    from .models import ApprovalRule

    calendar, people, rules = Calendar(), defaultdict(list), defaultdict(list)
    decided = rows.filter(decided_at__gte=since).order_by()
    for who, rule, asked, answered in decided.values_list("decided_by", "rule", "asked_at", "decided_at").iterator():
        hours = calendar.hours_between(asked, answered)
        people[who].append(hours)
        rules[rule].append(hours)
    names = get_user_model().objects.in_bulk(people)
    named = ApprovalRule.objects.select_related("group", "person", "service", "escalates_to")
    said = named.in_bulk([pk for pk in rules if pk])
    found = {
        "people": [Pace.of(names[pk], hours) for pk, hours in people.items()],
        # Without a rule: None.
        "rules": [Pace.of(said.get(pk), hours) for pk, hours in rules.items()],
    }
    return {name: sorted(paces, key=lambda pace: -pace.median) for name, paces in found.items()}
