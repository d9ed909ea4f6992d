"""What waits for a client is asked of the person who can do it, and of nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone
from portal_makers import CONTRACT, HARBOR, MARTA, PIER, TOM, a_guest, a_link, a_publication, signed_in

from portal.models import ClientAction, Preview
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


# -- The link again. ---------------------------------------------------------------------------------------------------


def page_of(client, proposal):
    return " ".join(client.get(f"/portal/proposals/{proposal.pk}/").content.decode().split())


def ask_again(client, proposal):
    return client.post(f"/portal/proposals/{proposal.pk}/link")


def test_whoever_lost_the_mail_asks_for_their_link_again(proposal):
    a_link(proposal)
    marta = somebody()
    assert "Send me the link again" in page_of(marta, proposal)
    answer = ask_again(marta, proposal)
    assert answer.url == f"/portal/proposals/{proposal.pk}/?link=asked"
    assert "on its way to guest7@client1.example" in marta.get(answer.url).content.decode()
    assert ClientAction.objects.get().verb == "wants_link"
    assert "wants_link" not in marta.get("/portal/history/").content.decode()


def test_whoever_has_no_part_reads_who_decides_and_asks_for_no_link(proposal):
    a_link(proposal)
    joel = somebody(JOEL, "Joel Abbott")
    page = page_of(joel, proposal)
    assert "Marta Lind decides on this proposal." in page
    assert "Send me the link again" not in page
    assert ask_again(joel, proposal).url == f"/portal/proposals/{proposal.pk}/"
    assert not ClientAction.objects.exists()


@pytest.mark.parametrize("fault", ["closed", "run out"])
def test_a_link_that_is_closed_or_has_run_out_does_not_come_again(proposal, fault):
    late = {"expires_at": timezone.now() - timedelta(seconds=1)} if fault == "run out" else {}
    link, _ = a_link(proposal, **late)
    if fault == "closed":
        link.revoke()
    marta = somebody()
    assert "Send me the link again" not in page_of(marta, proposal)
    ask_again(marta, proposal)
    assert not ClientAction.objects.exists()


def test_whoever_presses_again_and_again_is_noted_once_and_told_the_same(proposal):
    a_link(proposal)
    marta = somebody()
    assert len({ask_again(marta, proposal).url for _ in range(8)}) == 1
    assert ClientAction.objects.count() == 1


def test_nobody_asks_for_a_link_of_another_client_nor_in_a_preview(proposal):
    a_link(proposal)
    stranger = somebody(client_id=PIER)
    assert ask_again(stranger, proposal).status_code == 404
    entry = Preview.mint(client_id=HARBOR, client_name="Harbor Dental", made_by="Dana", publication_id=None)
    looks = PortalClient()
    looks.post(f"/portal/preview/{entry}")
    assert ask_again(looks, proposal).status_code == 403
    assert not ClientAction.objects.exists()


# -- What the pages call things. ---------------------------------------------------------------------------------------


def test_what_was_answered_says_whether_it_was_the_contract_or_the_proposal(contract):
    a_publication(title=contract.title)
    marta = somebody()
    marta.post(f"/portal/contracts/{contract.pk}/decline", {"words": "Not now.", "digest": contract.digest})
    said = " ".join(marta.get("/portal/history/").content.decode().split())
    assert f"Marta Lind declined the contract {contract.title}" in said
    assert "Marta Lind declined the contract on" in home(marta)


def test_whoever_was_to_sign_beside_them_reads_why_it_is_not_signed_and_nobody_else_does(contract):
    reason = "The liability is too high for us."
    somebody().post(f"/portal/contracts/{contract.pk}/decline", {"words": reason, "digest": contract.digest})
    address = f"/portal/contracts/{contract.pk}/"
    assert reason in somebody(TOM, "Tom Reyes").get(address).content.decode()
    assert reason not in somebody(JOEL, "Joel Abbott").get(address).content.decode()


def test_a_mailed_link_in_a_browser_that_looks_as_a_client_says_so(proposal):
    _, token = a_link(proposal)
    looks = PortalClient()
    assert 'class="preview"' not in looks.get(f"/p/{token}/").content.decode()
    entry = Preview.mint(client_id=HARBOR, client_name="Harbor Dental", made_by="Dana", publication_id=None)
    looks.post(f"/portal/preview/{entry}")
    page = looks.get(f"/p/{token}/").content.decode()
    assert page.count('class="preview"') == 1
    assert "this browser looks as a client" in page
