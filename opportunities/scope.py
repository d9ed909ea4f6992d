"""Who sees what: own, team or all by columns; a grant adds a single opportunity."""

from functools import reduce
from operator import or_

from django.conf import settings
from django.db import models
from django.db.models.lookups import IsNull

from .records import KeptQuerySet


def any_of(ways) -> models.QuerySet:
    """Return what any of several queries finds, each by an index of its own: an OR would be asked of every row."""
    first, *others = ways
    return first.union(*others, all=True) if others else first


def either_way(model, user, *ways: models.Q) -> models.Q:
    """Return the condition that any of these holds: few are found by each of them, many are met along a list anyway."""
    if user.reaches_many:
        return reduce(or_, ways)
    rows = model._base_manager.order_by().values("pk")
    return models.Q(pk__in=any_of(rows.filter(way) for way in ways))


def there_is(rows) -> models.Q:
    """Return the condition that there is one of these, looked for by its index.

    Asked whether there is any, the database would read them all beforehand.
    """
    return models.Q(IsNull(models.Subquery(rows.order_by().values("pk")[:1]), False))


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

    @classmethod
    def ways_for(cls, user, to="view", column="pk") -> list[models.QuerySet]:
        """Return, for each way that leads this person to some of these, a column of what it leads to.

        It says what `reach` says, for whoever does not see all: a kind that has one of its own has both.
        """
        rows = cls._base_manager.order_by().values(column)
        return [rows.filter(owner=user.pk), *([rows.filter(team=user.team_id)] if user.sees_team else [])]

    def within_reach(self, user, to: str) -> bool:
        """Whether this person may `view` or `change` this record, as far as scope goes."""
        if user.sees_all or self.owner_id == user.pk:
            return True
        return user.sees_team and self.team_id == user.team_id
