"""A list made one's own: its columns, a view that is kept, a file of it, and several rows given away and taken back."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from opportunities.models import SavedView, Task
from opportunities.records import begin
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity


@pytest.mark.screens("phone")
def test_a_list_is_laid_out_kept_taken_away_and_several_are_given(house, at_browser):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    deal, at = an_opportunity(ada), timezone.now() - timedelta(hours=1)
    tasks = [begin(Task(title=f"Call {n}", opportunity=deal, owner=ada, due_at=at), by=ada) for n in range(2)]
    somebody = at_browser(ada, looks=violations).open("/admin/opportunities/task/?due=overdue")

    somebody.choose(".z-menu > summary").page.get_by_label("Opportunity", exact=True).check()
    somebody.press("Show these columns").sees(deal.name)
    somebody.choose(".z-menu > summary").write(name="Late calls").press("Save view").sees("Saved: Late calls.")
    assert SavedView.objects.get().filters["columns"] == "title,kind,stage,owner,due_at,opportunity"
    panel = somebody.choose(".z-menu > summary").page.locator(".z-menu .z-card")
    somebody.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    tabs = somebody.page.locator(".z-views .z-tabs")
    shown = tabs.evaluate("(all) => all.scrollLeft + all.clientWidth - all.querySelector('[aria-current]').offsetLeft")
    assert shown > 40, "the view that is shown is in sight"
    somebody.choose(".z-menu > summary")
    assert panel.evaluate("(panel) => panel.scrollHeight <= panel.clientHeight"), "nothing of it is out of sight"
    with somebody.page.expect_download() as taken:
        somebody.page.get_by_role("link", name="Excel").click()
    assert taken.value.suggested_filename.startswith("tasks-")

    somebody.open("/admin/opportunities/task/?due=overdue")
    for task in tasks:
        somebody.page.get_by_label(f"Pick {task.title}").check()
    somebody.press("Give to…").sees("Give 2 tasks to somebody else?")
    somebody.write(owner="Ben").press("Give 2 tasks").sees("2 tasks given to Ben.")
    assert {task.owner for task in Task.objects.filter(pk__in=[task.pk for task in tasks])} == {ben}
    somebody.press("See it, or undo it").press("Undo").sees("2 tasks set back.")


@pytest.mark.screens("desktop")
@pytest.mark.parametrize("scripts", [True, False], ids=["by keys", "without scripts"])
def test_several_tasks_of_today_are_done(house, at_browser, scripts):
    ada, at = person("ada", "Growth ops", team="East"), timezone.now() - timedelta(hours=1)
    deal = an_opportunity(ada)
    tasks = [begin(Task(title=f"Call {n}", opportunity=deal, owner=ada, due_at=at), by=ada) for n in range(2)]
    somebody = at_browser(ada, looks=violations if scripts else None, scripts=scripts).open("/admin/today/")
    if scripts:
        for key in ("j", "x", "j", "x", "b", "Enter"):
            somebody.page.keyboard.press(key)
        expect(somebody.page.get_by_role("button", name="2 tasks done")).to_be_focused()
        somebody.look()
        somebody.page.keyboard.press("Enter")
    else:
        for task in tasks:
            somebody.page.get_by_label(f"Pick {task.title}").check()
        somebody.press("Done", within="#several").press("2 tasks done")
    somebody.sees("2 tasks done.").sees("Nothing is owed today.")
    assert {task.stage for task in Task.objects.filter(title__startswith="Call")} == {"done"}
