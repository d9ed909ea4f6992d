"""A client's whole way on a phone: from the mail with the proposal to the sealed contract and the room behind it."""

import re
import time

import pytest
from playwright.sync_api import expect

from opportunities.models import Contact
from opportunities.records import begin, perform
from proposals.models import Contract, Proposal
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_proposals import a_contract, a_proposal

pytestmark = [pytest.mark.slow, pytest.mark.screens("phone")]

# A person needs a moment to read a cover.
A_MOMENT = 3.2
BO, TOM = "bo@harbor-dental.example", "tom@harbor-dental.example"


@pytest.fixture
def cast(house, settings):
    # Mails that are written here lead to the process that runs there.
    settings.PORTAL_URL = house.portal
    return person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")


def reads_mail(somebody, mail, folder):
    """Open a mail as its reader's program shows it; return the addresses of its plain text."""
    file = folder / "mail.html"
    file.write_text(mail.get_body(("html",)).get_content())
    somebody.open(file.as_uri())
    return re.findall(r"https?://\S+", mail.get_body(("plain",)).get_content())


def comes_by_mail(somebody, address, folder):
    """Ask for a way in at the page that is open, and take it from the mail."""
    somebody.write(email=address).press("Send me a link").sees("Look into your mail")
    reads_mail(somebody, somebody.house.mailbox.mail_to(address, "Your link to sign in"), folder)
    somebody.press("Come in").press("Come in")


def becomes(record, stage):
    """Wait until what the client did has become a move, and return the record."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = type(record).objects.get(pk=record.pk)
        if found.stage == stage:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{record} is {found.stage}, not {stage}")


def test_a_client_goes_the_whole_way_on_a_phone(house, cast, at_browser, tmp_path):
    ada, ben = cast
    offer = a_proposal(ada, approver=ben, stage="approved")
    bo_larsen = offer.opportunity.decision_owner
    perform(offer.send, by=ada, contact=bo_larsen)
    bo = at_browser(looks=violations)

    # The mail says the same twice, and both ways lead to the cover.
    mail = house.mailbox.mail_to(bo_larsen.email, "Our proposal")
    (in_words,) = [link for link in reads_mail(bo, mail, tmp_path) if "/p/" in link]
    assert bo.page.get_by_role("link", name="Open the proposal").get_attribute("href") == in_words
    bo.open(in_words).sees("Prepared for Bo Larsen")
    reads_mail(bo, mail, tmp_path)
    bo.press("Open the proposal").sees("Prepared for Bo Larsen").reads_for(A_MOMENT).press("Open the proposal")

    # They choose, ask, and accept what they chose.
    bo.page.get_by_label("Call tracking: $150 each month").tap()
    expect(bo.page.locator(".bar-total strong")).to_have_text("$15,600")
    bo.write(words="When can you begin?").press("Send it to").sees("Bo Larsen asked")
    expect(bo.page.locator("#accept")).to_contain_text("with Call tracking")
    bo.write(name="Bo Larsen", role="Owner", consent=True).press("Accept the proposal")
    bo.sees("Bo Larsen accepted this on").sees("mails you when it is ready to sign")
    with bo.page.expect_download() as download:
        bo.page.get_by_role("link", name="Download as PDF").tap()
    assert download.value.suggested_filename.endswith(".pdf")

    # The contract names two who sign, one after the other.
    accepted = becomes(offer, "accepted")
    tom_reyes = begin(Contact(client=bo_larsen.client, name="Tom Reyes", email=TOM, title="Manager"), by=ada)
    contract = a_contract(ada, approver=ben, stage="sent", proposal=accepted, signatories=[bo_larsen, tom_reyes])
    reads_mail(bo, house.mailbox.mail_to(bo_larsen.email, "The contract to sign"), tmp_path)
    comes_by_mail(bo.press("Open the contract"), bo_larsen.email, tmp_path)
    bo.sees("Call tracking")
    bo.write(name="Bo Larsen", role="Owner", consent=True).press("Sign the contract")
    bo.sees("You signed this on").sees("Tom Reyes signs next")
    tom = at_browser(looks=violations, scheme="dark")
    reads_mail(tom, house.mailbox.mail_to(TOM, ""), tmp_path)
    comes_by_mail(tom.press("Open the contract"), TOM, tmp_path)
    tom.write(name="Tom Reyes", role="Manager", consent=True).press("Sign the contract").sees("signs after you")
    perform(becomes(contract, "signed").countersign, by=ben, role="Managing director")

    # What both sides signed is downloaded, and anybody can ask whether it is that.
    with bo.open(bo.page.url).sees("Signed by both sides").page.expect_download() as download:
        bo.page.get_by_role("link", name="Download the sealed copy").tap()
    sealed, changed = tmp_path / "sealed.pdf", tmp_path / "changed.pdf"
    download.value.save_as(sealed)
    file = bytearray(sealed.read_bytes())
    file[len(file) // 2] ^= 1
    changed.write_bytes(file)
    anybody = at_browser(looks=violations)
    anybody.open("/verify").write(file=sealed).press("Check the file")
    anybody.sees(f"This is the contract {contract.number}, sealed by Zarts on").sees("unchanged.")
    anybody.write(file=changed).press("Check the file").sees("This file was changed after it was sealed.")

    # The room says where they are, what comes next, and with whom.
    bo.press("Sign out").sees("there is no password")
    comes_by_mail(bo, bo_larsen.email, tmp_path)
    bo.sees("Where we are").sees("What comes next").sees("Ada sees to it.").sees("Nothing just now.")
    bo.choose(".documents a[href*=contracts]").sees("It is in force.").sees("Call tracking")
    signed = Contract.objects.get(pk=contract.pk)
    assert (signed.stage, Proposal.objects.get(pk=offer.pk).stage) == ("active", "accepted")
    assert [signature.name for signature in signed.signatures.order_by("at")][:2] == ["Bo Larsen", "Tom Reyes"]
