"""What is settled stays so, whoever asks the database: a decision, a promise, a bill, a closing, a published report."""

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from handoff.models import Promise, Report, ReportNote
from opportunities.models import Closing, Consent
from opportunities.records import begin, edit, perform
from proposals.models import Approval, Payment
from tests.makers_handoff import a_handoff, a_project, a_report, a_won_deal
from tests.makers_proposals import SHOWN, a_contract, a_proposal, a_summary

pytestmark = pytest.mark.django_db


def stays(record, **changes):
    """Check that none of these columns can be changed by a plain update, each on its own."""
    rows = type(record)._base_manager.filter(pk=record.pk)
    assert rows.count() == 1
    for column, value in changes.items():
        with pytest.raises(DatabaseError, match="does not change any more|never changed"), transaction.atomic():
            rows.update(**{column: value})


def decide_by_hand(approval, stage, who):
    Approval.objects.filter(pk=approval.pk).update(stage=stage, decided_by=who, decided_at=timezone.now())


def test_a_decision_stays(ada, ben, cem):
    approval = a_proposal(ada, approver=ben, stage="approved").approvals.first()
    stays(approval, decided_by=cem, decided_at=timezone.now(), decision="Never mind.")
    stays(perform(approval.lapse, by=None), decided_by=cem)


def test_an_approval_still_goes_to_somebody_else_while_it_is_asked(ada, ben, eve):
    approval = a_proposal(ada, stage="in_review").approvals.first()
    assert edit(approval, by=ben, owner=eve).owner == eve


@pytest.mark.parametrize("stage", ["approved", "rejected", "changes_requested"])
def test_nobody_decides_on_what_they_wrote(ada, stage):
    for written in (a_proposal(ada, stage="in_review"), a_summary(ada, stage="in_review")):
        with pytest.raises(DatabaseError, match="Whoever wrote it does not decide"), transaction.atomic():
            decide_by_hand(written.approvals.first(), stage, ada)


def test_whoever_edited_last_does_not_decide_on_it(ada, ben):
    contract = a_contract(ada, approver=ben, stage="in_review")
    contract.note_editor(ben)
    with pytest.raises(DatabaseError, match="Whoever wrote it does not decide"), transaction.atomic():
        decide_by_hand(contract.approvals.get(stage="pending"), "approved", ben)


def test_an_approval_lapses_when_the_approver_edits_afterwards(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    proposal.change(proposal.price_lines.first(), by=ben, unit_price=1)
    assert proposal.approvals.get(aspect="pricing", decided_by=ben).stage == "lapsed"


def test_an_author_stays(ada, ben, cem):
    contract = a_contract(ada, approver=ben)
    stays(contract, author=cem)
    stays(contract.proposal, author=cem)
    stays(a_summary(ada, opportunity=contract.opportunity), author=cem)


def test_a_promise_keeps_its_words_from_the_moment_it_is_offered(ada, ben, dora, cem):
    promise = a_handoff(ada, manager=ben, delivery=dora).promises.first()
    stays(promise, title="Less", words="Less", kind="exclusion", sold_by=cem, record_id=0, settled_as="Less")


def test_what_was_agreed_instead_stays(ada, ben, dora):
    promise = a_handoff(ada, manager=ben, delivery=dora).promises.first()
    promise = perform(promise.dispute, by=dora, reason="It cannot be done.")
    promise = perform(promise.settle, by=ben, outcome="as_sold", reason="Half of it.")
    assert Promise.objects.get(pk=promise.pk).settled_as == "Half of it."
    stays(promise, settled_as="None of it.")


def test_a_closing_stays(ada, ben, dora):
    a_won_deal(ada, manager=ben)
    closing = Closing.objects.get()
    stays(closing, outcome="lost", reason="price", words="They had no choice.", competitor="None", owner=ben)


def test_a_published_report_and_its_notes_stay(ada, ben, dora, cem):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    note = begin(ReportNote(report=report, words="Their own developer broke it.", author=dora), by=dora)
    report = perform(report.publish, by=dora)

    stays(note, words="It was us.", author=ben, report=report.cadence.reports.last())
    stays(report, numbers=[], next_steps="", approved_by=cem, published_at=None, publication_id=1, summary=None)
    assert Report.objects.get(pk=report.pk).numbers == report.numbers


def test_a_bill_stays_and_what_was_paid_only_grows(ada, ben):
    payment = Payment.objects.get(contract=a_contract(ada, approver=ben))
    due = timezone.localdate()
    payment = perform(payment.send_invoice, by=ada, invoice="2026-17", due_on=due)
    stays(payment, amount=1, currency="EUR", invoice="2026-18", due_on=None)

    payment = perform(payment.pay_part, by=ada, paid=100, **SHOWN)
    stays(payment, amount=1, paid=99)
    payment = perform(payment.pay, by=ada, **SHOWN | {"reference": "SEPA 4712"})
    stays(payment, amount=1, paid=payment.amount + 1)
    assert Payment.objects.get().paid == payment.amount


def test_a_waived_payment_takes_no_money_any_more(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    stays(project.handoff.contract.payment, paid=1, amount=1)


def test_a_withdrawn_consent_stays_withdrawn(ada, ben, as_user):
    contact = a_proposal(ada).opportunity.decision_owner
    consent = Consent.objects.create(contact=contact, purpose="marketing", text_version="1", source="Form")
    consent = edit(consent, by=ada, withdrawn_at=timezone.now())

    stays(consent, withdrawn_at=None, expires_at=None, purpose="transactional")
    assert as_user(ada).post(consent.staff_url(), {"purpose": "marketing"}).status_code == 403
