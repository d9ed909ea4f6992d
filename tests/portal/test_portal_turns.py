"""What waits for a client is asked of the person who can do it, and of nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone
from portal_makers import CONTRACT, HARBOR, MARTA, PIER, TOM, a_guest, a_link, a_publication, signed_in

from portal.models import Preview
from tests.database import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)

JOEL = 9
OF_TWO = {
    **CONTRACT,
    "from": {"name": "Dana Whitfield"},
    "signers": [
        {"contact_id": MARTA, "name": "Marta Lind", "role": "Owner"},
        {"contact_id": TOM, "name": "Tom Reyes", "role": "Manager"},
    ],
}
SIGN, ANSWER = "Read and sign the contract", "Read and answer our proposal"


def a_status(what, publication):
    need = {"what": what, "url_kind": publication.kind, "id": publication.pk}
    path = [{"name": "Contract", "state": "now", "on": None}]
    body = {"path": path, "next": {"what": what, "on": None, "who": "You"}, "needs": [need]}
    return a_publication(kind="status", ref="opportunities.opportunity:1", title="Where we are", body=body)


def somebody(contact_id=MARTA, name="Marta Lind", **fields):
    return signed_in(PortalClient(), a_guest(contact_id=contact_id, name=name, **fields))


def home(client):
    return " ".join(client.get("/portal/").content.decode().split())


@pytest.fixture
def contract(portal_client):
    contract = a_publication(kind="contract", body=OF_TWO, open_until=timezone.now() + timedelta(days=7))
    a_status(SIGN, contract)
    return contract


@pytest.fixture
def proposal(portal_client):
    proposal = a_publication()
    a_status(ANSWER, proposal)
    return proposal


def sign(client, contract, name):
    typed = {"name": name, "role": "Owner", "consent": "on", "digest": contract.digest, "consent_version": "sign-1"}
    assert client.post(f"/portal/contracts/{contract.pk}/sign", typed).status_code == 302


def test_whose_turn_it_is_to_sign_is_asked_for_it(contract):
    page = home(somebody())
    assert f'href="/portal/contracts/{contract.pk}/">Read and sign' in page
    assert "This is with you." in page


def test_whoever_signed_reads_who_signs_next_and_is_asked_nothing(contract):
    marta = somebody()
    sign(marta, contract, "Marta Lind")
    page = home(marta)
    assert "You have signed the contract. Tom Reyes signs next." in page
    assert "Tom Reyes signs the contract" in page
    assert SIGN not in page
    assert "This is with you." not in page


def test_before_their_turn_they_read_whom_we_wait_for(contract):
    page = home(somebody(TOM, "Tom Reyes"))
    assert "We wait for Marta Lind first" in page
    assert SIGN not in page
    assert "main-button" not in page


def test_when_it_becomes_their_turn_they_are_asked(contract):
    sign(somebody(), contract, "Marta Lind")
    assert SIGN in home(somebody(TOM, "Tom Reyes"))


def test_when_all_have_signed_it_is_our_turn_at_once(contract):
    marta, tom = somebody(), somebody(TOM, "Tom Reyes")
    sign(marta, contract, "Marta Lind")
    sign(tom, contract, "Tom Reyes")
    for client in (marta, tom):
        assert SIGN not in home(client)
        assert "signs the contract, too" in home(client)


def test_whoever_signs_nothing_is_not_asked_to_sign(contract):
    page = home(somebody(JOEL, "Joel Abbott"))
    assert SIGN not in page
    assert "Nothing just now" in page
    assert "Marta Lind signs the contract" in page


def test_whoever_declined_has_answered(contract):
    marta = somebody()
    marta.post(f"/portal/contracts/{contract.pk}/decline", {"words": "Not now.", "digest": contract.digest})
    assert SIGN not in home(marta)


def test_whoever_decides_on_a_proposal_is_asked_for_it(proposal):
    a_link(proposal)
    page = home(somebody())
    assert ANSWER in page
    assert f'href="/portal/proposals/{proposal.pk}/"' in page


@pytest.mark.parametrize("role", ["reads", "signs", None])
def test_whoever_only_reads_a_proposal_is_asked_nothing_and_reads_who_decides(proposal, role):
    a_link(proposal)
    if role:
        a_link(proposal, contact_id=JOEL, contact_name="Joel Abbott", role=role)
    page = home(somebody(JOEL, "Joel Abbott"))
    assert ANSWER not in page
    assert "Nothing just now" in page
    assert "Marta Lind answers our proposal" in page


def test_a_link_that_was_closed_gives_no_part_in_the_decision(proposal):
    a_link(proposal)[0].revoke()
    assert ANSWER not in home(somebody())


def test_a_link_of_another_client_with_the_same_number_gives_none_either(proposal):
    a_link(a_publication(client_id=PIER, ref="proposal:2"))
    assert ANSWER not in home(somebody())


def test_whoever_looks_as_the_client_sees_what_the_client_is_asked(contract):
    entry = Preview.mint(client_id=HARBOR, client_name="Harbor Dental", made_by="Dana", publication_id=None)
    client = PortalClient()
    assert client.post(f"/portal/preview/{entry}").status_code == 302
    assert SIGN in home(client)


def test_without_a_session_nobody_learns_who_decides(portal_cursor):
    a_link()
    assert portal_cursor.execute("select * from public.portal_parts()").fetchall() == []
