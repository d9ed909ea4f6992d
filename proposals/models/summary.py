"""Summaries: client-safe words beside something internal."""

from contextlib import contextmanager
from datetime import timedelta

from django.db import models

from opportunities.models import Opportunity
from opportunities.models.task import About
from opportunities.records import REASON, ClientSafe, Opens, Output, stage_field, transition
from opportunities.walls import settled
from opportunities.words import plain_words
from portal.models import Publication

from .. import approvals, gates, lint, policies
from .authored import Authored

WRITE = "proposals.write_summary"
WITHDRAW: dict = {
    "permission": "proposals.publish_summary",
    "label": "Withdraw",
    "past": "withdrew",
    "asks": "proposals.forms.WithdrawWordsForm",
}


class Summary(Authored, About, Output):
    """Words that a client may read about something that they may not. What is internal stays where it is.

    draft → in review → approved → published → withdrawn or superseded.
    """

    belongs_to = "opportunity"
    ASPECTS = ("summary",)

    class Stage(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved"
        PUBLISHED = "published"
        WITHDRAWN = "withdrawn"
        SUPERSEDED = "superseded"

    CLOSED = (Stage.PUBLISHED, Stage.WITHDRAWN, Stage.SUPERSEDED)
    SAFE = (Stage.APPROVED, Stage.PUBLISHED)
    WRITABLE = (Stage.DRAFT, Stage.IN_REVIEW, Stage.APPROVED)
    # What it must have to be submitted, and still when somebody vouches for it and when a client gets to read it.
    HOLDS = (
        gates.has_words,
        gates.words_are_safe,
        gates.what_it_rests_on_stands,
        gates.answers_a_question,
        gates.tells_of_what_is_late,
    )

    class Kind(models.TextChoices):
        FINDING = "finding", "Audit finding"
        REVENUE_PROOF = "revenue_proof", "Revenue proof"
        CAVEAT = "caveat", "Provider caveat"
        BLOCKER = "blocker", "Launch blocker"
        SCOPE = "scope"
        REPORT = "report"
        ANSWER = "answer", "Answer to a question"
        NOTICE = "notice", "Notice that a report is late"

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="summaries")
    kind = models.CharField(max_length=14, choices=Kind)
    title = models.CharField(max_length=160, validators=[plain_words])
    words = models.TextField("words for the client", blank=True, validators=[plain_words])
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(Output.Meta):
        verbose_name_plural = "summaries"
        permissions = [
            ("write_summary", "Can write client-safe words"),
            ("publish_summary", "Can publish and withdraw client-safe words"),
        ]
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="open_summary_has_a_next_action",
                condition=models.Q(stage__in=["published", "withdrawn", "superseded"]) | ~models.Q(next_action=""),
            )
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], name="summary_by_due"),
            models.Index(fields=["record_type", "record_id"], name="summary_about"),
        ]
        triggers = [settled("author_stays", "author_id")]

    def __str__(self):
        return self.title

    @property
    def opportunity_or_none(self):
        """Return its deal, which one that is only begun has not yet."""
        return self.opportunity if self.opportunity_id else None

    def save(self, *args, **kwargs):
        if self._state.adding:
            self.client_safe = ClientSafe.DRAFTED
        if self.stage == self.Stage.DRAFT:
            self.next_action = self.next_action or "Write the words and submit them for review"
        super().save(*args, **kwargs)

    def read_in(self) -> list:
        """Return the proposals that a client has, and in which they go on reading these words: a sent one is frozen."""
        of_client = Publication.objects.filter(client_id=self.opportunity.client_id, opportunity_id=self.opportunity_id)
        shown = of_client.filter(kind="proposal", withdrawn_at=None)
        found = shown.filter(body__findings__contains=[self.as_finding()]).values_list("pk", flat=True)
        return list(self.opportunity.proposals.filter(publication_id__in=list(found)).order_by("-pk"))

    def as_finding(self) -> dict:
        """Return it as the page of a proposal says it."""
        return {"title": self.title, "text": self.words}

    @contextmanager
    def while_asked(self):
        """Read words once for all that asks about them meanwhile: gates, and the page on which they are written."""
        if "_marks" in vars(self):
            yield
            return
        self._marks: dict = {}
        try:
            yield
        finally:
            del self._marks

    def marks_on(self, title, words, internal=None) -> list:
        """Return every mark on words that are its own, or would be. `internal` is what was read of the deal already."""
        kept = vars(self).get("_marks", {})
        if (title, words) not in kept:
            kept[title, words] = lint.check(self.opportunity, title, words, internal, summary=self)
        return kept[title, words]

    def unsafe(self) -> list:
        return [lint.Placed(mark, self.staff_url("id_words")) for mark in self.marks_on(self.title, self.words)]

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.IN_REVIEW,
        gates=[*HOLDS],
        permission=WRITE,
        label="Submit for review",
        past="submitted for review",
        then="Wait for the approval",
        within=timedelta(days=2),
        overridable=(gates.words_are_safe,),
    )
    def submit(self, *, by):
        """Ask a second person whether a client may read this."""
        self.client_safe = ClientSafe.IN_REVIEW
        approvals.ask(self, by=by)

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.APPROVED,
        gates=[gates.approvals_are_given, *HOLDS],
        permission=policies.by_itself,
        label="Approve",
        past="had its approval given:",
        then="Publish it where it belongs",
        within=timedelta(days=2),
    )
    def approve(self, *, by):
        """A client may read exactly this."""
        self.client_safe = ClientSafe.APPROVED

    @transition(
        stage,
        source=[Stage.IN_REVIEW, Stage.APPROVED],
        target=Stage.DRAFT,
        permission=policies.may_send_back,
        label="Ask for changes",
        past="sent back",
        asks=REASON,
        then="Mend what the review found",
        within=timedelta(days=2),
        opens=Opens("other", "Mend what the review of the words found", 2),
    )
    def send_back(self, *, by, reason):
        """Return it to its author, saying why."""
        self.client_safe = ClientSafe.DRAFTED
        approvals.lapse_pending(self, reason="It was sent back.")

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.IN_REVIEW,
        permission=policies.by_itself,
        label="Review again",
        past="went back to review:",
        then="Wait for the approval of what changed",
        within=timedelta(days=2),
    )
    def fall_back(self, *, by, reason=""):
        """What was approved has changed."""
        self.client_safe = ClientSafe.IN_REVIEW

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.PUBLISHED,
        gates=[gates.approvals_are_given, *HOLDS],
        permission="proposals.publish_summary",
        label="Publish",
        past="published",
    )
    def publish(self, *, by):
        """Count it among what the client reads. The page that carries it is published with it."""
        self.client_safe, self.next_action = ClientSafe.PUBLISHED, ""

    @transition(
        stage,
        source=Stage.PUBLISHED,
        target=Stage.WITHDRAWN,
        **WITHDRAW,
        opens=Opens("other", "Check which pages of the client still say the withdrawn words", 1),
    )
    @transition(stage, source=WRITABLE, target=Stage.WITHDRAWN, **WITHDRAW)
    def withdraw(self, *, by, reason):
        """Take it back."""
        self.client_safe, self.next_action = ClientSafe.WITHDRAWN, ""
        approvals.lapse_pending(self, reason="It was withdrawn.")

    @transition(
        stage,
        source=Stage.PUBLISHED,
        target=Stage.SUPERSEDED,
        permission="proposals.publish_summary",
        label="Supersede",
        past="superseded",
    )
    def supersede(self, *, by):
        """Newer words stand in for it."""
