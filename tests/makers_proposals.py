"""Makers of proposals and contracts. Each walks the real moves, up to the stage that is asked for."""

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from opportunities.models import Evidence
from opportunities.records import begin, perform
from portal.consent import ACCEPT, ACCEPT_VERSION
from portal.models import Publication
from proposals.house import furnish
from proposals.models import Claim, Contract, Milestone, PriceLine, Proposal, ScopeItem, Service, Summary
from proposals.policies import may_approve
from proposals.publishing import CONSENT
from tests.kept import kept
from tests.makers import an_opportunity

# What shows that money came in.
SHOWN = {"reference": "SEPA 4711", "happened_on": date(2026, 11, 20), "link": "https://bank.example/statements/4711"}
FOUND = "Your largest page takes 6.8 seconds to show on a phone."
PROPOSAL_PATH = ["draft", "in_review", "approved", "sent", "viewed", "accepted"]
INTERNAL = {
    "internal_cost": Decimal("1200"),
    "pricing_assumption": "Two people for a week, and the cheaper tool is enough for the first year.",
}
CONTRACT_PATH = ["draft", "in_review", "approved", "sent", "signed", "active"]


@kept
def a_proposal(owner, *, approver=None, stage="draft", opportunity=None, claimed=None, **fields):
    """A proposal with nothing wrong with it. `approver` is needed from approved on; `claimed`: what its claim says."""
    furnish()
    opportunity = opportunity or an_opportunity(owner, stage="proposal")
    fields.setdefault("title", "Faster pages, more bookings")
    fields.setdefault("intro", "You asked us how to win more bookings. Here is what we found and what we would do.")
    fields.setdefault("valid_until", timezone.localdate() + timedelta(days=21))
    fields.setdefault("service", Service.objects.get(name="Search and speed"))
    proposal = Proposal(
        opportunity=opportunity, owner=owner, author=owner, source=f"Opportunity {opportunity}", **fields
    )
    begin(proposal, by=owner)
    fill(proposal, owner, claimed or {})
    reached = PROPOSAL_PATH.index(stage)
    if reached >= 1:
        proposal = perform(proposal.submit, by=owner)
    if reached >= 2:
        proposal = approve_all(proposal, approver)
    if reached >= 3:
        proposal = perform(proposal.send, by=owner, contact=opportunity.decision_owner)
    if reached >= 4:
        proposal = perform(proposal.mark_viewed, by=proposal.recipient)
    if reached >= 5:
        consent = {"version": ACCEPT_VERSION, "text": ACCEPT}
        proposal = perform(proposal.accept, by=proposal.recipient, name="Bo Larsen", role="Owner", consent=consent)
    return Proposal.objects.get(pk=proposal.pk)


def fill(proposal, by, claimed):
    """Write rows of every kind, with evidence."""
    slow, bookings = Evidence.objects.filter(audit__opportunity=proposal.opportunity).order_by("pk")[:2]
    rows = [
        (ScopeItem(kind="included", title="Faster pages", text="We mend the ten slowest pages."), slow),
        (ScopeItem(kind="excluded", title="A new design", text="The look of the site stays."), None),
        (ScopeItem(kind="assumption", title="The site stays where it is", text="You do not move it meanwhile."), None),
        (ScopeItem(kind="dependency", title="Access", text="You give us access before the start."), None),
        (Milestone(title="Mend the slowest pages", start_week=0, weeks=3, who="We"), slow),
        (PriceLine(title="Mending", recurring="once", unit_price=Decimal("3000"), **INTERNAL), slow),
        (PriceLine(title="Care each month", recurring="monthly", unit_price=Decimal("900"), internal_cost=0), bookings),
        (
            PriceLine(
                title="Call tracking", recurring="monthly", unit_price=Decimal("150"), internal_cost=0, optional=True
            ),
            bookings,
        ),
        (Claim(**{"text": FOUND, "metric": slow.metric, "unit": "s", **claimed}), slow),
    ]
    for position, (row, evidence) in enumerate(rows):
        row.position = position
        proposal.add(row, by=by, evidence=[evidence] if evidence else [])


def decide(approval, move="approve", *, by, **details):
    """Give an answer as somebody does who has read the question."""
    return perform(getattr(approval, move), by=by, digest=approval.digest, **details)


def approve_all(record, *approvers):
    """Have every approval of a record given, step by step, each by the first of them who may. Return the record."""
    while approval := record.approvals.filter(stage="pending").order_by("pk").first():
        decide(approval, by=next((each for each in approvers if may_approve(approval, each)), approvers[0]))
    return type(record).objects.get(pk=record.pk)


@kept
def a_contract(owner, *, approver, stage="draft", proposal=None, **terms):
    """A contract with nothing wrong with it, of an accepted proposal."""
    proposal = proposal or a_proposal(owner, approver=approver, stage="accepted")
    if proposal.opportunity.stage == "proposal":
        perform(proposal.opportunity.start_contract, by=owner)
    terms.setdefault("kickoff_on", timezone.localdate() + timedelta(days=14))
    contract = Contract.draw_up(proposal, by=owner, **terms)
    reached = CONTRACT_PATH.index(stage)
    if reached >= 1:
        contract = perform(contract.submit, by=owner)
    if reached >= 2:
        contract = approve_all(contract, approver)
    if reached >= 3:
        contract = perform(contract.send, by=owner)
    if reached >= 4:
        digest = Publication.objects.get(pk=contract.publication_id).digest
        typed = {"name": "Bo Larsen", "role": "Owner", "consent": CONSENT, "digest": digest}
        while who := contract.whose_turn:
            contract = perform(contract.sign, by=who, **typed)
    if reached >= 5:
        contract = perform(contract.countersign, by=approver, role="Managing director")
    return Contract.objects.get(pk=contract.pk)


@kept
def a_summary(owner, *, approver=None, stage="draft", opportunity=None, **fields):
    """Client-safe words about a finding."""
    opportunity = opportunity or an_opportunity(owner, stage="proposal")
    fields.setdefault("kind", "finding")
    fields.setdefault("title", "Your pages are slow on phones")
    fields.setdefault("words", "On a phone, the first page takes nearly seven seconds until somebody can read it.")
    summary = Summary(opportunity=opportunity, owner=owner, author=owner, source=f"Opportunity {opportunity}", **fields)
    begin(summary, by=owner)
    if stage != "draft":
        summary = perform(summary.submit, by=owner)
    if stage in ("approved", "published"):
        summary = approve_all(summary, approver)
    if stage == "published":
        summary = perform(summary.publish, by=approver)
    return Summary.objects.get(pk=summary.pk)
