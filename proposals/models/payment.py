"""The payment state of a contract, as a person records it."""

from django.db import models

from opportunities.money import MoneyField
from opportunities.records import Opens, Record, stage_field, transition
from opportunities.walls import settled

from .contract import Contract

RECORD = "proposals.record_payment"


class Payment(Record):
    """What the contract asks to be paid first.

    not due → invoiced → part paid → paid. It can be overdue, waived with a reason, or refunded.
    """

    belongs_to = "contract"

    class Stage(models.TextChoices):
        NOT_DUE = "not_due", "Not due"
        INVOICED = "invoiced"
        PART_PAID = "part_paid", "Part paid"
        PAID = "paid"
        OVERDUE = "overdue"
        WAIVED = "waived"
        REFUNDED = "refunded"

    CLOSED = (Stage.PAID, Stage.WAIVED, Stage.REFUNDED)

    contract = models.OneToOneField(Contract, models.PROTECT, related_name="payment")
    amount = MoneyField()
    paid = MoneyField("paid so far", default=0, editable=False)
    currency = models.CharField(max_length=3, default="USD")
    invoice = models.CharField("invoice number", max_length=60, blank=True, editable=False)
    due_on = models.DateField("due", null=True, blank=True, editable=False)
    stage = stage_field(Stage, Stage.NOT_DUE)

    class Meta(Record.Meta):
        permissions = [("record_payment", "Can record invoices and payments")]
        triggers = [
            settled("bill_stays", "amount", "currency", "invoice", "due_on", once="OLD.stage <> 'not_due'"),
            settled("paid_grows", "paid", once="NEW.paid < OLD.paid OR OLD.stage IN ('paid', 'waived', 'refunded')"),
        ]

    def __str__(self):
        return f"First payment of {self.contract.number}"

    @transition(
        stage,
        source=Stage.NOT_DUE,
        target=Stage.INVOICED,
        permission=RECORD,
        label="Record the invoice",
        past="invoiced",
        asks="proposals.forms.InvoiceForm",
    )
    def send_invoice(self, *, by, invoice, due_on):
        """Note the invoice and the day on which it is due."""
        self.invoice, self.due_on = invoice, due_on

    @transition(
        stage,
        source=[Stage.INVOICED, Stage.OVERDUE, Stage.PART_PAID],
        target=Stage.PART_PAID,
        permission=RECORD,
        label="Record a part",
        past="recorded a part of",
        asks="proposals.forms.PartForm",
    )
    def pay_part(self, *, by, paid):
        """Note that a part of it came in."""
        self.paid += paid

    @transition(
        stage,
        source=[Stage.INVOICED, Stage.PART_PAID, Stage.OVERDUE],
        target=Stage.PAID,
        permission=RECORD,
        label="Record as paid",
        past="recorded as paid:",
    )
    def pay(self, *, by):
        """Note that all of it came in."""
        self.paid = self.amount

    @transition(
        stage,
        source=[Stage.INVOICED, Stage.PART_PAID],
        target=Stage.OVERDUE,
        permission=RECORD,
        label="Mark as overdue",
        past="marked as overdue:",
        opens=Opens("contract_step", "Ask the client about the payment", 1),
    )
    def mark_overdue(self, *, by):
        """The day on which it was due has passed."""

    @transition(
        stage,
        source=[Stage.NOT_DUE, Stage.INVOICED, Stage.PART_PAID, Stage.OVERDUE],
        target=Stage.WAIVED,
        permission="proposals.approve_pricing",
        label="Waive",
        past="waived",
        asks="opportunities.forms.ReasonForm",
    )
    def waive(self, *, by, reason):
        """Let the work start without it, saying why."""

    @transition(
        stage,
        source=[Stage.PART_PAID, Stage.PAID],
        target=Stage.REFUNDED,
        permission="proposals.approve_pricing",
        label="Refund",
        past="refunded",
        asks="opportunities.forms.ReasonForm",
    )
    def refund(self, *, by, reason):
        """Give it back, saying why."""
