"""Two people at the same moment: one wins, the other is told, and nothing is made twice."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from opportunities.models import Event
from opportunities.records import Refused, perform
from portal.models import ProposalLink
from proposals import approvals, clock, composing, inbox
from proposals.models import Approval, Contract, PriceLine, Proposal
from tests.conftest import person
from tests.makers_proposals import a_proposal, decide
from tests.proposals.test_composer import Writer
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


# -- Approvals. --------------------------------------------------------------------------------------------------------


def pricing_of(proposal):
    return Approval.objects.get(proposal=proposal, aspect="pricing", stage="pending")


def told(approval, *verbs):
    names = [f"approval.{verb}" for verb in verbs]
    return Event.objects.filter(record_type="proposals.approval", record_id=approval.pk, verb__in=names).count()


@pytest.mark.parametrize("turn", range(5))
def test_an_approval_that_races_an_edit_is_of_what_was_read_or_of_nothing(ada, ben, turn):
    proposal = a_proposal(ada, stage="in_review")
    asked, line = pricing_of(proposal), proposal.price_lines.first()
    at_once(
        lambda: perform(asked.approve, by=ben, digest=asked.digest),
        lambda: proposal.change(line, by=ada, unit_price=3100),
    )
    now = approvals.digest("pricing", Proposal.objects.get(pk=proposal.pk))
    asked.refresh_from_db()
    # Whoever was first: what ben read does not stand for what ada wrote, and the new price is asked about.
    assert asked.stage == "lapsed"
    assert told(asked, "lapse") == 1
    assert pricing_of(proposal).digest == now


@pytest.mark.parametrize("turn", range(5))
def test_an_approval_that_races_a_recall_has_one_winner(ada, ben, turn):
    asked = pricing_of(a_proposal(ada, stage="in_review"))
    results = at_once(
        lambda: perform(asked.approve, by=ben, digest=asked.digest),
        lambda: perform(asked.recall, by=ada, reason="I forgot a row."),
    )
    assert sorted(type(result).__name__ for result in results) == ["Approval", "Refused"]
    assert told(asked, "approve", "recall") == 1


@pytest.mark.parametrize("turn", range(3))
def test_two_approvers_at_once_give_one_answer(ada, ben, turn):
    fay = person("fay", "Manager", team="East", sees="team")
    asked = pricing_of(a_proposal(ada, stage="in_review"))
    results = at_once(*(lambda who=who: perform(asked.approve, by=who, digest=asked.digest) for who in (ben, fay)))
    assert sorted(type(result).__name__ for result in results) == ["Approval", "Refused"]
    assert told(asked, "approve") == 1


def test_the_last_two_answers_at_once_approve_the_proposal_once(ada, ben):
    fay = person("fay", "Manager", team="East", sees="team")
    proposal = a_proposal(ada, stage="in_review")
    first, second, third = proposal.approvals.order_by("pk")
    decide(first, by=ben)
    at_once(lambda: decide(second, by=ben), lambda: decide(third, by=fay))
    assert Proposal.objects.get(pk=proposal.pk).stage == "approved"
    assert Event.objects.filter(verb="proposal.approve", record_id=proposal.pk).count() == 1


def test_the_clock_and_an_answer_at_once_do_not_wait_for_each_other(ada, ben):
    person("fay", "Manager", team="East", sees="team")
    asked = pricing_of(a_proposal(ada, stage="in_review"))
    Approval.objects.filter(pk=asked.pk).update(due=timezone.now(), remind_at=timezone.now())
    results = at_once(clock.run, lambda: decide(asked, by=ben), clock.run)
    assert results[1].stage == "approved"
    assert told(asked, "approve") == 1


def test_a_save_that_a_script_sends_twice_at_once_makes_one_row(as_user, ada):
    writers = [Writer(as_user(ada), proposal) for proposal in [a_proposal(ada)] * 2]
    fields = writers[0].open("new-pricing") | {"once": "a-key", "title": "Audit", "unit_price": "500"}
    answers = at_once(*[partial(writer.save, fields, scripts=True) for writer in writers])
    assert [answer.status_code for answer in answers] == [200, 200]
    line = PriceLine.objects.get(title="Audit")
    assert {answer.json()["key"] for answer in answers} == {composing.key_of(line)}
