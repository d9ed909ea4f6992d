"""What was true when it was submitted is asked again when somebody vouches for it and when a client gets it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from opportunities.models import Evidence, Note, Task
from opportunities.records import Refused, begin, edit, perform
from proposals import asking, clock, coverage, publishing
from proposals.models import Approval, ApprovalRule, Claim, GlossaryTerm, PriceLine, ScopeItem
from proposals.policies import may_approve
from tests.makers import an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary, approve_all, decide
from zarts.desk import queue

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def slow_of(opportunity):
    return Evidence.objects.get(audit__opportunity=opportunity, metric__startswith="Largest", version=1)


def send(proposal, by):
    return perform(proposal.send, by=by, contact=proposal.opportunity.decision_owner)


# -- A proposal. -------------------------------------------------------------------------------------------------------


def test_nobody_vouches_for_a_claim_that_came_in_without_proof_during_the_review(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    proposal.add(Claim(text="Your competitors are faster."), by=ada)
    with pytest.raises(Refused, match="Back the claim “Your competitors are faster.” with evidence"):
        approve_all(proposal, ben)
    assert again(proposal).stage == "in_review"


def test_nobody_vouches_for_words_that_promise_what_no_claim_says(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    proposal.change(proposal.scope_items.first(), by=ada, text="We double your bookings.")
    assert again(proposal).stage == "in_review"
    with pytest.raises(Refused, match="Make a claim with evidence of “double”"):
        approve_all(proposal, ben)


def test_nobody_vouches_for_an_offer_of_nothing(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    for name in proposal.row_models():
        for row in getattr(proposal, name).all():
            proposal.remove(row, by=ada)
    with pytest.raises(Refused, match="Say what is included"):
        approve_all(again(proposal), ben)


def test_nothing_is_submitted_that_has_no_proof_at_all_and_each_row_is_named(ada):
    proposal = a_proposal(ada)
    for claim in list(proposal.claims.all()):
        proposal.remove(claim, by=ada)
    extra = ScopeItem(kind="optional", title="Photos", text="New photos.", position=30)
    proposal.add(extra, by=ada)
    needed = [extra]
    for name in ("scope_items", "milestones", "price_lines"):
        for row in getattr(proposal, name).exclude(evidence=None):
            needed.append(proposal.change(row, by=ada, evidence=None))
    with pytest.raises(Refused) as refusal:
        perform(again(proposal).submit, by=ada)
    assert {lack.words for lack in refusal.value.lacks} == {coverage.unproven(row) for row in needed}
    assert {lack.url for lack in refusal.value.lacks} == {row.staff_url() for row in needed}
    assert "Rest the price line “Care each month” on evidence: it has none." in str(refusal.value)


def test_a_manager_lets_a_row_pass_without_proof_and_who_decides_reads_so(ada, ben, fay, as_user):
    proposal = a_proposal(ada)
    care = proposal.price_lines.get(title="Care each month")
    proposal.change(care, by=ada, evidence=None)
    with pytest.raises(Refused):
        perform(proposal.submit, by=ada, override="They know.")
    proposal = perform(again(proposal).submit, by=fay, override="They pay it today.")
    asked = proposal.approvals.get(aspect="pricing", stage="pending")
    page = as_user(ben).get(asked.staff_url()).content.decode()
    assert "Passed without proof: “Care each month”. Fay: “They pay it today.”" in page
    with pytest.raises(PermissionDenied):
        decide(asked, by=fay)
    assert send(approve_all(proposal, ben), ada).stage == "sent"


def test_what_came_in_without_proof_after_it_was_let_pass_is_asked_for(ada, ben, fay):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.get(title="Mending"), by=ada, evidence=None)
    proposal = perform(again(proposal).submit, by=fay, override="They pay it today.")
    proposal.change(proposal.milestones.first(), by=ada, evidence=None)
    with pytest.raises(Refused, match="Rest the milestone"):
        approve_all(again(proposal), ben)


def a_bare_line(proposal, by, **fields):
    line = PriceLine(title="Extra", internal_cost=0, **fields)
    return proposal.add(line, by=by)


def test_a_pass_is_for_one_row_and_not_for_another_of_the_same_name(ada, ben, fay):
    proposal = a_proposal(ada)
    a_bare_line(proposal, ada, recurring="once", unit_price=Decimal(10))
    proposal = perform(again(proposal).submit, by=fay, override="Ten dollars only.")
    a_bare_line(proposal, ada, recurring="monthly", unit_price=Decimal(90_000))
    with pytest.raises(Refused, match="Rest the price line “Extra”"):
        approve_all(again(proposal), ben)


def test_a_pass_is_for_a_row_as_it_was(ada, ben, fay):
    proposal = a_proposal(ada)
    line = a_bare_line(proposal, ada, recurring="once", unit_price=Decimal(10))
    proposal = perform(again(proposal).submit, by=fay, override="Ten dollars only.")
    proposal.change(line, by=ada, unit_price=Decimal(90_000))
    with pytest.raises(Refused, match="Rest the price line “Extra”"):
        approve_all(again(proposal), ben)


def test_who_decides_reads_every_row_that_passed_though_two_have_one_name(ada, ben, fay, as_user):
    proposal = a_proposal(ada)
    for amount in (10, 20):
        a_bare_line(proposal, ada, recurring="once", unit_price=Decimal(amount))
    proposal = perform(again(proposal).submit, by=fay, override="Thirty dollars only.")
    page = as_user(ben).get(proposal.approvals.get(aspect="pricing").staff_url()).content.decode()
    assert page.count("Passed without proof: “Extra”") == 2


def test_a_pass_of_a_word_in_one_row_lets_it_into_no_other_of_the_same_name(ada, ben, fay):
    proposal = a_proposal(ada)
    rows = [proposal.add(ScopeItem(kind="excluded", title="Other things", text="None."), by=ada) for _ in range(2)]
    proposal.change(rows[0], by=ada, text="Our margin is fine.")
    proposal = perform(again(proposal).submit, by=fay, override="They know it.")
    proposal.change(rows[1], by=ada, text="Our margin is fine.")
    with pytest.raises(Refused, match="margin"):
        approve_all(again(proposal), ben)


NOTE = "The owner's nephew built the booking form in 2019 and nobody there dares to touch it."


@pytest.mark.parametrize(
    ("where", "words", "named"),
    [
        ("intro", "Our margin on this is fine.", "Take out “margin”"),
        ("scope_items", "Ring +45 20 30 40 50 at night.", "Take out “+45 20 30 40 50”"),
        ("milestones", NOTE, "in words of your own: it is copied from internal notes. It stands in"),
        ("price_lines", "Care, with padding", "instead of “padding”"),
        ("claims", "Your caveats are known.", "caveat"),
    ],
)
def test_no_internal_word_reaches_a_client_through_a_proposal(ada, ben, where, words, named):
    proposal = a_proposal(ada)
    deal = proposal.opportunity
    begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=NOTE), by=ada)

    def say(words):
        if where == "intro":
            edit(again(proposal), by=ada, intro=words)
        else:
            name = "title" if where == "price_lines" else "text"
            proposal.change(getattr(proposal, where).first(), by=ada, **{name: words})

    said = proposal.intro if where == "intro" else "Something that a client may read"
    say(words)
    with pytest.raises(Refused, match=re.escape(named)) as refusal:
        perform(again(proposal).submit, by=ada)
    assert all(lack.url.startswith(proposal.staff_url().split("#")[0]) for lack in refusal.value.lacks)
    say(said)
    perform(again(proposal).submit, by=ada)
    approve_all(again(proposal), ben)
    say(words)
    with pytest.raises(Refused, match=re.escape(named)):
        approve_all(again(proposal), ben)


def test_a_term_that_is_new_stops_what_was_approved_before_it_is_sent(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    begin(GlossaryTerm(term="slowest", why="It sounds rude."), by=ben)
    with pytest.raises(Refused, match="slowest"):
        send(proposal, ada)


def test_marks_of_internal_words_are_seen_while_writing_and_by_who_decides(ada, ben, fay, as_user):
    proposal = a_proposal(ada, intro="We are the best, and our margin is small.")
    assert "Take out “margin”" in as_user(ada).get(proposal.staff_url()).content.decode()
    proposal = perform(proposal.submit, by=fay, override="They know it.")
    page = as_user(ben).get(proposal.approvals.first().staff_url()).content.decode()
    assert "Say what makes it so, or leave “the best” out." in page
    assert "Passed all the same: Take out “margin”" in page
    assert "Fay: “They know it.”" in page
    assert send(approve_all(proposal, ben), ada).stage == "sent"


def test_an_edited_clause_says_nothing_internal_and_a_standard_one_is_not_read(ada, ben, fay):
    contract = a_contract(ada, approver=ben)
    row = contract.contract_clauses.first()
    row.text = f"{row.clause.text} Our margin is small."
    row.save()
    with pytest.raises(Refused, match="Take out “margin”.* It stands in “"):
        perform(contract.submit, by=ada)
    assert perform(contract.submit, by=fay, override="It is the margin of a page.").stage == "in_review"


def test_the_words_of_a_proposal_are_read_beside_what_is_internal_in_one_query(ada, django_assert_max_num_queries):
    proposal = a_proposal(ada)
    coverage.keep_rows(proposal)
    coverage.of(proposal)
    with django_assert_max_num_queries(4):
        coverage.unsafe(proposal)


def test_an_offer_that_lost_its_proof_while_it_was_paused_does_not_resume(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    slow = slow_of(proposal.opportunity)
    slow.withdraw(by=ada, reason="It was another site.")
    proposal = again(proposal)
    assert proposal.stage == "paused"
    for claim in proposal.claims.all():
        proposal.change(claim, by=ada, evidence=[])
    for name in ("scope_items", "milestones", "price_lines"):
        for row in getattr(proposal, name).exclude(evidence=None):
            proposal.change(row, by=ada, evidence=None)
    assert again(proposal).stage == "paused"
    with pytest.raises(Refused, match="Back the claim"):
        perform(again(proposal).resume, by=ada)


def test_a_draft_that_was_paused_resumes_as_it_was(ada):
    proposal = perform(a_proposal(ada).pause, by=ada, reason="Bo is away.")
    for claim in proposal.claims.all():
        proposal.change(claim, by=ada, evidence=[])
    assert perform(again(proposal).resume, by=ada).stage == "draft"


def test_the_cadence_of_an_offer_is_its_own_once_it_is_begun(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    before = publishing.proposal_body(proposal)["reporting"]
    edit(proposal.service, by=ben, cadence="weekly")
    assert (
        publishing.proposal_body(again(proposal))["reporting"]
        == before
        == {
            "words": "You get a report: monthly.",
            "first_on": None,
        }
    )
    edit(again(proposal), by=ada, report_every="quarterly")
    assert again(proposal).stage == "in_review"
    assert list(proposal.approvals.filter(stage="lapsed").values_list("aspect", flat=True)) == ["proposal"]


def test_a_contract_begins_with_the_cadence_that_was_offered(ada, ben):
    proposal = a_proposal(ada, report_every="weekly", approver=ben, stage="accepted")
    assert a_contract(ada, approver=ben, proposal=proposal).report_every == "weekly"


# -- Words for the client. ---------------------------------------------------------------------------------------------


def test_nobody_vouches_for_words_that_a_client_must_not_read(ada, ben):
    summary = a_summary(ada, stage="in_review")
    edit(summary, by=ada, words="Our margin on this is fine.")
    with pytest.raises(Refused, match="margin"):
        approve_all(summary, ben)


def test_what_a_manager_let_pass_when_it_was_submitted_has_passed_and_nothing_else(ada, ben, fay):
    summary = a_summary(ada, words="Our margin on this is fine.")
    with pytest.raises(Refused):
        perform(summary.submit, by=ada)
    summary = perform(summary.submit, by=fay, override="They know our margin.")
    edit(summary, by=ada, words="Our margin on this is fine. Our internal cost is low.")
    with pytest.raises(Refused, match="internal cost"):
        approve_all(summary, ben)
    edit(summary, by=ada, words="Our margin on this is quite fine.")
    assert perform(approve_all(summary, ben).publish, by=ben).stage == "published"


def test_words_whose_proof_falls_go_back_to_their_author(ada, ben):
    deal = an_opportunity(ada, stage="proposal")
    slow = slow_of(deal)
    about = {"opportunity": deal, "record_type": slow.label(), "record_id": slow.pk}
    asked = a_summary(ada, stage="in_review", **about)
    given = a_summary(ada, approver=ben, stage="approved", **about)
    slow.withdraw(by=ada, reason="It was another site.")
    assert (again(asked).stage, again(given).stage) == ("draft", "draft")
    assert Task.objects.about(given).filter(title__startswith="Mend what the review of the words found").exists()
    with pytest.raises(Refused, match="Read again what"):
        perform(again(given).submit, by=ada)
    assert publishing.findings(deal) == []


def test_of_words_that_a_client_reads_the_owner_is_asked_when_their_proof_falls(ada, ben, as_user):
    deal = an_opportunity(ada, stage="proposal")
    slow = slow_of(deal)
    shown = a_summary(
        ada, approver=ben, stage="published", opportunity=deal, record_type=slow.label(), record_id=slow.pk
    )
    unnamed = a_summary(ada, approver=ben, stage="published", opportunity=deal)
    other = a_summary(ada, approver=ben, stage="published", opportunity=deal, kind="scope")
    slow.withdraw(by=ada, reason="It was another site.")
    task = Task.objects.about(shown).get(title__startswith="Its proof fell")
    assert "Decide whether to withdraw" in task.title
    assert as_user(ada).get(task.staff_url()).status_code == 200
    assert Task.objects.about(unnamed).filter(title__startswith="Its proof fell: the audit").count() == 1
    assert not Task.objects.about(other).filter(title__startswith="Its proof fell").exists()
    assert publishing.findings(deal) == [unnamed]


# -- Two people. -------------------------------------------------------------------------------------------------------


def two_steps():
    begin(ApprovalRule(aspect="pricing", permission="proposals.approve_pricing"), by=None)
    begin(ApprovalRule(aspect="pricing", group=Group.objects.get(name="Manager"), step=2), by=None)


def test_two_steps_are_two_people(ada, ben, fay):
    two_steps()
    proposal = a_proposal(ada, stage="in_review")
    decide(proposal.approvals.get(aspect="pricing"), by=ben)
    second = proposal.approvals.get(aspect="pricing", stage="pending")
    assert second.owner == fay
    assert second not in queue.waiting_for(ben)
    assert second in queue.waiting_for(fay)
    with pytest.raises(PermissionDenied):
        decide(second, by=ben)
    assert approve_all(proposal, ben, fay).stage == "approved"


def test_whoever_edited_once_does_not_vouch_whoever_edits_after_them(ada, ben, fay):
    proposal = a_proposal(ada, stage="in_review")
    proposal.change(proposal.price_lines.first(), by=ben, unit_price=1)
    proposal.change(proposal.scope_items.first(), by=fay, text="Other words.")
    asked = proposal.approvals.get(aspect="pricing", stage="pending")
    assert [may_approve(asked, user) for user in (ada, ben, fay)] == [False, False, False]
    assert asked not in queue.waiting_for(ben)


def test_whoever_gives_it_another_owner_or_day_has_edited_nothing(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    proposal.note_editor(ben, ["owner", "next_action", "due_on"])
    assert may_approve(proposal.approvals.first(), ben)


def test_the_author_recalls_a_question_that_a_colleagues_edit_asked(ada, ben, fay):
    proposal = a_proposal(ada, stage="in_review")
    proposal.change(proposal.price_lines.first(), by=fay, unit_price=2900)
    asked = proposal.approvals.get(aspect="pricing", stage="pending")
    assert asked.asked_by == fay
    with pytest.raises(PermissionDenied):
        perform(asked.recall, by=ben, reason="It is not mine.")
    assert perform(asked.recall, by=ada, reason="I forgot a price.").stage == "recalled"


def test_a_late_question_that_nobody_else_may_answer_has_its_new_day_everywhere(ada, ben):
    asked = a_proposal(ada, stage="in_review").approvals.first()
    past = timezone.now() - timedelta(days=3)
    Approval.objects.filter(pk=asked.pk).update(due=past, due_on=past.date())
    clock.move_on()
    asked = again(asked)
    assert (asked.owner, asked.due_on) == (ben, timezone.localdate(asked.due))
    assert asked.due > timezone.now()


# -- What somebody says of their own offer. ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({"text": "We guarantee more bookings."}, "kind", "“guarantee” is a guarantee"),
        ({"text": "We guarantee it.", "kind": "projection"}, "kind", "“guarantee” is a guarantee"),
        ({"text": "Bookings double within a month."}, "kind", "“double” promises: choose projection"),
        ({"text": "Bookings rise by 300 %."}, "method", "Say how “300 %” was reached."),
    ],
)
def test_a_claim_is_called_what_it_is(ada, fields, place, words):
    proposal = a_proposal(ada)
    with pytest.raises(ValidationError) as refused:
        proposal.add(Claim(**fields), by=ada, evidence=[slow_of(proposal.opportunity)])
    assert words in refused.value.message_dict[place][0]


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "Nobody can guarantee this, and we do not: we give no guarantee.", "kind": "guarantee"},
        {"text": "Of visits from phones, 41 % end well.", "method": "Counted in July."},
        {"text": "Your largest page takes 6.8 seconds."},
    ],
)
def test_a_claim_that_is_called_what_it_is_comes_in(ada, fields):
    proposal = a_proposal(ada)
    assert proposal.add(Claim(**fields), by=ada).pk


def reasons(proposal):
    return [need.why for need in asking.needs(proposal) if need.aspect == "pricing"]


def test_a_margin_that_nobody_knows_asks_as_a_small_one_does(ada):
    begin(ApprovalRule(aspect="pricing", below_margin=30, permission="proposals.approve_pricing"), by=None)
    proposal = a_proposal(ada)
    assert "needs" not in "".join(reasons(proposal))
    assert not any("argin" in why for why in reasons(proposal))
    proposal.change(proposal.price_lines.last(), by=ada, internal_cost=None)
    assert reasons(again(proposal)) == [
        "Margin is unknown, and could be under 30 %: a price does not say what it costs us."
    ]


def test_an_amount_is_compared_in_its_own_currency_only(ada):
    begin(ApprovalRule(aspect="pricing", min_amount=90_000, permission="proposals.approve_pricing"), by=None)
    dollars, yen = a_proposal(ada), a_proposal(ada, currency="JPY")
    assert not any("First year" in why for why in reasons(dollars))
    assert ["no rule says from how much" in why for why in reasons(yen)] == [True]
    begin(
        ApprovalRule(aspect="pricing", min_amount=90_000, currency="JPY", permission="proposals.approve_pricing"),
        by=None,
    )
    assert not any("First year" in why for why in reasons(yen))
    for line in yen.price_lines.all():
        yen.change(line, by=ada, unit_price=Decimal(90_000))
    assert ["is ¥90,000 or more" in why for why in reasons(again(yen))] == [True]
