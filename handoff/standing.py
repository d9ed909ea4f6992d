"""How far the words for the client have come, and the scope: derived here from what was written, and nowhere typed.

What the client reads now speaks first, then what is nearest to being read, then what was taken back. Each kind of
record takes its words from what carries it to the client:

    Opportunity         all of it: the newest proposal and contract, the words and the reports
    Discovery           the offer that answers it, and words about the scope
    Audit               the offers that rest on its evidence, and words about what it found
    Handoff, Project    the contract, the reports, and words about them and about blockers

The scope of a deal is that of its newest offer; what the client signs is approved.
"""

from django.db.models import Case, When

from opportunities.models import Audit, Discovery, Opportunity
from opportunities.records import ClientSafe, ScopeState
from proposals.evidence import FINDINGS, proposals_on
from proposals.models import Contract, Proposal, Summary

from .models import Handoff, Project, Report

SAFE = ClientSafe
# What speaks for a record of which several words are on their way.
ORDER = (SAFE.PUBLISHED, SAFE.APPROVED, SAFE.IN_REVIEW, SAFE.DRAFTED, SAFE.WITHDRAWN)
KIND = Summary.Kind
DERIVED = ("client_safe", "scope_state")
GONE = (Proposal.Stage.SUPERSEDED, Proposal.Stage.WITHDRAWN)
ACCEPTED_FIRST = Case(When(stage="accepted", then=0), When(stage__in=GONE, then=2), default=1)


def furthest(states):
    """Return the state that speaks for all of these."""
    states = set(states)
    return next((state for state in ORDER if state in states), SAFE.INTERNAL)


def keep(opportunity):
    """Keep what is derived of a deal and of what hangs on it true. The move that it follows from is in the diary."""
    pk = opportunity.pk
    # What was signed and has ended is past: a deal that was reopened is about its next offer. A change order is none.
    offers = Proposal.objects.filter(opportunity=pk, changes=None).exclude(contracts__stage="ended")
    offer = offers.order_by(ACCEPTED_FIRST, "-pk").values("stage", *DERIVED).first()
    contract = Contract.objects.filter(opportunity=pk).order_by("-pk").values("stage", *DERIVED).first()
    words = Summary.objects.filter(opportunity=pk).exclude(stage="superseded").order_by()
    words = list(words.values_list("kind", "client_safe").distinct())
    reports = list(Report.objects.filter(project__opportunity=pk).order_by().values_list("client_safe", flat=True))

    def about(*kinds):
        return [state for kind, state in words if kind in kinds]

    offered, signed = ([row["client_safe"]] if row else [] for row in (offer, contract))
    put(Opportunity.objects.filter(pk=pk), [*offered, *signed, *about(*KIND.values), *reports])
    put(Discovery.objects.filter(opportunity=pk), [*offered, *about(KIND.SCOPE)])
    for audit in Audit.objects.filter(opportunity=pk):
        resting = proposals_on(audit.evidence.values("pk")).exclude(stage__in=GONE).order_by()
        found = about(*FINDINGS) if audit.counts_until else []
        put(Audit.objects.filter(pk=audit.pk), [*resting.values_list("client_safe", flat=True), *found])
    for model in (Handoff, Project):
        put(model.objects.filter(opportunity=pk), [*signed, *reports, *about(KIND.REPORT, KIND.BLOCKER)])
    # A lost deal keeps what it had come to: its offer is taken back with it.
    scope = scope_of(offer, contract)
    deals = Opportunity.objects.filter(pk=pk).exclude(stage=Opportunity.Stage.LOST)
    deals.exclude(scope_state=scope).update(scope_state=scope)


def scope_of(offer, contract) -> str:
    """Return the scope of a deal: approved by what both sides sign, else as far as its newest offer."""
    if contract and contract["stage"] not in Contract.CLOSED:
        return ScopeState.APPROVED
    return offer["scope_state"] if offer and offer["stage"] not in GONE else ScopeState.UNSCOPED


def put(rows, states):
    state = furthest(states)
    rows.exclude(client_safe=state).update(client_safe=state)
