"""The project: the way from a signed contract to a client who is live."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from opportunities import followups
from opportunities.models import Client, Contact, Event, Opportunity
from opportunities.records import (
    REASON,
    ClientSafe,
    KeptQuerySet,
    Opens,
    Output,
    Record,
    Refused,
    lock,
    perform,
    stage_field,
    transition,
)
from opportunities.words import plain_words
from proposals.models import Contract, Summary
from proposals.publishing import agency_day

from .. import gates
from .handoff import Handoff

DAY = timedelta(days=1)
MOVE, ITEM, BLOCKER = (f"handoff.move_{name}" for name in ("project", "checklistitem", "launchblocker"))


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
    kickoff_time = models.TimeField(
        "kickoff at", null=True, blank=True, help_text="By the client’s clock: that of their time zone."
    )
    stage = stage_field(Stage, Stage.SETUP)

    class Meta(Output.Meta):
        indexes = [
            models.Index(fields=["kickoff_on", "id"], name="project_by_kickoff"),
            models.Index(fields=["due_on", "id"], name="project_by_due"),
        ]
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
    def goes_on(self) -> bool:
        """Whether it is open, and the contract that it keeps has not ended."""
        return self.is_open and self.handoff.contract.stage != Contract.Stage.ENDED

    @property
    def passed(self):
        """Return the line of the diary that says past which gates it was let go live, for good; None when past none."""
        if self.stage not in (self.Stage.LIVE, self.Stage.CLOSED):
            return None
        lines = Event.objects.filter(record_type=self.label(), record_id=self.pk, verb="project.go_live")
        return lines.select_related("facts").filter(facts__values__has_key="overridden").first()

    # -- What the client did in the portal about what stands on its onboarding page. -----------------------------------

    def hear_tick(self, action, contact) -> str:
        """Do an item of the client's in their name. Return what came of it."""
        item = self.items.filter(who="client", client_safe=ClientSafe.APPROVED).get(pk=action.data["item"])
        if item.stage == ChecklistItem.Stage.DONE:
            return "It was done already."
        perform(item.finish, by=contact)
        return "Done."

    def hear_grant(self, action, contact) -> str:
        """Keep that the client says that an access is granted, and open the task to look."""
        connector = lock(self.connectors.get(pk=action.data["access"]))
        if connector.said_at or connector.stage in (connector.Stage.GRANTED, connector.Stage.VERIFIED):
            return "They said so already."
        if not connector.waits_for_client:
            raise Refused([f"{connector} is {connector.get_stage_display().lower()}: nobody asks for it now."])
        said = {"name": action.data["name"], "to": action.data["to"], "at": action.at}
        connector = connector.hear_that_it_is_granted(by=contact, **said)
        followups.open_task(connector, Opens("onboarding_handoff", "Check the access", 1), by=None)
        return "Written down, and a task to check the access was opened."

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
            gates.checklist_is_done,
            gates.somebody_leads_it,
            gates.its_promises_are_answered,
            gates.its_handoff_is_accepted,
            gates.no_launch_blocker_is_open,
            gates.connectors_are_verified,
            gates.first_report_is_dated,
        ],
        permission=MOVE,
        label="Go live",
        past="brought live",
        then="Send the first report",
        # Never without a contract, with a promise that nobody answered, or before delivery took it over.
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
        owed = self.reports.owed().order_by("due_on").first()
        self.due_on = owed and owed.due_on

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


def is_wanted(record):
    """Refuse what is added to a project that is over: nobody would do it, and the client would be asked."""
    if record._state.adding and record.project_id and not record.project.goes_on:
        raise ValidationError({"project": "This project is over: nothing is added to it any more."})


class ChecklistItem(Output):
    """One thing to do before the client is live, by us or by the client.

    open → done or waived. What turns out not to be done is opened again.
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
    group = models.CharField(
        "under",
        max_length=80,
        blank=True,
        validators=[plain_words],
        help_text="The heading on the list.",
    )
    who = models.CharField("done by", max_length=6, choices=Who, default=Who.US)
    offset_days = models.SmallIntegerField(
        "days after the kickoff",
        default=0,
        validators=[MinValueValidator(-365), MaxValueValidator(730)],
        help_text="A number below zero means before it.",
    )
    # Since when it is open once more, though it was done.
    reopened_at = models.DateTimeField(null=True, editable=False)
    stage = stage_field(Stage, Stage.OPEN)

    class Meta(Output.Meta):
        indexes = [models.Index(fields=["due_on", "id"], name="item_by_due")]
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

    def clean(self):
        """Only words of the house’s own list reach a client: what is added is ours, though it be to get theirs."""
        is_wanted(self)
        if self.who == self.Who.CLIENT and self.client_safe != ClientSafe.APPROVED:
            words = "The client would not read it. Leave it to us, and ask the client for it."
            raise ValidationError({"who": words})

    def planned_for(self, kickoff):
        """Return the day on which it is due for this kickoff, or None."""
        return kickoff + self.offset_days * DAY if kickoff else None

    @property
    def is_late(self) -> bool:
        return self.is_open and bool(self.due_on) and self.due_on < timezone.localdate()

    @transition(
        stage,
        source=Stage.OPEN,
        target=Stage.DONE,
        gates=[gates.item_is_in_scope],
        permission=ITEM,
        label="Done",
        past="did",
        client=True,
    )
    def finish(self, *, by):
        """Tick it off. What is the client's to do, the client ticks off in the portal."""
        if isinstance(by, Contact) and self.who != self.Who.CLIENT:
            raise Refused([f"“{self}” is ours to do."])
        self.next_action, self.reopened_at = "", None

    @transition(
        stage,
        source=Stage.DONE,
        target=Stage.OPEN,
        gates=[gates.its_project_is_not_live],
        permission=ITEM,
        label="Open again",
        past="opened again",
        asks=REASON,
    )
    def reopen(self, *, by, reason):
        """Say why it is not done after all."""
        self.next_action, self.reopened_at = self.title, timezone.now()

    @transition(
        stage, source=Stage.OPEN, target=Stage.WAIVED, permission=ITEM, label="Waive", past="waived", asks=REASON
    )
    def waive(self, *, by, reason):
        """Go without it, saying why."""
        self.next_action = ""


class BlockerQuerySet(KeptQuerySet):
    def overdue(self, day):
        """Return what should have been cleared before a day."""
        return self.filter(stage=LaunchBlocker.Stage.OPEN, due_on__lt=day)


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

    objects = BlockerQuerySet.as_manager()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["due_on", "id"], name="blocker_by_due")]
        permissions = [("move_launchblocker", "Can clear launch blockers")]
        ordering = ["-id"]

    def __str__(self):
        return self.words[:100]

    @property
    def age(self) -> int:
        """Return for how many days it has been in the way."""
        return (timezone.localdate() - self.since).days

    @property
    def is_late(self) -> bool:
        return self.is_open and bool(self.due_on) and self.due_on < timezone.localdate()

    def clean(self):
        is_wanted(self)
        if self.summary_id and self.project_id and self.summary.opportunity_id != self.project.opportunity_id:
            raise ValidationError({"summary": "Choose words that belong to this client's opportunity."})
        if self.summary_id and self.summary.kind != Summary.Kind.BLOCKER:
            raise ValidationError({"summary": "Choose words that were written about a blocker."})

    @transition(
        stage, source=Stage.OPEN, target=Stage.CLEARED, permission=BLOCKER, label="Clear", past="cleared", asks=REASON
    )
    def clear(self, *, by, reason):
        """Say what took it out of the way."""
