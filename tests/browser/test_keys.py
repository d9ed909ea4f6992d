"""The keyboard alone: past the menu, into a sheet, and out of it again."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.conftest import person
from tests.desk.test_chores import some_tasks

pytestmark = [pytest.mark.slow, pytest.mark.screens("desktop")]


def test_a_task_is_put_off_without_a_mouse(house, at_browser):
    ada = person("ada", "Growth ops", team="East")
    (task,) = some_tasks(ada, 1)
    page = at_browser(ada).open("/admin/today/").page

    # The first stop leads past the menu, to what the page is for.
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#content') !== null")

    # The sheet begins in its first field. Escape leaves it as long as nothing is typed, and asks otherwise.
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.wait_for_url("**/snooze/**")
    expect(page.locator("[name=when]").first).to_be_focused()
    page.keyboard.press("Escape")
    page.wait_for_url("**/admin/today/")

    page.keyboard.press("j")
    page.keyboard.press("s")
    page.wait_for_url("**/snooze/**")
    page.keyboard.press("Space")
    page.locator("[name=reason]").press("Enter")
    # It says what is missing, and the cursor is there.
    expect(page.locator("[name=reason]")).to_be_focused()
    page.keyboard.type("They asked for Monday.")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/today/")
    expect(page.get_by_text("Put off")).not_to_have_count(0)
    task.refresh_from_db(fields=["due_at"])
    assert task.due_at > timezone.now()
