"""A guest at their own browser: by a code, by a passkey, in two rooms; and staff who look as the client."""

import re
from urllib.parse import urlsplit

import pytest

from portal.models import Guest, Passkey, Session
from proposals import publishing
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_proposals import a_contract

pytestmark = pytest.mark.slow

MIA = "mia@harbor-dental.example"


@pytest.fixture
def deal(house):
    """A deal with a contract to sign; Mia is a guest of its client, and of another one."""
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    contract = a_contract(ada, approver=ben, stage="sent")
    client = contract.opportunity.client
    common = {"name": "Mia Torres", "email": MIA}
    Guest.objects.create(client_id=client.pk, client_name=client.name, contact_id=contract.signer.pk + 1000, **common)
    Guest.objects.create(client_id=client.pk + 1000, client_name="Pier Yoga", contact_id=2000, **common)
    return contract.opportunity


def ask_for_a_way_in(somebody):
    somebody.open("/portal/sign-in").write(email=MIA).press("Send me a link").sees("Look into your mail")
    return somebody.house.mailbox.words_to(MIA, "Your link to sign in")


def a_device(somebody):
    """Give a browser the passkey reader of a phone, whose owner agrees to everything."""
    devtools = somebody.browser.new_cdp_session(somebody.page)
    devtools.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**kind, "isUserVerified": True, "automaticPresenceSimulation": True}
    return devtools, devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


@pytest.mark.screens("phone")
def test_a_guest_reads_the_mail_elsewhere_types_its_code_and_sees_where_they_are_signed_in(house, deal, at_browser):
    mia = at_browser(looks=violations)
    words = ask_for_a_way_in(mia)
    with mia.refused(422):
        mia.write(code="12").press("Come in").sees("Type the six digits that stand in the mail.")
    mia.write(code=re.search(r"^\d{3} \d{3}", words, re.M)[0]).press("Come in").sees("Hello Mia Torres")

    other = at_browser(looks=violations)
    other.open(re.search(r"http\S+/portal/enter/\S+", ask_for_a_way_in(other))[0]).press("Come in")
    mia.press("Your devices and passkeys").sees("This one").sees("Sign out everywhere else")
    mia.press("Sign out everywhere else").sees("You are signed in nowhere else.")
    other.open("/portal/").sees("Give your mail address")

    there = Session.objects.get(revoked_at=None)
    room, elsewhere = ("Pier Yoga", deal.client.name) if there.client_id > 1000 else (deal.client.name, "Pier Yoga")
    mia.open("/portal/").sees(f"You are with {room}.").press(f"Go to {elsewhere}").sees(f"You are with {elsewhere}.")


def asks_the_device(somebody, label, then):
    """Press what asks the device first, so that the page goes on later, and look at the page that comes of it."""
    somebody.page.get_by_role("button", name=label).click()
    somebody.sees(then).look()


@pytest.mark.screens("phone")
def test_a_guest_adds_a_passkey_and_comes_in_by_it(house, deal, at_browser):
    mia = at_browser(looks=violations)
    devtools, device = a_device(mia)
    mia.open(re.search(r"http\S+/portal/enter/\S+", ask_for_a_way_in(mia))[0]).press("Come in")
    mia.press("Your devices and passkeys").write(name="My phone")
    asks_the_device(mia, "Add a passkey", "Not used yet.")
    mia.press("Sign out").open("/portal/sign-in")
    asks_the_device(mia, "Sign in with a passkey", "Hello Mia Torres")
    key = Passkey.objects.get()
    assert (key.name, key.email, key.used_at is not None) == ("My phone", MIA, True)

    # The same device makes no second one, and a device that does not know its owner is refused.
    mia.open("/portal/sessions/").write(name="Again")
    asks_the_device(mia, "Add a passkey", "This device has a passkey of yours already.")
    mia.press("Sign out").open("/portal/sign-in")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    asks_the_device(mia, "Sign in with a passkey", "That did not work on this device.")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})

    Guest.objects.update(revoked_at="2026-01-01T00:00Z")
    with mia.refused(422):
        asks_the_device(mia, "Sign in with a passkey", "This passkey lets nobody in here.")


@pytest.mark.screens("desktop")
def test_staff_look_at_the_portal_as_the_client_and_see_who_is_signed_in(house, deal, at_browser):
    ada = at_browser(deal.owner, looks=violations)
    entry = publishing.preview(deal.client, deal.client, by=deal.owner, past="looked at the portal as")
    looking = at_browser(looks=violations)
    looking.open(urlsplit(entry).path).press("Start the preview").sees(f"you see what {deal.client.name} sees.")
    looking.press("Read and sign").sees("Preview:")
    looking.open("/portal/sessions/").sees("a preview shows none")
    looking.press("Leave the preview").sees("The preview is over.")

    with ada.page.expect_popup() as popup:
        ada.open(deal.client.staff_url()).page.get_by_role("button", name="See the portal as this client").click()
    popup.value.get_by_role("button", name="Start the preview").click()
    popup.value.get_by_text("Nothing you do here counts.").wait_for()
    popup.value.close()
    ada.open(deal.staff_url()).sees("See the portal as this client")
    contact = deal.contracts.get().signer
    ada.open(contact.staff_url()).press("Take access away").sees("took it away").press("Give access again")
    ada.sees("may sign in again")


@pytest.mark.screens("phone")
def test_the_mail_to_sign_leads_to_the_contract_by_its_link_and_by_its_code(house, at_browser):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    contract = a_contract(ada, approver=ben, stage="sent")
    to = contract.signer.email
    asked = house.portal + urlsplit(house.mailbox.link_to(to, "The contract to sign", "/portal/contracts/")).path
    here, there = at_browser(looks=violations), at_browser(looks=violations)
    here.open(asked).write(email=to).press("Send me a link").sees("Look into your mail")
    words = house.mailbox.words_to(to, "Your link to sign in")
    there.open(re.search(r"http\S+/portal/enter/\S+", words)[0]).press("Come in").sees("Sign the contract")

    here.press("ask again").write(email=to).press("Send me a link")
    words = house.mailbox.words_to(to, "Your link to sign in")
    with here.refused(422):
        here.write(code="12").press("Come in").sees("Type the six digits")
    here.write(code=re.search(r"^\d{3} \d{3}", words, re.M)[0]).press("Come in").sees("Sign the contract")
    assert {here.page.url, there.page.url} == {asked}
