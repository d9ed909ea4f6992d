"""A contract that two people sign, one after the other, on their own screens."""

import pytest

from opportunities.models import Contact
from opportunities.records import begin
from portal.models import ClientAction, Guest, SignInLink
from proposals import publishing
from proposals.models import Contract
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_proposals import a_contract, a_proposal

pytestmark = pytest.mark.slow


@pytest.fixture
def contract(house):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    first = proposal.recipient
    tom = begin(Contact(client=first.client, name="Tom Reyes", email="tom@harbor.example", title="Manager"), by=ada)
    return a_contract(ada, approver=ben, stage="sent", proposal=proposal, signatories=[first, tom])


def let_in(somebody, contact):
    publishing.admit(contact)
    token = SignInLink.mint(Guest.objects.get(contact_id=contact.pk))
    return somebody.open(f"/portal/enter/{token}").press("Come in")


@pytest.mark.screens("phone")
def test_one_signs_after_the_other_and_each_sees_whom_it_waits_for(contract, at_browser):
    first, second = [row.contact for row in contract.signatories.all()]
    path = f"/portal/contracts/{contract.publication_id}/"
    bo, tom = let_in(at_browser(looks=violations), first), let_in(at_browser(looks=violations), second)
    tom.open(path).sees(f"Waiting for {first.name} first")
    with bo.page.expect_response("**/open") as opened:
        bo.open(path).sees("Please read it, then")
    assert opened.value.status == 204
    assert ClientAction.objects.filter(verb="opened").order_by("pk").last().name == first.name
    with bo.refused(422):
        bo.press("Sign the contract").sees("Type your full name: it is your signature.")
    bo.write(name="\u202eBo Larsen", role="Owner", consent=True).press("Sign the contract")
    bo.sees("You signed this on").sees("Tom Reyes signs next")
    tom.waits_for("Sign the contract")
    tom.choose("#decline summary").sees("so do the others who were to sign")
    with tom.refused(422):
        tom.press("Decline the contract").sees("Tell us the reason in a few words.")
    tom.write(words="We take another road.").press("Decline the contract").sees("Tom Reyes declined this contract on")
    bo.open(path).sees("Nobody signs it now.")


@pytest.mark.screens("phone")
def test_a_contract_whose_day_has_passed_says_whom_to_ask(contract, at_browser):
    bo = let_in(at_browser(looks=violations), contract.signer)
    publishing.Publication.objects.get(pk=contract.publication_id).keep_open(contract.sent_at)
    bo.open(f"/portal/contracts/{contract.publication_id}/").sees("This contract was open until")
    bo.press("See where we are").sees("Hello")


@pytest.mark.screens("desktop")
def test_staff_see_who_signs_and_prolong_it(contract, at_browser):
    ada = at_browser(contract.owner)
    ada.open(contract.staff_url()).sees("signs next").move("Prolong", sign_by="2030-01-31").sees("Done:")
    assert Contract.objects.get(pk=contract.pk).sign_by.year == 2030
    ada.sees("31 Jan 2030")
