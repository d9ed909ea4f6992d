"""Databases of a known size, made once and kept in DATA_DIR; every page is asked of each through a real request."""

from contextlib import contextmanager
from io import StringIO
from urllib.parse import quote

import psycopg
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connections
from django.test import Client
from psycopg import sql

from tests.database import fingerprint


def owner(name="postgres"):
    params = connections.create_connection("owner").get_connection_params()
    params = {key: params[key] for key in ("user", "password", "host", "port") if params.get(key)}
    return psycopg.connect(**params, dbname=name, autocommit=True)


class Database:
    """One database with so many opportunities, and a browser that is signed in there as growth ops."""

    NAME, HOLDS = "bench_{}", "{:,} opportunities"

    def __init__(self, size: int):
        self.size = size
        self.name = self.NAME.format(size)
        self.make()
        connections.databases["default"]["NAME"] = self.name
        self.connection = connections.create_connection("default")
        with self:
            from opportunities.models import User

            self.person = User.objects.get(username="bench")
            self.client = Client(headers={"host": "localhost"})
            self.client.force_login(self.person)

    def make(self):
        with owner() as server:
            query = "select shobj_description(oid, 'pg_database') from pg_database where datname = %s"
            if server.execute(query, [self.name]).fetchone() == (fingerprint(),):
                return
            server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self.name)))
            print(f"Making a database with {self.HOLDS.format(self.size)} …")
            server.execute(sql.SQL("create database {}").format(sql.Identifier(self.name)))
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = self.name
        call_command("migrate", database="owner", verbosity=0)
        from opportunities.models import User

        person = User(username="bench", email="bench@zarts.example", is_staff=True, reach_of="all")
        person.save()
        person.groups.add(Group.objects.get(name="Growth ops"))
        self.fill()
        for alias in ("default", "owner"):
            connections[alias].close()
        with owner(self.name) as server:
            server.execute("vacuum analyze")
            comment = sql.SQL("comment on database {} is {}")
            server.execute(comment.format(sql.Identifier(self.name), sql.Literal(fingerprint())))

    def fill(self):
        call_command("seed_scale", opportunities=self.size, stdout=StringIO())

    @property
    def url(self) -> str:
        """Return its address under the application's login."""
        return self.url_of(self.connection)

    def url_of(self, connection) -> str:
        given = connection.get_connection_params()
        login = given["user"] + (f":{given['password']}" if given.get("password") else "")
        return f"postgresql://{login}@/{self.name}?host={quote(str(given['host']), safe='')}"

    def __enter__(self):
        self.before = connections["default"]
        connections["default"] = self.connection
        return self

    def __exit__(self, *trouble):
        connections["default"] = self.before

    def get(self, path):
        with self:
            answer = self.client.get(path)
        assert answer.status_code == 200, f"{path} answered {answer.status_code}"
        return answer

    @contextmanager
    def counting(self):
        """Count the statements that are sent meanwhile."""
        from django.test.utils import CaptureQueriesContext

        with self, CaptureQueriesContext(self.connection) as captured:
            yield captured
