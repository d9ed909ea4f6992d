"""No open deal is left to itself: it has an open task, or waits for something that is said."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opportunities import unattended
from opportunities.models import Opportunity, Task
from opportunities.records import perform
from tests.makers import an_opportunity
from zarts.desk import due

pytestmark = pytest.mark.django_db


def lacking():
    return list(unattended.unattended())


def done_with(deal, by):
    """Finish whatever is promised for a deal."""
    for task in deal.tasks.open():
        perform(task.finish, by=by)
    return deal


def check(*args):
    """Run the command. Return what it says, and with what it ends."""
    out, err = StringIO(), StringIO()
    try:
        call_command("check_followups", *args, stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue() + err.getvalue(), end.code
    return out.getvalue() + err.getvalue(), 0


@pytest.mark.parametrize("stage", ["qualified", "discovery", "audit", "proposal"])
def test_a_deal_is_promised_something_wherever_it_stands(ada, ben, stage):
    an_opportunity(ada, stage=stage, reviewer=ben)
    assert lacking() == []


def test_whoever_does_the_last_task_finds_the_question_what_comes_next(ada):
    deal = done_with(an_opportunity(ada), ada)
    assert lacking() == [deal]
    due.run()
    task = deal.tasks.open().get()
    assert task.title.startswith("Decide what happens next")
    assert (task.owner, task.kind) == (ada, "follow_up")
    assert timezone.localdate(task.due_at) == timezone.localdate() + timedelta(days=1)


def test_the_last_task_may_be_cancelled_and_another_takes_its_place(ada):
    deal = an_opportunity(ada)
    for task in deal.tasks.open():
        perform(task.cancel, by=ada, reason="They called us.")
    assert unattended.mend() == 1
    assert lacking() == []


def test_it_is_mended_once(ada):
    deal = done_with(an_opportunity(ada), ada)
    assert [unattended.mend(), unattended.mend()] == [1, 0]
    assert not unattended.attend(deal.pk)
    assert deal.tasks.open().count() == 1


def test_a_task_that_waits_and_says_why_is_a_promise(ada):
    deal = an_opportunity(ada)
    for task in deal.tasks.open():
        perform(task.pause, by=ada, reason="They are on holiday.")
    assert lacking() == []


def test_a_deal_that_rests_or_is_over_needs_nothing(ada):
    resting, lost = an_opportunity(ada), an_opportunity(ada)
    perform(resting.pause, by=ada, reason="They move offices.")
    day = timezone.localdate() + timedelta(days=90)
    perform(lost.lose, by=ada, reason="price", words="Too dear.", reactivate_from=day, reactivate_to=day)
    for deal in (resting, lost):
        done_with(deal, ada)
    assert lacking() == []
    assert unattended.mend() == 0


def test_the_command_says_which_and_mends_them(ada):
    deals = [done_with(an_opportunity(ada), ada) for _ in range(2)]
    words, end = check()
    assert end == 1
    assert all(f"{deal.client}: {deal}" in words for deal in deals)
    assert "2 open deals are left to themselves." in words
    words, end = check("--mend")
    assert ("2 deals got a task" in words, end) == (True, 0)
    assert check() == ("Every open deal has a task, or waits for what is said.\n", 0)


def test_a_round_walks_on_through_the_open_deals_and_begins_anew(ada, monkeypatch):
    monkeypatch.setattr(unattended, "LOOK", 2)
    deals = [an_opportunity(ada) for _ in range(5)]
    done_with(deals[4], ada)
    walk = unattended.Walk()
    assert [walk.step() for _ in range(4)] == [[], [], [deals[4].pk], []]


def test_a_round_mends_no_more_than_a_batch_and_goes_on_there(ada, monkeypatch):
    monkeypatch.setattr(unattended, "BATCH", 2)
    for _ in range(5):
        done_with(an_opportunity(ada), ada)
    monkeypatch.setattr(unattended, "WALK", unattended.Walk())
    assert [unattended.mend() for _ in range(4)] == [2, 2, 1, 0]


def test_a_round_asks_two_questions_when_all_is_well(ada):
    an_opportunity(ada)
    with CaptureQueriesContext(connection) as asked:
        unattended.mend()
    assert len(asked) == 2


def test_the_walk_goes_by_an_index_of_the_open_deals_alone(plan_of):
    ahead = Opportunity.objects.filter(stage__in=Opportunity.OPEN, pk__gt=0).order_by("pk").values("pk")[:500]
    assert "opportunity_open" in plan_of(*ahead.query.sql_with_params(), "set local enable_sort = off")


def test_a_deal_that_somebody_is_at_is_left_for_the_next_round(ada, transactional_db):
    import threading

    from opportunities.records import lock

    deal, held, let_go = done_with(an_opportunity(ada), ada), threading.Event(), threading.Event()

    def be_at_it():
        from django.db import transaction

        with transaction.atomic():
            lock(deal)
            held.set()
            let_go.wait(10)
        connection.close()

    other = threading.Thread(target=be_at_it)
    other.start()
    held.wait(10)
    assert unattended.mend() == 0
    let_go.set()
    other.join()
    assert unattended.mend() == 1
    assert Task.objects.filter(title__startswith="Decide what happens next").count() == 1
