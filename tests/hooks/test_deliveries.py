"""What endpoints are told: each event at least once, in order, by whoever works, whatever the receiver does."""

import json
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from opportunities.models import Event, Lead, Notice, Task
from opportunities.records import Refused, edit, perform
from tests.makers import a_lead, an_opportunity
from zarts.hooks import deliveries, sending
from zarts.hooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db


def again(row):
    return type(row).objects.get(pk=row.pk)


def states(endpoint):
    return list(endpoint.deliveries.order_by("pk").values_list("state", flat=True))


def at_once(delivery):
    """Let a delivery be due now, and its endpoint be awake."""
    Delivery.objects.filter(pk=delivery.pk).update(go_at=timezone.now() - timedelta(seconds=1))
    Endpoint.objects.update(rests_until=None)


# -- What is owed. -----------------------------------------------------------------------------------------------------


def test_an_event_is_owed_to_whoever_asked_for_its_kind_in_the_same_transaction(ada, endpoint):
    wants, whole, every = endpoint(kinds=["lead.work"]), endpoint(kinds=["lead.*"]), endpoint(everything=True)
    other = endpoint(kinds=["proposal.send"])
    perform(a_lead(ada).work, by=ada)
    owed = {each: list(each.deliveries.order_by("pk").values_list("verb", flat=True)) for each in (wants, whole, every)}
    leads = ["lead.create", "lead.work"]
    assert owed == {wants: ["lead.work"], whole: leads, every: [*leads, "task.create"]}
    assert not other.deliveries.exists()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        a_lead(ada)
        raise ZeroDivisionError
    assert Event.objects.filter(verb="lead.create").count() == whole.deliveries.filter(verb="lead.create").count() == 1


def test_events_that_are_written_as_a_set_are_owed_too(ada, endpoint):
    mine, lead = endpoint(kinds=["lead.noted"]), a_lead(ada)
    columns = "diary_id, seq, facts_digest, previous, hash, xid, at, past, record_type, record_id, subject, actor_kind,"
    columns += "actor_name, stage_from, stage_to, next_action, reason"
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into opportunities_event ({columns}, verb) select {columns}, 'lead.noted'"
            " from opportunities_event, generate_series(1, 20) where record_id = %s and verb = 'lead.create'",
            [lead.pk],
        )
    assert mine.deliveries.count() == 20
    assert [one.event.seq for one in mine.deliveries.order_by("pk").select_related("event")] == list(range(2, 22))


def test_nothing_is_told_of_who_works_here_or_of_the_endpoints_themselves(eve, endpoint):
    every = endpoint(everything=True)
    edit(eve, by=eve, title="Systems")
    edit(every, by=eve, name="Renamed")
    assert not every.deliveries.exists()


def test_one_that_was_ended_is_owed_nothing_and_one_that_is_paused_gets_it_later(ada, eve, endpoint, receiver):
    there = receiver()
    ended, paused = endpoint(there), endpoint(there)
    a_lead(ada)
    perform(ended.end, by=eve, reason="They left.")
    perform(paused.pause, by=eve, reason="They move house.")
    a_lead(ada)
    assert deliveries.run() == 0
    assert states(ended) == ["dropped"]
    perform(again(paused).resume, by=eve)
    assert deliveries.run() == 2
    assert states(paused) == ["delivered", "delivered"]


# -- What is said. -----------------------------------------------------------------------------------------------------


def test_a_body_says_what_happened_and_neither_names_a_client_nor_says_our_words(ada, endpoint, receiver):
    there = receiver()
    mine, told = endpoint(there, kinds=["opportunity.*"]), endpoint(there, kinds=["opportunity.*"])
    edit(told, by=ada, with_names=True, with_reason=True)
    deal = an_opportunity(ada)
    perform(deal.pause, by=ada, reason="They are on holiday.", until=timezone.localdate() + timedelta(days=9))
    deliveries.run()
    last = mine.deliveries.select_related("event").get(verb="opportunity.pause")
    said = json.loads(last.body)
    assert said == {
        "id": str(last.event_id),
        "kind": "opportunity.pause",
        "at": last.event.at.isoformat(),
        "opportunity": deal.pk,
        "record": {"type": "opportunities.opportunity", "id": deal.pk},
        "stage": {"before": "qualified", "after": "paused"},
        "actor": {"kind": "user", "name": "Ada"},
        "order": {"diary": deal.diary_id, "place": last.event.seq},
    }
    more = json.loads(told.deliveries.get(verb="opportunity.pause").body)
    assert (more["reason"], more["record"]["name"]) == ("They are on holiday.", str(deal))


def test_what_a_client_did_is_told_without_their_name(ada, endpoint):
    mine, deal = endpoint(kinds=["opportunity.*"]), an_opportunity(ada)
    event = Event(actor_kind="contact", actor_name="Bo Larsen", diary=deal.diary, at=timezone.now(), record_id=1)
    row = Delivery(endpoint=mine, event=event)
    assert json.loads(deliveries.body_of(row, mine))["actor"] == {"kind": "contact", "name": None}
    assert "Bo" not in deliveries.body_of(row, mine)


# -- Five ways to fail, and some more. ---------------------------------------------------------------------------------

WAYS = {
    "hang": "did not answer within",
    500: "answered 500",
    "break": "broke off",
    "redirect": "redirect (302)",
    "garbage": "broke off",
}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_whatever_a_receiver_does_is_said_and_tried_again_under_the_same_number(
    way, ada, endpoint, receiver, monkeypatch
):
    monkeypatch.setattr(sending, "READ", 0.3)
    there = receiver(way)
    mine = endpoint(there)
    a_lead(ada)
    assert deliveries.run() == 1
    row = mine.deliveries.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert WAYS[way] in row.trouble
    assert timedelta(seconds=50) < row.go_at - timezone.now() < timedelta(seconds=61)
    assert deliveries.run() == 0, "not before its time"
    there.does = 200
    at_once(row)
    assert deliveries.run() == 1
    assert there.ids == [str(row.event_id)] * 2
    assert there.got[0][1] == there.got[1][1], "the same words"
    assert list(Attempt.objects.values_list("number", "status")[1:]) == [(2, 200)]
    assert (again(row).state, again(mine).failing_since) == ("delivered", None)


def test_of_a_long_answer_the_first_letters_are_kept_and_the_rest_is_not_read(ada, endpoint, receiver):
    mine = endpoint(receiver("long"))
    a_lead(ada)
    began = time.monotonic()
    deliveries.run()
    assert time.monotonic() - began < 3
    tried = Attempt.objects.get()
    assert (tried.status, len(tried.answer)) == (200, 500)
    assert "\0" not in tried.answer
    assert states(mine) == ["delivered"]


def test_one_that_speaks_letter_by_letter_is_cut_off(ada, endpoint, receiver, monkeypatch):
    monkeypatch.setattr(sending, "WHOLE", 0.4)
    mine = endpoint(receiver("drip"))
    a_lead(ada)
    deliveries.run()
    assert "did not answer within" in mine.deliveries.get().trouble
    assert Attempt.objects.get().took < 3000


def test_nobody_at_the_other_end_is_said(ada, endpoint, receiver):
    there = receiver()
    mine = endpoint(there)
    there.close()
    a_lead(ada)
    deliveries.run()
    assert mine.deliveries.get().trouble == "Nobody listens there."


def test_a_certificate_that_nobody_vouches_for_is_refused(ada, endpoint, receiver, tmp_path, settings):
    file = tmp_path / "own.pem"
    file.write_text(f"{settings.SEAL_CERT}\n{settings.SEAL_KEY}\n")
    there = receiver(certificate=file)
    mine = endpoint(there)
    a_lead(ada)
    deliveries.run()
    assert "certificate was refused" in mine.deliveries.get().trouble
    assert there.got == []


def test_a_day_of_answers_of_500_costs_few_tries_and_loses_nothing(ada, endpoint, receiver):
    there = receiver(500)
    mine, _ = endpoint(there), a_lead(ada)
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        for _ in range(24 * 4):
            deliveries.run()
            clock.shift(timedelta(minutes=15))
        assert 6 <= len(there.got) <= 9
        assert again(mine).failing_since == now
        there.does = 200
        clock.shift(timedelta(hours=12))
        deliveries.run()
    assert states(mine) == ["delivered"]
    assert len(set(there.ids)) == 1


def test_after_three_days_it_is_given_up_and_its_owner_has_a_notice_and_one_task(ada, eve, endpoint, receiver):
    mine, now = endpoint(receiver(500)), timezone.now()
    a_lead(ada)
    a_lead(ada)
    with time_machine.travel(now, tick=False) as clock:
        for _ in range(2 * 24):
            deliveries.run()
            clock.shift(timedelta(hours=2))
    assert states(mine)[:2] == ["given_up", "given_up"]
    notice = Notice.objects.get(user=eve, kind="breach")
    assert "given up" in notice.words
    assert Task.objects.about(mine).get().owner == eve
    assert Task.objects.about(mine).get().lead in Lead.objects.all()


def test_one_that_took_nothing_for_five_days_is_paused_and_says_so(ada, eve, endpoint, receiver):
    there = receiver(500)
    mine, now = endpoint(there), timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        for _ in range(7):
            a_lead(ada)
            deliveries.run()
            clock.shift(timedelta(days=1))
        mine = again(mine)
        assert (mine.stage, "5 days" in mine.paused_because) == ("paused", True)
        assert Notice.objects.filter(user=eve, words__contains="was paused").count() == 1
        there.does = 200
        assert deliveries.try_out(mine, by=eve).state == "waiting"
        got = len(there.got)
        deliveries.run()
        assert there.ids[got:] == [f"test-{mine.deliveries.get(event=None).pk}"], "a test, and nothing else"
        perform(again(mine).resume, by=eve)
        deliveries.run()
    assert mine.deliveries.exclude(state__in=["delivered", "given_up"]).count() == 0


# -- Order, and whom one that hangs holds up. --------------------------------------------------------------------------


def test_a_later_event_waits_for_the_earlier_one_of_its_diary_and_others_go_on(ada, endpoint, receiver):
    refused = set()
    there = receiver(lambda to: 500 if to.headers["Zarts-Event-Id"] in refused else 200)
    mine, one, two = endpoint(there), a_lead(ada), a_lead(ada)
    for lead in (one, two):
        perform(lead.work, by=ada)
    told = Event.objects.filter(verb__startswith="lead.").order_by("seq")
    of_one, of_two = ([str(event.pk) for event in told.filter(diary=lead.diary)] for lead in (one, two))
    refused.add(of_one[0])
    deliveries.run()
    assert there.ids == [of_one[0], *of_two]
    refused.clear()
    at_once(mine.deliveries.get(event=of_one[0]))
    deliveries.run()
    assert there.ids[3:] == of_one


def test_one_that_hangs_holds_up_neither_the_others_nor_a_round(ada, endpoint, receiver, monkeypatch):
    monkeypatch.setattr(sending, "READ", 1)
    slow, quick = receiver("hang"), receiver()
    hanging, mine = endpoint(slow), endpoint(quick)
    for _ in range(5):
        a_lead(ada)
    began = time.monotonic()
    deliveries.run()
    assert time.monotonic() - began < 3
    assert len(quick.got) == 5
    assert len(slow.got) == 1, "it rests after a silence, however much it is owed"
    assert states(mine) == ["delivered"] * 5
    assert again(hanging).rests_until > timezone.now()


# -- By hand. ----------------------------------------------------------------------------------------------------------


def test_what_is_sent_again_has_its_old_number(ada, eve, endpoint, receiver):
    there = receiver()
    mine, before = endpoint(there), timezone.now()
    for _ in range(3):
        a_lead(ada)
    deliveries.run()
    first, second, third = there.ids
    assert deliveries.send_again(mine, by=eve, delivery=mine.deliveries.get(event=second)) == 1
    deliveries.run()
    assert there.ids[3:] == [second]
    assert deliveries.send_again(mine, by=eve, since=before) == 3
    deliveries.run()
    assert there.ids[4:] == [first, second, third]
    assert Event.objects.filter(verb="endpoint.replay").count() == 2
    with pytest.raises(Refused, match="nothing to send again"):
        deliveries.send_again(mine, by=eve, since=timezone.now())


@pytest.mark.parametrize("mends", ["resume", "address", "hand"])
def test_what_waits_for_its_next_try_goes_when_somebody_mended_it(ada, eve, endpoint, receiver, mends):
    mine, lead = endpoint(receiver(503)), a_lead(ada)
    deliveries.run()
    Delivery.objects.update(go_at=timezone.now() + timedelta(hours=12), first_at=timezone.now() - timedelta(days=3))
    perform(lead.work, by=ada)
    there = receiver()
    if mends == "resume":
        Endpoint.objects.update(url=there.url)
        perform(perform(again(mine).pause, by=eve, reason="Mend it.").resume, by=eve)
    elif mends == "address":
        edit(again(mine), by=eve, url=there.url)
        assert (again(mine).rests_until, again(mine).failing_since) == (None, None)
    else:
        Endpoint.objects.update(url=there.url)
        assert deliveries.send_again(again(mine), by=eve, delivery=mine.deliveries.first()) == 1
    assert deliveries.run() == 2
    assert states(mine) == ["delivered", "delivered"]


def test_names_that_are_taken_back_do_not_go_out_with_what_waits(ada, eve, endpoint, receiver):
    mine, lead = endpoint(receiver(500), with_names=True), a_lead(ada)
    deliveries.run()
    assert lead.name in mine.deliveries.get().body
    there = receiver()
    edit(again(mine), by=eve, with_names=False, url=there.url)
    deliveries.run()
    [(_, body)] = there.got
    assert lead.name not in body.decode()


def test_too_much_at_once_is_refused(ada, eve, endpoint, monkeypatch):
    monkeypatch.setattr(deliveries, "MOST_AGAIN", 1)
    mine, before = endpoint(), timezone.now()
    a_lead(ada)
    a_lead(ada)
    mine.deliveries.update(state="delivered")
    with pytest.raises(Refused, match="later moment"):
        deliveries.send_again(mine, by=eve, since=before)


def test_the_log_is_kept_for_a_month(ada, endpoint, receiver):
    mine = endpoint(receiver())
    a_lead(ada)
    deliveries.run()
    assert deliveries.forget() == 0
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        a_lead(ada)
        assert deliveries.forget() == 1
    assert states(mine) == ["waiting"]
    assert Event.objects.filter(verb="lead.create").count() == 2


# -- Killed, and raced. ------------------------------------------------------------------------------------------------


def test_one_that_was_killed_while_it_sent_is_uncertain_and_sent_once_more(ada, endpoint, receiver):
    there = receiver()
    mine = endpoint(there)
    a_lead(ada)
    claimed = deliveries.claim(mine.pk)
    sending.post(claimed.url, claimed.body, claimed.headers)  # and here it dies
    assert (deliveries.revive(), deliveries.run()) == (0, 0), "whoever has it may still be at it"
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert deliveries.revive() == 1
        deliveries.run()
    assert there.ids == [str(claimed.headers["Zarts-Event-Id"])] * 2
    assert "Uncertain" in Attempt.objects.first().said
    assert states(mine) == ["delivered"]


def test_whoever_comes_late_settles_nothing_of_a_later_try(ada, endpoint, receiver):
    mine = endpoint(receiver())
    a_lead(ada)
    frozen = deliveries.claim(mine.pk)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        deliveries.revive()
        newer = deliveries.claim(mine.pk)
        deliveries.settle(frozen, sending.Outcome(said="It broke."))
        assert states(mine) == ["sending"]
        deliveries.settle(newer, sending.Outcome(ok=True, status=200))
    assert states(mine) == ["delivered"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_delivery_once(ada, endpoint, receiver):
    there = receiver()
    mine = endpoint(there)
    for _ in range(8):
        a_lead(ada)

    def work():
        try:
            deliveries.run()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    deliveries.run()
    assert sorted(there.ids) == sorted(set(there.ids))
    assert len(there.ids) == 8
    assert set(states(mine)) == {"delivered"}


@pytest.mark.django_db(transaction=True)
def test_a_round_sends_in_the_background_and_waits_for_no_receiver(ada, endpoint, receiver):
    there = receiver("hang")
    mine = endpoint(there)
    a_lead(ada)
    began = time.monotonic()
    deliveries.poke()
    deliveries.poke()
    assert time.monotonic() - began < 1
    until = time.monotonic() + 5
    while not there.got and time.monotonic() < until:
        time.sleep(0.02)
    there.let_go.set()
    with deliveries.AT_WORK:
        assert states(mine) == ["waiting"]
    assert len(there.got) == 1


def test_what_cannot_be_written_down_of_one_is_not_lost_of_the_others(ada, endpoint, monkeypatch):
    first, *others = [endpoint() for _ in range(4)]
    a_lead(ada)
    monkeypatch.setattr(sending, "post", lambda *call: sending.Outcome(True, 200))
    written = deliveries.record_outcome
    monkeypatch.setattr(
        deliveries,
        "record_outcome",
        lambda mine, outcome: written(mine, outcome) if mine.endpoint_id != first.pk else 1 / 0,
    )
    assert deliveries.run() == 4
    assert (states(first), *map(states, others)) == (["sending"], *[["delivered"]] * 3)


def test_a_refusal_that_comes_late_takes_nothing_from_what_was_put_into_the_queue_anew(ada, eve, endpoint):
    mine = endpoint()
    a_lead(ada)
    late = deliveries.claim(mine.pk)
    Delivery.objects.update(claimed_at=timezone.now() - timedelta(minutes=2))
    assert deliveries.revive() == 1
    perform(again(mine).pause, by=eve, reason="It moves.")
    perform(again(mine).resume, by=eve)
    deliveries.settle(late, sending.Outcome(said="late", silent=True))
    told = Delivery.objects.get()
    assert (told.state, told.first_at, told.tries.get(number=1, said="late").answer) == ("waiting", None, "")
