"""The contract's page: who may sign now, who waits for whom, and what it says when it is closed."""

from datetime import timedelta

import pytest
from django.utils import timezone
from portal_makers import CONTRACT, MARTA, PIER, TOM, a_guest, a_publication, signed_in

from portal.models import ClientAction, Publication
from tests.database import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)
OF_TWO = {
    **CONTRACT,
    "from": {"name": "Dana Whitfield"},
    "signers": [
        {"contact_id": MARTA, "name": "Marta Lind", "role": "Owner"},
        {"contact_id": TOM, "name": "Tom Reyes", "role": "Manager"},
    ],
}


@pytest.fixture
def contract(portal_client):
    return a_publication(kind="contract", body=OF_TWO, open_until=timezone.now() + timedelta(days=7))


@pytest.fixture
def marta(portal_client):
    return signed_in(PortalClient(), a_guest())


@pytest.fixture
def tom(portal_client):
    return signed_in(PortalClient(), a_guest(contact_id=TOM, name="Tom Reyes"))


def form(contract, **typed):
    said = {"name": "Marta Lind", "role": "Owner", "consent": "on"}
    return said | {"digest": contract.digest, "consent_version": "sign-1"} | typed


def path(contract, act=""):
    return f"/portal/contracts/{contract.pk}/{act}"


def read(client, contract):
    return " ".join(client.get(path(contract)).content.decode().split())


def test_only_the_next_one_in_order_is_offered_to_sign(contract, marta, tom):
    assert "Sign the contract" in read(marta, contract)
    waiting = read(tom, contract)
    assert "Waiting for Marta Lind first" in waiting
    assert "Sign the contract" not in waiting
    early = tom.post(path(contract, "sign"), form(contract))
    assert early.status_code == 409
    assert "It is not your turn yet." in early.content.decode()

    assert marta.post(path(contract, "sign"), form(contract)).status_code == 302
    assert "Tom Reyes signs next" in read(marta, contract)
    assert "Sign the contract" in read(tom, contract)
    assert tom.post(path(contract, "sign"), form(contract, name="Tom Reyes")).status_code == 302
    assert [row.contact_id for row in ClientAction.objects.filter(verb="signed").order_by("pk")] == [MARTA, TOM]


def test_the_last_day_is_shown_with_its_weekday(contract, marta):
    last = timezone.localdate(contract.open_until)
    assert f"{last:%A} {last.day} {last:%B %Y}" in read(marta, contract)


def test_words_that_changed_meanwhile_are_read_anew(contract, marta):
    answer = marta.post(path(contract, "sign"), form(contract, consent_version="sign-0"))
    assert answer.status_code == 409
    assert "Reload, the words changed." in answer.content.decode()
    assert not ClientAction.objects.filter(verb="signed").exists()


def test_the_words_and_their_version_are_kept_with_the_signature(contract, marta):
    marta.post(path(contract, "sign"), form(contract))
    assert ClientAction.objects.get(verb="signed").data == {"consent": CONTRACT["consent"]}


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ({"name": "x" * 4000}, 422, "Shorten this to 200 characters."),
        ({"name": "\u202e\u200f\u2066"}, 422, "Type your full name"),
        ({"name": "   "}, 422, "Type your full name"),
        ({"role": "x" * 4000}, 422, "Shorten this to 200 characters."),
        ({"role": ""}, 422, "Say in which role you sign."),
        ({"consent": ""}, 422, "Tick this to sign."),
        ({"digest": "\0" * 4000}, 409, "Please read it once more."),
        ({"consent_version": "\u202e" * 4000}, 409, "Reload, the words changed."),
    ],
)
def test_what_is_wrong_with_a_signature_is_said_at_its_place(contract, marta, typed, status, words):
    answer = marta.post(path(contract, "sign"), form(contract, **typed))
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert not ClientAction.objects.filter(verb="signed").exists()


def test_direction_marks_do_not_turn_a_name_round(contract, marta):
    marta.post(path(contract, "sign"), form(contract, name="Marta \u202edniL\u202c"))
    assert ClientAction.objects.get(verb="signed").name == "Marta dniL"


def test_somebody_declines_with_a_reason_and_then_nobody_signs(contract, marta, tom):
    assert marta.post(path(contract, "decline"), {"digest": contract.digest, "words": ""}).status_code == 422
    no = {"digest": contract.digest, "words": "The liability is too high."}
    assert tom.post(path(contract, "decline"), no | {"digest": "0" * 64}).status_code == 409
    assert tom.post(path(contract, "decline"), no).status_code == 302
    for client in (marta, tom):
        page = read(client, contract)
        assert "Tom Reyes declined this contract on" in page
        assert "liability" in page
    assert marta.post(path(contract, "sign"), form(contract)).status_code == 302
    assert ClientAction.objects.get(verb="declined").words == "The liability is too high."
    # Also when the agency has read it and taken the contract back.
    contract.withdraw("Declined.")
    assert "Tom Reyes declined this contract on" in read(marta, contract)


def test_whoever_has_signed_or_is_not_to_sign_cannot_decline(contract, marta, tom, portal_client):
    marta.post(path(contract, "sign"), form(contract))
    no = {"digest": contract.digest, "words": "I thought again."}
    assert marta.post(path(contract, "decline"), no).status_code == 302
    assert "I do not sign this" not in read(marta, contract)
    stranger = signed_in(portal_client, a_guest(contact_id=99))
    assert stranger.post(path(contract, "decline"), no).status_code == 409
    assert not ClientAction.objects.filter(verb="declined").exists()


def test_the_page_closes_with_its_last_day_and_says_whom_to_ask(contract, marta, tom):
    marta.post(path(contract, "sign"), form(contract))
    contract.keep_open(timezone.now() - timedelta(seconds=1))
    day = timezone.localdate(contract.open_until)
    for client in (marta, tom):
        page = read(client, contract)
        assert f"This contract was open until {day:%A} {day.day} {day:%B %Y}." in page
        assert "Ask Dana Whitfield at" in page
        assert "to send it again." in page
        assert "That signature stays." in page
    assert tom.post(path(contract, "sign"), form(contract)).status_code == 302
    assert ClientAction.objects.filter(verb="signed").count() == 1
    contract.keep_open(timezone.now() + timedelta(days=1))
    assert "Sign the contract" in read(tom, contract)


def test_a_contract_without_a_last_day_names_none_and_is_signed(marta, tom):
    contract = a_publication(kind="contract", body=OF_TWO)
    for client in (marta, tom):
        page = read(client, contract)
        assert "None" not in page
        assert "until" not in page
    for client in (marta, tom):
        assert client.post(path(contract, "sign"), form(contract)).status_code == 302
        assert "You signed this" in read(client, contract)


def test_a_contract_that_everybody_signed_in_time_does_not_close(contract, marta, tom):
    for client in (marta, tom):
        client.post(path(contract, "sign"), form(contract))
    contract.keep_open(timezone.now() - timedelta(days=1))
    assert "You signed this" in read(tom, contract)


def test_a_contract_that_was_taken_back_says_so(contract, marta):
    contract.withdraw("A price was wrong.")
    page = read(marta, contract)
    assert "This contract was taken back." in page
    assert "A price was wrong" not in page
    assert marta.post(path(contract, "sign"), form(contract)).status_code == 302


def test_another_clients_contract_is_not_there(marta):
    others = a_publication(kind="contract", client_id=PIER, body=OF_TWO, ref="contract:9")
    others.withdraw("Gone.")
    assert marta.get(path(others)).status_code == 404
    assert marta.post(path(others, "decline"), {"digest": others.digest, "words": "No."}).status_code == 404
    assert marta.get("/portal/contracts/99999999999999999999/").status_code == 404


def test_until_when_it_is_open_is_no_part_of_what_is_signed(contract):
    before = contract.digest
    contract.keep_open(timezone.now() + timedelta(days=90))
    kept = Publication.objects.get(pk=contract.pk)
    assert (kept.digest, kept.body) == (before, OF_TWO)


# -- That it was opened. -----------------------------------------------------------------------------------------------


def openings():
    return list(ClientAction.objects.filter(verb="opened").order_by("pk").values_list("name", "digest"))


def test_it_is_noted_once_for_each_who_signs_that_the_page_was_in_sight(contract, marta, tom):
    assert f'data-opens="{path(contract, "open")}"' in read(marta, contract)
    assert openings() == [], "that it was fetched says nothing"
    for client in (marta, tom, marta):
        answer = client.post(path(contract, "open"))
        assert (answer.status_code, answer.content) == (204, b"")
    assert openings() == [("Marta Lind", contract.digest), ("Tom Reyes", contract.digest)]


def test_whoever_signs_or_declines_without_scripts_has_opened_it(contract, marta, tom):
    marta.post(path(contract, "sign"), form(contract))
    tom.post(path(contract, "decline"), {"digest": contract.digest, "words": "Too dear."})
    told = ClientAction.objects.order_by("pk").values_list("name", "verb")
    assert list(told) == [
        *(("Marta Lind", "opened"), ("Marta Lind", "signed")),
        *(("Tom Reyes", "opened"), ("Tom Reyes", "declined")),
    ]


def test_nothing_is_noted_of_who_does_not_sign_it_nor_once_it_is_closed(contract, marta, portal_client):
    reader = signed_in(portal_client, a_guest(contact_id=99, name="Ida Holm"))
    assert "data-opens" not in read(reader, contract)
    assert reader.post(path(contract, "open")).status_code == 204
    assert PortalClient().post(path(contract, "open")).status_code == 302
    others = a_publication(kind="contract", client_id=PIER, body=OF_TWO, ref="contract:9")
    assert marta.post(path(others, "open")).status_code == 404
    contract.keep_open(timezone.now() - timedelta(seconds=1))
    assert marta.post(path(contract, "open")).status_code == 302
    assert openings() == []


def test_every_page_says_who_signed_and_what_they_typed_where_it_differs(contract, marta, tom):
    assert marta.post(path(contract, "sign"), form(contract, name="M. Lind-Berg")).status_code == 302
    assert "You signed this as “M. Lind-Berg” on" in read(marta, contract)
    page = read(tom, contract)
    assert "Marta Lind, Owner" in page
    assert "signed as “M. Lind-Berg”" in page
    for address, words in (
        ("/portal/", "Marta Lind signed the contract as “M. Lind-Berg” on"),
        ("/portal/history/", f"Marta Lind signed the contract {contract.title} as “M. Lind-Berg”"),
    ):
        assert words in " ".join(tom.get(address).content.decode().split())


def test_a_name_that_is_theirs_is_said_once(contract, marta):
    marta.post(path(contract, "sign"), form(contract, name="marta lind"))
    assert "You signed this on" in read(marta, contract)
    assert "signed the contract as" not in marta.get("/portal/").content.decode()
