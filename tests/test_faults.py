"""The short version of `make faults`: real workers, beats and pumps, a real broker, database and mail server."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from tests import database
from tests.browser.house import address, broker
from tests.conftest import person
from tests.faults import items
from tests.faults.__main__ import fill
from tests.faults.place import LentServers
from tests.faults.run import run


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_due_items_none_is_lost_and_none_goes_twice_while_processes_die(tmp_path):
    person("faults", "Growth ops", sees="all")
    call_command("seed_scale", opportunities=100, verbosity=0)
    fill(connection, items)
    urls = {
        "DATABASE_URL": address("default"),
        "PORTAL_DATABASE_URL": address("portal"),
        "REDIS_URL": broker(),
        "SECRET_KEY": "only-for-this-run-" * 4,
    }
    place = LentServers(database.OWN, urls, database.own("owner"), tmp_path)
    with Path(tmp_path / "log").open("ab") as log:
        found = run(place, 100, every=1.0, until=0.9, patience=60, log=log)
    assert found.holds, f"{found}\n{Path(tmp_path / 'log').read_text()[-3000:]}"
    assert found.deaths > 0, "somebody was struck"
