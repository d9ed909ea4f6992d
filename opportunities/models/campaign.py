"""Campaigns: one letter to many lost deals, each under the four conditions."""

from django.conf import settings
from django.db import models

from .. import gates, policies
from ..records import DiaryKeeper, Kept, Record, stage_field, transition
from .client import Contact
from .closing import WinBack
from .task import Task
from .template import MessageTemplate

MOVE, REASON = "opportunities.move_campaign", "opportunities.forms.ReasonForm"


class Campaign(DiaryKeeper, Record):
    """A second try at many lost deals at once.

    draft → running → finished; a running one can be stopped, and a stopped one goes on.
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
    # Which lost deals were chosen: {"reason": "price", "service": 3, "from": "2026-12-01", "to": "2027-01-31"}.
    chosen = models.JSONField(default=dict, blank=True, editable=False)
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(DiaryKeeper.Meta):
        permissions = [("move_campaign", "Can start and stop campaigns")]

    def __str__(self):
        return self.name

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.RUNNING,
        gates=[gates.campaign_can_be_written],
        permission=MOVE,
        label="Start",
        past="started",
    )
    def start(self, *, by):
        """Write to everybody whom it chose, under the four conditions; lost deals that come later are not of it."""
        last = WinBack.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.chosen = {**self.chosen, "upto": last or 0}

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
        constraints = [models.UniqueConstraint(fields=["campaign", "win_back"], name="campaign_takes_each_once")]

    def staff_url(self, anchor=""):
        return self.campaign.staff_url(anchor)

    def __str__(self):
        return f"{self.win_back.opportunity} in {self.campaign}"
