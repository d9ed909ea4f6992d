"""Passkeys: made by whoever is signed in, and good for coming in as long as that person is a guest."""

import json
from datetime import timedelta

import pytest
from authenticator import PRESENT, Authenticator
from django.utils import timezone
from portal_makers import PIER, TOM, a_guest, signed_in
from test_portal_wall import ask

from portal import passkeys
from portal.models import Guest, Passkey, Session, SignInLink, UsedChallenge
from portal.tokens import new_token, token_hash
from tests.database import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = "marta@harbor.example"


@pytest.fixture
def marta():
    return a_guest(email=MAIL)


@pytest.fixture
def at_desk(portal_client, marta):
    return signed_in(portal_client, marta)


def options_to_add(browser):
    return json.loads(browser.get("/portal/passkeys/options").content)


def adds(browser, device, name="My phone", options=None):
    answer = device.make(options or options_to_add(browser))
    return browser.post("/portal/passkeys/add", {"name": name, "credential": answer})


def challenge(browser):
    return json.loads(browser.get("/portal/sign-in/challenge").content)


def enters(browser, device, options=None):
    device.count += 1
    return browser.post("/portal/sign-in/passkey", {"credential": device.sign(options or challenge(browser))})


def test_whoever_added_a_passkey_comes_in_by_it_and_needs_no_mail(at_desk):
    device, browser = Authenticator(), PortalClient()
    assert adds(at_desk, device).status_code == 302
    assert "My phone" in at_desk.get("/portal/sessions/").content.decode()

    assert enters(browser, device).url == "/portal/"
    assert browser.get("/portal/").status_code == 200
    assert Passkey.objects.get().sign_count == 1
    assert Session.objects.filter(email=MAIL).count() == 2


def test_asking_to_come_in_names_nobody_and_writes_nothing(portal_client, at_desk):
    adds(at_desk, Authenticator())
    asked = challenge(PortalClient())
    assert asked["allowCredentials"] == []
    assert (asked["userVerification"], asked["rpId"]) == ("required", "localhost")
    assert UsedChallenge.objects.count() == 1, "that of the passkey that was added"


def test_a_passkey_is_found_without_a_name_and_says_who_is_there(at_desk):
    wanted = options_to_add(at_desk)
    assert wanted["authenticatorSelection"]["residentKey"] == "required"
    assert wanted["authenticatorSelection"]["userVerification"] == "required"
    assert MAIL.encode() not in passkeys.webauthn.base64url_to_bytes(wanted["user"]["id"])


def test_a_removed_passkey_lets_nobody_in(at_desk):
    device = Authenticator()
    adds(at_desk, device)
    at_desk.post(f"/portal/passkeys/{Passkey.objects.get().pk}/remove")
    assert enters(PortalClient(), device).status_code == 422
    assert "My phone" not in at_desk.get("/portal/sessions/").content.decode()


def test_nobody_removes_the_passkey_of_somebody_else(at_desk):
    adds(at_desk, Authenticator())
    tom = signed_in(PortalClient(), a_guest(contact_id=TOM, email="tom@harbor.example"))
    tom.post(f"/portal/passkeys/{Passkey.objects.get().pk}/remove")
    assert Passkey.objects.get().revoked_at is None


def test_a_revoked_guest_does_not_come_in_by_a_passkey(at_desk, marta):
    device = Authenticator()
    adds(at_desk, device)
    Guest.objects.filter(pk=marta.pk).update(revoked_at=timezone.now())
    assert enters(PortalClient(), device).status_code == 422

    # Where they still are a guest they come in, and nowhere else.
    a_guest(client_id=PIER, contact_id=TOM, email=MAIL)
    assert enters(PortalClient(), device).status_code == 302
    assert Session.objects.latest("pk").client_id == PIER


@pytest.mark.parametrize(
    "spoilt",
    [
        {"origin": "https://localhost.evil.example"},
        {"origin": "http://localhost:8002"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0},
    ],
)
def test_another_site_or_a_device_that_did_not_look_who_is_there_is_refused(at_desk, spoilt):
    assert adds(at_desk, Authenticator(**spoilt)).status_code == 422
    assert not Passkey.objects.exists()

    device = Authenticator()
    adds(at_desk, device)
    vars(device).update(spoilt)
    assert enters(PortalClient(), device).status_code == 422
    assert Session.objects.count() == 1


def test_an_answer_counts_once(at_desk):
    device, browser = Authenticator(), PortalClient()
    options = options_to_add(at_desk)
    assert adds(at_desk, device, options=options).status_code == 302
    assert adds(at_desk, Authenticator(), options=options).status_code == 422

    asked = challenge(browser)
    assert enters(browser, device, asked).status_code == 302
    assert enters(PortalClient(), device, asked).status_code == 422


def test_a_challenge_grows_old(at_desk, time_machine):
    device = Authenticator()
    adds(at_desk, device)
    asked, wanted = challenge(PortalClient()), options_to_add(at_desk)
    time_machine.move_to(timezone.now() + timedelta(seconds=passkeys.LASTS + 1))
    assert enters(PortalClient(), device, asked).status_code == 422
    assert adds(at_desk, Authenticator(), options=wanted).status_code == 422


def test_a_challenge_is_for_one_purpose_and_one_session(at_desk):
    device, other = Authenticator(), signed_in(PortalClient(), a_guest(contact_id=TOM, email="tom@harbor.example"))
    adds(at_desk, device)
    assert enters(PortalClient(), device, options_to_add(at_desk)).status_code == 422
    assert adds(at_desk, Authenticator(), options=challenge(at_desk)).status_code == 422
    assert adds(at_desk, Authenticator(), options=options_to_add(other)).status_code == 422
    for made_up in ("AAAA", "e30", "!"):
        assert enters(PortalClient(), device, {"challenge": made_up}).status_code == 422


def test_a_copied_key_whose_count_fell_behind_is_refused(at_desk):
    device = Authenticator()
    adds(at_desk, device)
    device.count = 5
    assert enters(PortalClient(), device).status_code == 302
    device.count = 4
    assert enters(PortalClient(), device).status_code == 422
    device.count = 6
    assert enters(PortalClient(), device).status_code == 302


def test_a_device_that_keeps_no_count_comes_in_again_and_again(at_desk):
    device = Authenticator()
    adds(at_desk, device)
    for _ in range(3):
        device.count = -1
        assert enters(PortalClient(), device).status_code == 302


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "1", '{"id": 1}', "x" * 50_000, '{"id":"a","rawId":"a"}'])
def test_what_is_no_answer_is_refused_in_plain_words(at_desk, answer):
    for path in ("/portal/sign-in/passkey", "/portal/passkeys/add"):
        assert at_desk.post(path, {"name": "x", "credential": answer}).status_code == 422
    assert not Passkey.objects.exists()


def test_a_refusal_is_the_same_whether_a_passkey_is_known_or_not(at_desk):
    known, stranger = Authenticator(), Authenticator()
    adds(at_desk, known)
    known.flags = PRESENT
    pages = {enters(PortalClient(), each).content.count(b"lets nobody in here") for each in (known, stranger)}
    assert pages == {1}


def test_a_passkey_needs_a_name_and_ten_are_the_most(at_desk):
    assert adds(at_desk, Authenticator(), name=" ").status_code == 422
    for number in range(10):
        assert adds(at_desk, Authenticator(), name=f"No {number}").status_code == 302
    answer = adds(at_desk, Authenticator())
    assert answer.status_code == 422
    assert "Ten passkeys are the most" in answer.content.decode()


def test_a_name_is_shown_as_text(at_desk):
    adds(at_desk, Authenticator(), name="<script>1</script>\u202e")
    assert "<script>1" not in at_desk.get("/portal/sessions/").content.decode()


def test_the_doors_of_passkeys_check_for_themselves(portal_cursor, marta):
    token, tom = new_token(), new_token()
    ask(portal_cursor, "select portal_sign_in(%s, %s)", SignInLink.mint(marta), token_hash(token))
    other = SignInLink.mint(a_guest(contact_id=TOM, email="tom@harbor.example"))
    ask(portal_cursor, "select portal_sign_in(%s, %s)", other, token_hash(tom))
    add = "select portal_add_passkey(%s, %s, %s, 'Mine', %s)"
    key, good = b"k" * 40, "c" * 40

    assert ask(portal_cursor, add, "A" * 40, key, 0, good) == [("signed_out",)]
    for credential, public, count, used in (("", key, 0, good), ("A" * 40, b"", 0, good), ("A" * 40, key, -1, good)):
        assert ask(portal_cursor, add, credential, public, count, used, token=token) == [("refused",)]
    assert ask(portal_cursor, add, "A" * 40, key, 0, good, token=token) == [("added",)]
    assert ask(portal_cursor, add, "B" * 40, key, 0, good, token=token) == [("used",)]
    assert ask(portal_cursor, add, "A" * 40, key, 0, "d" * 40, token=tom) == [("known",)]

    assert [row[1] for row in ask(portal_cursor, "select * from portal_passkeys()", token=token)] == ["Mine"]
    assert ask(portal_cursor, "select * from portal_passkeys()", token=tom) == []
    assert ask(portal_cursor, "select portal_remove_passkey(%s)", Passkey.objects.get().pk, token=tom) == [(False,)]
    enter = "select portal_enter_by_passkey(%s, %s, %s, %s, '', '')"
    assert ask(portal_cursor, enter, "A" * 40, 0, good, "a" * 64) == [(None,)], "a challenge that was used"
    assert ask(portal_cursor, enter, "A" * 40, -1, "e" * 40, "a" * 64) == [(None,)]
    assert ask(portal_cursor, enter, "A" * 40, 7, "e" * 40, "no hash") == [(None,)]
    assert ask(portal_cursor, enter, "A" * 40, 7, "e" * 40, "a" * 64) == [(1,)]
    assert ask(portal_cursor, enter, "A" * 40, 7, "f" * 40, "b" * 64) == [(None,)], "a count that did not grow"
