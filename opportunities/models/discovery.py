"""Discovery: what the client needs, has and decides by."""

from django.db import models

from .. import gates
from ..records import Output, stage_field, transition
from .opportunity import Opportunity


class Discovery(Output):
    """The notes of the first talks. Open until all five parts are written.

    open → complete, and back.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"

    CLOSED = (Stage.COMPLETE,)
    PARTS = ("notes", "pain_points", "lead_flow", "provider_stack", "decision_criteria")

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="discoveries")
    notes = models.TextField("discovery notes", blank=True)
    pain_points = models.TextField(blank=True)
    lead_flow = models.TextField("current lead flow", blank=True)
    provider_stack = models.TextField(blank=True)
    decision_criteria = models.TextField(blank=True)
    decision_path = models.TextField(blank=True)
    stage = stage_field(Stage, Stage.OPEN)

    class Meta(Output.Meta):
        verbose_name_plural = "discoveries"
        permissions = [("move_discovery", "Can complete and reopen discoveries")]
        constraints = [
            models.CheckConstraint(
                name="open_discovery_has_a_next_action",
                condition=models.Q(stage="complete") | ~models.Q(next_action=""),
            )
        ]

    def __str__(self):
        return f"Discovery of {self.opportunity}"

    @transition(
        stage,
        source=Stage.OPEN,
        target=Stage.COMPLETE,
        gates=[gates.five_parts_are_written],
        permission="opportunities.move_discovery",
        label="Complete discovery",
        past="completed",
    )
    def complete(self, *, by):
        """Say that we know what the client needs."""

    @transition(
        stage,
        source=Stage.COMPLETE,
        target=Stage.OPEN,
        permission="opportunities.move_discovery",
        label="Open again",
        past="opened again",
        then="Write what is missing",
        asks="opportunities.forms.ReasonForm",
    )
    def reopen(self, *, by, reason):
        """Go on asking."""
