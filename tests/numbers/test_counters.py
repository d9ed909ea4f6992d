"""Counters are kept by the database as things happen, and say what an independent count of the records says."""

import os
import random
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from opportunities.models import Notice, Opportunity
from opportunities.records import Refused, edit, perform
from tests.makers import a_lead, an_opportunity
from tests.test_matrix import browser_of
from zarts.numbers import clock

MOVES = int(os.environ.get("NUMBERS_MOVES", "60"))
LOSE = {"reason": "price", "words": "Too dear", "reactivate_from": "2027-03-01", "reactivate_to": "2027-05-01"}


def rows(query, *given):
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        return cursor.fetchall()


def drift():
    return rows("select * from numbers_drift")


def change(kind):
    return rows("select coalesce(sum(n), 0) from numbers_sum where kind = 'change' and key = %s", kind)[0][0]


@pytest.mark.django_db
def test_a_walk_of_random_moves_leaves_no_drift(ada, cem):
    dice = random.Random(8)
    deals = [an_opportunity(owner) for owner in (ada, cem, ada)]
    lost = 0
    for _ in range(MOVES):
        deal = Opportunity.objects.get(pk=dice.choice(deals).pk)
        by = deal.owner
        try:
            what = dice.choice(["value", "month", "start_discovery", "pause", "resume", "lose", "reopen", "currency"])
            if what == "value":
                edit(deal, by=by, value=Decimal(dice.randrange(0, 90000)), probability=dice.randrange(100))
            elif what == "month":
                edit(deal, by=by, decision_on=f"2027-0{dice.randrange(1, 9)}-12")
            elif what == "currency":
                edit(deal, by=by, currency=dice.choice(["USD", "EUR"]))
            elif what == "lose":
                perform(deal.lose, by=by, **LOSE)
                lost += 1
            else:
                words = {"reason": "They asked again"} if what in ("pause", "reopen") else {}
                perform(getattr(deal, what), by=by, **words)
        except Refused:
            pass
        if dice.random() < 0.1:
            rows("select numbers_add_up(%s)", dice.randrange(1, 40))
    assert drift() == []
    assert change("lost") == lost
    assert rows("select * from numbers_mend()") == [(0, 0)]
    # What changed adds up to what stands: nothing is counted in between.
    by_currency = (
        "select currency, sum(weighted) from numbers_sum where {} group by 1 having sum(weighted) <> 0 order by 1"
    )
    stands = rows(by_currency.format("kind = 'standing' and key < '5'"))
    assert rows(by_currency.format("kind = 'change'")) == stands
    mine = "select currency, sum(round(value * probability / 100, 4)) from opportunities_opportunity where place < 5"
    mine += " group by 1"
    assert stands == [row for row in sorted(rows(mine)) if row[1]]


@pytest.mark.django_db
def test_history_told_from_the_diary_says_what_was_counted_as_it_happened(ada):
    deal = an_opportunity(ada, stage="audit")
    perform(deal.lose, by=ada, **LOSE)
    sums = "select kind, key, sum(n) from numbers_sum "
    sums += "where kind in ('standing', 'change', 'reached', 'reason', 'task', 'first') "
    sums += "group by 1, 2 having sum(n) <> 0 order by 1, 2"
    before = [row for row in rows(sums) if row[1] not in ("revalued", "moved", "given")]
    rows("select numbers_tell_history()")
    assert rows(sums) == before
    assert drift() == []


@pytest.mark.django_db
def test_a_first_answer_counts_under_the_owner_that_its_lead_has_now(ada, cem):
    lead = perform(a_lead(ada).work, by=ada)
    owners = "select owner_id, sum(n) from numbers_sum where kind = 'first' group by 1 having sum(n) <> 0"
    assert rows(owners) == [(ada.pk, 1)]
    edit(lead, by=ada, owner=cem)
    assert rows(owners) == [(cem.pk, 1)]


@pytest.mark.django_db(transaction=True)
def test_what_was_counted_wrongly_is_told_shown_and_mended(ada, eve, as_owner):
    deal = an_opportunity(ada)
    as_owner("update numbers_delta set n = n + 4, value = 99 where kind = 'standing'")
    as_owner("update opportunities_opportunity set value = 700 where id = %s", [deal.pk])
    assert drift()
    assert clock.reconcile(timezone.now()) >= 2
    assert drift() == []
    assert rows("select sum(n), sum(value) from numbers_sum where kind = 'standing'") == [(1, Decimal(700))]
    assert "are mended" in browser_of(ada).get("/admin/numbers/").content.decode()
    assert [notice.url for notice in Notice.objects.filter(user=eve)] == ["/admin/numbers/"]
    assert clock.reconcile(timezone.now()) == 0


@pytest.mark.django_db(transaction=True)
def test_moves_that_happen_at_once_are_all_counted_while_the_clock_adds_up(ada, cem):
    deals = [an_opportunity(ada), an_opportunity(ada), an_opportunity(cem)]
    start, failed = Barrier(5), []

    def at_once(work):
        start.wait()
        try:
            for number in range(5):
                work(number)
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    def revalue(deal):
        return lambda number: edit(deal, by=deal.owner, value=Decimal(1000 * number + 1))

    def say_when(number):
        edit(deals[0], by=ada, decision_on=f"2027-0{number + 1}-12")

    works = [*(revalue(deal) for deal in deals), say_when, lambda number: clock.add_up()]
    threads = [Thread(target=at_once, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert drift() == []
    assert rows("select sum(n), sum(value) from numbers_sum where kind = 'standing'") == [(3, Decimal(3 * 4001))]


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["numbers_delta", "numbers_counter", "numbers_standing"])
def test_the_application_changes_no_counter_by_itself(table):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        rows(f"update {table} set value = 1 returning 1")
