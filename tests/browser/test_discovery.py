"""A discovery is written while talking: by keyboard, without losing a word, on a desk and on a phone."""

import pytest
from playwright.sync_api import expect

from opportunities.models import Discovery, Note, Question, Questionnaire, UnwrittenPromise
from opportunities.records import begin
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def discovery(ada):
    """An open discovery that asks one question."""
    questionnaire = begin(Questionnaire(name="What we always ask", for_every_deal=True), by=ada)
    Question.objects.create(questionnaire=questionnaire, words="Why just now?", required=True)
    return an_opportunity(ada, stage="discovery").discoveries.get()


def now(record):
    return type(record).objects.get(pk=record.pk)


def field(somebody, name):
    return somebody.page.locator(f"[name='{name}']")


@pytest.mark.screens("desktop")
def test_it_is_written_by_keyboard_and_saved_by_keys(ada, discovery, at_browser):
    somebody = at_browser(ada, looks=violations).open(discovery.staff_url())
    page, keyboard = somebody.page, somebody.page.keyboard
    question = next(it for it in discovery.questions if it.words == "Why just now?")
    link = page.locator("#open").get_by_role("link", name="Why just now?")
    link.focus()
    keyboard.press("Enter")
    expect(field(somebody, question.field)).to_be_focused()
    keyboard.type("They moved house.")
    page.locator("#open").get_by_role("link", name="Discovery notes").focus()
    keyboard.press("Enter")
    keyboard.type("They lose calls.\nOn Fridays.")
    keyboard.press("Control+Enter")
    somebody.sees("Saved.").look()
    expect(field(somebody, "notes")).to_be_focused()
    assert now(discovery).notes == "They lose calls.\nOn Fridays."
    assert now(discovery).says(question.field) == "They moved house."
    expect(page.locator("#open").get_by_role("link", name="Why just now?")).to_have_count(0)


@pytest.mark.screens("phone")
def test_what_is_heard_is_added_without_leaving_or_losing_what_is_typed(ada, discovery, at_browser):
    somebody = at_browser(ada, looks=violations).open(discovery.staff_url())
    page, keyboard, heard = somebody.page, somebody.page.keyboard, somebody.page.locator("#heard")
    field(somebody, "notes").fill("Half a sentence")
    field(somebody, "note-words").focus()
    with somebody.refused(422):
        keyboard.press("Control+Enter")
        somebody.sees("Write the note first.").look()
    expect(field(somebody, "note-words")).to_be_focused()
    keyboard.type("Bo is away in May.")
    keyboard.press("Control+Enter")
    expect(heard.get_by_role("status")).to_contain_text("Added: Note of")
    somebody.look()
    expect(heard.get_by_role("link", name="Bo is away in May.")).to_be_visible()
    expect(field(somebody, "note-words")).to_be_focused()
    expect(field(somebody, "note-words")).to_have_value("")
    expect(field(somebody, "notes")).to_have_value("Half a sentence")
    assert Note.objects.get().words == "Bo is away in May."
    assert now(discovery).notes == ""
    # What is typed beside and not added yet is saved with the rest.
    heard.get_by_text("Promise said aloud", exact=True).first.click()
    field(somebody, "unwrittenpromise-words").fill("A free month.")
    field(somebody, "notes").focus()
    keyboard.press("Control+Enter")
    somebody.sees("Added: A free month.").look()
    assert page.url.split("#")[0].endswith(discovery.staff_url())
    assert (now(discovery).notes, UnwrittenPromise.objects.get().words) == ("Half a sentence", "A free month.")


@pytest.mark.screens("desktop")
def test_two_people_write_in_the_same_place_and_no_words_are_lost(ada, discovery, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    first = at_browser(ada, looks=violations).open(discovery.staff_url())
    second = at_browser(ben, looks=violations).open(discovery.staff_url())
    field(second, "notes").fill("Ben heard this.")
    second.page.keyboard.press("Control+Enter")
    second.sees("Saved.")
    field(first, "notes").fill("Ada heard that.")
    with first.refused(409):
        first.page.keyboard.press("Control+Enter")
        first.sees("Nothing is saved yet.").sees("Ben wrote this meanwhile:").sees("Ben heard this.").look()
    expect(first.page.locator(".z-refused")).to_be_focused()
    expect(field(first, "notes")).to_have_value("Ada heard that.")
    assert Discovery.objects.get().notes == "Ben heard this."
    field(first, "notes").fill("Ben heard this. Ada heard that.")
    first.page.keyboard.press("Control+Enter")
    first.sees("Saved.").look()
    assert Discovery.objects.get().notes == "Ben heard this. Ada heard that."
