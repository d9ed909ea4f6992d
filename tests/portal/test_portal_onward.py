"""Whoever comes by a mail's link and has to sign in first lands on the page of that link, and nowhere else."""

import re
from urllib.parse import urlencode

import pytest
from django.core import mail
from portal_makers import HARBOR, MARTA, PIER, a_guest, a_publication, signed_in
from test_portal_guests import asks, code_of
from test_portal_wall import ask

from portal.models import SignInRequest
from portal.tokens import new_token, token_hash
from tests.database import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = "marta@harbor.example"


@pytest.fixture(autouse=True)
def no_mail():
    mail.outbox = []


@pytest.fixture
def marta():
    return a_guest(email=MAIL, client_name="Harbor Dental")


@pytest.fixture
def page():
    return f"/portal/contracts/{a_publication(kind='contract').pk}/"


def led_to(browser, page) -> str:
    """Open a page as a stranger; return what its answer would lead to in the end, as the form of its sign-in says."""
    shown = browser.get(page, follow=True).content.decode()
    return hidden(shown)


def hidden(shown) -> str:
    found = re.findall(r'<input type="hidden" name="next" value="([^"]*)">', shown)
    assert len(set(found)) <= 1
    return found[0] if found else ""


def link_of(message) -> str:
    return re.search(r"(/portal/enter/\S+)", message.body)[1]


def press(browser, link):
    """Press the button of a mailed link's page, with all that its form holds."""
    shown = browser.get(link).content.decode()
    held = {"next": hidden(shown)} if hidden(shown) else {}
    return browser.post(link.partition("?")[0], held)


def test_the_code_leads_to_the_page_that_was_asked_for(portal_client, marta, page):
    assert portal_client.get(page).url == f"/portal/sign-in?next={page}"
    assert led_to(portal_client, page) == page
    answer = portal_client.post("/portal/sign-in", {"email": MAIL, "next": page})
    assert answer.url == f"/portal/sign-in/code?next={page}"
    assert led_to(portal_client, answer.url) == page
    portal_client.post("/portal/sign-in", {"email": "not an address", "next": page})

    asks(portal_client, next=page)
    wrong = portal_client.post("/portal/sign-in/code", {"code": "12", "next": page})
    assert hidden(wrong.content.decode()) == page
    answer = portal_client.post("/portal/sign-in/code", {"code": code_of(mail.outbox[-1]), "next": page})
    assert answer.url == page
    assert portal_client.get(page).status_code == 200


def test_the_link_leads_there_too_in_whichever_browser_it_is_pressed(portal_client, marta, page):
    asks(portal_client, next=page)
    other = PortalClient()
    answer = press(other, link_of(mail.outbox[0]))
    assert answer.url == page
    assert other.get(page).status_code == 200


def test_a_link_that_was_used_asks_for_a_new_one_to_the_same_page(portal_client, marta, page):
    asks(portal_client, next=page)
    link = link_of(mail.outbox[0])
    press(portal_client, link)
    used = press(PortalClient(), link)
    assert used.status_code == 410
    assert f'href="/portal/sign-in?next={page}"' in used.content.decode()


def test_a_refused_sign_in_keeps_the_page(portal_client, page):
    for sent, at in [({"email": "nobody"}, "/portal/sign-in"), ({"credential": "x"}, "/portal/sign-in/passkey")]:
        refused = portal_client.post(at, sent | {"next": page})
        assert (refused.status_code, hidden(refused.content.decode())) == (422, page)


def test_whoever_asks_for_no_page_lands_at_home(portal_client, marta):
    assert portal_client.get("/portal/").url == "/portal/sign-in"
    asks(portal_client)
    assert press(portal_client, link_of(mail.outbox[0])).url == "/portal/"


@pytest.mark.parametrize("page", ["reports/", "reports/7/", "questions/", "onboarding/", "history/", "sessions/"])
def test_every_page_of_a_guest_is_come_back_to(portal_client, page):
    assert led_to(portal_client, f"/portal/{page}") == f"/portal/{page}"


def test_whoever_was_signed_out_while_signing_comes_back_to_the_contract(portal_client, page):
    assert portal_client.post(f"{page}sign", {"name": "Marta Lind"}).url == f"/portal/sign-in?next={page}"


HOSTILE = [
    "//evil.example",
    "///evil.example/portal/",
    "https://evil.example/",
    "https:evil.example",
    "http://localhost:8001/portal/history/",
    "javascript:alert(1)",
    "/%2f%2fevil.example",
    "/%2F%2Fevil.example/portal/history/",
    "\\\\evil.example",
    "/\\evil.example",
    "/portal/\\evil.example",
    "/portal/history/\r\nLocation: https://evil.example",
    "/portal/history/\n",
    "\t//evil.example",
    "\x00/portal/history/",
    "/portal/history/\x00",
    "/portal/../../evil.example",
    "/portal/history/?next=//evil.example",
    "/portal/history/#//evil.example",
    "/portal/history/@evil.example",
    "/portal/hıstory/",
    "/portal/contracts/٣/",
    "/portal/contracts/" + "9" * 300 + "/",
    "/portal/nothing-here/",
    "/portal/sign-in",
    "/portal/sign-out",
    "/portal/sessions/end-others",
    "/portal/preview/" + "x" * 43,
    "/portal/enter/" + "x" * 43,
    "/p/" + "x" * 43 + "/",
    "/stop/" + "x" * 43 + "/",
    "/verify",
    "/",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nobody_is_led_to_anything_but_a_page_of_a_guest(portal_client, marta, hostile):
    at = "/portal/sign-in?" + urlencode({"next": hostile})
    assert hidden(portal_client.get(at).content.decode()) == ""
    answer = asks(portal_client, next=hostile)
    assert answer.url == "/portal/sign-in/code"
    link = link_of(mail.outbox[0])
    assert "?" not in link
    other = PortalClient()
    by_hand = other.post(f"{link}?{urlencode({'next': hostile})}", {"next": hostile})
    assert by_hand.url == "/portal/"
    asks(portal_client)
    typed = portal_client.post("/portal/sign-in/code", {"code": code_of(mail.outbox[1]), "next": hostile})
    assert typed.url == "/portal/"


@pytest.mark.parametrize(
    "hostile",
    [
        "https://evil.example",
        "//evil.example",
        "/portal/x y",
        "/portal/\n\nhttps://evil.example",
        "/portal/" + "x" * 200,
    ],
)
def test_the_door_keeps_no_address_that_could_stand_in_a_mail_as_something_else(portal_cursor, hostile):
    values = MAIL, token_hash(new_token()), hostile
    ask(portal_cursor, "select portal_request_sign_in(%s, '10.0.0.1', %s, %s)", *values)
    assert SignInRequest.objects.get().leads_to == ""


def test_a_page_of_another_client_is_not_there(portal_client, marta):
    theirs = f"/portal/contracts/{a_publication(kind='contract', client_id=PIER).pk}/"
    asks(portal_client, next=theirs)
    answer = press(portal_client, link_of(mail.outbox[0]))
    assert answer.url == theirs
    page = portal_client.get(theirs)
    nothing = portal_client.get("/portal/contracts/999999/")
    assert (page.status_code, nothing.status_code) == (404, 404)
    assert "Pier" not in page.content.decode()


def test_whoever_is_a_guest_of_several_clients_comes_into_the_room_of_the_page(portal_client, marta):
    signed_in(PortalClient(), marta)
    a_guest(client_id=PIER, contact_id=MARTA, email=MAIL, client_name="Pier Yoga")
    for client in (HARBOR, PIER):
        page = f"/portal/contracts/{a_publication(kind='contract', client_id=client, ref=f'contract:{client}').pk}/"
        browser = PortalClient()
        asks(browser, next=page)
        assert press(browser, link_of(mail.outbox[-1])).url == page
        assert browser.get(page).status_code == 200


def test_a_number_that_no_page_has_leads_to_a_page_that_says_so(portal_client, marta):
    page = f"/portal/contracts/{'9' * 80}/"
    asks(portal_client, next=page)
    assert press(portal_client, link_of(mail.outbox[0])).url == page
    assert portal_client.get(page).status_code == 404
