"""What was sold and cannot be kept so: delivery disputes, sales words it anew, the client accepts the change."""

from decimal import Decimal

import pytest

from opportunities.models import Task
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_handoff import a_handoff, a_report

pytestmark = pytest.mark.slow


@pytest.fixture
def cast(house):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    return ada, ben, person("dora", "Delivery", team="East")


@pytest.mark.screens("desktop")
def test_a_disputed_promise_is_worded_anew_by_a_change_order_that_the_client_accepts(house, cast, at_browser):
    handoff = a_handoff(cast[0], manager=cast[1], delivery=cast[2])
    promise, contract = handoff.promises.get(kind="deliverable"), handoff.contract
    bo = contract.signer
    ada, dora = at_browser(cast[0], looks=violations), at_browser(cast[2], looks=violations)
    ben, client = at_browser(cast[1], at="phone"), at_browser(at="phone", looks=violations)

    dora.open(promise.staff_url()).move("Dispute", reason="Ten pages do not fit into three weeks.")
    ada.open("/admin/today/").press("Settle what delivery disputes").press("Faster pages")
    ada.press("Begin a change order", within="#reword").sees(f"Change order to {contract.number}: Faster pages")
    change = ada.page.url
    ada.choose("#included a.z-row-open").write(text="We mend the five slowest pages.").press("Save", within="#included")
    ada.move("Submit for review")

    ben.open("/admin/approvals/").press("Harbor Dental")
    for _ in range(3):
        ben.press("Approve", within=".z-ask")
    ada.open(change).move("Send to client", words="As we said on the phone, Bo.")

    client.open(house.mailbox.link_to(bo.email, "Our change order", "/p/")).sees("Change order to")
    client.reads_for(3).press("Open the change order").sees("We mend the five slowest pages.")
    client.write(name="Bo Larsen", role="Owner", consent=True).press("Accept the change")
    client.sees(f"The change of contract {contract.number} holds from now on.")

    ada.open(promise.staff_url()).waits_for("Reworded by a change order")
    assert handoff.promises.filter(title="Faster pages", stage="offered").count() == 1
    dora.open(handoff.staff_url()).sees("Change order to").sees("We mend the five slowest pages.")


@pytest.mark.screens("desktop", "phone")
@pytest.mark.screens("desktop")
def test_work_that_was_excluded_is_answered_before_it_is_done(house, cast, at_browser):
    handoff = a_handoff(cast[0], manager=cast[1], delivery=cast[2])
    dora = at_browser(cast[2], looks=violations)
    dora.open(handoff.opportunity.staff_url("tasks")).press("Add: Task")
    dora.write(title="Design the start page anew", due_at="2030-01-31T10:00").press(
        "Add task", within="form.z-form"
    ).sees("Design the start page anew")
    task = Task.objects.get(title="Design the start page anew")
    dora.open(task.staff_url()).sees("This touches what was excluded:")
    dora.press("Begin a change order", within="#out-of-scope").press("Begin a change order", within=".z-form")
    dora.open(task.staff_url()).sees("A change order was begun")
    dora.open(handoff.project.staff_url()).sees("Change order to")


@pytest.mark.screens("desktop", "phone")
def test_how_claims_came_out_and_why_deals_were_won_is_read_on_two_pages(house, cast, at_browser):
    claimed = {"kind": "projection", "method": "Five pages, measured anew.", "low": Decimal(3), "high": Decimal(5)}
    report = a_report(cast[0], manager=cast[1], delivery=cast[2], stage="published", claimed=claimed)
    ada = at_browser(cast[0], looks=violations)
    ada.open("/admin/won-and-lost/").sees("The proof")
    ada.open(report.project.staff_url()).sees("What was claimed, and what came").sees("Better than promised")
    ada.press("How all our claims came out").sees(
        "One such claim was reported: better than promised; last: promised 3–5 s, reported 2.1 s."
    )
