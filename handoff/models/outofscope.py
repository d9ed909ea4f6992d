"""Work that touches what was excluded: it is ordered by a change of the contract, or somebody says why it does not."""

from django.db import models

from opportunities.models import Task
from opportunities.records import Record, stage_field, transition
from opportunities.walls import settled
from proposals.models import Proposal

from .. import changeorders
from .handoff import Handoff, Promise
from .project import ChecklistItem

MOVE = "handoff.move_outofscope"


class OutOfScope(Record):
    """A task or an onboarding item whose words name an exclusion.

    found → ordered or dismissed. While it is only found, the work is not done.
    """

    belongs_to = "handoff"

    class Stage(models.TextChoices):
        FOUND = "found"
        ORDERED = "ordered", "A change order was begun"
        DISMISSED = "dismissed", "It does not touch it"

    CLOSED = (Stage.ORDERED, Stage.DISMISSED)
    # In these the task that it is about cannot be done.
    STOPS = (Stage.FOUND,)

    handoff = models.ForeignKey(Handoff, models.PROTECT, related_name="out_of_scope")
    exclusion = models.ForeignKey(Promise, models.PROTECT, related_name="touched_by")
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, related_name="out_of_scope")
    item = models.ForeignKey(ChecklistItem, models.PROTECT, null=True, blank=True, related_name="out_of_scope")
    # The words that both share.
    words = models.CharField(max_length=200)
    reason = models.TextField("why it does not", blank=True, editable=False)
    change_order = models.ForeignKey(
        Proposal, models.PROTECT, null=True, blank=True, editable=False, related_name="out_of_scope"
    )
    stage = stage_field(Stage, Stage.FOUND)

    class Meta(Record.Meta):
        verbose_name = "work out of scope"
        verbose_name_plural = "work out of scope"
        permissions = [("move_outofscope", "Can say what becomes of work that touches an exclusion")]
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="out_of_scope_is_about_a_task_or_an_item",
                condition=models.Q(task__isnull=False, item=None) | models.Q(task=None, item__isnull=False),
            ),
            models.UniqueConstraint(fields=["exclusion", "task"], name="task_touches_an_exclusion_once"),
            models.UniqueConstraint(fields=["exclusion", "item"], name="item_touches_an_exclusion_once"),
            models.CheckConstraint(
                name="ordered_work_has_its_change_order",
                condition=~models.Q(stage="ordered") | models.Q(change_order__isnull=False),
            ),
        ]
        triggers = [
            settled("what_it_touches_stays", "handoff_id", "exclusion_id", "task_id", "item_id"),
            settled("answer_stays", "reason", "change_order_id", once="OLD.stage <> 'found'"),
        ]

    def __str__(self):
        return f"“{self.work}” touches “{self.exclusion}”"[:200]

    @property
    def work(self):
        """Return the task or the onboarding item that it is about."""
        return self.task or self.item

    @property
    def owner(self):
        return self.work.owner

    @property
    def owner_id(self):
        return self.work.owner_id

    @transition(
        stage,
        source=Stage.FOUND,
        target=Stage.ORDERED,
        permission=MOVE,
        label="Begin a change order",
        past="ordered by a change:",
    )
    def order(self, *, by):
        """Have the client order it: a change order includes from then on what was excluded."""
        row = changeorders.added_for(self.exclusion)
        self.change_order = changeorders.order(self.handoff, self.exclusion.title, by=by, row=row)

    @transition(
        stage,
        source=Stage.FOUND,
        target=Stage.DISMISSED,
        permission=MOVE,
        label="It does not, because…",
        past="said why it is in scope:",
        asks="handoff.promise_forms.InScopeForm",
    )
    def dismiss(self, *, by, reason):
        """Say why it touches nothing that was excluded."""
        self.reason = reason
