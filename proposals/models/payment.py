"""The payment state of a contract, as a person records it or a payment provider says it, and what shows it."""

from hashlib import sha256

import pgtrigger
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import URLValidator
from django.db import models

from opportunities import clock
from opportunities.models.evidence_file import checked
from opportunities.money import MoneyField
from opportunities.records import REASON, Kept, Opens, Record, Refused, begin, stage_field, transition
from opportunities.walls import Wall, frozen, settled

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
        indexes = [models.Index(fields=["due_on", "id"], name="payment_by_due")]
        permissions = [("record_payment", "Can record invoices and payments")]
        triggers = [
            settled("bill_stays", "amount", "currency", "invoice", "due_on", once="OLD.stage <> 'not_due'"),
            settled("paid_grows", "paid", once="NEW.paid < OLD.paid OR OLD.stage IN ('paid', 'waived', 'refunded')"),
            Wall(
                name="payment_is_shown",
                calls="zarts_keep_shown",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("stage"),
                timing=pgtrigger.Deferred,
            ),
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
    def pay_part(self, *, by, paid, **shown):
        """Note that a part of it came in, and what shows it."""
        if paid <= 0 or self.paid + paid >= self.amount:
            raise Refused(["A part is less than what is still open."])
        self.paid += paid
        self.show("part_paid", paid, by=by, **shown)

    @transition(
        stage,
        source=[Stage.INVOICED, Stage.PART_PAID, Stage.OVERDUE],
        target=Stage.PAID,
        permission=RECORD,
        label="Record as paid",
        past="recorded as paid:",
        asks="proposals.forms.ProofForm",
    )
    def pay(self, *, by, **shown):
        """Note that all of it came in, and what shows it."""
        came = self.amount - self.paid
        self.paid = self.amount
        self.show("paid", came, by=by, **shown)

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
        if self.due_on >= clock.today():
            raise Refused([f"It is due on {self.due_on:%-d %B %Y}. From the day after it is overdue."])

    @transition(
        stage,
        source=[Stage.NOT_DUE, Stage.INVOICED, Stage.PART_PAID, Stage.OVERDUE],
        target=Stage.WAIVED,
        permission="proposals.approve_pricing",
        label="Waive",
        past="waived",
        asks=REASON,
    )
    def waive(self, *, by, reason):
        """Let the work start without it, saying why."""
        if not reason.strip():
            raise Refused(["Say why it is waived."])

    @transition(
        stage,
        source=[Stage.PART_PAID, Stage.PAID],
        target=Stage.REFUNDED,
        permission="proposals.approve_pricing",
        label="Refund",
        past="refunded",
        asks="proposals.forms.RefundForm",
    )
    def refund(self, *, by, reason, **shown):
        """Give back what came in, saying why, and what shows it."""
        self.show("refunded", self.paid, by=by, **shown)

    def show(self, kind, amount, *, by, reference, happened_on, link="", file=None, notice_id=None):
        """Keep what shows that money moved. Without it nobody is believed.

        The payment is locked by its move, so that of two who record the same transfer one is told of the other.
        """
        came = self.proofs.exclude(kind=PaymentProof.Kind.REFUNDED).filter(reference__iexact=reference.strip())
        if kind != PaymentProof.Kind.REFUNDED and (known := came.first()):
            day = f"{known.happened_on:%-d %B %Y}"
            raise Refused(
                [
                    f"“{known.reference}” was recorded already: {known.amount} {self.currency} on {day}. "
                    "If this is another transfer, give the reference of its own."
                ]
            )
        proof = PaymentProof(
            payment=self,
            kind=kind,
            amount=amount,
            reference=reference.strip(),
            happened_on=happened_on,
            link=link,
            notice_id=notice_id,
        )
        try:
            if file is not None:
                proof.keep(file.read(), file.name)
            proof.clean()
            proof.clean_fields(exclude=["payment"])
        except ValidationError as trouble:
            raise Refused(trouble.messages) from None
        begin(proof, by=by, past="shown by")


class PaymentProof(Kept):
    """What shows that money moved: a reference, the day, and a page to look at or the provider's own notice."""

    belongs_to = "payment"

    class Kind(models.TextChoices):
        PART_PAID = "part_paid", "Part paid"
        PAID = "paid"
        REFUNDED = "refunded"

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="proofs")
    kind = models.CharField(max_length=12, choices=Kind)
    amount = MoneyField()
    reference = models.CharField(max_length=120)
    happened_on = models.DateField("day")
    link = models.URLField(max_length=500, blank=True, validators=[URLValidator(["https", "http"])])
    file = models.FileField(upload_to="payments", max_length=120, blank=True)
    file_name = models.CharField(max_length=120, blank=True)
    notice_id = models.BigIntegerField(null=True, blank=True)

    class Meta(Kept.Meta):
        ordering = ["id"]
        triggers = [frozen()]
        constraints = [
            models.CheckConstraint(
                name="payment_proof_can_be_looked_at",
                condition=~models.Q(link="") | ~models.Q(file="") | models.Q(notice_id__isnull=False),
            ),
            models.UniqueConstraint(fields=["notice_id"], name="payment_proof_once_a_notice"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.reference}"

    def clean(self):
        if not self.reference.strip():
            raise ValidationError("Give the reference under which the money moved.")
        if not (self.link or self.file or self.notice_id):
            raise ValidationError("Bring the file that shows it, or give the address where it can be looked at.")

    def keep(self, raw: bytes, name: str):
        """Keep the bytes of a file that shows it, where what they are says."""
        self.file_name, digest = checked(raw, name), sha256(raw).hexdigest()
        self.file.name = f"payments/{digest[:2]}/{digest}"
        storage = self.file.storage
        if not storage.exists(self.file.name) or storage.size(self.file.name) != len(raw):
            storage.save(self.file.name, ContentFile(raw))
