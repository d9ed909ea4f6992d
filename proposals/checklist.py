"""The lines of the close-ready checklist that the offer can answer."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils import timezone

from opportunities.checks import (
    MINE,
    MOST,
    Kind,
    Stage,
    add_page,
    check,
    fill,
    later,
    met,
    moment,
    page,
    person,
    place_of,
    rows,
    said_day,
    unmet,
)
from opportunities.models import Audit, Evidence, Message, Objection, Task
from opportunities.records import Lack

from .models import Approval, Aspect, Claim, Contract, Milestone, PriceLine, Proposal, ScopeItem, Summary

UNWRITTEN = "When a proposal is written."
# The one that counts: what the client took, else the newest that stands.
CURRENT = Case(When(stage="accepted", then=0), default=1)


def learn(deals):
    """Read what is offered, approved, signed and said in these deals, in one query."""
    its = {"proposal": OuterRef("pk")}
    proof = Evidence.objects.filter(audit__opportunity=OuterRef("opportunity")).filter(
        *[
            Exists(Claim.evidence.through.objects.filter(evidence=OuterRef("pk"), claim__proposal=OuterRef(MINE)))
            | Exists(ScopeItem.objects.filter(evidence=OuterRef("pk"), proposal=OuterRef(MINE)))
            | Exists(Milestone.objects.filter(evidence=OuterRef("pk"), proposal=OuterRef(MINE)))
            | Exists(PriceLine.objects.filter(evidence=OuterRef("pk"), proposal=OuterRef(MINE)))
        ]
    )
    # What `gates.evidence_falls_because` says of one piece, asked of all at once.
    fallen = proof.filter(
        ~Q(audit__stage="verified")
        | Q(withdrawal__isnull=False)
        | Q(corrected_by__isnull=False)
        | Q(fresh_until__lte=timezone.now())
    )
    bare = ~Exists(Claim.evidence.through.objects.filter(claim=OuterRef("pk")))
    unsupported = Claim.objects.filter(**its).filter(bare | (~Q(kind="finding") & ~Q(method__regex=r"\S")))
    proposals = Proposal.objects.filter(opportunity=MINE, changes=None).exclude(stage__in=["superseded", "withdrawn"])
    given = Approval.objects.filter(summary=OuterRef("pk"), stage=Approval.Stage.APPROVED)
    message = Message.objects.filter(record_type=Proposal.label(), record_id=OuterRef("pk"))
    contracts = Contract.objects.filter(opportunity=MINE).exclude(stage__in=["declined", "voided"])
    fill(
        deals,
        proposal=rows(
            proposals.order_by(CURRENT, "-pk")[:1],
            **{name: name for name in ("pk", "stage", "sent_at", "viewed_at", "decide_on", "service", "lead")},
            because="paused_because",
            kinds=ArraySubquery(ScopeItem.objects.filter(**its).order_by("kind").values("kind").distinct()),
            timed=Exists(Milestone.objects.filter(**its)),
            priced=Exists(PriceLine.objects.filter(**its)),
            unsupported=rows(unsupported.order_by("pk")[:MOST], text="text"),
            fallen=rows(fallen.order_by("pk")[:MOST], metric="metric", audit="audit"),
            caveats=ArraySubquery(
                proof.filter(provider_caveat__regex=r"\S").order_by("provider").values("provider").distinct()
            ),
            told=Exists(message),
        ),
        contract=rows(
            contracts.order_by("-pk")[:1],
            **{name: name for name in ("pk", "number", "stage", "kickoff_on")},
            before_start="payment_before_start",
            payment="payment__stage",
            payment_pk="payment__pk",
        ),
        approvals=rows(
            Approval.objects.filter(opportunity=MINE, stage__in=Approval.LIVE, summary=None)
            .filter(Q(proposal=None) | Q(proposal__changes=None))
            .order_by("-pk")[:MOST],
            **{name: name for name in ("pk", "aspect", "stage", "proposal", "contract")},
        ),
        summaries=rows(
            Summary.objects.filter(opportunity=MINE)
            .exclude(stage__in=["withdrawn", "superseded"])
            .order_by("-pk")[:MOST],
            **{name: name for name in ("pk", "title", "kind", "stage")},
            approved=rows(given.order_by("-pk")[:1], by=person("decided_by"), at="decided_at"),
        ),
        objections=rows(Objection.objects.filter(opportunity=MINE).order_by("-pk")[:MOST], stage="stage"),
    )
    for deal in deals.values():
        (deal.proposal,) = deal.proposal or [None]
        (deal.contract,) = deal.contract or [None]


# -- What it says. -----------------------------------------------------------------------------------------------------


@check(
    "B3",
    "Keep scope, exclusions, assumptions, integrations, timeline, and pricing separate.",
    kind=Kind.RULE,
    due_from=Stage.PROPOSAL,
    keeper="Each is a row of its own kind; without scope, timeline and price a proposal is not submitted.",
    names=("proposals.models.ScopeItem.Kind", "proposals.gates.has_timeline", "proposals.gates.has_prices"),
    told_by=("proposal.submit",),
)
def parts_are_separate(deal):
    proposal = deal.proposal
    if proposal is None:
        return unmet(Lack("Write the proposal of this deal.", add_page(Proposal, opportunity=deal.opportunity.pk)))
    missing = {
        "Write the scope as rows.": ("scope_items-group", proposal["kinds"]),
        "Add the steps of the timeline.": ("milestones-group", proposal["timed"]),
        "Add a price.": ("price_lines-group", proposal["priced"]),
    }
    lacks = [
        Lack(words, page(Proposal, proposal["pk"], place)) for words, (place, there) in missing.items() if not there
    ]
    return unmet(*lacks) if lacks else met("Scope, timeline and price stand in rows of their own.")


@check(
    "C3",
    "Separate included deliverables, excluded work, optional add-ons, assumptions, and dependencies.",
    kind=Kind.RULE,
    due_from=Stage.PROPOSAL,
    keeper="Each row of scope has one of six kinds; nothing is submitted before it says what is included.",
    names=("proposals.models.ScopeItem.Kind", "proposals.gates.has_scope"),
    told_by=("proposal.submit",),
)
def scope_is_sorted(deal):
    proposal = deal.proposal
    if proposal is None:
        return later(UNWRITTEN)
    kinds = set(proposal["kinds"])
    if proposal["stage"] != Proposal.Stage.ACCEPTED:
        wanted = {
            "Say what is included.": {"included"},
            "Say what is excluded.": {"excluded"},
            "Say what we rely on: add an assumption or a dependency.": {"assumption", "dependency"},
        }
        url = page(Proposal, proposal["pk"], "scope_items-group")
        if lacks := [Lack(words, url) for words, any_of in wanted.items() if not kinds & any_of]:
            return unmet(*lacks)
    return met(f"It says what is {', '.join(kind for kind in ScopeItem.Kind.values if kind in kinds)}.")


# -- What it rests on. -------------------------------------------------------------------------------------------------


@check(
    "C2",
    "Use audit evidence before naming scope, price, timeline, or expected improvement.",
    kind=Kind.RULE,
    due_from=Stage.AUDIT,
    keeper="No proposal starts before an audit is verified and fresh; none is submitted or sent on proof that fell.",
    names=(
        "opportunities.gates.audit_is_verified_and_fresh",
        "proposals.gates.claims_are_supported",
        "proposals.gates.proof_stands",
    ),
    told_by=("audit.verify",),
)
def proof_comes_first(deal):
    proposal, place = deal.proposal, place_of(deal.opportunity)
    sold = place not in (None, Stage.AUDIT, Stage.PROPOSAL)
    if sold or (place is None and proposal and proposal["sent_at"]):
        return met("What was sold was proved when it was sent.")
    verified = [audit for audit in deal.audits if audit["stage"] == Audit.Stage.VERIFIED]
    if not verified:
        url = page(Audit, deal.audits[0]["pk"]) if deal.audits else add_page(Audit, opportunity=deal.opportunity.pk)
        return unmet(Lack("Verify an audit of this opportunity.", url))
    lacks = [
        Lack(f"Measure {row['metric']} again: it counted until {said_day(row['until'])}.", evidence_of(audit["pk"]))
        for audit in verified
        for row in audit["aged"]
    ]
    if proposal and not lacks:
        url = page(Proposal, proposal["pk"], "claims-group")
        lacks += [Lack(f"Back the claim “{claim['text']}” with evidence.", url) for claim in proposal["unsupported"]]
        lacks += [fell(row, "Replace or measure again") for row in proposal["fallen"]]
    return unmet(*lacks) if lacks else met("An audit is verified, and its evidence is inside its shelf life.")


def evidence_of(audit):
    return page(Audit, audit, "evidence-group")


def fell(row, words):
    return Lack(f"{words} {row['metric']}: it does not count any more.", evidence_of(row["audit"]))


@check(
    "B6",
    "Pause proposal work when audit evidence, scope, timeline, or decision path is not verified.",
    kind=Kind.RULE,
    due_from=Stage.PROPOSAL,
    keeper="A proposal pauses by itself when its proof falls or nobody is known to decide, and says why.",
    names=(
        *("proposals.reactions.pause_what_rests_on_it", "proposals.gates.proof_stands"),
        *("proposals.reactions.follow_who_decides", "proposals.gates.decision_path_is_known"),
    ),
    told_by=("proposal.pause", "proposal.resume"),
)
def work_pauses(deal):
    proposal, decider = deal.proposal, deal.decider[0] if deal.decider else None
    if proposal is None:
        return later(UNWRITTEN)
    if proposal["stage"] == Proposal.Stage.PAUSED:
        return met(f"Paused: {proposal['because']}")
    if proposal["stage"] not in Proposal.BEFORE_SENT:
        return met("Nothing kept it back when it was sent.")
    lacks = [fell(row, "Pause the proposal, or measure again") for row in proposal["fallen"]]
    if decider is None or not decider["reachable"]:
        why = f"{decider['name']} cannot be reached any more." if decider else "nobody is known to decide."
        url = deal.opportunity.staff_url("id_decision_owner")
        lacks.append(Lack(f"Name the decision owner, or pause the proposal: {why}", url))
    return unmet(*lacks) if lacks else met("Nothing to pause for: its proof counts, and somebody is known to decide.")


# -- Who approved it, and where it went. -------------------------------------------------------------------------------


@check(
    "C4",
    "Route proposal, pricing, sensitive claims, and contract language through an approval step.",
    kind=Kind.GATE,
    due_from=Stage.PROPOSAL,
    keeper="Nothing is sent before each is approved by somebody who did not write it, in exactly these words.",
    names=("proposals.gates.approvals_are_given", "proposals.policies.may_approve", "trigger:four_eyes"),
    told_by=("approval.approve", "approval.approve_on"),
)
def approvals_are_given(deal):
    proposal, contract = deal.proposal, deal.contract
    if proposal is None or proposal["stage"] in (Proposal.Stage.DRAFT, Proposal.Stage.PAUSED):
        return later("When the proposal is submitted for review.")
    lacks = [*waiting(deal, Proposal, proposal)]
    if contract and contract["stage"] == Contract.Stage.DRAFT:
        lacks.append(Lack("Submit the contract for review.", page(Contract, contract["pk"], "moves")))
    elif contract:
        lacks += waiting(deal, Contract, contract)
    if lacks:
        return unmet(*lacks)
    return met(f"Approved: proposal, pricing, claims{' and contract' if contract else ''}.")


def waiting(deal, model, record):
    """Yield each aspect of a proposal or contract that nobody has approved as it stands."""
    name = model._meta.model_name
    live = {row["aspect"]: row for row in reversed(deal.approvals) if row[name] == record["pk"]}
    for aspect in model.ASPECTS:
        label = Aspect(aspect).label.lower()
        if aspect not in live:
            yield Lack(f"Ask for the approval of the {label}.", page(model, record["pk"], "approvals"))
        elif live[aspect]["stage"] == Approval.Stage.PENDING:
            yield Lack(f"Have the {label} approved.", page(Approval, live[aspect]["pk"]))


@check(
    "B5",
    "Record sent date, viewed date, follow-up date, objection, probability, and decision deadline.",
    kind=Kind.FIELD,
    due_from=Stage.PROPOSAL,
    keeper="Sending and opening write their own dates; the others are fields of the deal.",
    names=("proposals.models.Proposal.mark_viewed", "constraint:opportunity_probability_is_a_percentage"),
    told_by=("opportunity.edit",),
)
def dates_are_recorded(deal):
    opportunity, lacks = deal.opportunity, []
    if place_of(opportunity) in (Stage.WON, Stage.HANDED_OFF):
        return met("It was decided.")
    if not opportunity.probability:
        lacks.append(Lack("Set the probability.", opportunity.staff_url("id_probability")))
    if not (opportunity.decision_on or (deal.proposal and deal.proposal["decide_on"])):
        lacks.append(Lack("Set the decision deadline.", opportunity.staff_url("id_decision_on")))
    if opportunity.due_on is None:
        lacks.append(Lack("Set the day of the next follow-up.", opportunity.staff_url("id_due_on")))
    if lacks:
        return unmet(*lacks)
    return met(f"{opportunity.probability}% and {counted(deal.objections)}; deadline and follow-up have their day.")


@check(
    "C5",
    "Log proposal sent date, viewed date, follow-up task, objection, probability, and decision deadline.",
    kind=Kind.TASK,
    due_from=Stage.PROPOSAL,
    keeper="Sending writes its date and opens the follow-up, opening writes its own, declining keeps the reason.",
    names=(
        "proposals.models.Proposal.send",
        "proposals.reactions.promise_a_follow_up",
        "proposals.models.Proposal.decline",
    ),
    told_by=("proposal.send", "proposal.mark_viewed"),
)
def sending_is_logged(deal):
    proposal = deal.proposal
    if proposal is None or not proposal["sent_at"]:
        return later("When the proposal is sent.")
    if proposal["stage"] in Proposal.WITH_CLIENT and Task.Kind.FOLLOW_UP not in deal.task_kinds:
        add = add_page(Task, opportunity=deal.opportunity.pk, kind="follow_up")
        return unmet(Lack("Add the follow-up of the proposal.", add))
    viewed = f"opened {said_day(proposal['viewed_at'])}" if proposal["viewed_at"] else "not opened yet"
    return met(f"Sent {said_day(proposal['sent_at'])}, {viewed}, {counted(deal.objections)}.")


def counted(objections) -> str:
    open_ones = sum(row["stage"] == Objection.Stage.RAISED for row in objections)
    words = f"{len(objections) or 'no'} objection{'' if len(objections) == 1 else 's'}"
    return f"{words}, {open_ones} not answered" if open_ones else words


@check(
    "C9",
    "Keep raw audit notes, private details, and provider caveats out of client-safe summaries until approved.",
    kind=Kind.GATE,
    due_from=Stage.AUDIT,
    keeper="Words for the client are read for internal ones, approved by a second person, and only then published.",
    names=("proposals.lint.check", "proposals.gates.words_are_safe", "proposals.publishing.findings"),
)
def summaries_are_approved(deal):
    if not deal.summaries:
        return later("When words for the client are written.")
    lacks = [
        Lack(f"Have the words “{row['title']}” approved.", page(Summary, row["pk"]))
        for row in deal.summaries
        if row["stage"] not in Summary.SAFE
    ]
    if lacks:
        return unmet(*lacks)
    last = max((word for row in deal.summaries for word in row["approved"]), key=lambda word: word["at"], default={})
    return met("All words for the client are approved.", by=last.get("by"), at=moment(last.get("at")))


CHECKS = (
    parts_are_separate,
    scope_is_sorted,
    proof_comes_first,
    work_pauses,
    approvals_are_given,
    dates_are_recorded,
    sending_is_logged,
    summaries_are_approved,
)
