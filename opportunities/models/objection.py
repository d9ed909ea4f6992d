"""What stands in the way of a deal: objections, and promises that no document holds."""

from django.conf import settings
from django.db import models, transaction

from ..records import KeptQuerySet, Record, lock, plain, stage_field, tell, transition
from ..walls import settled
from .client import Contact
from .opportunity import Opportunity
from .task import About, refuse_another_clients


class InTheWay(KeptQuerySet):
    def open(self):
        return self.exclude(stage__in=self.model.CLOSED)


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
    raised_by = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+")
    # What we said to it, or what follows from it.
    answer = models.TextField(blank=True, editable=False)
    # What was said at the portal, by its number there: our answer can be shown below it.
    portal_action_id = models.BigIntegerField(null=True, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    stage = stage_field(Stage, Stage.RAISED)

    objects = InTheWay.as_manager()

    class Meta(Record.Meta):
        permissions = [("move_objection", "Can answer objections")]
        triggers = [settled("answer_stays", "answer", once="OLD.stage <> 'raised'")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.words[:80]}"

    def clean(self):
        if self.opportunity_id:
            refuse_another_clients(self.raised_by, self.opportunity, "raised_by")

    @transaction.atomic
    def point_at(self, record, *, by):
        """Say which claim, price or row of the scope it is about; None for none of them. Return the objection."""
        objection = lock(self)
        before = objection.record
        if before != record:
            objection.record_type, objection.record_id = (record.label(), record.pk) if record else ("", None)
            objection.save()
            tell(objection, "about", "said what it is about:", by=by, facts={"about": [plain(before), plain(record)]})
        return objection

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
        asks="opportunities.forms.FollowsForm",
    )
    def accept(self, *, by, reason):
        """Agree with the client, saying what follows from it."""
        self.answer = reason


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
    # Where a document holds or excludes it now, or who took it back.
    settled_as = models.TextField("settled", blank=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    stage = stage_field(Stage, Stage.NOTED)

    objects = InTheWay.as_manager()

    class Meta(Record.Meta):
        permissions = [("move_unwrittenpromise", "Can settle unwritten promises")]
        triggers = [settled("settled_stays", "words", "settled_as", once="OLD.stage <> 'noted'")]

    def __str__(self):
        return self.words[:100]

    @transition(
        stage,
        source=Stage.NOTED,
        target=Stage.WRITTEN_IN,
        permission="opportunities.move_unwrittenpromise",
        label="It is written in",
        past="marked as written in:",
        asks="opportunities.forms.WrittenInForm",
    )
    def write_in(self, *, by, reason):
        """Say where the document now holds it."""
        self.settled_as = reason

    @transition(
        stage,
        source=Stage.NOTED,
        target=Stage.EXCLUDED,
        permission="opportunities.move_unwrittenpromise",
        label="It is excluded",
        past="excluded",
        asks="opportunities.forms.ExcludedForm",
    )
    def exclude(self, *, by, reason):
        """Say where the document now excludes it."""
        self.settled_as = reason

    @transition(
        stage,
        source=Stage.NOTED,
        target=Stage.WITHDRAWN,
        permission="opportunities.move_unwrittenpromise",
        label="Take it back",
        past="took back",
        asks="opportunities.forms.TakenBackForm",
    )
    def withdraw(self, *, by, reason):
        """Say who told the client that it does not hold."""
        self.settled_as = reason
