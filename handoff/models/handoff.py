"""The handoff: what was promised, what delivery says to it, and what winning made."""

from datetime import timedelta

import django_fsm as fsm
from django.conf import settings
from django.db import models

from opportunities.models import Opportunity
from opportunities.models.task import About
from opportunities.records import Kept, KeptQuerySet, Opens, Output, Record, stage_field, transition
from opportunities.walls import frozen, settled
from proposals.models import Contract

from .. import gates

DAY = timedelta(days=1)
MOVE, PROMISE = "handoff.move_handoff", "handoff.move_promise"
REASON = "opportunities.forms.ReasonForm"


class Handoff(Output):
    """A won contract on its way from those who sold it to those who keep it.

    preparing → ready → accepted → closed. One that is preparing or ready can be blocked, and goes back to
    where it was.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        PREPARING = "preparing"
        READY = "ready"
        ACCEPTED = "accepted"
        CLOSED = "closed"
        BLOCKED = "blocked"

    CLOSED = (Stage.CLOSED,)
    BEFORE_ACCEPTED = (Stage.PREPARING, Stage.READY)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="handoffs")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="handoffs")
    blocked_from = models.CharField(max_length=20, blank=True, editable=False)
    stage = stage_field(Stage, Stage.PREPARING)

    class Meta(Output.Meta):
        permissions = [("move_handoff", "Can accept, block and close handoffs")]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "contract"], name="handoff_once_a_contract"),
            models.CheckConstraint(
                name="open_handoff_has_a_next_action", condition=models.Q(stage="closed") | ~models.Q(next_action="")
            ),
            models.CheckConstraint(
                name="blocked_handoff_knows_where_it_was",
                condition=~models.Q(stage="blocked") | ~models.Q(blocked_from=""),
            ),
        ]

    def __str__(self):
        return f"Handoff of {self.opportunity}"

    @transition(
        stage,
        source=Stage.PREPARING,
        target=Stage.READY,
        gates=[gates.has_promises],
        permission=MOVE,
        label="Give to delivery",
        past="gave to delivery",
        then="Read the promises and accept the handoff",
        within=3 * DAY,
        opens=Opens("onboarding_handoff", "Read the promises and accept the handoff", 3),
    )
    def make_ready(self, *, by):
        """Let delivery read what was sold."""

    @transition(
        stage,
        source=Stage.READY,
        target=Stage.ACCEPTED,
        gates=[
            gates.contract_is_active,
            gates.signed_contract_stands,
            gates.promises_are_answered,
            gates.deal_may_be_handed_off,
        ],
        permission=MOVE,
        label="Accept the handoff",
        past="accepted",
        then="Bring the project live",
        within=14 * DAY,
        opens=Opens("onboarding_handoff", "Bring the project live", 14),
    )
    def accept(self, *, by):
        """Delivery takes over: every promise is theirs from here on."""

    @transition(
        stage,
        source=Stage.ACCEPTED,
        target=Stage.CLOSED,
        gates=[gates.its_projects_are_closed],
        permission=MOVE,
        label="Close",
        past="closed",
        asks=REASON,
    )
    def close(self, *, by, reason):
        """Say that the work is over, and how it ended."""
        self.next_action, self.due_on = "", None

    @transition(
        stage,
        source=[Stage.PREPARING, Stage.READY],
        target=Stage.BLOCKED,
        permission=MOVE,
        label="Block",
        past="blocked",
        asks=REASON,
        then="Cure what blocks it",
        within=2 * DAY,
        opens=Opens("onboarding_handoff", "Cure what blocks the handoff", 2),
    )
    def block(self, *, by, reason):
        """Stop it, saying what stands in the way."""
        self.blocked_from = self.stage

    @transition(
        stage,
        source=Stage.BLOCKED,
        target=fsm.GET_STATE(lambda self, by: self.blocked_from, states=BEFORE_ACCEPTED),
        permission=MOVE,
        label="Unblock",
        past="unblocked",
        then="Read the promises and accept the handoff",
        within=2 * DAY,
        opens=Opens("onboarding_handoff", "Read the promises and accept the handoff", 2),
    )
    def unblock(self, *, by):
        """Go on from where it was blocked."""


class PromiseQuerySet(KeptQuerySet):
    def unanswered(self):
        """Return what delivery has not accepted and nobody has settled."""
        return self.filter(stage__in=[Promise.Stage.OFFERED, Promise.Stage.DISPUTED])


class Promise(About, Record):
    """One thing that was sold. It points at the row of the proposal or the contract that says so.

    offered → accepted, or disputed → settled. An accepted or settled one is kept or broken in the end.
    """

    belongs_to = "handoff"

    class Stage(models.TextChoices):
        OFFERED = "offered"
        ACCEPTED = "accepted"
        DISPUTED = "disputed"
        SETTLED = "settled"
        KEPT = "kept"
        BROKEN = "broken"

    CLOSED = (Stage.KEPT, Stage.BROKEN)
    HELD = (Stage.ACCEPTED, Stage.SETTLED)

    class Kind(models.TextChoices):
        DELIVERABLE = "deliverable"
        EXCLUSION = "exclusion"
        ASSUMPTION = "assumption"
        DEPENDENCY = "dependency"
        INTEGRATION = "integration"
        ADD_ON = "add_on", "Chosen add-on"
        MILESTONE = "milestone"
        CLAIM = "claim"
        CADENCE = "cadence", "Reports"

    handoff = models.ForeignKey(Handoff, models.PROTECT, related_name="promises")
    kind = models.CharField(max_length=12, choices=Kind)
    title = models.CharField(max_length=400)
    words = models.TextField(blank=True)
    sold_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    settled_as = models.TextField("what was agreed", blank=True, editable=False)
    stage = stage_field(Stage, Stage.OFFERED)

    objects = PromiseQuerySet.as_manager()

    class Meta(Record.Meta):
        permissions = [
            ("move_promise", "Can accept and dispute promises, and say how they ended"),
            ("settle_promise", "Can settle disputed promises"),
        ]
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["handoff", "record_type", "record_id", "kind"], name="promise_once_a_sold_row"
            )
        ]
        triggers = [
            settled("words_stay", "handoff_id", "kind", "title", "words", "record_type", "record_id", "sold_by_id"),
            settled("agreed_stays", "settled_as", once="OLD.stage <> 'disputed'"),
        ]

    def __str__(self):
        return self.title[:200]

    @property
    def owner(self):
        """Whoever sold it answers for it: a dispute becomes their task."""
        return self.sold_by

    @property
    def owner_id(self):
        return self.sold_by_id

    @transition(stage, source=Stage.OFFERED, target=Stage.ACCEPTED, permission=PROMISE, label="Accept", past="accepted")
    def accept(self, *, by):
        """Delivery will keep it."""

    @transition(
        stage,
        source=Stage.OFFERED,
        target=Stage.DISPUTED,
        permission=PROMISE,
        label="Dispute",
        past="disputed",
        asks=REASON,
        opens=Opens("onboarding_handoff", "Settle what delivery disputes", 2),
    )
    def dispute(self, *, by, reason):
        """Say why it cannot be kept as it was sold. Whoever sold it gets the task to settle it."""

    @transition(
        stage,
        source=Stage.DISPUTED,
        target=Stage.SETTLED,
        permission="handoff.settle_promise",
        label="Settle",
        past="settled",
        asks=REASON,
    )
    def settle(self, *, by, reason):
        """Write down what was agreed instead."""
        self.settled_as = reason

    @transition(
        stage,
        source=[Stage.ACCEPTED, Stage.SETTLED],
        target=Stage.KEPT,
        permission=PROMISE,
        label="Mark as kept",
        past="kept",
    )
    def keep(self, *, by):
        """The client has what was promised."""

    @transition(
        stage,
        source=[Stage.ACCEPTED, Stage.SETTLED],
        target=Stage.BROKEN,
        permission=PROMISE,
        label="Mark as broken",
        past="broke",
        asks=REASON,
    )
    def give_up(self, *, by, reason):
        """The client does not get what was promised, and why."""


class Receipt(About, Kept):
    """One line of the list of everything that winning made. Never changed."""

    belongs_to = "handoff"

    handoff = models.ForeignKey(Handoff, models.PROTECT, related_name="receipts")
    words = models.CharField(max_length=400)

    class Meta(Kept.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["handoff", "record_type", "record_id"], name="receipt_once_a_record")
        ]
        triggers = [frozen()]

    def __str__(self):
        return self.words
