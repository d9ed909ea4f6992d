"""Every form of the public surface can be filled and sent by keys alone, and without scripts.

How a proposal is chosen from, asked about and accepted is in test_offer.py.
"""

import re

import pytest
from playwright.sync_api import expect

from portal.models import SignInLink
from tests.browser.test_guests import a_device
from tests.portal.portal_makers import CONTRACT, TOM, a_guest, a_link, a_publication, a_stop_link

pytestmark = [pytest.mark.slow, pytest.mark.screens("desktop")]

TWO_SIGN = {**CONTRACT, "signers": [*CONTRACT["signers"], {"contact_id": TOM, "name": "Tom Reyes", "role": "Manager"}]}


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "scan.pdf"
    file.write_bytes(b"%PDF-1.7 nothing")
    return file


def a_contract(**fields):
    return f"/portal/contracts/{a_publication(kind='contract', body=TWO_SIGN, **fields).pk}/"


def enters(guest):
    return f"/portal/enter/{SignInLink.mint(guest)}"


# -- By keys alone. ----------------------------------------------------------------------------------------------------


def test_a_stranger_asks_stops_and_has_a_file_checked_by_keys(house, at_browser, file):
    somebody = at_browser().open("/")
    somebody.types("Your name", "Marta Lind").types("Mail address", "marta@harbor.example")
    somebody.presses("checkbox", "", key="Space").presses("button", "Ask for an audit").sees("Thank you.")
    somebody.open(f"/stop/{a_stop_link()[1]}/").presses("button", "Stop it").sees("It is stopped.")
    somebody.open("/verify")
    with somebody.page.expect_file_chooser() as chooser:
        somebody.tab_to("button", "The PDF file").page.keyboard.press("Enter")
    chooser.value.set_files(file)
    somebody.presses("button", "Check the file").sees("We did not seal this file.")


def test_a_colleague_opens_objects_and_declines_by_keys(house, at_browser):
    link, token = a_link()
    jonas = at_browser().open(f"/p/{token}/")
    jonas.tab_to_one(jonas.page.locator("summary").first).page.keyboard.press("Enter")
    jonas.types("Your name", "Jonas Weber").presses("button", "Open it with my name").sees("You read this as Jonas")
    jonas.tab_to("combobox", "About").page.keyboard.type("Booking")
    jonas.tab_to("radio", "A question").page.keyboard.press("ArrowDown")
    jonas.types("In your words", "Too dear.").presses("button", "Send it to")
    jonas.sees("Jonas Weber objected, about “Booking page”")
    jonas.tab_to_one(jonas.page.locator("#decline summary").first).page.keyboard.press("Enter")
    with jonas.refused(422):
        jonas.presses("button", "Decline").sees("Tell us the reason in a few words.")
    jonas.page.keyboard.type("We take another road.")
    jonas.presses("button", "Decline").sees("Jonas Weber declined this on")


def test_a_guest_comes_in_signs_declines_and_leaves_by_keys(house, at_browser):
    guest = a_guest(email="marta@harbor.example")
    first, second = a_contract(ref="contract:1"), a_contract(ref="contract:2")
    marta = at_browser().open("/portal/sign-in")
    with marta.refused(422):
        marta.presses("button", "Send me a link").sees("Give the address")
    marta.page.keyboard.type(guest.email)
    marta.presses("button", "Send me a link").sees("Look into your mail")
    code = re.search(r"^\d{3} \d{3}", house.mailbox.words_to(guest.email, "Your link to sign in"), re.M)[0]
    marta.types("Code from the mail", code).presses("button", "Come in").sees("Hello Marta Lind")
    marta.open(first)
    with marta.refused(422):
        marta.presses("button", "Sign the contract").sees("Type your full name: it is your signature.")
    marta.page.keyboard.type("Marta Lind")
    marta.types("Your role", "Owner").presses("checkbox", "My typed name is my signature.", key="Space")
    marta.presses("button", "Sign the contract").sees("You signed this on")
    marta.open(second).tab_to_one(marta.page.locator("#decline summary")).page.keyboard.press("Enter")
    marta.types("Why do you not sign?", "We take another road.").presses("button", "Decline the contract")
    marta.sees("Marta Lind declined this contract on")

    a_device(marta)
    other = at_browser().open(enters(guest)).presses("button", "Come in").sees("Hello")
    marta.open("/portal/sessions/").presses("button", "Sign out everywhere else").sees("signed in nowhere else")
    marta.types("Name it", "My phone").tab_to("button", "Add a passkey").page.keyboard.press("Enter")
    marta.sees("Not used yet.").presses("button", "Remove the passkey My phone")
    expect(marta.page.get_by_text("Not used yet.")).to_have_count(0)
    marta.presses("button", "Sign out").sees("there is no password")
    other.open("/portal/").sees("there is no password")


# -- Without scripts. --------------------------------------------------------------------------------------------------


def test_without_scripts_an_offer_is_objected_to_and_declined(house, at_browser):
    _, token = a_link()
    marta = at_browser(scripts=False, at="phone").open(f"/p/{token}/").press("Open the proposal")
    marta.press("Ask about Booking page").write(words="Too dear.")
    marta.page.get_by_label("An objection").check()
    marta.press("Send it to").sees("Marta Lind objected, about “Booking page”")
    marta.choose("#decline summary")
    with marta.refused(422):
        marta.press("Decline", within="#decline").sees("Tell us the reason in a few words.")
    marta.page.locator("#decline textarea").fill("We take another road.")
    marta.press("Decline", within="#decline").sees("Marta Lind declined this on")


def test_without_scripts_a_guest_comes_in_signs_and_declines(house, at_browser):
    guest = a_guest(email="marta@harbor.example")
    first, second = a_contract(ref="contract:1"), a_contract(ref="contract:2")
    marta = at_browser(scripts=False, at="phone").open("/portal/sign-in").write(email=guest.email)
    marta.press("Send me a link").sees("Look into your mail")
    code = re.search(r"^\d{3} \d{3}", house.mailbox.words_to(guest.email, "Your link to sign in"), re.M)[0]
    marta.write(code=code).press("Come in").sees("Hello Marta Lind").open(first)
    with marta.refused(422):
        marta.press("Sign the contract").sees("Type your full name: it is your signature.")
    marta.write(name="Marta Lind", role="Owner", consent=True).press("Sign the contract").sees("You signed this on")
    marta.open(second).choose("#decline summary").write(words="We take another road.")
    marta.press("Decline the contract").sees("Marta Lind declined this contract on")
    marta.open("/portal/sessions/").sees("it needs scripts and passkeys").press("Sign out").sees("there is no password")


def test_without_scripts_a_stranger_asks_stops_and_has_a_file_checked(house, at_browser, file):
    somebody = at_browser(scripts=False, at="phone").open("/")
    somebody.write(name="Marta Lind", email="marta@harbor.example", consent=True).press("Ask for an audit", "#audit")
    somebody.sees("Thank you.").open(f"/stop/{a_stop_link()[1]}/").press("Stop it").sees("It is stopped.")
    somebody.open("/verify").write(file=file).press("Check the file").sees("We did not seal this file.")


def test_a_file_that_is_too_large_is_refused_by_a_page(house, at_browser, tmp_path):
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7" + b" " * 6_000_000)
    somebody = at_browser().open("/verify").write(file=scan)
    with somebody.refused(413):
        somebody.press("Check the file").sees("larger than 5 MB")
