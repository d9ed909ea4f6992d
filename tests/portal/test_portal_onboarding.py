"""The onboarding page in the portal: what a guest ticks off and grants, what is refused, whose it stays."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from portal_makers import HARBOR, MARTA, PIER, TOM, a_guest, a_publication, signed_in

from portal import secrecy
from portal.models import ClientAction, Preview, SignInLink
from portal.tokens import new_token, token_hash
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/portal/onboarding/"
WORDS = {"name": "Tom Reyes", "to": "access@zarts.example"}


def an_item(number, **fields):
    return {"id": number, "title": f"Thing {number}", "who": "you", "due_on": "2026-01-05", "done": False} | fields


def an_access(number, **fields):
    return {
        "id": number,
        "provider": "HubSpot",
        "state": "Please grant it",
        "asks": True,
        "how": ["Invite us."],
    } | fields


def a_list(items=(), accesses=(), client=HARBOR, **fields):
    body = {"items": list(items), "accesses": list(accesses), "blockers": [], "open": True, **fields}
    return a_publication(kind="onboarding", ref=f"handoff.project:{client}", client_id=client, body=body)


def tick(client, shown, number):
    return client.post(f"{PAGE}{shown.pk}/items/{number}/tick")


def grant(client, shown, number, **typed):
    return client.post(f"{PAGE}{shown.pk}/accesses/{number}/grant", {**WORDS, **typed})


def test_a_guest_ticks_off_what_is_theirs_and_sees_it_done_at_once(portal_client):
    shown = a_list([an_item(1), an_item(2, who="us")])
    signed_in(portal_client)
    assert "0 of 2 done" in portal_client.get(PAGE).content.decode()

    answer = tick(portal_client, shown, 1)
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}#item-1")
    deed = ClientAction.objects.get()
    assert (deed.verb, deed.name, deed.contact_id, deed.opportunity_id) == ("ticked", "Marta Lind", MARTA, 5)
    assert deed.data == {"item": 1, "title": "Thing 1"}
    page = portal_client.get(PAGE).content.decode()
    assert "1 of 2 done" in page
    assert "items/1/tick" not in page


def test_what_is_ticked_twice_is_ticked_once(portal_client):
    shown = a_list([an_item(1), an_item(2, done=True)])
    signed_in(portal_client)

    assert {tick(portal_client, shown, number).status_code for number in (1, 1, 2)} == {302}
    assert ClientAction.objects.count() == 1


def test_an_item_that_was_taken_off_the_list_says_so(portal_client):
    shown = a_list([an_item(1), an_item(2)])
    a_list([an_item(2)])  # waived since
    signed_in(portal_client)

    answer = tick(portal_client, shown, 1)
    assert answer.status_code == 409
    assert "This is not on your list any more." in answer.content.decode()
    assert not ClientAction.objects.exists()


def test_an_item_of_ours_of_another_client_or_of_nobody_is_not_there(portal_client):
    shown, theirs = a_list([an_item(1, who="us")]), a_list([an_item(7)], client=PIER)
    other = a_publication(kind="proposal")
    signed_in(portal_client)

    tried = [(shown, 1), (shown, 7), (theirs, 7), (other, 1), (shown, 999)]
    assert {tick(portal_client, *one).status_code for one in tried} == {404}
    assert portal_client.post(f"{PAGE}{shown.pk}/items/{2**63}/tick").status_code == 404
    assert not ClientAction.objects.exists()


def test_a_list_that_is_over_takes_no_ticks(portal_client):
    shown = a_list([an_item(1)], [an_access(3)], open=False)
    signed_in(portal_client)

    page = portal_client.get(PAGE).content.decode()
    assert "/tick" not in page
    assert "/grant" not in page
    for answer in (tick(portal_client, shown, 1), grant(portal_client, shown, 3)):
        assert answer.status_code == 409
        assert "This list is closed." in answer.content.decode()


def test_nobody_ticks_who_is_not_signed_in_and_a_preview_does_nothing(portal_client):
    shown = a_list([an_item(1)], [an_access(3)])
    assert tick(portal_client, shown, 1)["Location"] == "/portal/sign-in"

    token = Preview.mint(client_id=HARBOR, client_name="Harbor Dental", made_by="Ada")
    portal_client.post(f"/portal/preview/{token}")
    assert tick(portal_client, shown, 1).status_code in (302, 403)
    assert grant(portal_client, shown, 3).status_code in (302, 403)
    assert not ClientAction.objects.exists()


def test_a_guest_says_that_an_access_is_granted_by_whom_and_to_which_address(portal_client):
    shown = a_list([], [an_access(3)])
    signed_in(portal_client)

    assert grant(portal_client, shown, 3).status_code == 302
    deed = ClientAction.objects.get()
    assert (deed.verb, deed.name) == ("granted", "Marta Lind")
    assert deed.data == {"access": 3, "title": "HubSpot", "name": "Tom Reyes", "to": "access@zarts.example"}
    page = portal_client.get(PAGE).content.decode()
    assert "You say it is granted, we are checking it" in page
    assert "accesses/3/grant" not in page

    assert grant(portal_client, shown, 3).status_code == 302
    assert ClientAction.objects.count() == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"name": ""},
        {"to": ""},
        {"to": "hunter2"},
        {"to": "password: hunter2"},
        {"name": "Password: hunter2"},
        {"name": "https://bo:geheim@vault.example"},
        {"name": "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
        {"to": "sk4f9a8b7c6d5e4f3a2b1c0d9e8f@key.example"},
        {"name": "x" * 81},
    ],
)
def test_whatever_is_no_name_or_no_address_is_refused_at_its_place_and_kept_nowhere(portal_client, typed):
    shown = a_list([], [an_access(3), an_access(4)])
    signed_in(portal_client)

    answer = grant(portal_client, shown, 3, **typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert page.count('aria-invalid="true"') == 1
    assert "Nothing is lost." in page
    assert not ClientAction.objects.exists()


def test_an_access_that_works_is_not_granted_anew(portal_client):
    shown = a_list([], [an_access(3, asks=False, state="Works")])
    signed_in(portal_client)

    assert grant(portal_client, shown, 3).status_code == 302
    assert not ClientAction.objects.exists()


def test_a_hundred_deeds_a_day_are_the_most(portal_client):
    shown = a_list([an_item(number) for number in range(102)])
    signed_in(portal_client)

    statuses = [tick(portal_client, shown, number).status_code for number in range(102)]
    assert statuses == [302] * 100 + [409] * 2


def test_two_who_tick_the_same_thing_at_once_do_it_once(portal_client):
    shown = a_list([an_item(1)])
    keys = []
    for contact in (MARTA, TOM):
        key = new_token()
        with database.login("portal") as own:
            own.execute(
                "select portal_sign_in(%s, %s)", [SignInLink.mint(a_guest(contact_id=contact)), token_hash(key)]
            )
        keys.append(key)
    start = Barrier(2)

    def at_once(key):
        with database.login("portal") as own:
            start.wait()
            return own.execute("select portal_tick(%s, %s, 1, '', '')", [key, shown.pk]).fetchone()[0]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(at_once, keys)) == ["ticked", "ticked"]
    assert ClientAction.objects.count() == 1
    connection.close()


SECRETS_AS_NAMES = ["My password is swordfish", "The passphrase is correct horse", "eyJhbGciOiJIUzIlNiIsInRocCI"]


@pytest.mark.parametrize("said", SECRETS_AS_NAMES)
def test_a_secret_in_place_of_a_name_is_refused_by_the_form_and_by_the_door_itself(portal_client, said):
    shown = a_list([], [an_access(3)])
    signed_in(portal_client)
    answer = grant(portal_client, shown, 3, name=said)
    assert answer.status_code == 422
    assert answer.content.decode().count('aria-invalid="true"') == 1

    key = new_token()
    call = "select portal_grant(%s, %s, 3, %s, %s, '', '')"
    with database.login("portal") as own:
        own.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(a_guest(contact_id=TOM)), token_hash(key)])
        assert own.execute(call, [key, shown.pk, said, "access@zarts.example"]).fetchone()[0] == "no_name"
        at = f"{said.replace(' ', '-')}@zarts.example"
        assert own.execute(call, [key, shown.pk, "Tom Reyes", at]).fetchone()[0] in ("no_address", "granted")
    assert said not in str(ClientAction.objects.values_list("data", "words"))


def test_the_door_asks_by_the_same_expression_as_forms_and_moves():
    written = (Path(secrecy.__file__).parent / "sql/untaken.sql").read_text()
    assert re.findall(r"\$look\$(.*)\$look\$", written) == list(secrecy.LOOKS)


def test_what_we_could_not_take_says_so_at_its_line_and_may_be_said_again(portal_client):
    shown = a_list([an_item(1), an_item(2)], [an_access(3)])
    signed_in(portal_client)
    tick(portal_client, shown, 1)
    grant(portal_client, shown, 3)
    ClientAction.objects.update(handled_at=timezone.now(), written_off=True, outcome="It could not be taken.")

    page = portal_client.get(PAGE).content.decode()
    assert page.count("We could not take what you told us here.") == 2
    assert "You say it is granted" not in page
    assert {"items/1/tick", "accesses/3/grant"} <= {
        part for part in ("items/1/tick", "accesses/3/grant") if part in page
    }
    assert portal_client.get("/portal/history/").content.decode().count("We could not take what you told us here.") == 2

    tick(portal_client, shown, 1)
    assert portal_client.get(PAGE).content.decode().count("We could not take what you told us here.") == 1
