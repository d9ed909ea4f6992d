"""Contracts: what both sides sign, with the clauses pinned."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models, transaction
from django.utils import timezone

from opportunities.models import Contact, Opportunity
from opportunities.money import MOST, money
from opportunities.records import (
    ClientSafe,
    Kept,
    Opens,
    Output,
    Refused,
    ScopeState,
    begin,
    lock,
    stage_field,
    transition,
)
from opportunities.walls import frozen, settled
from opportunities.words import plain_words

from .. import approvals, gates, policies, publishing
from .authored import Authored
from .proposal import Proposal
from .service import Cadence, Clause

DAY = timedelta(days=1)
WRITE = "proposals.write_contract"
WEEKDAYS = list(enumerate(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]))


class Contract(Authored, Output):
    """The contract of an accepted proposal.

    draft → in review → approved → sent → signed → active → ended. A sent one can be declined, an unfinished
    one voided.
    """

    belongs_to = "opportunity"
    ASPECTS = ("contract",)

    class Stage(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved"
        SENT = "sent"
        SIGNED = "signed"
        ACTIVE = "active"
        ENDED = "ended"
        DECLINED = "declined"
        VOIDED = "voided"

    CLOSED = (Stage.ENDED, Stage.DECLINED, Stage.VOIDED)
    WRITABLE = (Stage.DRAFT, Stage.IN_REVIEW, Stage.APPROVED)
    # What it must have to be submitted, and still when somebody vouches for it and when it is sent.
    HOLDS = (gates.its_proposal_is_accepted, gates.has_clauses, gates.reporting_is_set, gates.has_a_signer)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="contracts")
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="contracts")
    number = models.CharField(max_length=12, unique=True, editable=False)
    signer = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="who signs for the client"
    )
    report_every = models.CharField("reports come", max_length=16, choices=Cadence, default=Cadence.MONTHLY)
    report_weekday = models.PositiveSmallIntegerField("on weekday", choices=WEEKDAYS, null=True, blank=True)
    report_day = models.PositiveSmallIntegerField(
        "on day of the month",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text="31 is the last day of a short month.",
    )
    first_report_on = models.DateField("first report on", null=True, blank=True)
    payment_before_start = models.BooleanField("the first invoice is paid before the start", default=True)
    kickoff_on = models.DateField("kickoff on", null=True, blank=True)
    sent_at = models.DateTimeField(null=True, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    active_at = models.DateTimeField(null=True, editable=False)
    publication_id = models.BigIntegerField(null=True, editable=False)
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(Output.Meta):
        permissions = [
            ("write_contract", "Can draw up contracts and send them"),
            ("countersign_contract", "Can sign contracts for the agency"),
        ]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["opportunity"],
                name="one_live_contract_an_opportunity",
                condition=~models.Q(stage__in=["ended", "declined", "voided"]),
            ),
            models.CheckConstraint(
                name="open_contract_has_a_next_action",
                condition=models.Q(stage__in=["ended", "declined", "voided"]) | ~models.Q(next_action=""),
            ),
            models.CheckConstraint(
                name="sent_contract_was_published",
                condition=~models.Q(stage__in=["sent", "signed", "active"]) | models.Q(publication_id__isnull=False),
            ),
        ]
        triggers = [settled("author_stays", "author_id")]

    def __str__(self):
        return f"{self.number}: {self.proposal.title}"

    def save(self, *args, **kwargs):
        if not self.number:
            with connection.cursor() as cursor:
                cursor.execute("select 'C-' || lpad(nextval('proposals_contract_number')::text, 4, '0')")
                self.number = cursor.fetchone()[0]
        super().save(*args, **kwargs)

    def clean(self):
        """Refuse a day that is chosen now and has passed: no work and no report begins then."""
        before = type(self).objects.filter(pk=self.pk).first()
        for name in ("kickoff_on", "first_report_on"):
            day = getattr(self, name)
            if day and day < timezone.localdate() and day != getattr(before, name, None):
                raise ValidationError({name: "Choose today or a day that is still to come."})

    @classmethod
    @transaction.atomic
    def draw_up(cls, proposal, *, by, **terms):
        """Draw up the contract of an accepted proposal, with the newest standard clauses pinned. Return it."""
        proposal = lock(proposal)
        if proposal.stage != Proposal.Stage.ACCEPTED:
            raise Refused(["Have the client accept the proposal first."])
        if live := cls.objects.filter(opportunity=proposal.opportunity).exclude(stage__in=cls.CLOSED).first():
            raise Refused([f"There is already a contract: {live.number}. Void it before you draw up another."])
        first = proposal.totals.once + proposal.totals.monthly
        if first > MOST:
            raise Refused(
                [f"No invoice can be over {money(MOST)}, and its first one would be. Begin the next revision."]
            )
        day = timezone.localdate()
        terms = {
            "signer": proposal.recipient,
            "report_every": proposal.report_every or Cadence.MONTHLY,
            "report_weekday": 0,
            "report_day": 1,
            "first_report_on": (day.replace(day=1) + 62 * DAY).replace(day=1),
            **terms,
        }
        contract = cls(
            opportunity=proposal.opportunity,
            proposal=proposal,
            author=by,
            owner=proposal.owner,
            source=f"Proposal {proposal}",
            scope_state=ScopeState.APPROVED,
            client_safe=ClientSafe.DRAFTED,
            next_action="Read it and submit it for review",
            due_on=day + 2 * DAY,
            **terms,
        )
        begin(contract, by=by, past="drew up")
        for position, clause in enumerate(Clause.objects.newest().filter(is_standard=True).order_by("key")):
            ContractClause.objects.create(contract=contract, clause=clause, text=clause.text, position=position)
        from .payment import Payment

        begin(Payment(contract=contract, amount=first, currency=proposal.currency), by=by, past="expected")
        return contract

    @property
    def amount(self):
        """Return the first year's total, by which approval rules ask."""
        return self.proposal.totals.first_year

    @property
    def payment_is_as_agreed(self) -> bool:
        """Whether the money is where this contract asks it to be before work starts."""
        return not self.payment_before_start or self.payment.stage in ("paid", "waived")

    def fallen_since_signed(self) -> list:
        """Return what does not stand any more as both sides signed it."""
        return gates.stands_as_signed.lacks(self)

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.IN_REVIEW,
        gates=[*HOLDS],
        permission=WRITE,
        label="Submit for review",
        past="submitted for review",
        then="Wait for the approval",
        within=2 * DAY,
    )
    def submit(self, *, by):
        """Ask for the approval."""
        self.client_safe = ClientSafe.IN_REVIEW
        approvals.ask(self, by=by)

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.APPROVED,
        gates=[gates.approvals_are_given, *HOLDS],
        permission=policies.by_itself,
        label="Approve",
        past="had its approval given:",
        then="Send it to be signed",
        within=1 * DAY,
        opens=Opens("contract_step", "Send the approved contract to be signed", 1),
    )
    def approve(self, *, by):
        """Allow it to be sent."""
        self.client_safe = ClientSafe.APPROVED

    @transition(
        stage,
        source=[Stage.IN_REVIEW, Stage.APPROVED],
        target=Stage.DRAFT,
        permission=policies.may_send_back,
        label="Ask for changes",
        past="sent back",
        asks="opportunities.forms.ReasonForm",
        then="Mend what the review found",
        within=2 * DAY,
        opens=Opens("contract_step", "Mend what the review of the contract found", 2),
    )
    def send_back(self, *, by, reason):
        """Return it to its author, saying why."""
        self.client_safe = ClientSafe.DRAFTED
        approvals.lapse_pending(self, reason="It was sent back.")

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.IN_REVIEW,
        permission=policies.by_itself,
        label="Review again",
        past="went back to review:",
        then="Wait for the approval of what changed",
        within=2 * DAY,
    )
    def fall_back(self, *, by, reason=""):
        """What was approved has changed."""
        self.client_safe = ClientSafe.IN_REVIEW

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.SENT,
        gates=[gates.its_deal_goes_on, gates.approvals_are_given, *HOLDS],
        permission=WRITE,
        label="Send to be signed",
        past="sent to be signed",
        asks="proposals.forms.MailForm",
        then="Get it signed",
        within=3 * DAY,
        opens=Opens("contract_step", "Ask the client to sign", 3),
    )
    def send(self, *, by, words=""):
        """Freeze it for the client, and mail the signer where to sign."""
        self.sent_at, self.client_safe = timezone.now(), ClientSafe.PUBLISHED
        publishing.send_contract(self, by=by, words=words)

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.SIGNED,
        permission=policies.only_the_client,
        client=True,
        label="Sign",
        past="signed",
        then="Countersign it",
        within=1 * DAY,
        opens=Opens("contract_step", "Countersign the contract", 1),
    )
    def sign(self, *, by, name, role, consent, digest, address="", at=None):
        """The client signs exactly what was published."""
        self.signed_at = at or timezone.now()
        self.put_signature("client", name, role, consent, digest, at=self.signed_at, address=address, contact=by)

    @transition(
        stage,
        source=Stage.SIGNED,
        target=Stage.ACTIVE,
        gates=[gates.its_proposal_is_accepted, gates.stands_as_signed],
        permission="proposals.countersign_contract",
        label="Countersign",
        past="countersigned",
        asks="proposals.forms.CountersignForm",
        then="Mark the opportunity as won",
        within=1 * DAY,
        opens=Opens("contract_step", "Mark the opportunity as won", 1),
    )
    def countersign(self, *, by, role=""):
        """The agency signs what the client signed: from here on it holds."""
        theirs = self.signatures.get(side="client")
        self.active_at = timezone.now()
        consent = {"version": theirs.consent_version, "text": theirs.consent_text}
        self.put_signature("agency", str(by), role or by.title, consent, theirs.digest, at=self.active_at, user=by)
        publishing.publish_contract(self, countersigned={"name": str(by), "on": timezone.localdate()})

    @transition(
        stage,
        source=Stage.ACTIVE,
        target=Stage.ENDED,
        permission="proposals.countersign_contract",
        label="End",
        past="ended",
        asks="opportunities.forms.ReasonForm",
    )
    def end(self, *, by, reason):
        """Say that it does not run any more, and why."""
        self.next_action = ""

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.DECLINED,
        permission=WRITE,
        client=True,
        label="Mark as declined",
        past="declined",
        asks="opportunities.forms.ReasonForm",
        opens=Opens("follow_up", "Find out what would make the client sign", 1),
    )
    def decline(self, *, by, reason):
        """The client does not sign."""
        self.client_safe, self.next_action = ClientSafe.WITHDRAWN, ""
        publishing.withdraw(self, reason)

    @transition(
        stage,
        source=[Stage.DRAFT, Stage.IN_REVIEW, Stage.APPROVED, Stage.SENT, Stage.SIGNED],
        target=Stage.VOIDED,
        permission="proposals.countersign_contract",
        label="Void",
        past="voided",
        asks="opportunities.forms.ReasonForm",
    )
    def void(self, *, by, reason):
        """Take it off the table before it holds."""
        self.client_safe, self.next_action = ClientSafe.WITHDRAWN, ""
        approvals.lapse_pending(self, reason="The contract was voided.")
        publishing.withdraw(self, reason)

    def put_signature(self, side, name, role, consent, digest, **fields):
        signature = Signature(
            contract=self,
            side=side,
            name=name,
            role=role,
            consent_version=consent["version"],
            consent_text=consent["text"],
            digest=digest,
            **fields,
        )
        signature.full_clean()
        signature.save()
        return signature


class ContractClause(Kept):
    """A clause as this contract holds it: standard, or edited."""

    belongs_to = "contract"

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="contract_clauses")
    clause = models.ForeignKey(Clause, models.PROTECT, related_name="+")
    text = models.TextField(validators=[plain_words])
    edited = models.BooleanField(default=False, editable=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(Kept.Meta):
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "clause"], name="contract_clause_once")]

    def __str__(self):
        return self.clause.title

    def save(self, *args, **kwargs):
        self.edited = self.text != self.clause.text
        super().save(*args, **kwargs)


class Signature(Kept):
    """Who signed what, when and from where. Never changed."""

    belongs_to = "contract"

    class Side(models.TextChoices):
        CLIENT = "client"
        AGENCY = "agency"

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="signatures")
    side = models.CharField(max_length=6, choices=Side)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=200, blank=True)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    consent_version = models.CharField(max_length=40)
    consent_text = models.TextField()
    at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta(Kept.Meta):
        constraints = [models.UniqueConstraint(fields=["contract", "side"], name="one_signature_a_side")]
        triggers = [frozen()]

    def __str__(self):
        return f"{self.name} for the {self.get_side_display().lower()}"
