"""Approval is of content, by somebody who did not write it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from opportunities.models import Evidence, Notice, Task
from opportunities.records import Refused, begin, edit, perform
from proposals import clock
from proposals.approvals import lacks, why_asked
from proposals.models import ApprovalRule, Delegation
from proposals.policies import stands_in
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal, a_summary, approve_all, decide
from zarts.desk import queue

pytestmark = pytest.mark.django_db


def test_submitting_asks_for_each_aspect_of_somebody_who_may(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    asked = proposal.approvals.order_by("pk")
    assert [approval.aspect for approval in asked] == ["proposal", "pricing", "claims"]
    assert {approval.owner for approval in asked} == {ben}
    assert Task.objects.filter(owner=ben, kind="proposal_review").open().count() == 3


def test_the_last_approval_approves_the_proposal_by_itself(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    first, second, third = proposal.approvals.order_by("pk")
    for approval in (first, second):
        decide(approval, by=ben)
    proposal.refresh_from_db()
    assert proposal.stage == "in_review"
    decide(third, by=ben)
    proposal.refresh_from_db()
    assert proposal.stage == "approved"


def test_the_author_may_not_approve_whatever_their_rights(ben):
    proposal = a_proposal(ben, stage="in_review")
    with pytest.raises(PermissionDenied):
        decide(proposal.approvals.first(), by=ben)


def test_the_last_editor_may_not_approve_either(ada, ben):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.first(), by=ben, unit_price=2900)
    proposal = perform(proposal.submit, by=ada)
    with pytest.raises(PermissionDenied):
        decide(proposal.approvals.first(), by=ben)


def test_growth_ops_may_not_approve(ada):
    proposal = a_proposal(ada, stage="in_review")
    gus = person("gus", "Growth ops", team="East", sees="team")
    with pytest.raises(PermissionDenied):
        decide(proposal.approvals.first(), by=gus)


def test_changing_a_price_lapses_the_pricing_approval_and_no_other(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    proposal.change(proposal.price_lines.first(), by=ada, unit_price=3100)
    proposal.refresh_from_db()
    assert proposal.stage == "in_review"
    stages = list(proposal.approvals.order_by("pk").values_list("aspect", "stage"))
    assert stages == [
        ("proposal", "approved"),
        ("pricing", "lapsed"),
        ("claims", "approved"),
        ("pricing", "pending"),
    ]


def test_a_save_that_changes_nothing_lapses_nothing(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    line = proposal.price_lines.first()
    proposal.change(line, by=ada, unit_price=line.unit_price)
    edit(proposal, by=ada, title=proposal.title)
    proposal.refresh_from_db()
    assert proposal.stage == "approved"


def test_changing_the_words_lapses_the_proposal_aspect(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    edit(proposal, by=ada, intro="Other words.")
    proposal.refresh_from_db()
    assert proposal.stage == "in_review"
    assert proposal.approvals.filter(stage="lapsed").get().aspect == "proposal"


def test_a_change_behind_the_back_is_refused_at_sending_and_named(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    proposal.price_lines.update(unit_price=1)
    with pytest.raises(Refused, match="The pricing changed since it was approved"):
        perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)


def test_a_stale_page_cannot_approve_what_it_never_showed(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    seen = proposal.approvals.get(aspect="pricing").digest
    proposal.change(proposal.price_lines.first(), by=ada, unit_price=3100)
    with pytest.raises(Refused, match="It changed since you opened it"):
        perform(proposal.approvals.get(aspect="pricing", stage="pending").approve, by=ben, digest=seen)


def test_an_approval_refuses_content_that_is_not_what_was_asked(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    proposal.price_lines.update(unit_price=1)
    with pytest.raises(Refused, match="changed since it was asked"):
        decide(proposal.approvals.get(aspect="pricing"), by=ben)


@pytest.mark.parametrize("move", ["reject", "request_changes"])
def test_saying_no_sends_it_back_with_the_reason_and_stops_the_other_questions(ada, ben, move):
    proposal = a_proposal(ada, stage="in_review")
    decide(proposal.approvals.get(aspect="pricing"), move, by=ben, reason="Too cheap.")
    proposal.refresh_from_db()
    assert proposal.stage == "draft"
    assert not proposal.approvals.filter(stage="pending").exists()
    assert Task.objects.about(proposal).open().filter(owner=ada).exists()


def test_only_whoever_asked_may_recall(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    approval = proposal.approvals.first()
    with pytest.raises(PermissionDenied):
        perform(approval.recall, by=ben, reason="Mine now.")
    perform(approval.recall, by=ada, reason="I forgot a row.")
    proposal.refresh_from_db()
    assert proposal.stage == "draft"


def test_a_rule_asks_for_another_right_from_an_amount_on_beside_the_usual_one(ada, ben):
    proposal = a_proposal(ada)
    begin(ApprovalRule(aspect="pricing", min_amount=10_000, permission="opportunities.override_gate"), by=ben)
    proposal = perform(proposal.submit, by=ada)
    asked = set(proposal.approvals.filter(aspect="pricing").values_list("permission", flat=True))
    assert asked == {"proposals.approve_pricing", "opportunities.override_gate"}


def test_somebody_stands_in_between_two_dates_but_never_for_an_author(ada, ben):
    gus = person("gus", "Manager", team="East", sees="team")
    day = timezone.localdate()
    proposal = a_proposal(ada)
    rule = begin(ApprovalRule(aspect="pricing", person=ben), by=ben)
    asked = perform(proposal.submit, by=ada).approvals.get(rule=rule)
    with pytest.raises(PermissionDenied):
        decide(asked, by=gus)
    begin(Delegation(giver=ben, taker=gus, starts_on=day, ends_on=day + timedelta(days=3)), by=ben)
    assert stands_in(asked, gus).giver == ben
    assert decide(asked, by=gus).decided_by == gus
    own = a_proposal(ada)
    own.change(own.price_lines.first(), by=ben, unit_price=2900)
    own = perform(own.submit, by=ada)
    assert not any(stands_in(approval, gus) for approval in own.approvals.all())


def test_whoever_stands_in_holds_the_right_themselves_for_nobody_lends_it(ada, ben, ann):
    """An auditor, who sees everything and changes nothing, decides nothing for anybody."""
    day = timezone.localdate()
    lent = Delegation(giver=ben, taker=ann, starts_on=day, ends_on=day)
    with pytest.raises(ValidationError, match="may approve nothing that Ben may"):
        lent.full_clean(exclude=["diary"])
    begin(lent, by=ben)
    asked = a_proposal(ada, stage="in_review").approvals.first()
    with pytest.raises(PermissionDenied):
        decide(asked, by=ann)
    assert not queue.waiting_for(ann)


# -- Whose words they are. ---------------------------------------------------------------------------------------------


def test_whoever_edited_a_revision_does_not_approve_the_next_one_or_a_copy(ada, ben, fay):
    first = a_proposal(ada)
    first.change(first.price_lines.first(), by=ben, unit_price=2900)
    first = perform(
        approve_all(perform(first.submit, by=ada), fay).send, by=ada, contact=first.opportunity.decision_owner
    )
    second = perform(first.revise(by=fay).submit, by=ada)
    assert second.hands == {ada.pk, ben.pk, fay.pk}
    for user in (ada, ben, fay):
        with pytest.raises(PermissionDenied):
            decide(second.approvals.first(), by=user)
    copy = first.copy_to(an_opportunity(ada, stage="proposal"), by=fay)
    assert copy.hands == {ada.pk, ben.pk, fay.pk}
    with pytest.raises(DatabaseError, match="does not decide on it"), transaction.atomic():
        second.approvals.filter(aspect="pricing").update(stage="approved", decided_by=ben, decided_at=timezone.now())


def test_whoever_passed_a_gate_does_not_decide_on_what_passed(ada, ben, fay):
    summary = a_summary(ada, words="Our margin for mistakes is small.")
    summary = perform(summary.submit, by=ben, override="It is another margin.")
    asked = summary.approvals.get(stage="pending")
    assert asked.owner == fay
    with pytest.raises(PermissionDenied):
        decide(asked, by=ben)
    assert asked not in queue.waiting_for(ben)
    assert asked in queue.waiting_for(fay)
    with pytest.raises(DatabaseError, match="does not decide on it"), transaction.atomic():
        type(asked).objects.filter(pk=asked.pk).update(stage="approved", decided_by=ben, decided_at=timezone.now())
    assert decide(asked, by=fay).stage == "approved"


def test_a_question_leaves_at_once_whoever_edits_what_it_is_about(ada, ben, fay):
    proposal = a_proposal(ada, stage="in_review")
    claims = proposal.approvals.get(aspect="claims")
    assert claims.owner == ben
    proposal.change(proposal.price_lines.first(), by=ben, unit_price=2900)
    claims.refresh_from_db()
    assert (claims.stage, claims.owner) == ("pending", fay)
    assert Task.objects.about(claims).open().get().owner == fay
    assert Notice.objects.filter(user=fay, words__contains="Ben has written in it").exists()


def test_a_question_on_which_nobody_can_decide_says_so_to_whoever_may_mend_it(ada, ben, as_user):
    proposal = a_proposal(ada, stage="in_review")
    proposal.change(proposal.price_lines.first(), by=ben, unit_price=2900)
    asked = proposal.approvals.get(aspect="claims", stage="pending")
    words = "Nobody can decide on the claims now"
    assert (asked.owner, asked.next_action) == (ben, "Find somebody who may decide")
    assert Task.objects.about(asked).open().get().title.startswith("Find somebody who may decide on the claims")
    assert words in why_asked(asked, ada)
    browser = as_user(ada)
    assert words in browser.get(asked.staff_url()).content.decode()
    page = browser.get(proposal.staff_url()).content.decode()
    assert words in page
    assert "waits for" not in page
    assert any(words in lack.words for lack in lacks(proposal))
    assert Notice.objects.filter(user=ben, words__contains=words).exists()
    fay = person("fay", "Manager", team="East", sees="team")
    perform(asked.reassign, by=ben, to=fay, reason="She came today.")
    assert words not in why_asked(type(asked).objects.get(pk=asked.pk), ada)
    assert decide(asked, by=fay).stage == "approved"


@pytest.mark.parametrize("move", ["reject", "request_changes"])
def test_what_was_refused_while_it_was_paused_comes_back_as_a_draft(ada, ben, fay, move):
    proposal = a_proposal(ada, stage="in_review")
    proposal = perform(proposal.pause, by=ada, reason="Bo is away.")
    decide(proposal.approvals.first(), move, by=ben, reason="The price is wrong.")
    proposal.refresh_from_db()
    assert (proposal.stage, proposal.paused_from) == ("paused", "draft")
    assert not proposal.approvals.filter(stage="pending").exists()
    assert Notice.objects.filter(user=ada, words__contains="comes back to you as a draft").exists()
    proposal = perform(proposal.resume, by=ada)
    assert (proposal.stage, proposal.approvals.filter(stage="pending").count()) == ("draft", 0)
    assert perform(proposal.submit, by=ada).approvals.filter(stage="pending").count() == 3


def test_a_question_moves_on_at_once_when_its_approver_leaves(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    fay = person("fay", "Manager", team="East", sees="team")
    assert clock.move_on() == 0
    edit(ben, by=None, is_active=False)
    assert {approval.owner for approval in proposal.approvals.all()} == {fay}
    assert Task.objects.filter(owner=fay).open().count() == 3


def test_the_database_keeps_what_was_asked(ada):
    approval = a_proposal(ada, stage="in_review").approvals.first()
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        type(approval).objects.filter(pk=approval.pk).update(digest="0" * 64)


# -- Words for clients. ------------------------------------------------------------------------------------------------


def test_words_copied_from_internal_notes_are_marked(ada, ben):
    summary = a_summary(ada)
    audit = summary.opportunity.audits.get()
    edit(audit, by=ada, raw_notes="The owner says his nephew built the site and refuses to touch it again.")
    edit(summary, by=ada, words="We hear that his nephew built the site and refuses to touch it, sadly.")
    with pytest.raises(Refused, match="his nephew built the site and refuses to touch it”"):
        perform(summary.submit, by=ada)


@pytest.mark.parametrize(
    ("words", "mark"),
    [
        ("Our margin is good.", "margin"),
        ("Ask bo@harbor.example for it.", "bo@harbor.example"),
        ("Call +49 30 1234 5678 today.", "+49 30 1234 5678"),
        ("We double your bookings.", "double"),
        ("You get 30 % more.", "30 %"),
    ],
)
def test_what_a_client_must_not_read_stops_submission(ada, words, mark):
    summary = a_summary(ada, words=words)
    with pytest.raises(Refused) as refusal:
        perform(summary.submit, by=ada)
    assert any(mark in reason for reason in refusal.value.reasons)


def test_a_day_is_no_phone_number_and_what_was_measured_is_no_promise(ada):
    summary = a_summary(ada, words="On 2026-11-23 the rate of bookings was 41 percent.")
    fields = {"provider": "Interview", "captured_at": timezone.now()}
    audit = summary.opportunity.audits.get()
    Evidence.ready(audit, by=ada, metric="Bookings on a phone", value=Decimal(41), unit="%", **fields).save()
    assert perform(summary.submit, by=ada).stage == "in_review"


def test_a_manager_passes_a_mark_with_a_reason_and_growth_ops_cannot(ada, ben):
    summary = a_summary(ada, words="Our margin for mistakes is small.")
    with pytest.raises(Refused):
        perform(summary.submit, by=ada, override="It is another margin.")
    assert perform(summary.submit, by=ben, override="It is another margin.").stage == "in_review"


def test_changed_words_are_approved_again(ada, ben):
    summary = a_summary(ada, approver=ben, stage="approved")
    edit(summary, by=ada, words="Other words.")
    summary.refresh_from_db()
    assert summary.stage == "in_review"
    assert approve_all(summary, ben).stage == "approved"
