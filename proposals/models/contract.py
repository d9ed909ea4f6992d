"""Contracts: what both sides sign, with the clauses pinned."""

from datetime import timedelta

import pgtrigger
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.functional import cached_property

from opportunities.models import Contact, Objection, Opportunity
from opportunities.money import MOST, money
from opportunities.records import (
    REASON,
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
from opportunities.walls import settled
from opportunities.words import plain_words

from .. import approvals, gates, lint, policies, publishing, reportdays
from .authored import Authored
from .proposal import Proposal
from .service import Cadence, Clause
from .signing import Signatory, Signature, as_signed

DAY = timedelta(days=1)
DAYS_TO_SIGN = 14
A_MOMENT = timedelta(seconds=10)
WRITE = "proposals.write_contract"
WEEKDAYS = list(enumerate(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]))


class Contract(Authored, Output):
    """The contract of an accepted proposal.

    draft → in review → approved → sent → signed → active → ended. A sent one can be declined, an unfinished
    one voided. It stays sent until every signatory of the client has signed; our own signature comes last.
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
    HOLDS = (
        gates.its_proposal_is_accepted,
        gates.has_clauses,
        gates.reporting_is_set,
        gates.first_report_is_on_its_days,
        gates.kickoff_is_to_come,
        gates.has_a_signer,
        gates.words_are_safe,
    )

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="contracts")
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="contracts")
    number = models.CharField(max_length=12, unique=True, editable=False)
    report_every = models.CharField("reports come", max_length=16, choices=Cadence, default=Cadence.MONTHLY)
    report_weekday = models.PositiveSmallIntegerField("on weekday", choices=WEEKDAYS, null=True, blank=True)
    report_day = models.PositiveSmallIntegerField(
        "on day of the month",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text="31 is the last day of a short month.",
    )
    report_on_last_working_day = models.BooleanField(
        "on the last working day of the month", default=False, help_text="Instead of a day of the month."
    )
    report_skips_days_off = models.BooleanField(
        "on the next working day, when that is none",
        default=True,
        help_text="Saturdays, Sundays and the public holidays of the client's country.",
    )
    first_report_on = models.DateField("first report on", null=True, blank=True)
    payment_before_start = models.BooleanField("the first invoice is paid before the start", default=True)
    kickoff_on = models.DateField("kickoff on", null=True, blank=True)
    # Not part of what is approved and signed: it can be prolonged while people sign.
    sign_by = models.DateField(
        "sign by",
        null=True,
        blank=True,
        help_text=f"The last day on which the client can sign. Empty: {DAYS_TO_SIGN} days after it is sent.",
    )
    # The day of the last mail that asked for a signature, and the last day to sign whose end was noticed.
    reminded_on = models.DateField(null=True, editable=False)
    ran_out_on = models.DateField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    active_at = models.DateTimeField(null=True, editable=False)
    publication_id = models.BigIntegerField(null=True, editable=False)
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(Output.Meta):
        indexes = [models.Index(fields=["kickoff_on", "id"], name="contract_by_kickoff")]
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
        triggers = [settled("author_stays", "author_id"), as_signed("id", pgtrigger.UpdateOf("stage"))]

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
        if self.report_on_last_working_day and self.report_every in (Cadence.WEEKLY, Cadence.EVERY_TWO_WEEKS):
            raise ValidationError({"report_on_last_working_day": "Reports of a week come on its weekday. Untick this."})

    @classmethod
    @transaction.atomic
    def draw_up(cls, proposal, *, by, signatories=(), **terms):
        """Draw up the contract of an accepted proposal, with the newest standard clauses pinned. Return it.

        Whoever the proposal went to signs it, as long as nobody else is named.
        """
        proposal = lock(proposal)
        if proposal.stage != Proposal.Stage.ACCEPTED:
            raise Refused(["Have the client accept the proposal first."])
        if proposal.is_change_order:
            raise Refused(["A change order needs no contract of its own: it holds since the client accepted it."])
        if live := cls.objects.filter(opportunity=proposal.opportunity).exclude(stage__in=cls.CLOSED).first():
            raise Refused([f"There is already a contract: {live.number}. Void it before you draw up another."])
        first = proposal.totals.once + proposal.totals.monthly
        if first > MOST:
            raise Refused(
                [f"No invoice can be over {money(MOST)}, and its first one would be. Begin the next revision."]
            )
        day = timezone.localdate()
        terms = {
            "report_every": proposal.report_every or Cadence.MONTHLY,
            "report_weekday": 0,
            "report_day": 1,
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
        if "first_report_on" not in terms:
            days = reportdays.agreed(contract, proposal.opportunity.client)
            contract.first_report_on = reportdays.first_date(days, (day.replace(day=1) + 62 * DAY).replace(day=1))
        begin(contract, by=by, past="drew up")
        for position, contact in enumerate(signatories or filter(None, [proposal.recipient]), 1):
            begin(Signatory(contract=contract, contact=contact, position=position), by=by, past="is to sign:")
        for position, clause in enumerate(Clause.objects.newest().filter(is_standard=True).order_by("key")):
            ContractClause.objects.create(contract=contract, clause=clause, text=clause.text, position=position)
        from .payment import Payment

        begin(Payment(contract=contract, amount=first, currency=proposal.currency), by=by, past="expected")
        return contract

    @property
    def signer(self):
        """Return whoever signs first for the client, or None."""
        return next((signatory.contact for signatory in self.its("signatories", "contact")), None)

    @property
    def unsigned(self) -> list:
        """Return the signatories who have not signed yet, in their order."""
        signed = {each.contact_id for each in self.its("signatures") if each.side == Signature.Side.CLIENT}
        return [signatory for signatory in self.its("signatories", "contact") if signatory.contact_id not in signed]

    @property
    def whose_turn(self):
        """Return the contact who signs next, or None when everybody has."""
        return next((signatory.contact for signatory in self.unsigned), None)

    @cached_property
    def turn(self) -> str:
        """What was pressed before somebody signed is not done after they did."""
        return str(len(self.its("signatures")))

    @property
    def payment_is_as_agreed(self) -> bool:
        """Whether the money is where this contract asks it to be before work starts."""
        return not self.payment_before_start or self.payment.stage in ("paid", "waived")

    def unsafe(self) -> list:
        """Return the marks on the clauses that differ from our standard; what the standard says itself has passed."""
        rows = [row for row in self.its("contract_clauses", "clause") if row.text != row.clause.text]
        found = lint.in_places(self.opportunity, [(row, row.text) for row in rows], with_outcomes=True)
        return [
            lint.Placed(mark, row.staff_url(), f"“{row}”")
            for mark, row in found
            if mark.words.casefold() not in row.clause.text.casefold()
        ]

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
        overridable=(gates.words_are_safe,),
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
        asks=REASON,
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
        gates=[gates.its_deal_goes_on, gates.approvals_are_given, *HOLDS, gates.can_be_signed_in_time],
        permission=WRITE,
        label="Send to be signed",
        past="sent to be signed",
        asks="proposals.forms.MailForm",
        then="Get it signed",
        within=3 * DAY,
        opens=Opens("contract_step", "Ask the client to sign", 3),
    )
    def send(self, *, by, words=""):
        """Freeze it for the client, and mail whoever signs first where to sign."""
        day = publishing.agency_day()
        self.sent_at, self.client_safe = timezone.now(), ClientSafe.PUBLISHED
        self.sign_by, self.reminded_on = self.sign_by or day + DAYS_TO_SIGN * DAY, day
        publishing.send_contract(self, by=by, words=words)

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.SENT,
        permission=WRITE,
        label="Prolong",
        past="prolonged the time to sign",
        asks="proposals.forms.ProlongForm",
        then="Get it signed",
        within=3 * DAY,
        opens=Opens("contract_step", "Ask the client to sign", 3),
    )
    def prolong(self, *, by, sign_by):
        """Give the client until another day, and tell whoever signs next."""
        if sign_by < publishing.agency_day():
            raise Refused(["Choose a day that is still to come."])
        self.sign_by, self.reminded_on = sign_by, publishing.agency_day()
        publishing.prolong_contract(self, by=by)

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.SENT,
        gates=[gates.its_time_to_sign_is_over],
        permission=policies.by_itself,
        label="Run out",
        past="ran out of time to be signed:",
        then="Prolong it, or void it",
        within=1 * DAY,
        opens=Opens("contract_step", "Prolong the contract that nobody signed in time, or void it", 1),
    )
    def run_out(self, *, by):
        """The day by which it was to be signed has passed. Its page has closed with the same day."""
        self.ran_out_on = self.sign_by

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.SENT,
        permission=policies.only_the_client,
        client=True,
        label="Sign",
        past="signed",
        answers=False,
    )
    def sign(self, *, by, name, role, consent, digest, address="", at=None):
        """The next of the client's signatories signs exactly what was published."""
        at, turn = at or timezone.now(), self.whose_turn
        if turn is None or by != turn:
            raise Refused([f"{turn} signs this contract next." if turn else "Everybody has signed this contract."])
        # The portal's door looked at the clock a moment before it wrote the time down.
        if self.sign_by and at >= publishing.end_of(self.sign_by) + A_MOMENT:
            raise Refused([f"It could be signed until {publishing.spoken(self.sign_by)}."])
        self.put_signature("client", name, role, consent, digest, at=at, address=address, contact=by)

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.SIGNED,
        gates=[gates.everybody_has_signed],
        permission=policies.by_itself,
        label="Have it signed",
        past="has every signature of the client:",
        then="Countersign it",
        within=1 * DAY,
        opens=Opens("contract_step", "Countersign the contract", 1),
    )
    def be_signed(self, *, by):
        """The last of the client's signatories has signed."""
        self.signed_at = self.signatures.filter(side="client").last().at

    @transition(
        stage,
        source=Stage.SIGNED,
        target=Stage.ACTIVE,
        gates=[gates.its_proposal_is_accepted, gates.stands_as_signed, gates.the_seal_is_set],
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
        theirs = self.signatures.filter(side="client").last()
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
        asks=REASON,
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
        asks=REASON,
        opens=Opens("follow_up", "Find out what would make the client sign", 1),
    )
    def decline(self, *, by, reason):
        """The client does not sign. What one of their own says at the portal stays as an objection."""
        self.client_safe, self.next_action = ClientSafe.WITHDRAWN, ""
        theirs = isinstance(by, Contact)
        publishing.withdraw(self, reason, heard=theirs)
        if theirs:
            about = {"record_type": self.label(), "record_id": self.pk, "raised_by": by}
            objection = Objection(opportunity=self.opportunity, kind="other", words=reason, owner=self.owner, **about)
            begin(objection, by=by, past="raised")

    @transition(
        stage,
        source=[Stage.DRAFT, Stage.IN_REVIEW, Stage.APPROVED, Stage.SENT, Stage.SIGNED],
        target=Stage.VOIDED,
        permission="proposals.countersign_contract",
        label="Void",
        past="voided",
        asks=REASON,
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

    def staff_url(self, anchor=""):
        """Return its place on the page of its contract."""
        return self.contract.staff_url(anchor or "contract_clauses-group")

    def save(self, *args, **kwargs):
        self.edited = self.text != self.clause.text
        super().save(*args, **kwargs)
