"""An import goes on from its last batch, and only one worker is at it."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.models import Import, ImportRow, Lead
from opportunities.records import perform
from tests.aside import Aside

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(ada, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 2)
    text = "Name,Email\n" + "".join(f"P{n},p{n}@x.example\n" for n in range(5))
    record = perform(upload("leads", [("p.csv", [text.encode()])], owner=ada, by=ada).map_columns, by=ada)
    engine.work(engine.claim(record.pk))
    return perform(Import.objects.get(pk=record.pk).run, by=ada)


def test_an_abandoned_import_says_exactly_what_came_in_and_goes_on_from_there(running):
    assert engine.bring_batch(engine.claim(running.pk))
    assert Import.objects.get(pk=running.pk).progress == Lead.objects.count() == 2
    Import.objects.filter(pk=running.pk).update(claimed_until=timezone.now())
    engine.go_on()
    done = Import.objects.get(pk=running.pk)
    assert (done.stage, done.counts, Lead.objects.count()) == ("done", {"new": 5}, 5)


def test_of_two_workers_one_is_at_it_and_the_other_can_write_nothing(running):
    first = engine.claim(running.pk)
    assert engine.claim(running.pk) is None
    Import.objects.filter(pk=running.pk).update(claimed_until=timezone.now())
    assert engine.claim(running.pk)
    with pytest.raises(engine.Lost):
        engine.bring_batch(first)
    assert not Lead.objects.exists()


@pytest.fixture
def uploaded(ada):
    return perform(upload("leads", [("p.csv", [b"Name\nP\nQ\n"])], owner=ada, by=ada).map_columns, by=ada)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_looks_all_the_time_never_comes_between_the_end_of_a_stage_and_the_next(ada, uploaded):
    """What it claimed there it would hold through the next stage: the file would wait for a minute."""
    over, caught = threading.Event(), []

    def look():
        while not over.is_set():
            caught.extend(filter(None, [engine.claim()]))

    mine = engine.claim(uploaded.pk)
    worker = Aside(look)
    try:
        for _ in range(20):
            engine.work(mine)
            with transaction.atomic():
                perform(Import.objects.get(pk=uploaded.pk).check_again, by=ada)
                mine = engine.claim(uploaded.pk)
            assert mine
            assert not caught
    finally:
        over.set()
        worker.ends()


@pytest.mark.django_db(transaction=True)
def test_whoever_leaves_a_file_as_its_check_ends_waits_for_that_and_no_longer(ada, uploaded, monkeypatch):
    mine, held, hold = engine.claim(uploaded.pk), threading.Event(), engine.Claim.hold

    def hold_and_wait(claim, **fields):
        hold(claim, **fields)
        if not fields:
            held.set()
            time.sleep(0.5)

    monkeypatch.setattr(engine.Claim, "hold", hold_and_wait)
    worker = Aside(lambda: engine.work(mine))
    assert held.wait(10)
    left = perform(Import.objects.get(pk=uploaded.pk).leave, by=ada)
    worker.ends()
    assert [event.verb for event in left.diary.events.order_by("seq")][-2:] == ["import.settle_check", "import.leave"]


@pytest.mark.django_db(transaction=True)
def test_rows_that_take_long_to_compare_are_compared_once(uploaded, monkeypatch):
    settle, times = engine.staging.ways.settle, []

    def take_long(record):
        times.append(record)
        time.sleep(1.5)
        settle(record)

    monkeypatch.setattr(engine.staging.ways, "settle", take_long)
    monkeypatch.setattr(engine, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(engine, "A_ROW", timedelta(seconds=5))
    worker = Aside(engine.go_on)
    until = time.monotonic() + 4
    while time.monotonic() < until:
        engine.go_on(0.1)
        time.sleep(0.1)
    worker.ends()
    assert (Import.objects.get(pk=uploaded.pk).stage, len(times)) == ("checked", 1)


def test_whoever_wakes_up_late_and_breaks_off_fails_nobody_elses_run(ada, uploaded, monkeypatch):
    late = engine.claim(uploaded.pk)
    Import.objects.filter(pk=uploaded.pk).update(claimed_until=timezone.now())
    engine.work(engine.claim(uploaded.pk))
    perform(Import.objects.get(pk=uploaded.pk).run, by=ada)
    assert engine.claim(uploaded.pk)
    monkeypatch.setattr(engine.staging, "check", lambda *given: 1 / 0)
    engine.work(late)
    assert Import.objects.get(pk=uploaded.pk).stage == "running"


def test_rows_of_a_file_go_only_while_it_is_looked_at(running):
    """Each look reads them anew; from then on they say what came in."""
    refused = pytest.raises(DatabaseError, match="only while it is being checked")
    with refused, transaction.atomic():
        running.lines_of_file.filter(line=2).delete()
    engine.go_on()
    for rows in (ImportRow.objects.filter(of=running), ImportRow.objects.all()):
        with refused, transaction.atomic():
            rows.delete()
    ada, other = running.owner, [("q.csv", [b"Name,Email\nQ,q@x.example\n"])]
    again = perform(upload("leads", other, owner=ada, by=ada).map_columns, by=ada)
    moved = pytest.raises(DatabaseError, match="never changed or removed")
    with moved, transaction.atomic():
        running.lines_of_file.update(of=again)
    ImportRow.objects.filter(of=again).delete()
    assert running.lines_of_file.count() == 5


def test_a_hundred_thousand_rows_are_looked_at_anew_as_quickly_as_ever(ada):
    """The wall asks once a statement: it costs no second a row."""
    record = perform(upload("leads", [("p.csv", [b"Name\nP\n"])], owner=ada, by=ada).map_columns, by=ada)
    with connection.cursor() as cursor:
        cursor.execute(
            'insert into opportunities_importrow (of_id, line, raw, said, reference, verdict, "column", reason)'
            " select %s, n, '[]', '{}', '', 'new', '', '' from generate_series(1, 100000) n",
            [record.pk],
        )
        explain = "explain (analyze, format json) delete from opportunities_importrow where of_id = %s"
        cursor.execute(explain, [record.pk])
        plan = cursor.fetchone()[0]
    asked = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Triggers"]
    [wall] = [trigger for trigger in asked if "looked_at_only" in trigger["Trigger Name"]]
    assert wall["Calls"] == 1
    assert wall["Time"] < 2000
