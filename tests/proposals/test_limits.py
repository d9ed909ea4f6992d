"""What no proposal and no contract may say: more money than is kept anywhere, steps and days in no order."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from opportunities.money import MOST
from opportunities.records import Refused, edit, perform
from portal.templatetags.portal import short_day
from proposals import gates
from proposals.models import BookPrice, Contract, Milestone, PriceLine, Proposal
from tests.makers_proposals import a_contract, a_proposal, approve_all
from tests.proposals.test_composer import Writer

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
    with pytest.raises(Refused, match="No invoice can be over 100, .*Begin the next revision."):
        Contract.draw_up(proposal, by=ada)
    answer = as_user(ada).post(f"/admin/proposals/proposal/{proposal.pk}/contract/")
    assert answer.status_code == 302
    assert not Contract.objects.exists()
    assert not Proposal.objects.get(pk=proposal.pk).not_revised()


# -- Steps. ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def steps(ada):
    """Two steps of one proposal, of which the second waits for the first."""
    proposal = a_proposal(ada)
    first = proposal.milestones.get()
    second = proposal.add(Milestone(title="Launch", start_week=3, weeks=1, depends_on=first), by=ada)
    return first, second


@pytest.mark.parametrize("change", [{"start_week": 1}, {"weeks": 4}])
def test_a_step_that_others_wait_for_does_not_move_past_their_beginning(ada, steps, change):
    first, _ = steps
    with pytest.raises(ValidationError, match="“Launch” waits for this and begins after week 3") as refusal:
        first.proposal.change(first, by=ada, **change)
    assert list(refusal.value.message_dict) == ["weeks"]


def test_both_move_one_after_the_other(ada, steps):
    first, second = steps
    first.proposal.change(second, by=ada, start_week=5)
    first.proposal.change(Milestone.objects.get(pk=first.pk), by=ada, weeks=5)
    assert not gates.steps_follow.lacks(first.proposal)


def test_steps_in_no_order_are_not_submitted(ada, steps):
    first, second = steps
    Milestone.objects.filter(pk=first.pk).update(weeks=9)
    with pytest.raises(Refused, match="Let “Launch” begin after week 9: it waits for “Mend the slowest pages”") as no:
        perform(first.proposal.submit, by=ada)
    assert no.value.lacks[0].url == second.staff_url()


def test_a_step_that_waits_for_itself_is_told_so(ada, steps, as_user):
    first, _ = steps
    writer = Writer(as_user(ada), first.proposal)
    name = f"milestones-{first.pk}"
    answer = writer.save(writer.open(name), depends_on=str(first.pk))
    assert answer.context["open"]["form"].errors == {"depends_on": ["A step cannot wait for itself."]}
    with pytest.raises(ValidationError, match="A step cannot wait for itself."):
        first.proposal.change(first, by=ada, depends_on=first)


# -- Days. -------------------------------------------------------------------------------------------------------------


def test_no_decision_is_asked_for_on_a_day_that_has_passed(ada, ben, as_user):
    proposal, past = a_proposal(ada), timezone.localdate() - timedelta(days=5)
    writer = Writer(as_user(ada), proposal)
    errors = writer.save(writer.open("terms"), decide_on=past).context["open"]["form"].errors
    assert errors == {"decide_on": ["Choose a decision deadline that is still to come, or leave it empty."]}
    edit(proposal, by=ada, decide_on=past)
    with pytest.raises(Refused, match="still to come") as refusal:
        perform(Proposal.objects.get(pk=proposal.pk).submit, by=ada)
    assert refusal.value.lacks[0].url.endswith("#id_decide_on")


def test_an_offer_whose_decision_day_has_passed_while_it_was_reviewed_is_not_sent(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    Proposal.objects.filter(pk=proposal.pk).update(decide_on=timezone.localdate() - timedelta(days=1))
    proposal = Proposal.objects.get(pk=proposal.pk)
    lacks = next(move for move in proposal.moves_for(ada) if move.name == "send").lacks
    assert any("still to come" in str(lack) for lack in lacks)


def test_a_decision_is_asked_for_while_the_offer_is_valid(ada, as_user):
    proposal = a_proposal(ada)
    writer = Writer(as_user(ada), proposal)
    late = proposal.valid_until + timedelta(days=1)
    errors = writer.save(writer.open("terms"), decide_on=late).context["open"]["form"].errors
    assert list(errors) == ["decide_on"]
    assert "The offer is valid until" in errors["decide_on"][0]
    edit(proposal, by=ada, decide_on=late)
    # Its words are written all the same; sent it is not.
    assert writer.save(writer.open("words"), title="Faster").status_code == 302
    with pytest.raises(Refused, match="Ask for the decision while the offer is valid."):
        perform(proposal.submit, by=ada)


def test_a_contract_does_not_begin_in_the_past(ada, ben):
    contract = a_contract(ada, approver=ben)
    for name in ("kickoff_on", "first_report_on"):
        kept = getattr(contract, name)
        setattr(contract, name, date(2019, 1, 7))
        with pytest.raises(ValidationError, match="still to come") as refusal:
            contract.clean()
        assert list(refusal.value.message_dict) == [name]
        setattr(contract, name, kept)
    # What was agreed before stays, though its day has passed by now.
    Contract.objects.filter(pk=contract.pk).update(kickoff_on=date(2019, 1, 7))
    contract.kickoff_on = date(2019, 1, 7)
    contract.clean()


def test_a_day_of_another_year_says_which():
    today = timezone.localdate()
    assert str(today.year) not in short_day(today)
    assert short_day(date(2031, 12, 15)) == "Mon 15 Dec 2031"
