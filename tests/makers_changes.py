"""Makers of change orders. Each walks the real moves: delivery disputes, sales rewords, the client accepts."""

from handoff import changeorders
from opportunities.models import Evidence
from opportunities.records import perform
from portal.consent import CHANGE, CHANGE_VERSION
from proposals.models import Proposal
from tests.kept import kept
from tests.makers_handoff import a_handoff
from tests.makers_proposals import PROPOSAL_PATH, approve_all

AGREED = {"version": CHANGE_VERSION, "text": CHANGE}
SIGNED = {"name": "Bo Larsen", "role": "Owner", "consent": AGREED}


@kept
def a_dispute(owner, *, manager, delivery, **terms):
    """A deliverable that delivery disputes, of a handoff that is ready."""
    promise = a_handoff(owner, manager=manager, delivery=delivery, **terms).promises.get(kind="deliverable")
    return perform(promise.dispute, by=delivery, reason="Ten pages do not fit into three weeks.")


@kept
def a_change(owner, *, manager, delivery, stage="draft"):
    """The change order that rewords what delivery disputes. Return it."""
    promise = a_dispute(owner, manager=manager, delivery=delivery)
    return walk(changeorders.reword(promise, by=owner), owner, manager, stage)


def walk(change, owner, manager, stage):
    """Bring a change order so far on its way."""
    prove(change, owner)
    reached = PROPOSAL_PATH.index(stage)
    if reached >= 1:
        change = perform(change.submit, by=owner)
    if reached >= 2:
        change = approve_all(change, manager)
    if reached >= 3:
        change = perform(change.send, by=owner, contact=change.opportunity.decision_owner)
    if reached >= 4:
        change = perform(change.mark_viewed, by=change.recipient)
    if reached >= 5:
        change = perform(change.accept, by=change.recipient, **SIGNED)
    return Proposal.objects.get(pk=change.pk)


def prove(change, owner):
    """Rest on evidence what has none yet."""
    proof = Evidence.objects.filter(audit__opportunity=change.opportunity).order_by("pk").first()
    for row in change.scope_items.filter(kind="included", evidence=None):
        change.change(row, by=owner, evidence=proof)
