"""A proposal earns the right to be sent, and stays as it was sent."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Evidence, Message, Objection, Task
from opportunities.records import Refused, edit, perform
from portal.models import Guest, ProposalLink, Publication
from proposals import clock, totals
from proposals.models import Claim, PriceLine, Proposal, ScopeItem
from tests.makers import an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary, approve_all

pytestmark = pytest.mark.django_db


def test_a_sound_proposal_walks_from_draft_to_accepted(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    assert proposal.stage == "accepted"
    assert proposal.number.startswith("P-")
    assert proposal.answered_at is not None


def test_an_empty_proposal_is_refused_with_every_reason_at_once(ada):
    proposal = a_proposal(ada)
    for rows in (proposal.scope_items, proposal.milestones, proposal.price_lines):
        rows.all().delete()
    edit(proposal, by=ada, valid_until=None)
    with pytest.raises(Refused) as refusal:
        perform(proposal.submit, by=ada)
    assert refusal.value.reasons == [
        "Say what is included.",
        "Add the steps of the timeline.",
        "Add a price.",
        "Set the day until which it is valid.",
    ]


def test_a_claim_without_evidence_is_named(ada):
    proposal = a_proposal(ada)
    proposal.add(Claim(text="Your competitors are faster."), by=ada)
    with pytest.raises(Refused, match="Your competitors are faster"):
        perform(proposal.submit, by=ada)


def test_a_projection_says_how_its_number_was_reached(ada):
    proposal = a_proposal(ada)
    evidence = Evidence.objects.first()
    proposal.add(Claim(text="Bookings rise.", kind="projection"), by=ada, evidence=[evidence])
    with pytest.raises(Refused, match="how the number was reached"):
        perform(proposal.submit, by=ada)


def test_a_claim_rests_only_on_evidence_of_its_own_opportunity(ada):
    proposal = a_proposal(ada)
    an_opportunity(ada, stage="proposal")
    foreign = Evidence.objects.exclude(audit__opportunity=proposal.opportunity).first()
    with pytest.raises(ValidationError, match="of this opportunity"):
        proposal.claims.get().support(foreign)
    with pytest.raises(ValidationError, match="of this opportunity"):
        proposal.scope_items.first().support(foreign)


@pytest.mark.parametrize("words", ["We double your bookings.", "This is guaranteed.", "You win 30 % more calls."])
def test_outcome_words_that_no_claim_proves_stop_submission(ada, words):
    proposal = a_proposal(ada, intro=words)
    with pytest.raises(Refused, match="Make a claim with evidence of"):
        perform(proposal.submit, by=ada)


def test_the_title_of_a_price_promises_nothing_either(ada):
    proposal = a_proposal(ada)
    line = proposal.price_lines.first()
    line.title = "Double your leads, guaranteed"
    line.save()
    with pytest.raises(Refused, match="Double"):
        perform(proposal.submit, by=ada)


def test_outcome_words_of_a_supported_claim_pass(ada):
    proposal = a_proposal(ada, intro="Only 41 % of visits from phones end well.")
    claim = Claim(text="Of visits from phones, 41 % end well.", method="Counted in July.")
    proposal.add(claim, by=ada, evidence=[Evidence.objects.first()])
    assert perform(proposal.submit, by=ada).stage == "in_review"


def test_coverage_counts_the_rows_that_show_evidence(ada):
    assert a_proposal(ada).coverage == 100


def test_somebody_from_another_team_may_not_touch_it(ada, cem):
    proposal = a_proposal(ada)
    assert not Proposal.objects.visible_to(cem).exists()
    with pytest.raises(PermissionDenied):
        perform(proposal.submit, by=cem)


def test_money_is_exact_and_rounded_half_up_once_a_line():
    price = PriceLine(quantity=Decimal("3"), unit_price=Decimal("0.335"), discount=Decimal("0"), tax=Decimal("0"))
    assert totals.line(price, "EUR") == Decimal("1.01")
    price = PriceLine(quantity=Decimal("1"), unit_price=Decimal("99.99"), discount=Decimal("12.5"), tax=Decimal("19"))
    assert totals.line(price, "EUR") == Decimal("104.11")


def test_totals_leave_out_what_the_client_did_not_choose(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    assert (proposal.totals.once, proposal.totals.monthly) == (Decimal("3000.00"), Decimal("900.00"))
    assert proposal.totals.first_year == Decimal("13800.00")
    option = proposal.price_lines.get(optional=True)
    proposal = perform(proposal.accept, by=proposal.recipient, options=[option.pk, 999999])
    assert proposal.chosen == [option.pk]
    assert proposal.totals.monthly == Decimal("1050.00")


# -- Sending. ----------------------------------------------------------------------------------------------------------


def test_sending_publishes_admits_and_queues_the_mail_with_the_link(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    publication = Publication.objects.get(pk=proposal.publication_id)
    link = ProposalLink.objects.get(publication=publication)
    mail = Message.objects.get(template="proposal")
    assert publication.ref == f"proposals.proposal:{proposal.pk}"
    assert "Ben" in publication.approved_by
    assert link.contact_id == proposal.recipient_id
    assert mail.stage == "queued"
    assert mail.secret_link in mail.mailed_words
    assert "/p/" not in mail.body
    assert link.token_hash not in mail.mailed_words
    assert Guest.objects.get().email == proposal.recipient.email
    follow_up = Task.objects.about(proposal).open().get()
    assert follow_up.contact == proposal.recipient
    assert follow_up.title.startswith("Ask how the proposal reads")


def test_the_client_is_shown_named_fields_and_nothing_internal(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    shown = str(Publication.objects.get(pk=proposal.publication_id).body)
    assert "Mending" in shown
    for internal in ("1200", "Two people for a week", "internal", "assumption is"):
        assert internal not in shown


def test_approved_findings_are_shown_and_count_as_published(ada, ben):
    opportunity = an_opportunity(ada, stage="proposal")
    finding = a_summary(ada, approver=ben, stage="approved", opportunity=opportunity)
    a_summary(ada, stage="draft", opportunity=opportunity, title="Not yet approved")
    proposal = a_proposal(ada, approver=ben, stage="sent", opportunity=opportunity)
    body = Publication.objects.get(pk=proposal.publication_id).body
    assert body["findings"] == [{"title": finding.title, "text": finding.words}]
    finding.refresh_from_db()
    assert finding.stage == "published"


def test_it_goes_only_to_a_contact_of_this_client(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    stranger = an_opportunity(ada).decision_owner
    with pytest.raises(Refused, match="contact of this client"):
        perform(proposal.send, by=ada, contact=stranger)
    assert not ProposalLink.objects.exists()


@pytest.mark.parametrize("change", [{"title": "Other"}, {"valid_until": timezone.localdate()}, {"currency": "EUR"}])
def test_the_database_freezes_what_was_sent(ada, ben, change):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(**change)


def test_the_database_freezes_the_rows_of_what_was_sent(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    claim, evidence = proposal.claims.get(), Evidence.objects.last()
    attempts = [
        lambda: proposal.price_lines.update(unit_price=1),
        lambda: proposal.scope_items.all().delete(),
        lambda: proposal.milestones.update(weeks=9),
        lambda: ScopeItem.objects.create(proposal=proposal, title="Slipped in"),
        lambda: claim.evidence.add(evidence),
        lambda: claim.evidence.clear(),
        lambda: PriceLine.objects.filter(proposal=proposal).update(proposal=a_proposal(ada)),
    ]
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="do not change any more"), transaction.atomic():
            attempt()


def test_writing_a_row_of_what_was_sent_is_refused_in_words(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    with pytest.raises(Refused, match="Make a new revision"):
        proposal.change(proposal.price_lines.first(), by=ada, unit_price=1)


def test_what_the_client_chose_is_frozen(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(chosen=[1])


# -- Revisions. --------------------------------------------------------------------------------------------------------


def test_a_revision_copies_the_rows_and_starts_unapproved(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    copy = proposal.revise(by=ada)
    assert (copy.number, copy.revision, copy.stage) == (proposal.number, 2, "draft")
    assert [row.says() for row in copy.rows()] == [row.says() for row in proposal.rows()]
    assert not copy.approvals.exists()


def test_sending_a_revision_supersedes_the_earlier_one_and_leads_its_link_on(ada, ben):
    first = a_proposal(ada, approver=ben, stage="sent")
    second = approve_all(perform(first.revise(by=ada).submit, by=ada), ben)
    second = perform(second.send, by=ada, contact=second.opportunity.decision_owner)
    first.refresh_from_db()
    assert (first.stage, first.superseded_by) == ("superseded", second)
    old, new = ProposalLink.objects.order_by("pk")
    assert old.revoked_at
    assert old.replaced_by == new
    assert (first.client_safe, second.client_safe) == ("withdrawn", "published")
    shown = Publication.objects.get(kind="proposal", withdrawn_at=None)
    assert shown.pk == second.publication_id, "the client's own pages show the newest revision only"


def test_a_number_and_revision_exist_once(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    copy = proposal.revise(by=ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.filter(pk=copy.pk).update(revision=1)


# -- Ends. -------------------------------------------------------------------------------------------------------------


def test_what_is_over_says_no_next_action(ada, ben):
    proposal = perform(a_proposal(ada, approver=ben, stage="sent").withdraw, by=ben, reason="They asked us to.")
    assert proposal.next_action == ""


def test_withdrawing_closes_the_links(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    perform(proposal.withdraw, by=ada, reason="The budget changed.")
    assert ProposalLink.objects.get().revoked_at
    assert Publication.objects.get(kind="proposal").withdrawn_at


def test_declining_keeps_the_reason_as_an_objection(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    perform(proposal.decline, by=proposal.recipient, reason="Too slow for us.")
    assert Objection.objects.get().words == "Too slow for us."


def test_staff_cannot_accept_for_the_client(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    with pytest.raises(PermissionDenied):
        perform(proposal.accept, by=ben)


def test_a_client_cannot_make_staff_moves(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    with pytest.raises(PermissionDenied):
        perform(proposal.send, by=proposal.opportunity.decision_owner, contact=proposal.opportunity.decision_owner)


def test_it_expires_the_day_after_its_last(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    time_machine.move_to(timezone.now() + timedelta(days=21))
    assert clock.expire() == 0
    time_machine.move_to(timezone.now() + timedelta(days=1))
    assert clock.expire() == 1
    proposal.refresh_from_db()
    assert proposal.stage == "expired"


def test_losing_the_deal_takes_its_offer_back(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    day = timezone.localdate()
    window = {"reactivate_from": day + timedelta(days=90), "reactivate_to": day + timedelta(days=180)}
    perform(proposal.opportunity.lose, by=ada, reason="price", words="Too dear.", **window)
    proposal.refresh_from_db()
    assert proposal.stage == "withdrawn"


# -- Evidence that falls. ----------------------------------------------------------------------------------------------


def test_it_pauses_by_itself_when_its_audit_goes_stale_and_remembers_where_it_was(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="in_review")
    perform(proposal.opportunity.audits.get().expire, by=None, reason="Lighthouse is 61 days old.")
    proposal.refresh_from_db()
    assert (proposal.stage, proposal.paused_from) == ("paused", "in_review")
    assert "61 days" in proposal.paused_because
    assert Task.objects.about(proposal).open().filter(owner=ada).exists()
    with pytest.raises(Refused, match="stale"):
        perform(proposal.resume, by=ada)


def test_one_with_the_client_asks_its_owner_instead(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    perform(proposal.opportunity.audits.get().withdraw, by=ben, reason="Measured the wrong site.")
    proposal.refresh_from_db()
    assert proposal.stage == "sent"
    assert Task.objects.about(proposal).open().filter(title__startswith="Its proof fell").exists()


def test_it_resumes_by_itself_when_the_evidence_was_measured_again(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="in_review")
    audit = perform(proposal.opportunity.audits.get().expire, by=None, reason="Aged.")
    audit = perform(audit.collect, by=ada)
    perform(perform(audit.submit, by=ada).verify, by=ben)
    proposal.refresh_from_db()
    assert proposal.stage == "in_review"


@pytest.mark.parametrize("stage", ["draft", "in_review", "approved"])
def test_a_revision_that_has_not_left_us_is_changed_and_not_revised(ada, ben, as_user, stage):
    proposal = a_proposal(ada, approver=ben, stage=stage)
    with pytest.raises(Refused, match="Change this one: it has not gone to the client."):
        proposal.revise(by=ada)
    browser = as_user(ada)
    answer = browser.post(reverse("admin:proposals_proposal_revise", args=[proposal.pk]))
    page = browser.get(answer.url).text
    assert "Change this one: it has not gone to the client." in page
    assert "Begin the next revision" not in page
    assert Proposal.objects.count() == 1


def test_an_offer_that_a_contract_rests_on_is_not_revised_while_that_runs(ada, ben, as_user):
    contract = a_contract(ada, approver=ben)
    proposal = contract.proposal
    with pytest.raises(Refused, match=f"A contract rests on it: void {contract.number} first."):
        proposal.revise(by=ada)
    assert "Begin the next revision" not in as_user(ada).get(proposal.staff_url()).text

    perform(contract.void, by=ben, reason="They want more.")
    assert "Begin the next revision" in as_user(ada).get(proposal.staff_url()).text
    assert proposal.revise(by=ada).revision == 2
