"""What no proposal and no contract may say: more money than is kept anywhere, steps and days in no order."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from opportunities.money import MOST
from opportunities.records import Refused, perform
from proposals.models import BookPrice, Contract, PriceLine, Proposal
from tests.makers_proposals import a_proposal, approve_all

pytestmark = pytest.mark.django_db

HUGE = {"title": "All of it", "quantity": Decimal("9999999.99"), "unit_price": Decimal("9999999999.99")}


# -- Money. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        HUGE,
        HUGE | {"quantity": 1, "recurring": "monthly"},
        HUGE | {"quantity": 1, "recurring": "once", "tax": 1},
        # What is taken off today may not be tomorrow.
        HUGE | {"discount": 100},
    ],
)
def test_a_line_that_comes_to_more_than_can_be_billed_is_refused_where_it_is_typed(ada, said):
    with pytest.raises(ValidationError, match="more than 9,999,999,999.99 in a first year. Type less.") as refusal:
        a_proposal(ada).add(PriceLine(**said), by=ada)
    assert list(refusal.value.message_dict) == ["unit_price"]


def test_the_most_that_can_be_billed_is_a_price(ada):
    line = a_proposal(ada).add(PriceLine(title="All of it", recurring="once", unit_price=MOST), by=ada)
    assert line.total == MOST


def test_the_price_book_has_the_same_limit(ada):
    price = BookPrice(service=a_proposal(ada).service, **HUGE)
    with pytest.raises(ValidationError, match="in a first year"):
        price.full_clean()


def test_lines_that_come_to_more_together_are_not_submitted(ada):
    proposal = a_proposal(ada)
    proposal.add(PriceLine(title="All of it", recurring="once", unit_price=MOST, optional=True), by=ada)
    with pytest.raises(Refused, match="to 9,999,999,999.99 or less: more cannot be billed") as refusal:
        perform(proposal.submit, by=ada)
    assert refusal.value.lacks[0].url == proposal.staff_url("price_lines-group")


def test_what_is_charged_at_most_becomes_a_contract(ada, ben):
    proposal = a_proposal(ada)
    proposal.price_lines.all().delete()
    line = proposal.add(PriceLine(title="All of it", recurring="once", unit_price=MOST, internal_cost=0), by=ada)
    proposal.change(line, by=ada, evidence=proposal.evidence().first())
    proposal = approve_all(perform(proposal.submit, by=ada), ben)
    proposal = perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)
    proposal = perform(perform(proposal.mark_viewed, by=proposal.recipient).accept, by=proposal.recipient)
    assert Contract.draw_up(proposal, by=ada).payment.amount == MOST


def test_one_that_was_accepted_over_the_limit_is_refused_in_words(ada, ben, as_user, monkeypatch):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    monkeypatch.setattr("proposals.models.contract.MOST", Decimal(100))
    with pytest.raises(Refused, match="No invoice can be over 100.00.*Begin the next revision."):
        Contract.draw_up(proposal, by=ada)
    answer = as_user(ada).post(f"/admin/proposals/proposal/{proposal.pk}/contract/")
    assert answer.status_code == 302
    assert not Contract.objects.exists()
    assert not Proposal.objects.get(pk=proposal.pk).not_revised()
