"""Approvals: each is of content, by somebody who did not write it."""

from datetime import timedelta

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Opportunity
from opportunities.records import REASON, KeptQuerySet, Output, Refused, stage_field, transition
from opportunities.walls import Wall, settled

from .. import approvals, asking, gates, measures, policies
from .contract import Contract
from .proposal import Proposal
from .service import ApprovalRule, Aspect
from .summary import Summary


class ApprovalQuerySet(KeptQuerySet):
    def waiting(self):
        """Return the questions that somebody is to answer now: those of a paused deal or proposal rest with it."""
        asked = self.filter(stage=Approval.Stage.PENDING)
        return asked.exclude(opportunity__stage="paused").exclude(proposal__stage="paused")


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
    # The rule that asked, why it did in words, and in which order; without a rule somebody is asked all the same.
    rule = models.ForeignKey(
        ApprovalRule, models.PROTECT, null=True, related_name="+", verbose_name="asked by the rule"
    )
    why = models.TextField("why it is asked", blank=True)
    step = models.PositiveSmallIntegerField(default=1)
    # Whom the rule asked when this was asked: whoever holds a right, one of a group, or one person by name, which
    # each of everybody of a group is too. Whoever of them comes first decides; by name, it is the owner alone.
    permission = models.CharField(max_length=80, blank=True)
    group = models.ForeignKey(Group, models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    digest = models.CharField(max_length=64)
    # What the digest was taken of: an approver sees the difference since the last approval.
    content = models.JSONField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    due = models.DateTimeField()
    remind_at = models.DateTimeField(null=True)
    # When it went on to whom the rule escalates to; who has it then decides, whatever their rights.
    escalated_at = models.DateTimeField(null=True)
    # Who reads it now, so that nobody else of those who are asked does the same. It binds nobody.
    looked_at_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    looked_at = models.DateTimeField(null=True)
    # Given on a condition: which measure stays on which side of which number. See `measures.py` for what may change.
    condition = models.JSONField(null=True)
    # The digest that it stands for since something changed within the condition. What was read stays in `digest`.
    bound = models.CharField(max_length=64, blank=True)
    # Given, it holds until then.
    expires_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField("reason", blank=True)
    stage = stage_field(Stage, Stage.PENDING)

    objects = ApprovalQuerySet.as_manager()

    class Meta(Output.Meta):
        permissions = [
            *((f"approve_{value}", f"Can approve: {label.lower()}") for value, label in Aspect.choices),
            ("reassign_approval", "Can give a question to somebody else"),
        ]
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
                    fields=[subject, "aspect", "rule", "person"],
                    name=f"one_live_approval_of_a_{subject}",
                    condition=models.Q(stage__in=["pending", "approved"], **{f"{subject}__isnull": False}),
                    nulls_distinct=False,
                )
                for subject in ("proposal", "contract", "summary")
            ),
            models.CheckConstraint(
                name="approval_asks_somebody",
                condition=~models.Q(permission="") | models.Q(group__isnull=False) | models.Q(person__isnull=False),
            ),
            models.CheckConstraint(
                name="only_a_condition_binds_anew",
                condition=models.Q(bound="") | models.Q(condition__isnull=False, aspect="pricing"),
            ),
        ]
        indexes = [
            models.Index(fields=["due", "id"], name="approval_by_due"),
            models.Index(fields=["due", "id"], name="approval_waiting", condition=models.Q(stage="pending")),
            # What may wait for one person, by each way to be asked: `asked_of` in zarts/desk/queue.py.
            models.Index(fields=["owner", "due"], name="approval_of_owner", condition=models.Q(stage="pending")),
            models.Index(
                fields=["group", "due"], name="approval_of_group", condition=models.Q(stage="pending", permission="")
            ),
            models.Index(
                fields=["permission"],
                name="approval_of_right",
                condition=models.Q(stage="pending") & ~models.Q(permission=""),
            ),
            models.Index(
                fields=["remind_at"],
                name="approval_to_remind",
                condition=models.Q(stage="pending", remind_at__isnull=False),
            ),
            models.Index(
                fields=["expires_at"],
                name="approval_to_expire",
                condition=models.Q(stage="approved", expires_at__isnull=False),
            ),
            models.Index(fields=["decided_at"], name="approval_decided", condition=models.Q(decided_at__isnull=False)),
        ]
        triggers = [
            settled(
                "decision_stays",
                *("decided_by_id", "decided_at", "decision", "condition"),
                once="OLD.stage <> 'pending'",
            ),
            settled("asked_for_a_reason", "rule_id", "why", "step", "group_id", "person_id", "asked_at"),
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

    def staff_url(self, anchor=""):
        """Return its one page: the question in the queue, with everything that somebody reads before they decide."""
        url = reverse("approval", args=[self.pk])
        return f"{url}#{anchor}" if anchor else url

    @property
    def worth(self) -> str:
        """Say what the record comes to in its first year, firm and with every option. Words cost nothing."""
        measured = measures.Measured(self.subject)
        return measured.said("first_year") if measured.offer else ""

    @property
    def nobody_because(self) -> str:
        """Say why it waits for nobody, or nothing."""
        return asking.nobody_because(self)

    @property
    def rests_because(self) -> str:
        """Say why nobody is to answer it now, or nothing."""
        if self.stage == self.Stage.PENDING and self.opportunity.stage == "paused":
            return "Its deal is paused."
        if self.stage == self.Stage.PENDING and self.proposal and self.proposal.stage == "paused":
            return f"Its proposal is paused: {self.proposal.paused_because}"
        return ""

    @property
    def holds_for(self) -> str:
        """Return the digest that it stands for: what was read, or what it became within the condition."""
        return self.bound or self.digest

    @property
    def goes_by_name(self) -> bool:
        """Whether it is its owner's alone, whatever rights they and others have."""
        return (self.person_id is not None and not self.permission) or self.escalated_at is not None

    @property
    def on_condition(self) -> str:
        """Say the condition on which it was given, or nothing."""
        return measures.spoken(self.condition, measures.Measured(self.subject).currency) if self.condition else ""

    def while_asked(self):
        return self.subject.while_asked()

    def moves_for(self, user):
        """Return every move from here; only what hangs on numbers can be approved on a condition."""
        return [move for move in super().moves_for(user) if move.name != "approve_on" or self.aspect == Aspect.PRICING]

    def decide(self, by, digest, reason=""):
        """Keep who decided, when and why; the digest is of what they read, and nobody decides on what they did not."""
        if not digest:
            raise Refused(["Open the question and read it before you decide."])
        if digest != self.digest:
            raise Refused(["It changed since you opened it. Read it again."])
        self.decided_by, self.decided_at, self.decision, self.next_action = by, timezone.now(), reason, ""
        self.remind_at = self.looked_at_by = self.looked_at = None

    def give(self, by, digest):
        """Vouch for it from now on, for as long as the rule says."""
        self.decide(by, digest)
        days = self.rule.valid_days if self.rule else asking.VALID_DAYS
        self.expires_at = self.decided_at + timedelta(days=days)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.APPROVED,
        gates=[gates.its_deal_goes_on, gates.subject_is_in_review, gates.content_is_as_asked, gates.subject_holds],
        permission=policies.may_approve,
        label="Approve",
        past="approved",
    )
    def approve(self, *, by, digest=""):
        """Vouch for exactly this content. The page passes the digest of what it showed; without one it is refused."""
        self.give(by, digest)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.APPROVED,
        gates=[
            gates.its_deal_goes_on,
            gates.subject_is_in_review,
            gates.content_is_as_asked,
            gates.content_hangs_on_numbers,
            gates.subject_holds,
        ],
        permission=policies.may_approve,
        label="Approve on a condition",
        past="approved, on a condition,",
        asks="proposals.forms.ConditionForm",
    )
    def approve_on(self, *, by, condition, digest=""):
        """Vouch for this pricing, and for what it becomes as long as one measure stays on its side of a number.

        `measures.py` says what exactly may change under which condition. Whatever else changes lapses this approval.
        """
        condition = measures.condition(condition["measure"], condition["number"])
        measured = measures.Measured(self.subject)
        if not measures.is_kept(condition, measured):
            now = measured.said(condition["measure"])
            said = measures.spoken(condition, measured.currency)
            raise Refused(
                [f"It is {now} now, which is not “{said}”. Choose a number that it keeps, or ask for changes."]
            )
        self.condition = condition
        self.give(by, digest)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.PENDING,
        permission=policies.may_approve,
        label="I am looking at it",
        past="is looking at",
        answers=False,
    )
    def look_at(self, *, by):
        """Say that one reads it now. Whoever else is asked may decide all the same."""
        self.looked_at_by, self.looked_at = by, timezone.now()

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.PENDING,
        gates=[gates.subject_is_in_review],
        permission=policies.may_reassign,
        label="Give to somebody else",
        past="gave to somebody else",
        asks="proposals.forms.ReassignForm",
        answers=False,
    )
    def reassign(self, *, by, to, reason):
        """Have somebody else decide who could have been asked, saying why."""
        if to == self.owner or not asking.could_take(self, to):
            raise Refused([f"{to} cannot decide on this, or has it already. Choose somebody else."])
        self.owner, self.next_action = to, approvals.READ_IT
        self.looked_at_by = self.looked_at = None

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.CHANGES_REQUESTED,
        gates=[gates.its_deal_goes_on],
        permission=policies.may_approve,
        label="Ask for changes",
        past="asked for changes to",
        asks=REASON,
    )
    def request_changes(self, *, by, reason, digest=""):
        """Send it back to its author, saying what to change."""
        self.decide(by, digest, reason)

    @transition(
        stage,
        source=Stage.PENDING,
        target=Stage.REJECTED,
        gates=[gates.its_deal_goes_on],
        permission=policies.may_approve,
        label="Reject",
        past="rejected",
        asks=REASON,
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
        asks=REASON,
    )
    def recall(self, *, by, reason):
        """Take the question back."""
        self.next_action, self.remind_at = "", None

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
        self.next_action, self.remind_at = "", None

    def now(self) -> str:
        """Return the digest of what the aspect says now."""
        return approvals.digest(self.aspect, self.subject)
