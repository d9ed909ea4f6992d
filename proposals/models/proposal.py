"""The proposal: what we offer a client, and how it earns the right to be sent."""

from datetime import timedelta
from decimal import Decimal

import django_fsm as fsm
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property

from opportunities.currencies import known_currency
from opportunities.models import Contact, Event, Evidence, Lead, Objection, Opportunity
from opportunities.money import said_number
from opportunities.records import (
    REASON,
    ClientSafe,
    Lack,
    Opens,
    Output,
    Refused,
    ScopeState,
    begin,
    lock,
    perform,
    plain,
    stage_field,
    tell,
    transition,
)
from opportunities.walls import settled
from opportunities.words import plain_words
from portal.consent import ACCEPTANCES, CHANGE_VERSION

from .. import approvals, coverage, gates, policies, publishing, totals
from .authored import Authored
from .book import BookPrice
from .service import PERCENT, Cadence, Service

DAY = timedelta(days=1)
# A row that is open in the composer, and in which nobody wrote for so long, counts as left.
QUIET = timedelta(minutes=2)
WRITE, SEND = "proposals.write_proposal", "proposals.send_proposal"


def refuse_unwritten(name, role, consent):
    """Refuse an acceptance that is no written form: who agreed, in which role, and to which words."""
    if not (name.strip() and role.strip()):
        raise Refused(["Say who accepts it, and in which role: that is the written form of the change."])
    if consent != {"version": CHANGE_VERSION, "text": ACCEPTANCES[CHANGE_VERSION]}:
        raise Refused(["Agree to the words that are shown beside a change order: that is its written form."])


class Proposal(Authored, Output):
    """One revision of what we offer.

    draft → in review → approved → sent → viewed → accepted, declined or expired. Before it is sent it can
    be paused. An unsigned one is superseded by its next revision, or withdrawn.

    One that `changes` a contract in force is a change order: a small offer of the same deal, on the same way. The
    client's acceptance is its written form.
    """

    belongs_to = "opportunity"
    ASPECTS = ("proposal", "pricing", "claims")

    class Stage(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved"
        SENT = "sent"
        VIEWED = "viewed"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        EXPIRED = "expired"
        PAUSED = "paused"
        SUPERSEDED = "superseded"
        WITHDRAWN = "withdrawn"

    CLOSED = (Stage.ACCEPTED, Stage.DECLINED, Stage.EXPIRED, Stage.SUPERSEDED, Stage.WITHDRAWN)
    BEFORE_SENT = (Stage.DRAFT, Stage.IN_REVIEW, Stage.APPROVED)
    WITH_CLIENT = (Stage.SENT, Stage.VIEWED)
    # Rows and words can change in these; from `sent` on the database refuses.
    WRITABLE = (*BEFORE_SENT, Stage.PAUSED)
    CONTENT = ("title", "intro", "currency", "valid_until", "decide_on", "service_id")
    # What it must have to be submitted, and still when somebody vouches for it and when it is sent.
    HOLDS = (
        gates.has_scope,
        gates.has_timeline,
        gates.steps_follow,
        gates.has_prices,
        gates.rows_have_proof,
        gates.can_be_billed,
        gates.prices_can_be_paid,
        gates.claims_are_supported,
        gates.proof_stands,
        gates.words_are_proved,
        gates.words_are_safe,
    )

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="proposals")
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, blank=True, related_name="proposals")
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, related_name="proposals")
    number = models.CharField(max_length=12, editable=False)
    revision = models.PositiveSmallIntegerField(default=1, editable=False)
    title = models.CharField(max_length=160, validators=[plain_words])
    intro = models.TextField("opening words", blank=True, validators=[plain_words])
    currency = models.CharField(max_length=3, default="USD", validators=[known_currency])
    discount = models.DecimalField(
        "discount on everything, percent", max_digits=5, decimal_places=2, default=Decimal(0), validators=PERCENT
    )
    # As the service usually reports when the proposal is begun, and from then on its own. Empty: nothing is said of it.
    report_every = models.CharField("reports come", max_length=16, choices=Cadence, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    decide_on = models.DateField("decision deadline", null=True, blank=True)
    recipient = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    sent_at = models.DateTimeField(null=True, editable=False)
    viewed_at = models.DateTimeField(null=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    # The ids of the optional price lines that the client chose.
    chosen = models.JSONField(default=list, blank=True, editable=False)
    publication_id = models.BigIntegerField(null=True, editable=False)
    paused_from = models.CharField(max_length=20, blank=True, editable=False)
    paused_because = models.TextField(blank=True, editable=False)
    # One that ZartsAlgo paused is resumed by ZartsAlgo; a person's pause waits for a person.
    paused_by_itself = models.BooleanField(default=False, editable=False)
    # Who has a row of it open while it is reviewed, and until when nobody is asked anew what they change.
    writing = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    writing_until = models.DateTimeField(null=True, editable=False)
    # The contract in force that it is a change order to; empty for the offer of a deal.
    changes = models.ForeignKey(
        "proposals.Contract", models.PROTECT, null=True, blank=True, editable=False, related_name="change_orders"
    )
    superseded_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="supersedes"
    )
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(Output.Meta):
        permissions = [
            ("write_proposal", "Can write proposals and submit them"),
            ("send_proposal", "Can send and withdraw proposals"),
        ]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["number", "revision"], name="proposal_revision_once"),
            models.CheckConstraint(
                name="open_proposal_has_a_next_action",
                condition=models.Q(stage__in=["accepted", "declined", "expired", "superseded", "withdrawn"])
                | ~models.Q(next_action=""),
            ),
            models.CheckConstraint(
                name="sent_proposal_was_published",
                condition=~models.Q(stage__in=["sent", "viewed", "accepted", "declined", "expired"])
                | models.Q(publication_id__isnull=False),
            ),
            # A later revision stands beside the one that it is to replace.
            models.UniqueConstraint(
                fields=["changes"],
                name="one_change_order_at_a_time",
                condition=models.Q(
                    revision=1, stage__in=["draft", "in_review", "approved", "paused", "sent", "viewed"]
                ),
            ),
            models.CheckConstraint(
                name="paused_proposal_knows_where_it_was",
                condition=~models.Q(stage="paused") | ~models.Q(paused_from=""),
            ),
        ]
        indexes = [
            models.Index(fields=["valid_until", "id"], name="proposal_by_validity"),
            models.Index(
                fields=["valid_until"], name="proposal_to_expire", condition=models.Q(stage__in=["sent", "viewed"])
            ),
            models.Index(
                fields=["writing_until"],
                name="proposal_being_written",
                condition=models.Q(writing_until__isnull=False),
            ),
        ]
        triggers = [settled("author_stays", "author_id"), settled("changes_stays", "changes_id")]

    def __str__(self):
        return (
            f"{self.number}, revision {self.revision}: {self.title}"
            if self.revision > 1
            else f"{self.number}: {self.title}"
        )

    def save(self, *args, **kwargs):
        if not self.number:
            with connection.cursor() as cursor:
                cursor.execute("select 'P-' || lpad(nextval('proposals_number')::text, 4, '0')")
                self.number = cursor.fetchone()[0]
        if self._state.adding:
            self.next_action = self.next_action or "Write the rows and submit it for review"
            self.scope_state, self.client_safe = ScopeState.DRAFTED, ClientSafe.DRAFTED
            if self.service and not self.report_every and not self.is_change_order:
                self.report_every = self.service.cadence
        super().save(*args, **kwargs)

    def clean(self):
        """Refuse another currency under prices, whose amounts would mean something else, and a decision in no time."""
        before = type(self).objects.filter(pk=self.pk).first()
        if before and before.currency != self.currency and self.price_lines.exists():
            words = f"Its prices are in {before.currency}. Take them out first, then choose another currency."
            raise ValidationError({"currency": words})
        if (not before or before.decide_on != self.decide_on) and not gates.is_decided_in_time(self):
            raise ValidationError({"decide_on": gates.is_decided_in_time.sentence})
        if self.is_change_order and self.currency != (its := self.changes.proposal.currency):
            raise ValidationError({"currency": f"The contract that it changes is in {its}. Choose {its}."})
        # Other parts are written although the days were in no order before.
        were = before and (before.decide_on, before.valid_until)
        if were != (self.decide_on, self.valid_until) and not gates.is_decided_while_valid(self):
            words = (
                f"The offer is valid until {date_format(self.valid_until, 'j F Y')}. Choose that day or an earlier one."
            )
            raise ValidationError({"decide_on": words})

    @property
    def is_change_order(self) -> bool:
        return self.changes_id is not None

    # -- What it says. -------------------------------------------------------------------------------------------------

    @property
    def totals(self):
        """Return what is paid once, each month and in the first year: firm lines, and what the client chose."""
        chosen = (line for line in self.price_lines.all() if not line.optional or line.pk in self.chosen)
        return totals.of(chosen, self.currency, self.discount)

    @property
    def most(self):
        """Return the totals with every option."""
        return totals.of(self.price_lines.all(), self.currency, self.discount)

    def sold_lines(self):
        """Return the price lines that the client bought."""
        return self.price_lines.filter(models.Q(optional=False) | models.Q(pk__in=self.chosen))

    def rows(self) -> list:
        """Return every row that needs proof: what is included, when, for how much, and what we claim."""
        return list(coverage.of(self).rows)

    @property
    def coverage(self) -> int:
        """Return how many of the rows that need proof have it, in percent."""
        return coverage.of(self).percent

    def evidence(self):
        """Return every version of evidence that any row rests on."""
        under = (
            models.Q(claims__proposal=self)
            | models.Q(scope_items__proposal=self)
            | models.Q(milestones__proposal=self)
            | models.Q(price_lines__proposal=self)
        )
        return Evidence.objects.filter(under).select_related("audit", "corrected_by", "withdrawal").distinct()

    def while_asked(self):
        return coverage.rows_kept(self)

    def unsafe(self) -> list:
        return coverage.unsafe(self)

    # -- Writing it. ---------------------------------------------------------------------------------------------------

    def lock_to_write(self):
        """Wait for whoever moves it now, and refuse when it has left us meanwhile."""
        if lock(self).stage not in self.WRITABLE:
            raise Refused([f"{self} does not change any more. Make a new revision."])

    @property
    def written_now(self) -> str:
        """Say who has a row of it open, as long as nobody is asked anew what they change; or nothing."""
        writes = self.writing_until is not None and self.writing_until > timezone.now()
        return f"Being changed by {self.writing}." if writes else ""

    def go_on_writing(self, *, by):
        """Ask nobody anew while a row stays open. What changes lapses at once all the same. Call it under the lock."""
        if self.stage in (self.Stage.IN_REVIEW, self.Stage.APPROVED):
            writes = {"writing": by, "writing_until": timezone.now() + QUIET}
            type(self).objects.filter(pk=self.pk).update(**writes)

    @transaction.atomic
    def stop_writing(self, *, by):
        """Ask anew what changed while a row was open: its writer shut it or, by the clock, wrote no more."""
        proposal = lock(self)
        writer = proposal.writing
        if writer is None or (by != writer and proposal.written_now):
            return False
        type(self).objects.filter(pk=self.pk).update(writing=None, writing_until=None)
        approvals.settle(type(self).objects.get(pk=self.pk), asked_by=writer)
        return True

    @transaction.atomic
    def add(self, row, *, by, evidence=(), facts=None):
        """Add a row, and write it in the diary, with what more is to be told. Return it."""
        self.lock_to_write()
        row.proposal = self
        row.full_clean(exclude=["proposal"])
        if row.position is not None:
            row.validate_constraints()
        row.save()
        if evidence:
            row.support(*evidence)
        tell(self, "row_added", f"added a {row._meta.verbose_name} to", by=by, facts={"row": str(row), **(facts or {})})
        self.was_edited(by=by)
        return row

    @transaction.atomic
    def change(self, row, *, by, **changes):
        """Change a row, and write the old and the new values in the diary. Return it."""
        self.lock_to_write()
        facts, own, sets = {}, [], {}
        for name, new in (changes | row.implied(changes)).items():
            field = row._meta.get_field(name)
            if field.many_to_many:
                old, new = sorted(map(str, getattr(row, name).all())), list(new)
                if old == sorted(map(str, new)):
                    continue
                row.check_proof(new)
                sets[name], new = new, sorted(map(str, new))
            elif (old := getattr(row, name)) == new:
                continue
            else:
                setattr(row, name, new)
                own.append(name)
            facts[field.verbose_name] = [said_number(field, each, self) or plain(each) for each in (old, new)]
        if facts:
            row.full_clean()
            row.save(update_fields=own)
            for name, new in sets.items():
                getattr(row, name).set(new)
            told = {f"{row}: {name}": values for name, values in facts.items()}
            tell(self, "row_changed", f"changed a {row._meta.verbose_name} of", by=by, facts=told)
            self.was_edited(by=by)
        return row

    @transaction.atomic
    def place(self, row, to: int, *, by):
        """Put a row at a place among its like, counted from 0, and write the order in the diary."""
        self.lock_to_write()
        rows = list(row.beside())
        places = [each.position for each in rows]
        now = [each for each in rows if each.pk != row.pk]
        now.insert(max(0, min(to, len(now))), next(each for each in rows if each.pk == row.pk))
        if now == rows:
            return
        for each, position in zip(now, places, strict=True):
            if each.position != position:
                each.position = position
                each.save(update_fields=["position"])
        facts = {"order": [str(each) for each in now]}
        tell(self, "rows_ordered", f"put a {row._meta.verbose_name} in another place in", by=by, facts=facts)
        self.was_edited(by=by)

    @transaction.atomic
    def remove(self, row, *, by):
        """Take a row out, and keep what it said in the diary."""
        self.lock_to_write()
        facts = {field.name: plain(getattr(row, field.name)) for field in row._meta.concrete_fields}
        facts |= {field.name: plain(list(getattr(row, field.name).all())) for field in row._meta.many_to_many}
        if hasattr(row, "unit_price"):
            facts["currency"] = self.currency
        tell(self, "row_removed", f"removed a {row._meta.verbose_name} from", by=by, facts=facts)
        for waiting in row.needed_by.all() if hasattr(row, "needed_by") else ():
            self.change(waiting, by=by, depends_on=None)
        row.delete()
        self.was_edited(by=by)

    @transaction.atomic
    def take_rows(self, rows, *, by, past, facts=None):
        """Add copies of rows, and write it in the diary once.

        `rows` holds dictionaries of what each row says under "scope_items", "milestones", "price_lines" and "claims";
        a step that waits for another names its place in the list under "waits_for". Raise `ValidationError` for what
        no row may say: then none comes in.
        """
        self.lock_to_write()
        for name, model in self.row_models().items():
            made = []
            for said in rows.get(name, ()):
                said = dict(said)
                waits_for = said.pop("waits_for", None)
                row = model(proposal=self, **said)
                if waits_for is not None:
                    row.depends_on = made[waits_for]
                row.full_clean(exclude=["proposal"])
                row.save()
                made.append(row)
        tell(self, "rows_taken", past, by=by, facts=facts)
        self.was_edited(by=by)

    @classmethod
    def row_models(cls) -> dict:
        """Return the kinds of rows by the name under which a proposal holds them."""
        names = ("scope_items", "milestones", "price_lines", "claims")
        return {name: cls._meta.get_field(name).related_model for name in names}

    def kept_rows(self) -> dict:
        """Return what every row says, without its evidence, as `take_rows` takes it."""
        rows = {name: [row.row() for row in getattr(self, name).all()] for name in self.row_models()}
        for said in (said for kind in rows.values() for said in kind):
            del said["position"]
        steps = list(self.milestones.all())
        place = {step.pk: number for number, step in enumerate(steps)}
        for step, said in zip(steps, rows["milestones"], strict=True):
            if step.depends_on_id in place and place[step.depends_on_id] < place[step.pk]:
                said["waits_for"] = place[step.depends_on_id]
        return rows

    def take_usual_rows(self, *, by):
        """Begin with the rows that the service usually has, at the prices of its book of today."""
        if self.service is None:
            return
        usual = {
            "scope_items": self.service.usual_scope.filter(is_usual=True),
            "milestones": self.service.usual_steps.filter(is_usual=True),
            "price_lines": BookPrice.objects.filter(service=self.service).usual_on(timezone.localdate(), self.currency),
        }
        rows = {name: [row.row() for row in found] for name, found in usual.items()}
        if any(rows.values()):
            self.take_rows(rows, by=by, past="took the usual rows for", facts={"service": self.service})

    def revisions(self):
        """Return every revision, this one among them, the newest first, each with when it was begun."""
        born = Event.objects.filter(record_type=self.label(), record_id=models.OuterRef("pk"), verb="proposal.create")
        found = type(self).objects.filter(number=self.number).order_by("-revision")
        return found.annotate(begun_at=models.Subquery(born.values("at")[:1]))

    @cached_property
    def turn(self) -> str:
        """What was pressed before the client answered it or an earlier revision is not done after they did."""
        earlier = type(self).objects.filter(number=self.number, revision__lt=self.revision, answered_at__isnull=False)
        return str(bool(self.answered_at) + (earlier.count() if self.revision > 1 else 0))

    def not_revised(self) -> list[Lack]:
        """Return why this one has no next revision yet."""
        if self.stage in self.WRITABLE:
            return [Lack("Change this one: it has not gone to the client.", self.staff_url())]
        if self.is_change_order and self.stage == self.Stage.ACCEPTED:
            return [Lack("It changed the contract when it was accepted: begin another change order.")]
        if self.is_change_order and (lacks := self.not_changed(self.changes, but=self.number)):
            return lacks
        rests = self.contracts.exclude(stage__in=self.contracts.model.CLOSED)
        return [Lack(f"A contract rests on it: void {each.number} first.", each.staff_url()) for each in rests]

    @transaction.atomic
    def revise(self, *, by):
        """Make the next revision, a draft with the same rows. It starts unapproved. Return it.

        Whoever presses twice gets the one that is being written.
        """
        if lacks := lock(self).not_revised():
            raise Refused(lacks)
        revisions = type(self).objects.filter(number=self.number)
        if begun := revisions.filter(revision__gt=self.revision, stage__in=self.WRITABLE).order_by("-revision").first():
            return begun
        kept = (
            "opportunity",
            "changes",
            "lead",
            "service",
            "number",
            "title",
            "intro",
            "currency",
            "discount",
            "report_every",
            "valid_until",
            "decide_on",
            "source",
            "owner",
        )
        newest = revisions.aggregate(newest=models.Max("revision"))["newest"]
        copy = type(self)(**{name: getattr(self, name) for name in kept}, revision=newest + 1, author=by)
        copy.take_hands(self)
        begin(copy, by=by, past="began the next revision", facts={"revises": self})
        copies = {}
        for name in self.row_models():
            for row in getattr(self, name).all():
                copies[row] = row.copy_to(copy)
        for step in self.milestones.exclude(depends_on=None).select_related("depends_on"):
            copies[step].depends_on = copies[step.depends_on]
            copies[step].save(update_fields=["depends_on"])
        return copy

    @transaction.atomic
    def copy_to(self, opportunity, *, by):
        """Begin another proposal with the same words and rows, for another open opportunity. Return it.

        It starts unapproved and without evidence: what proves something here proves nothing there.
        """
        opportunity = lock(opportunity)
        if self.is_change_order:
            raise Refused(
                [Lack("A change order belongs to its contract. Copy the offer of the deal.", self.staff_url())]
            )
        if opportunity.pk == self.opportunity_id:
            raise Refused([Lack("Choose another opportunity. Here, begin the next revision.", self.staff_url())])
        if not opportunity.is_open:
            raise Refused([f"Choose an open opportunity: {opportunity} is {opportunity.get_stage_display().lower()}."])
        day = timezone.localdate()
        valid_until = self.valid_until if self.valid_until and self.valid_until >= day else day + 21 * DAY
        same = {
            name: getattr(self, name) for name in ("service", "title", "intro", "currency", "discount", "report_every")
        }
        copy = type(self)(
            opportunity=opportunity,
            valid_until=valid_until,
            owner=by,
            author=by,
            source=f"Copy of {self.number}, revision {self.revision}",
            **same,
        )
        copy.take_hands(self)
        begin(copy, by=by, past="copied from another", facts={"copy of": self})
        copy.take_rows(self.kept_rows(), by=by, past="took the rows of another proposal for", facts={"copy of": self})
        return copy

    # -- Changing a contract in force. ---------------------------------------------------------------------------------

    @classmethod
    def not_changed(cls, contract, but="") -> list[Lack]:
        """Return why no change order to a contract may be begun now; `but` is the number of one that may be open."""
        if contract.stage != "active":
            return [Lack("Have the contract in force first: a change order changes what both sides signed.")]
        if contract.opportunity.stage not in ("won", "handed_off"):
            return [Lack("Mark the deal as won first.", contract.opportunity.staff_url())]
        if other := cls.open_change_to(contract, but):
            return [Lack(f"Finish the change order that is open first: {other}.", other.staff_url())]
        return []

    @classmethod
    def open_change_to(cls, contract, but=""):
        """Return the newest revision of the change order to a contract that is not answered yet, or None."""
        mine = cls.objects.filter(changes=contract).exclude(stage__in=cls.CLOSED).exclude(number=but)
        return mine.order_by("-pk").first()

    @classmethod
    @transaction.atomic
    def begin_change(cls, contract, about, *, by, author):
        """Begin a change order to a contract in force: a draft, in the contract's currency. Return it.

        `author` writes it, whoever asked for it.
        """
        contract = lock(contract)
        if lacks := cls.not_changed(contract):
            raise Refused(lacks)
        change = cls(
            opportunity=contract.opportunity,
            changes=contract,
            service=contract.proposal.service,
            title=f"Change order to {contract.number}: {about}"[:160],
            intro=f"This changes our contract {contract.number}. All else in it stays as it is.",
            currency=contract.proposal.currency,
            valid_until=timezone.localdate() + 21 * DAY,
            owner=author,
            author=author,
            source=f"Contract {contract.number}",
            next_action="Write what changes and submit it for review",
        )
        return begin(change, by=by, past="began the change order", facts={"changes": contract})

    # -- Its life. -----------------------------------------------------------------------------------------------------

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.IN_REVIEW,
        gates=[
            gates.its_opportunity_is_ready,
            *HOLDS,
            gates.is_still_valid,
            gates.is_decided_in_time,
            gates.is_decided_while_valid,
        ],
        permission=WRITE,
        label="Submit for review",
        past="submitted for review",
        then="Wait for the approvals",
        within=2 * DAY,
        overridable=(gates.rows_have_proof, gates.words_are_safe),
    )
    def submit(self, *, by):
        """Ask for the approvals."""
        self.scope_state, self.client_safe = ScopeState.VERIFIED, ClientSafe.IN_REVIEW
        approvals.ask(self, by=by)

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.APPROVED,
        gates=[gates.approvals_are_given, *HOLDS],
        permission=policies.by_itself,
        label="Approve",
        past="had every approval given:",
        then="Send it to the client",
        within=2 * DAY,
        opens=Opens("proposal_review", "Send the approved proposal to the client", 2),
    )
    def approve(self, *, by):
        """Allow it to be sent: every approval was given to exactly what it says now."""
        self.scope_state, self.client_safe = ScopeState.APPROVED, ClientSafe.APPROVED

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
        opens=Opens("proposal_review", "Mend what the review found", 2),
    )
    def send_back(self, *, by, reason):
        """Return it to its author, saying why."""
        self.scope_state, self.client_safe = ScopeState.DRAFTED, ClientSafe.DRAFTED
        approvals.lapse_pending(self, reason="It was sent back.")

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.IN_REVIEW,
        permission=policies.by_itself,
        label="Review again",
        past="went back to review:",
        then="Wait for the approvals of what changed",
        within=2 * DAY,
    )
    def fall_back(self, *, by, reason=""):
        """What was approved has changed."""
        self.scope_state, self.client_safe = ScopeState.CHANGED, ClientSafe.IN_REVIEW

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.SENT,
        gates=[
            gates.its_deal_goes_on,
            gates.approvals_are_given,
            *HOLDS,
            gates.is_still_valid,
            gates.is_decided_in_time,
            gates.is_decided_while_valid,
            gates.somebody_can_receive_it,
        ],
        permission=SEND,
        label="Send to client",
        past="sent to the client",
        asks="proposals.forms.SendForm",
        then="Ask the client how it reads",
        within=3 * DAY,
    )
    def send(self, *, by, contact, others=(), words="", template=None, expires_on=None):
        """Freeze it for the client, and mail a link to whoever decides, and to others (contact, role) one of theirs."""
        self.recipient, self.sent_at, self.client_safe = contact, timezone.now(), ClientSafe.PUBLISHED
        recipients = [(contact, "decides"), *((each, role) for each, role in others if each != contact)]
        said = {"words": words, "template": template, "expires_on": expires_on}
        publishing.send_proposal(self, by=by, recipients=recipients, **said)

    @transition(
        stage,
        source=WITH_CLIENT,
        target=fsm.GET_STATE(lambda self, **_: self.stage, states=WITH_CLIENT),
        gates=[gates.its_deal_goes_on, gates.is_still_valid],
        permission=SEND,
        label="Send to somebody else",
        past="sent to one more person",
        asks="proposals.forms.ShareForm",
        answers=False,
    )
    def share(self, *, by, contact, role="reads", words=""):
        """Mail one more person at the client a link of their own; or the same person once more, a new one."""
        publishing.mail_link(self, contact, role, by=by, words=words)

    @transition(
        stage,
        source=WITH_CLIENT,
        target=fsm.GET_STATE(lambda self, **_: self.stage, states=WITH_CLIENT),
        permission=SEND,
        label="Close a link",
        past="closed a link to",
        asks="proposals.forms.CloseLinkForm",
        answers=False,
    )
    def close_link(self, *, by, link, reason):
        """Close one person's link. The others stay open."""
        publishing.close_link(self, link, reason)

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.VIEWED,
        permission=policies.only_the_client,
        client=True,
        label="Mark as viewed",
        past="opened",
        then="Ask the client how it reads",
        within=3 * DAY,
        opens=Opens("follow_up", "Talk to the client about the proposal that they opened", 2),
    )
    def mark_viewed(self, *, by, name=""):
        """A person at the client opened it."""
        self.viewed_at = timezone.now()

    @transition(
        stage,
        source=Stage.VIEWED,
        target=Stage.ACCEPTED,
        permission=policies.only_the_client,
        client=True,
        label="Accept",
        gates=[gates.contract_still_runs],
        past="accepted",
        opens=Opens(
            "contract_step",
            "Start the contract of the accepted proposal",
            1,
            when=lambda offer: not offer.is_change_order,
        ),
    )
    def accept(self, *, by, name="", role="", options=(), consent=None, digest="", address="", **how):
        """The client takes it, with the options that they chose. `how` it came is told as facts: link, reader, late."""
        if self.is_change_order:
            refuse_unwritten(name, role, consent)
        self.answered_at = timezone.now()
        optional = set(self.price_lines.filter(optional=True).values_list("pk", flat=True))
        self.chosen = sorted(optional & set(options))
        self.next_action = ""

    @transition(
        stage,
        source=Stage.VIEWED,
        target=Stage.DECLINED,
        permission=policies.only_the_client,
        client=True,
        label="Decline",
        past="declined",
        opens=Opens("follow_up", "Answer what the client declined for", 1),
    )
    def decline(self, *, by, reason, name=""):
        """The client does not take it, and says why: the reason stays as an objection."""
        self.answered_at = timezone.now()
        self.next_action = ""
        about = {"record_type": self.label(), "record_id": self.pk}
        objection = Objection(opportunity=self.opportunity, kind="other", words=reason, owner=self.owner, **about)
        begin(objection, by=by, past="raised")

    @transition(
        stage,
        source=WITH_CLIENT,
        target=Stage.EXPIRED,
        permission=policies.by_itself,
        label="Expire",
        past="expired:",
        opens=Opens("follow_up", "Ask whether the client needs a new revision", 1),
    )
    def expire(self, *, by):
        """The day until which it was valid has passed. Its link has ended with the same day."""
        self.next_action = ""

    @transition(
        stage,
        source=BEFORE_SENT,
        target=Stage.PAUSED,
        permission=WRITE,
        label="Pause",
        past="paused",
        asks=REASON,
        then="Cure the reason of the pause",
        within=2 * DAY,
        opens=Opens("proposal_review", "Cure the reason why the proposal is paused", 2),
    )
    def pause(self, *, by, reason):
        """Stop work on it; it remembers where it was."""
        self.paused_from, self.paused_because, self.paused_by_itself = self.stage, reason, by is None
        self.scope_state = ScopeState.CHANGED

    @transition(
        stage,
        source=Stage.PAUSED,
        target=fsm.GET_STATE(lambda self, by: self.paused_from, states=BEFORE_SENT),
        gates=[gates.holds_as_before, gates.decision_path_is_known],
        permission=WRITE,
        label="Resume",
        past="resumed",
        then="Pick up where it was left",
        within=2 * DAY,
    )
    def resume(self, *, by):
        """Go on from where it was paused."""
        was = {"in_review": ScopeState.VERIFIED, "approved": ScopeState.APPROVED}
        self.paused_because, self.scope_state = "", was.get(self.paused_from, ScopeState.DRAFTED)

    @transition(
        stage,
        source=[*BEFORE_SENT, Stage.PAUSED, *WITH_CLIENT, Stage.ACCEPTED, Stage.DECLINED, Stage.EXPIRED],
        target=Stage.SUPERSEDED,
        gates=[gates.no_contract_is_signed],
        permission=policies.by_itself,
        label="Supersede",
        past="superseded",
    )
    def supersede(self, *, by, replacement):
        """The next revision stands in for it."""
        self.superseded_by, self.next_action = replacement, ""
        if self.client_safe == ClientSafe.PUBLISHED:
            self.client_safe = ClientSafe.WITHDRAWN
        approvals.lapse_pending(self, reason="A new revision stands in for it.")

    @transition(
        stage,
        source=[*BEFORE_SENT, Stage.PAUSED, *WITH_CLIENT, Stage.ACCEPTED, Stage.DECLINED, Stage.EXPIRED],
        target=Stage.WITHDRAWN,
        gates=[gates.no_contract_is_signed],
        permission=SEND,
        label="Withdraw",
        past="withdrew",
        asks=REASON,
    )
    def withdraw(self, *, by, reason):
        """Take it back; its links close."""
        self.client_safe, self.next_action = ClientSafe.WITHDRAWN, ""
        approvals.lapse_pending(self, reason="The proposal was withdrawn.")
        publishing.withdraw(self, reason)

    def replace_earlier(self, links):
        """Supersede the earlier revisions, take them back, and lead their links to these. Called by `send`."""
        for old in (
            type(self)
            .objects.filter(number=self.number, revision__lt=self.revision)
            .exclude(stage__in=[self.Stage.SUPERSEDED, self.Stage.WITHDRAWN])
        ):
            old = perform(old.supersede, by=None, replacement=self)
            publishing.withdraw(old, f"Revision {self.revision} stands in for it.", replaced_by=links)
