"""Databases of a known size, made once and kept in DATA_DIR; every page is asked of each through a real request.

With BENCH_KEEP=1 one that was made before the code changed is kept and only migrated: a million takes an hour to make.
"""

import os
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


GRANTS = """
insert into opportunities_opportunityuserpermission (permission_id, user_id, content_object_id)
select p.id, u.ids[1 + deal.id % cardinality(u.ids)], deal.id
from opportunities_opportunity deal,
  (select id from auth_permission where codename = 'change_opportunity') p,
  (select array_agg(id order by id) ids from opportunities_user where username like 'ops%') u
"""


def hire(name, role, reach, team=None):
    """Have somebody who works in this database."""
    from opportunities.models import User

    person = User(username=name, email=f"{name}@zarts.example", is_staff=True, reach_of=reach, team=team)
    person.save()
    person.groups.add(Group.objects.get(name=role))
    return person


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
            found = server.execute(query, [self.name]).fetchone()
            if found == (fingerprint(),):
                return
            if found and found[0] and os.environ.get("BENCH_KEEP"):
                self.use()
                call_command("migrate", database="owner", verbosity=0)
                self.finish()
                return
            server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self.name)))
            print(f"Making a database with {self.HOLDS.format(self.size)} …")
            server.execute(sql.SQL("create database {}").format(sql.Identifier(self.name)))
        self.use()
        call_command("migrate", database="owner", verbosity=0)
        hire("bench", "Growth ops", "all")
        self.fill()
        self.finish()

    def use(self):
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = self.name

    def finish(self):
        for alias in ("default", "owner"):
            connections[alias].close()
        with owner(self.name) as server:
            server.execute("vacuum analyze")
            comment = sql.SQL("comment on database {} is {}")
            server.execute(comment.format(sql.Identifier(self.name), sql.Literal(fingerprint())))

    def fill(self):
        """Have four teams of people, whose the deals are, and of each deal a grant to one who would not see it."""
        from opportunities.models import Team

        for number in range(4):
            team = Team.objects.create(name=f"Team {number}")
            for nth in range(5):
                hire(f"ops{number}{nth}", "Growth ops", ("own", "team")[nth % 2], team)
        call_command("seed_scale", opportunities=self.size, stdout=StringIO())
        with owner(self.name) as server:
            server.execute(GRANTS)

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
