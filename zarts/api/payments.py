"""The first payment of a contract: invoiced, paid, overdue, waived or given back, as its moves allow."""

from typing import Annotated

from django.conf import settings
from django.utils.module_loading import import_string
from ninja import Path
from pydantic import Field

from opportunities.records import perform
from proposals.models import Payment
from proposals.models.payment import RECORD

from .once import Made, once
from .operations import Keyed, reads, writes
from .problems import Refusal, judged, missing
from .words import Body, ContractNumber, Day, Line, Money, Now, Text, iso

SCOPE = "write:payments"
# What departs from what was agreed is decided by a person, who answers for it.
BY_A_PERSON = ("waive", "refund")

# By which call each move is made.
CALLS = {"send_invoice": "invoiced", "pay_part": "part-paid", "pay": "paid", "mark_overdue": "overdue"}
CALLS |= {"waive": "waived", "refund": "refunded"}

OfContract = Annotated[ContractNumber, Path(description="The number of the contract, such as C-0007.")]


class Nothing(Body):
    """An empty object: it says all by its address."""


class Invoiced(Body):
    """An invoice that was sent."""

    invoice: Line = Field(description="The number of the invoice.", min_length=1, max_length=60)
    due_on: Day = Field(description="The day on which it is due.")


class Shown(Body):
    """Money that moved, and what shows it."""

    reference: Line = Field(
        description="The reference, as the bank or the payment provider names it.", min_length=1, max_length=120
    )
    happened_on: Day = Field(description="The day on which it moved.")
    link: Line = Field(
        description="The address where it can be looked at, such as https://pay.example.com/4711.",
        min_length=1,
        max_length=500,
    )


class PartPaid(Shown):
    """A part that came in."""

    paid: Money = Field(description="How much came in: an amount in the currency of the contract, as text.")


class Waived(Body):
    """Why the work starts without it."""

    reason: Text = Field(description="Why it is waived.", min_length=1, max_length=2000)


class Refunded(Shown):
    """Money that was given back."""

    reason: Text = Field(description="Why it is given back.", min_length=1, max_length=2000)


class PaymentNow(Now):
    """The first payment of a contract as it stands now."""

    contract: str = Field(description="The number of the contract.")
    stage: str = Field(
        description="How far it has come: not_due, invoiced, part_paid, paid, overdue, waived or refunded."
    )
    amount: str = Field(description="What the contract asks to be paid first.")
    paid: str = Field(description="What came in so far.")
    currency: str = Field(description="The three letters of its currency.")
    invoice: str = Field(description="The number of the invoice; empty while there is none.")
    due_on: str | None = Field(description="The day on which it is due.")

    @staticmethod
    def resolve_contract(payment):
        return payment.contract.number

    @staticmethod
    def resolve_amount(payment):
        return format(payment.amount, "f")

    @staticmethod
    def resolve_paid(payment):
        return format(payment.paid, "f")

    @staticmethod
    def resolve_due_on(payment):
        return iso(payment.due_on)


def of_contract(caller, number) -> Payment:
    """Return the payment of a contract, if this caller may see it."""
    caller.needs("proposals.view_payment")
    payments = Payment.objects.visible_to(caller.eyes).select_related("contract")
    if (payment := payments.filter(contract__number=number).first()) is None:
        raise missing("contract with this number")
    return payment


def not_from_here(payment) -> Refusal:
    """Say how a payment stands, and which calls it takes now."""
    now = [CALLS[step.name] for step in payment.moves() if step.name in CALLS]
    takes = f"It takes now: {', '.join(now)}." if now else "Nothing more is recorded of it."
    return Refusal(409, f"{payment} is {payment.get_stage_display().lower()}. {takes}")


def moved(request, contract, key, name, sent):
    """Make one of the payment's moves, once. What the move refuses is refused in its own words."""
    caller = request.auth
    if caller.by is None and name in BY_A_PERSON:
        raise Refusal(403, "A person decides this. Use the token of somebody who may, or their page.")

    def act() -> Made:
        payment = of_contract(caller, contract)
        if caller.by is None:
            # No role stands behind a service; it may what whoever answers for it may.
            caller.needs(RECORD)
        step = next((step for step in payment.moves() if step.name == name), None)
        if step is None:
            raise not_from_here(payment)
        details = {}
        if step.custom["asks"]:
            form = import_string(step.custom["asks"])
            details = judged(form(sent.model_dump(), record=payment, user=caller.eyes))
        payment = perform(getattr(payment, name), by=caller.by, **details)
        return Made(PaymentNow.from_orm(payment), f"{settings.SITE_URL}/api/payments/{contract}", status=201)

    return once(request, caller, key, act)


@reads("/payments/{contract}", SCOPE, PaymentNow, "payment", "See how a payment stands")
def see(request, contract: OfContract):
    """How much of a contract’s first payment came in."""
    return PaymentNow.from_orm(of_contract(request.auth, contract))


@writes("/payments/{contract}/invoiced", SCOPE, PaymentNow, "payment_invoiced", "Record the invoice")
def invoiced(request, contract: OfContract, key: Keyed, sent: Invoiced):
    """The invoice was sent, and is due on a day. A payment that is not due yet can be invoiced."""
    return moved(request, contract, key, "send_invoice", sent)


@writes("/payments/{contract}/part-paid", SCOPE, PaymentNow, "payment_part_paid", "Record a part")
def part_paid(request, contract: OfContract, key: Keyed, sent: PartPaid):
    """A part came in, which is less than what is open. What was invoiced can be paid in parts."""
    return moved(request, contract, key, "pay_part", sent)


@writes("/payments/{contract}/paid", SCOPE, PaymentNow, "payment_paid", "Record as paid")
def paid(request, contract: OfContract, key: Keyed, sent: Shown):
    """All that was still open came in."""
    return moved(request, contract, key, "pay", sent)


@writes("/payments/{contract}/overdue", SCOPE, PaymentNow, "payment_overdue", "Mark as overdue")
def overdue(request, contract: OfContract, key: Keyed, sent: Nothing):
    """The day on which it was due has passed. The owner is asked to speak with the client."""
    return moved(request, contract, key, "mark_overdue", sent)


@writes("/payments/{contract}/waived", SCOPE, PaymentNow, "payment_waived", "Waive")
def waived(request, contract: OfContract, key: Keyed, sent: Waived):
    """The work starts without it. Only the token of a person who may decide this does it, and no service’s."""
    return moved(request, contract, key, "waive", sent)


@writes("/payments/{contract}/refunded", SCOPE, PaymentNow, "payment_refunded", "Refund")
def refunded(request, contract: OfContract, key: Keyed, sent: Refunded):
    """All that came in was given back. Only the token of a person who may decide this does it, and no service’s."""
    return moved(request, contract, key, "refund", sent)
