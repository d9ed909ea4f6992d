"""Databases for tests: one migrated template, a clone for each worker, and a new clone after each test that commits.

Tests talk to them as `zarts_app` and `zarts_portal`. The owner migrates the template and clones it, nothing else:
a suite that runs as the owner proves nothing about who may do what.
"""

import hashlib
import os
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client, TransactionTestCase, override_settings
from psycopg import sql

from tests.kept import FUNCTIONS, MIGRATED, clear_shelves
from zarts.desk import logins
from zarts.settings import database

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "test_zarts_template"
OWN = f"test_zarts_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
# What a migrated database is made of: when none of it changed, the template of the last run is good.
OURS = ["opportunities", "proposals", "handoff", "portal", "zarts"]
MADE_OF = [
    "migrations/*.py",
    "sql/*.sql",
    "models/*.py",
    "models.py",
    "grants.py",
    "logins.py",
    "roles.py",
    "catalogue.py",
]


def fingerprint() -> str:
    """Return the digest of everything that a migrated database depends on."""
    digest = hashlib.sha256()
    for app, pattern in product(OURS, MADE_OF):
        for file in sorted((ROOT / app).rglob(pattern)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def maintenance():
    """Yield a connection of the owner's to the server, outside of every test database."""
    with psycopg.connect(**own("owner"), dbname="postgres", autocommit=True) as connection:
        yield connection


def set_up():
    """Make the template when it is missing or old, and this worker's clone; point every alias at the clone."""
    for alias in ("portal", "reader"):
        connections.databases[alias] = {**database(settings.LOGINS[f"zarts_{alias}"]), **defaults()}
    with maintenance() as server:
        # Workers start at once: one migrates, the others wait.
        server.execute("select pg_advisory_lock(20261123)")
        clear_shelves()
        query = "select shobj_description(oid, 'pg_database') from pg_database where datname = %s"
        found = server.execute(query, [TEMPLATE]).fetchone()
        if found is None or found[0] != fingerprint():
            server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(TEMPLATE)))
            server.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
            use(TEMPLATE)
            call_command("migrate", database="owner", verbosity=0)
            close()
            comment = sql.SQL("comment on database {} is {}")
            server.execute(comment.format(sql.Identifier(TEMPLATE), sql.Literal(fingerprint())))
        server.execute("select pg_advisory_unlock(20261123)")
    fresh()
    TransactionTestCase._fixture_teardown = lambda case: empty()


def defaults() -> dict:
    """Return what Django adds to a database that it was not told of in the settings."""
    return {
        key: connections["default"].settings_dict[key] for key in ("TIME_ZONE", "TEST", "ATOMIC_REQUESTS", "AUTOCOMMIT")
    }


def fresh():
    """Give this worker a database in which nothing has happened yet."""
    close()
    clone(OWN)
    use(OWN)
    with login("owner") as connection:
        if is_superuser(connection):
            connection.execute(FUNCTIONS)


def clone(name):
    with maintenance() as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        statement = sql.SQL("create database {} template {} strategy file_copy")
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        # Rights on a database are the one thing that a clone does not inherit.
        for statement in logins.database_statements(name):
            server.execute(statement)


@contextmanager
def untouched():
    """Yield the app's connection to a database that no test wrote to.

    How a statement is carried out hangs on what tables and indexes were before: on rows that are gone, and on what
    the server counted while it had a moment.
    """
    name = f"{OWN}_untouched"
    clone(name)
    try:
        with psycopg.connect(**own("default"), dbname=name) as connection:
            yield connection
    finally:
        with maintenance() as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


# Empties every table that a test wrote to, past the walls. What `migrate` put there stays.
EMPTY = f"""
do $$
declare
  name text;
begin
  for name in select format('%I', tablename) from pg_tables
    where schemaname = 'public' and tablename <> all (array{MIGRATED})
  loop
    -- Few rows and no foreign keys to check: quicker than to truncate.
    execute 'delete from ' || name;
  end loop;
end $$
"""


def empty():
    """Give this worker a database in which nothing has happened yet, quicker than by a clone."""
    close()
    with login("owner") as connection:
        if not is_superuser(connection):
            fresh()
            return
        # Nobody may still be at work there, or come back while it is emptied: a thread that was left behind would wait
        # for us, and we for it; a process of the house's would read what is gone, and write of it.
        name = sql.Identifier(OWN)
        connection.execute(sql.SQL("alter database {} connection limit 0").format(name))
        try:
            connection.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
            connection.execute("set session_replication_role = replica")
            connection.execute(EMPTY)
        finally:
            connection.execute(sql.SQL("alter database {} connection limit -1").format(name))


def is_superuser(connection) -> bool:
    return connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]


def use(name):
    for alias in ("default", "owner", "portal", "reader"):
        connections.databases[alias]["NAME"] = name
        if alias in ("default", "owner"):
            connections[alias].settings_dict["NAME"] = name


def close():
    for alias in ("default", "owner"):
        connections[alias].close()


@contextmanager
def as_portal():
    """Be the public process: its login, its addresses, its middleware."""
    staff, public = connections["default"], connections.create_connection("portal")
    public.alias = "default"
    connections["default"] = public
    try:
        own = {"ROOT_URLCONF": "portal.urls", "SURFACE": "portal", "CSRF_FAILURE_VIEW": "portal.views.refused.csrf"}
        with override_settings(MIDDLEWARE=settings.PORTAL_MIDDLEWARE, **own):
            yield
    finally:
        connections["default"] = staff
        public.close()


@contextmanager
def login(alias):
    """Yield a bare connection to this worker's database as `owner`, `portal` or `reader`, outside of a transaction."""
    with psycopg.connect(**own(alias), dbname=OWN, autocommit=True) as connection:
        yield connection


def own(alias) -> dict:
    params = connections.create_connection(alias).get_connection_params()
    return {key: params[key] for key in ("user", "password", "host", "port") if params.get(key)}


class PortalClient(Client):
    """A browser at the public surface. It sees what was committed, as the real process does."""

    def request(self, **request):
        with as_portal():
            return super().request(**request)
