"""Who sees what: own, team or all by columns; a grant adds a single opportunity."""

from django.conf import settings
from django.db import models

from .records import KeptQuerySet


class Scoped(models.Model):
    """A record with an owner and, kept by the database, the team that the owner had when they took it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    team = models.ForeignKey(
        "opportunities.Team", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = KeptQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def reach(cls, user) -> models.Q:
        if user.sees_all:
            return models.Q()
        if user.sees_team:
            return models.Q(team_id=user.team_id) | models.Q(owner_id=user.pk)
        return models.Q(owner_id=user.pk)

    def within_reach(self, user, to: str) -> bool:
        """Whether this person may `view` or `change` this record, as far as scope goes."""
        if user.sees_all or self.owner_id == user.pk:
            return True
        return user.sees_team and self.team_id == user.team_id
