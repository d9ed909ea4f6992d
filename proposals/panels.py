"""What an opportunity's page shows of what is promised, one function a panel."""

from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from opportunities import panels as floor
from opportunities.panels import FEW, may_change, newest

from . import pointing, totals
from .models import Claim, Milestone, PriceLine, ScopeItem, Summary

ROWS = (ScopeItem, Milestone, PriceLine, Claim)


def how_many(model, **only):
    """Return the number of a proposal's rows of one kind, as a part of the query for the proposal."""
    rows = model.objects.filter(proposal=OuterRef("pk"), **only).order_by().values("proposal")
    return Coalesce(Subquery(rows.annotate(n=Count("pk", distinct=True)).values("n")), Value(0))


def sum_of(counts):
    """Add the parts of a query."""
    total, *others = counts
    for count in others:
        total += count
    return total


def proposals(opportunity, user) -> dict:
    """What is offered, for how much, and how much of it rests on proof."""
    rows = (
        opportunity.proposals.select_related("owner")
        .prefetch_related("price_lines")
        .annotate(
            rows_in_all=sum_of([how_many(model) for model in ROWS]),
            rows_proven=sum_of([how_many(model, evidence__isnull=False) for model in ROWS]),
        )
    )
    shown = newest(rows)
    for proposal in shown["rows"]:
        proposal.comes_to = totals.of(
            (line for line in proposal.price_lines.all() if not line.optional), proposal.discount
        )
    summaries = newest(Summary.objects.filter(opportunity=opportunity), FEW)
    return shown | {
        "summaries": summaries["rows"],
        "may_write": may_change(opportunity, user, "proposals.write_proposal"),
        "may_sum_up": may_change(opportunity, user, "proposals.write_summary"),
    }


def contract(opportunity, user) -> dict:
    """What both sides sign, and what is paid."""
    return newest(opportunity.contracts.select_related("proposal", "signer", "owner", "payment"), FEW)


def objections(opportunity, user) -> dict:
    """What stands in the way, and which part of our offer each doubt is about."""
    shown = floor.objections(opportunity, user)
    pointing.say_about([doubt for doubt, _ in shown["doubts"]])
    return shown | {"may_point": may_change(opportunity, user, "opportunities.change_objection")}
