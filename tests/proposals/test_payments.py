"""Money is recorded with what shows it, by a person or by what a payment provider said. What does not fit is asked."""

import json
import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from opportunities.models import Event, Notice, Task
from opportunities.records import Refused, perform
from portal.models import PaymentNotice
from portal.payments import signature
from proposals import inbox
from proposals.models import Payment, PaymentProof
from tests import database
from tests.makers_proposals import SHOWN, a_contract

SECRET = "first-secret-of-24-letters"


@pytest.fixture
def payment(request, ada, ben):
    """The first payment of a contract that is with the client: invoiced, nothing came in yet."""
    contract = a_contract(ada, approver=ben, stage="sent")
    return perform(contract.payment.send_invoice, by=ada, invoice="2026-17", due_on=date(2026, 12, 12))


# -- By hand. ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["reference", "link"])
def test_nobody_is_believed_who_shows_nothing(payment, ada, missing):
    shown = SHOWN | {missing: ""}
    with pytest.raises(Refused, match="reference|Bring the file"):
        perform(payment.pay, by=ada, **shown)
    with pytest.raises(Refused, match="reference|Bring the file"):
        perform(payment.pay_part, by=ada, paid=100, **shown)
    assert Payment.objects.get(pk=payment.pk).stage == "invoiced"
    assert not PaymentProof.objects.exists()


@pytest.mark.django_db
def test_what_came_in_and_went_back_is_kept_with_what_shows_it(payment, ada, ben):
    payment = perform(payment.pay_part, by=ada, paid=Decimal("100"), **SHOWN)
    for move, more in ((payment.pay_part, {"paid": Decimal("100")}), (payment.pay, {})):
        with pytest.raises(Refused, match="“SEPA 4711” was recorded already: 100.00 USD on 20 November 2026"):
            perform(move, by=ada, **SHOWN | {"reference": " sepa 4711"} | more)
    payment = perform(payment.pay, by=ada, **SHOWN | {"reference": "SEPA 4712"})
    payment = perform(payment.refund, by=ben, reason="We were late.", **SHOWN | {"reference": "SEPA 4713"})
    rows = [(row.kind, row.amount, row.reference) for row in payment.proofs.all()]
    assert rows == [
        ("part_paid", Decimal("100"), "SEPA 4711"),
        ("paid", payment.amount - 100, "SEPA 4712"),
        ("refunded", payment.amount, "SEPA 4713"),
    ]
    with pytest.raises(DatabaseError), transaction.atomic():
        PaymentProof.objects.update(reference="Another")
    with pytest.raises(DatabaseError), transaction.atomic():
        PaymentProof.objects.all()._raw_delete("default")


@pytest.mark.django_db
def test_a_part_is_less_than_what_is_open(payment, ada):
    for amount in (payment.amount, payment.amount + 1, Decimal("0"), Decimal("-5")):
        with pytest.raises(Refused, match="A part is less than what is still open"):
            perform(payment.pay_part, by=ada, paid=amount, **SHOWN)


@pytest.mark.django_db
def test_a_payment_is_waived_with_a_reason_and_shows_nothing(payment, ben, as_user):
    answer = as_user(ben).post(payment.move_url("waive"), {"reason": ""})
    assert "Say why" in answer.content.decode()
    with pytest.raises(Refused, match="Say why it is waived"):
        perform(payment.waive, by=ben, reason=" ")
    assert perform(payment.waive, by=ben, reason="Paid by their partner.").stage == "waived"


@pytest.mark.django_db
def test_the_database_refuses_paid_where_nothing_shows_it(payment, ada):
    with pytest.raises(DatabaseError, match="is said to be paid, and nothing shows it"), transaction.atomic():
        Event.objects.create(
            diary_id=payment.diary_id,
            verb="payment.pay",
            past="paid",
            record_type=payment.label(),
            record_id=payment.pk,
            subject=str(payment),
            **Event.actor_fields(ada),
            owner_id=ada.pk,
            stage_from="invoiced",
            stage_to="paid",
        )
        Payment.objects.filter(pk=payment.pk).update(stage="paid")
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


@pytest.mark.django_db
def test_the_page_asks_for_reference_day_and_a_link_or_a_file(payment, ada, as_user):
    browser, address = as_user(ada), payment.move_url("pay")
    typed = {"reference": "SEPA 4711", "happened_on": timezone.localdate() - timedelta(days=8)}
    assert "Bring the file that shows it" in browser.post(address, typed).content.decode()
    script = typed | {"link": "javascript:alert(1)"}
    assert browser.post(address, script).status_code == 200
    ahead = typed | {"link": "https://bank.example/1", "happened_on": timezone.localdate() + timedelta(days=2)}
    assert "It cannot lie ahead" in browser.post(address, ahead).content.decode()
    long_ago = ahead | {"happened_on": timezone.localdate() - timedelta(days=400)}
    assert "Check the year" in browser.post(address, long_ago).content.decode()
    program = SimpleUploadedFile("statement.exe", b"MZ")
    assert "Files like this are not kept" in browser.post(address, typed | {"file": program}).content.decode()
    assert not PaymentProof.objects.exists()

    file = SimpleUploadedFile("../../statement.pdf", b"%PDF-1.7 bank")
    assert browser.post(address, typed | {"file": file}).status_code == 302
    proof = PaymentProof.objects.get()
    assert proof.file_name == "statement.pdf"
    page = browser.get(payment.staff_url()).content.decode()
    assert f"{payment.pk}/file/{proof.pk}/" in page
    sent = browser.get(f"/admin/proposals/payment/{payment.pk}/file/{proof.pk}/")
    assert b"".join(sent.streaming_content) == b"%PDF-1.7 bank"
    assert "attachment" in sent["Content-Disposition"]


@pytest.mark.django_db
def test_whoever_does_not_see_the_payment_gets_no_file(payment, ada, cem, as_user):
    perform(payment.pay, by=ada, **SHOWN | {"link": "", "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")})
    proof = PaymentProof.objects.get()
    assert as_user(cem).get(f"/admin/proposals/payment/{payment.pk}/file/{proof.pk}/").status_code == 404


# -- By what a provider says. ------------------------------------------------------------------------------------------


@pytest.fixture
def provider(settings, transactional_db):
    """Return the function that says something as the provider does, through the door."""
    settings.PAYMENT_SECRETS = [SECRET]
    number = iter(range(1, 99))

    def say(payment, kind, amount, *, currency="USD", ago=0, secret=SECRET):
        event, at = f"evt_{next(number)}", timezone.now() - timedelta(hours=ago)
        said = {"event_id": event, "contract": payment.contract.number, "kind": kind, "amount": str(amount)}
        body = json.dumps(said | {"currency": currency, "occurred_at": at.isoformat()})
        stamp = int(time.time())
        values = [event, payment.contract.number, kind, amount, currency, at, body, stamp]
        values += [signature(secret, stamp, body.encode()), "10.0.0.9"]
        call = "select portal_payment(%s, %s, %s, %s::numeric, %s, %s, %s, %s, %s, %s)"
        with database.login("portal") as connection:
            assert connection.execute(call, values).fetchone()[0] == "new"
        return event

    return say


def outcome(event):
    return PaymentNotice.objects.get(event_id=event).outcome


def asked():
    return Task.objects.open().filter(title__startswith="The payment provider says")


@pytest.mark.django_db(transaction=True)
def test_what_was_paid_moves_the_payment_and_its_notice_is_what_shows_it(provider, payment, ada):
    first = provider(payment, "part_paid", Decimal("1000.00"), ago=3)
    second = provider(payment, "paid", payment.amount - 1000, ago=2)
    assert inbox.read()["payments"] == 2
    payment.refresh_from_db()
    assert (payment.stage, payment.paid) == ("paid", payment.amount)
    assert [proof.reference for proof in payment.proofs.all()] == [first, second]
    assert payment.proofs.first().notice_id == PaymentNotice.objects.get(event_id=first).pk
    assert outcome(second) == "Taken."
    assert Notice.objects.filter(user=ada, words__startswith="The payment provider says of").count() == 2
    assert Event.objects.filter(verb="payment.pay").get().actor_kind == "system"
    provider(payment, "refunded", payment.amount, ago=1)
    inbox.read()
    payment.refresh_from_db()
    assert payment.stage == "refunded"
    assert not asked().exists()


@pytest.mark.django_db(transaction=True)
def test_what_comes_later_than_it_happened_is_kept_and_told_and_changes_nothing(provider, payment, ada):
    provider(payment, "part_paid", Decimal("1000.00"), ago=1)
    inbox.read()
    late = provider(payment, "paid", payment.amount - 1000, ago=2)
    inbox.read()
    payment.refresh_from_db()
    assert payment.stage == "part_paid"
    assert "It happened before what we heard last, so nothing changed." in outcome(late)
    assert Notice.objects.filter(user=ada, words__contains="so nothing changed").exists()
    assert not asked().exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("kind", "amount", "currency", "words"),
    [
        ("paid", "1.00", "USD", "is open, not $1.00"),
        ("part_paid", "999999.00", "USD", "A part is less than what is still open"),
        ("part_paid", "100.00", "EUR", "The contract is in USD"),
        ("refunded", "100.00", "USD", "came in, not $100.00"),
    ],
)
def test_money_that_does_not_fit_is_a_task_for_the_owner_and_nothing_half_done(
    provider, payment, ada, kind, amount, currency, words
):
    event = provider(payment, kind, Decimal(amount), currency=currency)
    inbox.read()
    payment.refresh_from_db()
    assert (payment.stage, payment.paid) == ("invoiced", 0)
    assert words in outcome(event)
    assert asked().get().owner == ada
    assert not PaymentProof.objects.exists()
    assert not PaymentNotice.objects.get().taken


@pytest.mark.django_db(transaction=True)
def test_money_for_what_was_never_invoiced_is_asked_about(provider, ada, ben):
    payment = a_contract(ada, approver=ben, stage="sent").payment
    provider(payment, "paid", payment.amount)
    inbox.read()
    assert asked().count() == 1
    assert Payment.objects.get().stage == "not_due"


@pytest.mark.django_db(transaction=True)
def test_what_nobody_signed_who_knows_the_secret_is_not_believed(provider, payment, as_owner):
    """Whoever gets hold of the portal's login can put a row there, and no more."""
    event = provider(payment, "paid", payment.amount, secret="made-up-by-somebody-else")
    inbox.read()
    assert "No secret that we know made its signature" in outcome(event)
    forged = provider(payment, "part_paid", Decimal("100.00"))
    as_owner("update portal_paymentnotice set amount = 200 where event_id = %s", [forged])
    inbox.read()
    assert "not what was signed" in outcome(forged)
    payment.refresh_from_db()
    assert payment.stage == "invoiced"
    assert asked().count() == 2


@pytest.mark.django_db(transaction=True)
def test_notices_of_one_contract_are_taken_in_their_order(provider, payment, as_owner):
    provider(payment, "part_paid", Decimal("100.00"), ago=2)
    provider(payment, "part_paid", Decimal("200.00"), ago=1)
    with database.login("owner") as other:
        other.execute("begin")
        other.execute("select 1 from portal_paymentnotice order by id limit 1 for update")
        assert inbox.read()["payments"] == 0, "the second waits for the first, which somebody is at"
        other.execute("rollback")
    assert inbox.read()["payments"] == 2
    payment.refresh_from_db()
    assert payment.paid == 300
