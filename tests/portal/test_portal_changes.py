"""Change orders as a client meets them: what they agree to, and where they stand beside the contract."""

import pytest
from portal_makers import CONTRACT, PIER, PROPOSAL, a_guest, a_link, a_publication, an_old_stamp, signed_in

from portal.consent import ACCEPT, CHANGE, CHANGE_VERSION
from portal.models import ClientAction
from tests.database import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)
REF = "proposals.contract:4"
AGREED = {"version": CHANGE_VERSION, "text": CHANGE}
ORDER = {"number": "P-9", "changes": {"ref": REF, "number": "C-0004"}, "valid_until": "2030-01-31", "consent": AGREED}
CHANGES = {**PROPOSAL, **ORDER}
TYPED = {"name": "Marta Lind", "role": "Owner", "consent": "on", "consent_version": CHANGE_VERSION}


def a_change_order(**fields):
    title = "Change order to C-0004: Letters"
    return a_publication(ref="proposals.proposal:9", title=title, **{"body": CHANGES, **fields})


def read(client, path):
    return " ".join(client.get(path).content.decode().split())


def test_whoever_accepts_a_change_agrees_to_words_of_its_own(portal_client):
    publication = a_change_order()
    _, token = a_link(publication)
    assert "Open the change order" in read(portal_client, f"/p/{token}/")
    portal_client.post(f"/p/{token}/open", {"stamp": an_old_stamp()})
    page = read(portal_client, f"/p/{token}/")
    assert CHANGE in page
    assert ACCEPT not in page
    assert "Accept the change" in page

    assert portal_client.post(f"/p/{token}/accept", {"digest": publication.digest}).status_code == 422
    portal_client.post(f"/p/{token}/accept", {**TYPED, "digest": publication.digest})
    accepted = ClientAction.objects.get(verb="accepted")
    assert accepted.data["consent"] == {"version": CHANGE_VERSION, "text": CHANGE}
    page = read(portal_client, f"/p/{token}/")
    assert "The change of contract C-0004 holds from now on." in page
    assert "prepares the contract" not in page


def test_it_stands_beside_its_contract_and_no_other(portal_client):
    contract = a_publication(kind="contract", ref=REF, body=CONTRACT)
    other = a_publication(kind="contract", ref="proposals.contract:5", body=CONTRACT)
    a_publication(ref="proposals.proposal:10", title="Another client's", body=CHANGES, client_id=PIER)
    change = a_change_order()
    marta = signed_in(PortalClient(), a_guest())

    page = read(marta, f"/portal/contracts/{contract.pk}/")
    assert "What has changed since" in page
    assert f"/portal/proposals/{change.pk}/" in page
    assert "Waits for your answer until Thursday 31 January 2030: it changes nothing yet." in page
    assert "Another client's" not in page
    assert "What has changed since" not in read(marta, f"/portal/contracts/{other.pk}/")
    assert "Change order to contract C-0004: P-9" in read(marta, f"/portal/proposals/{change.pk}/")

    _, token = a_link(change)
    PortalClient().post(f"/p/{token}/accept", {**TYPED, "digest": change.digest})
    assert "It holds since then." in read(marta, f"/portal/contracts/{contract.pk}/")


def test_a_change_order_that_was_taken_back_stands_nowhere(portal_client):
    contract = a_publication(kind="contract", ref=REF, body=CONTRACT)
    a_change_order().withdraw("The contract ended.")
    assert "What has changed since" not in read(signed_in(PortalClient()), f"/portal/contracts/{contract.pk}/")
