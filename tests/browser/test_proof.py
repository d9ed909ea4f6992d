"""What changed and what rests on what, read by people: on a phone, by everybody, from link to link."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_handoff import a_won_deal
from tests.makers_proposals import a_proposal


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def ben(house):
    return person("ben", "Manager", team="East", sees="team")


@pytest.mark.screens("phone")
def test_a_revision_is_compared_with_the_one_before(ada, ben, at_browser):
    first = a_proposal(ada, approver=ben, stage="sent")
    second = first.revise(by=ada)
    second.change(second.scope_items.get(kind="included"), by=ada, text="We mend the twelve slowest pages.")
    second.change(second.price_lines.first(), by=ada, unit_price=Decimal("2500"))
    second.remove(second.scope_items.get(kind="excluded"), by=ada)

    somebody = at_browser(ada, looks=violations).open(second.staff_url())
    somebody.press("What changed", within="#revisions")
    somebody.sees("From revision 1 to revision 2")
    page = somebody.page
    expect(page.locator("del", has_text="ten")).to_be_visible()
    expect(page.locator("ins", has_text="twelve")).to_be_visible()
    expect(page.locator(".z-removed")).to_contain_text("Removed: Excluded A new design")
    # The signs and the words say what the tints say.
    price = page.locator(".z-changed", has_text="Mending")
    expect(price.locator(".z-was")).to_contain_text("−Before: (removed: $3,000.00)")
    expect(price.locator(".z-now")).to_contain_text("+Now: (added: $2,500.00)")

    somebody.write(**{"with": "Revision 2"}).press("Show").sees("Choose two different revisions.")
    somebody.write(of="Revision 1").press("Show").sees("From revision 1 to revision 2")


@pytest.mark.screens("desktop")
def test_a_claim_leads_to_everything_that_rests_on_it(ada, ben, at_browser):
    claim = a_won_deal(ada, manager=ben).proposals.get().claims.get()
    somebody = at_browser(ada, looks=violations).open(claim.proposal.staff_url())
    somebody.press("What rests on it", within="#claims").sees("What rests on this claim").sees(claim.text)
    for kind in ("Proposals", "Contracts", "Promises", "Published pages"):
        somebody.sees(kind)
    somebody.press("Contract C-").press("What rests on it", within="#clauses").sees("Contracts")
