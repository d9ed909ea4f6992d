"""Whoever leaves owes nothing any more: somebody who is here does, and knows it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opportunities import followups, outbox, sequences
from opportunities.models import Letter, Message, Notice, Task
from opportunities.records import Opens, begin, edit, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_series import a_sequence, let_fall_due
from tests.opportunities.test_followups import a_follow_up

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def leaves(user):
    return edit(user, by=None, is_active=False)


def a_task(owner, deal, **fields):
    due = timezone.now() + timedelta(days=1)
    return begin(Task(**{"opportunity": deal, "title": "Call them", "owner": owner, "due_at": due, **fields}), by=owner)


def test_what_they_owed_goes_to_whoever_has_the_deal_and_each_is_told(ada, ben):
    deal = an_opportunity(ada)
    tasks = [a_task(ben, deal), perform(a_task(ben, deal).pause, by=ben, reason="They are away.")]
    done = perform(a_task(ben, deal).finish, by=ben)
    leaves(ben)
    assert [again(task).owner for task in tasks] == [ada, ada]
    assert again(done).owner == ben, "what is done stays theirs"
    told = Notice.objects.filter(user=ada, words__startswith="Ben has left, it is yours now: Call them")
    assert {notice.record_id for notice in told} == {task.pk for task in tasks}


def test_what_whoever_has_the_deal_owed_goes_to_the_least_busy_of_their_role(ada, ben, cem):
    gus = person("gus", "Growth ops", team="East")
    deal = an_opportunity(ada)
    a_task(gus, an_opportunity(gus))
    task = a_task(ada, deal)
    leaves(ada)
    assert again(task).owner == gus, "their own team first"
    leaves(gus)
    assert again(task).owner == cem, "then anybody of that role"
    leaves(cem)
    assert again(task).owner == ben, "then a manager"
    leaves(ben)
    assert again(task).owner == ben, "nobody is left"


def test_what_is_promised_later_for_a_deal_whose_owner_left_is_somebodys_who_is_here(ada, ben):
    deal = an_opportunity(ada)
    gus = person("gus", "Growth ops", team="East")
    leaves(ada)
    task = followups.open_task(again(deal), Opens("follow_up", "Answer them", 1), by=None)
    assert again(task).owner == gus
    assert Notice.objects.filter(user=gus, record_id=task.pk).exists()


def test_a_follow_up_goes_on_under_the_name_of_whoever_has_it_now(ada, ben, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    task = a_follow_up(ben, deal)
    followups.take_due()
    assert Message.objects.get().owner == ben
    leaves(ben)
    followups.send_due()
    assert (again(task).stage, again(task).owner) == ("done", ada)
    (mail,) = catcher.got_for(deal.decision_owner)
    assert b"From: Ada" in mail.content
    assert b"Ben" not in mail.content


def test_a_sequence_goes_on_with_whoever_has_the_deal(ada, ben, mail_server):
    mail_server()
    deal = an_opportunity(ada)
    run = sequences.start(a_sequence(ben), deal, deal.decision_owner, by=ada)
    edit(run, by=None, owner=ben)
    edit(run.tasks.get(), by=None, owner=ben)
    leaves(ben)
    let_fall_due(run)
    followups.send_due()
    assert again(run).owner == ada
    assert {task.owner for task in run.tasks.all()} == {ada}


def test_who_stays_keeps_what_they_have(ada, ben):
    task = a_task(ben, an_opportunity(ada))
    edit(ben, by=None, title="Head of sales")
    assert again(task).owner == ben
    outbox.run()
    assert not Letter.objects.filter(body__contains="has left").exists()
