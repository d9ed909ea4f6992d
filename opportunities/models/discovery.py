"""Discovery: what the client needs, has and decides by."""

from functools import cached_property
from hashlib import sha256

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from .. import gates
from ..records import REASON, Kept, Output, Refused, edit, lock, plain, stage_field, tell, transition
from .opportunity import Opportunity
from .questionnaire import Question, Questionnaire

COMPLETED = "This discovery was completed meanwhile. Open it again in another tab, then save here."


class Newer(Exception):
    """Somebody wrote newer words meanwhile. Carries them by the name of their field."""

    def __init__(self, words: dict):
        self.words = words
        super().__init__(", ".join(words))


class Discovery(Output):
    """The notes of the first talks. Open until its five parts are written and what must be answered is.

    open → complete, and back.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"

    CLOSED = (Stage.COMPLETE,)
    # The texts of the five parts: notes and pain points are one part.
    PARTS = ("notes", "pain_points", "lead_flow", "provider_stack", "decision_criteria", "decision_path")

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="discoveries")
    notes = models.TextField("discovery notes", blank=True)
    pain_points = models.TextField(blank=True)
    lead_flow = models.TextField("current lead flow", blank=True)
    provider_stack = models.TextField(blank=True)
    decision_criteria = models.TextField(blank=True)
    decision_path = models.TextField(blank=True)
    # The versions that it asks.
    questionnaires = models.ManyToManyField(Questionnaire, editable=False, related_name="discoveries")
    stage = stage_field(Stage, Stage.OPEN)

    class Meta(Output.Meta):
        indexes = [models.Index(fields=["due_on", "id"], name="discovery_by_due")]
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
        gates=[gates.five_parts_are_written, gates.required_questions_are_answered],
        permission="opportunities.move_discovery",
        label="Complete discovery",
        past="completed",
    )
    def complete(self, *, by):
        """Say that we know what the client needs. Nothing more is owed on it."""
        self.next_action, self.due_on = "", None

    @transition(
        stage,
        source=Stage.COMPLETE,
        target=Stage.OPEN,
        permission="opportunities.move_discovery",
        label="Open again",
        past="opened again",
        then="Write what is missing",
        asks=REASON,
    )
    def reopen(self, *, by, reason):
        """Go on asking."""

    # -- What it asks. -------------------------------------------------------------------------------------------------

    @cached_property
    def questions(self) -> list:
        """Return the questions that it asks, in their order, each with its `answer` or None."""
        answers = Answer.objects.filter(discovery=self).select_related("answered_by")
        asked = Question.objects.filter(questionnaire__discoveries=self).select_related("questionnaire")
        found = list(
            asked.order_by("-questionnaire__for_every_deal", "questionnaire__name", "position", "pk").prefetch_related(
                models.Prefetch("answers", answers, to_attr="given")
            )
        )
        for question in found:
            question.answer = question.given[0] if question.given else None
        return found

    def unanswered(self) -> list:
        return [question for question in self.questions if not (question.answer and question.answer.words)]

    @transaction.atomic
    def ask(self, *, by, newest=False):
        """Ask what every deal and this deal's services are asked. Return the discovery.

        What it asks already stays in its version, unless the `newest` is wanted: then answers go along to the
        questions that say the same.
        """
        discovery = lock(self)
        asked = {it.name: it for it in discovery.questionnaires.all()}
        wanted = {it.name: it for it in Questionnaire.objects.asked_of(discovery.opportunity_id)}
        now = {name: it if newest or name not in asked else asked[name] for name, it in wanted.items()}
        if now == asked:
            return discovery
        Questionnaire.ask(now.values())
        discovery.questionnaires.set(now.values())
        discovery.take_answers_along(now.values())
        names = [sorted(map(str, them.values())) for them in (asked, now)]
        tell(discovery, "ask", "changed the questions of", by=by, facts={"questionnaires": names})
        return discovery

    def take_answers_along(self, questionnaires):
        """Answer each question that is not answered as the same words were answered in another version."""
        given = self.answers.exclude(words="").select_related("question__questionnaire").order_by("answered_at")
        known = {(answer.question.questionnaire.name, answer.question.words): answer for answer in given}
        for question in Question.objects.filter(questionnaire__in=questionnaires).exclude(answers__discovery=self):
            if old := known.get((question.questionnaire.name, question.words)):
                kept = {"words": old.words, "answered_by": old.answered_by, "answered_at": old.answered_at}
                Answer.objects.create(discovery=self, question=question, **kept)

    # -- What is written. ----------------------------------------------------------------------------------------------

    def says(self, name):
        """Return what stands in a field, or in the answer to a question ("question_7")."""
        if not name.startswith("question_"):
            return getattr(self, name)
        question = next(question for question in self.questions if question.field == name)
        return question.answer.words if question.answer else ""

    def changes(self, words: dict, seen: dict) -> dict:
        """Return what of these words is new. Whoever left a field as they found it takes nothing back."""
        changed = {name: new for name, new in words.items() if new != self.says(name)}
        return {name: new for name, new in changed.items() if mark(new) != seen.get(name, NOTHING)}

    @transaction.atomic
    def write(self, words: dict, *, by, seen: dict):
        """Write into fields and answers, by their names; old and new stay in the diary. Return the discovery.

        `seen` are the marks of what stood there when the writer began. Raises `Newer`, and writes nothing, when
        somebody else wrote there since. One that is complete takes no words.
        """
        discovery = lock(self)
        changed = discovery.changes(words, seen)
        if not discovery.is_open and set(changed) - set(Discovery.CONTRACT):
            raise Refused([COMPLETED])
        newer = {
            name: discovery.says(name) for name in changed if mark(discovery.says(name)) != seen.get(name, NOTHING)
        }
        if newer:
            raise Newer(newer)
        for question in discovery.questions:
            if question.field in changed:
                discovery.answer(question, changed.pop(question.field), by=by)
        return edit(discovery, by=by, **changed)

    def answer(self, question, words, *, by):
        """Write down the answer to a question, with the one before it."""
        before = question.answer.words if question.answer else ""
        given = {"words": words, "answered_by": by, "answered_at": timezone.now()}
        Answer.objects.update_or_create(discovery=self, question=question, defaults=given)
        tell(self, "answer", "answered a question of", by=by, facts={question.words: [before, words]})


def mark(value) -> str:
    """Return a short mark of what stands in a field, by which a page knows whether it still does."""
    value = plain(value)
    return sha256(("" if value is None else str(value)).encode()).hexdigest()[:16]


NOTHING = mark("")


class Answer(Kept):
    """What the client said to one question."""

    belongs_to = "discovery"

    discovery = models.ForeignKey(Discovery, models.PROTECT, related_name="answers")
    question = models.ForeignKey(Question, models.PROTECT, related_name="answers")
    words = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(default=timezone.now)

    class Meta(Kept.Meta):
        constraints = [models.UniqueConstraint(fields=["discovery", "question"], name="answer_once")]

    def __str__(self):
        return self.words[:80]
