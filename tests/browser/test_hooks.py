"""A webhook from its address to what came back, by pages alone."""

import json
import re

import pytest

from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import a_lead
from zarts.hooks.models import Endpoint

pytestmark = pytest.mark.slow


def test_an_administrator_connects_another_system_and_sees_what_it_was_told(house, at_browser):
    eve = person("eve", "Administrator", sees="all")
    somebody = at_browser(eve, looks=violations).open("/admin/hooks/endpoint/")
    # Each kind of page is looked at once.
    looks, somebody.looks = somebody.looks, None
    somebody.press("Add webhook")
    there = f"{house.site}/hooks/demo/"
    somebody.write(name="Bookkeeping", url="https://192.168.1.5/hooks")
    somebody.page.locator("summary", has_text=re.compile("^Lead$")).click()
    somebody.page.get_by_label("Created (Lead)", exact=True).check()
    somebody.save().sees("This leads into a private network")
    assert looks(somebody.page) == []
    somebody.write(url=there).save().sees("Added: Bookkeeping").sees("Lead: created")

    somebody.press("Show the secret").sees("Copy this secret now").press("Back to Bookkeeping")
    somebody.press("Send a test").waits_for("Delivered").sees("Taken.")
    assert looks(somebody.page) == []
    somebody.press("Bookkeeping")
    a_lead(eve)
    somebody.waits_for("lead.create").press("The whole log").sees("Delivered").press("Lead: created").waits_for(
        "Answered 200"
    )
    body = json.loads(somebody.page.locator(".z-sent").first.inner_text())
    assert body["kind"] == "lead.create"

    somebody.press("Send it again").sees("It goes again").press("Bookkeeping").choose("#secret summary").press(
        "Make a new secret"
    )
    somebody.sees("the former one signs along").press("Back to Bookkeeping").sees("signs along until")
    somebody.move("Pause", reason="They move house.").sees("They move house.")
    assert Endpoint.objects.get().stage == "paused"
