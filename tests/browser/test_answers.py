"""A question that a client asks on a phone, answered by two of ours, and read again below the question."""

import pytest
from playwright.sync_api import expect

from opportunities.models import Message
from portal.models import Guest, SignInLink
from proposals.models import Approval
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_proposals import a_proposal

pytestmark = pytest.mark.slow
A_MOMENT = 3.2
YES = "Yes. It is one person from the first day on."


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def ben(house):
    return person("ben", "Manager", team="East", sees="team")


@pytest.mark.screens("phone")
def test_a_question_is_asked_on_a_phone_answered_approved_mailed_and_read_below_it(house, ada, ben, at_browser):
    offer = a_proposal(ada, approver=ben, stage="sent")
    token = Message.objects.get(template="proposal").secret_link.split("/")[-2]
    client = at_browser(looks=violations).open(f"{house.portal}/p/{token}/")
    client.reads_for(A_MOMENT).press("Open the proposal")
    client.write(words="Is it one person who does all this?").press("Send it to")
    client.sees("Bo Larsen asked on").sees("Ada answers.")

    writer = at_browser(ada, at="desktop", looks=violations)
    writer.open(f"{offer.opportunity.staff_url()}?tab=tasks").waits_for("Answer where they asked")
    writer.press("Answer where they asked").sees("Is it one person who does all this?")
    writer.write(words=YES).press("Save").sees("Added")
    writer.move("Submit for review").sees("Done:")

    manager = at_browser(ben, at="desktop", looks=violations)
    manager.open(f"/admin/approvals/{Approval.objects.get(aspect='summary').pk}/")
    manager.sees("Is it one person who does all this?").press("Approve", within=".z-decide").sees("Done: you approved")

    link = house.mailbox.link_to(offer.recipient.email, "Our answer", "/p/")
    client.open(link).reads_for(A_MOMENT).press("Open the proposal").sees(YES).sees("answered on")
    asked = client.page.locator(".asked")
    expect(asked).to_have_count(1)
    expect(asked).to_contain_text("Is it one person who does all this?")
    expect(asked.locator(".answered")).to_contain_text(YES)

    guest = Guest.objects.get(contact_id=offer.recipient.pk)
    client.open(f"{house.portal}/portal/enter/{SignInLink.mint(guest)}").press("Come in")
    client.press("Questions").sees("Questions and answers").sees(YES)
    client.write(words="And on holidays?").press("Ask").sees("And on holidays?").sees("Ada answers.")
    writer.open(f"{offer.opportunity.staff_url()}?tab=messages").waits_for("And on holidays?")
    writer.sees("Read our answer").sees("Answer where they asked")
