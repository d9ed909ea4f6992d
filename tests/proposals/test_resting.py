"""What rests on evidence reacts in the same transaction when it ages or falls, and one page lists all of it."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities.house import furnish
from opportunities.models import Audit, Event, Evidence, ShelfLife, Task
from opportunities.records import PermissionDenied, Refused, begin, edit, perform
from proposals import evidence as resting
from proposals.models import Claim, PriceLine, Proposal, ScopeItem
from tests.makers import an_opportunity, some_evidence
from tests.makers_handoff import a_won_deal
from tests.makers_proposals import a_proposal, a_summary, approve_all
from tests.proposals.test_races import at_once
from zarts.desk import due

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def slow_of(proposal):
    return Evidence.objects.newest().get(audit__opportunity=proposal.opportunity, metric__startswith="Largest")


# -- Ageing. -----------------------------------------------------------------------------------------------------------


def test_an_audit_counts_until_its_first_evidence_ages_to_the_instant(ada, time_machine):
    time_machine.move_to("2026-11-23T10:00:00Z", tick=False)
    audit = an_opportunity(ada, stage="proposal").audits.get()
    # Lighthouse: captured a day ago, good for 60.
    assert audit.counts_until == timezone.now() + timedelta(days=59)
    time_machine.move_to(audit.counts_until - timedelta(microseconds=1), tick=False)
    assert due.expire_audits() == 0
    assert slow_of_audit(audit).is_fresh
    time_machine.move_to(audit.counts_until, tick=False)
    assert not slow_of_audit(audit).is_fresh
    assert due.expire_audits() == 1
    assert again(audit).stage == "stale"
    assert due.expire_audits() == 0


def slow_of_audit(audit):
    return audit.evidence.get(metric__startswith="Largest")


def test_hundreds_age_at_once_and_all_go_stale_in_a_few_rounds(ada, time_machine, monkeypatch):
    monkeypatch.setattr(due, "BATCH", 4)
    for _ in range(10):
        an_opportunity(ada, stage="proposal")
    time_machine.move_to(timezone.now() + timedelta(days=60))
    assert [due.expire_audits() for _ in range(4)] == [4, 4, 2, 0]
    assert not Audit.objects.exclude(stage="stale").exists()


def test_one_that_cannot_go_stale_keeps_no_other_fresh(ada, time_machine, monkeypatch):
    first, second = (an_opportunity(ada, stage="proposal").audits.get() for _ in range(2))
    time_machine.move_to(timezone.now() + timedelta(days=60))
    real = due.perform

    def perform_but_the_first(move, **details):
        if move.__self__.pk == first.pk:
            raise RuntimeError("planted")
        return real(move, **details)

    monkeypatch.setattr(due, "perform", perform_but_the_first)
    assert due.expire_audits() == 1
    assert (again(first).stage, again(second).stage) == ("verified", "stale")


def test_the_proposal_pauses_in_the_same_breath_its_owner_is_told_and_it_comes_back(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    time_machine.move_to(timezone.now() + timedelta(days=60))
    due.expire_audits()
    proposal = again(proposal)
    assert (proposal.stage, proposal.paused_from, proposal.paused_by_itself) == ("paused", "approved", True)
    assert "Its evidence has aged." in proposal.paused_because
    task = Task.objects.about(proposal).open().get()
    assert (task.owner, task.kind) == (ada, "proposal_review")
    went, paused = Event.objects.filter(verb__in=["audit.expire", "proposal.pause"]).order_by("pk")
    assert (went.xid, went.actor_kind) == (paused.xid, "system")
    with pytest.raises(Refused, match="stale"):
        perform(proposal.resume, by=ada)


def test_what_was_measured_again_counts_when_the_rows_rest_on_it(ada, ben):
    """A new version is another number: nobody's words go on with it unread."""
    proposal = a_proposal(ada, approver=ben, stage="approved")
    old = slow_of(proposal)
    new = old.correct(by=ada, value="5.9", reason="Measured again.")
    perform(perform(again(new.audit).submit, by=ada).verify, by=ben)
    proposal = again(proposal)
    assert proposal.stage == "paused"
    with pytest.raises(Refused, match="a newer version stands in for it"):
        perform(proposal.resume, by=ada)
    assert resting.take_newest(proposal, by=ada) == 4
    with pytest.raises(Refused, match="Its evidence says 5.9 s"):
        perform(again(proposal).resume, by=ada)
    proposal.change(proposal.claims.get(), by=ada, text="Your largest page takes 5.9 seconds.")
    # Its rows say something else now, so that what was approved is reviewed again.
    perform(again(proposal).resume, by=ada)
    proposal = again(proposal)
    assert proposal.stage == "in_review"
    assert set(proposal.evidence().filter(metric=old.metric)) == {new}
    assert proposal.approvals.filter(stage="lapsed").exists()


def test_the_newest_versions_are_kept_although_nobody_is_known_to_decide(ada, ben):
    """It goes on once somebody decides; what was read anew is not lost until then."""
    proposal = a_proposal(ada, approver=ben, stage="approved")
    new = slow_of(proposal).correct(by=ada, value="5.9", reason="Measured again.")
    perform(perform(again(new.audit).submit, by=ada).verify, by=ben)
    deal, who = proposal.opportunity, proposal.opportunity.decision_owner
    edit(deal, by=ada, decision_owner=None)

    assert resting.take_newest(again(proposal), by=ada) == 4
    proposal.change(proposal.claims.get(), by=ada, text="Your largest page takes 5.9 seconds.")
    assert again(proposal).stage == "paused"

    edit(again(deal), by=ada, decision_owner=who)
    assert again(proposal).stage == "in_review"


def test_with_two_audits_it_waits_until_both_count_again(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben)
    opportunity = proposal.opportunity
    second = Audit(opportunity=opportunity, name="Second look", owner=ada, next_action="Collect")
    second = perform(begin(second, by=ada).collect, by=ada)
    calls = some_evidence(second, ada, metric="Calls", provider="Interview")
    second = perform(perform(second.submit, by=ada).verify, by=ben)
    proposal.add(Claim(text="People call you.", metric="Calls"), by=ada, evidence=[calls])
    first = slow_of(proposal).audit
    for audit in (first, second):
        perform(audit.expire, by=None, reason="Aged.")
    assert again(proposal).stage == "paused"
    for audit, stage in ((first, "paused"), (second, "draft")):
        audit = perform(again(audit).collect, by=ada)
        perform(perform(audit.submit, by=ada).verify, by=ben)
        assert again(proposal).stage == stage


def test_a_persons_own_pause_is_left_to_that_person(ada, ben):
    proposal = perform(a_proposal(ada, approver=ben).pause, by=ada, reason="They are on holiday.")
    audit = perform(slow_of(proposal).audit.expire, by=None, reason="Aged.")
    audit = perform(audit.collect, by=ada)
    perform(perform(audit.submit, by=ada).verify, by=ben)
    assert again(proposal).stage == "paused"


def test_a_withdrawn_audit_never_ages(ada, ben, time_machine):
    audit = perform(an_opportunity(ada, stage="proposal").audits.get().withdraw, by=ben, reason="The wrong site.")
    time_machine.move_to(timezone.now() + timedelta(days=400))
    assert due.expire_audits() == 0
    assert again(audit).stage == "withdrawn"


# -- Corrected and withdrawn. ------------------------------------------------------------------------------------------


def test_a_correction_opens_what_was_verified_and_somebody_else_verifies_it_again(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="in_review")
    new = slow_of(proposal).correct(by=ben, value="8.6", reason="A typing error.")
    audit = again(new.audit)
    assert audit.stage == "collecting"
    assert "A typing error." in again(proposal).paused_because
    audit = perform(audit.submit, by=ada)
    with pytest.raises(PermissionDenied):
        perform(audit.verify, by=ben)


def test_a_correction_under_review_goes_back_to_its_collector(ada, ben):
    audit = again(an_opportunity(ada, stage="audit").audits.get())
    audit = perform(audit.collect, by=ada)
    evidence = some_evidence(audit, ada)
    audit = perform(again(audit).submit, by=ada)
    evidence.correct(by=ada, value=7, reason="Counted again.")
    assert again(audit).stage == "collecting"
    assert Event.objects.get(verb="audit.send_back").reason == "Largest Contentful Paint is corrected: Counted again."


def test_a_withdrawn_piece_fells_the_audit_and_no_row_may_rest_on_it(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    slow = slow_of(proposal)
    slow.withdraw(by=ada, reason="The wrong site.")
    assert again(slow.audit).stage == "stale"
    proposal = again(proposal)
    assert proposal.stage == "paused"
    audit = perform(again(slow.audit).collect, by=ada)
    perform(perform(audit.submit, by=ada).verify, by=ben)
    with pytest.raises(Refused, match="it was withdrawn"):
        perform(again(proposal).resume, by=ada)


def test_a_proposal_with_the_client_asks_its_owner(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")
    assert again(proposal).stage == "sent"
    assert Task.objects.about(proposal).open().filter(title__startswith="Its proof fell").exists()


def test_a_withdrawn_piece_can_still_be_corrected_and_counts_again(ada):
    audit = perform(an_opportunity(ada, stage="audit").audits.get().collect, by=ada)
    evidence = some_evidence(audit, ada)
    evidence.withdraw(by=ada, reason="The wrong site.")
    assert not again(audit).evidence.current().exists()
    again(evidence).correct(by=ada, value=3, reason="The right site.")
    assert again(audit).evidence.current().get().value == 3


def test_a_changed_shelf_life_changes_nothing_that_is_here(ada, eve):
    furnish()
    audit = perform(an_opportunity(ada, stage="audit").audits.get().collect, by=ada)
    before = some_evidence(audit, ada)
    edit(ShelfLife.objects.get(kind="lab"), by=eve, days=10)
    after = some_evidence(audit, ada, metric="Speed Index")
    assert again(before).fresh_until == before.captured_at + timedelta(days=60)
    assert after.fresh_until == after.captured_at + timedelta(days=10)


# -- Races. ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fall", ["expire", "withdraw a piece", "correct"])
def test_no_proposal_slips_out_while_its_proof_falls(ada, ben, fall):
    """Sent first: its owner is asked. Fallen first: it is not sent. Never sent on fallen proof with nobody told."""
    for _ in range(3):
        proposal = a_proposal(ada, approver=ben, stage="approved")
        slow, contact = slow_of(proposal), proposal.opportunity.decision_owner
        falls = {
            "expire": lambda slow=slow: perform(slow.audit.expire, by=None, reason="Aged."),
            "withdraw a piece": lambda slow=slow: slow.withdraw(by=ada, reason="Wrong."),
            "correct": lambda slow=slow: slow.correct(by=ada, value=1, reason="Wrong."),
        }
        send = lambda proposal=proposal, contact=contact: perform(proposal.send, by=ada, contact=contact)  # noqa: E731
        _, sent = at_once(falls[fall], send)
        proposal = again(proposal)
        if proposal.stage == "sent":
            assert Task.objects.about(proposal).open().filter(title__startswith="Its proof fell").exists()
        else:
            assert proposal.stage == "paused"
            assert isinstance(sent, Refused)


@pytest.mark.django_db(transaction=True)
def test_of_two_corrections_at_once_one_wins(ada):
    audit = perform(an_opportunity(ada, stage="audit").audits.get().collect, by=ada)
    evidence = some_evidence(audit, ada)

    def correct(value):
        try:
            return again(evidence).correct(by=ada, value=value, reason="Counted again.")
        except ValidationError as refusal:
            return refusal.messages[0]

    results = at_once(lambda: correct(1), lambda: correct(2))
    assert "This version was corrected already. Correct the newest one." in results
    assert audit.evidence.count() == 2


# -- The blast radius. -------------------------------------------------------------------------------------------------


def radius(browser, record):
    kind = record._meta.model_name
    answer = browser.get(reverse(f"opportunities_{kind}_rests", args=[record.pk]))
    return answer, {group.title: group for group in answer.context["groups"]}


def test_one_page_lists_everything_that_rests_on_a_piece_of_evidence(ada, ben, as_user):
    opportunity = a_won_deal(ada, manager=ben)
    proposal = opportunity.proposals.get()
    a_summary(ada, opportunity=opportunity)
    slow = slow_of(proposal)
    for record in (slow, slow.audit):
        answer, groups = radius(as_user(ada), record)
        said = {title: [(row.words, row.stage) for row in group.rows] for title, group in groups.items()}
        assert said["Claims"] == [("Your largest page takes 6.8 seconds to show on a phone.", "Accepted")]
        assert ("Faster pages", "Accepted") in said["Scope"]
        assert said["Timeline"] == [("Mend the slowest pages", "Accepted")]
        assert ("Mending", "Accepted") in said["Prices"]
        assert said["Proposals"] == [(str(proposal), "Accepted")]
        assert said["Contracts"] == [(f"Contract {opportunity.contracts.get().number}", "Active")]
        assert said["Words for the client"] == [("Your pages are slow on phones", "Draft")]
        assert {words for words, _ in said["Promises"]} >= {"Faster pages", "Mend the slowest pages"}
        assert {stage for _, stage in said["Published pages"]} == {"Shown"}
        assert all(row.url for group in groups.values() for row in group.rows)
        for group in groups.values():
            for row in group.rows:
                assert as_user(ada).get(row.url.split("#")[0]).status_code == 200


def test_it_leads_through_a_finding_to_the_proposal_and_the_page_on_which_it_is_read(ada, ben, as_user):
    opportunity = an_opportunity(ada, stage="proposal")
    slow, calls = Evidence.objects.filter(audit__opportunity=opportunity).order_by("pk")
    proposal = a_proposal(ada, opportunity=opportunity)
    for model in (ScopeItem, PriceLine):
        for row in model.objects.filter(proposal=proposal, evidence=calls):
            proposal.change(row, by=ada, evidence=slow)
    about = {"record_type": Evidence.label(), "record_id": calls.pk, "title": "Few people book"}
    a_summary(ada, approver=ben, stage="approved", opportunity=opportunity, **about)
    _, groups = radius(as_user(ada), calls)
    assert [row.words for row in groups["Words for the client"].rows] == ["Few people book"]
    assert "Proposals" not in groups
    proposal = approve_all(perform(again(proposal).submit, by=ada), ben)
    proposal = perform(proposal.send, by=ada, contact=opportunity.decision_owner)
    _, groups = radius(as_user(ada), calls)
    assert [(row.words, row.note) for row in groups["Proposals"].rows] == [
        (str(proposal), "a finding that it shows rests on it")
    ]
    assert [row.words for row in groups["Published pages"].rows] == [f"Proposal: {proposal.title}"]


def test_every_version_tells_what_rests_on_the_others(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben)
    old = slow_of(proposal)
    new = old.correct(by=ada, value=5, reason="Measured again.")
    for version in (old, new):
        answer, groups = radius(as_user(ada), version)
        assert groups["Claims"].rows[0].note.endswith(", on version 1")
        assert "Measured again." in answer.text


def test_what_the_reader_may_not_see_is_only_counted(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben)
    group = ada.groups.get()
    group.permissions.remove(*group.permissions.filter(content_type__app_label="proposals"))
    answer, groups = radius(as_user(type(ada).objects.get(pk=ada.pk)), slow_of(proposal))
    assert [(group.rows, group.hidden > 0) for group in groups.values()] == [([], True)] * len(groups)
    assert "more that you may not see" in answer.text
    assert proposal.title not in answer.text


def test_nothing_rests_on_it_yet(ada, as_user):
    audit = an_opportunity(ada, stage="proposal").audits.get()
    answer, groups = radius(as_user(ada), slow_of_audit(audit))
    assert groups == {}
    assert "Nothing rests on this yet." in answer.text


def test_it_costs_the_same_with_one_dependent_and_with_fifty(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben)
    slow, browser = slow_of(proposal), as_user(ada)
    radius(browser, slow)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            radius(browser, slow)
        return len(seen)

    few = queries()
    for number in range(55):
        claim = Claim.objects.create(proposal=proposal, text=f"Claim {number}")
        claim.evidence.add(slow)
    answer, groups = radius(browser, slow)
    assert (len(groups["Claims"].rows), groups["Claims"].more) == (50, True)
    assert queries() == few <= 15


def test_the_proposals_page_offers_the_newest_versions(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben)
    new = slow_of(proposal).correct(by=ada, value=5, reason="Measured again.")
    browser = as_user(ada)
    url = reverse("admin:proposals_proposal_newest", args=[proposal.pk])
    assert url in browser.get(proposal.staff_url()).text
    assert browser.post(url).status_code == 302
    assert new in Proposal.objects.get(pk=proposal.pk).evidence()
    assert url not in browser.get(proposal.staff_url()).text


# -- With the client. --------------------------------------------------------------------------------------------------


def asked_about(proposal):
    return list(Task.objects.about(proposal).open().filter(title__startswith="Its proof fell").order_by("pk"))


@pytest.mark.parametrize("stage", ["sent", "viewed", "accepted"])
def test_the_owner_is_asked_once_a_piece_whatever_rests_on_it(ada, ben, as_user, stage):
    proposal = a_proposal(ada, approver=ben, stage=stage)
    slow = slow_of(proposal)
    slow.withdraw(by=ada, reason="The wrong site.")
    (task,) = asked_about(proposal)
    assert task.owner == proposal.owner
    assert "Its proof fell: Largest Contentful Paint 6.8 s, version 1." in task.title
    assert reverse("opportunities_evidence_rests", args=[slow.pk]) in as_user(ada).get(task.staff_url()).text


def test_a_second_piece_is_asked_about_although_the_audit_had_fallen_already(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")
    Evidence.objects.get(metric__startswith="Bookings").correct(by=ada, value=39, reason="Counted again.")
    assert [task.title.split(",")[0] for task in asked_about(proposal)] == [
        "Its proof fell: Largest Contentful Paint 6.8 s",
        "Its proof fell: Bookings from phones 41 a month",
    ]


def test_what_was_decided_is_not_asked_again(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    new = slow_of(proposal).correct(by=ada, value=5, reason="Counted again.")
    (task,) = asked_about(proposal)
    perform(task.finish, by=ada)
    perform(perform(again(new.audit).submit, by=ada).verify, by=ben)
    perform(again(new.audit).expire, by=None, reason="Measured on the wrong day.")
    assert asked_about(proposal) == []


def test_what_a_signed_contract_replaced_is_not_asked_about(ada, ben):
    proposal = a_won_deal(ada, manager=ben).proposals.get()
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")
    assert asked_about(proposal) == []


def test_a_draft_on_an_audit_that_is_still_collected_pauses_with_its_piece(ada, ben):
    proposal = a_proposal(ada)
    second = Audit(opportunity=proposal.opportunity, name="Second look", owner=ada, next_action="Collect")
    second = perform(begin(second, by=ada).collect, by=ada)
    calls = some_evidence(second, ada, metric="Calls", provider="Interview")
    proposal.add(Claim(text="People call you."), by=ada, evidence=[calls])
    calls.withdraw(by=ada, reason="They counted twice.")
    proposal = again(proposal)
    assert (proposal.stage, proposal.paused_by_itself) == ("paused", True)
    assert "Calls 6.8, version 1 does not count any more. They counted twice." in proposal.paused_because


def test_an_approved_one_cannot_be_sent_on_proof_that_aged_a_second_ago(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="approved", valid_until=timezone.localdate() + timedelta(days=99))
    time_machine.move_to(slow_of(proposal).fresh_until)
    with pytest.raises(Refused, match="it counted until"):
        perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)


# -- The blast radius of a claim and of a clause. ----------------------------------------------------------------------


def radius_of(browser, kind, record):
    answer = browser.get(reverse(f"proposals_{kind}_rests", args=[record.pk]))
    return answer, {group.title: group for group in answer.context["groups"]}


def test_a_claim_says_what_rests_on_it_down_to_the_published_page(ada, ben, as_user):
    opportunity = a_won_deal(ada, manager=ben)
    claim = opportunity.proposals.get().claims.get()
    answer, groups = radius_of(as_user(ada), "claim", claim)
    said = {title: [row.words for row in group.rows] for title, group in groups.items()}
    assert said["Proposals"] == [str(claim.proposal)]
    assert said["Contracts"] == [f"Contract {opportunity.contracts.get().number}"]
    assert claim.text in said["Promises"]
    assert said["Published pages"]
    assert claim.text in answer.text


def test_a_claim_is_the_same_in_every_revision(ada, ben, as_user):
    first = a_proposal(ada, approver=ben, stage="sent")
    second = first.revise(by=ada)
    _, groups = radius_of(as_user(ada), "claim", second.claims.get())
    assert [row.words for row in groups["Proposals"].rows] == [str(second), str(first)]
    assert [row.note for row in groups["Claims"].rows] == [f"in {first.number}, revision 1"]


def test_a_clause_says_which_contracts_hold_it_in_which_version(ada, ben, as_user):
    contract = a_won_deal(ada, manager=ben).contracts.get()
    clause = contract.contract_clauses.first().clause
    answer, groups = radius_of(as_user(ada), "clause", clause)
    row = groups["Contracts"].rows[0]
    assert (row.words, row.note) == (f"Contract {contract.number}", "version 1")
    assert groups["Published pages"].rows
    assert reverse("proposals_clause_rests", args=[clause.pk]) in as_user(ada).get(contract.staff_url()).text
    assert reverse("proposals_clause_rests", args=[clause.pk]) in as_user(ben).get(clause.staff_url()).text


def test_what_is_out_of_reach_is_counted_and_not_named(ada, ben, cem, as_user):
    contract = a_won_deal(ada, manager=ben).contracts.get()
    claim = contract.proposal.claims.get()
    assert as_user(cem).get(reverse("proposals_claim_rests", args=[claim.pk])).status_code == 404
    answer, groups = radius_of(as_user(cem), "clause", contract.contract_clauses.first().clause)
    assert [(group.rows, group.hidden > 0) for group in groups.values()] == [([], True)] * len(groups)
    assert contract.number not in answer.text


def test_both_ask_little_however_much_there_is(ada, ben, as_user, django_assert_max_num_queries):
    contract, browser = a_won_deal(ada, manager=ben).contracts.get(), as_user(ada)
    for kind, record in (
        ("claim", contract.proposal.claims.get()),
        ("clause", contract.contract_clauses.first().clause),
    ):
        radius_of(browser, kind, record)
        with django_assert_max_num_queries(15):
            radius_of(browser, kind, record)
