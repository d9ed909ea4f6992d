"""Evidence: what we measured, where, when, and for how long it counts."""

from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from ..records import Kept, KeptQuerySet, announce, lock, tell
from ..walls import frozen
from ..words import plain_words
from .audit import Audit
from .evidence_file import EvidenceFile
from .shelf_life import EvidenceKind, ShelfLife

# So many days before it ages, evidence asks to be measured again.
AGING = timedelta(days=14)


class EvidenceQuerySet(KeptQuerySet):
    def newest(self):
        """Leave out what a later version stands in for."""
        return self.filter(corrected_by=None)

    def current(self):
        """Return what is said today: the newest versions that nobody withdrew."""
        return self.newest().filter(withdrawal=None)

    def fresh(self):
        return self.current().filter(fresh_until__gt=timezone.now())

    def aged(self):
        return self.current().filter(fresh_until__lte=timezone.now())


class Evidence(Kept):
    """One measured fact. It is never changed: a correction is a new version, and so is a new measurement."""

    belongs_to = "audit"

    Kind = EvidenceKind

    class Confidence(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    # What is written down of a measurement. A correction keeps whatever it does not change.
    SAYS = (
        *("metric", "value", "unit", "subject", "kind", "provider", "captured_at"),
        *("confidence", "link", "raw_note", "provider_caveat"),
    )

    audit = models.ForeignKey(Audit, models.PROTECT, related_name="evidence")
    key = models.CharField(max_length=80, blank=True, help_text="What is measured, the same in every version.")
    version = models.PositiveSmallIntegerField(default=1, editable=False)
    corrects = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="corrected_by"
    )
    reason = models.CharField("why there is a new version", max_length=2000, blank=True, editable=False)
    metric = models.CharField(max_length=120, validators=[plain_words])
    value = models.DecimalField(max_digits=16, decimal_places=4)
    unit = models.CharField(max_length=30, blank=True, validators=[plain_words])
    subject = models.CharField(
        "about", max_length=300, blank=True, help_text="A page, a query, a device: whatever tells it from its like."
    )
    kind = models.CharField(max_length=10, choices=EvidenceKind, default=EvidenceKind.OTHER)
    provider = models.CharField(max_length=80, validators=[plain_words], help_text="Who measured it, or who said it.")
    captured_at = models.DateTimeField("captured", help_text="When the provider measured it.")
    fresh_until = models.DateTimeField("counts until", editable=False)
    confidence = models.CharField(max_length=6, choices=Confidence, default=Confidence.MEDIUM)
    link = models.URLField(blank=True, max_length=500)
    file = models.ForeignKey(
        EvidenceFile, models.PROTECT, null=True, blank=True, editable=False, related_name="evidence"
    )
    raw_note = models.TextField(blank=True, help_text="Internal. Clients never see this.")
    provider_caveat = models.TextField(blank=True, help_text="Internal. Clients never see this.")
    collected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EvidenceQuerySet.as_manager()

    class Meta(Kept.Meta):
        verbose_name_plural = "evidence"
        ordering = ["metric", "id"]
        constraints = [
            models.UniqueConstraint(fields=["audit", "key", "captured_at", "version"], name="evidence_once"),
        ]
        indexes = [models.Index(fields=["fresh_until", "id"], name="evidence_by_age")]
        triggers = [frozen()]

    def __str__(self):
        about = f" ({self.subject})" if self.subject else ""
        return f"{self.metric} {self.shown_value}{about}"

    def clean(self):
        if self.captured_at and self.captured_at > timezone.now():
            raise ValidationError(
                {"captured_at": "Evidence cannot come from the future. Give the time it was measured."}
            )

    @property
    def shown_value(self) -> str:
        number = f"{self.value:,.4f}".rstrip("0").rstrip(".")
        return f"{number} {self.unit}".strip()

    # -- Whether it counts. --------------------------------------------------------------------------------------------

    @property
    def is_fresh(self) -> bool:
        return self.fresh_until > timezone.now()

    @property
    def days_left(self) -> int:
        return (self.fresh_until - timezone.now()).days

    @property
    def standing(self) -> str:
        """Return how it stands: withdrawn, replaced, stale, aging or fresh."""
        if hasattr(self, "withdrawal"):
            return "withdrawn"
        if hasattr(self, "corrected_by"):
            return "replaced"
        if not self.is_fresh:
            return "stale"
        return "aging" if self.fresh_until - timezone.now() <= AGING else "fresh"

    @classmethod
    def story(cls, evidence) -> list:
        """Return every version of a piece of evidence, the newest first, with who wrote it and why."""
        versions = cls.objects.filter(audit=evidence.audit_id, key=evidence.key)
        return list(versions.select_related(*cls.TOLD_WITH).order_by("-version", "-pk"))

    # What a page reads along with evidence.
    TOLD_WITH = ("collected_by", "corrected_by", "withdrawal__by", "file")

    # -- Bringing it. --------------------------------------------------------------------------------------------------

    @classmethod
    @transaction.atomic
    def record(cls, audit, *, by, **fields):
        """Add a piece of evidence to an audit that is being collected, and write it in the diary."""
        audit = lock(audit)
        if audit.stage != Audit.Stage.COLLECTING:
            raise ValidationError("Start collecting before you add evidence.")
        evidence = cls.ready(audit, by=by, **fields)
        if cls.objects.filter(audit=audit, key=evidence.key).exists():
            raise ValidationError({"metric": cls.HERE_ALREADY})
        evidence.save()
        tell(audit, "evidence", "added evidence to", by=by, facts={evidence.metric: evidence.shown_value})
        audit.note_collector(by)
        return evidence

    HERE_ALREADY = "This is here already. Correct that one, or say under “about” what is different."

    @classmethod
    def ready(cls, audit, *, by, shelf_lives=None, **fields):
        """Return a piece of evidence that is checked and not saved yet."""
        kind = fields.pop("kind", None) or EvidenceKind.of(fields.get("provider", ""))
        evidence = cls(audit=audit, collected_by=by, kind=kind, **fields)
        evidence.key = evidence.key or evidence.own_key()
        evidence.full_clean(
            exclude=["fresh_until", "audit", "collected_by", "corrects", "file"], validate_constraints=False
        )
        days = (shelf_lives or ShelfLife.by_kind())[evidence.kind]
        evidence.fresh_until = evidence.captured_at + timedelta(days=days)
        return evidence

    def own_key(self) -> str:
        """Return the name under which the same thing is known in every version of it."""
        text = ":".join(part.strip().lower() for part in (self.provider, self.metric, self.subject))
        return text if len(text) <= 80 else f"{text[:63]}:{sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"

    @transaction.atomic
    def correct(self, *, by, reason, **fields):
        """Add a new version that stands in for this one.

        An audit that was verified is opened for it: it goes stale, so that whatever rests on the old version reacts,
        and is collected, reviewed and verified again.
        """
        lock(self.audit)
        if type(self).objects.filter(corrects=self).exists():
            raise ValidationError("This version was corrected already. Correct the newest one.")
        # The new version first: whoever hears that the audit fell sees which piece of it did.
        new = self.next_version(self.audit, by=by, reason=reason, **fields)
        new.audit = audit = self.audit.open_for_collecting(by=by, because=f"{self.metric} is corrected: {reason}")
        changed = {
            new._meta.get_field(
                name
            ).verbose_name: f"{getattr(self, name) or 'nothing'} → {getattr(new, name) or 'nothing'}"
            for name in self.SAYS
            if getattr(self, name) != getattr(new, name)
        }
        told = changed | {self.metric: f"{self.shown_value} → {new.shown_value}"}
        announce(audit, "correct", "corrected evidence of", by=by, reason=reason, facts=told)
        audit.note_collector(by)
        return new

    def next_version(self, audit, *, by, reason, **fields):
        """Save the version after this one. It keeps what it does not change."""
        kept = {name: getattr(self, name) for name in ("key", "file", *self.SAYS)}
        new = type(self).ready(audit, by=by, version=self.version + 1, corrects=self, reason=reason, **kept | fields)
        new.save()
        return new

    @transaction.atomic
    def withdraw(self, *, by, reason):
        """Take this piece back for good. An audit that was verified with it goes stale, and what rests on it reacts."""
        lock(self.audit)
        if type(self).objects.filter(corrects=self).exists():
            raise ValidationError("A newer version stands in for this one. Withdraw the newest.")
        if EvidenceWithdrawal.objects.filter(evidence=self).exists():
            raise ValidationError("This was withdrawn already. Reload the page.")
        withdrawal = EvidenceWithdrawal.objects.create(evidence=self, by=by, reason=reason)
        facts = {self.metric: self.shown_value}
        announce(self.audit, "withdraw_evidence", "withdrew evidence of", by=by, reason=reason, facts=facts)
        self.audit.lose_evidence(because=f"{self.metric} was withdrawn: {reason}")
        return withdrawal


class EvidenceWithdrawal(Kept):
    """Why a piece of evidence counts no more, and who said so. The evidence itself stays as it was."""

    belongs_to = "evidence"

    evidence = models.OneToOneField(Evidence, models.PROTECT, related_name="withdrawal")
    reason = models.CharField(max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta(Kept.Meta):
        triggers = [frozen()]

    def __str__(self):
        return f"{self.evidence}, withdrawn"
