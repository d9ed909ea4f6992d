"""Counters are kept by the database as things happen, and say what an independent count of the records says."""

import os
import random
from decimal import Decimal

import pytest
from django.db import connection

from opportunities.models import Opportunity
from opportunities.records import Refused, edit, perform
from tests.makers import a_lead, an_opportunity

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
