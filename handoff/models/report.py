"""Reports: when they are owed, what they say, and whether they came in time."""

import hashlib
import json
from datetime import date
from itertools import islice

import pgtrigger
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property

from opportunities.models import Contact, User
from opportunities.models.user import BY_ROLE
from opportunities.policies import by_itself
from opportunities.records import (
    REASON,
    ClientSafe,
    Kept,
    KeptQuerySet,
    Opens,
    Output,
    begin,
    edit,
    perform,
    stage_field,
    transition,
)
from opportunities.walls import Wall, frozen, settled
from opportunities.words import plain_parts, plain_words
from proposals import lint
from proposals.models import Summary
from proposals.promises import Measured

from .. import cadence, figures, gates, policies, publishing
from .days import TERMS, Days, agreed
from .project import Project

WRITE, PUBLISH = "handoff.write_report", "handoff.publish_report"
# How many reports stand ready ahead of time.
AHEAD = 3
# So many earlier periods stand beside a number.
EARLIER = 11
# What a report that was published keeps: what it said, whose word it was, and when.
PUBLISHED = (
    "summary_id",
    "numbers",
    "next_steps",
    "written_by_id",
    "approved_by_id",
    "approved_digest",
    "published_at",
    "publication_id",
    "breach",
    "breach_reason",
)


def by_approved_change():
    """Return the wall that lets the days of reports change to what a second person approved, and to nothing else."""
    return Wall(
        name="days_were_approved",
        calls="zarts_keep_days",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(" OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in TERMS)),
    )


class ReportingCadence(Days, Kept):
    """When reports come, what they measure and who reads them, as the contract says.

    Its days change, rest and end by a `CadenceChange` that a second person approved; the database keeps that too.
    """

    belongs_to = "project"
    # What is asked for and not approved, where a page shows what it would bring.
    asked: tuple = ()

    project = models.ForeignKey(Project, models.PROTECT, related_name="cadences")
    # The first day that a report tells of.
    tells_from = models.DateField("first day that is told of", null=True, editable=False)
    # Rows with a metric, a unit, what was promised, what was before, and the claim that promised it.
    metrics = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)
    recipients = models.ManyToManyField(Contact, blank=True, related_name="+")
    # Who approves the reports: they get the task, unless they wrote some of one themselves.
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta(Kept.Meta):
        indexes = [models.Index(fields=["first_due_on", "id"], name="cadence_by_first")]
        verbose_name = "reporting cadence"
        constraints = [
            models.UniqueConstraint(fields=["project"], name="one_cadence_a_project"),
            models.CheckConstraint(
                name="cadence_day_is_a_day", condition=models.Q(day=None) | models.Q(day__gte=1, day__lte=31)
            ),
            models.CheckConstraint(
                name="cadence_weekday_is_a_weekday", condition=models.Q(weekday=None) | models.Q(weekday__lte=6)
            ),
        ]
        triggers = [by_approved_change()]

    def __str__(self):
        return f"{self.get_frequency_display()} reports of {self.project}"

    @property
    def owner(self):
        return self.project.owner

    @property
    def today(self) -> date:
        """Return the day that it is where the client is."""
        return cadence.today(self.time_zone)

    @property
    def first_day(self) -> date:
        """Return the first day that there is something to tell of: the kickoff, where the first report can tell of it.

        Else it is the contract's first day in force: a late kickoff takes away no report that the contract promises.
        """
        held = cadence.today(self.time_zone, self.project.handoff.contract.active_at)
        kickoff = self.project.kickoff_on
        if self.first_due_on is None or kickoff is None or kickoff <= held:
            return held
        _, _, ends = next(cadence.owed(self, self.first_due_on, since=held))
        return kickoff if kickoff <= ends else held

    def begin_anew(self):
        """Tell of the days from another first one on, while nobody began a report and no day of one has passed."""
        if not self.kept.exclude(pk__in=self.movable).exists():
            edit(self, by=None, tells_from=self.first_day, reason="The kickoff moved.")

    @property
    def in_force(self):
        """Return the changes that were approved."""
        return self.changes.filter(stage="approved")

    @property
    def approved(self) -> list:
        """Return the same; a page that read the changes of many cadences along asks no more."""
        return [change for change in self.changes.all() if change.stage == "approved"]

    @property
    def held(self) -> tuple[list[tuple[date, date]], date]:
        """Return the first and the last day of each pause, and the day from which on no report is owed.

        A pause lasts until reports come again or end. An end after which they begin again was a pause.
        """
        rests: list[tuple[date, date]] = []
        ends = date.max
        for each in [*sorted(self.approved, key=lambda change: (change.decided_at, change.pk)), *self.asked]:
            if each.kind == "resume":
                rests = cadence.resumed(rests, each.first_on)
            elif each.kind == "pause":
                rests.append((each.first_on, each.last_on))
            elif each.kind == "end":
                ends = min(ends, each.first_on)
            elif each.kind == "again":
                rests += [(ends, each.first_on - cadence.DAY)] if ends < each.first_on else []
                ends = date.max
        return sorted((first, min(last, ends - cadence.DAY)) for first, last in rests if first < ends), ends

    @property
    def rests(self) -> list[tuple[date, date]]:
        return self.held[0]

    @property
    def rests_ahead(self) -> list[tuple[date, date]]:
        """Return the pauses that are not over."""
        return [(first, last) for first, last in self.rests if last >= self.today]

    @property
    def ends_on(self) -> date:
        """Return the day from which on none is owed any more."""
        return self.held[1]

    @property
    def is_ending(self) -> bool:
        return self.ends_on < date.max

    @property
    def contract_says(self) -> str:
        return ReportingCadence(**agreed(self.project.handoff.contract, self.project.client)).days_in_words

    @property
    def departures(self) -> list[str]:
        """Say where it is by now no longer as the contract says. Empty while it is."""
        now, said = self.days_in_words, self.contract_says
        lines = [f"The contract says: {said}. Now: {now}."] if now != said else []
        held = [cadence.rest_in_words(first, last) for first, last in self.rests_ahead]
        held += [cadence.end_in_words(self.ends_on)] if self.is_ending else []
        lines += [f"{what}. The contract says: {said}." for what in held]
        if not self.is_ending and self.was_given_up:
            lines.append("The promise of reports was withdrawn, and they are still owed: ask for their end.")
        return lines

    @property
    def was_given_up(self) -> bool:
        """Whether the promise of reports was settled as withdrawn. They end by an approved change all the same."""
        return self.project.handoff.promises.filter(kind="cadence", outcome="withdrawn").exists()

    @property
    def coming(self) -> dict:
        """Return what the client reads of the days to come: the next report, the nearest pause, the end."""
        following = self.reports.to_come(self).first()
        # Where none comes afterwards they do not rest: they have ended.
        rest_from, rest_until = next(iter(self.rests_ahead if following else ()), (None, None))
        return {
            "next_on": following and following.due_on,
            "rest_from": rest_from,
            "rest_until": rest_until,
            "ends_on": self.ends_on if self.is_ending else None,
        }

    @property
    def kept(self):
        """Return the reports that are not dropped: no other one tells of their days."""
        return self.reports.exclude(stage=Report.Stage.DROPPED) if self.pk else Report.objects.none()

    def due_reports(self, **limits):
        """Return, one after the other and not saved, the reports that are owed beside those that exist."""
        return map(self.report_of, self.periods_beside(self.kept, **limits))

    def report_of(self, period):
        """Return the report of a period (due, from, to), not saved."""
        due, begins, ends = period
        return Report(
            project=self.project,
            cadence=self,
            owner=self.project.owner,
            source=str(self),
            period_from=begins,
            period_to=ends,
            due_on=due,
            numbers=[{**metric, "value": None} for metric in self.metrics],
        )

    def periods_beside(self, reports, **limits):
        """Return (due, from, to) of what is owed beside these reports, one after the other."""
        return self.periods_left(reports.order_by().values_list("period_from", "period_to"), **limits)

    def periods_left(self, told, **limits):
        """Return (due, from, to) of what is owed beside the days that were told of. None while no first day is known.

        Whatever days hold, no day is reported twice or never: a hole between two reports is filled as well.
        """
        if self.first_due_on is None or not self.project.is_open:
            return iter(())
        told = sorted(told)
        if self.pk:
            limits |= {"rests": self.rests, "ends_on": self.ends_on}
        since = self.tells_from or (told[0][0] if told else None)
        return cadence.owed(self, self.first_due_on, since=since, told=told, **limits)

    def schedule(self, *, by, **limits) -> list:
        """Add reports until enough of them are still to come, with those whose day passed unseen. Return the new ones.

        One that is late or was missed is owed beside them: whoever is neglected is owed each report none the less. No
        day before the last one that is told of is left out, however many reports are to come.
        """
        ahead = self.reports.to_come(self).count()
        last = self.kept.aggregate(last=models.Max("period_to"))["last"] or date.min
        new = []
        for report in self.due_reports(**limits):
            if ahead >= AHEAD and report.period_from > last:
                break
            new.append(begin(report, by=by, past="scheduled"))
            ahead += report.due_on >= self.today
        return new

    @property
    def movable(self):
        """Return the reports that nobody began to write, and whose day has not passed."""
        return self.reports.filter(stage=Report.Stage.SCHEDULED, due_on__gte=self.today)

    def periods_anew(self):
        """Yield (due, from, to) of what is owed from today on, whatever stands in `movable` so far."""
        return self.periods_beside(self.kept.exclude(pk__in=self.movable), not_before=self.today)

    def schedule_again(self) -> list:
        """Move what nobody began to write to the days that now hold, and add what then is missing. Return what moved.

        One whose day has passed is late, and stays so.
        """
        waiting = list(self.movable)
        periods = list(islice(self.periods_anew(), len(waiting)))
        if self.first_due_on:
            for report in waiting[len(periods) :]:
                perform(report.drop, by=None, reason="The days changed: it is not owed any more.")
        moved = [
            edit(report, by=None, reason="The days changed.", due_on=due, period_from=begins, period_to=ends)
            for report, (due, begins, ends) in zip(waiting, periods, strict=False)
        ]
        self.schedule(by=None, not_before=self.today)
        return moved

    def drop(self, reports, reason):
        """Owe these reports no more, and let what is left tell of their days."""
        for report in reports:
            perform(report.drop, by=None, reason=reason)
        return self.schedule_again()


class ReportQuerySet(KeptQuerySet):
    def owed(self):
        """Return what has not come. Of a project that is closed nothing is owed any more."""
        return self.filter(stage__in=Report.UNPUBLISHED).exclude(project__stage=Project.Stage.CLOSED)

    def to_come(self, terms):
        """Return what is due today where the client is, or later."""
        return self.filter(stage__in=Report.UNPUBLISHED, due_on__gte=terms.today)


class Report(Output):
    """One report to the client.

    scheduled → drafting → in review → approved → published. It is late once its day has passed, and
    missed when it has not come days after; either stays with its reason and with whoever owned it then. One that is not
    owed any more, because reports rest or end, is dropped.
    """

    belongs_to = "project"

    class Stage(models.TextChoices):
        SCHEDULED = "scheduled"
        DRAFTING = "drafting"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved"
        PUBLISHED = "published"
        DROPPED = "dropped"

    CLOSED = (Stage.PUBLISHED, Stage.DROPPED)
    UNAPPROVED = (Stage.SCHEDULED, Stage.DRAFTING, Stage.IN_REVIEW)
    UNPUBLISHED = (*UNAPPROVED, Stage.APPROVED)

    class Breach(models.TextChoices):
        LATE = "late"
        MISSED = "missed"

    project = models.ForeignKey(Project, models.PROTECT, related_name="reports")
    cadence = models.ForeignKey(ReportingCadence, models.PROTECT, related_name="reports", editable=False)
    period_from = models.DateField("from")
    period_to = models.DateField("to")
    summary = models.ForeignKey(
        Summary, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="words for the client"
    )
    numbers = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder, validators=[plain_parts])
    next_steps = models.TextField(
        "what we do next", blank=True, validators=[plain_words], help_text="One step a line. The client reads this."
    )
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    approved_digest = models.CharField(max_length=64, blank=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    publication_id = models.BigIntegerField(null=True, editable=False)
    breach = models.CharField(max_length=6, choices=Breach, blank=True, editable=False)
    # Who owned it when its day passed: whoever takes it over then answers for nothing that was missed before.
    owed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    breach_reason = models.TextField("why it is late", blank=True, help_text="Internal. Clients never see this.")
    dropped_because = models.TextField("why it is not owed", blank=True, editable=False)
    # Its own number once it is dropped: another one may then cover its days.
    dropped = models.PositiveBigIntegerField(default=0, editable=False)
    stage = stage_field(Stage, Stage.SCHEDULED)

    objects = ReportQuerySet.as_manager()

    class Meta(Output.Meta):
        permissions = [
            ("write_report", "Can write reports and submit them"),
            ("publish_report", "Can approve and publish reports"),
        ]
        ordering = ["due_on", "id"]
        constraints = [
            # Checked at commit: when the days change, one report may pass over the day of another.
            models.UniqueConstraint(
                fields=["cadence", "period_to", "dropped"],
                name="report_once_a_period",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                name="report_period_runs_forward", condition=models.Q(period_to__gte=models.F("period_from"))
            ),
            models.CheckConstraint(
                name="published_report_was_published",
                condition=~models.Q(stage="published")
                | models.Q(published_at__isnull=False, publication_id__isnull=False),
            ),
            models.CheckConstraint(
                name="open_report_has_a_next_action",
                condition=models.Q(stage__in=["published", "dropped"]) | ~models.Q(next_action=""),
            ),
            models.CheckConstraint(name="report_has_a_day", condition=models.Q(due_on__isnull=False)),
        ]
        indexes = [
            models.Index(
                fields=["due_on"], name="report_owed", condition=~models.Q(stage__in=["published", "dropped"])
            ),
            models.Index(fields=["due_on", "id"], name="report_by_day"),
        ]
        triggers = [
            settled("published_stays", *PUBLISHED, once="OLD.stage IN ('published')"),
            settled("owed_by_stays", "owed_by_id", once="OLD.owed_by_id IS NOT NULL"),
        ]

    def __str__(self):
        return f"Report of {self.project}, due {date_format(self.due_on, 'j M Y')}"

    def save(self, *args, **kwargs):
        if self._state.adding:
            self.next_action = self.next_action or "Write the report"
        elif not self.owed_by_id and self.is_late:
            # Whoever takes it over before the clock marks it answers for nothing that was missed before.
            owner = type(self).objects.get(pk=self.pk).owner
            self.owed_by = owner if owner != self.owner else None
        super().save(*args, **kwargs)

    def clean(self):
        if self.summary_id and self.project_id and self.summary.opportunity_id != self.project.opportunity_id:
            raise ValidationError({"summary": "Choose words that belong to this client's opportunity."})

    @property
    def opportunity(self):
        return self.project.opportunity

    @property
    def covers(self) -> str:
        """Say for which days it is, as the client reads it: October 2026, or 5 to 11 October 2026."""
        return publishing.span(self.period_from, self.period_to)

    @property
    def notices(self):
        """Return what was written to the client about its being late, newest first."""
        return Summary.objects.filter(kind=Summary.Kind.NOTICE, record_type=self.label(), record_id=self.pk)

    @classmethod
    def with_notice(cls):
        """Return the ids of the reports whose client was told that they are late."""
        told = Summary.objects.filter(kind=Summary.Kind.NOTICE, stage=Summary.Stage.PUBLISHED, record_type=cls.label())
        return told.values("record_id")

    @classmethod
    def approvers(cls):
        """Return who may approve reports by their role."""
        return User.who_work_here().filter(pk__in=User.objects.with_perm(PUBLISH, backend=BY_ROLE).values("pk"))

    def earlier(self):
        """Return the reports of earlier periods that the client can read, the oldest first."""
        came = self.cadence.reports.filter(stage=self.Stage.PUBLISHED, client_safe=ClientSafe.PUBLISHED)
        return came.filter(period_to__lt=self.period_from).order_by("period_to")

    def history(self) -> dict:
        """Return what each number was in the periods before, the oldest first: (from, to, value) by its key."""
        found: dict = {}
        rows = self.earlier().order_by("-period_to").values_list("period_from", "period_to", "numbers")
        for begins, ends, numbers in reversed(rows[:EARLIER]):
            for number in numbers:
                if number.get("value") not in (None, ""):
                    found.setdefault(figures.key(number), []).append((begins, ends, number["value"]))
        return found

    @cached_property
    def readers(self) -> tuple[list, list]:
        """Return who gets it, and who is named and does not: asked once, for the page and for its gates."""
        return publishing.readers(self)

    @property
    def measured(self) -> list[Measured]:
        """Return its numbers as words about it may say them."""
        history = self.history()
        found = []
        for number in self.numbers:
            earlier = [value for _, _, value in history.get(figures.key(number), [])[-1:]]
            value, *rest = map(figures.as_decimal, (number.get("value"), number.get("before"), *earlier))
            low, high = (figures.as_decimal(number.get(name)) for name in ("low", "high"))
            if value is not None:
                known = tuple(each for each in rest if each is not None)
                found.append(Measured(number["metric"], number.get("unit") or "", value, known, low, high))
        return found

    @property
    def days_left(self) -> int:
        """Return the days until it is due where the client is; below zero when it is late."""
        return (self.due_on - cadence.today(self.cadence.time_zone)).days

    @property
    def days_over(self) -> int:
        return max(0, -self.days_left)

    @property
    def is_late(self) -> bool:
        """Whether its day has passed, where the client is."""
        return self.is_open and self.due_on < self.cadence.today

    @property
    def answered_by(self):
        """Return who answers for its day: whoever owned it when that passed, and else its owner."""
        return self.owed_by or self.owner

    def broken(self, breach) -> dict:
        """Return what says that its day was not kept: how, and by whom."""
        return {"breach": breach, "owed_by": self.answered_by}

    def mark_if_late(self):
        """Stamp that it is late, as it leaves the hands of whoever owes it."""
        if self.is_late and not self.breach:
            for name, value in self.broken(self.Breach.LATE).items():
                setattr(self, name, value)

    @property
    def steps_ahead(self) -> list[str]:
        return [line.strip() for line in self.next_steps.splitlines() if line.strip()]

    def unsafe(self) -> list:
        """Return the marks on what the client reads beside the summary: next steps, and the numbers that we added."""
        added = [number for number in self.numbers if not number.get("claim")]
        places = [("numbers", f"{number['metric']} {number.get('unit') or ''}") for number in added]
        places += [("id_next_steps", step) for step in self.steps_ahead]
        marks = lint.in_places(self.opportunity, places, with_outcomes=True)
        return [lint.Placed(mark, self.staff_url(place)) for mark, place in marks]

    @property
    def digest(self) -> str:
        """Return the fingerprint of what the client would read."""
        words = [self.summary.title, self.summary.words] if self.summary else []
        said = json.dumps([self.numbers, self.steps_ahead, words], cls=DjangoJSONEncoder, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    @transition(
        stage,
        source=Stage.SCHEDULED,
        target=Stage.DRAFTING,
        permission=WRITE,
        label="Start writing",
        past="started to write",
        then="Fill in the numbers and the words",
        opens=Opens("report", "Submit the report for review", 3),
    )
    def start(self, *, by):
        """Begin to write."""
        self.written_by, self.client_safe = by, ClientSafe.DRAFTED

    @transition(
        stage,
        source=Stage.DRAFTING,
        target=Stage.IN_REVIEW,
        gates=[
            gates.has_summary,
            gates.summary_is_of_this_report,
            gates.numbers_are_filled,
            gates.own_words_are_safe,
        ],
        permission=WRITE,
        label="Submit for review",
        past="submitted for review",
        then="Have somebody else approve it",
        opens=Opens("report", "Have the report approved", 2, whose=policies.reviews_report),
    )
    def submit(self, *, by):
        """Ask a second person."""
        self.written_by, self.client_safe = by or self.written_by, ClientSafe.IN_REVIEW

    @transition(
        stage,
        source=Stage.IN_REVIEW,
        target=Stage.APPROVED,
        gates=[
            gates.period_has_ended,
            gates.summary_is_approved,
            gates.summary_is_of_this_report,
            gates.numbers_are_filled,
            gates.own_words_are_safe,
        ],
        permission=policies.may_approve_report,
        label="Approve",
        past="approved",
        then="Publish it",
        opens=Opens("report", "Publish the approved report", 1),
    )
    def approve(self, *, by):
        """Vouch for the numbers and the words."""
        self.approved_by, self.approved_digest, self.client_safe = by, self.digest, ClientSafe.APPROVED

    @transition(
        stage,
        source=[Stage.IN_REVIEW, Stage.APPROVED],
        target=Stage.DRAFTING,
        permission=WRITE,
        label="Ask for changes",
        past="sent back",
        asks=REASON,
        then="Mend what the review found",
        opens=Opens("report", "Mend what the review of the report found", 2),
    )
    def send_back(self, *, by, reason):
        """Return it to its writer, saying why."""
        self.approved_by, self.approved_digest, self.client_safe = None, "", ClientSafe.DRAFTED

    @transition(
        stage,
        source=Stage.APPROVED,
        target=Stage.PUBLISHED,
        gates=[
            gates.its_period_began_under_contract,
            gates.somebody_reads_it,
            gates.period_has_ended,
            gates.summary_is_approved,
            gates.summary_is_of_this_report,
            gates.own_words_are_safe,
            gates.is_as_approved,
            gates.lateness_is_explained,
        ],
        permission=PUBLISH,
        label="Publish to the client",
        past="published",
    )
    def publish(self, *, by):
        """Show it to the client, and stamp whether it came in time."""
        self.mark_if_late()
        if self.summary.stage == Summary.Stage.APPROVED:
            perform(self.summary.publish, by=by)
        self.published_at, self.client_safe, self.next_action = timezone.now(), ClientSafe.PUBLISHED, ""
        self.publication_id = publishing.publish_report(self).pk

    @transition(
        stage,
        source=[Stage.SCHEDULED, Stage.DRAFTING, Stage.IN_REVIEW, Stage.APPROVED],
        target=Stage.DROPPED,
        permission=by_itself,
        label="Drop",
        past="dropped",
    )
    def drop(self, *, by, reason):
        """Owe it no more: reports rest then, or have ended. One that was late by then stays so."""
        self.mark_if_late()
        self.dropped, self.dropped_because = self.pk, reason
        self.next_action, self.client_safe = "", ClientSafe.INTERNAL


class ReportNote(Kept):
    """What we say among ourselves about a report. It reaches a client only through a summary."""

    belongs_to = "report"

    report = models.ForeignKey(Report, models.PROTECT, related_name="notes")
    words = models.TextField(help_text="Internal. Clients never see this.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Kept.Meta):
        ordering = ["id"]
        triggers = [frozen()]

    def __str__(self):
        return self.words[:100]
