"""Saved views: what somebody wants to find again of a list, as they had it."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from .. import gates
from ..records import DiaryKeeper, Record, stage_field, transition


class SavedView(DiaryKeeper, Record):
    """Filters, columns and order of a list under a name: its owner's own, or shared with everybody.

    kept → removed; a removed one can be brought back.
    """

    class Stage(models.TextChoices):
        KEPT = "kept"
        REMOVED = "removed"

    CLOSED = (Stage.REMOVED,)

    name = models.CharField(max_length=60)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False)
    shared = models.BooleanField("shared with everybody", default=False)
    # Of which list it is: "pipeline", or the kind of record, "opportunities.task".
    list = models.CharField(max_length=60, default="pipeline", editable=False)
    # What its address says: {"owner": "me", "stale": "1"}.
    filters = models.JSONField(default=dict, editable=False)
    stage = stage_field(Stage, Stage.KEPT)

    class Meta(Record.Meta):
        permissions = [("curate_savedview", "Can change and remove the views that others share")]
        verbose_name = "saved view"
        constraints = [
            models.UniqueConstraint(
                "owner",
                "list",
                Lower("name"),
                name="saved_view_name_once",
                condition=models.Q(stage="kept"),
            )
        ]
        indexes = [models.Index(fields=["list", "shared", "id"], name="saved_view_of_list")]

    def __str__(self):
        return self.name

    @property
    def name_is_taken(self) -> bool:
        """Whether its owner keeps another view of this list under this name."""
        theirs = SavedView.objects.filter(owner=self.owner_id, list=self.list, stage=self.Stage.KEPT)
        theirs = theirs.filter(name__iexact=self.name)
        return theirs.exclude(pk=self.pk).exists()

    @classmethod
    def reach(cls, user):
        return models.Q(owner=user) | models.Q(shared=True)

    def within_reach(self, user, to):
        """Whoever made it changes it; one that is shared also whoever may look after the shared ones."""
        if self.owner_id == user.pk:
            return True
        return self.shared and (to == "view" or user.has_perm("opportunities.curate_savedview"))

    @transition(
        stage,
        source=Stage.KEPT,
        target=Stage.REMOVED,
        permission="opportunities.change_savedview",
        label="Remove",
        past="removed",
    )
    def remove(self, *, by):
        """Take it off its list. It stays here, and can be brought back."""

    @transition(
        stage,
        source=Stage.REMOVED,
        target=Stage.KEPT,
        gates=[gates.name_is_free],
        permission="opportunities.change_savedview",
        label="Bring back",
        past="brought back",
    )
    def bring_back(self, *, by):
        """Show it on its list again."""
