"""The cast.

Ada is growth ops in the East team and sees her own; Ben manages East. Cem is growth ops in West and has nothing to
do with either. Dora is in delivery, Eve administers, Ann audits: she sees everything and changes nothing.
"""

import csv
import io
import logging
from functools import cache

import hypothesis
import pytest
from aiosmtpd.controller import Controller
from django.contrib.auth.hashers import get_hasher, make_password
from django.contrib.auth.models import Group

from opportunities.models import Team, User
from tests import database
from tests.kept import numbered_alike
from tests.world import a_world
from zarts.demo import free_port

# How long an example takes says how busy a machine is, and a test's database is put back by the test itself.
hypothesis.settings.register_profile("any machine", deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    with django_db_blocker.unblock():
        database.set_up()
    yield
    with django_db_blocker.unblock():
        database.close()


@pytest.fixture(autouse=True, scope="session")
def refusals_are_not_told():
    """What is refused is told with the whole way to it, thousands of times, and read by nobody."""
    logging.getLogger("django.request").setLevel(logging.ERROR)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def taken_away(browser, page, **asked) -> list:
    """Return the lines of the CSV of a page that lists something."""
    answer = browser.get(f"{page}export/", {"as": "csv", **asked})
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))


@cache
def hashed(password, _algorithm):
    """Return it as it is kept. The real way takes half a second, and hundreds of people have the same."""
    return make_password(password)


def person(name, role, *, team=None, sees="own"):
    """Make a user as an administrator would."""
    team = team and (Team.objects.filter(name=team).first() or numbered_alike(Team(name=team), team))
    first, mail = name.capitalize(), f"{name}@zarts.example"
    user = User(username=name, first_name=first, email=mail, team=team, reach_of=sees, is_staff=True)
    user.password = hashed("correct horse battery", get_hasher().algorithm)
    numbered_alike(user, name)
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def ada(db):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def ben(db):
    return person("ben", "Manager", team="East", sees="team")


@pytest.fixture
def fay(db):
    return person("fay", "Manager", team="East", sees="team")


@pytest.fixture
def cem(db):
    return person("cem", "Growth ops", team="West")


@pytest.fixture
def dora(db):
    return person("dora", "Delivery", team="East")


@pytest.fixture
def eve(db):
    return person("eve", "Administrator", sees="all")


@pytest.fixture
def ann(db):
    return person("ann", "Auditor", sees="all")


@pytest.fixture
def world(ada, ben, dora):
    """A small agency that holds every kind of record."""
    return a_world(ada, manager=ben)


@pytest.fixture
def as_user(client):
    """Return a browser in which a person is signed in."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture(scope="session")
def untouched(django_db_setup, django_db_blocker):
    """A connection to a database that no test wrote to."""
    with django_db_blocker.unblock(), database.untouched() as connection:
        yield connection


@pytest.fixture
def plan_of(untouched):
    """Tell how PostgreSQL carries a statement out that may read a whole table only if there is no other way."""

    def plan_of(statement, values=(), *ways):
        with untouched.transaction(force_rollback=True), untouched.cursor() as cursor:
            for way in (*ways, "set local enable_seqscan = off"):
                cursor.execute(way)
            cursor.execute(f"explain {statement}", values)
            return "\n".join(line for (line,) in cursor.fetchall())

    return plan_of


@pytest.fixture
def portal_client(transactional_db):
    return database.PortalClient()


@pytest.fixture
def portal_cursor(transactional_db):
    """A raw cursor under the public surface's own login."""
    with database.login("portal") as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def as_owner(transactional_db):
    """Run a statement as the owner, past the walls, as a thief with the server's keys could."""

    def run(statement, params=()):
        with database.login("owner") as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(statement, params)

    return run


class Catcher:
    """A real mail server that counts what it got."""

    def __init__(self, answer="250 OK"):
        self.answer, self.got = answer, []

    def got_for(self, contact):
        """Return what came for one person: our own people get their notices by the same way."""
        return [envelope for envelope in self.got if contact.email in envelope.rcpt_tos]

    async def handle_DATA(self, server, session, envelope):
        self.got.append(envelope)
        return self.answer


@pytest.fixture
def mail_server(settings):
    """Start a mail server on a free port; return the function that starts it with an answer."""
    running = []

    def start(answer="250 OK"):
        catcher = Catcher(answer)
        port = free_port()
        controller = Controller(catcher, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        return catcher

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def nobody_listens(settings):
    """Return the function that lets the mail server be one that is down."""

    def stop():
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    return stop
