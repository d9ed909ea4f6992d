"""Onboarding from both sides: a client ticks off and grants on a phone, delivery verifies and says what blocks."""

import re
import time

import pytest
from playwright.sync_api import expect

from handoff.models import LaunchBlocker
from opportunities.records import begin
from portal.models import SignInLink
from portal.models.guest import Guest
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_handoff import a_project

pytestmark = [pytest.mark.slow, pytest.mark.screens("desktop")]

LIST = "/portal/onboarding/"


def until(happens):
    """Wait for what the inbox makes of a deed."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        if happens():
            return
        time.sleep(0.1)
    raise AssertionError("It never came.")


def is_done(item):
    return type(item).objects.get(pk=item.pk).stage == "done"


@pytest.fixture
def project(house):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    return a_project(ada, manager=ben, delivery=person("dora", "Delivery", team="East"))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_client_gets_live_on_a_phone_and_delivery_sees_to_the_rest(project, at_browser, scripts):
    dora, ben = project.owner, project.handoff.contract.proposal.approvals.first().decided_by
    # Whether everybody can use the page is looked at by a script.
    bo = at_browser(at="phone", looks=violations if scripts else None, scripts=scripts)
    guest = Guest.objects.get(contact_id=project.opportunity.decision_owner_id)
    bo.open(f"/portal/enter/{SignInLink.mint(guest)}").press("Come in")
    bo.sees("things on your onboarding list and 3 accesses to grant").press("See your list")

    # The client ticks off what is theirs, once, and says that they let us in.
    item = project.items.filter(who="client").first()
    bo.sees(f"0 of {project.items.count()} done").press("Done", within=f"#item-{item.pk}")
    bo.sees(f"1 of {project.items.count()} done")
    until(lambda: is_done(item))
    assert bo.page.locator(f"#item-{item.pk} button").count() == 0
    access = project.connectors.get(provider__name="HubSpot")
    bo.choose(f"#access-{access.pk} summary").sees("Create a user with our mail address.")
    bo.write(to="access@zarts.example")
    bo.press("We have granted it", within=f"#access-{access.pk} form")
    bo.sees("You say it is granted, we are checking it")
    until(lambda: type(access).objects.get(pk=access.pk).said_at)

    # Delivery sees both on the page of the project, looks, and verifies.
    staff = at_browser(dora, at="desktop")
    staff.open(project.staff_url()).sees("The client says it is granted")
    staff.sees(f"1 of {project.items.count()} done")
    staff.open(access.staff_url()).move("Access was granted", holder="Bo Larsen", secret_kept_at="no secret")
    staff.move("It works")
    bo.open(LIST)
    expect(bo.page.locator(f"#access-{access.pk}")).to_contain_text("Works")

    # What blocks stays among us, until somebody approved words about it.
    blocker = begin(LaunchBlocker(project=project, words="Nobody there paid the domain.", owner=dora), by=dora)
    staff.open(project.staff_url()).press("Write words for the client", within="#blockers-group")
    staff.write(title="Your web address", words="Your web address has to be renewed. Please ask your provider.")
    staff.save().move("Submit for review")
    assert "web address" not in bo.open(LIST).page.content()
    boss = at_browser(ben, at="desktop").open("/admin/approvals/").press("Harbor Dental")
    boss.press("Approve", within=".z-ask")
    bo.open(LIST).sees("Your web address has to be renewed.").sees("Since")
    assert "paid the domain" not in bo.page.content()
    staff.open(blocker.staff_url()).move("Clear", reason="They renewed it.")
    assert "web address" not in bo.open(LIST).page.content()

    # What was not done after all is open again, in the house's own words.
    staff.open(item.staff_url()).move("Open again", reason="Half of it is missing.")
    bo.open(LIST).sees("Open again: something is still missing.")
    bo.press("Done", within=f"#item-{item.pk}").sees(f"1 of {project.items.count()} done")
    until(lambda: is_done(item))


def test_a_list_is_ticked_off_by_keys_alone(project, at_browser):
    bo = at_browser(at="phone")
    guest = Guest.objects.get(contact_id=project.opportunity.decision_owner_id)
    bo.open(f"/portal/enter/{SignInLink.mint(guest)}").press("Come in").open(LIST)
    item = project.items.filter(who="client").first()
    bo.presses("button", re.compile(rf"Done\s*: {item}")).sees(f"1 of {project.items.count()} done")
    until(lambda: is_done(item))
