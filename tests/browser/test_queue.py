"""The queue of approvals: by keyboard alone, on a phone, by two people in order, and several at once."""

import pytest
from playwright.sync_api import expect

from opportunities.records import begin, perform
from proposals.models import Approval, ApprovalRule, Claim
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_proposals import a_proposal, a_summary


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def ben(house):
    return person("ben", "Manager", team="East", sees="team")


def again(record):
    return type(record).objects.get(pk=record.pk)


def stands_with(user):
    Approval.objects.update(owner=user)


@pytest.mark.screens("desktop")
def test_the_queue_is_decided_by_keyboard_alone(ada, ben, at_browser):
    first, second = a_proposal(ada, stage="in_review"), a_summary(ada, stage="in_review").approvals.get()
    stands_with(ben)
    manager = at_browser(ben, looks=violations).open("/admin/approvals/?show=mine")
    page, keys = manager.page, manager.page.keyboard

    # Down and up through the list; each opens as it is reached.
    rows = list(Approval.objects.filter(stage="pending").order_by("due", "pk"))
    for key, row in (("j", rows[0]), ("j", rows[1]), ("k", rows[0])):
        keys.press(key)
        page.wait_for_url(f"**/admin/approvals/{row.pk}/**")
        manager.look()
    keys.press("l")
    keys.press("Enter")
    manager.sees("You are looking at it since")

    # Without a reason it stays, and the cursor is where the reason belongs.
    keys.press("c")
    expect(page.locator("#id_reason")).to_be_focused()
    keys.press("Tab")
    keys.press("Escape")
    page.get_by_role("button", name="Ask for changes").focus()
    keys.press("Enter")
    manager.sees("Say why")
    keys.press("c")
    expect(page.locator("#id_reason")).to_be_focused()
    keys.type("The care is too cheap.")
    page.locator("body").click(position={"x": 1, "y": 1})
    keys.press("c")
    expect(page.get_by_role("button", name="Ask for changes")).to_be_focused()
    keys.press("Enter")
    manager.sees("Done: you asked for changes to")
    assert again(first).stage == "draft"

    keys.press("j")
    page.wait_for_url(f"**/admin/approvals/{second.pk}/**")
    keys.press("a")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_focused()
    keys.press("Enter")
    manager.sees("Done: you approved").sees("Nothing stands with you.")
    assert again(second).stage == "approved"


@pytest.mark.screens("phone")
def test_the_queue_is_decided_on_a_phone(ada, ben, at_browser):
    proposal = a_proposal(ada, stage="in_review")
    stands_with(ben)
    manager = at_browser(ben, looks=violations).open("/admin/approvals/")
    assert not manager.page.locator(".z-ask").count()
    manager.press(str(proposal.opportunity.client))
    assert not manager.page.locator(".z-rows").is_visible()
    manager.sees("Decide by").press("I am looking at it").sees("You are looking at it since")
    manager.press("All that waits").sees("You are looking at it")

    pricing = proposal.approvals.get(aspect="pricing")
    manager.choose(f".z-rows a[href*='/{pricing.pk}/']")
    # The buttons stand fixed at the bottom from the beginning; at the end of the page nothing stays under them.
    bar = manager.page.locator(".z-decide > .z-actions")
    expect(bar).to_be_in_viewport(ratio=1)
    assert bar.bounding_box()["height"] < 130
    manager.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    last = manager.page.locator(".z-on-condition > summary").bounding_box()
    assert last["y"] + last["height"] <= bar.bounding_box()["y"]
    manager.press("On a condition").choose(".z-on-condition > summary")
    manager.write(measure="the discount", number="120").press("Approve on this condition")
    manager.sees("Type at most 100 percent.").write(number="10").press("Approve on this condition")
    manager.sees("Done: you approved, on a condition")
    given = again(pricing)
    assert (given.stage, given.on_condition) == ("approved", "the discount stays at or under 10 %")

    manager.press("Reject").sees("Say why").write(reason="We do not sell this any more.").press("Reject")
    manager.sees("Done: you rejected")
    assert again(proposal).stage == "draft"


def test_the_list_is_read_though_what_a_deal_comes_to_is_long(ada, ben, at_browser):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.get(title="Mending"), by=ada, unit_price=1_497_400)
    perform(again(proposal).submit, by=ada)
    manager = at_browser(ben, looks=violations).open("/admin/approvals/?show=all")
    for row in manager.page.locator(".z-asked li").all():
        assert "firm, up to" in row.inner_text()
        assert row.bounding_box()["height"] < 160
        for part in row.locator("a > *").all():
            assert part.bounding_box()["height"] < 55
    manager.look()


@pytest.mark.screens("desktop")
def test_several_that_are_alike_are_answered_together(ada, ben, at_browser):
    asked = [a_proposal(ada, stage="in_review").approvals.get(aspect="pricing") for _ in range(3)]
    stands_with(ben)
    manager = at_browser(ben, looks=violations).open(f"/admin/approvals/{asked[0].pk}/")
    manager.press("2 more like this").press("Approve the ticked ones").sees("Tick those that you answer.")
    page = manager.page
    page.locator("details > summary").first.click()
    edge, box = page.locator(".z-together > ul").bounding_box(), page.locator("[name=pick]").first.bounding_box()
    assert box["x"] - edge["x"] > 12
    assert box["y"] - edge["y"] > 8
    for box in page.locator("[name=pick]").all()[:2]:
        box.check()
    manager.look()
    manager.press("Approve the ticked ones").sees("Done: you approved 2 questions.")
    assert sorted(again(row).stage for row in asked) == ["approved", "approved", "pending"]
    manager.open("/admin/approvals/pace/").sees("By approver")


@pytest.mark.screens("desktop")
def test_a_claim_is_refused_by_name_mended_approved_by_two_in_order_and_a_price_lapses_one(ada, ben, at_browser):
    gia = person("gia", "Manager", team="East", sees="team")
    begin(ApprovalRule(aspect="pricing", step=2, person=gia), by=None)
    proposal = a_proposal(ada)
    proposal.add(Claim(text="Your search page takes seven seconds.", metric="LCP", unit="s"), by=ada)
    writer = at_browser(ada, looks=violations).open(proposal.staff_url())

    # Refused by name, with the way to it.
    writer.sees("Back the claim “Your search page takes seven seconds.” with evidence")
    row = writer.page.locator("#claims .z-row", has_text="seven seconds")
    row.locator("a.z-row-open").click()
    form = writer.page.locator("#claims form[data-write]")
    form.wait_for()
    form.get_by_role("checkbox").first.check()
    form.get_by_role("button", name="Save").click()
    form.wait_for(state="detached")
    writer.look()
    writer.move("Submit for review")
    assert again(proposal).stage == "in_review"

    # One after the other: the second is asked when the first has said yes.
    pricing = proposal.approvals.filter(aspect="pricing", stage="pending")
    assert not pricing.filter(person=gia).exists()
    manager, second = at_browser(ben), at_browser(gia)
    for asked in proposal.approvals.filter(stage="pending"):
        manager.open(f"/admin/approvals/{asked.pk}/").press("Approve", within=".z-decide").sees("Done: you approved")
    assert again(proposal).stage == "in_review"
    second.open("/admin/approvals/").press(str(proposal.opportunity.client)).sees("Pricing")
    second.press("Approve", within=".z-decide").sees("Done: you approved")
    assert again(proposal).stage == "approved"

    # Another price lapses the pricing, both steps of it, and nothing else.
    writer.open(proposal.staff_url())
    writer.page.locator("#pricing a.z-row-open").first.click()
    writer.page.locator("#pricing [name=unit_price]").fill("2800")
    expect(writer.page.locator("#approvals")).to_contain_text("Pricing: lapsed")
    stages = {(it.aspect, it.stage) for it in proposal.approvals.all()}
    assert {it for it in stages if it[0] != "pricing"} == {("proposal", "approved"), ("claims", "approved")}
    assert ("pricing", "lapsed") in stages
    assert ("pricing", "approved") not in stages
    # It is asked anew once the row is shut.
    writer.page.keyboard.press("Escape")
    expect(writer.page.locator("#pricing form")).to_have_count(0)
    manager.open("/admin/approvals/").press(str(proposal.opportunity.client))
    manager.sees("Changed since you approved it").sees("$2,800.00")
