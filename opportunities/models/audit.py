"""Audits: a look at what the client has, from the request until its numbers age."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from .. import gates, policies
from ..records import REASON, KeptQuerySet, Opens, Output, ScopeState, perform, stage_field, transition
from .opportunity import Opportunity


class AuditQuerySet(KeptQuerySet):
    def aged(self):
        """Return the verified ones whose evidence counts no more."""
        return self.filter(stage=Audit.Stage.VERIFIED, counts_until__lte=timezone.now())


class Audit(Output):
    """A look at what the client has, in numbers.

    requested → collecting → in review → verified; a verified one goes stale when its evidence ages, is corrected
    or withdrawn, or is withdrawn itself; a stale one is collected again.
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
    ASKS = (Stage.IN_REVIEW,)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="audits")
    name = models.CharField(max_length=160)
    # The last one who brought or changed evidence: whoever verifies must be somebody else.
    collected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    # When the first piece of its evidence ages: kept from the moment it is verified, so that a round finds it at once.
    counts_until = models.DateTimeField(null=True, editable=False)
    raw_notes = models.TextField("raw notes", blank=True, help_text="Internal. Clients never see this.")
    stage = stage_field(Stage, Stage.REQUESTED)

    objects = AuditQuerySet.as_manager()

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
        indexes = [
            models.Index(fields=["due_on", "id"], name="audit_by_due"),
            models.Index(fields=["counts_until"], name="audit_to_expire", condition=models.Q(stage="verified")),
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
        self.counts_until = self.evidence.current().earliest("fresh_until").fresh_until
        self.due_on = timezone.localdate(self.counts_until)

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.COLLECTING,
        permission=policies.may_verify_audit,
        label="Send back",
        past="sent back",
        asks=REASON,
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
        opens=Opens("other", "Collect the evidence again", 3),
    )
    def expire(self, *, by, reason=""):
        """Stop counting on evidence that has aged, or of which a piece was corrected or withdrawn."""
        self.scope_state = ScopeState.CHANGED

    @transition(
        stage,
        source=Stage.VERIFIED,
        target=Stage.WITHDRAWN,
        permission="opportunities.verify_audit",
        label="Withdraw",
        past="withdrew",
        asks=REASON,
    )
    def withdraw(self, *, by, reason):
        """Take the audit back: something in it is wrong."""
        self.scope_state = ScopeState.CHANGED

    # -- When its evidence changes. ------------------------------------------------------------------------------------

    def note_collector(self, user):
        """Remember who brought or changed evidence last. The clock is nobody."""
        if user is not None and self.collected_by_id != user.pk:
            type(self).objects.filter(pk=self.pk).update(collected_by=user)

    def open_for_collecting(self, *, by, because):
        """Bring it to where evidence is collected, by its own moves, each with the reason. Return it.

        What was verified or in review with the old numbers is verified anew with the new ones.
        """
        audit = self.lose_evidence(because=because)
        if audit.stage == self.Stage.WITHDRAWN:
            raise ValidationError("This audit was withdrawn: its evidence stays as it was. Begin another audit.")
        return audit if audit.stage == self.Stage.COLLECTING else perform(audit.collect, by=by)

    def lose_evidence(self, *, because):
        """Stop vouching for it, because a piece of its evidence is not what it was. Return it."""
        audit = type(self).objects.get(pk=self.pk)
        if audit.stage == self.Stage.VERIFIED:
            return perform(audit.expire, by=None, reason=because)
        if audit.stage == self.Stage.IN_REVIEW:
            return perform(audit.send_back, by=None, reason=because)
        return audit
