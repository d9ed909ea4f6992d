"""A process that is killed in the middle of an import, and two processes at the same one."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection
from django.utils import timezone

from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.models import Import, Lead
from opportunities.records import perform
from tests.conftest import person
from tests.database import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROWS = 400
# A worker of its own: slow enough to be met in the middle.
WORKER = """
import sys, django
django.setup()
from django.db import connections
connections.databases["default"]["NAME"] = sys.argv[1]
from opportunities.importing import engine
engine.BATCH = 10
print("at it" if engine.go_on(60) else "somebody else is", flush=True)
"""


@pytest.fixture
def running():
    ada = person("ada", "Growth ops", team="East")
    text = "Name,Email\n" + "".join(f"P{n},p{n}@x{n}.example\n" for n in range(ROWS))
    record = perform(upload("leads", [("p.csv", [text.encode()])], owner=ada, by=ada).map_columns, by=ada)
    engine.go_on()
    return perform(Import.objects.get(pk=record.pk).run, by=ada)


@pytest.fixture
def worker():
    started = []

    def start():
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "zarts.settings"}
        command = [sys.executable, "-c", WORKER, connection.settings_dict["NAME"]]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def came_in() -> int:
    return Import.objects.values_list("progress", flat=True).get()


def test_a_worker_that_is_killed_leaves_what_its_page_says_and_the_next_one_goes_on(running, worker, as_user):
    process, deadline = worker(), time.monotonic() + 60
    while not came_in() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    # The server may still be busy with what the dead one asked last.
    time.sleep(0.5)
    half = came_in()
    assert 0 < half < ROWS
    assert Lead.objects.count() == half
    assert f"{half} of {ROWS} rows" in as_user(running.owner).get(running.staff_url()).content.decode()
    assert engine.go_on() == 0, "Nobody takes it up before it is believed dead."
    Import.objects.update(claimed_until=timezone.now())
    engine.go_on(60)
    done = Import.objects.get()
    assert (done.stage, done.counts, Lead.objects.count()) == ("done", {"new": ROWS}, ROWS)


def test_of_two_processes_at_the_same_import_one_does_it_and_nothing_comes_twice(running, worker):
    words = sorted(process.communicate(timeout=120)[0].strip() for process in (worker(), worker()))
    assert words == ["at it", "somebody else is"]
    assert Import.objects.get().stage == "done"
    assert Lead.objects.count() == ROWS
    assert Lead.objects.values("external_ref").distinct().count() == ROWS
