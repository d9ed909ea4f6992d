"""Campaigns: one letter to many lost deals, each under the four conditions."""

from django.conf import settings
from django.db import models

from .. import gates, policies
from ..records import REASON, DiaryKeeper, Kept, Record, stage_field, transition
from .client import Contact
from .closing import WinBack
from .task import Task
from .template import MessageTemplate

MOVE = "opportunities.move_campaign"


class Campaign(DiaryKeeper, Record):
    """A second try at many lost deals at once.

    draft → running → finished; a running one can be stopped, and a stopped one goes on. It writes to nobody whom its
    owner does not reach, or whoever started it or went on with it last.
    """

    class Stage(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        FINISHED = "finished"
        STOPPED = "stopped"

    CLOSED = (Stage.FINISHED,)

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    template = models.ForeignKey(MessageTemplate, models.PROTECT, related_name="campaigns")
    # Which lost deals were chosen: {"reasons": ["price"], "service": 3, "from": "2026-12-01", "to": "2027-01-31"}. Once
    # it was started, the last of them, and how far whoever did so saw: {"upto": 7, "sight": {…}}.
    chosen = models.JSONField(default=dict, blank=True, editable=False)
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(DiaryKeeper.Meta):
        permissions = [("move_campaign", "Can start and stop campaigns")]

    def __str__(self):
        return self.name

    @classmethod
    def reach(cls, user):
        """Own, or the team's by its owner; there are few of them."""
        if user.sees_all:
            return models.Q()
        theirs = models.Q(owner__team=user.team_id) if user.sees_team else models.Q()
        return theirs | models.Q(owner=user.pk)

    def within_reach(self, user, to):
        if user.sees_all or self.owner_id == user.pk:
            return True
        return user.sees_team and self.owner.team_id == user.team_id

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.RUNNING,
        gates=[gates.campaign_can_be_written],
        permission=MOVE,
        label="Start",
        past="started",
        asks="opportunities.forms.StartCampaignForm",
    )
    def start(self, *, by):
        """Write to everybody whom it chose, under the four conditions; lost deals that come later are not of it."""
        last = WinBack.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.chosen = {**self.chosen, "upto": last or 0}
        self.keep_sight(by)

    def keep_sight(self, by):
        """Keep how far they see who let it write. The clock and a command see what its owner sees."""
        if by is not None:
            self.chosen = {**self.chosen, "sight": by.sight}

    @transition(
        stage,
        source=Stage.RUNNING,
        target=Stage.STOPPED,
        permission=MOVE,
        label="Stop",
        past="stopped",
        asks=REASON,
    )
    def stop(self, *, by, reason):
        """Send nothing more of it."""

    @transition(stage, source=Stage.STOPPED, target=Stage.RUNNING, permission=MOVE, label="Go on", past="went on with")
    def go_on(self, *, by):
        """Send what has not gone yet."""
        self.keep_sight(by)

    @transition(
        stage,
        source=Stage.RUNNING,
        target=Stage.FINISHED,
        permission=policies.by_itself,
        label="Finish",
        past="finished",
    )
    def finish(self, *, by):
        """Nothing of it waits any more."""


class CampaignEntry(Kept):
    """One lost deal in a campaign: who is written to, or why nobody is."""

    belongs_to = "campaign"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="entries")
    win_back = models.ForeignKey(WinBack, models.PROTECT, related_name="entries")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="+")
    left_out_because = models.CharField(max_length=300, blank=True)
    task = models.OneToOneField(Task, models.PROTECT, null=True, related_name="campaign_entry")

    class Meta(Kept.Meta):
        verbose_name_plural = "campaign entries"
        constraints = [models.UniqueConstraint(fields=["campaign", "win_back"], name="campaign_takes_each_once")]

    def staff_url(self, anchor=""):
        return self.campaign.staff_url(anchor)

    def __str__(self):
        return f"{self.win_back.opportunity} in {self.campaign}"
