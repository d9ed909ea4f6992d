"""A contract holds what was accepted, and is signed by both sides."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone

from opportunities.models import Task
from opportunities.records import Refused, edit, perform
from portal.models import Publication
from proposals import publishing
from proposals.house import furnish
from proposals.models import Clause, Contract, Payment, ScopeItem, Signature
from tests.makers_proposals import SHOWN, a_contract, a_proposal, approve_all, decide

pytestmark = pytest.mark.django_db


def test_a_contract_walks_from_draft_to_active(ada, ben):
    contract = a_contract(ada, approver=ben, stage="active")
    assert contract.stage == "active"
    assert {signature.side for signature in contract.signatures.all()} == {"client", "agency"}
    newest = Publication.objects.filter(kind="contract").order_by("-id").first()
    assert newest.pk == contract.publication_id
    assert newest.body["countersigned"]["name"] == "Ben"


def test_it_is_drawn_up_only_from_an_accepted_proposal_and_only_once(ada, ben):
    with pytest.raises(Refused, match="accept the proposal first"):
        Contract.draw_up(a_proposal(ada, approver=ben, stage="sent"), by=ada)
    contract = a_contract(ada, approver=ben)
    with pytest.raises(Refused, match="already a contract"):
        Contract.draw_up(contract.proposal, by=ada)


def test_the_newest_version_of_each_standard_clause_is_pinned(ada, ben):
    furnish()
    first = Clause.objects.get(key="2-payment")
    Clause.objects.create(key="2-payment", version=2, title=first.title, text="All at once.")
    contract = a_contract(ada, approver=ben)
    assert contract.contract_clauses.get(clause__key="2-payment").text == "All at once."


def test_an_edited_clause_says_so_and_lapses_the_approval(ada, ben):
    contract = a_contract(ada, approver=ben, stage="approved")
    row = contract.contract_clauses.first()
    row.text = "Something else."
    row.save()
    contract.was_edited(by=ada)
    contract.refresh_from_db()
    assert row.edited
    assert contract.stage == "in_review"


def sold(owner, approver, options):
    """Publish the contract of a proposal with an option in scope and price. Return what the client reads."""
    proposal = a_proposal(owner)
    proof = [proposal.price_lines.get(title="Call tracking").evidence]
    proposal.add(
        ScopeItem(kind="optional", title="Call tracking", text="We count your calls."), by=owner, evidence=proof
    )
    proposal = approve_all(perform(proposal.submit, by=owner), approver)
    proposal = perform(proposal.send, by=owner, contact=proposal.opportunity.decision_owner)
    proposal = perform(proposal.mark_viewed, by=proposal.recipient)
    chosen = list(proposal.price_lines.filter(title__in=options).values_list("pk", flat=True))
    proposal = perform(proposal.accept, by=proposal.recipient, name="Bo", role="Owner", options=chosen)
    contract = a_contract(owner, approver=approver, stage="sent", proposal=proposal)
    return Publication.objects.get(pk=contract.publication_id).body


def test_what_the_client_chose_is_included_in_the_contract(ada, ben, as_user):
    body = sold(ada, ben, ["Call tracking"])
    assert body["scope"]["included"][-1] == {"title": "Call tracking", "text": "We count your calls."}
    assert "optional" not in body["scope"]
    assert "Call tracking" in [price["title"] for price in body["prices"]]
    assert "<li>Call tracking</li>" in as_user(ben).get(Contract.objects.get().staff_url()).text


def test_what_the_client_did_not_choose_is_no_part_of_the_contract(ada, ben, as_user):
    assert "Call tracking" not in str(sold(ada, ben, []))
    assert "<li>Call tracking</li>" not in as_user(ben).get(Contract.objects.get().staff_url()).text


def test_its_author_may_not_approve_it(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    contract = perform(Contract.draw_up(proposal, by=ben).submit, by=ben)
    with pytest.raises(PermissionDenied):
        decide(contract.approvals.get(), by=ben)


def test_its_kickoff_is_still_to_come_when_it_is_submitted_and_when_it_is_sent(ada, ben, time_machine):
    today = publishing.agency_day()
    drawn = a_contract(ada, approver=ben, kickoff_on=today)
    assert perform(drawn.submit, by=ada).stage == "in_review", "today is soon enough"
    approved = approve_all(drawn, ben)
    time_machine.move_to(publishing.end_of(today) + timedelta(minutes=1), tick=False)
    with pytest.raises(Refused, match="Choose a day for the kickoff that is still to come.") as refusal:
        perform(approved.send, by=ada)
    (lack,) = refusal.value.lacks
    assert lack.url == approved.staff_url("id_kickoff_on"), "it leads to its field"
    edit(approved, by=ada, kickoff_on=today + timedelta(days=7))
    contract = approve_all(Contract.objects.get(pk=approved.pk), ben)
    assert perform(contract.send, by=ada).stage == "sent"


def test_a_draft_whose_kickoff_has_passed_is_not_submitted_and_one_without_is(ada, ben):
    contract = a_contract(ada, approver=ben)
    edit(contract, by=ada, kickoff_on=publishing.agency_day() - timedelta(days=1))
    with pytest.raises(Refused, match="Choose a day for the kickoff"):
        perform(Contract.objects.get(pk=contract.pk).submit, by=ada)
    edit(contract, by=ada, kickoff_on=None)
    assert perform(Contract.objects.get(pk=contract.pk).submit, by=ada).stage == "in_review"


def test_growth_ops_cannot_countersign(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    with pytest.raises(PermissionDenied):
        perform(contract.countersign, by=ada, role="Sales")


def test_what_was_sent_is_frozen(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    for attempt in (
        lambda: Contract.objects.filter(pk=contract.pk).update(kickoff_on=None),
        lambda: contract.contract_clauses.update(text="Other"),
        lambda: Clause.objects.update(text="Other"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_a_signature_is_never_changed(ada, ben):
    a_contract(ada, approver=ben, stage="signed")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Signature.objects.update(name="Somebody else")


def test_a_signed_proposal_is_not_withdrawn(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    with pytest.raises(Refused, match="already signed"):
        perform(contract.proposal.withdraw, by=ada, reason="Regret.")


def test_the_payment_is_where_the_contract_asks_it_to_be(ada, ben):
    contract = a_contract(ada, approver=ben)
    payment = Payment.objects.get(contract=contract)
    assert not contract.payment_is_as_agreed
    payment = perform(payment.send_invoice, by=ada, invoice="2026-17", due_on=contract.due_on)
    payment = perform(payment.pay_part, by=ada, paid=100, **SHOWN)
    assert payment.paid == 100
    perform(payment.pay, by=ada, **SHOWN | {"reference": "SEPA 4712"})
    assert Contract.objects.get(pk=contract.pk).payment_is_as_agreed


def test_a_payment_that_is_overdue_is_asked_about_until_it_comes(ada, ben):
    contract = a_contract(ada, approver=ben)
    payment = Payment.objects.get(contract=contract)
    payment = perform(payment.send_invoice, by=ada, invoice="2026-17", due_on=contract.due_on)
    with pytest.raises(Refused, match="From the day after it is overdue"):
        perform(payment.mark_overdue, by=ada)
    with time_machine.travel(timezone.now() + timedelta(days=1 + (contract.due_on - timezone.localdate()).days)):
        payment = perform(payment.mark_overdue, by=None)
    asked = Task.objects.open().about(payment)
    assert asked.get().title.startswith("Ask the client about the payment")
    perform(payment.pay, by=ada, **SHOWN)
    assert not asked.exists()


def test_waiving_a_payment_is_a_managers(ada, ben):
    payment = Payment.objects.get(contract=a_contract(ada, approver=ben))
    with pytest.raises(PermissionDenied):
        perform(payment.waive, by=ada, reason="They are nice.")
    assert perform(payment.waive, by=ben, reason="Paid by their partner.").stage == "waived"


def test_furnishing_twice_adds_nothing(db):
    assert furnish() > 0
    assert furnish() == 0
