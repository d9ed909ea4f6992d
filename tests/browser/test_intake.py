"""A second entry of somebody: seen while it is typed, saved all the same, merged, and told as one story."""

from urllib.parse import parse_qs

import pytest

from opportunities.models import Client, Lead
from opportunities.records import begin
from tests.browser.people import expect
from tests.conftest import person
from tests.makers import a_lead


@pytest.mark.screens("phone")
def test_a_duplicate_is_seen_at_entry_merged_and_told_in_one_story(house, at_browser):
    ada, cem = person("ada", "Growth ops", team="East"), person("cem", "Growth ops", team="West")
    first = a_lead(ada, name="Mia Sato", company="Harbor Dental", phone="+1 555 010 0111")
    first.confirm("urgency", "Before the summer", by=ada)
    begin(Client(name="Harbor Dental Group", owner=cem), by=cem)

    somebody = at_browser(ada).open("/admin/opportunities/lead/add/")
    somebody.write(name="Mia S.", company="Harbour Dental Group", phone="001 555 0100111", words="Call me at noon.")
    somebody.page.locator("[name=phone]").press("Tab")
    somebody.sees("Same phone as +1 555 010 0111").sees("Somebody else’s client: ask Cem.")
    assert not somebody.page.get_by_text("Harbor Dental Group", exact=True).count()
    somebody.save().sees("Somebody like this is here already.")
    assert Lead.objects.count() == 1
    somebody.press("Save it all the same").sees("Added: Mia S., Harbour Dental Group.")

    somebody.press("Merge", within="#moves").sees("Same phone as +1 555 010 0111")
    somebody.press("Merge", within=".z-form").sees("Choose the lead that goes on.")
    somebody.page.get_by_label("Mia Sato, Harbor Dental").check()
    somebody.press("Merge", within=".z-form").sees("Merged into")

    somebody.open(first.staff_url()).sees("Call me at noon.")
    story = somebody.page.locator("#happened")
    for line in ("took in", "added, with like ones here,", "confirmed a fact of", "merged"):
        expect(story.get_by_text(line).first).to_be_visible()
    first.refresh_from_db()
    assert (first.stage, Lead.objects.get(name="Mia S.").merged_into) == ("new", first)


@pytest.mark.parametrize(
    ("screen", "field", "typed", "words"),
    [
        ("desktop", "email", "mia@harbor-dental.example", "Same mail address"),
        ("phone", "company", "Harbour Dental Group", "Almost the same company name"),
    ],
    indirect=["screen"],
)
def test_who_is_here_already_shows_while_it_is_typed_and_no_address_tells_what(field, typed, words, house, at_browser):
    ada = person("ada", "Growth ops", team="East")
    a_lead(ada, name="Mia Sato", company="Harbor Dental Group", email="mia@harbor-dental.example")
    somebody = at_browser(ada).open("/admin/opportunities/lead/add/")
    asked = []
    somebody.page.on("request", lambda request: asked.append(request) if "/alike/" in request.url else None)

    into = somebody.page.locator(f"#id_{field}")
    before = into.bounding_box()
    into.press_sequentially(typed, delay=15)

    somebody.sees(words).sees("Mia Sato").look()
    expect(into).to_be_focused()
    somebody.is_shown("#alike h2")
    assert into.bounding_box() == before, "nothing moves away from under the fingers"
    assert {request.method for request in asked} == {"POST"}
    assert typed in parse_qs(asked[-1].post_data)[field]
    assert not any("?" in request.url for request in asked)
    assert len(asked) < len(typed) / 2, "it waits until somebody stops typing"
