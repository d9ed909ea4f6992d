"""A proposal as a client's people read it: choosing, asking, objecting, passing it on; and what staff see of that."""

import pytest
from playwright.sync_api import expect

from opportunities.models import Message
from portal.models import ProposalLink, Reader
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_proposals import a_proposal

# A person needs a moment to read a cover.
A_MOMENT = 3.2


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def offer(ada):
    return a_proposal(ada, approver=person("ben", "Manager", team="East", sees="team"), stage="sent")


@pytest.fixture
def link(offer, house):
    token = Message.objects.get(template="proposal", record_id=offer.pk).secret_link.split("/")[-2]
    return f"{house.portal}/p/{token}/"


@pytest.mark.screens("phone")
def test_a_client_chooses_asks_and_objects_and_the_totals_follow(offer, link, ada, at_browser):
    client = at_browser(looks=violations).open(link)
    client.sees("Prepared for Bo Larsen.").reads_for(A_MOMENT).press("Open the proposal")
    bar, page = client.page.locator(".bar-total strong"), client.page
    expect(bar).to_have_text("$13,800")
    page.get_by_label("Call tracking: $150 each month").check()
    expect(bar).to_have_text("$15,600")
    expect(page.locator("#accept")).to_contain_text("with Call tracking")
    expect(page.get_by_role("status").filter(has_text="First year")).to_have_text("First year: $15,600")
    client.look()

    page.locator("#price").get_by_role("link", name="Ask about Mending").click()
    expect(page.get_by_label("About")).to_have_value(f"price-{offer.price_lines.get(title='Mending').pk}")
    expect(bar).to_have_text("$15,600")
    page.get_by_label("An objection: this should be different").check()
    client.write(words="More than we can spend before June.").press("Send it to").sees(
        "Bo Larsen objected, about “Mending”"
    )

    # It was read for a while: the beacon comes as the page is left.
    for _ in range(11):
        page.mouse.wheel(0, 60)
        client.reads_for(1)
    page.goto("about:blank")
    staff = at_browser(ada, at="desktop").open(offer.staff_url()).waits_for("read for")
    staff.sees("Would take: Call tracking").sees("How long each part was in sight")
    assert ProposalLink.objects.get().engaged_at
    assert sum(Reader.objects.get().seconds.values()) >= 10


@pytest.mark.screens("phone")
def test_a_colleague_says_who_they_are_and_is_known_by_their_name(offer, link, ada, at_browser):
    at_browser().open(link).reads_for(A_MOMENT).press("Open the proposal").sees("What you get")
    colleague = at_browser(looks=violations).open(link).sees("Bo Larsen has opened it in another browser.")
    colleague.reads_for(A_MOMENT)
    with colleague.refused(422):
        colleague.press("Open it with my name").sees("Type your name first, so that we know who reads.")
    colleague.reads_for(A_MOMENT).write(name="Jonas Weber").press("Open it with my name")
    colleague.sees("You read this as Jonas Weber.")
    staff = at_browser(ada, looks=violations).open(offer.staff_url()).waits_for("Jonas Weber")
    staff.sees("passed on by Bo Larsen")


@pytest.mark.screens("phone")
def test_without_scripts_everything_works_but_the_totals_wait_for_a_button(offer, link, at_browser, chrome, screen):
    context = chrome.new_context(**screen, java_script_enabled=False)
    page = context.new_page()
    page.goto(link)
    page.wait_for_timeout(A_MOMENT * 1000)
    page.get_by_role("button", name="Open the proposal").click()
    page.get_by_label("Call tracking: $150 each month").check()
    page.get_by_role("button", name="Update the totals").click()
    expect(page.locator(".bar-total strong")).to_have_text("$15,600")
    page.get_by_label("In your words").fill("When can you begin?")
    page.get_by_role("button", name="Send it to").click()
    expect(page.locator("#questions")).to_contain_text("Bo Larsen asked")
    page.get_by_label("Your full name").fill("Bo Larsen")
    page.get_by_label("Your role").fill("Owner")
    page.locator("[name=consent]").check()
    page.get_by_role("button", name="Accept the proposal").click()
    expect(page.get_by_role("status")).to_contain_text("Bo Larsen accepted this on")
    context.close()


@pytest.mark.screens("desktop")
def test_a_proposal_is_read_asked_about_and_accepted_with_the_keyboard_alone(offer, link, at_browser):
    client = at_browser(looks=violations).open(link).reads_for(A_MOMENT)
    client.presses("button", "Open the proposal").sees("What you get")
    client.presses("checkbox", "Call tracking", key="Space")
    expect(client.page.locator(".bar-total strong")).to_have_text("$15,600")
    client.types("In your words", "When can you begin?").presses("button", "Send it to").sees("Bo Larsen asked")
    client.types("Your full name", "Bo Larsen").types("Your role", "Owner")
    client.presses("checkbox", "I may decide this for my company", key="Space")
    client.presses("button", "Accept the proposal").sees("Bo Larsen accepted this on")


def test_a_part_of_a_long_proposal_is_one_key_away_and_comes_into_sight(link, at_browser):
    client = at_browser(scripts=False).open(link).press("Open the proposal")
    jumps = client.page.get_by_role("navigation", name="On this page")
    expect(jumps).to_be_in_viewport()
    for name, part in (("What it costs", "price"), ("How you will know", "reporting"), ("Accept", "accept")):
        client.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        control = jumps.get_by_role("link", name=name)
        control.focus()
        client.page.keyboard.press("Enter")
        client.is_shown(f"#{part} h2")
        assert client.page.url.endswith(f"#{part}")
        assert control.bounding_box()["height"] >= 24
