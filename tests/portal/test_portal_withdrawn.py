"""What was withdrawn is read nowhere: what people did about it stays, and says when it was taken back."""

import pytest
from django.utils import timezone
from portal_makers import HARBOR, a_guest, a_link, a_publication, signed_in

from portal.models import ClientAction
from portal.rights import portal_rights, rows
from portal.templatetags.portal import day
from tests.database import PortalClient, as_portal

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Rates of our other customers"
BODY = {
    "client": "Harbor Dental",
    "from": {"name": "Sam Secretive"},
    "prices": [{"id": 11, "title": f"{SECRET}, line", "recurring": "once", "quantity": "1", "total": "4800"}],
    "totals": {"once": "4800.00", "monthly": "0.00", "first_year": "4800.00"},
    "number": "P-1",
    "currency": "USD",
}


@pytest.fixture
def taken_back(portal_client):
    """A proposal that somebody asked about and objected to before it was withdrawn."""
    offer = a_publication(title=SECRET, body=BODY)
    _, token = a_link(offer)
    by_link = PortalClient()
    by_link.post(f"/p/{token}/ask", {"words": "Is this for us?"})
    by_link.post(f"/p/{token}/ask", {"kind": "objection", "words": "Not this.", "about": "price-11"})
    assert sorted(ClientAction.objects.values_list("verb", flat=True)) == ["asked", "objected", "opened"]
    return offer


def pages(browser) -> str:
    paths = ("/portal/", "/portal/history/", "/portal/questions/")
    return "".join(browser.get(path).content.decode() for path in paths)


def test_before_that_its_words_stand_beside_what_was_done(portal_client, taken_back):
    page = pages(signed_in(portal_client))
    assert f"asked about the proposal {SECRET}" in page
    assert f"about “{SECRET}, line”" in page


def test_no_word_of_it_is_read_through_the_history_and_the_questions(portal_client, taken_back):
    taken_back.withdraw("Sent to the wrong client.")
    a_publication(ref="proposal:2", title="Faster pages")
    page = pages(signed_in(portal_client))
    for secret in (SECRET, "Secretive", "wrong client"):
        assert secret not in page
    on = day(timezone.localdate())
    assert f"Marta Lind asked about a proposal that was withdrawn on {on}" in page
    assert f"Marta Lind objected to a proposal that was withdrawn on {on}" in page
    assert f"About a proposal that was withdrawn on {on}" in page
    assert "<q>Is this for us?</q>" in page, "their own words stay theirs"


@pytest.mark.parametrize("door", ["portal_my_actions", "portal_questions"])
def test_the_doors_give_none_of_its_words_to_a_hostile_caller(portal_client, taken_back, door):
    taken_back.withdraw("Sent to the wrong client.")
    signed_in(portal_client, a_guest(client_id=HARBOR))
    with as_portal(), portal_rights(portal_client.cookies["zarts_portal"].value) as cursor:
        given = str(rows(cursor, door))
    assert "Is this for us?" in given
    for secret in (SECRET, "Secretive"):
        assert secret not in given
