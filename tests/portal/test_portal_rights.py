"""The portal serves nothing with a login that can do more than it must."""

import re
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from portal import wall
from portal.grants import POLICIES
from tests import database

GRANT = "grant {} on opportunities_note to zarts_portal"
REVOKE = "revoke all on opportunities_note from zarts_portal"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_the_owner_says(request):
    """Run a statement as the owner of the tables, and another one afterwards that takes it back."""
    with database.login("owner") as own:

        def run(done, undone):
            own.execute(done)
            request.addfinalizer(lambda: again(undone))

        yield run


def again(statement):
    with database.login("owner") as own:
        own.execute(statement)


def found():
    with database.as_portal():
        return wall.holes()


def test_as_it_was_granted_it_can_do_what_it_must_and_no_more():
    assert found() == []


OPEN = "create policy oops on portal_publication for select to zarts_portal using (true)"
OWN = next(policy for policy in POLICIES if (policy.table, policy.name) == ("portal_publication", "own_client"))


@pytest.mark.parametrize(
    ("done", "undone", "words"),
    [
        (GRANT.format("select"), REVOKE, f"It may read public.opportunities_note: {wall.MIGRATE}."),
        (GRANT.format("select (words)"), REVOKE, f"It may read public.opportunities_note: {wall.MIGRATE}."),
        (GRANT.format("delete"), REVOKE, f"It may change public.opportunities_note: {wall.MIGRATE}."),
        (
            "grant select (approved_by, withdrawn_reason) on portal_publication to zarts_portal",
            "revoke select (approved_by, withdrawn_reason) on portal_publication from zarts_portal",
            f"It may read approved_by, withdrawn_reason of public.portal_publication: {wall.MIGRATE}.",
        ),
        (
            "alter table portal_paper disable row level security",
            "alter table portal_paper enable row level security",
            "It reads all rows of public.portal_paper: alter table public.portal_paper enable row level security.",
        ),
        (
            OPEN,
            "drop policy if exists oops on portal_publication",
            "The policy oops on portal_publication is not one of ours: drop policy oops on public.portal_publication.",
        ),
        (
            "create policy oops on portal_guest as restrictive for all to public using (false)",
            "drop policy oops on portal_guest",
            "The policy oops on portal_guest is not one of ours: drop policy oops on public.portal_guest.",
        ),
        (
            "alter policy own_client on portal_publication using (true)",
            OWN.made,
            f"The policy own_client on portal_publication is not the one that is written: {OWN.made}.",
        ),
        (
            "alter policy own_client on portal_publication to public",
            OWN.made,
            f"The policy own_client on portal_publication is not the one that is written: {OWN.made}.",
        ),
        (
            "drop policy own_client on portal_publication",
            OWN.made,
            f"The policy own_client on portal_publication is not there: {OWN.made}.",
        ),
        (
            "grant create on schema public to zarts_portal",
            "revoke create on schema public from zarts_portal",
            "It may make things in the schema public: revoke create on schema public from public, zarts_portal.",
        ),
        (
            "grant usage on sequence proposals_number to zarts_portal",
            "revoke all on sequence proposals_number from zarts_portal",
            f"It may count with public.proposals_number: {wall.MIGRATE}.",
        ),
        (
            "create function a_door() returns int language sql security definer as 'select 1'",
            "drop function a_door()",
            f"It may call public.a_door(): {wall.MIGRATE}.",
        ),
        (
            "create schema aside; grant usage on schema aside to public;"
            " create function aside.a_door(int) returns int language sql security definer as 'select 1'",
            "drop schema aside cascade",
            "It may call aside.a_door(integer): "
            "revoke all on function aside.a_door(integer) from public, zarts_portal.",
        ),
        (
            "create schema aside; create table aside.notes (id int); grant select on aside.notes to zarts_portal",
            "drop schema aside cascade",
            "It may read aside.notes: revoke all on aside.notes from public, zarts_portal.",
        ),
    ],
)
def test_whatever_it_could_do_beyond_that_is_found_and_nothing_is_served(done, undone, words, as_the_owner_says):
    as_the_owner_says(done, undone)
    assert found() == [words]
    with pytest.raises(ImproperlyConfigured, match=re.escape(words)):
        database.PortalClient().get("/")


def test_what_mends_a_policy_mends_it(as_the_owner_says):
    for policy in POLICIES:
        as_the_owner_says(f"drop policy {policy.name} on {policy.table}", policy.made)
        as_the_owner_says(policy.made, policy.made)
    assert found() == []


def test_the_policies_that_are_written_are_those_of_a_freshly_migrated_database():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local search_path = pg_catalog")
        cursor.execute(wall.THEIR_POLICIES)
        there = {tuple(row[:2]): tuple(row[2:]) for row in cursor.fetchall()}
    assert there == {(one.table, one.name): one.as_kept for one in POLICIES}


def test_looking_for_holes_takes_no_time_that_a_start_would_notice():
    def seconds():
        before = time.perf_counter()
        found()
        return time.perf_counter() - before

    assert min(seconds() for _ in range(3)) < 0.3


def test_the_agencys_own_login_is_no_login_for_the_portal():
    assert connection.settings_dict["USER"] != "zarts_portal"
    assert any("may read public.opportunities_note" in words for words in wall.holes())
