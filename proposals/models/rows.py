"""The rows of a proposal: scope, timeline, prices and claims, each with its evidence."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models

from opportunities.models import Evidence
from opportunities.records import Kept, KeptQuerySet
from opportunities.words import plain_words
from portal.promised import LESS, MORE

from .. import letters, promises, totals
from ..coverage import READ_WITH, evidence_falls_because
from .proposal import Proposal
from .said import PriceWords, Saying, ScopeWords, StepWords
from .service import PERCENT, Recurring, ScopeKind

# Two steps that wait for each other never begin.
ROUND = "These steps wait for each other. Let one of them wait for nothing."
ITSELF = "A step cannot wait for itself."
TAKEN = "Another row stands there already. Choose another place."


def one_place(name, *among):
    """Return the rule that no two rows of a proposal stand in one place. It is looked at when all is written."""
    return models.UniqueConstraint(
        fields=["proposal", *among, "position"],
        name=f"{name}_has_its_own_place",
        deferrable=models.Deferrable.DEFERRED,
        violation_error_message=TAKEN,
    )


class Row(Saying, Kept):
    """A row of a proposal. The database refuses every change once the proposal is sent."""

    belongs_to = "proposal"
    # `SAYS` is what a client reads, or what an approver must know, as it is typed: a change of these is one of content.

    # Left out, it comes last.
    position = models.PositiveSmallIntegerField(blank=True)

    class Meta(Kept.Meta):
        abstract = True
        ordering = ["position", "id"]

    def __str__(self):
        return self.title

    def save(self, *args, **kwargs):
        self.stand_last()
        super().save(*args, **kwargs)

    def stand_last(self):
        """Give it the place after the last of its kind, where it has none."""
        if self.position is None:
            last = self.beside().aggregate(last=models.Max("position"))["last"]
            self.position = 0 if last is None else last + 1

    def beside(self):
        """Return the rows among which it has its place."""
        return type(self).objects.filter(proposal=self.proposal)

    @property
    def has_evidence(self) -> bool:
        return self.evidence_id is not None

    def staff_url(self, anchor=""):
        """Return its place on the page of its proposal."""
        rows = self._meta.get_field("proposal").remote_field.related_name
        return self.proposal.staff_url(anchor or f"{rows}-group")

    def clean(self):
        if self.evidence_id and self.evidence.audit.opportunity_id != self.proposal.opportunity_id:
            raise ValidationError({"evidence": "Choose evidence of this opportunity."})

    def lacks_besides_proof(self, versions) -> str:
        """Return what it lacks although it rests on these versions of evidence, or nothing."""
        return ""

    def implied(self, changes) -> dict:
        """Return what else these changes change."""
        return {}

    def support(self, *evidence):
        """Rest this row on a version of evidence."""
        (self.evidence,) = evidence
        self.clean()
        self.save()

    def says(self) -> dict:
        """Return its content, for the fingerprint of an approval."""
        return self.row() | {"evidence": self.evidence_id}

    def copy_to(self, proposal):
        """Make the same row in another revision."""
        return type(self).objects.create(proposal=proposal, evidence=self.evidence, **self.row())


class ScopeItem(ScopeWords, Row):
    """A row of scope that a client is offered."""

    Kind = ScopeKind
    SAYS = ("position", *ScopeWords.SAYS)

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="scope_items")
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, blank=True, related_name="scope_items")

    class Meta(Row.Meta):
        constraints = [one_place("scope_item", "kind")]

    def beside(self):
        return super().beside().filter(kind=self.kind)


class Milestone(StepWords, Row):
    """A step of the timeline that a client is offered."""

    SAYS = ("position", *StepWords.SAYS)

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="milestones")
    depends_on = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="needed_by", verbose_name="waits for"
    )
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, blank=True, related_name="milestones")

    class Meta(Row.Meta):
        constraints = [
            one_place("milestone"),
            models.CheckConstraint(
                name="milestone_waits_for_another",
                condition=models.Q(depends_on=None) | ~models.Q(depends_on=models.F("id")),
                violation_error_message=ROUND,
            ),
        ]

    @property
    def end_week(self) -> int:
        return self.start_week + self.weeks

    def clean(self):
        super().clean()
        before = self.depends_on
        if before is not None:
            self.refuse_to_wait_wrongly(before)
        if waiting := self.begun_too_early():
            words = (
                f"“{waiting}” waits for this and begins after week {waiting.start_week}: end by then, or move it first."
            )
            raise ValidationError({"weeks": words})

    def refuse_to_wait_wrongly(self, before):
        """Refuse to wait for a step elsewhere, for oneself, in a round, or for one that ends later."""
        if before.proposal_id != self.proposal_id:
            raise ValidationError({"depends_on": "Choose a step of this proposal."})
        if self.pk in (step.pk for step in before.chain()):
            raise ValidationError({"depends_on": ITSELF if before.pk == self.pk else ROUND})
        if self.start_week < before.end_week:
            raise ValidationError(
                {"start_week": f"“{before}” ends after week {before.end_week}: begin then, or wait for nothing."}
            )

    def begun_too_early(self):
        """Return the first step that waits for this one and begins before it ends, or None."""
        return self.needed_by.filter(start_week__lt=self.end_week).first() if self.pk else None

    def chain(self):
        """Yield this step, what it waits for, and so on. It ends, even where steps wait for each other."""
        step, seen = self, set()
        while step is not None and step.pk not in seen:
            yield step
            seen.add(step.pk)
            step = step.depends_on

    def says(self):
        # By its title: in the next revision it is another row.
        waits = {"depends_on": self.depends_on.title} if self.depends_on else {}
        return super().says() | waits


class PriceLine(PriceWords, Row):
    """A price that a client is offered."""

    Recurring = Recurring
    SAYS = (
        "position",
        "title",
        "recurring",
        "quantity",
        "unit_price",
        "discount",
        "tax",
        "optional",
        "internal_cost",
        "pricing_assumption",
    )

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="price_lines")
    discount = models.DecimalField(
        "discount, percent", max_digits=5, decimal_places=2, default=Decimal(0), validators=PERCENT
    )
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, blank=True, related_name="price_lines")

    class Meta(Row.Meta):
        constraints = [one_place("price_line")]

    @property
    def total(self) -> Decimal:
        return totals.line(self, self.proposal.currency, self.proposal.discount)


def values_of(versions) -> str:
    return " and ".join(dict.fromkeys(version.shown_value for version in versions))


class ClaimQuerySet(KeptQuerySet):
    def with_proof(self):
        """Read along on which versions of evidence each claim rests, and whether they count."""
        return self.prefetch_related(models.Prefetch("evidence", Evidence.objects.select_related(*READ_WITH)))


class Claim(Row):
    """What we say about the client's numbers. It rests on versions of evidence, or it is not sent."""

    class Kind(models.TextChoices):
        FINDING = "finding"
        PROJECTION = "projection"
        GUARANTEE = "guarantee"

    class Sensitivity(models.TextChoices):
        NORMAL = "normal"
        HIGH = "high"

    class Better(models.TextChoices):
        MORE = MORE, "More is better"
        LESS = LESS, "Less is better"

        __empty__ = "As its numbers tell"

    SAYS = ("position", "text", "kind", "metric", "low", "high", "unit", "better", "method", "sensitivity")

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="claims")
    text = models.CharField(max_length=400, validators=[plain_words])
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.FINDING)
    metric = models.CharField(max_length=120, blank=True, validators=[plain_words])
    low = models.DecimalField("from", max_digits=16, decimal_places=4, null=True, blank=True)
    high = models.DecimalField("to", max_digits=16, decimal_places=4, null=True, blank=True)
    unit = models.CharField(max_length=30, blank=True, validators=[plain_words])
    better = models.CharField(
        "which way is better",
        max_length=4,
        choices=Better,
        blank=True,
        help_text="Left open, less is better where it promises a fall: below zero, or below what was measured.",
    )
    method = models.TextField(blank=True, help_text="How the number was reached.")
    sensitivity = models.CharField(max_length=6, choices=Sensitivity, default=Sensitivity.NORMAL)
    evidence = models.ManyToManyField(Evidence, blank=True, related_name="claims")

    objects = ClaimQuerySet.as_manager()

    class Meta(Row.Meta):
        constraints = [
            one_place("claim"),
            models.CheckConstraint(
                name="guarantee_is_sensitive", condition=~models.Q(kind="guarantee") | models.Q(sensitivity="high")
            ),
            models.CheckConstraint(
                name="claim_range_runs_upwards",
                condition=models.Q(low=None) | models.Q(high=None) | models.Q(high__gte=models.F("low")),
            ),
        ]

    def __str__(self):
        return self.text

    def save(self, *args, **kwargs):
        self.be_sensitive()
        super().save(*args, **kwargs)

    def be_sensitive(self):
        """A guarantee is always of high sensitivity, whatever is chosen."""
        if self.kind == self.Kind.GUARANTEE:
            self.sensitivity = self.Sensitivity.HIGH

    @property
    def has_evidence(self) -> bool:
        return self.evidence.exists()

    @property
    def which_way(self) -> str:
        """Return which way is better."""
        return self.way_by(self.versions)

    @property
    def way_in_words(self) -> str:
        """Say which way is better, where it promises a number."""
        return self.way_words(self.versions)

    @property
    def versions(self) -> list:
        return list(self.evidence.all()) if self.pk else []

    def way_by(self, versions) -> str:
        """Return which way is better: as its writer says, else less where it promises a fall, else more."""
        ends = [end for end in (self.low, self.high) if end is not None]
        if self.better or not ends:
            return self.better or MORE
        falls = max(ends) <= 0 and min(ends) < 0
        before = self.measured_by(versions)
        if before and before.metric.casefold() == self.metric.casefold():
            unit, units = self.unit.strip().casefold(), before.unit.strip().casefold()
            falls = falls or (unit in ("", units) and max(ends) < before.value)
        return LESS if falls else MORE

    def way_words(self, versions) -> str:
        names = dict(self.Better.choices)
        return "" if self.low is None and self.high is None else str(names[self.way_by(versions)])

    def measured_by(self, versions):
        """Return the version of evidence that says what it was before, of the same metric if there is one, or None."""
        versions = sorted(versions, key=lambda version: version.pk)
        same = [each for each in versions if each.metric.casefold() == self.metric.casefold()]
        return next(iter(same or versions), None)

    def clean(self):
        self.be_sensitive()
        if self.low is not None and self.high is not None and self.high < self.low:
            raise ValidationError({"high": "The range must run upwards."})
        self.be_called_what_it_is()

    def be_called_what_it_is(self):
        """Refuse a promise under a milder name: the kind decides how much proof and whose word it needs."""
        text = letters.plain(self.text)
        promise, amount = promises.PROMISE.search(text), promises.AMOUNT.search(text)
        if self.kind != self.Kind.GUARANTEE and (words := promises.GUARANTEE.search(text)):
            raise ValidationError({"kind": f"“{words.group()}” is a guarantee: choose that, or say it otherwise."})
        if self.kind == self.Kind.FINDING and promise:
            said = f"“{promise.group()}” promises: choose projection, or say what was measured."
            raise ValidationError({"kind": said})
        if self.kind == self.Kind.FINDING and amount and not self.method.strip():
            raise ValidationError({"method": f"Say how “{amount.group()}” was reached."})

    def implied(self, changes):
        guarantee = changes.get("kind", self.kind) == self.Kind.GUARANTEE
        return {"sensitivity": self.Sensitivity.HIGH} if guarantee else {}

    def support(self, *evidence):
        """Rest this claim on versions of evidence of the same opportunity, in the unit in which it speaks."""
        versions = [*self.evidence.select_related("audit"), *evidence]
        self.check_proof(versions)
        self.check_words(versions)
        self.evidence.add(*evidence)

    def check_proof(self, versions):
        """Refuse what proves something else: another client's evidence, or a number in another unit."""
        if any(version.audit.opportunity_id != self.proposal.opportunity_id for version in versions):
            raise ValidationError({"evidence": "Choose evidence of this opportunity."})
        if words := self.speaks_otherwise(versions):
            raise ValidationError({"unit": words})

    def check_words(self, versions):
        """Refuse words that name too little, or something else than was measured. A newer version may change that."""
        if refused := self.lacks_as_guarantee() or self.contradicts(versions) or self.misquotes(versions):
            raise ValidationError(refused)

    def lacks_as_guarantee(self) -> dict:
        """Return what a guarantee must name and does not, by field: without it nobody can tell whether it was kept."""
        if self.kind != self.Kind.GUARANTEE:
            return {}
        lacks = {} if self.metric.strip() else {"metric": "Say what is guaranteed: the metric."}
        bounds = {"low": "Say from what it is guaranteed.", "high": "Say up to what it is guaranteed."}
        return lacks | {name: words for name, words in bounds.items() if getattr(self, name) is None}

    def contradicts(self, versions) -> dict:
        """Refuse the range of a finding that holds nothing of what was measured in its unit."""
        if self.kind != self.Kind.FINDING or (self.low is None and self.high is None):
            return {}
        unit = self.unit.strip().casefold()
        said = [version for version in versions if not unit or version.unit.strip().casefold() in ("", unit)]
        low = self.high if self.low is None else self.low
        high = self.low if self.high is None else self.high
        if not said or any(low <= version.value <= high for version in said):
            return {}
        return {"low": f"Its evidence says {values_of(said)}: a finding's range holds that, or it is a projection."}

    def misquotes(self, versions) -> dict:
        """Refuse the sentence of a finding that says another number than was measured, in the same unit."""
        if self.kind != self.Kind.FINDING:
            return {}
        for unit in {promises.unit_of(version.unit.strip()) for version in versions} - {""}:
            said = [version for version in versions if promises.unit_of(version.unit.strip()) == unit]
            told = [amount for amount in promises.amounts_in(letters.plain(self.text)) if amount.unit == unit]
            if told and not any(amount.says(version.value) for amount in told for version in said):
                return {"text": f"Its evidence says {values_of(said)}: say that, or rest it on what you say."}
        return {}

    def speaks_otherwise(self, versions) -> str:
        """Say that no version has the unit of this claim's range, where both name one; or nothing."""
        if self.low is None and self.high is None:
            return ""
        units = {version.unit.strip().casefold(): version.unit.strip() for version in versions if version.unit.strip()}
        if not units or not self.unit.strip() or self.unit.strip().casefold() in units:
            return ""
        return f"Its evidence is in {' and '.join(sorted(units.values()))}: say the range in that, not in {self.unit}."

    def lacks_besides_proof(self, versions):
        if self.kind != self.Kind.FINDING and not self.method.strip():
            return "say how the number was reached."
        if self.kind == self.Kind.PROJECTION and (self.low is None or self.high is None):
            return "say from what to what it reaches."
        wrong = self.lacks_as_guarantee() or self.contradicts(versions)
        words = self.speaks_otherwise(versions) or next(iter(wrong.values()), "")
        return words[:1].lower() + words[1:]

    def unsupported_because(self) -> str:
        """Return why this claim may not be sent, or nothing."""
        versions = list(self.evidence.all())
        if not versions:
            return "none is attached."
        fallen = (reason for version in versions if (reason := evidence_falls_because(version)))
        return self.lacks_besides_proof(versions) or next(fallen, "")

    def says(self):
        """Which way is better belongs to it where somebody said so: what was vouched for before stays vouched for."""
        said = self.row()
        if not self.better:
            del said["better"]
        return said | {"evidence": sorted(version.pk for version in self.evidence.all())}

    def in_every_revision(self):
        """Return this claim and the same one in the other revisions of its proposal."""
        return type(self).objects.filter(proposal__number=self.proposal.number, text=self.text)

    def copy_to(self, proposal):
        copy = type(self).objects.create(proposal=proposal, **self.row())
        copy.evidence.set(self.evidence.all())
        return copy
