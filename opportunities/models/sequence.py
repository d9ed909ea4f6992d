"""Sequences: follow-ups that come one after the other until somebody answers."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from .. import policies
from ..records import REASON, DiaryKeeper, Record, stage_field, transition
from .client import Consent, Contact
from .opportunity import Opportunity
from .template import MessageTemplate

MOVE = "opportunities.move_sequence"


class Sequence(DiaryKeeper, Record):
    """Steps that follow each other. A reply, a meeting, an opt-out or a move of the deal's stage stops it.

    in use → retired, and back.
    """

    class Stage(models.TextChoices):
        IN_USE = "in_use", "In use"
        RETIRED = "retired", "Not in use"

    CLOSED = (Stage.RETIRED,)
    PATH = (Stage.IN_USE,)

    # The moves of a deal, or of what is written for it, that may start one.
    STARTS = [
        ("opportunity.start_discovery", "A discovery starts"),
        ("opportunity.start_proposal", "A proposal is begun"),
        ("proposal.send", "A proposal is sent"),
        ("proposal.mark_viewed", "A person opens a proposal"),
        ("proposal.engage", "A person reads a proposal, chooses or asks"),
        ("contract.send", "A contract is sent"),
        ("winback.open", "A win-back opens"),
    ]

    name = models.CharField(max_length=80, unique=True)
    purpose = models.CharField(max_length=14, choices=Consent.Purpose, default=Consent.Purpose.TRANSACTIONAL)
    starts_with = models.CharField(
        "starts by itself when", max_length=60, choices=STARTS, blank=True, help_text="Empty: somebody starts it."
    )
    stage = stage_field(Stage, Stage.IN_USE)

    class Meta(DiaryKeeper.Meta):
        permissions = [("move_sequence", "Can retire sequences and bring them back")]
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def plan(self) -> list:
        """Return its steps in their order."""
        return list(self.rows.select_related("template"))

    @transition(
        stage,
        source=Stage.IN_USE,
        target=Stage.RETIRED,
        permission=MOVE,
        label="Take out of use",
        past="took out of use:",
    )
    def retire(self, *, by):
        """Start it for nobody any more; what runs goes on."""

    @transition(
        stage, source=Stage.RETIRED, target=Stage.IN_USE, permission=MOVE, label="Bring back", past="brought back"
    )
    def bring_back(self, *, by):
        """Start it again for whom it is meant."""


class SequenceStep(models.Model):
    """One step: after so many days, a mail from a template, or a task for a person."""

    class Channel(models.TextChoices):
        MAIL = "mail"
        CALL = "call"
        TASK = "task", "Something else to do"

    sequence = models.ForeignKey(Sequence, models.PROTECT, related_name="rows")
    position = models.PositiveSmallIntegerField("order", default=1)
    wait_days = models.PositiveSmallIntegerField(
        "days to wait", default=3, validators=[MaxValueValidator(365)], help_text="After the step before it."
    )
    channel = models.CharField("what", max_length=5, choices=Channel, default=Channel.MAIL)
    template = models.ForeignKey(MessageTemplate, models.PROTECT, null=True, blank=True, related_name="+")
    title = models.CharField(
        "task", max_length=120, blank=True, help_text="What is to be done. A mail may leave it out."
    )

    class Meta:
        default_permissions = ()
        verbose_name = "step"
        ordering = ["position", "pk"]

    def __str__(self):
        return f"{self.position}. {self.when}: {self.what}"

    @property
    def what(self) -> str:
        """Say in words what is done."""
        return self.title or (f"Mail “{self.template}”" if self.template else self.get_channel_display())

    @property
    def when(self) -> str:
        """Say in words how long it waits for the step before it."""
        days = {0: "At once", 1: "After 1 day"}
        return days.get(self.wait_days, f"After {self.wait_days} days")

    @property
    def is_mail(self) -> bool:
        return self.channel == self.Channel.MAIL

    def clean(self):
        if self.is_mail and not self.template_id:
            raise ValidationError({"template": "Choose the template that is mailed."})
        if not self.is_mail and not self.title.strip():
            raise ValidationError({"title": "Say what is to be done."})
        # Whoever agreed to one kind of mail does not get another under its name.
        if self.is_mail and self.sequence.purpose and self.template.purpose != self.sequence.purpose:
            theirs, ours = self.template.get_purpose_display().lower(), self.sequence.get_purpose_display().lower()
            raise ValidationError({"template": f"“{self.template}” is {theirs} mail. Choose one of {ours} mail."})


class SequenceRun(Record):
    """A sequence at work for one contact of one deal.

    running → finished, or stopped with its reason.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        STOPPED = "stopped"

    CLOSED = (Stage.FINISHED, Stage.STOPPED)
    PATH = (Stage.RUNNING, Stage.FINISHED)

    class Ended(models.TextChoices):
        """What stopped it."""

        REPLY = "reply", "They replied"
        MEETING = "meeting", "We met"
        ANSWER = "answer", "They answered the proposal"
        OPT_OUT = "opt_out", "They opted out"
        MOVED = "moved", "The deal moved on"
        LEFT = "left", "They left the company"
        BY_HAND = "by_hand", "Somebody stopped it"

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="sequence_runs")
    sequence = models.ForeignKey(Sequence, models.PROTECT, related_name="runs")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="sequence_runs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # The position of the step that was last begun.
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    # Which steps were begun, the latest last. The plan may change meanwhile; none is taken twice.
    begun = models.JSONField(default=list, editable=False)
    stopped_because = models.CharField(max_length=300, blank=True, editable=False)
    ended = models.CharField("how it ended", max_length=8, choices=Ended, blank=True, editable=False)
    stage = stage_field(Stage, Stage.RUNNING)

    class Meta(Record.Meta):
        verbose_name = "running sequence"
        permissions = [("move_sequencerun", "Can stop sequences that run")]
        constraints = [
            models.UniqueConstraint(
                fields=["sequence", "opportunity", "contact"],
                name="sequence_runs_once",
                condition=models.Q(stage="running"),
            )
        ]
        indexes = [models.Index(fields=["contact"], name="run_of_contact", condition=models.Q(stage="running"))]

    def __str__(self):
        return f"{self.sequence} for {self.contact}"

    @property
    def coming(self) -> list:
        """Return the steps that are still to come: those after the latest in today's plan that were not begun yet."""
        steps = self.sequence.plan
        latest = next((step for step in steps if self.begun and step.pk == self.begun[-1]), None)
        # A step that was taken out of the plan meanwhile left its number behind.
        place = (latest.position, latest.pk) if latest else (self.position, 0 if not self.begun else self.begun[-1])
        return [step for step in steps if (step.position, step.pk) > place and step.pk not in self.begun]

    @transition(
        stage,
        source=Stage.RUNNING,
        target=Stage.FINISHED,
        permission=policies.by_itself,
        label="Finish",
        past="finished",
    )
    def finish(self, *, by):
        """Its last step is done."""

    @transition(
        stage,
        source=Stage.RUNNING,
        target=Stage.STOPPED,
        permission="opportunities.move_sequencerun",
        label="Stop",
        past="stopped",
        asks=REASON,
    )
    def stop(self, *, by, reason, ended=Ended.BY_HAND):
        """Take no further step, saying why."""
        self.stopped_because, self.ended = reason[:300], ended
