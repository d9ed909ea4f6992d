"""The portal serves nothing with a login that can do more than it must."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from portal import wall
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


@pytest.mark.parametrize(
    ("done", "undone", "words"),
    [
        (GRANT.format("select"), REVOKE, "may read opportunities_note"),
        (GRANT.format("select (words)"), REVOKE, "may read opportunities_note"),
        (GRANT.format("delete"), REVOKE, "may change opportunities_note"),
        (
            "alter table portal_paper disable row level security",
            "alter table portal_paper enable row level security",
            "reads all rows of portal_paper",
        ),
        (
            "create function a_door() returns int language sql security definer as 'select 1'",
            "drop function a_door()",
            "may call a_door",
        ),
    ],
)
def test_whatever_it_could_do_beyond_that_is_found_and_nothing_is_served(done, undone, words, as_the_owner_says):
    as_the_owner_says(done, undone)
    assert found() == [words]
    with pytest.raises(ImproperlyConfigured, match=words):
        database.PortalClient().get("/")


def test_the_agencys_own_login_is_no_login_for_the_portal():
    assert connection.settings_dict["USER"] != "zarts_portal"
    assert any("may read opportunities_note" in words for words in wall.holes())
