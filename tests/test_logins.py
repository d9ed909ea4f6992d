"""What a login does to itself is undone by the next migrate."""

import base64
import hashlib
import hmac

import pytest
from django.db import connections

from tests import database
from zarts.desk import logins

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
SET = "alter role current_user set search_path = pg_temp, public"


@pytest.fixture
def portal_login(settings):
    """The portal's login with the password “ours”; without one again afterwards, as the tests' server has it."""
    with database.maintenance() as server, database.login("owner") as owner:
        # Every worker's database has the same logins: two that alter one at once get in each other's way.
        server.execute("select pg_advisory_lock(20261129)")
        if not owner.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]:
            pytest.skip("Only a superuser may read what is kept of a password.")
        settings.LOGINS = {**settings.LOGINS, "zarts_portal": "postgres://zarts_portal:ours@localhost/zarts"}
        yield owner
        owner.execute("alter role zarts_portal password null")
        owner.execute("alter role zarts_portal reset all")


def opens(owner, password) -> bool:
    """Whether this password opens the portal's login."""
    kept = owner.execute("select rolpassword from pg_authid where rolname = 'zarts_portal'").fetchone()[0]
    rounds, salt = kept.split("$")[1].split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return kept.split("$")[2].split(":")[0] == base64.b64encode(key).decode()


def test_a_password_that_the_portal_gave_itself_lasts_until_the_next_migrate(portal_login):
    with database.login("portal") as hole:
        hole.execute("alter role current_user password 'theirs'")
    assert opens(portal_login, "theirs")

    logins.make("owner")
    assert opens(portal_login, "ours")
    assert not opens(portal_login, "theirs")


def test_settings_that_the_portal_gave_itself_last_until_the_next_migrate(portal_login):
    kept = (
        "select count(*) from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where rolname = 'zarts_portal'"
    )
    with database.login("portal") as hole:
        hole.execute(SET)
        hole.execute(f"alter role current_user in database {database.OWN} set statement_timeout = 1")
    assert portal_login.execute(kept).fetchone()[0] == 2

    logins.make("owner")
    assert portal_login.execute(kept).fetchone()[0] == 0


def test_an_owner_who_may_not_alter_a_login_is_told_and_goes_on(portal_login, monkeypatch):
    warned = []
    monkeypatch.setattr(logins.log, "warning", lambda *words: warned.append(words))
    with connections["owner"].cursor() as cursor:
        cursor.execute("create role zarts_weak; grant all on schema public to zarts_weak; set role zarts_weak")
        try:
            logins.make("owner")
        finally:
            cursor.execute("reset role; revoke all on schema public from zarts_weak; drop role zarts_weak")
    assert [words[1] for words in warned] == sorted(logins.NAMES)


def test_a_login_that_was_made_before_it_had_an_address_may_sign_in_once_it_has_one(portal_login, settings):
    settings.LOGINS = {**settings.LOGINS, "zarts_late": "postgres://zarts_late@localhost/zarts"}
    portal_login.execute("create role zarts_late nologin")
    try:
        logins.put_back("zarts_late", "owner")
        found = portal_login.execute("select rolcanlogin from pg_roles where rolname = 'zarts_late'").fetchone()
        assert found[0]
    finally:
        portal_login.execute("drop role zarts_late")


def test_the_application_sorts_and_groups_in_memory():
    with connections["default"].cursor() as cursor:
        cursor.execute("show work_mem")
        assert cursor.fetchone()[0] == "16MB"


def test_the_application_plans_each_time_for_what_is_asked():
    with connections["default"].cursor() as cursor:
        names = ("plan_cache_mode", "random_page_cost", "jit")
        cursor.execute("select current_setting(%s), current_setting(%s), current_setting(%s)", names)
        assert cursor.fetchone() == ("force_custom_plan", "1.1", "off")
