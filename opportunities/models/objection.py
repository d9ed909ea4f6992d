"""What stands in the way of a deal: objections, and promises that no document holds."""

from django.conf import settings
from django.db import models

from ..records import Record, stage_field, transition
from .opportunity import Opportunity
from .task import About


class Objection(About, Record):
    """A doubt that the client voiced.

    raised → answered or accepted.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        RAISED = "raised"
        ANSWERED = "answered"
        ACCEPTED = "accepted"

    CLOSED = (Stage.ANSWERED, Stage.ACCEPTED)

    class Kind(models.TextChoices):
        PRICE = "price"
        PROOF = "proof"
        SCOPE = "scope"
        TIMING = "timing"
        TRUST = "trust"
        OTHER = "other"

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="objections")
    kind = models.CharField(max_length=8, choices=Kind)
    words = models.TextField("in the client's words")
    answer = models.TextField(blank=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    stage = stage_field(Stage, Stage.RAISED)

    class Meta(Record.Meta):
        permissions = [("move_objection", "Can answer objections")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.words[:80]}"

    @transition(
        stage,
        source=Stage.RAISED,
        target=Stage.ANSWERED,
        permission="opportunities.move_objection",
        label="Answer",
        past="answered",
        asks="opportunities.forms.AnswerForm",
    )
    def reply(self, *, by, answer):
        """Write what we answered."""
        self.answer = answer

    @transition(
        stage,
        source=Stage.RAISED,
        target=Stage.ACCEPTED,
        permission="opportunities.move_objection",
        label="Accept",
        past="accepted",
        asks="opportunities.forms.ReasonForm",
    )
    def accept(self, *, by, reason):
        """Agree with the client, saying what follows from it."""


class UnwrittenPromise(Record):
    """What somebody said aloud and no document holds.

    noted → written in, excluded or withdrawn. A deal cannot be won while one is only noted.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        NOTED = "noted"
        WRITTEN_IN = "written_in", "Written in"
        EXCLUDED = "excluded"
        WITHDRAWN = "withdrawn"

    CLOSED = (Stage.WRITTEN_IN, Stage.EXCLUDED, Stage.WITHDRAWN)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="unwritten_promises")
    words = models.TextField("what was said")
    said_by = models.CharField(max_length=120, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    stage = stage_field(Stage, Stage.NOTED)

    class Meta(Record.Meta):
        permissions = [("move_unwrittenpromise", "Can settle unwritten promises")]

    def __str__(self):
        return self.words[:100]

    @transition(
        stage,
        source=Stage.NOTED,
        target=Stage.WRITTEN_IN,
        permission="opportunities.move_unwrittenpromise",
        label="It is written in",
        past="wrote in",
        asks="opportunities.forms.ReasonForm",
    )
    def write_in(self, *, by, reason):
        """Say where the document now holds it."""

    @transition(
        stage,
        source=Stage.NOTED,
        target=Stage.EXCLUDED,
        permission="opportunities.move_unwrittenpromise",
        label="It is excluded",
        past="excluded",
        asks="opportunities.forms.ReasonForm",
    )
    def exclude(self, *, by, reason):
        """Say where the document now excludes it."""

    @transition(
        stage,
        source=Stage.NOTED,
        target=Stage.WITHDRAWN,
        permission="opportunities.move_unwrittenpromise",
        label="Take it back",
        past="took back",
        asks="opportunities.forms.ReasonForm",
    )
    def withdraw(self, *, by, reason):
        """Say who told the client that it does not hold."""
