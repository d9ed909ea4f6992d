"""What waits is cured, doubts are settled, unwanted mail stops, and a lost deal comes back: by pages alone."""

import pytest
from django.db import transaction
from django.utils import timezone

from opportunities import outbox, secondtries
from opportunities.models import Consent, Opportunity, Task, WinBack
from opportunities.records import perform
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_series import agree
from tests.opportunities.test_followups import a_follow_up
from tests.opportunities.test_secondtries import a_lost_deal

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.mark.screens("desktop")
def test_a_follow_up_that_waits_says_why_is_cured_and_goes(ada, house, at_browser):
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    contact.consents.filter(purpose="transactional").update(withdrawn_at=timezone.now())
    task = a_follow_up(ada, opportunity=opportunity)
    somebody = at_browser(ada).open("/admin/today/")

    # It says why on the person's day, on its own page and on the deal's.
    somebody.waits_for(f"{contact} stopped transactional mail on")
    somebody.open(opportunity.staff_url()).sees("stopped transactional mail on")
    somebody.open(task.staff_url()).sees("stopped transactional mail on").press("Mend it")

    # What is missing is written where it leads, and nobody tells the follow-up to go on.
    somebody.press("Add what they agreed to").write(purpose="Transactional", text_version="2026-01", source="Said so")
    somebody.save()
    assert "Good morning." in house.mailbox.words_to(contact.email, "One question about our note")
    somebody.open(task.staff_url()).waits_for("Done")
    somebody.open(opportunity.staff_url("messages")).sees("One question about our note")
    somebody.open("/admin/today/")
    assert not somebody.page.get_by_text(task.title).count()


@pytest.mark.screens("phone")
def test_a_mail_in_doubt_is_settled_by_a_person(ada, house, at_browser):
    eve = person("eve", "Administrator", sees="all")
    opportunity = an_opportunity(ada)
    theirs = opportunity.decision_owner.email
    went, lost = (a_mail_in_doubt(ada, opportunity, subject) for subject in ("The first note", "The second note"))
    at_eve = at_browser(eve, looks=violations).open("/admin/due/").waits_for("Some mail asks a person")

    at_eve.press("It went", within=f"li:has-text('{went.subject}')")
    at_eve.press("Send it", within=f"li:has-text('{lost.subject}')")

    assert house.mailbox.words_to(theirs, "The second note")
    at_eve.open(lost.staff_url()).waits_for("Sent")
    at_eve.open(went.staff_url()).sees("Sent")
    at_eve.open("/admin/due/").sees("Nothing is stuck")
    assert not house.mailbox.has(theirs, "The first note"), "it went before, and never goes twice"


@transaction.atomic
def a_mail_in_doubt(owner, opportunity, subject):
    """A mail that a worker gave to a server which fell silent. The pump of the house never sees it queued."""
    contact = opportunity.decision_owner
    message = outbox.write(contact, subject, "Good morning.", owner=owner, by=owner, opportunity=opportunity)
    return perform(perform(message.start_sending, by=None).doubt, by=None, reason="The server hung up.")


@pytest.mark.screens("phone")
def test_one_click_in_a_mail_stops_marketing_and_nothing_else(ada, house, at_browser):
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    agree(contact, ada)
    outbox.write(contact, "News", "We measured.", owner=ada, by=ada, purpose="marketing", opportunity=opportunity)

    client = at_browser(looks=violations).open(house.mailbox.link_to(contact.email, "News", "/stop/"))
    client.sees("Stop marketing mail from").press("Stop it").sees("It is stopped.").sees("Mail about an offer")
    client.page.go_back()
    client.page.reload()
    client.sees("It was stopped on")

    somebody = at_browser(ada).open(contact.staff_url())
    somebody.waits_for("Mail that they stopped").sees("Marketing mail")
    assert Consent.objects.get(contact=contact, purpose="marketing").withdrawn_at
    assert Consent.objects.get(contact=contact, purpose="contractual").withdrawn_at is None


@pytest.mark.screens("desktop")
def test_a_lost_deal_comes_back_with_its_history(ada, at_browser):
    deal = a_lost_deal(ada)
    secondtries.turn()
    somebody = at_browser(ada).open("/admin/today/")

    somebody.press("Ask whether it is time to try again").press(f"Win-back of {deal}")
    somebody.sees("Why it was lost").sees("Too dear this year.").sees("What must have changed").sees("A new budget.")
    somebody.press("Say what has changed").write(changed="The board raised it.").press("Save").sees(
        "The board raised it."
    )
    somebody.move("Reopen", reason="They have a new budget.")

    somebody.open(deal.staff_url()).sees("Qualified").sees("lost").sees("They have a new budget.")
    assert Opportunity.objects.get(pk=deal.pk).stage == "qualified"
    assert WinBack.objects.get(opportunity=deal).stage == "reopened"
    assert Task.objects.filter(opportunity=deal).open().exists(), "no open deal is without its next step"
