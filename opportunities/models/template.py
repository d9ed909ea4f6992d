"""Templates: words that are written once and mailed often."""

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from ..records import DiaryKeeper, Kept, Record, begin, lock, stage_field, transition
from ..walls import frozen
from .client import Consent

MOVE = "opportunities.move_messagetemplate"


class MessageTemplate(DiaryKeeper, Record):
    """A mail that is written once. Its words are versions: a new one changes nothing that was sent.

    in use → retired, and back.
    """

    class Stage(models.TextChoices):
        IN_USE = "in_use", "In use"
        RETIRED = "retired", "Not in use"

    CLOSED = (Stage.RETIRED,)
    PATH = (Stage.IN_USE,)

    name = models.CharField(max_length=80, unique=True)
    purpose = models.CharField(max_length=14, choices=Consent.Purpose, default=Consent.Purpose.TRANSACTIONAL)
    stage = stage_field(Stage, Stage.IN_USE)

    class Meta(DiaryKeeper.Meta):
        verbose_name = "template"
        permissions = [("move_messagetemplate", "Can retire templates and bring them back")]
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def current(self):
        """Return the newest version, or None of one that has no words yet."""
        return self.versions.order_by("-number").first()

    @transaction.atomic
    def revise(self, subject, body, *, by):
        """Write the next version. The earlier ones stay. Return it; the newest as it is when nothing changed."""
        template = lock(self)
        last = template.current
        if last and (last.subject, last.body) == (subject, body):
            return last
        number = last.number + 1 if last else 1
        version = TemplateVersion(template=template, number=number, subject=subject, body=body, author=by)
        facts = {"subject": subject, "body": body}
        return begin(version, by=by, past="wrote a version of", facts=facts)

    @transition(
        stage,
        source=Stage.IN_USE,
        target=Stage.RETIRED,
        permission=MOVE,
        label="Take out of use",
        past="took out of use:",
    )
    def retire(self, *, by):
        """Offer it to nobody any more."""

    @transition(
        stage, source=Stage.RETIRED, target=Stage.IN_USE, permission=MOVE, label="Bring back", past="brought back"
    )
    def bring_back(self, *, by):
        """Offer it again."""


class TemplateVersion(Kept):
    """The words of a template as they were from one change to the next."""

    belongs_to = "template"

    template = models.ForeignKey(MessageTemplate, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    subject = models.CharField(max_length=200)
    body = models.TextField("words")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField("written", default=timezone.now)

    class Meta(Kept.Meta):
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]
        triggers = [frozen()]

    def staff_url(self, anchor=""):
        return self.template.staff_url(anchor)

    def __str__(self):
        return f"{self.template}, version {self.number}"
