"""Change orders: how delivery's page or a disputed promise begins one, or adds to the one that is being written."""

from django.db import transaction

from opportunities import followups
from opportunities.records import Lack, Opens, Refused, edit, lock
from proposals.models import Claim, Milestone, PriceLine, Proposal, ScopeItem

WRITE = "proposals.write_proposal"
COPIED = (ScopeItem, Milestone, PriceLine, Claim)


def seller_of(proposal):
    """Return whoever answers for what was sold."""
    return proposal.author if proposal.author.is_active else proposal.opportunity.owner


@transaction.atomic
def order(handoff, about, *, by, row=None, evidence=()) -> Proposal:
    """Begin a change order to the contract of a handoff, or go on with the one that is being written. Return it.

    `row` is what it begins with. Whoever may not write proposals has it begun for whoever sold the deal.
    """
    if handoff.stage == handoff.Stage.CLOSED or not handoff.project.is_open:
        raise Refused([Lack("It is closed: what comes next is a new opportunity.", handoff.staff_url())])
    contract = lock(handoff.contract)
    change = Proposal.open_change_to(contract)
    if change is not None and change.stage not in Proposal.WRITABLE:
        raise Refused([Lack(f"Wait until the client has answered the one they have: {change}.", change.staff_url())])
    if change is None:
        author = by if by.has_perm(WRITE) else seller_of(contract.proposal)
        change = Proposal.begin_change(contract, about, by=by, author=author)
        followups.open_task(change, Opens("proposal_review", "Write it and submit it", 2), by=by)
    if row is not None:
        change.add(row, by=by, evidence=evidence)
    return change


@transaction.atomic
def reword(promise, *, by) -> Proposal:
    """Begin the change order that rewords a disputed promise, with its row as it was sold. Return it.

    Whoever presses twice gets the one that names it already.
    """
    promise = lock(promise)
    if promise.stage != "disputed":
        raise Refused([Lack("Only what delivery disputes is reworded.", promise.staff_url())])
    named = promise.change_order and Proposal.open_change_to(promise.handoff.contract)
    if named and named.number == promise.change_order.number:
        return named
    row, evidence = row_of(promise)
    change = order(promise.handoff, promise.title, by=by, row=row, evidence=evidence)
    edit(promise, by=by, past="is to be reworded:", change_order=change)
    return change


def row_of(promise) -> tuple:
    """Return the row that was sold once more, not saved, and what it rests on."""
    sold = promise.record
    if not isinstance(sold, COPIED):
        return ScopeItem(kind="included", title=promise.title[:160], text=promise.words), ()
    said = sold.row()
    said.pop("position", None)
    # Only what still counts goes along: a change order rests on what is true now.
    proof = sold.evidence.all() if isinstance(sold, Claim) else filter(None, [sold.evidence])
    return type(sold)(**said), [each for each in proof if each.standing == "fresh"]


def added_for(exclusion) -> ScopeItem:
    """Return the row that includes from now on what was excluded, not saved."""
    return ScopeItem(kind="included", title=exclusion.title[:160])


# -- Who may. ----------------------------------------------------------------------------------------------------------


def may_order(handoff, user) -> bool:
    """Whether somebody may have a change order begun: whoever sells, and whoever delivers."""
    right = user.has_perm(WRITE) or user.has_perm("handoff.move_handoff")
    return right and handoff.within_reach(user, "change")


def may_reword(promise, user) -> bool:
    """Whether somebody may begin the change order that rewords a promise: they settle it with it."""
    return user.has_perm(WRITE) and promise.within_reach(user, "change")
