"""The search box at a browser: found, pinned, and found again, by keys alone."""

import re

import pytest
from playwright.sync_api import expect

from opportunities.models import Client
from opportunities.records import begin
from tests.browser.axe import violations
from tests.browser.people import DESKTOP
from tests.conftest import person

pytestmark = pytest.mark.slow


def some_clients(owner):
    for name in ("Harbour Lights", "North Harbour", "Harbour"):
        begin(Client(name=name, owner=owner, industry="Dental"), by=owner)


def test_something_is_found_pinned_and_found_again(house, at_browser, screen):
    ada = person("ada", "Growth ops", team="East")
    some_clients(ada)
    at_work = at_browser(ada, looks=violations)
    page = at_work.open("/admin/today/").page
    box, below, said = page.locator("#find-box"), page.locator("[data-below]"), page.locator("[data-find-said]")

    # Before anything was opened the box says what it finds.
    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(below).to_contain_text("Finds clients")
    at_work.look()

    # As one types, best first; the arrow goes to a line and a screen reader hears which.
    page.keyboard.type("harbo")
    expect(said).to_have_text("3 found.")
    expect(below.get_by_role("option")).to_have_text(
        [re.compile(name) for name in ("Harbour Lights|Harbour", *["Harbour"] * 2)]
    )
    page.keyboard.type("ur")
    expect(below.get_by_role("option").first).to_contain_text(re.compile(r"Client\s+Harbour\s+Dental"))
    page.keyboard.press("ArrowDown")
    first = below.get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    at_work.look()
    with page.expect_response("**/admin/find/opened/"):
        page.keyboard.press("Enter")
    page.wait_for_url("**/admin/opportunities/client/*/change/")

    # There it is pinned by its star; on a phone by the one beside it in the list.
    if screen == DESKTOP:
        star = page.get_by_role("button", name="Pin this")
        expect(star).to_have_attribute("aria-pressed", "false")
        star.click()
        expect(star).to_have_attribute("aria-pressed", "true")
        at_work.look()
    else:
        at_work.open("/admin/find/").press("Pin client Harbour")

    # Then it stands below the empty box, and Escape goes back to where one was.
    at_work.open("/admin/today/")
    page.keyboard.press("Control+k")
    expect(below.get_by_role("group", name="Pinned").get_by_role("option")).to_have_count(1)
    at_work.look()
    page.keyboard.press("Escape")
    expect(below).to_be_hidden()
    expect(box).not_to_be_focused()

    # Enter without a line leads to the page of it all.
    page.keyboard.press("/")
    page.keyboard.type("north")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/find/?q=north")
    at_work.sees("1 found.").sees("North Harbour")
    # Ctrl K also leaves a field, such as that of this page; who was signed out is told so.
    page.locator("[name=q]").last.focus()
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    page.context.clear_cookies()
    page.keyboard.type("north")
    expect(below).to_contain_text("Your sign-in has ended")
    at_work = at_browser(ada, looks=violations)
    at_work.open("/admin/find/?q=%26%20!").sees("Type letters or numbers")
