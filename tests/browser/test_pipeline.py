"""A day at the pipeline, by hand and by keyboard: moved, refused, filtered, saved, given away, lost and reopened."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from opportunities.models import Event, Opportunity
from opportunities.records import edit
from tests.browser.axe import violations
from tests.browser.people import DESKTOP
from tests.conftest import person
from tests.makers import an_opportunity


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


def card(somebody, deal):
    return somebody.page.locator(f"[data-deal='{deal.pk}']")


@pytest.mark.screens("desktop")
def test_a_deal_is_moved_by_keys_and_stays_in_hand(ada, at_browser):
    deal = an_opportunity(ada)
    somebody = at_browser(ada, looks=violations).open("/admin/pipeline/")
    card(somebody, deal).locator("[data-card]").focus()

    somebody.page.keyboard.press("Shift+ArrowRight")
    expect(somebody.page.locator("[data-said]")).to_have_text(f"{deal.client}, {deal} moved to discovery.")
    expect(somebody.page.locator("[data-stage=discovery] [data-card]")).to_be_focused()

    with somebody.refused(409):
        somebody.page.keyboard.press("Shift+ArrowRight")
        expect(card(somebody, deal).locator(".z-refused")).to_be_focused()
    somebody.sees("Write the pain points").look()
    somebody.page.keyboard.press("Escape")
    expect(card(somebody, deal).locator("[data-card]")).to_be_focused()
    expect(somebody.page.locator(".z-refused")).to_have_count(0)
    somebody.page.keyboard.press("m")
    expect(card(somebody, deal).locator("select")).to_be_focused()
    deal.refresh_from_db()
    assert deal.stage == "discovery"


@pytest.mark.screens("desktop")
def test_a_deal_is_moved_by_dragging_and_comes_back_when_it_is_refused(ada, at_browser):
    deal = an_opportunity(ada)
    somebody = at_browser(ada).open("/admin/pipeline/")

    card(somebody, deal).drag_to(somebody.page.locator("[data-stage=discovery]"))
    expect(somebody.page.locator(f"[data-stage=discovery] [data-deal='{deal.pk}']")).to_be_visible()
    with somebody.refused(409):
        card(somebody, deal).drag_to(somebody.page.locator("[data-stage=contract]"))
        somebody.sees("A deal goes one step at a time")
    expect(somebody.page.locator(f"[data-stage=discovery] [data-deal='{deal.pk}']")).to_be_visible()


@pytest.mark.screens("desktop")
def test_filters_are_saved_as_a_view_and_found_again(ada, at_browser):
    late, other = an_opportunity(ada), an_opportunity(ada, stage="discovery")
    edit(late, by=ada, due_on=timezone.localdate() - timedelta(days=2))
    somebody = at_browser(ada, looks=violations).open("/admin/pipeline/?look=table")

    with somebody.page.expect_navigation():
        somebody.page.locator(".z-filters [name=due]").select_option("overdue")
    assert not card(somebody, other).count()
    somebody.press("Overdue", within=".z-tabs")
    with somebody.page.expect_navigation():
        somebody.page.locator(".z-filters [name=stage]").select_option("qualified")
    somebody.choose(".z-menu summary").write(name="Late at the start").press("Save view")
    somebody.sees("Saved: Late at the start.").press("Everything", within=".z-tabs")
    assert card(somebody, other).count()
    somebody.press("Late at the start", within=".z-tabs")
    assert card(somebody, late).count()
    assert not card(somebody, other).count()
    somebody.choose(".z-menu summary").press("Open with")
    somebody.open("/admin/pipeline/")
    assert not card(somebody, other).count()


@pytest.mark.screens("desktop")
def test_deals_are_given_away_row_by_row_with_the_keyboard(ada, at_browser):
    first, second, third = sorted((an_opportunity(ada) for _ in range(3)), key=lambda deal: deal.client.name)
    cem = person("cem", "Growth ops", team="West")
    somebody = at_browser(ada, looks=violations).open("/admin/pipeline/?look=table&sort=client")

    for key in "jxjx":
        somebody.page.keyboard.press(key)
    expect(somebody.page.locator("[data-picked]")).to_have_text("2")
    somebody.press("Next action…", within="#several").sees("Set the next action of 2 opportunities?")
    with somebody.refused(409):
        somebody.press("Set the next action of 2 opportunities")
    somebody.sees("Say what happens next.").press("Leave it")
    for key in "jxjx":
        somebody.page.keyboard.press(key)
    somebody.press("Give to…", within="#several").write(owner="Cem").press("Give 2 opportunities")
    somebody.sees("2 opportunities given to Cem.")
    assert set(Opportunity.objects.filter(owner=cem)) == {first, second}
    assert Event.objects.filter(verb="opportunity.edit", actor=ada, record_id__in=[first.pk, second.pk]).count() == 2
    assert card(somebody, third).count()
    assert not card(somebody, first).count()


@pytest.mark.screens("phone")
def test_a_deal_is_lost_and_reopened_from_the_pipeline(ada, at_browser):
    deal = an_opportunity(ada)
    somebody = at_browser(ada, looks=violations).open("/admin/pipeline/?look=table")
    row = card(somebody, deal)

    row.locator("select").select_option("lost")
    with somebody.page.expect_navigation():
        row.get_by_role("button", name="Go").click()
    somebody.write(reason="The price", words="Too dear.", must_change="A budget for next year.")
    somebody.write(reactivate_to="2020-01-01").press("Mark as lost", within=".z-form")
    somebody.sees("Choose a day that is still to come.")
    somebody.write(reactivate_to=(timezone.localdate() + timedelta(days=200)).isoformat())
    somebody.press("Mark as lost", within=".z-form")
    assert "/admin/pipeline/" in somebody.page.url
    somebody.open("/admin/pipeline/?look=table&stage=lost")
    with somebody.page.expect_navigation():
        card(somebody, deal).get_by_role("button", name="Go").click()
    somebody.sees("A budget for next year.").write(reason="They found money.").press("Reopen", within=".z-form")
    somebody.open(deal.staff_url()).sees("How it ended before").sees("Win-back: expired")
    deal.refresh_from_db()
    assert deal.stage == "qualified"


def test_everybody_can_use_the_pipeline(ada, at_browser, screen):
    scheme = "light" if screen == DESKTOP else "dark"
    somebody = at_browser(ada, looks=violations, scheme=scheme).open("/admin/pipeline/?view=all").sees("No deals yet.")
    an_opportunity(ada)
    late = an_opportunity(ada, due_on=timezone.localdate() - timedelta(days=2))
    for address in ("?view=all", "?look=table", "?look=table&due=overdue&owner=7", "?stage=won", "?due=none"):
        somebody.open(f"/admin/pipeline/{address}")
    somebody.open("/admin/pipeline/?due=week").choose(".z-menu summary")
    somebody.open(late.staff_url().replace("change/", "move/lose/"))
    somebody.open("/admin/opportunities/savedview/")
