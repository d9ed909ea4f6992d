"""The opportunity: the spine that everything else hangs on."""

from datetime import date, timedelta

import django_fsm as fsm
import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from guardian.shortcuts import get_perms

from .. import gates, merging, policies
from ..currencies import known_currency, rounded
from ..money import MoneyField
from ..records import DiaryKeeper, Opens, Output, ScopeState, begin, erased, stage_field, transition
from ..scope import Scoped, any_of
from ..walls import frozen, settled
from .client import Client, Contact
from .lead import Lead
from .user import User

DAY = timedelta(days=1)
OPEN_ONES = models.Q(stage__in=["qualified", "discovery", "audit", "proposal", "contract"])


class Opportunity(Scoped, DiaryKeeper, Output):
    """A deal with a client, from the first talk to the handover.

    qualified → discovery → audit → proposal → contract → won → handed off. Any open one can be lost or
    paused; a paused one goes back to where it was, a lost one can be reopened.
    """

    class Stage(models.TextChoices):
        QUALIFIED = "qualified"
        DISCOVERY = "discovery"
        AUDIT = "audit"
        PROPOSAL = "proposal"
        CONTRACT = "contract"
        WON = "won"
        HANDED_OFF = "handed_off", "Handed off"
        LOST = "lost"
        PAUSED = "paused"

    PATH = (Stage.QUALIFIED, Stage.DISCOVERY, Stage.AUDIT, Stage.PROPOSAL, Stage.CONTRACT, Stage.WON, Stage.HANDED_OFF)
    OPEN = (Stage.QUALIFIED, Stage.DISCOVERY, Stage.AUDIT, Stage.PROPOSAL, Stage.CONTRACT)
    CLOSED = (Stage.HANDED_OFF, Stage.LOST)
    # The parts of its page.
    PARTS = (
        *("discovery", "audit", "proposals", "contract", "handoff", "people"),
        *("objections", "tasks", "messages", "outputs", "checklist"),
    )
    PLACES = (*PATH, Stage.LOST)
    # What is next while it rests.
    RESTS = "Resume when the reason is gone"
    FEW_GRANTS = 500
    # So many within somebody's reach are found from what is theirs as quickly as one by one along a list.
    FEW = 1000
    # Its story is told from so many others at most, the newest: each costs its page a look into an index.
    MOST_DIARIES = 100
    # A deal is stale after so many days in which nothing happened. One that is paused rests, and is not.
    STALE_AFTER = {
        Stage.QUALIFIED: 7,
        Stage.DISCOVERY: 10,
        Stage.AUDIT: 14,
        Stage.PROPOSAL: 7,
        Stage.CONTRACT: 7,
        Stage.WON: 14,
    }

    client = models.ForeignKey(Client, models.PROTECT, related_name="opportunities")
    name = models.CharField(max_length=160)
    value = MoneyField(null=True, blank=True, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, default="USD", validators=[known_currency])
    probability = models.PositiveSmallIntegerField(
        "probability, percent", default=10, validators=[MaxValueValidator(100)]
    )
    decision_on = models.DateField("decision deadline", null=True, blank=True)
    close_risk = models.CharField(max_length=200, blank=True, help_text="What could make us lose this, in one line.")
    decision_owner = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+")
    paused_from = models.CharField(max_length=20, blank=True, editable=False)
    external_ref = models.CharField("reference in the file", max_length=120, blank=True, editable=False)
    stage = stage_field(Stage, Stage.QUALIFIED)
    # The number of its place on the path, for lists in the order of the path: a paused deal stays where it was.
    place = models.GeneratedField(
        expression=models.Case(
            *[
                models.When(models.Q(stage=stage) | models.Q(stage="paused", paused_from=stage), then=number)
                for number, stage in enumerate(("qualified", "discovery", "audit", "proposal", "contract", "won"))
            ],
            models.When(stage="handed_off", then=6),
            default=7,
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    search = models.GeneratedField(
        expression=SearchVector("name", config="simple"), output_field=SearchVectorField(), db_persist=True
    )

    class Meta(Output.Meta):
        permissions = [
            ("move_opportunity", "Can move opportunities along their path"),
            ("override_gate", "Can pass a closed gate with a written reason"),
            ("share_opportunity", "Can share single opportunities with people and roles"),
        ]
        verbose_name_plural = "opportunities"
        constraints = [
            models.CheckConstraint(
                name="open_opportunity_has_a_next_action",
                condition=models.Q(stage__in=["handed_off", "lost"]) | ~models.Q(next_action=""),
            ),
            models.CheckConstraint(
                name="opportunity_probability_is_a_percentage", condition=models.Q(probability__lte=100)
            ),
            models.CheckConstraint(
                name="paused_opportunity_knows_where_it_was",
                condition=~models.Q(stage="paused") | ~models.Q(paused_from=""),
            ),
            models.UniqueConstraint(
                fields=["external_ref"], name="opportunity_reference_once", condition=~models.Q(external_ref="")
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="opportunity_search"),
            models.Index(fields=["owner", "-id"], name="opportunity_of_owner"),
            models.Index(fields=["team", "-id"], name="opportunity_of_team"),
            models.Index(fields=["stage", "-id"], name="opportunity_in_stage"),
            models.Index(fields=["owner", "due_on", "id"], name="opportunity_due"),
            # Only those that something must be promised for are walked through.
            models.Index(fields=["id"], name="opportunity_open", condition=OPEN_ONES),
            # The board: of each column what is due first, for one person and for everybody.
            models.Index(fields=["owner", "place", "due_on", "id"], name="opportunity_board_of_owner"),
            models.Index(fields=["place", "due_on", "id"], name="opportunity_board"),
            # What the table is sorted by; the client's name and the last event have theirs beside them.
            models.Index(fields=["due_on", "id"], name="opportunity_by_due"),
            # The table of the pipeline: those that closed long ago would stand before what is due first.
            models.Index(fields=["due_on", "id"], name="opportunity_open_by_due", condition=models.Q(place__lte=5)),
            models.Index(fields=["place", "id"], name="opportunity_by_place"),
            models.Index(fields=["value", "id"], name="opportunity_by_value"),
        ]
        triggers = [
            # Whatever came from a file says so from its first day, and nothing else ever does.
            settled("reference_stays", "external_ref"),
            frozen(
                "won_without_contract",
                unless="OLD.external_ref <> '' OR OLD.stage <> 'qualified' OR NEW.stage <> 'won'",
                operation=pgtrigger.Update,
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def weighted(self):
        """Return the value times its probability; nothing without a value."""
        return rounded(self.value * self.probability / 100, self.currency) if self.value else None

    @property
    def lines(self) -> models.Q:
        """Return the condition for its diary, its leads' and its client's: together they are its story."""
        return models.Q(diary_id__in=self.diaries())

    def diaries(self) -> list[int]:
        """Return the diaries that its story is told in: its own, its client's, its leads', and what merged there."""
        own = [self.diary_id, self.client.diary_id]
        others = {*merging.diaries_of((Client, "id", self.client_id), (Lead, "opportunity_id", self.pk))} - {*own}
        return [*own, *sorted(others, reverse=True)[: self.MOST_DIARIES]]

    def staff_url(self, anchor=""):
        """Its page shows one part at a time: an anchor that names a part opens it; a field's is in the full form."""
        if anchor.startswith("id_"):
            return f"{reverse('admin:opportunities_opportunity_edit', args=[self.pk])}#{anchor}"
        url = super().staff_url()
        return f"{url}?tab={anchor}#{anchor}" if anchor in self.PARTS else f"{url}#{anchor}" if anchor else url

    @classmethod
    def reach(cls, user, to="view"):
        """Own, team or all by columns, and single ones by grant to the user or to a group of theirs.

        Few are found from what is theirs; of many, each row is asked as a list comes to it.
        """
        if user.sees_all:
            return models.Q()
        if not user.reaches_many:
            return models.Q(pk__in=any_of(cls.ways_for(user, to)))
        by_user, by_group = (
            models.Q(models.Exists(grants.filter(content_object=models.OuterRef("pk"))))
            for grants in cls.grants_to(user.pk, to)
        )
        return super().reach(user) | by_user | by_group

    @classmethod
    def reach_by_index(cls, user):
        """Return the same condition with the grants read beforehand: few as they are, the indexes then serve it."""
        if user.sees_all:
            return models.Q()
        granted = cls.granted_to(user, most=cls.FEW_GRANTS + 1)
        if len(granted) > cls.FEW_GRANTS:
            return cls.reach(user)
        return super().reach(user) | models.Q(pk__in=granted) if granted else super().reach(user)

    @classmethod
    def are_many(cls):
        """Return, for a query of people, whether each reaches more of them than `FEW`."""
        person, team = models.OuterRef("pk"), models.OuterRef("team")
        ways = (cls._base_manager.filter(owner=person), *cls.grants_to(person), cls._base_manager.filter(team=team))
        own, by_user, by_group, of_team = (
            models.Q(models.Exists(way.order_by()[cls.FEW : cls.FEW + 1])) for way in ways
        )
        return own | by_user | by_group | models.Q(of_team, reach_of=User.Reach.TEAM)

    @classmethod
    def ways_for(cls, user, to="view", column="pk"):
        granted = [grants.values(f"content_object__{column}") for grants in cls.grants_to(user.pk, to)]
        return [*super().ways_for(user, to, column), *granted]

    @staticmethod
    def grants_to(person, to="view") -> tuple[models.QuerySet, models.QuerySet]:
        """Return what was granted to this person, by their number, and what to a group of theirs."""
        right = {"permission__codename": "change_opportunity"} if to == "change" else {}
        by_user = OpportunityUserPermission.objects.filter(user=person, **right)
        return by_user, OpportunityGroupPermission.objects.filter(group__user=person, **right)

    @classmethod
    def granted_to(cls, user, most=None) -> list[int]:
        """Return the ids of those that were granted to this person or to a group of theirs."""
        by_user, by_group = (grants.values_list("content_object_id") for grants in cls.grants_to(user.pk))
        return [pk for (pk,) in by_user.union(by_group)[:most]]

    def within_reach(self, user, to):
        if super().within_reach(user, to):
            return True
        # Kept with the record as it was read: a page asks often, and a move reads the record again.
        known = self.__dict__.setdefault("_granted", {})
        if user.pk not in known:
            known[user.pk] = get_perms(user, self)
        granted = known[user.pk]
        return f"{to}_opportunity" in granted or (to == "view" and "change_opportunity" in granted)

    @classmethod
    def was_won(cls) -> models.Q:
        """Return the condition for deals that were won before they came in: nobody owes anything on them."""
        # One that is won here is to be handed over by a day.
        return models.Q(stage=cls.Stage.WON, due_on=None) & ~models.Q(external_ref="")

    def moves_for(self, user):
        """Return every move from here but the one that only a file makes: no button for it is ever shown.

        Of an erased client's none: nothing is written about them any more.
        """
        if erased(self):
            return []
        return [move for move in super().moves_for(user) if move.step.permission is not policies.the_importer]

    @classmethod
    def from_lead(cls, lead, *, by, client=None, value=None):
        """Make the opportunity that a qualified lead becomes, for this client when one was chosen."""
        from .. import followups  # it imports the models

        contact = lead.find_or_make_contact(by=by, client=client, role=Contact.Role.OWNER)
        opportunity = cls(
            client=contact.client,
            name=f"{contact.client}: growth audit and services",
            owner=lead.owner,
            source=f"Lead {lead}" + (f", {lead.source}" if lead.source else ""),
            value=value,
            decision_owner=contact,
            next_action="Book the discovery call",
        )
        opportunity = begin(opportunity, by=by, past="opened", facts={"lead": lead})
        # No open deal is without a task: each move from here on closes the one before and opens the next.
        followups.open_task(opportunity, Opens("follow_up", "Book the discovery call", 2), by=by)
        return opportunity

    @transition(
        stage,
        source=Stage.QUALIFIED,
        target=Stage.DISCOVERY,
        gates=[gates.own_checkpoints_are_met],
        permission="opportunities.move_opportunity",
        label="Start discovery",
        past="started discovery of",
        then="Hold the discovery call and write the notes",
        within=5 * DAY,
        opens=Opens("follow_up", "Hold the discovery call", 5),
    )
    def start_discovery(self, *, by):
        """Begin to ask what the client needs."""
        from .discovery import Discovery

        self.probability = max(self.probability, 20)
        if not self.discoveries.exists():
            fields = {"source": f"Opportunity {self}", "owner": self.owner, "next_action": "Write the five parts"}
            begin(Discovery(opportunity=self, **fields), by=by, past="opened").ask(by=by)

    @transition(
        stage,
        source=Stage.DISCOVERY,
        target=Stage.AUDIT,
        gates=[gates.discovery_is_complete, gates.own_checkpoints_are_met],
        permission="opportunities.move_opportunity",
        label="Start audit",
        past="started the audit of",
        then="Collect the evidence",
        within=7 * DAY,
        opens=Opens("follow_up", "Collect the evidence", 7),
    )
    def start_audit(self, *, by):
        """Begin to measure."""
        from .audit import Audit

        self.probability = max(self.probability, 30)
        if not self.audits.exists():
            fields = {"source": f"Opportunity {self}", "owner": self.owner, "next_action": "Collect the evidence"}
            begin(Audit(opportunity=self, name=f"Audit of {self.client}", **fields), by=by, past="requested")

    @transition(
        stage,
        source=Stage.AUDIT,
        target=Stage.PROPOSAL,
        gates=[gates.audit_is_verified_and_fresh, gates.own_checkpoints_are_met],
        permission="opportunities.move_opportunity",
        label="Start proposal",
        past="started the proposal for",
        then="Write the proposal",
        within=5 * DAY,
        opens=Opens("proposal_review", "Write the proposal and send it to review", 5),
    )
    def start_proposal(self, *, by):
        """Begin to write the offer, on proof."""
        self.probability = max(self.probability, 50)

    @transition(
        stage,
        source=Stage.PROPOSAL,
        target=Stage.CONTRACT,
        gates=[gates.proposal_is_accepted, gates.own_checkpoints_are_met],
        permission="opportunities.move_opportunity",
        label="Start contract",
        past="started the contract for",
        then="Get the contract signed",
        within=7 * DAY,
        opens=Opens("contract_step", "Draw up the contract and get it signed", 5),
    )
    def start_contract(self, *, by):
        """Begin to draw up what both sides sign."""
        self.probability = max(self.probability, 80)
        self.scope_state = ScopeState.APPROVED

    @transition(
        stage,
        source=Stage.CONTRACT,
        target=Stage.WON,
        gates=[
            gates.contract_is_active,
            gates.signed_contract_stands,
            gates.no_unwritten_promise_is_open,
            gates.own_checkpoints_are_met,
        ],
        permission="opportunities.move_opportunity",
        label="Mark as won",
        past="won",
        asks="opportunities.forms.WinForm",
        then="Hand over to delivery",
        within=3 * DAY,
        opens=Opens("onboarding_handoff", "Hand over to delivery", 3),
    )
    def win(self, *, by, reason, competitor, words=""):
        """Close the deal as won, saying what won it and against whom. Delivery inherits it in the same transaction."""
        self.probability = 100
        self.close_as("won", by=by, reason=reason, words=words, competitor=competitor)

    @transition(
        stage,
        source=Stage.QUALIFIED,
        target=Stage.WON,
        gates=[gates.came_from_a_file],
        permission=policies.the_importer,
        label="Bring in as won",
        past="brought in as won",
        then="Nothing: it was won before it came in",
    )
    def bring_in_won(self, *, by, reason, words="", competitor=""):
        """Say of a deal from a file that it was won long ago. Delivery inherits nothing: nothing was signed here."""
        self.probability, self.due_on = 100, None
        self.close_as("won", by=by, reason=reason, words=words, competitor=competitor)

    @transition(
        stage,
        source=Stage.WON,
        target=Stage.HANDED_OFF,
        gates=[gates.handoff_is_accepted, gates.own_checkpoints_are_met],
        permission=policies.delivery_takes_over,
        label="Mark as handed off",
        past="handed off",
    )
    def hand_off(self, *, by):
        """Leave the opportunity to delivery for good."""
        self.next_action, self.due_on = "", None

    @transition(
        stage,
        source=[*OPEN, Stage.PAUSED],
        target=Stage.LOST,
        permission="opportunities.move_opportunity",
        label="Mark as lost",
        past="lost",
        asks="opportunities.forms.LoseForm",
    )
    def lose(self, *, by, reason, words, reactivate_from, reactivate_to, must_change="", competitor=""):
        """Close the deal as lost, saying why and when to try again."""
        self.probability, self.next_action, self.due_on = 0, "", None
        self.close_as(
            "lost",
            by=by,
            reason=reason,
            words=words,
            competitor=competitor,
            reactivate_from=reactivate_from,
            reactivate_to=reactivate_to,
            must_change=must_change,
        )

    @transition(
        stage,
        source=OPEN,
        target=Stage.PAUSED,
        permission="opportunities.move_opportunity",
        label="Pause",
        past="paused",
        asks="opportunities.forms.PauseForm",
        answers=False,
    )
    def pause(self, *, by, reason, until=None):
        """Let the deal rest, and all that is open about it; it remembers where it was, and what was to come next."""
        left = {"was_next": self.next_action, "was_due": self.due_on}
        self.paused_from = self.stage
        self.next_action = self.RESTS
        self.due_on = until
        return left

    @transition(
        stage,
        source=Stage.PAUSED,
        target=fsm.GET_STATE(lambda self, by: self.paused_from, states=OPEN),
        permission="opportunities.move_opportunity",
        label="Resume",
        past="resumed",
        answers=False,
    )
    def resume(self, *, by):
        """Go on from where the deal was paused, with all that waited for it and what was to come next.

        What somebody wrote meanwhile stays. What fell due meanwhile, or had no day, is due in two days.
        """
        action, due = (self.next_action, self.due_on) if self.next_action != self.RESTS else self.left()
        self.next_action = action or "Pick up where it was left"
        soon = timezone.localdate() + 2 * DAY
        self.due_on = due if due and due > timezone.localdate() else soon

    def left(self) -> tuple:
        """Return the next action and its day that stood here before the last pause, as its line in the diary says."""
        from .event import Event

        mine = Event.objects.filter(record_type=self.label(), record_id=self.pk, verb="opportunity.pause")
        pause = mine.select_related("facts").order_by("-pk").first()
        values = pause.facts.values if pause and pause.facts else {}
        due = values.get("was_due")
        return values.get("was_next", ""), date.fromisoformat(due) if due else None

    @transition(
        stage,
        source=Stage.LOST,
        target=Stage.QUALIFIED,
        permission="opportunities.move_opportunity",
        label="Reopen",
        past="reopened",
        asks="opportunities.forms.ReopenForm",
        then="Find out what has changed",
        within=3 * DAY,
        opens=Opens("follow_up", "Find out what has changed", 3),
    )
    def reopen(self, *, by, reason):
        """Try again; the history stays. What was in scope went with the offer that was taken back."""
        self.probability, self.scope_state = 10, ScopeState.UNSCOPED

    def close_as(self, outcome, *, by, **fields):
        """Write down how this ended. Each closing stays as a record of its own."""
        from .closing import Closing

        closing = Closing(
            opportunity=self,
            outcome=outcome,
            owner=self.owner,
            source=self.source,
            scope_state=self.scope_state,
            next_action="Hand over to delivery" if outcome == "won" else "Wait for the reactivation window",
            due_on=fields.get("reactivate_from"),
            **fields,
        )
        begin(closing, by=by, past="wrote down the reason of")


class OpportunityUserPermission(UserObjectPermissionBase):
    """A single opportunity, shared with one person."""

    content_object = models.ForeignKey(Opportunity, models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class OpportunityGroupPermission(GroupObjectPermissionBase):
    """A single opportunity, shared with a role."""

    content_object = models.ForeignKey(Opportunity, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()
