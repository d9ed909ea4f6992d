"""Two people at the same moment: one wins, the other is told, and nothing is made twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import DatabaseError, connection

from opportunities.records import Refused, perform
from portal.models import ProposalLink
from proposals import approvals, inbox
from proposals.models import Contract, Proposal
from tests.makers_proposals import a_proposal
from tests.proposals.test_inbox import press_open

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs):
    """Run each job in a thread of its own, all starting together. Return their results, refusals included."""
    start = Barrier(len(jobs))

    def run(job):
        try:
            start.wait(5)
            return job()
        except (Refused, DatabaseError) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_two_people_send_and_one_link_is_made(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    contact = proposal.opportunity.decision_owner
    results = at_once(*[lambda: perform(proposal.send, by=ada, contact=contact)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["Proposal", "Refused"]
    assert ProposalLink.objects.count() == 1


def test_a_row_that_races_the_sending_is_either_approved_or_not_sent(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    contact = proposal.opportunity.decision_owner
    line = proposal.price_lines.first()
    at_once(
        lambda: perform(proposal.send, by=ada, contact=contact),
        lambda: proposal.change(line, by=ada, unit_price=1),
    )
    proposal = Proposal.objects.get(pk=proposal.pk)
    if proposal.stage == "sent":
        assert proposal.approvals.get(aspect="pricing", stage="approved").digest == approvals.digest(
            "pricing", proposal
        )
    else:
        assert proposal.stage == "in_review"


def test_two_who_revise_at_once_write_on_one_draft(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    at_once(*[lambda: proposal.revise(by=ada)] * 2)
    assert sorted(Proposal.objects.values_list("revision", flat=True)) == [1, 2]


def test_two_people_draw_up_and_one_contract_is_made(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    at_once(*[lambda: Contract.draw_up(proposal, by=ada)] * 2)
    assert Contract.objects.count() == 1


def test_two_readers_of_the_inbox_make_a_move_once(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    press_open(portal_cursor, proposal)
    results = at_once(inbox.read, inbox.read)
    assert sum(result["actions"] for result in results) == 1
    assert Proposal.objects.get().stage == "viewed"
