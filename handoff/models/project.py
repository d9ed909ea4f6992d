"""The project: the way from a signed contract to a client who is live."""

import re
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from opportunities.models import Client, Event, Opportunity
from opportunities.records import Opens, Output, Record, Refused, stage_field, transition
from opportunities.words import plain_words
from proposals.models import Summary
from proposals.publishing import agency_day

from .. import gates
from ..house import OTHER, PROVIDERS
from .handoff import Handoff

DAY = timedelta(days=1)
MOVE, ITEM, BLOCKER, CONNECT = (
    f"handoff.move_{name}" for name in ("project", "checklistitem", "launchblocker", "connector")
)
REASON = "opportunities.forms.ReasonForm"
LOOKS_SECRET = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[^\s/:.]{20,}")


class Project(Output):
    """The work that a won contract starts.

    setup → ready → live → closed.
    """

    belongs_to = "opportunity"

    class Stage(models.TextChoices):
        SETUP = "setup"
        READY = "ready"
        LIVE = "live"
        CLOSED = "closed"

    CLOSED = (Stage.CLOSED,)

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="projects")
    client = models.ForeignKey(Client, models.PROTECT, related_name="projects")
    handoff = models.OneToOneField(Handoff, models.PROTECT, related_name="project")
    name = models.CharField(max_length=160)
    kickoff_on = models.DateField("kickoff", null=True, blank=True)
    stage = stage_field(Stage, Stage.SETUP)

    class Meta(Output.Meta):
        permissions = [("move_project", "Can bring projects live and close them")]
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="open_project_has_a_next_action", condition=models.Q(stage="closed") | ~models.Q(next_action="")
            )
        ]

    def __str__(self):
        return self.name

    def clean(self):
        """Refuse a kickoff that is chosen now and has passed: the list would be late from its first day."""
        before = type(self).objects.filter(pk=self.pk).values_list("kickoff_on", flat=True).first()
        if self.kickoff_on and self.kickoff_on != before and self.kickoff_on < agency_day():
            raise ValidationError({"kickoff_on": "Choose today or a day that is still to come."})

    @property
    def passed(self):
        """Return the line of the diary that says past which gates it was let go live, for good; None when past none."""
        if self.stage not in (self.Stage.LIVE, self.Stage.CLOSED):
            return None
        lines = Event.objects.filter(record_type=self.label(), record_id=self.pk, verb="project.go_live")
        return lines.select_related("facts").filter(facts__values__has_key="overridden").first()

    @transition(
        stage,
        source=Stage.SETUP,
        target=Stage.READY,
        gates=[gates.kickoff_is_set, gates.checklist_is_done],
        permission=MOVE,
        label="Setup is done",
        past="set up",
        then="Go live",
        within=3 * DAY,
        opens=Opens("onboarding_handoff", "Go live", 3),
    )
    def make_ready(self, *, by):
        """Say that everything on the onboarding list is done or waived."""

    @transition(
        stage,
        source=Stage.READY,
        target=Stage.LIVE,
        gates=[
            gates.its_contract_is_active,
            gates.payment_is_as_agreed,
            gates.kickoff_is_set,
            gates.somebody_leads_it,
            gates.its_promises_are_answered,
            gates.no_launch_blocker_is_open,
            gates.connectors_are_verified,
            gates.first_report_is_dated,
        ],
        permission=MOVE,
        label="Go live",
        past="brought live",
        then="Send the first report",
        # Never without a contract, or with a promise that nobody answered.
        overridable=(
            gates.payment_is_as_agreed,
            gates.kickoff_is_set,
            gates.no_launch_blocker_is_open,
            gates.connectors_are_verified,
            gates.first_report_is_dated,
        ),
    )
    def go_live(self, *, by):
        """Begin to do what was sold."""
        cadence = self.cadences.first()
        self.due_on = cadence.first_due_on if cadence else None

    @transition(
        stage,
        source=[Stage.SETUP, Stage.READY, Stage.LIVE],
        target=Stage.CLOSED,
        permission=MOVE,
        label="Close",
        past="closed",
        asks=REASON,
    )
    def close(self, *, by, reason):
        """End it, saying how."""
        self.next_action, self.due_on = "", None


class ChecklistItem(Output):
    """One thing to do before the client is live, by us or by the client.

    open → done or waived.
    """

    belongs_to = "project"

    class Stage(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        WAIVED = "waived"

    CLOSED = (Stage.DONE, Stage.WAIVED)

    class Who(models.TextChoices):
        US = "us", "Us"
        CLIENT = "client", "The client"

    project = models.ForeignKey(Project, models.PROTECT, related_name="items")
    title = models.CharField(max_length=160, validators=[plain_words])
    who = models.CharField("done by", max_length=6, choices=Who, default=Who.US)
    offset_days = models.SmallIntegerField(
        "days after the kickoff", default=0, help_text="A number below zero means before it."
    )
    stage = stage_field(Stage, Stage.OPEN)

    class Meta(Output.Meta):
        verbose_name = "onboarding item"
        permissions = [("move_checklistitem", "Can finish and waive onboarding items")]
        ordering = ["offset_days", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "title"], name="onboarding_item_once"),
            models.CheckConstraint(
                name="open_onboarding_item_has_a_next_action",
                condition=models.Q(stage__in=["done", "waived"]) | ~models.Q(next_action=""),
            ),
        ]

    def __str__(self):
        return self.title

    def save(self, *args, **kwargs):
        if self._state.adding:
            self.due_on = self.due_on or self.planned_for(self.project.kickoff_on)
            self.next_action = self.next_action or self.title
        super().save(*args, **kwargs)

    def planned_for(self, kickoff):
        """Return the day on which it is due for this kickoff, or None."""
        return kickoff + self.offset_days * DAY if kickoff else None

    @transition(
        stage,
        source=Stage.OPEN,
        target=Stage.DONE,
        gates=[gates.item_is_in_scope],
        permission=ITEM,
        label="Done",
        past="did",
    )
    def finish(self, *, by):
        """Tick it off."""
        self.next_action = ""

    @transition(
        stage, source=Stage.OPEN, target=Stage.WAIVED, permission=ITEM, label="Waive", past="waived", asks=REASON
    )
    def waive(self, *, by, reason):
        """Go without it, saying why."""
        self.next_action = ""


class LaunchBlocker(Record):
    """Something that stands between us and going live. A client reads of it only through its summary.

    open → cleared.
    """

    belongs_to = "project"

    class Stage(models.TextChoices):
        OPEN = "open"
        CLEARED = "cleared"

    CLOSED = (Stage.CLEARED,)

    class Severity(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    project = models.ForeignKey(Project, models.PROTECT, related_name="blockers")
    words = models.TextField("what blocks us", help_text="Internal. Clients never see this.")
    severity = models.CharField(max_length=6, choices=Severity, default=Severity.MEDIUM)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    since = models.DateField(default=timezone.localdate, editable=False)
    due_on = models.DateField("to be cleared by", null=True, blank=True)
    summary = models.ForeignKey(
        Summary, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="words for the client"
    )
    stage = stage_field(Stage, Stage.OPEN)

    class Meta(Record.Meta):
        permissions = [("move_launchblocker", "Can clear launch blockers")]
        ordering = ["-id"]

    def __str__(self):
        return self.words[:100]

    def clean(self):
        if self.summary_id and self.project_id and self.summary.opportunity_id != self.project.opportunity_id:
            raise ValidationError({"summary": "Choose words that belong to this client's opportunity."})

    @transition(
        stage, source=Stage.OPEN, target=Stage.CLEARED, permission=BLOCKER, label="Clear", past="cleared", asks=REASON
    )
    def clear(self, *, by, reason):
        """Say what took it out of the way."""


class Connector(Record):
    """Access to a provider of the client's. Where the secret is kept stands here, never the secret.

    requested → granted → verified. A granted or verified one can break and be granted again; any can be
    revoked, and a revoked one asked for again.
    """

    belongs_to = "project"

    class Stage(models.TextChoices):
        REQUESTED = "requested"
        GRANTED = "granted"
        VERIFIED = "verified"
        BROKEN = "broken"
        REVOKED = "revoked"

    CLOSED = (Stage.VERIFIED, Stage.REVOKED)

    project = models.ForeignKey(Project, models.PROTECT, related_name="connectors")
    provider = models.CharField(max_length=80, choices=[(name, name) for name in (*PROVIDERS, OTHER)])
    account = models.CharField(
        "which account", max_length=80, blank=True, help_text="Clients do not read this. Needed for “Another account”."
    )
    access_holder = models.CharField("who holds the access", max_length=160, blank=True)
    secret_kept_at = models.CharField(
        "where the secret is kept",
        max_length=160,
        blank=True,
        help_text="The vault and the entry. Never the secret itself.",
    )
    stage = stage_field(Stage, Stage.REQUESTED)

    class Meta(Record.Meta):
        permissions = [("move_connector", "Can grant, verify and revoke accesses")]
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "provider", "account"], name="connector_once_an_account")
        ]

    def __str__(self):
        return f"{self.provider}: {self.account}" if self.account else self.provider

    def clean(self):
        if self.provider == OTHER and not self.account:
            raise ValidationError({"account": "Say which account it is. Clients do not read this."})
        if LOOKS_SECRET.search(self.secret_kept_at):
            raise ValidationError({"secret_kept_at": "Write where it is kept, not the secret itself."})

    @transition(
        stage,
        source=[Stage.REQUESTED, Stage.BROKEN],
        target=Stage.GRANTED,
        permission=CONNECT,
        label="Access was granted",
        past="got access to",
        asks="handoff.forms.GrantForm",
    )
    def grant(self, *, by, access_holder, secret_kept_at):
        """The client let us in."""
        if LOOKS_SECRET.search(secret_kept_at):
            raise Refused(["Write where it is kept, not the secret itself."])
        self.access_holder, self.secret_kept_at = access_holder, secret_kept_at

    @transition(
        stage, source=Stage.GRANTED, target=Stage.VERIFIED, permission=CONNECT, label="It works", past="verified"
    )
    def verify(self, *, by):
        """We read the first data through it."""

    @transition(
        stage,
        source=[Stage.GRANTED, Stage.VERIFIED],
        target=Stage.BROKEN,
        permission=CONNECT,
        label="It stopped working",
        past="lost access to",
        asks=REASON,
        opens=Opens("onboarding_handoff", "Mend the broken access", 1),
    )
    def fail(self, *, by, reason):
        """No data comes through it any more."""

    @transition(
        stage,
        source=[Stage.REQUESTED, Stage.GRANTED, Stage.VERIFIED, Stage.BROKEN],
        target=Stage.REVOKED,
        permission=CONNECT,
        label="Revoke",
        past="revoked",
        asks=REASON,
    )
    def revoke(self, *, by, reason):
        """Give it back: we do not need it, or may not have it."""

    @transition(
        stage,
        source=Stage.REVOKED,
        target=Stage.REQUESTED,
        permission=CONNECT,
        label="Ask again",
        past="asked again for",
    )
    def request(self, *, by):
        """Ask the client once more."""
