"""Changes of the days on which reports come: asked for by one, approved by another, and only then so."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format

from opportunities.records import REASON, Record, edit, stage_field, transition
from opportunities.walls import settled

from .. import gates, policies, publishing
from ..cadence import end_in_words, rest_in_words
from .days import TERMS, Days
from .report import Report, ReportingCadence

# What was asked for stays as it was asked.
ASKED = ("cadence_id", "kind", "first_on", "last_on", "reason", "days_before", "asked_by_id", *TERMS)
DECIDED = ("decided_by_id", "decided_at")
# Whoever rests longer than this ends the reports.
LONGEST = timedelta(days=366)


class CadenceChange(Days, Record):
    """A change of the days on which a client gets reports, away from what they are now.

    requested → approved, refused or recalled. Approving it makes it so, at once: reports that nobody began move, or are
    dropped while they rest and once they end; they come again from the day on which they resume or begin again. Nobody
    approves what they asked for.
    """

    belongs_to = "cadence"

    class Stage(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        REFUSED = "refused"
        RECALLED = "recalled"

    CLOSED = (Stage.APPROVED, Stage.REFUSED, Stage.RECALLED)
    ASKS = (Stage.REQUESTED,)

    class Kind(models.TextChoices):
        PAUSE = "pause", "A pause"
        RESUME = "resume", "A shorter pause"
        END = "end", "The end"
        TERMS = "terms", "Other days"
        AGAIN = "again", "Begin again"

    # Once these are approved, reports come again.
    COME_AGAIN = (Kind.RESUME, Kind.AGAIN)

    cadence = models.ForeignKey(ReportingCadence, models.PROTECT, related_name="changes")
    kind = models.CharField("what", max_length=6, choices=Kind, default=Kind.PAUSE)
    first_on = models.DateField(
        "from",
        null=True,
        blank=True,
        help_text="Reports that are due on this day or later, and that nobody began, are dropped.",
    )
    last_on = models.DateField(
        "until",
        null=True,
        blank=True,
        help_text="The last day without a report. The first one afterwards covers all days since the last one.",
    )
    reason = models.TextField("why", help_text="Internal. Whoever approves it reads this.")
    # The days as they were when it was asked for, in words.
    days_before = models.CharField("days when it was asked for", max_length=300, blank=True, editable=False)
    # Nobody, where it follows from a move: the project was closed.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, editable=False)
    stage = stage_field(Stage, Stage.REQUESTED)

    class Meta(Record.Meta):
        verbose_name = "change of report days"
        verbose_name_plural = "changes of report days"
        permissions = [("approve_cadence_change", "Can approve changes of the days of reports")]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cadence"], name="one_change_asked_at_a_time", condition=models.Q(stage="requested")
            ),
            models.CheckConstraint(
                name="change_of_days_by_two",
                condition=~models.Q(stage="approved")
                | models.Q(asked_by__isnull=True, kind="end")
                | models.Q(decided_by__isnull=False) & ~models.Q(decided_by=models.F("asked_by")),
            ),
            models.CheckConstraint(
                name="pause_runs_forward",
                condition=~models.Q(kind="pause") | models.Q(first_on__isnull=False, last_on__gte=models.F("first_on")),
            ),
            models.CheckConstraint(
                name="resuming_has_its_day",
                condition=~models.Q(kind__in=["resume", "again"]) | models.Q(first_on__isnull=False),
            ),
            models.CheckConstraint(
                name="end_has_its_day", condition=~models.Q(kind="end") | models.Q(first_on__isnull=False)
            ),
        ]
        triggers = [
            settled("asked_stays", *ASKED),
            settled("decided_stays", *DECIDED, once="OLD.stage <> 'requested'"),
        ]

    def __str__(self):
        return f"{self.asked} ({self.cadence.project})"

    @property
    def owner(self):
        return self.cadence.project.owner

    @property
    def departs(self) -> bool:
        """Whether it would leave what the contract says."""
        if self.kind == self.Kind.TERMS:
            return self.days_in_words != self.cadence.contract_says
        return self.kind not in self.COME_AGAIN

    @property
    def asked(self) -> str:
        """Say what is asked for."""
        if self.kind == self.Kind.PAUSE:
            return rest_in_words(self.first_on, self.last_on)
        if self.kind == self.Kind.RESUME:
            return f"Reports come again from {day(self.first_on)} on"
        if self.kind == self.Kind.END:
            return end_in_words(self.first_on) if self.first_on else "Reports end"
        if self.kind == self.Kind.AGAIN:
            return f"Reports begin again: they come from {day(self.first_on)} on"
        return f"Reports come {self.days_in_words}"

    @property
    def brings(self) -> str:
        """Say which report it would bring next, or first after a pause, and for which days: a far one is a silence."""
        terms, which = self.cadence, "next" if self.kind in (self.Kind.TERMS, self.Kind.END) else "first"
        would = ReportingCadence(pk=terms.pk, project=terms.project, tells_from=terms.tells_from, **self.terms)
        would.asked = (self,)
        not_before = {self.Kind.PAUSE: self.last_on, **dict.fromkeys(self.COME_AGAIN, self.first_on)}.get(self.kind)
        for due, begins, ends in would.periods_anew():
            if not_before is None or due >= not_before:
                after = " afterwards" if which == "first" else ""
                return f"The {which} report{after} would come on {day(due)}, for {publishing.span(begins, ends)}"
        stay = terms.reports.filter(stage__in=Report.UNPUBLISHED).exclude(pk__in=terms.movable).count()
        return f"No other report would come than what is late or was begun: {stay}" if stay else "No report would come"

    def save(self, *args, **kwargs):
        if self._state.adding:
            self.days_before = self.cadence.days_in_words
            if self.kind != self.Kind.TERMS:
                for name, value in self.cadence.terms.items():
                    setattr(self, name, value)
        super().save(*args, **kwargs)

    # -- What is wrong with it. ----------------------------------------------------------------------------------------

    def clean(self):
        if self.kind == self.Kind.TERMS:
            super().clean()
        troubles: dict[str, list] = {}
        for field, words in self.troubles() if hasattr(self, "cadence") else ():
            troubles.setdefault(field, []).append(words)
        if troubles:
            raise ValidationError(troubles)

    def troubles(self):
        """Yield (field, words) for what stands against it, now that it is asked for or decided."""
        terms, kind = self.cadence, self.kind
        if not terms.project.is_open:
            yield "__all__", "The project is closed: no report is owed any more."
            return
        if terms.changes.filter(stage=self.Stage.REQUESTED).exclude(pk=self.pk).exists():
            yield "__all__", "Another change waits for its approval. Have it approved, refused or recalled first."
        ends_on = terms.ends_on
        if kind == self.Kind.AGAIN:
            yield from self.troubles_of_beginning_again()
        elif ends_on <= max(terms.today, self.first_on or terms.today) or (kind == self.Kind.END and terms.is_ending):
            yield "__all__", f"Reports end on {day(ends_on)} already."
        elif kind == self.Kind.PAUSE:
            yield from self.troubles_of_a_pause()
        elif kind == self.Kind.RESUME:
            yield from self.troubles_of_resuming()
        elif kind == self.Kind.END:
            yield from self.troubles_of_a_first_day()
        else:
            yield from self.troubles_of_other_days()

    def troubles_of_a_first_day(self):
        if self.first_on is None:
            yield "first_on", "Choose the first day."
        elif self.first_on < self.cadence.today:
            yield "first_on", "Choose today or a day that is still to come: what was owed before stays owed."

    def troubles_of_a_pause(self):
        yield from self.troubles_of_a_first_day()
        if self.last_on is None:
            yield "last_on", "Choose the last day of the pause."
        elif self.first_on is None:
            return
        elif self.last_on < self.first_on:
            yield "last_on", "Choose the first day of the pause, or one after it."
        elif self.last_on - self.first_on > LONGEST:
            yield "last_on", "A pause lasts a year at most. Choose an earlier day, or ask for the end of the reports."
        else:
            for begins, until in self.cadence.rests:
                if begins <= self.last_on and self.first_on <= until:
                    yield "first_on", f"Reports rest from {day(begins)} until {day(until)} already. Choose other days."

    def troubles_of_resuming(self):
        yield from self.troubles_of_a_first_day()
        rests = self.cadence.rests_ahead
        if not rests:
            yield "__all__", "Reports do not rest, and no pause is to come: nothing has to be resumed."
        elif self.first_on and not any(first <= self.first_on <= last for first, last in rests):
            said = "; ".join(rest_in_words(first, last) for first, last in rests)
            yield "first_on", f"Choose a day of the pause: {said}."

    def troubles_of_beginning_again(self):
        yield from self.troubles_of_a_first_day()
        if not self.cadence.is_ending:
            yield "__all__", "Reports do not end: nothing has to begin again."
        elif not self.cadence.project.goes_on:
            yield "__all__", "The contract has ended: no report is owed under it."
        elif self.first_on and self.is_far(self.first_on):
            yield "first_on", "Choose a day within a year."

    def is_far(self, first) -> bool:
        """Whether a day is so far away that it is no first day but a silence."""
        return first - self.cadence.today > LONGEST

    def troubles_of_other_days(self):
        terms = self.cadence
        if self.terms == terms.terms:
            yield "frequency", "These are the days as they are. Change one of them."
        first = self.first_due_on
        if first and first != terms.first_due_on and first < terms.today:
            yield "first_due_on", "Choose today or a day that is still to come."
        elif first is None:
            yield "first_due_on", "Choose the day of the first report. Where none is to come, ask for the end."
        elif first != terms.first_due_on and self.is_far(first):
            words = "The first report comes within a year. Choose an earlier day, or ask for a pause or for the end."
            yield "first_due_on", words

    # -- Its life. -----------------------------------------------------------------------------------------------------

    @transition(
        stage,
        source=Stage.REQUESTED,
        target=Stage.APPROVED,
        gates=[gates.change_still_fits],
        permission=policies.may_decide_on_days,
        label="Approve",
        past="approved",
    )
    def approve(self, *, by):
        """Vouch for it. It holds from then on."""
        self.decided_by, self.decided_at = by, timezone.now()

    @transition(
        stage,
        source=Stage.REQUESTED,
        target=Stage.REFUSED,
        permission=policies.may_decide_on_days,
        label="Refuse",
        past="refused",
        asks=REASON,
    )
    def refuse(self, *, by, reason):
        """Leave the days as they are, saying why."""
        self.decided_by, self.decided_at = by, timezone.now()

    @transition(
        stage,
        source=Stage.REQUESTED,
        target=Stage.RECALLED,
        permission=policies.asked_for_days,
        label="Recall",
        past="recalled",
        asks=REASON,
    )
    def recall(self, *, by, reason):
        """Ask for it no more."""

    def apply(self, *, by) -> list:
        """Make it so. Return the reports that moved."""
        terms = self.cadence
        if self.kind == self.Kind.TERMS:
            edit(terms, by=by, reason=self.reason, past="changed the days of", **self.terms)
            return []  # the edit moves them
        if self.kind in self.COME_AGAIN:
            return terms.drop([], self.asked)
        unpublished = terms.reports.filter(stage__in=Report.UNPUBLISHED)
        dropped = unpublished.filter(stage=Report.Stage.SCHEDULED, due_on__gte=self.first_on)
        if self.kind == self.Kind.PAUSE:
            dropped = dropped.filter(due_on__lte=self.last_on)
        elif not terms.project.is_open:
            dropped = unpublished
        elif not terms.project.goes_on:
            # Whoever left is told of no day after that, though somebody began to.
            dropped |= unpublished.filter(period_from__gte=self.first_on)
        return terms.drop(list(dropped), f"{self.asked}: {self.reason}")


def day(date) -> str:
    return date_format(date, "D j M Y") if date else "a day that is not chosen"
