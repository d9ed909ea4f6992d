"""Rules as data: whom an aspect needs and why, in which order, on which condition, and for how long."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Event, Letter, Notice, QuietDate, Task
from opportunities.records import Refused, begin, edit, perform
from proposals import approvals, asking, clock, measures, totals
from proposals.house import furnish
from proposals.models import Approval, ApprovalRule, Delegation, PriceLine, Proposal, Service
from proposals.policies import may_approve
from proposals.working import Calendar
from tests.conftest import person
from tests.makers_proposals import a_contract, a_proposal, a_summary, approve_all, decide
from zarts.desk import queue

pytestmark = pytest.mark.django_db


def a_rule(aspect="pricing", **fields):
    if not fields.keys() & {"permission", "group", "person"}:
        fields["group"] = Group.objects.get(name="Manager")
    rule = ApprovalRule(aspect=aspect, **fields)
    rule.full_clean(exclude=["diary"])
    return begin(rule, by=None)


def again(record):
    return type(record).objects.get(pk=record.pk)


def asked_by(rule, record):
    return record.approvals.filter(rule=rule).order_by("pk")


def priced(proposal, by, **changes):
    return proposal.change(proposal.price_lines.first(), by=by, **changes)


def days(number):
    return timezone.localdate() + timedelta(days=number)


def lend(giver, taker):
    return begin(Delegation(giver=giver, taker=taker, starts_on=days(0), ends_on=days(3)), by=giver)


# -- When a rule asks. -------------------------------------------------------------------------------------------------


def test_every_rule_that_matches_asks_and_says_why(ada, ben):
    proposal = a_proposal(ada, discount=Decimal(18))
    amount = a_rule(min_amount=10_000, below_amount=50_000)
    margin = a_rule(below_margin=100)
    about = a_rule("proposal", service=proposal.service)
    never = [a_rule(min_amount=50_000), a_rule(below_margin=10), a_rule(service=Service.objects.last())]
    proposal = perform(proposal.submit, by=ada)
    first_year = measures.Measured(proposal).said("first_year")
    assert asked_by(amount, proposal).get().why == (f"First year of {first_year} is $10,000 or more and under $50,000.")
    assert "is under 100 %" in asked_by(margin, proposal).get().why
    assert asked_by(about, proposal).get().why == f"It is about {proposal.service}."
    assert not Approval.objects.filter(rule__in=never).exists()


def test_a_manager_is_asked_from_a_discount_of_15_percent_on_when_the_usual_one_said_yes(ada, ben, fay):
    proposal = a_proposal(ada)
    priced(proposal, ada, discount=Decimal("14.99"))
    assert a_proposal(ada, stage="in_review").approvals.filter(aspect="pricing").count() == 1
    priced(proposal, ada, discount=Decimal(15))
    proposal = perform(proposal.submit, by=ada)
    usual = proposal.approvals.get(aspect="pricing")
    decide(usual, by=ben)
    second = proposal.approvals.get(aspect="pricing", stage="pending")
    assert (second.step, second.why) == (2, "Discount of 15 % is 15 % or more.")
    assert (second.asked_by, second.group.name) == (ada, "Manager")
    proposal = approve_all(proposal, fay)
    assert proposal.stage == "approved"


def approve_first(record, approver):
    """Have given what the first step asks. Return the record."""
    for approval in record.approvals.filter(stage="pending").order_by("pk"):
        decide(approval, by=approver)
    return type(record).objects.get(pk=record.pk)


def test_a_sensitive_claim_asks_a_manager_and_is_named(ada, ben):
    proposal = a_proposal(ada)
    proposal.change(proposal.claims.get(), by=ada, sensitivity="high")
    proposal = approve_first(perform(proposal.submit, by=ada), ben)
    assert proposal.stage == "in_review"
    assert proposal.approvals.get(stage="pending").why.startswith("Sensitive claim: “Your largest page")


def test_an_edited_clause_asks_a_manager_and_is_named_and_a_standard_one_does_not(ada, ben, fay):
    contract = a_contract(ada, approver=ben)
    clause = contract.contract_clauses.first()
    clause.text = "We do what we like."
    clause.save()
    contract = approve_first(perform(contract.submit, by=ada), ben)
    assert contract.approvals.get(stage="pending").why == f"Edited clause: “{clause}”."


def test_a_rule_that_is_taken_out_of_use_asks_no_more(ada, ben):
    rule = a_rule()
    edit(rule, by=ben, is_used=False)
    assert not asked_by(rule, a_proposal(ada, stage="in_review")).exists()


def test_without_any_rule_somebody_is_asked_all_the_same(ada, ben):
    summary = a_summary(ada, stage="in_review")
    asked = summary.approvals.get()
    assert (asked.rule, asked.owner, asked.permission) == (None, ben, "proposals.approve_summary")
    assert asked.why == "No rule names who approves this: somebody who may is asked."


def test_a_rule_that_is_written_later_asks_of_what_changes_later_and_takes_nothing_back(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    rule = a_rule()
    edit(proposal, by=ada, next_action="Call them first")
    proposal.refresh_from_db()
    assert proposal.stage == "approved"
    priced(proposal, ada, unit_price=3100)
    assert asked_by(rule, proposal).get().stage == "pending"


def test_a_higher_price_asks_more_of_another_aspect_without_taking_back_what_it_has(ada, ben):
    proposal = a_proposal(ada)
    rule = a_rule("claims", min_amount=50_000)
    proposal = approve_all(perform(proposal.submit, by=ada), ben)
    priced(proposal, ada, unit_price=60_000)
    claims = proposal.approvals.filter(aspect="claims").order_by("pk")
    assert [(row.rule_id == rule.pk, row.stage) for row in claims] == [(False, "approved"), (True, "pending")]


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"permission": "proposals.approve_pricing", "everybody": True}, "everybody"),
        ({"aspect": "summary", "min_amount": 5}, "min_amount"),
        ({"edited_clause": True}, "edited_clause"),
        ({"permission": "proposals.no_such_right"}, "permission"),
        ({"group": None}, "permission"),
        ({"min_amount": 10, "below_amount": 10}, "below_amount"),
        ({"min_discount": 120}, "min_discount"),
        ({"hours": 0}, "hours"),
        ({"step": 0}, "step"),
    ],
)
def test_a_rule_that_would_ask_nobody_or_never_is_refused_at_its_place(db, fields, at):
    with pytest.raises(ValidationError) as refused:
        a_rule(**fields)
    assert at in refused.value.message_dict


def test_the_database_refuses_a_rule_that_asks_nobody(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        begin(ApprovalRule(aspect="pricing"), by=None)


def test_a_rule_says_in_a_sentence_what_it_asks(ben):
    rule = a_rule(min_amount=20_000, min_discount=15, escalates_to=ben, step=2, everybody=True)
    assert rule.sentence == (
        "Pricing, when the first year is $20,000 or more and the discount is 15 % or more, needs everybody of Manager "
        "as step 2, within 16 working hours, then goes on to Ben; it holds for 60 days."
    )


# -- Whom it asks. -----------------------------------------------------------------------------------------------------


def test_the_next_step_is_asked_when_all_of_the_one_before_is_given(ada, ben, fay):
    first, beside, second = a_rule(), a_rule(person=fay), a_rule(step=2)
    proposal = a_proposal(ada)
    ApprovalRule.objects.exclude(pk__in=[first.pk, beside.pk, second.pk]).update(is_used=False)
    proposal = perform(proposal.submit, by=ada)
    decide(asked_by(first, proposal).get(), by=ben)
    assert not asked_by(second, proposal).exists()
    decide(asked_by(beside, proposal).get(), by=fay)
    assert asked_by(second, proposal).get().stage == "pending"


def test_one_of_a_group_is_enough_and_nobody_outside_of_it_may(ada, ben, dora):
    dora = edit(dora, by=None, reach_of="team")
    proposal = a_proposal(ada)
    rule = a_rule(group=Group.objects.get(name="Delivery"))
    asked = asked_by(rule, perform(proposal.submit, by=ada)).get()
    with pytest.raises(PermissionDenied):
        decide(asked, by=ben)
    assert decide(asked, by=dora).stage == "approved"


def test_everybody_of_a_group_is_asked_for_themselves_but_whoever_wrote_it(ada, ben, fay):
    proposal = a_proposal(ben)
    gil = person("gil", "Manager", team="East", sees="team")
    rule = a_rule(everybody=True)
    proposal = perform(proposal.submit, by=ben)
    asked = {row.person: row for row in asked_by(rule, proposal)}
    assert asked.keys() == {fay, gil}
    with pytest.raises(PermissionDenied):
        decide(asked[fay], by=gil)
    decide(asked[fay], by=fay)
    assert asked_by(rule, proposal).filter(stage="pending").get().owner == gil


def test_whoever_stands_in_for_a_colleague_does_not_count_twice(ada, ben, fay):
    proposal = a_proposal(ada)
    rule = a_rule(everybody=True)
    proposal = perform(proposal.submit, by=ada)
    lend(ben, fay)
    decide(asked_by(rule, proposal).get(person=fay), by=fay)
    with pytest.raises(PermissionDenied):
        decide(asked_by(rule, proposal).get(person=ben), by=fay)


def everybody_asked(ada, ben):
    """A proposal of which everybody of a group, Ben and Fay, is asked the pricing; Ben has said yes."""
    rule = a_rule(everybody=True, hours=1)
    proposal = a_proposal(ada, stage="in_review")
    decide(asked_by(rule, proposal).get(person=ben), by=ben)
    return rule, proposal


def overdue(approval):
    """The deadline of a question passes."""
    Approval.objects.filter(pk=approval.pk).update(due=timezone.now() - timedelta(hours=1))
    clock.move_on()
    return Approval.objects.get(pk=approval.pk)


def test_what_everybody_is_asked_does_not_wait_for_somebody_who_left(ada, ben, fay):
    rule, proposal = everybody_asked(ada, ben)
    edit(fay, by=None, is_active=False)
    assert asked_by(rule, proposal).get(person=fay).stage == "lapsed"
    assert approve_all(proposal, ben).stage == "approved"


def test_what_everybody_is_asked_waits_for_another_when_all_of_them_left(ada, ben, fay, eve):
    proposal = a_proposal(ada)
    rule = a_rule(group=Group.objects.get(name="Administrator"), everybody=True)
    asked = asked_by(rule, perform(proposal.submit, by=ada)).get()
    edit(eve, by=None, is_active=False)
    assert Approval.objects.get(pk=asked.pk).stage == "lapsed"
    anew = asked_by(rule, proposal).get(stage="pending")
    assert (anew.permission, anew.owner in (ben, fay)) == ("proposals.approve_pricing", True)


def test_what_everybody_is_asked_does_not_wait_for_somebody_who_has_written_in_it(ada, ben, fay):
    rule, proposal = everybody_asked(ada, ben)
    proposal.change(proposal.scope_items.first(), by=fay, text="We mend the nine slowest pages.")
    assert asked_by(rule, proposal).get(person=fay).stage == "lapsed"
    assert approve_all(proposal, ben).stage == "approved"


def test_nobody_answers_for_a_colleague_where_everybody_is_asked_and_they_have_answered(ada, ben, fay):
    rule, proposal = everybody_asked(ada, ben)
    asked = overdue(asked_by(rule, proposal).get(person=fay))
    assert (asked.owner, asking.who_could_take(asked), asked.nobody_because) == (fay, [], "")
    with pytest.raises(Refused, match="cannot decide on this"):
        perform(asked.reassign, by=ben, to=ben, reason="She is away.")
    decide(asked, by=fay)


def test_nobody_takes_a_second_question_where_everybody_is_asked_before_they_answered_their_own(ada, ben, fay):
    rule = a_rule(everybody=True)
    proposal = a_proposal(ada, stage="in_review")
    asked = asked_by(rule, proposal).get(person=fay)
    with pytest.raises(Refused, match="cannot decide on this"):
        perform(asked.reassign, by=ben, to=ben, reason="She is away.")


def test_somebody_who_was_not_asked_takes_the_question_of_a_late_colleague(ada, ben, fay):
    rule, proposal = everybody_asked(ada, ben)
    gil = person("gil", "Manager", team="East", sees="team")
    asked = overdue(asked_by(rule, proposal).get(person=fay))
    assert asked.owner == gil
    assert decide(asked, by=gil).stage == "approved"


def test_where_everybody_is_asked_and_nobody_can_answer_the_question_says_so(ada, ben, fay):
    rule, proposal = everybody_asked(ada, ben)
    asked = asked_by(rule, proposal).get(person=fay)
    Approval.objects.filter(pk=asked.pk).update(owner=ben)
    asked.refresh_from_db()
    assert "answered it for themselves already" in asked.nobody_because
    assert overdue(asked).owner == fay


def test_a_person_who_is_named_answers_alone_whatever_rights_others_have(ada, ben, fay):
    proposal = a_proposal(ada)
    asked = asked_by(a_rule(person=fay), perform(proposal.submit, by=ada)).get()
    with pytest.raises(PermissionDenied):
        decide(asked, by=ben)
    assert decide(asked, by=fay).decided_by == fay


@pytest.mark.parametrize("why_not", ["they wrote it", "they left", "they cannot reach it"])
def test_somebody_else_is_asked_instead_of_a_person_who_cannot_answer(ada, ben, fay, cem, why_not):
    named = cem if why_not == "they cannot reach it" else fay
    proposal = a_proposal(ada)
    rule = a_rule(person=named)
    if why_not == "they wrote it":
        priced(proposal, fay, unit_price=2900)
    if why_not == "they left":
        edit(fay, by=None, is_active=False)
    asked = asked_by(rule, perform(proposal.submit, by=ada)).get()
    assert asked.owner == ben
    assert f"{named} cannot decide on it" in asked.why
    assert decide(asked, by=ben).stage == "approved"


# -- What nobody has chosen yet. ---------------------------------------------------------------------------------------


def firm_lines(proposal):
    return proposal.price_lines.filter(optional=False)


def an_option(proposal, by, **fields):
    fields = {"recurring": "monthly", "internal_cost": 0, "optional": True} | fields
    proof = proposal.price_lines.exclude(evidence=None).first().evidence
    return proposal.add(PriceLine(title="Everything else", **fields), by=by, evidence=[proof])


def test_a_first_year_that_must_stay_over_a_number_counts_no_option_that_nobody_chose(ada, ben):
    proposal = a_proposal(ada)
    an_option(proposal, ada, unit_price=9000)
    proposal = perform(proposal.submit, by=ada)
    pricing = proposal.approvals.get(aspect="pricing")
    with pytest.raises(Refused, match="firm, up to"):
        decide(pricing, "approve_on", by=ben, condition={"measure": "first_year", "number": "27000"})
    decide(pricing, "approve_on", by=ben, condition={"measure": "first_year", "number": "13000"})
    proposal = approve_all(proposal, ben)
    for line in firm_lines(proposal):
        proposal.change(line, by=ada, unit_price=Decimal("0.01"))
    proposal.refresh_from_db()
    assert proposal.stage == "in_review"


def test_a_margin_rule_asks_by_the_worst_choice_of_options(ada, ben):
    """An option that costs us nothing hides no loss of the firm lines, and a cheap firm line hides no dear option."""
    rule = a_rule(below_margin=30)
    loss = a_proposal(ada)
    for line in firm_lines(loss):
        loss.change(line, by=ada, internal_cost=line.unit_price)
    an_option(loss, ada, unit_price=9000)
    assert "Margin of 0 % is under 30 %" in asked_by(rule, perform(loss.submit, by=ada)).get().why
    dear = a_proposal(ada)
    an_option(dear, ada, unit_price=9000, internal_cost=8900)
    why = asked_by(rule, perform(dear.submit, by=ada)).get().why
    assert re.fullmatch(r"Margin of [\d.]+ % firm, down to [\d.]+ % with options is under 30 %\.", why)
    assert not asked_by(rule, a_proposal(ada, stage="in_review")).exists()


def test_an_amount_asks_from_the_largest_choice_on_and_under_the_smallest(ada, ben):
    from_20, under_20 = a_rule(min_amount=20_000), a_rule(min_amount=1, below_amount=20_000)
    proposal = a_proposal(ada)
    an_option(proposal, ada, unit_price=1000)
    proposal = perform(proposal.submit, by=ada)
    said = "First year of $13,800 firm, up to $27,600 with every option is"
    assert asked_by(from_20, proposal).get().why == f"{said} $20,000 or more."
    assert asked_by(under_20, proposal).get().why == f"{said} $1 or more and under $20,000."


def test_who_decides_reads_the_firm_value_and_that_with_every_option(ada, ben, as_user):
    asked = a_proposal(ada, stage="in_review").approvals.get(aspect="pricing")
    worth = "$13,800 firm, up to $15,600 with every option"
    assert asked.worth == worth
    assert worth in Notice.objects.filter(user=ben, url=asked.staff_url()).first().words
    assert worth in as_user(ben).get(reverse("approval", args=[asked.pk])).content.decode()


def priced_at(ada, paid, cost):
    """A proposal with one price, so that its margin is what is left of that."""
    proposal = a_proposal(ada)
    for line in proposal.price_lines.exclude(title="Mending"):
        proposal.remove(line, by=ada)
    priced(proposal, ada, unit_price=Decimal(paid), internal_cost=Decimal(cost))
    return again(proposal)


def test_a_margin_just_under_a_number_is_under_it_and_reads_so(ada, ben):
    rule = a_rule(below_margin=30)
    proposal = perform(priced_at(ada, 10_000, 7_004).submit, by=ada)
    asked = asked_by(rule, proposal).get()
    assert asked.why == "Margin of 29.96 % is under 30 %."
    with pytest.raises(Refused, match="It is 29.96 % now"):
        decide(asked, "approve_on", by=ben, condition={"measure": "margin", "number": "30"})
    assert not asked_by(rule, perform(priced_at(ada, 10_000, 7_000).submit, by=ada)).exists()


def test_a_margin_is_never_said_to_be_more_than_it_is(ada):
    measured = measures.Measured(priced_at(ada, 100_000, 70_001))
    assert measured.said("margin") == "29.99 %"
    assert not measures.is_kept(measures.condition("margin", 30), measured)


def test_two_discounts_that_come_to_a_little_more_than_a_number_are_more(ada):
    proposal = a_proposal(ada, discount=Decimal("5.01"))
    priced(proposal, ada, discount=Decimal("5.26"))
    measured = measures.Measured(again(proposal))
    assert measured.discount.firm == Decimal("10.006474")
    assert not measures.is_kept(measures.condition("discount", "10.00"), measured)
    assert measures.is_kept(measures.condition("discount", "10.01"), measured)


@pytest.mark.parametrize(
    ("firm", "options", "least"),
    [
        ([(100, 50)], [], "50.0"),
        ([(100, 50)], [(100, 0)], "50.0"),
        ([(100, 50)], [(100, 100)], "25.0"),
        ([(100, 50)], [(100, 100), (100, 60), (1000, 0)], "25.0"),
        ([(100, 50)], [(0, 30)], "20.0"),
        ([(100, 50)], [(100, None)], None),
        ([], [(100, 10), (100, 90)], "10.0"),
        ([(0, 5)], [(100, 0)], None),
        ([(0, 0)], [(100, 40)], "60.0"),
        ([], [], None),
    ],
)
def test_the_worst_margin_is_that_of_the_worst_choice(firm, options, least):
    firm, options = (
        [PriceLine(recurring="once", unit_price=paid, internal_cost=cost and Decimal(cost)) for paid, cost in lines]
        for lines in (firm, options)
    )
    assert totals.worst_margin(firm, options) == (least and Decimal(least))


# -- On a condition. ---------------------------------------------------------------------------------------------------


def approved_on(ada, ben, measure, number):
    """A proposal that is approved, its pricing on a condition."""
    proposal = a_proposal(ada, stage="in_review")
    pricing = proposal.approvals.get(aspect="pricing")
    perform(pricing.approve_on, by=ben, condition={"measure": measure, "number": number}, digest=pricing.digest)
    return approve_all(proposal, ben)


@pytest.mark.parametrize(
    ("measure", "number", "changes"),
    [
        ("discount", "10", {"discount": 10}),
        ("first_year", "1000", {"unit_price": 2000, "quantity": 2, "discount": 5}),
        ("margin", "40", {"internal_cost": 1100, "unit_price": 2900}),
    ],
)
def test_a_change_within_the_condition_keeps_the_approval_and_an_event_says_so(ada, ben, measure, number, changes):
    proposal = approved_on(ada, ben, measure, number)
    priced(proposal, ada, **changes)
    proposal.refresh_from_db()
    given = proposal.approvals.get(aspect="pricing")
    assert (proposal.stage, given.stage) == ("approved", "approved")
    assert given.holds_for == approvals.digest("pricing", proposal) != given.digest
    told = Event.objects.filter(record_type="proposals.approval", record_id=given.pk).first()
    assert "keeps within its condition" in told.reason
    assert told.actor_kind == "system"
    perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)


@pytest.mark.parametrize(
    ("measure", "number", "changes"),
    [
        ("discount", "10", {"discount": Decimal("10.01")}),
        ("discount", "10", {"unit_price": 2999}),
        ("discount", "10", {"discount": 5, "title": "Mending more"}),
        ("first_year", "13000", {"unit_price": 1}),
        ("first_year", "1000", {"tax": 5}),
        ("first_year", "1000", {"internal_cost": 1}),
        ("first_year", "1000", {"recurring": "monthly"}),
        ("first_year", "1000", {"optional": True}),
        ("margin", "90", {"internal_cost": 2999}),
        ("margin", "40", {"internal_cost": None}),
        ("margin", "40", {"pricing_assumption": "Three people."}),
    ],
)
def test_a_change_past_the_condition_or_of_anything_else_lapses_it(ada, ben, measure, number, changes):
    proposal = approved_on(ada, ben, measure, number)
    priced(proposal, ada, **changes)
    proposal.refresh_from_db()
    stages = proposal.approvals.filter(aspect="pricing").order_by("pk").values_list("stage", flat=True)
    assert (proposal.stage, list(stages)) == ("in_review", ["lapsed", "pending"])


def test_another_line_or_other_proof_lapses_what_was_given_on_a_condition(ada, ben):
    proposal = approved_on(ada, ben, "discount", "10")
    proposal.remove(proposal.price_lines.last(), by=ada)
    assert proposal.approvals.filter(aspect="pricing", stage="lapsed").exists()


@pytest.mark.parametrize(("writer", "carried"), [("ada", True), ("ben", False)])
def test_nobody_carries_their_own_approval_to_words_that_they_wrote(ada, ben, fay, writer, carried):
    proposal = approved_on(ada, ben, "first_year", "1000")
    priced(proposal, {"ada": ada, "ben": ben}[writer], unit_price=300_000)
    proposal.refresh_from_db()
    stands = proposal.approvals.filter(aspect="pricing", stage="approved", decided_by=ben).exists()
    assert (stands, proposal.stage) == (carried, "approved" if carried else "in_review")
    if not carried:
        asked = proposal.approvals.get(aspect="pricing", stage="pending")
        assert asked.owner == fay
        with pytest.raises(PermissionDenied):
            decide(asked, by=ben)


def test_nobody_carries_their_own_approval_to_what_a_colleague_changes_once_they_wrote_in_it(ada, ben, fay):
    proposal = approved_on(ada, ben, "first_year", "1000")
    proposal.change(proposal.scope_items.first(), by=ben, text="We mend the nine slowest pages.")
    priced(proposal, ada, unit_price=2900)
    assert proposal.approvals.get(aspect="pricing", stage="pending").owner == fay


def test_small_steps_within_the_condition_do_not_carry_it_past_what_was_read(ada, ben):
    proposal = approved_on(ada, ben, "discount", "10")
    for discount in (4, 8, 10):
        edit(proposal, by=ada, discount=Decimal(discount))
    given = proposal.approvals.get(aspect="pricing", stage="approved")
    assert given.holds_for == approvals.digest("pricing", proposal.__class__.objects.get())
    edit(proposal, by=ada, discount=Decimal(11))
    assert proposal.approvals.filter(aspect="pricing", stage="approved").count() == 0


def test_a_change_of_the_whole_discount_within_a_condition_asks_whoever_else_a_rule_needs(ada, ben, fay):
    proposal = approved_on(ada, ben, "discount", "20")
    edit(proposal, by=ada, discount=Decimal(16))
    proposal.refresh_from_db()
    stages = proposal.approvals.filter(aspect="pricing").order_by("pk").values_list("stage", flat=True)
    assert (proposal.stage, list(stages)) == ("in_review", ["approved", "pending"])


def test_a_condition_that_is_not_kept_now_is_refused_in_words(ada, ben):
    pricing = a_proposal(ada, stage="in_review").approvals.get(aspect="pricing")
    with pytest.raises(Refused, match="which is not “the margin stays at or over 99 %”"):
        decide(pricing, "approve_on", by=ben, condition={"measure": "margin", "number": "99"})


def test_only_the_pricing_hangs_on_a_number(ada, ben):
    claims = a_proposal(ada, stage="in_review").approvals.get(aspect="claims")
    with pytest.raises(Refused, match="Only the pricing"):
        decide(claims, "approve_on", by=ben, condition={"measure": "discount", "number": "10"})


def test_the_author_does_not_approve_on_a_condition_either(ada, ben):
    pricing = a_proposal(ben, stage="in_review").approvals.get(aspect="pricing")
    with pytest.raises(PermissionDenied):
        decide(pricing, "approve_on", by=ben, condition={"measure": "discount", "number": "10"})


def test_the_database_lets_no_condition_come_afterwards_and_binds_nothing_without_one(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    given = proposal.approvals.filter(aspect="pricing")
    with pytest.raises(DatabaseError), transaction.atomic():
        given.update(condition=measures.condition("discount", 90))
    with pytest.raises(DatabaseError), transaction.atomic():
        given.update(bound="0" * 64)


def refused_by_the_database(do, *words):
    with pytest.raises(DatabaseError, match="|".join(words)), transaction.atomic():
        do()


def carry_on(given, said):
    with connection.cursor() as cursor:
        cursor.execute("select zarts_carry_on(%s, %s)", [given.pk, approvals.printed(given.aspect, said)])


@pytest.mark.parametrize(("measure", "number"), [("discount", "10"), ("first_year", "13000"), ("margin", "90")])
def test_the_database_carries_an_approval_on_only_within_its_condition(ada, ben, measure, number):
    proposal = approved_on(ada, ben, measure, number)
    given = proposal.approvals.get(aspect="pricing")
    past = {
        "discount": {"discount": "10.01"},
        "first_year": {"unit_price": "1.00"},
        "margin": {"internal_cost": "2900.00"},
    }
    for change in (past[measure], {"title": "Mending more"}, {"tax": "5.00"}):
        said = approvals.content("pricing", proposal)
        said["prices"][0] |= change
        refused_by_the_database(lambda said=said: carry_on(given, said), "It does not stand for this")
    carry_on(given, approvals.content("pricing", proposal))
    Proposal.objects.filter(pk=proposal.pk).update(editors=[ben.pk])
    refused_by_the_database(
        lambda: carry_on(given, approvals.content("pricing", proposal)), "It does not stand for this"
    )


def test_the_database_lets_nobody_write_what_an_approval_stands_for(ada, ben):
    proposal = approved_on(ada, ben, "discount", "10")
    given = proposal.approvals.filter(aspect="pricing")
    for bound in ("0" * 64, given.get().digest):
        refused_by_the_database(lambda bound=bound: given.update(bound=bound), "by its condition alone")
    sent = perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)
    said = approvals.content("pricing", sent)
    refused_by_the_database(lambda: carry_on(given.get(), said), "It does not stand for this")


def test_the_database_agrees_on_the_worst_choice_of_options(ada, ben):
    """What a page lets pass within a condition on the margin, the database does, to the cent."""
    proposal = a_proposal(ada)
    an_option(proposal, ada, unit_price=900, internal_cost=850)
    proposal = perform(proposal.submit, by=ada)
    pricing = proposal.approvals.get(aspect="pricing")
    least = measures.Measured(proposal).margin.least
    number = f"{least.quantize(Decimal('0.01'), 'ROUND_FLOOR') - 1}"
    decide(pricing, "approve_on", by=ben, condition={"measure": "margin", "number": number})
    line = proposal.price_lines.get(title="Everything else")
    proposal.change(line, by=ada, internal_cost=Decimal("851"))
    assert proposal.approvals.get(aspect="pricing").holds_for == approvals.digest("pricing", again(proposal))
    proposal.change(line, by=ada, internal_cost=Decimal("900"))
    assert proposal.approvals.filter(aspect="pricing", stage="lapsed").exists()


def test_the_database_keeps_who_wrote_something_and_what_it_was_sold_as(ada, ben):
    for record in (a_proposal(ada), a_summary(ada), a_contract(ada, approver=ben)):
        rows = type(record).objects.filter(pk=record.pk)
        before = again(record).editors
        rows.update(editors=[*before, 77])
        refused_by_the_database(lambda rows=rows: rows.update(editors=[]), "stay those who did")
    sent = Proposal.objects.filter(pk=a_proposal(ada, approver=ben, stage="sent").pk)
    other = Service.objects.exclude(pk=sent.get().service_id).first()
    refused_by_the_database(lambda: sent.update(editors=[ben.pk]), "stay those who did")
    refused_by_the_database(lambda: sent.update(service=other), "does not change any more")


def test_a_condition_is_given_on_the_page_and_a_bad_one_gets_a_sentence_at_its_place(as_user, ada, ben):
    pricing = a_proposal(ada, stage="in_review").approvals.get(aspect="pricing")
    browser, said = as_user(ben), {"move": "approve_on", "digest": pricing.digest, "measure": "discount"}
    for number, words in [("", "Type the number"), ("120", "at most 100 percent"), ("NaN", "number"), ("x", "number")]:
        page = browser.post(reverse("approval", args=[pricing.pk]), said | {"number": number})
        assert page.status_code == 200
        assert words in page.content.decode()
    browser.post(reverse("approval", args=[pricing.pk]), said | {"number": "10"})
    pricing.refresh_from_db()
    assert (pricing.stage, pricing.on_condition) == ("approved", "the discount stays at or under 10 %")


# -- Whose it becomes. -------------------------------------------------------------------------------------------------


def test_whoever_stands_in_reads_why_they_are_asked_and_for_whom(as_user, ada, ben):
    gus = person("gus", "Manager", team="East", sees="team")
    lend(ben, gus)
    rule = a_rule(person=ben)
    asked = a_proposal(ada, stage="in_review").approvals.get(rule=rule)
    assert approvals.why_asked(asked, ben) == "Pricing always needs a second person."
    assert "You stand in for Ben until" in approvals.why_asked(asked, gus)
    assert "You stand in for Ben until" in as_user(gus).get(reverse("approval", args=[asked.pk])).content.decode()
    assert Notice.objects.filter(user=gus, words__contains="You stand in for Ben").count() == 1


def test_a_question_goes_only_to_somebody_who_could_have_been_asked(ada, ben, fay, dora):
    asked = a_proposal(ada, stage="in_review").approvals.first()
    with pytest.raises(Refused, match="cannot decide on this"):
        perform(asked.reassign, by=ben, to=dora, reason="She has time.")
    with pytest.raises(Refused, match="cannot decide on this"):
        perform(asked.reassign, by=ben, to=ada, reason="She knows it best.")
    with pytest.raises(PermissionDenied):
        perform(asked.reassign, by=ada, to=fay, reason="He is slow.")
    moved = perform(asked.reassign, by=ben, to=fay, reason="I am away.")
    assert (moved.owner, moved.stage) == (fay, "pending")
    assert Task.objects.about(asked).open().get().owner == fay
    assert Notice.objects.filter(user=fay, words__startswith="Ben gave you to decide: the").exists()


@pytest.mark.parametrize("how", ["late", "left", "given"])
def test_whoever_has_a_question_next_is_mailed_client_value_why_and_what_changed(ada, ben, fay, how):
    proposal = a_proposal(ada)
    perform(proposal.submit, by=ada)
    asked = proposal.approvals.get(aspect="pricing")
    edit(asked, by=None, owner=fay)
    decide(asked, by=fay)
    priced(proposal, ada, unit_price=2900)
    asked = proposal.approvals.get(aspect="pricing", stage="pending")
    Approval.objects.filter(pk=asked.pk).update(owner=ben, due=timezone.now() - timedelta(hours=1))
    if how == "late":
        clock.move_on()
    elif how == "left":
        edit(ben, by=None, is_active=False)
    else:
        perform(asked.reassign, by=ben, to=fay, reason="I am away.")
    letter = Letter.objects.filter(user=fay).latest("pk")
    client = str(proposal.opportunity.client)
    assert all(part in letter.subject for part in (client, "$13,"))
    said = (client, "$13,", "Pricing always needs a second person.", "Since you approved it:", asked.staff_url())
    assert [part for part in said if part not in " ".join(letter.body.split())] == []


def test_a_question_by_name_is_its_new_owners_alone(ada, ben, fay):
    gil = person("gil", "Manager", team="East", sees="team")
    proposal = a_proposal(ada)
    asked = asked_by(a_rule(person=fay), perform(proposal.submit, by=ada)).get()
    asked = perform(asked.reassign, by=ben, to=gil, reason="Fay is away.")
    assert [may_approve(asked, user) for user in (fay, ben, gil)] == [False, False, True]
    decide(asked, by=gil)
    assert asked_by(asked.rule, proposal).count() == 1


def test_a_reassignment_is_made_on_its_page_with_a_reason(as_user, ada, ben, fay):
    asked = a_proposal(ada, stage="in_review").approvals.first()
    address = asked.move_url("reassign")
    browser = as_user(ben)
    assert "Fay" in browser.get(address).content.decode()
    assert "Say why" in browser.post(address, {"to": fay.pk, "reason": ""}).content.decode()
    browser.post(address, {"to": fay.pk, "reason": "I am away."})
    asked.refresh_from_db()
    assert asked.owner == fay


def test_the_questions_of_whoever_leaves_go_on_at_once_with_their_tasks(ada, ben, fay):
    proposal = a_proposal(ada, stage="in_review")
    edit(ben, by=None, is_active=False)
    assert {row.owner for row in proposal.approvals.all()} == {fay}
    assert not Task.objects.filter(owner=ben).open().exists()


def test_the_last_approver_leaves_and_the_owner_of_the_deal_sees_to_it(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    edit(ben, by=None, is_active=False)
    assert {row.owner for row in proposal.approvals.all()} == {ada}
    with pytest.raises(PermissionDenied):
        decide(proposal.approvals.first(), by=ada)


# -- The clock. --------------------------------------------------------------------------------------------------------


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23 10:00", 4, "2026-11-23 14:00"),
        ("2026-11-23 15:00", 4, "2026-11-24 11:00"),
        ("2026-11-27 16:00", 2, "2026-11-30 10:00"),
        ("2026-11-28 12:00", 8, "2026-11-30 17:00"),
        ("2026-11-23 03:00", 1, "2026-11-23 10:00"),
        ("2026-12-24 16:00", 2, "2026-12-28 10:00"),
    ],
)
def test_hours_run_in_working_time_only(db, settings, start, hours, end):
    settings.AGENCY_COUNTRY = "DE"
    calendar = Calendar()
    assert calendar.after(at(start), hours) == at(end)
    assert calendar.hours_between(at(start), at(end)) == pytest.approx(hours)


def test_hours_do_not_run_on_quiet_dates_of_everybody(db):
    begin(QuietDate(first_on="2026-11-24", last_on="2026-11-25", words="We move house"), by=None)
    assert Calendar().after(at("2026-11-23 16:00"), 2) == at("2026-11-26 10:00")


def late(approval, **fields):
    """Let time pass for a question, as nobody can by a page."""
    Approval.objects.filter(pk=approval.pk).update(**fields)
    approval.refresh_from_db()
    return approval


def test_the_clock_reminds_once_of_what_waits(ada, ben):
    asked = a_proposal(ada, stage="in_review").approvals.get(aspect="pricing")
    assert asked.asked_at < asked.remind_at < asked.due
    assert clock.remind() == 0
    late(asked, remind_at=timezone.now() - timedelta(minutes=1))
    assert (clock.remind(), clock.remind()) == (1, 0)
    told = Notice.objects.filter(user=ben, words__startswith="Still to decide").get()
    assert str(asked.opportunity.client) in told.words
    assert told.url == asked.staff_url()


def test_a_late_question_goes_once_to_whom_its_rule_names_and_then_to_whoever_may(ada, ben, fay):
    eli = person("eli", "Growth ops", team="East", sees="team")
    proposal = a_proposal(ada)
    asked = asked_by(a_rule(escalates_to=eli), perform(proposal.submit, by=ada)).get()
    first = asked.owner
    late(asked, due=timezone.now() - timedelta(minutes=1))
    assert (clock.move_on(), clock.move_on()) == (1, 0)
    asked.refresh_from_db()
    assert (asked.owner, may_approve(asked, eli)) == (eli, True)
    assert Notice.objects.filter(kind="escalation", user=first).count() == 1
    late(asked, due=timezone.now() - timedelta(minutes=1))
    clock.move_on()
    asked.refresh_from_db()
    assert asked.owner in (ben, fay)
    assert not may_approve(asked, eli)


def test_it_never_escalates_to_whoever_wrote_it(ada, ben, fay):
    proposal = a_proposal(ada)
    asked = asked_by(a_rule(escalates_to=ada), perform(proposal.submit, by=ada)).get()
    late(asked, due=timezone.now() - timedelta(minutes=1))
    clock.move_on()
    asked.refresh_from_db()
    assert asked.owner in (ben, fay)


def test_what_was_given_runs_out_lapses_and_is_asked_again(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    given = proposal.approvals.get(aspect="pricing")
    assert given.expires_at - given.decided_at == timedelta(days=60)
    late(given, expires_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(Refused, match="given too long ago"):
        perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)
    assert (clock.run_out(), clock.run_out()) == (1, 0)
    proposal.refresh_from_db()
    assert proposal.stage == "in_review"
    assert [row.aspect for row in proposal.approvals.filter(stage="pending")] == ["pricing"]


def test_what_was_sent_does_not_run_out(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    for given in proposal.approvals.all():
        late(given, expires_at=timezone.now() - timedelta(minutes=1))
    clock.run_out()
    assert set(proposal.approvals.values_list("stage", "expires_at")) == {("approved", None)}
    assert clock.run_out() == 0


def test_where_nothing_is_due_the_clock_asks_one_question_for_each_thing_that_it_does(
    ada, ben, django_assert_max_num_queries
):
    a_proposal(ada, stage="in_review")
    with django_assert_max_num_queries(10):
        assert len(clock.run()) == 10


# -- What is told. -----------------------------------------------------------------------------------------------------


def test_the_mail_names_the_client_the_value_why_and_what_changed_since_they_approved_it(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    priced(proposal, ada, unit_price=3100)
    asked = proposal.approvals.get(stage="pending")
    told = Notice.objects.filter(user=ben).latest("pk")
    value = measures.Measured(asked.subject).said("first_year")
    for words in (
        str(proposal.opportunity.client),
        value,
        "always needs a second person",
        "Since you approved it",
        "$3,100.00",
    ):
        assert words in told.words
    letter = Letter.objects.filter(user=ben).latest("pk")
    assert told.words.rstrip("…") in letter.body
    assert asked.staff_url() in letter.body
    assert "/move/" not in letter.body


# -- The queue and the pace. -------------------------------------------------------------------------------------------


def test_the_queue_says_in_sql_what_the_policy_says_of_each(ada, ben, fay, cem, dora, eve, ann):
    gus = person("gus", "Growth ops", team="East", sees="team")
    eli = person("eli", "Growth ops", team="East", sees="team")
    mia = person("mia", "Manager", team="West", sees="team")
    everybody = [ada, ben, fay, cem, dora, eve, ann, gus, eli, mia]
    lend(ben, gus), lend(fay, ben), lend(mia, ann), lend(cem, mia), lend(ada, eli), lend(ben, mia), lend(gus, fay)
    first = a_proposal(ada)
    a_rule(everybody=True), a_rule("claims", person=fay), a_rule("proposal", group=Group.objects.get(name="Delivery"))
    a_rule("claims", person=gus, escalates_to=eli)
    first = perform(first.submit, by=ada)
    others = [a_proposal(ben), a_proposal(cem), a_proposal(gus)]
    others[2].change(others[2].price_lines.first(), by=fay, unit_price=1000)
    for proposal in others:
        perform(proposal.submit, by=proposal.author)
    perform(a_summary(mia).submit, by=mia)
    decide(first.approvals.get(person=fay, aspect="pricing"), by=fay)
    for asked in Approval.objects.filter(rule__escalates_to=eli):
        late(asked, due=timezone.now() - timedelta(minutes=1))
    clock.move_on()
    assert Approval.objects.filter(escalated_at__isnull=False).exists()
    open_ones = list(Approval.objects.filter(stage="pending"))
    counted = 0
    for user in everybody:
        theirs = {row.pk for row in queue.waiting_for(user)}
        assert theirs == {row.pk for row in open_ones if may_approve(row, user)}, user
        parts = [queue.Queue(user).mine(), queue.Queue(user).my_groups(), queue.Queue(user).delegated()]
        pks = [row.pk for part in parts for row in part]
        assert len(pks) == len(set(pks))
        assert set(pks) <= theirs
        counted += len(theirs)
    assert counted > 20


@pytest.mark.parametrize("part", ["mine", "my_groups", "delegated", "all_open"])
def test_each_part_of_the_queue_is_few_queries_and_by_deadline(ada, ben, fay, part, django_assert_max_num_queries):
    for _ in range(3):
        a_proposal(ada, stage="in_review")
    lend(fay, ben)
    with django_assert_max_num_queries(10):
        rows = list(getattr(queue.Queue(ben), part)())
        assert all(row.worth for row in rows)
    assert [row.due for row in rows] == sorted(row.due for row in rows)


def test_the_pace_of_each_approver_and_rule_is_told_in_working_hours(ada, ben, django_assert_max_num_queries):
    proposal = a_proposal(ada, stage="in_review")
    rule = proposal.approvals.get(aspect="pricing").rule
    approve_all(proposal, ben)
    with django_assert_max_num_queries(5):
        found = approvals.turnaround(Approval.objects, timezone.now() - timedelta(days=1))
        assert [(pace.who, pace.count) for pace in found["people"]] == [(ben, 3)]
        assert rule in [pace.who for pace in found["rules"]]
    assert all(0 <= pace.median <= pace.p90 < 1 for pace in found["people"])
    assert approvals.turnaround(Approval.objects, timezone.now() + timedelta(days=1)) == {"people": [], "rules": []}


def test_the_median_and_the_ninetieth_are_what_they_say():
    pace = approvals.Pace.of(None, [float(number) for number in range(1, 11)])
    assert (pace.count, pace.median, pace.p90) == (10, 5.5, 9.0)


# -- The pages. --------------------------------------------------------------------------------------------------------


def test_an_administrator_writes_a_rule_and_reads_it_in_a_sentence(as_user, eve, ben):
    browser = as_user(eve)
    address = reverse("admin:proposals_approvalrule_add")
    said = {
        "aspect": "pricing",
        "currency": "USD",
        "min_amount": "0",
        "min_discount": "20",
        "hours": "8",
        "remind_after": "50",
    }
    said |= {"step": "1", "valid_days": "30", "is_used": "on", "permission": "", "person": ben.pk}
    browser.post(address, said)
    rule = ApprovalRule.objects.get()
    page = browser.get(reverse("admin:proposals_approvalrule_change", args=[rule.pk])).content.decode()
    assert (
        "Pricing, when the discount is 20 % or more, needs Ben, within 8 working hours; it holds for 30 days." in page
    )


def test_a_rule_that_names_two_at_once_gets_a_sentence_at_its_place(as_user, eve, ben):
    said = {
        "aspect": "pricing",
        "currency": "USD",
        "min_amount": "0",
        "hours": "8",
        "remind_after": "50",
        "step": "1",
        "valid_days": "30",
    }
    said |= {"permission": "proposals.approve_pricing", "person": ben.pk}
    page = as_user(eve).post(reverse("admin:proposals_approvalrule_add"), said).content.decode()
    assert "Choose one: a right, a role or a person." in page
    assert not ApprovalRule.objects.exists()


def test_the_house_brings_its_rules_once(db):
    assert furnish() > 0
    assert furnish() == 0
    assert ApprovalRule.objects.count() == 8
