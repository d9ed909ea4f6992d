"""Questions about a paused proposal rest with it: nobody is asked or late, and each gets its hours anew afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opportunities.models import Event, Notice, Task
from opportunities.records import Refused, perform
from proposals import clock
from tests.makers_proposals import a_proposal, decide
from zarts.desk import queue

pytestmark = pytest.mark.django_db

WHY = "Its proposal is paused: The client moves offices."


def again(record):
    return type(record).objects.get(pk=record.pk)


@pytest.fixture
def asked(ada, ben):
    return a_proposal(ada, stage="in_review").approvals.get(aspect="pricing")


def pause(asked, by):
    return perform(again(asked.proposal).pause, by=by, reason="The client moves offices.")


def test_it_stands_in_nobodys_queue_and_says_what_it_waits_for(ada, ben, asked, as_user):
    assert asked in queue.waiting_for(ben)
    proposal = pause(asked, ada)
    assert not queue.waiting_for(ben).exists()
    assert not queue.Queue(ben).all_open().exists()
    text = as_user(ben).get(asked.staff_url()).text
    assert f"<dt>Waits</dt><dd>{WHY}" in text
    assert "Decide by" not in text
    assert f"waits: {WHY}" in as_user(ada).get(proposal.staff_url()).text
    with pytest.raises(Refused, match="It waits. Its proposal is paused"):
        decide(again(asked), by=ben)


@pytest.mark.parametrize("move", ["approve", "approve_on", "reject", "request_changes"])
def test_nobody_decides_on_anything_of_a_paused_deal_and_reads_what_to_do(ada, ben, asked, move, as_user):
    deal = perform(asked.opportunity.pause, by=ada, reason="They move house.", until=None)
    more = {"approve": {}, "approve_on": {"condition": {"measure": "discount", "number": "10"}}}
    with pytest.raises(Refused, match="Resume the deal first") as refusal:
        decide(again(asked), move, by=ben, **more.get(move, {"reason": "Too cheap."}))
    assert refusal.value.lacks[0].url == deal.move_url("resume")
    assert "Resume the deal first: it is paused." in as_user(ben).get(asked.staff_url()).text
    perform(again(deal).resume, by=ada)
    assert decide(again(asked), by=ben).stage == "approved"


def test_nobody_is_reminded_it_is_not_late_and_does_not_move_on(ada, ben, asked, time_machine):
    pause(asked, ada)
    told = Notice.objects.count()
    time_machine.move_to(timezone.now() + timedelta(days=20))
    assert (clock.remind(), clock.move_on()) == (0, 0)
    assert Notice.objects.count() == told
    assert again(asked).due == asked.due


def test_the_task_to_decide_waits_with_its_reason(ada, ben, asked):
    task = Task.objects.about(asked).open().get()
    pause(asked, ada)
    task = again(task)
    assert (task.stage, task.paused_because) == ("paused", WHY)


def test_when_it_goes_on_each_question_gets_its_hours_anew(ada, ben, asked, time_machine):
    task, hours = Task.objects.about(asked).get(), asked.due - asked.asked_at
    proposal = pause(asked, ada)
    time_machine.move_to(timezone.now() + timedelta(days=14))
    perform(proposal.resume, by=ada)
    now = again(asked)
    assert now.stage == "pending"
    assert now.due - timezone.now() > hours - timedelta(hours=1)
    assert timezone.now() < now.remind_at < now.due
    assert now.due_on == timezone.localdate(now.due)
    assert asked in queue.waiting_for(ben)
    task = again(task)
    assert task.stage == "open"
    assert timezone.localdate(task.due_at) == now.due_on
    told = Event.objects.filter(record_type=asked.label(), record_id=asked.pk).order_by("pk").last()
    assert told.reason == "Its proposal was resumed."


def test_a_deal_that_goes_on_takes_up_no_question_of_a_proposal_that_is_paused(ada, ben, asked):
    task = Task.objects.about(asked).get()
    pause(asked, ada)
    deal = perform(again(asked.opportunity).pause, by=ada, reason="They are away.")
    perform(deal.resume, by=ada)
    assert asked not in queue.waiting_for(ben)
    assert again(task).stage == "paused"


def test_what_somebody_who_left_had_to_answer_rests_with_whoever_has_it_next(ada, ben, fay, asked):
    pause(asked, ada)
    asked = again(asked)
    asked.owner.is_active = False
    asked.owner.save()
    assert clock.move_on_from(asked.owner)
    assert {task.stage for task in Task.objects.about(asked).exclude(stage="cancelled")} == {"paused"}
