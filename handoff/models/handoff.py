"""The handoff: what was promised, what delivery says to it, and what winning made."""

from datetime import timedelta

import django_fsm as fsm
from django.conf import settings
from django.db import models

from opportunities.models import Evidence, Opportunity
from opportunities.models.task import About
from opportunities.records import (
    REASON,
    Kept,
    KeptQuerySet,
    Lack,
    Opens,
    Output,
    Record,
    Refused,
    stage_field,
    transition,
)
from opportunities.walls import frozen, settled
from proposals.models import Contract, Proposal

from .. import figures, gates, policies

DAY = timedelta(days=1)
MOVE, PROMISE = "handoff.move_handoff", "handoff.move_promise"


class Handoff(Output):
    """A won contract on its way from those who sold it to those who keep it.

    preparing → ready → accepted → closed. One that is preparing or ready can be blocked, and goes back to
    where it was. Where its project was closed before delivery accepted it, it is closed with it.
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
        indexes = [models.Index(fields=["due_on", "id"], name="handoff_by_due")]
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
            gates.its_project_is_open,
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
        source=[Stage.PREPARING, Stage.READY, Stage.BLOCKED, Stage.ACCEPTED],
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

    offered → accepted, or disputed → settled: kept as sold, reworded by a change order, or withdrawn. An accepted
    one, or one that is kept as sold, is kept or broken in the end; what was reworded holds as its new rows say.
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

    class Outcome(models.TextChoices):
        AS_SOLD = "as_sold", "Kept as sold"
        REWORDED = "reworded", "Reworded by a change order"
        WITHDRAWN = "withdrawn", "Withdrawn"

    # Settled so, nobody owes it any more.
    LET_GO = (Outcome.REWORDED, Outcome.WITHDRAWN)

    handoff = models.ForeignKey(Handoff, models.PROTECT, related_name="promises")
    kind = models.CharField(max_length=12, choices=Kind)
    title = models.CharField(max_length=400)
    words = models.TextField(blank=True)
    sold_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    outcome = models.CharField("settled", max_length=9, choices=Outcome, blank=True, editable=False)
    settled_as = models.TextField("what was agreed", blank=True, editable=False)
    # The change order that is to reword it, and in the end the one that did.
    change_order = models.ForeignKey(
        Proposal, models.PROTECT, null=True, blank=True, editable=False, related_name="rewords"
    )
    # What shows that it was kept, or broken.
    shown = models.TextField("what shows it", blank=True, editable=False)
    shown_report = models.ForeignKey(
        "handoff.Report", models.PROTECT, null=True, blank=True, editable=False, related_name="+", verbose_name="report"
    )
    shown_evidence = models.ForeignKey(
        Evidence, models.PROTECT, null=True, blank=True, editable=False, related_name="+", verbose_name="evidence"
    )
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
            ),
            models.CheckConstraint(
                name="reworded_promise_has_its_change_order",
                condition=~models.Q(outcome="reworded") | models.Q(change_order__isnull=False),
            ),
        ]
        triggers = [
            settled("words_stay", "handoff_id", "kind", "title", "words", "record_type", "record_id", "sold_by_id"),
            settled("agreed_stays", "settled_as", "outcome", "change_order_id", once="OLD.stage <> 'disputed'"),
            settled(
                "shown_stays",
                *("shown", "shown_report_id", "shown_evidence_id"),
                once="OLD.stage IN ('offered', 'disputed', 'kept', 'broken')",
            ),
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
        permission=policies.may_settle_promise,
        label="Settle",
        past="settled",
        asks="handoff.promise_forms.SettleForm",
    )
    def settle(self, *, by, outcome, reason, change_order=None):
        """Write down what was agreed: it is kept as sold, a change order words it anew, or it is withdrawn."""
        reworded = outcome == self.Outcome.REWORDED
        if reworded and (change_order is None or not self.accepted_changes().filter(pk=change_order.pk).exists()):
            raise Refused(
                [Lack("Have the client accept a change order that rewords it first.", self.staff_url("reword"))]
            )
        self.outcome, self.settled_as, self.change_order = outcome, reason, change_order if reworded else None

    def accepted_changes(self):
        """Return the change orders to its contract that the client accepted, the newest first."""
        return self.handoff.contract.change_orders.filter(stage=Proposal.Stage.ACCEPTED).order_by("-pk")

    @transition(
        stage,
        source=[Stage.ACCEPTED, Stage.SETTLED],
        target=Stage.KEPT,
        gates=[gates.promise_is_owed],
        permission=PROMISE,
        label="Mark as kept",
        past="kept",
        asks="handoff.promise_forms.ShownForm",
    )
    def keep(self, *, by, shown="", report=None, evidence=None):
        """The client has what was promised, and this shows it."""
        number = report and next((each for each in report.numbers if each.get("claim") == self.claim_id), None)
        if number and figures.falls_short(number):
            words = f"{report} says {number['value']} {number['unit']}: it fell short of what was promised."
            raise Refused([Lack(f"{words} Mark it as broken, or choose what shows more.", report.staff_url())])
        self.show(shown, report, evidence)

    @transition(
        stage,
        source=[Stage.ACCEPTED, Stage.SETTLED],
        target=Stage.BROKEN,
        gates=[gates.promise_is_owed],
        permission=PROMISE,
        label="Mark as broken",
        past="marked as broken:",
        asks="handoff.promise_forms.BrokenForm",
    )
    def give_up(self, *, by, reason, shown="", report=None, evidence=None):
        """The client does not get what was promised, or what we relied on did not hold: why, and what shows it."""
        self.show(shown, report, evidence)

    @property
    def claim_id(self):
        """Return the claim that it is, by which reports know its number, or None."""
        return self.record_id if self.kind == self.Kind.CLAIM else None

    def show(self, shown, report, evidence):
        """Keep what shows how it ended. Nothing is kept or broken on somebody's word alone."""
        if not (shown.strip() or report or evidence):
            raise Refused(["Say what shows it, or choose a report or a piece of evidence."])
        deals = [report and report.project.opportunity_id, evidence and evidence.audit.opportunity_id]
        if any(deal not in (None, self.handoff.opportunity_id) for deal in deals):
            raise Refused(["Choose a report or a piece of evidence of this deal."])
        self.shown, self.shown_report, self.shown_evidence = shown.strip(), report, evidence


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
