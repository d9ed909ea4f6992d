"""Audits and their evidence: what we measured, where, when, and for how long it counts."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from .. import gates, policies
from ..records import Kept, KeptQuerySet, Opens, Output, ScopeState, stage_field, tell, transition
from ..walls import frozen
from .opportunity import Opportunity


class Audit(Output):
    """A look at what the client has, in numbers.

    requested → collecting → in review → verified; a verified one goes stale when its evidence ages, or is
    withdrawn; a stale one is collected again.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        REQUESTED = "requested"
        COLLECTING = "collecting"
        IN_REVIEW = "in_review", "In review"
        VERIFIED = "verified"
        STALE = "stale"
        WITHDRAWN = "withdrawn"

    CLOSED = (Stage.VERIFIED, Stage.WITHDRAWN)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="audits")
    name = models.CharField(max_length=160)
    # The last one who brought or changed evidence: whoever verifies must be somebody else.
    collected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    raw_notes = models.TextField("raw notes", blank=True, help_text="Internal. Clients never see this.")
    stage = stage_field(Stage, Stage.REQUESTED)

    class Meta(Output.Meta):
        permissions = [
            ("move_audit", "Can collect audits and send them to review"),
            ("verify_audit", "Can verify audits"),
        ]
        constraints = [
            models.CheckConstraint(
                name="open_audit_has_a_next_action",
                condition=models.Q(stage__in=["verified", "withdrawn"]) | ~models.Q(next_action=""),
            )
        ]

    def __str__(self):
        return self.name

    @transition(
        stage,
        source=[Stage.REQUESTED, Stage.STALE],
        target=Stage.COLLECTING,
        permission="opportunities.move_audit",
        label="Start collecting",
        past="started collecting",
        then="Import or write the evidence",
        within=timedelta(days=4),
    )
    def collect(self, *, by):
        """Begin, or begin again, to gather evidence."""

    @transition(
        stage,
        source=Stage.COLLECTING,
        target=Stage.IN_REVIEW,
        gates=[gates.has_evidence, gates.evidence_is_fresh],
        permission="opportunities.move_audit",
        label="Submit for review",
        past="submitted for review",
        then="Have somebody else verify it",
        within=timedelta(days=2),
        opens=Opens("other", "Verify the audit", 2, whose=policies.may_verify_audit),
    )
    def submit(self, *, by):
        """Ask a second person to verify."""
        if by is not None and self.collected_by_id is None:
            self.collected_by = by

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.VERIFIED,
        gates=[gates.has_evidence, gates.evidence_is_fresh],
        permission=policies.may_verify_audit,
        label="Verify",
        past="verified",
    )
    def verify(self, *, by):
        """Vouch for the evidence."""
        self.scope_state = ScopeState.VERIFIED
        self.next_action = "Use it before it ages"
        self.due_on = timezone.localdate(self.evidence.current().earliest("fresh_until").fresh_until)

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.COLLECTING,
        permission=policies.may_verify_audit,
        label="Send back",
        past="sent back",
        asks="opportunities.forms.ReasonForm",
        then="Mend what the review found",
        within=timedelta(days=2),
    )
    def send_back(self, *, by, reason):
        """Return the audit to its collector, saying why."""

    @transition(
        stage,
        source=Stage.VERIFIED,
        target=Stage.STALE,
        permission=policies.by_itself,
        label="Mark as stale",
        past="went stale:",
        then="Collect the evidence again",
        within=timedelta(days=3),
        opens=Opens("other", "Collect the aged evidence again", 3),
    )
    def expire(self, *, by, reason=""):
        """Stop counting on evidence that has aged."""
        self.scope_state = ScopeState.CHANGED

    @transition(
        stage,
        source=Stage.VERIFIED,
        target=Stage.WITHDRAWN,
        permission="opportunities.verify_audit",
        label="Withdraw",
        past="withdrew",
        asks="opportunities.forms.ReasonForm",
    )
    def withdraw(self, *, by, reason):
        """Take the audit back: something in it is wrong."""
        self.scope_state = ScopeState.CHANGED


class EvidenceQuerySet(KeptQuerySet):
    def current(self):
        """Leave out what a later version corrected."""
        return self.filter(corrected_by=None)

    def fresh(self):
        return self.current().filter(fresh_until__gt=timezone.now())

    def aged(self):
        return self.current().filter(fresh_until__lte=timezone.now())


class Evidence(Kept):
    """One measured fact. It is never changed: a correction is a new version."""

    belongs_to = "audit"

    class Confidence(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    # What is written down of a measurement. A correction keeps whatever it does not change.
    SAYS = (
        *("metric", "value", "unit", "provider", "captured_at"),
        *("confidence", "link", "raw_note", "provider_caveat"),
    )
    # Days for which a kind of provider's numbers count; others count 90.
    SHELF_LIFE = {"Lighthouse": 60, "Google Search Console": 90, "Interview": 180}

    audit = models.ForeignKey(Audit, models.PROTECT, related_name="evidence")
    key = models.CharField(max_length=80, blank=True, help_text="What is measured, the same in every version.")
    version = models.PositiveSmallIntegerField(default=1, editable=False)
    corrects = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="corrected_by"
    )
    metric = models.CharField(max_length=120)
    value = models.DecimalField(max_digits=16, decimal_places=4)
    unit = models.CharField(max_length=30, blank=True)
    provider = models.CharField(max_length=80)
    captured_at = models.DateTimeField(help_text="When the provider measured it.")
    fresh_until = models.DateTimeField(editable=False)
    confidence = models.CharField(max_length=6, choices=Confidence, default=Confidence.MEDIUM)
    link = models.URLField(blank=True, max_length=500)
    raw_note = models.TextField(blank=True, help_text="Internal. Clients never see this.")
    provider_caveat = models.TextField(blank=True, help_text="Internal. Clients never see this.")
    collected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects = EvidenceQuerySet.as_manager()

    class Meta(Kept.Meta):
        verbose_name_plural = "evidence"
        ordering = ["metric", "id"]
        constraints = [
            models.UniqueConstraint(fields=["audit", "key", "captured_at", "version"], name="evidence_once"),
        ]
        indexes = [models.Index(fields=["fresh_until"], name="evidence_by_age")]
        triggers = [frozen()]

    def __str__(self):
        return f"{self.metric} {self.shown_value}"

    def clean(self):
        if self.captured_at and self.captured_at > timezone.now():
            raise ValidationError(
                {"captured_at": "Evidence cannot come from the future. Give the time it was measured."}
            )

    def save(self, *args, **kwargs):
        if self._state.adding:
            self.key = self.key or self.metric.lower()[:80]
            self.fresh_until = self.captured_at + timedelta(days=self.SHELF_LIFE.get(self.provider, 90))
        super().save(*args, **kwargs)

    @property
    def shown_value(self) -> str:
        number = f"{self.value:,.4f}".rstrip("0").rstrip(".")
        return f"{number} {self.unit}".strip()

    @property
    def is_fresh(self) -> bool:
        return self.fresh_until > timezone.now()

    @property
    def days_left(self) -> int:
        return (self.fresh_until - timezone.now()).days

    @classmethod
    @transaction.atomic
    def record(cls, audit, *, by, **fields):
        """Add a piece of evidence to an audit that is being collected, and write it in the diary."""
        if audit.stage != Audit.Stage.COLLECTING:
            raise ValidationError("Start collecting before you add evidence.")
        evidence = cls(audit=audit, collected_by=by, **fields)
        evidence.full_clean(exclude=["fresh_until"])
        evidence.save()
        tell(audit, "evidence", "added evidence to", by=by, facts={evidence.metric: evidence.shown_value})
        if by is not None and audit.collected_by_id != by.pk:
            Audit.objects.filter(pk=audit.pk).update(collected_by=by)
        return evidence

    def correct(self, *, by, **fields):
        """Add a new version that stands in for this one."""
        if hasattr(self, "corrected_by"):
            raise ValidationError("This version was corrected already. Correct the newest one.")
        values = {name: getattr(self, name) for name in ("key", *self.SAYS)} | fields
        return type(self).record(self.audit, by=by, version=self.version + 1, corrects=self, **values)
