"""Delivery's first day with a deal: what they get, what they cannot keep, and what holds them up before it is live."""

import pytest
from django.urls import reverse

from handoff.models import ChecklistItem, LaunchBlocker
from opportunities.records import begin, perform
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_handoff import a_handoff, a_signed_deal, connect, pay

pytestmark = pytest.mark.slow


@pytest.fixture
def cast(house):
    return (
        person("ada", "Growth ops", team="East"),
        person("ben", "Manager", team="East", sees="team"),
        person("dora", "Delivery", team="East"),
    )


@pytest.mark.screens("desktop")
def test_deliverys_first_day(cast, at_browser):
    ada, ben, dora = cast
    deal = a_signed_deal(ada, manager=ben)
    seller, delivery = at_browser(ada, looks=violations), at_browser(dora, looks=violations)

    # Before the win, on the deal's own page: what delivery will get, and nothing of it is made.
    seller.open(f"{deal.staff_url('contract')}").press("What delivery will get")
    seller.sees("Winning makes all of this at once").sees("with Dora of delivery")
    assert not deal.handoffs.exists()
    seller.press("Close", within="dialog").move(
        "Mark as won", reason="The proof", words="The numbers decided it.", competitor="Nobody"
    ).sees("Done:")
    handoff = deal.handoffs.get()

    # Delivery reads it all on one page: the receipt, the promises.
    delivery.open("/admin/today/").press("Read the promises and accept the handoff")
    delivery.press("Handoff of Harbor Dental").press("Everything on one page")
    delivery.sees("Internal: not for clients").sees(str(handoff.receipts.first()).partition(": ")[2])
    promises = list(handoff.promises.all())
    cannot = promises[0]
    delivery.choose(f"a[href^='{cannot.move_url('dispute')}']")
    delivery.write(reason="Three weeks are too short.").press("Dispute", within="dialog form")
    delivery.sees("Dora disputed it: “Three weeks are too short.”").sees("1 in dispute")
    delivery.press(f"Accept the {len(promises) - 1} that are left").sees("Settle the disputed promise")
    here = delivery.page.url

    # Whoever sold it settles it.
    seller.open(here).choose(f"a[href^='{cannot.move_url('settle')}']")
    seller.write(outcome="Kept as sold", reason="Six weeks, agreed with Bo on the phone.")
    seller.press("Settle", within="dialog form")
    seller.sees("What was agreed: “Six weeks, agreed with Bo on the phone.”")

    # Delivery accepts; the list is worked through; going live is refused by name.
    delivery.open(here).move("Accept the handoff").sees("Done:")
    for item in handoff.project.items.all():
        perform(item.finish, by=dora)
    delivery.open(here).move("Setup is done").sees("Have the client pay the first invoice, as the contract asks.")
    delivery.sees("Verify the access to HubSpot.")
    for connector in handoff.project.connectors.all():
        connect(connector, dora)
    pay(handoff.project, ben)
    delivery.open(here).move("Go live").sees("It went live on")


def test_it_is_read_on_any_screen_and_with_what_was_let_pass(cast, at_browser):
    ada, ben, dora = cast
    handoff = a_handoff(ada, manager=ben, delivery=dora, stage="accepted")
    for item in handoff.project.items.all():
        perform(item.finish, by=dora)
    project = perform(handoff.project.make_ready, by=dora)
    perform(project.go_live, by=ben, override="They open on Monday, whatever comes.")
    at_browser(dora).open(f"/admin/handoffs/{handoff.pk}/").sees("They open on Monday, whatever comes.")


@pytest.mark.screens("desktop")
@pytest.mark.parametrize("at", ["desktop", "phone"])
def test_a_word_without_a_gap_breaks_where_it_stands(cast, at_browser, at):
    ada, ben, dora = cast
    project = a_handoff(ada, manager=ben, delivery=dora).project
    word = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
    begin(ChecklistItem(project=project, title=word, group=word[:80], owner=dora), by=dora)
    begin(LaunchBlocker(project=project, words=word, owner=dora), by=dora)
    delivery = at_browser(dora, at=at)
    delivery.open(project.staff_url()).sees(word)
    delivery.open(reverse("handoff_handoff_handover", args=[project.handoff_id])).sees(word)
