"""A deal is worked on from its own page: by keyboard alone, without going anywhere, on a desk and on a phone."""

import pytest
from playwright.sync_api import expect

from opportunities.models import Note, Opportunity
from opportunities.records import edit
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import a_written_discovery, an_opportunity
from tests.makers_handoff import a_won_deal


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


def almost_discovered(owner):
    """A deal in discovery that lacks its pain points, and nothing else."""
    opportunity = an_opportunity(owner, stage="discovery")
    edit(a_written_discovery(opportunity, owner), by=owner, pain_points="")
    return opportunity


class Keyboard:
    """Somebody who has no mouse."""

    def __init__(self, somebody):
        self.somebody, self.page = somebody, somebody.page
        self.dialog = self.page.locator("dialog[open]")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def type(self, words):
        self.page.keyboard.type(words)
        return self

    def goes_to(self, label, role="link"):
        """Go with Tab until the focus is on what has this name."""
        for _ in range(90):
            if self.page.evaluate("document.activeElement.textContent.trim()").startswith(label):
                return self
            self.press("Tab")
        raise AssertionError(f"Tab never came to “{label}”.")

    def sees_dialog(self, title):
        expect(self.dialog.get_by_role("heading", name=title)).to_be_visible()
        self.somebody.look()
        return self

    def sees(self, words):
        self.somebody.sees(words)
        return self

    def is_on(self, label):
        expect(self.page.locator(":focus")).to_contain_text(label)
        return self


@pytest.mark.screens("desktop")
def test_what_is_missing_is_written_and_the_move_made_by_keyboard(ada, at_browser):
    opportunity = almost_discovered(ada)
    somebody = at_browser(ada, looks=violations).open(opportunity.staff_url())
    by_keys = Keyboard(somebody)

    # A note, with its own key.
    by_keys.press("n").sees_dialog("Add note").goes_to("Add note")
    by_keys.press("Enter").sees("Write the note first.")
    by_keys.type("They answer mail in the morning.").goes_to("Add note").press("Enter").sees("Done: Note of")
    assert by_keys.dialog.count() == 0
    by_keys.is_on("Note").sees("They answer mail in the morning.")
    assert Note.objects.get().words == "They answer mail in the morning."

    # What the next step lacks, and then the step.
    by_keys.press(".").goes_to("Write the pain points.").press("Enter").sees_dialog("Change")
    by_keys.type("Calls are lost on Fridays.").goes_to("Save").press("Enter").sees("Saved: Discovery of")
    by_keys.sees("Calls are lost on Fridays.").press(".").goes_to("Complete discovery: all").press("Enter")
    by_keys.sees_dialog("Complete discovery").press("Enter").sees("Done: you completed Discovery of")
    by_keys.press(".").goes_to("Start audit").press("Enter").sees("started the audit of")
    assert Opportunity.objects.get(pk=opportunity.pk).stage == "audit"


@pytest.mark.screens("desktop")
def test_the_parts_the_story_and_the_keys(ada, at_browser):
    opportunity = an_opportunity(ada, stage="proposal")
    somebody = at_browser(ada, looks=violations).open(opportunity.staff_url())
    by_keys = Keyboard(somebody)

    assert somebody.page.evaluate("scrollY") == 0, "it opens at its top"
    by_keys.press("9").sees("Done of late").press("ArrowRight").is_on("Messages").press("Enter").sees("No mail, call")
    assert "tab=messages" in somebody.page.url
    somebody.page.go_back()
    by_keys.sees("Done of late")
    before = somebody.page.locator("#happened ol > li").count()
    somebody.choose("[data-older]")
    expect(somebody.page.locator("#happened ol > li").nth(before)).to_be_focused()
    somebody.page.get_by_label("Kind").select_option("notes")
    by_keys.sees("Nothing of this kind.")
    by_keys.press("Escape", "?").sees_dialog("Keys").press("Space", "Escape", "a")
    assert somebody.page.evaluate("document.activeElement.closest('#add')") is None, "the keys are off"


@pytest.mark.screens("phone")
def test_a_wrong_field_is_mended_where_it_is(ada, at_browser):
    somebody = at_browser(ada, looks=violations).open(an_opportunity(ada).staff_url())
    somebody.press("Change", within=".z-about").write(probability="101").press("Save", within="dialog")
    somebody.sees("Write 100 or less.")
    expect(somebody.page.locator("[name=probability]")).to_be_focused()
    somebody.write(probability="45", close_risk="Their cousin").press("Save", within="dialog").sees("45%")
    expect(somebody.page.locator("#change")).to_be_focused()
    somebody.sees("Their cousin")


def test_every_part_of_a_full_deal_can_be_used_by_everybody(ada, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    person("dora", "Delivery", team="East")
    opportunity = a_won_deal(ada, manager=ben)
    somebody = at_browser(ada, looks=violations)
    for tab in ("audit", "proposals", "contract", "handoff", "people", "objections", "messages"):
        somebody.open(opportunity.staff_url(tab))
