"""The short version of `make faults`: real workers, beats and pumps, a real broker, database and mail server."""

import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from opportunities import clock
from opportunities.models import Letter, Task
from tests import database
from tests.browser.house import address, broker
from tests.conftest import person
from tests.faults import items
from tests.faults.__main__ import fill
from tests.faults.child import Notes
from tests.faults.house import House, Process
from tests.faults.place import LentServers
from tests.faults.run import Outcome, run


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_due_items_none_is_lost_and_none_goes_twice_while_processes_die(tmp_path):
    person("faults", "Growth ops", sees="all")
    call_command("seed_scale", opportunities=100, bare=True, verbosity=0)
    fill(connection, items)
    urls = {
        "DATABASE_URL": address("default"),
        "PORTAL_DATABASE_URL": address("portal"),
        "REDIS_URL": broker(),
        "SECRET_KEY": "only-for-this-run-" * 4,
    }
    place = LentServers(database.OWN, urls, database.own("owner"), tmp_path)
    with Path(tmp_path / "log").open("ab") as log:
        found = run(place, 100, every=1.0, until=0.9, lease=4, patience=60, log=log)
    assert found.holds, f"{found}\n{Path(tmp_path / 'log').read_text()[-3000:]}"
    assert found.deaths > 0, "somebody was struck"
    assert found.too_late, "somebody stood still with a mail for longer than it was lent to them"


# -- What the run itself must notice. ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_item_that_the_mail_server_put_off_is_late_only_from_its_hour_on():
    owner = person("faults", "Growth ops", sees="all")
    call_command("seed_scale", opportunities=20, bare=True, verbosity=0)
    fill(connection, items)
    assert lateness() == (0, 0), "all are due at this moment, and the clock of a transaction stands"
    task = Task.objects.filter(owner=owner, contact=None).first()
    hour = clock.now() + timedelta(minutes=5)
    letter = Letter.objects.create(
        user=owner, key=f"due:{owner.pk}:{task.pk}:{int(task.due_at.timestamp())}", go_at=hour
    )
    assert lateness() == (0, pytest.approx(300, abs=5)), "it has still five minutes to wait"
    Letter.objects.filter(pk=letter.pk).update(go_at=hour - timedelta(minutes=7))
    assert lateness() == (pytest.approx(120, abs=5), 0)


def lateness():
    with connection.cursor() as cursor:
        cursor.execute(items.LATENESS)
        return cursor.fetchone()


def an_outcome(**changes):
    found = {"items": 100, "lost": 0, "twice": 0, "uncertain": 2, "failed": 1, "recovery": 5, "took": 60}
    caused = {"deaths": 1, "silences": 1, "refusals": 1}
    return Outcome(**found | caused | changes)


def test_a_run_holds_when_the_faults_explain_all_that_is_in_doubt_or_failed():
    assert an_outcome().holds
    assert an_outcome(uncertain=6, faults=Counter(stop_database=1)).holds


@pytest.mark.parametrize(
    "changes",
    [
        {"failed": 2},
        {"uncertain": 3},
        {"crashes": ["pump one"]},
        {"lost": 1},
        {"twice": 1},
        {"recovery": 61},
        {"ready": 503},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_run_does_not_hold_when_something_came_of_no_fault(changes):
    assert not an_outcome(**changes).holds


@pytest.fixture
def a_process(tmp_path):
    """Return the function that starts a process, alone in its house."""
    houses = []

    def start(words):
        houses.append(House([Process("one", [sys.executable, "-c", words])], Notes(tmp_path), lease=0.5))
        return houses[-1], houses[-1].processes[0]

    yield start
    for house in houses:
        house.close()


def test_a_process_that_ends_by_itself_is_started_again_and_counted_as_a_failure(a_process):
    house, process = a_process("raise SystemExit(3)")
    process.running.wait()
    first = process.running.pid
    house.watch()
    assert house.crashes == ["one ended by itself with 3"]
    assert process.running.pid != first
    assert house.deaths == 0


def test_a_process_that_dies_at_a_point_is_no_failure(a_process):
    house, process = a_process("import time; time.sleep(60)")
    house.notes.write("died", process.running.pid)
    process.kill()
    house.watch()
    assert (house.crashes, house.deaths) == ([], 1)


def test_in_the_calm_what_lives_is_left_alone_and_what_was_frozen_goes_on(a_process):
    house, process = a_process("import time; time.sleep(1); raise SystemExit(0)")
    first = process.running.pid
    process.signal(signal.SIGSTOP)
    house.calm()
    assert process.running.pid == first
    assert process.running.wait(10) == 0, "it went on to its own end"


def test_whoever_stands_still_is_woken_when_the_lease_is_over(a_process):
    house, process = a_process("import time; time.sleep(60)")
    began = time.monotonic()
    house.notes.write("froze", f"{process.running.pid} {began}")
    house.thaw()
    assert house.thawed == 0
    while not house.thawed:
        house.thaw()
        time.sleep(0.05)
    assert time.monotonic() - began > house.lease
