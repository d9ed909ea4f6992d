"""Approval of content: what an aspect says, its digest, who must be asked, and what lapses when it changes."""

import hashlib
import json
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from opportunities.records import Lack, Opens, begin, perform

# -- What an aspect says. ----------------------------------------------------------------------------------------------


def content(aspect, record) -> dict:
    """Return what one aspect of a record says, as plain JSON in a fixed order."""
    said = CONTENTS[aspect](record)
    return json.loads(json.dumps(said, cls=DjangoJSONEncoder, sort_keys=True))


def digest(aspect, record) -> str:
    """Return the fingerprint of what one aspect says now."""
    return fingerprint(aspect, content(aspect, record))


def fingerprint(aspect, said) -> str:
    words = json.dumps([aspect, said], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()


def of_proposal(proposal) -> dict:
    return {name: getattr(proposal, name) for name in proposal.CONTENT} | {
        "scope": [row.says() for row in proposal.scope_items.all()],
        "timeline": [row.says() for row in proposal.milestones.all()],
    }


def of_pricing(proposal) -> dict:
    prices = {"currency": proposal.currency, "prices": [row.says() for row in proposal.price_lines.all()]}
    return prices | ({"discount": proposal.discount} if proposal.discount else {})


def of_claims(proposal) -> dict:
    return {"claims": [row.says() for row in proposal.claims.all()]}


def of_contract(contract) -> dict:
    """The terms and the clauses, and what the client accepted: the contract quotes it."""
    proposal = contract.proposal
    terms = (
        "signer_id",
        "report_every",
        "report_weekday",
        "report_day",
        "first_report_on",
        "payment_before_start",
        "kickoff_on",
    )
    return {name: getattr(contract, name) for name in terms} | {
        "clauses": [[row.clause_id, row.text] for row in contract.contract_clauses.all()],
        "proposal": {aspect: digest(aspect, proposal) for aspect in proposal.ASPECTS},
        "chosen": proposal.chosen,
    }


def of_summary(summary) -> dict:
    return {name: getattr(summary, name) for name in ("kind", "title", "words", "record_type", "record_id")}


CONTENTS = {
    "proposal": of_proposal,
    "pricing": of_pricing,
    "claims": of_claims,
    "contract": of_contract,
    "summary": of_summary,
}


# -- Asking. -----------------------------------------------------------------------------------------------------------


def rule_for(aspect, record):
    """Return the right that an approver needs, and the hours allowed. Without a rule somebody is asked all the same."""
    from .models import ApprovalRule

    amount = getattr(record, "amount", 0)
    rule = ApprovalRule.objects.filter(aspect=aspect, min_amount__lte=amount).order_by("-min_amount").first()
    return (rule.permission, rule.hours) if rule else (f"proposals.approve_{aspect}", 48)


def ask(record, *, by):
    """Ask for every approval that is needed and neither given nor asked. Return the new ones."""
    from opportunities.followups import open_task

    live = set(live_approvals(record).values_list("aspect", flat=True))
    asked = []
    for aspect in record.ASPECTS:
        if aspect in live:
            continue
        permission, hours = rule_for(aspect, record)
        said = content(aspect, record)
        due = timezone.now() + timedelta(hours=hours)
        approval = record.approvals.model(
            opportunity=record.opportunity,
            **{record._meta.model_name: record},
            aspect=aspect,
            permission=permission,
            content=said,
            digest=fingerprint(aspect, said),
            asked_by=by,
            owner=approver(record, permission),
            source=f"{record}"[:200],
            next_action="Read it and decide",
            due=due,
            due_on=timezone.localdate(due),
        )
        asked.append(begin(approval, by=by, past="asked for"))
        open_task(
            approval,
            Opens("proposal_review", f"Decide on the {approval.get_aspect_display().lower()}", hours // 24),
            by=by,
        )
    return asked


def next_deadline():
    """Return the time allowed to somebody to whom a late question was passed on."""
    return timezone.now() + timedelta(hours=24)


def approver(record, permission, instead_of=None):
    """Return whom to ask: somebody who may and did not write it, with the fewest open questions; else the owner."""
    people = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(pk__in=record.hands).order_by("pk")
    able = [
        person
        for person in people
        if person != instead_of and person.has_perm(permission) and record.within_reach(person, "change")
    ]
    waiting = record.approvals.model.objects.filter(stage="pending")
    return min(able, key=lambda person: waiting.filter(owner=person).count(), default=instead_of or record.owner)


# -- Lapsing and settling. ---------------------------------------------------------------------------------------------


def live_approvals(record):
    """Return the approvals that are asked or given."""
    return record.approvals.filter(stage__in=["pending", "approved"]).order_by("pk")


def lapse_changed(record, *, by=None):
    """Lapse the approvals of exactly those aspects whose content changed, and ask for them again."""
    changed = [row for row in live_approvals(record) if row.digest != digest(row.aspect, record)]
    for approval in changed:
        perform(approval.lapse, by=None, reason="What it stood for has changed.")
    if not changed:
        return
    if record.stage == "approved":
        names = ", ".join(approval.get_aspect_display().lower() for approval in changed)
        record = perform(record.fall_back, by=None, reason=f"Changed: {names}.")
    if record.stage == "in_review":
        ask(record, by=by)


def ask_for_what_lapsed(record):
    """Ask anew for what lapsed while the record was paused, when nobody could be asked."""
    if set(record.ASPECTS) <= set(live_approvals(record).values_list("aspect", flat=True)):
        return
    if record.stage == "approved":
        record = perform(record.fall_back, by=None, reason="It changed while it was paused.")
    if record.stage == "in_review":
        ask(record, by=None)


def lapse_pending(record, *, reason):
    """Stop asking: what is still pending lapses."""
    for approval in record.approvals.filter(stage="pending").order_by("pk"):
        perform(approval.lapse, by=None, reason=reason)


def lacks(record):
    """Yield what keeps a record from being approved, or sent as approved, naming each aspect."""
    live = {approval.aspect: approval for approval in live_approvals(record)}
    for aspect in record.ASPECTS:
        approval = live.get(aspect)
        if approval is None:
            yield Lack(f"Ask again for the approval of: {aspect}.", record.staff_url("approvals"))
        elif approval.digest != digest(aspect, record):
            yield Lack(f"The {aspect} changed since it was approved. Have it approved again.", approval.staff_url())
        elif approval.stage == "pending":
            yield Lack(f"Wait for the approval of: {aspect}.", approval.staff_url())


def changed_since_approved(aspect, record) -> list[str]:
    """Name the parts of an aspect that do not say what was approved. All of it, when no approval stands."""
    given = record.approvals.filter(aspect=aspect, stage="approved").first()
    now = content(aspect, record)
    if given and given.digest == fingerprint(aspect, now) == fingerprint(aspect, given.content):
        return []
    before = given.content if given else {}
    return [spoken(record, name) for name in now if before.get(name) != now[name]] or [aspect]


def spoken(record, name) -> str:
    """Say a part of an aspect as screens do."""
    names = {field.attname: field.verbose_name for field in record._meta.concrete_fields}
    return names.get(name, {"chosen": "what the client chose"}.get(name, name))


def settle(record):
    """Approve a record in review when its last approval was given."""
    if record.stage == "in_review" and not list(lacks(record)):
        perform(record.approve, by=None)
