"""What is not allowed yet is said where it is tried, with the way to mend it; what is not allowed at all is refused."""

import pytest

from opportunities.records import edit
from proposals.models import Approval
from tests.browser.story import DISCOVERY, answers
from tests.conftest import person
from tests.makers import a_lead, an_opportunity
from tests.makers_proposals import a_proposal

FETCH = """([address, fields]) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const body = new URLSearchParams({csrfmiddlewaretoken: token, ...fields});
  return fetch(address, {method: "POST", body}).then((answer) => answer.status);
}"""


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.mark.screens("phone")
def test_a_closed_gate_leads_to_the_field_that_is_missing(ada, at_browser):
    discovery = an_opportunity(ada, stage="discovery").discoveries.get()
    somebody = at_browser(ada).open(discovery.staff_url())
    somebody.sees("Complete discovery").press("Write the current lead flow")
    assert somebody.page.url.endswith("#id_lead_flow")
    somebody.is_shown("#id_lead_flow")
    somebody.write(**DISCOVERY, **answers(discovery)).save()
    somebody.move("Complete discovery").sees("Complete")


@pytest.mark.screens("desktop")
def test_a_lead_says_which_facts_are_missing(ada, at_browser):
    lead = a_lead(ada)
    somebody = at_browser(ada).open(lead.staff_url()).move("Start working")
    somebody.press("Confirm the budget signal").is_shown("#facts")
    somebody.confirm("Budget signal", "2,000 a month").sees("Confirm the urgency")
    assert not somebody.page.get_by_text("Confirm the budget signal").count()


@pytest.mark.screens("phone")
def test_a_move_that_is_not_mine_is_refused_whatever_the_page_shows(ada, at_browser):
    opportunity = an_opportunity(ada)
    ann = at_browser(person("ann", "Auditor", sees="all")).open(opportunity.staff_url())
    assert not ann.page.get_by_role("button", name="Start discovery").count()
    address = opportunity.staff_url().replace("change/", "move/start_discovery/")
    with ann.refused(403):
        assert ann.page.evaluate(FETCH, [ann.home + address, {}]) == 403
    opportunity.refresh_from_db()
    assert opportunity.stage == "qualified"


@pytest.mark.screens("phone")
def test_a_page_that_was_opened_before_a_change_approves_nothing(ada, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    proposal = a_proposal(ada, stage="in_review")
    asked = proposal.approvals.get(aspect="proposal")
    somebody = at_browser(ben).open(f"/admin/approvals/{asked.pk}/")
    edit(proposal, by=ada, title="Something else entirely").was_edited(by=ada)
    with somebody.refused(409):
        somebody.press("Approve", within=".z-ask")
    somebody.sees("It is already lapsed")
    assert not Approval.objects.filter(stage="approved").exists()


@pytest.mark.screens("desktop")
def test_a_deal_that_is_dropped_too_early_stays_and_says_why(ada, at_browser):
    opportunity = an_opportunity(ada, stage="discovery")
    somebody = at_browser(ada).open("/admin/pipeline/")
    card = somebody.page.locator(f"[data-deal='{opportunity.pk}']")
    with somebody.refused(409):
        card.locator("select").select_option("audit")
        card.get_by_role("button", name="Go").click()
        somebody.sees("stays where it is").press("Write the pain points")
    somebody.is_shown("#id_pain_points")
