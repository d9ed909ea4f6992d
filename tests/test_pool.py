"""The pool of a web process: when PostgreSQL was away, whoever comes next is served."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from tests import database
from zarts.postgres.base import DatabaseWrapper
from zarts.settings import database as configured

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = 8


def test_a_web_process_has_this_pool(monkeypatch):
    monkeypatch.setenv("DATABASE_POOL", str(SIZE))
    assert configured("postgresql://zarts_app@db.example/zarts", pooled=True)["ENGINE"] == "zarts.postgres"


def test_the_first_who_comes_after_the_server_was_away_does_not_wait():
    own = connections["default"].settings_dict
    pooled = own | {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    pooled["OPTIONS"] = own["OPTIONS"] | {"pool": {"min_size": 1, "max_size": SIZE, "timeout": 10}}
    together = Barrier(SIZE)

    def asks(wait=lambda: None):
        """Take a connection, use it, and give it back, as each thread does for a request."""
        wrapper = DatabaseWrapper(pooled, alias="default")
        with wrapper.cursor() as cursor:
            cursor.execute("select 1")
            wait()
        wrapper.close()

    try:
        with ThreadPoolExecutor(SIZE) as pool:
            list(pool.map(asks, [lambda: together.wait(10)] * SIZE))
        connections["default"].close()
        with database.login("owner") as owner:
            owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
        began = time.monotonic()
        asks()
        assert time.monotonic() - began < 3
        with ThreadPoolExecutor(SIZE) as pool:
            list(pool.map(lambda _: asks(), range(SIZE)))
    finally:
        DatabaseWrapper(pooled, alias="default").close_pool()
