"""How deals end, and how lost ones come back."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from .. import policies
from ..records import Opens, Output, Record, begin, stage_field, transition
from ..walls import frozen
from .opportunity import Opportunity


class Closing(Output):
    """One row for each time an opportunity was won or lost, with the reason.

    final: a closing is written once; the next one is another row.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        FINAL = "final"

    CLOSED = (Stage.FINAL,)

    class Outcome(models.TextChoices):
        WON = "won"
        LOST = "lost"

    class Reason(models.TextChoices):
        PROOF = "proof", "The proof"
        PRICE = "price", "The price"
        FIT = "fit", "The fit"
        TIMING = "timing", "The timing"
        TRUST = "trust", "Trust in us"
        COMPETITOR = "competitor", "A competitor"
        NO_DECISION = "no_decision", "No decision was made"
        OTHER = "other", "Something else"

    # Nobody wins by a competitor, nor while no decision was made.
    WINS = (Reason.PROOF, Reason.PRICE, Reason.FIT, Reason.TIMING, Reason.TRUST, Reason.OTHER)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="closings")
    outcome = models.CharField(max_length=4, choices=Outcome)
    reason = models.CharField(max_length=12, choices=Reason)
    words = models.TextField("in words", blank=True)
    competitor = models.CharField(max_length=120, blank=True)
    reactivate_from = models.DateField("try again from", null=True, blank=True)
    reactivate_to = models.DateField("try again until", null=True, blank=True)
    must_change = models.TextField("what must have changed by then", blank=True)
    stage = stage_field(Stage, Stage.FINAL)

    class Meta(Output.Meta):
        indexes = [models.Index(fields=["reactivate_from", "id"], name="closing_by_window")]
        constraints = [
            models.CheckConstraint(
                name="lost_closing_has_a_window",
                condition=Q(outcome="won") | Q(reactivate_from__isnull=False, reactivate_to__isnull=False),
            ),
            models.CheckConstraint(
                name="closing_window_runs_forward",
                condition=Q(reactivate_from=None) | Q(reactivate_to__gte=F("reactivate_from")),
            ),
        ]
        triggers = [frozen()]

    def __str__(self):
        return f"{self.get_outcome_display()}: {self.get_reason_display()}"

    def clean(self):
        if self.reactivate_from and self.reactivate_to and self.reactivate_to < self.reactivate_from:
            raise ValidationError({"reactivate_to": "The window must end after it begins."})


class WinBack(Record):
    """A second try at a lost deal, inside its reactivation window.

    waiting → open → contacted → reopened or expired.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        WAITING = "waiting"
        OPEN = "open"
        CONTACTED = "contacted"
        REOPENED = "reopened"
        EXPIRED = "expired"

    CLOSED = (Stage.REOPENED, Stage.EXPIRED)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="win_backs")
    closing = models.OneToOneField(Closing, models.PROTECT, related_name="win_back")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # The window of its closing, which never changes: the clock asks every second which begin or end.
    opens_on = models.DateField("try again from", null=True, editable=False)
    ends_on = models.DateField("try again until", null=True, editable=False)
    changed = models.TextField(
        "what has changed", blank=True, help_text="Beside what must have changed: what do you know of it now?"
    )
    stage = stage_field(Stage, Stage.WAITING)

    class Meta(Record.Meta):
        verbose_name = "win-back"
        permissions = [("move_winback", "Can work on win-backs")]
        indexes = [
            models.Index(fields=["opens_on", "id"], name="winback_by_opening"),
            models.Index(fields=["opens_on"], name="winback_waits", condition=Q(stage="waiting")),
            models.Index(fields=["ends_on"], name="winback_runs", condition=~Q(stage__in=["reopened", "expired"])),
        ]

    def __str__(self):
        return f"Win-back of {self.opportunity}"

    @classmethod
    def plan(cls, closing):
        """Plan the second try that a lost deal asks for, inside the window that its closing names."""
        window = {"opens_on": closing.reactivate_from, "ends_on": closing.reactivate_to}
        opportunity = closing.opportunity
        win_back = cls(opportunity=opportunity, closing=closing, owner=opportunity.owner, **window)
        return begin(win_back, by=None, past="planned")

    @transition(
        stage,
        source=Stage.WAITING,
        target=Stage.OPEN,
        permission=policies.by_itself,
        label="Open",
        past="opened",
        opens=Opens("win_back", "Ask whether it is time to try again", 2),
    )
    def open(self, *, by):
        """The reactivation window has begun."""

    @transition(
        stage,
        source=Stage.OPEN,
        target=Stage.CONTACTED,
        permission="opportunities.move_winback",
        answers=False,
        label="Mark as contacted",
        past="contacted",
    )
    def contacted(self, *, by):
        """Somebody talked to the client again."""

    @transition(
        stage,
        source=[Stage.OPEN, Stage.CONTACTED],
        target=Stage.REOPENED,
        permission="opportunities.move_winback",
        label="Reopen the opportunity",
        past="won back",
        asks="opportunities.forms.ReopenForm",
    )
    def reopen(self, *, by, reason):
        """The client is interested again: the opportunity itself is reopened with it. The reason says what changed."""
        self.changed = self.changed or reason

    @transition(
        stage,
        source=[Stage.WAITING, Stage.OPEN, Stage.CONTACTED],
        target=Stage.EXPIRED,
        permission=policies.by_itself,
        label="Expire",
        past="let expire",
    )
    def expire(self, *, by):
        """The window has passed, or the deal came back by another way."""
