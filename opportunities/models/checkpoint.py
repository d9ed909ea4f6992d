"""Checkpoints: the lines that a house adds to the guide's checklist, and the guide's that it takes more lightly."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from .. import policies
from ..records import REASON, DiaryKeeper, Record, Refused, begin, lock, perform, stage_field, transition
from ..walls import settled
from .opportunity import Opportunity
from .task import Task

MOVE = "opportunities.move_checkpoint"


class Checkpoint(DiaryKeeper, Record):
    """A line of the checklist: one of the house's own, or one of the guide's with how the house takes it.

    mandatory → advisory, and back. One of our own can go out of use, and come back; one of the guide's stays.
    """

    class Stage(models.TextChoices):
        MANDATORY = "mandatory"
        ADVISORY = "advisory"
        RETIRED = "retired", "Not in use"

    CLOSED = (Stage.RETIRED,)
    # There is no way that leads on: it stays mandatory, or somebody said why not.
    PATH = (Stage.MANDATORY,)
    IN_USE = (Stage.MANDATORY, Stage.ADVISORY)

    class By(models.TextChoices):
        QUESTION = "question", "Somebody confirms it"
        FIELD = "field", "A field is filled"
        TASK = "task", "A task is done"

    # A line of the guide by its number ("C3"); nothing for one of our own.
    guide = models.CharField(max_length=3, blank=True, editable=False)
    sentence = models.CharField(max_length=200, help_text="What must be so, or the question to confirm.")
    met_by = models.CharField("it is met when", max_length=8, choices=By, default=By.QUESTION)
    field = models.CharField("which field", max_length=60, blank=True, help_text="For “A field is filled”.")
    task_kind = models.CharField(
        "kind of task", max_length=20, choices=Task.Kind, blank=True, help_text="For “A task is done”."
    )
    task_title = models.CharField(
        "words in the title of the task", max_length=120, blank=True, help_text="For “A task is done”."
    )
    due_from = models.CharField(
        "due from the stage",
        max_length=20,
        choices=[choice for choice in Opportunity.Stage.choices if choice[0] in Opportunity.PATH[:-1]],
        default=Opportunity.Stage.QUALIFIED,
        help_text="A deal does not leave this stage before it is met, while the checkpoint is mandatory.",
    )
    advisory_because = models.TextField(blank=True, editable=False)
    stage = stage_field(Stage, Stage.MANDATORY)

    class Meta(DiaryKeeper.Meta):
        permissions = [("move_checkpoint", "Can make checkpoints advisory or mandatory, and take them out of use")]
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["guide"], name="guide_line_once", condition=~models.Q(guide="")),
            models.CheckConstraint(
                name="guide_line_stays_in_use", condition=models.Q(guide="") | ~models.Q(stage="retired")
            ),
            models.CheckConstraint(
                name="checkpoint_says_how_it_is_met",
                condition=models.Q(met_by="question")
                | models.Q(met_by="field") & ~models.Q(field="")
                | models.Q(met_by="task") & ~models.Q(task_kind="", task_title=""),
            ),
        ]
        triggers = [settled("guide_stays", "guide")]

    def __str__(self):
        return f"{self.guide}: {self.sentence}"[:200] if self.guide else self.sentence

    def clean(self):
        if self.met_by == self.By.FIELD and not self.field:
            raise ValidationError({"field": "Choose the field that must be filled."})
        if self.met_by == self.By.TASK and not (self.task_kind or self.task_title.strip()):
            raise ValidationError({"task_kind": "Choose the kind of task, or give words of its title."})

    @classmethod
    @transaction.atomic
    def of_guide(cls, check, *, by):
        """Return the record of how the house takes a line of the guide; make it when nobody asked before."""
        known = cls.objects.filter(guide=check.key).first()
        return known or begin(cls(guide=check.key, sentence=check.sentence, due_from=check.due_from), by=by)

    @transition(
        stage,
        source=Stage.MANDATORY,
        target=Stage.ADVISORY,
        permission=MOVE,
        label="Make advisory",
        past="made advisory:",
        asks=REASON,
    )
    def make_advisory(self, *, by, reason):
        """Go on showing it, and hold up no deal for it."""
        self.advisory_because = reason

    @transition(
        stage,
        source=Stage.ADVISORY,
        target=Stage.MANDATORY,
        permission=MOVE,
        label="Make mandatory",
        past="made mandatory:",
    )
    def make_mandatory(self, *, by):
        """Let no deal pass without it again."""
        self.advisory_because = ""

    @transition(
        stage,
        source=[Stage.MANDATORY, Stage.ADVISORY],
        target=Stage.RETIRED,
        permission=policies.may_retire_checkpoint,
        label="Take out of use",
        past="took out of use:",
        asks=REASON,
    )
    def retire(self, *, by, reason):
        """Ask it of no deal any more; what was confirmed stays."""
        self.advisory_because = ""

    @transition(
        stage,
        source=Stage.RETIRED,
        target=Stage.MANDATORY,
        permission=MOVE,
        label="Use again",
        past="took into use again:",
    )
    def reuse(self, *, by):
        """Ask it of every deal again."""


class Confirmation(Record):
    """Somebody's word that a checkpoint is met for a deal: who, when, in which words, and to which question.

    given → taken back.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        GIVEN = "given"
        TAKEN_BACK = "taken_back", "Taken back"

    CLOSED = (Stage.TAKEN_BACK,)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="confirmations")
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="confirmations")
    # The question as it was then: another question is not answered by it.
    asked = models.CharField(max_length=200, editable=False)
    words = models.TextField("in words")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    confirmed_at = models.DateTimeField(default=timezone.now, editable=False)
    stage = stage_field(Stage, Stage.GIVEN)

    class Meta(Record.Meta):
        permissions = [("move_confirmation", "Can take confirmations back")]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["opportunity", "checkpoint"], name="confirmed_once", condition=models.Q(stage="given")
            )
        ]
        triggers = [
            settled(
                "said_stays", "opportunity_id", "checkpoint_id", "asked", "words", "confirmed_by_id", "confirmed_at"
            )
        ]

    def __str__(self):
        return self.asked

    @classmethod
    @transaction.atomic
    def give(cls, opportunity, checkpoint, *, by, words):
        """Write down somebody's word for a checkpoint. Return it."""
        opportunity = lock(opportunity)
        checkpoint = Checkpoint.objects.get(pk=checkpoint.pk)
        if checkpoint.met_by != Checkpoint.By.QUESTION or checkpoint.guide or not checkpoint.is_open:
            raise Refused(["Nothing is to be confirmed here any more. Reload the page."])
        given = cls.objects.filter(opportunity=opportunity, checkpoint=checkpoint, stage=cls.Stage.GIVEN).first()
        if given and given.asked == checkpoint.sentence:
            raise Refused([f"{given.confirmed_by} confirmed it already. Reload the page to read how."])
        if given:
            perform(given.take_back, by=None, reason="The question was changed.")
        word = cls(
            opportunity=opportunity, checkpoint=checkpoint, asked=checkpoint.sentence, words=words, confirmed_by=by
        )
        return begin(word, by=by, past="confirmed", facts={"in words": words})

    @transition(
        stage,
        source=Stage.GIVEN,
        target=Stage.TAKEN_BACK,
        permission="opportunities.move_confirmation",
        label="Take back",
        past="took back the word for",
        asks=REASON,
    )
    def take_back(self, *, by, reason):
        """Say that it does not hold, and why."""
