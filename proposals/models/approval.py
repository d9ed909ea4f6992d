"""Approvals: each is of content, by somebody who did not write it."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone

from opportunities.models import Opportunity
from opportunities.records import Output, Refused, stage_field, transition
from opportunities.walls import Wall, settled

from .. import approvals, gates, policies
from .contract import Contract
from .proposal import Proposal
from .service import Aspect
from .summary import Summary


class Approval(Output):
    """A second person's word for one aspect of one record, bound to a digest of what that aspect says.

    pending → approved, rejected, changes requested, recalled or lapsed. One that was given lapses when the
    content changes.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        RECALLED = "recalled"
        LAPSED = "lapsed"

    CLOSED = (Stage.APPROVED, Stage.REJECTED, Stage.CHANGES_REQUESTED, Stage.RECALLED, Stage.LAPSED)
    LIVE = (Stage.PENDING, Stage.APPROVED)
    ASKS = (Stage.PENDING,)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="approvals")
    proposal = models.ForeignKey(Proposal, models.PROTECT, null=True, related_name="approvals")
    contract = models.ForeignKey(Contract, models.PROTECT, null=True, related_name="approvals")
    summary = models.ForeignKey(Summary, models.PROTECT, null=True, related_name="approvals")
    aspect = models.CharField(max_length=10, choices=Aspect)
    # The right that the rule asked for when this was asked.
    permission = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    # What the digest was taken of: an approver sees the difference since the last approval.
    content = models.JSONField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    due = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField("reason", blank=True)
    stage = stage_field(Stage, Stage.PENDING)

    class Meta(Output.Meta):
        permissions = [(f"approve_{value}", f"Can approve: {label.lower()}") for value, label in Aspect.choices]
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="approval_is_about_one_record",
                condition=models.Q(proposal__isnull=False, contract=None, summary=None)
                | models.Q(proposal=None, contract__isnull=False, summary=None)
                | models.Q(proposal=None, contract=None, summary__isnull=False),
            ),
            models.CheckConstraint(
                name="open_approval_has_a_next_action", condition=~models.Q(stage="pending") | ~models.Q(next_action="")
            ),
            models.CheckConstraint(
                name="given_approval_names_who_gave_it",
                condition=~models.Q(stage__in=["approved", "rejected", "changes_requested"])
                | models.Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            *(
                models.UniqueConstraint(
                    fields=[subject, "aspect"],
                    name=f"one_live_approval_of_a_{subject}",
                    condition=models.Q(stage__in=["pending", "approved"]),
                )
                for subject in ("proposal", "contract", "summary")
            ),
        ]
        indexes = [models.Index(fields=["due"], name="approval_waiting", condition=models.Q(stage="pending"))]
        triggers = [
            settled("decision_stays", "decided_by_id", "decided_at", "decision", once="OLD.stage <> 'pending'"),
            Wall(
                name="four_eyes",
                calls="zarts_keep_four_eyes",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.stage <> NEW.stage AND NEW.stage IN ('approved', 'rejected', 'changes_requested')"
                ),
            ),
        ]

    def __str__(self):
        subject = self.subject
        return f"{self.get_aspect_display()} of {subject}" if self.aspect != subject._meta.model_name else str(subject)

    @property
    def subject(self):
        """Return the record that is to be approved."""
        return self.proposal or self.contract or self.summary

    @property
    def amount(self):
        """Return what the record itself comes to, by which the rules ask, and its currency. Words cost nothing."""
        offer = self.proposal or (self.contract and self.contract.proposal)
        return (self.subject.amount, offer.currency) if offer else None

    def decide(self, by, digest="", reason=""):
        if digest and digest != self.digest:
            raise Refused(["It changed since you opened it. Read it again."])
        self.decided_by, self.decided_at, self.decision, self.next_action = by, timezone.now(), reason, ""

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.APPROVED,
        gates=[gates.subject_is_in_review, gates.content_is_as_asked],
        permission=policies.may_approve,
        label="Approve",
        past="approved",
    )
    def approve(self, *, by, digest=""):
        """Vouch for exactly this content. A page that was opened before a change passes the digest that it showed."""
        self.decide(by, digest)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.CHANGES_REQUESTED,
        permission=policies.may_approve,
        label="Ask for changes",
        past="asked for changes to",
        asks="opportunities.forms.ReasonForm",
    )
    def request_changes(self, *, by, reason, digest=""):
        """Send it back to its author, saying what to change."""
        self.decide(by, digest, reason)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.REJECTED,
        permission=policies.may_approve,
        label="Reject",
        past="rejected",
        asks="opportunities.forms.ReasonForm",
    )
    def reject(self, *, by, reason, digest=""):
        """Refuse it, saying why."""
        self.decide(by, digest, reason)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.RECALLED,
        permission=policies.may_recall,
        label="Recall",
        past="recalled",
        asks="opportunities.forms.ReasonForm",
    )
    def recall(self, *, by, reason):
        """Take the question back."""
        self.next_action = ""

    @transition(
        stage,
        source=[Stage.PENDING, Stage.APPROVED],
        target=Stage.LAPSED,
        permission=policies.by_itself,
        label="Lapse",
        past="let lapse the approval",
    )
    def lapse(self, *, by, reason=""):
        """What it stood for has changed, or is not asked any more."""
        self.next_action = ""

    def now(self) -> str:
        """Return the digest of what the aspect says now."""
        return approvals.digest(self.aspect, self.subject)
