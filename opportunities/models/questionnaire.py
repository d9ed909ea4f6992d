"""Questionnaires: what we ask in a discovery, in versions."""

import pgtrigger
from django.db import models, transaction
from django.utils import timezone

from ..records import DiaryKeeper, Kept, KeptQuerySet, Refused, begin, edit
from ..walls import Wall, settled


class QuestionnaireQuerySet(KeptQuerySet):
    def asked_of(self, opportunity_id):
        """Return what a deal is asked now: what every deal is, and what its services ask."""
        # The app above hangs its services on both by name, so that nothing here imports it.
        for_services = models.Q(services__opportunities=opportunity_id)
        asked = self.filter(models.Q(for_every_deal=True) | for_services, is_current=True)
        return asked.filter(questions__isnull=False).distinct()


class Questionnaire(DiaryKeeper):
    """The questions of a service, or of every deal. Once it was asked it stays: a change is a new version."""

    name = models.CharField(max_length=120)
    version = models.PositiveSmallIntegerField(default=1, editable=False)
    # New discoveries ask this version of it.
    is_current = models.BooleanField(default=True, editable=False)
    for_every_deal = models.BooleanField(
        "asked of every deal", default=False, help_text="Otherwise only deals about a service that names it are asked."
    )
    asked_at = models.DateTimeField("first asked", null=True, editable=False)

    objects = QuestionnaireQuerySet.as_manager()

    class Meta(DiaryKeeper.Meta):
        ordering = ["-for_every_deal", "name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="questionnaire_version_once"),
            models.UniqueConstraint(
                fields=["name"],
                name="questionnaire_current_once",
                condition=models.Q(is_current=True),
                violation_error_message="There is a questionnaire of this name. Open it and make a new version.",
            ),
        ]
        triggers = [
            settled("name_stays", "name", "version"),
            settled("asked_stays", "asked_at", once="OLD.asked_at IS NOT NULL"),
        ]

    def __str__(self):
        return f"{self.name}, version {self.version}"

    @property
    def versions(self):
        return Questionnaire.objects.filter(name=self.name)

    @transaction.atomic
    def revise(self, *, by):
        """Make a new version with the same questions. It is asked when somebody says so."""
        newest = self.versions.select_for_update().latest("version")
        fields = {"name": self.name, "version": newest.version + 1, "for_every_deal": self.for_every_deal}
        revision = begin(Questionnaire(is_current=False, **fields), by=by, past="drafted")
        for question in self.questions.all():
            question.copy_to(revision)
        return revision

    @transaction.atomic
    def make_current(self, *, by):
        """Ask this version from now on. Discoveries that began keep theirs."""
        if not self.questions.exists():
            raise Refused(["Add a question before this version is asked."])
        # All versions, so that two people who choose wait for each other.
        versions = list(self.versions.select_for_update())
        past = [version for version in versions if version.is_current and version.pk != self.pk]
        for version in past:
            edit(version, by=by, is_current=False)
        for service in [service for version in past for service in version.services.all()]:
            edit(service, by=by, questionnaire=self)
        return edit(self, by=by, is_current=True)

    @classmethod
    def ask(cls, questionnaires):
        """From the first asking on, the questions of a version stay."""
        cls.objects.filter(pk__in=[it.pk for it in questionnaires], asked_at=None).update(asked_at=timezone.now())


class Question(Kept):
    """One question: the part of a discovery that it belongs to, and whether discovery waits for its answer."""

    belongs_to = "questionnaire"

    class Part(models.TextChoices):
        NOTES = "notes", "Notes and pain points"
        LEAD_FLOW = "lead_flow", "Current lead flow"
        PROVIDER_STACK = "provider_stack", "Provider stack"
        DECISION_CRITERIA = "decision_criteria", "Decision criteria"
        DECISION_PATH = "decision_path", "Decision path"

    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, related_name="questions")
    position = models.PositiveSmallIntegerField(default=0)
    part = models.CharField(max_length=20, choices=Part, default=Part.NOTES)
    words = models.CharField("question", max_length=300)
    help = models.CharField("what a good answer says", max_length=300, blank=True)
    required = models.BooleanField(default=False)

    class Meta(Kept.Meta):
        ordering = ["position", "id"]
        triggers = [
            Wall(
                name="asked_stays",
                calls="zarts_keep_asked",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self):
        return self.words

    @property
    def field(self) -> str:
        """Return the name of its field on the discovery's page."""
        return f"question_{self.pk}"

    def copy_to(self, questionnaire):
        """Ask the same in another version."""
        kept = {name: getattr(self, name) for name in ("position", "part", "words", "help", "required")}
        return Question.objects.create(questionnaire=questionnaire, **kept)
