"""What an opportunity's page shows of what is promised, one function a panel."""

from opportunities import panels as floor
from opportunities.panels import FEW, may_change, newest

from . import answering, attention, coverage, pointing, totals
from .models import Summary


def proposals(opportunity, user) -> dict:
    """What is offered, for how much, and how much of it rests on proof."""
    shown = newest(coverage.annotated(opportunity.proposals.select_related("owner").prefetch_related("price_lines")))
    for proposal in shown["rows"]:
        proposal.percent = coverage.percent(proposal.rows_proven, proposal.rows_in_all)
        proposal.comes_to = totals.of(
            (line for line in proposal.price_lines.all() if not line.optional), proposal.currency, proposal.discount
        )
    reached = attention.in_short(shown["rows"])
    for proposal in shown["rows"]:
        proposal.links = reached.get(proposal.pk, [])
    summaries = newest(Summary.objects.filter(opportunity=opportunity), FEW)
    return shown | {
        "summaries": summaries["rows"],
        "may_write": may_change(opportunity, user, "proposals.write_proposal"),
        "may_sum_up": may_change(opportunity, user, "proposals.write_summary"),
    }


def contract(opportunity, user) -> dict:
    """What both sides sign, and what is paid."""
    return newest(
        opportunity.contracts.select_related("proposal", "owner", "payment").prefetch_related(
            "signatories__contact", "signatures"
        ),
        FEW,
    )


def objections(opportunity, user) -> dict:
    """What stands in the way, and which part of our offer each doubt is about."""
    shown = floor.objections(opportunity, user)
    doubts = [doubt for doubt, _ in shown["doubts"]]
    pointing.say_about(doubts)
    answering.say_where(doubts, user)
    return shown | {"may_point": may_change(opportunity, user, "opportunities.change_objection")}


def tasks(opportunity, user) -> dict:
    """What is promised; a task to answer a question leads to where it is answered."""
    shown = floor.tasks(opportunity, user)
    answering.say_where_of_tasks([task for task, _ in shown["waiting"]], user)
    return shown


def messages(opportunity, user) -> dict:
    """What was said and written; a question from the portal leads to where it is answered."""
    shown = floor.messages(opportunity, user)
    answering.say_where(shown["rows"], user)
    return shown
