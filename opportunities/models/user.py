"""Who works here, in which team, and how far they see."""

from datetime import time
from functools import cache
from hashlib import sha256
from secrets import token_urlsafe
from zoneinfo import available_timezones

from django.apps import apps
from django.contrib.auth.models import AbstractUser, Permission, UserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Concat, Lower
from django.utils.functional import cached_property

from ..records import DiaryKeeper, tell

# Who may what follows from roles; single grants are of single records.
BY_ROLE = "django.contrib.auth.backends.ModelBackend"


def known_time_zone(name):
    """Refuse a time zone that does not exist."""
    if name not in available_timezones():
        raise ValidationError("Choose a time zone such as Europe/Berlin or America/New_York.")


def digest_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


class Team(DiaryKeeper):
    """People who share their opportunities."""

    name = models.CharField(max_length=80, unique=True)

    def __str__(self):
        return self.name


class User(AbstractUser, DiaryKeeper):
    """A member of staff. Roles are groups; how far they see is `reach_of`."""

    class Reach(models.TextChoices):
        OWN = "own", "Own"
        TEAM = "team", "Team"
        ALL = "all", "All"

    email = models.EmailField("mail address")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="members")
    reach_of = models.CharField("sees", max_length=4, choices=Reach, default=Reach.OWN)
    time_zone = models.CharField(max_length=40, default="UTC", validators=[known_time_zone])
    title = models.CharField("job title", max_length=80, blank=True)
    # In their own time zone; empty: no mail of the day.
    digest_at = models.TimeField("mail of the day at", null=True, blank=True, default=time(7, 30))
    # The last day of theirs for which it was seen to.
    digest_on = models.DateField(null=True, editable=False)
    # Of the token with which a calendar reads their tasks. The token itself is shown once.
    feed_digest = models.CharField(max_length=64, blank=True, editable=False)
    # The view with which each list opens for them, one of the house's or the number of a saved one: {"pipeline": "12"}.
    opens_with = models.JSONField("opens lists with", default=dict, blank=True, editable=False)

    objects = UserManager()

    class Meta(DiaryKeeper.Meta, AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_mail_address_once"),
            models.UniqueConstraint(fields=["feed_digest"], name="user_feed_once", condition=~models.Q(feed_digest="")),
        ]

    def __str__(self):
        return self.get_full_name() or self.username

    @transaction.atomic
    def save(self, *args, **kwargs):
        """Whoever is born with every right is made at the keyboard and by no page: the diary says so all the same."""
        is_told_here = self._state.adding and self.is_superuser
        super().save(*args, **kwargs)
        if is_told_here:
            tell(self, "create", "created", by=None)

    @classmethod
    def at_work(cls):
        """Return the people, each with what pages ask often: roles, rights, and whether they reach many."""
        deals = apps.get_model("opportunities.Opportunity")
        groups = cls.groups.through.objects.filter(user=models.OuterRef("pk")).values("group")
        named = Concat("content_type__app_label", models.Value("."), "codename")
        rights = Permission.objects.filter(group__user=models.OuterRef("pk")).order_by().values(right=named)
        return cls.objects.annotate(
            group_ids=ArraySubquery(groups), rights=ArraySubquery(rights), reaches_many=deals.are_many()
        )

    @classmethod
    def read_at_work(cls, pk):
        """Return this person as `at_work` reads them, or None. Each page asks for one: to compile that took longer."""
        sql, parameters = compiled_at_work(apps.get_model("opportunities.Opportunity").FEW)
        return next(iter(cls.objects.raw(sql, [*parameters, pk])), None)

    @cached_property
    def group_ids(self) -> list[int]:
        """Return the numbers of their roles, read once; `at_work` reads them with the person."""
        return list(self.groups.values_list("pk", flat=True))

    @cached_property
    def reaches_many(self) -> bool:
        """Whether so many deals are theirs that lists are walked along: it says how something is found, never what."""
        return type(self).at_work().values_list("reaches_many", flat=True).get(pk=self.pk)

    @classmethod
    def who_work_here(cls):
        """Return the active staff, in the order of lists to choose from."""
        return cls.objects.filter(is_active=True, is_staff=True).order_by("first_name", "username")

    @classmethod
    def who_may_own(cls, model):
        """Return who may have a record of this kind: active staff with the right to work on it."""
        meta = model._meta
        rights = {codename for codename, _ in meta.permissions}
        verb = next((verb for verb in ("move", "write") if f"{verb}_{meta.model_name}" in rights), "change")
        may = cls.objects.with_perm(f"{meta.app_label}.{verb}_{meta.model_name}", backend=BY_ROLE)
        return cls.who_work_here().filter(pk__in=may.values("pk"))

    @classmethod
    def by_load(cls, role="", team=None):
        """Return the active people, of a role if one is named: a team's own first, the least busy of them first."""
        people = cls.objects.filter(is_active=True, is_staff=True, **({"groups__name": role} if role else {}))
        near = [models.Case(models.When(team=team, then=0), default=1)] if team else []
        load = models.Count("tasks", filter=models.Q(tasks__stage="open"))
        return people.annotate(load=load).order_by(*near, "load", "pk")

    @classmethod
    def who_may(cls, policy, record):
        """Return the least busy person whom a policy lets through, the owner's team first; nobody when none is."""
        return next((user for user in cls.by_load(team=record.owner.team) if policy(record, user)), None)

    def managers(self):
        """Return who manages this person: the active managers of their team."""
        people = User.who_work_here().filter(groups__name="Manager").exclude(team=None)
        return people.filter(team=self.team_id).exclude(pk=self.pk)

    # -- The calendar that reads their tasks. --------------------------------------------------------------------------

    @classmethod
    def of_feed(cls, token: str):
        """Return whose calendar a token opens, or None: it was revoked, or they left."""
        return cls.objects.filter(feed_digest=digest_of(token), is_active=True, is_staff=True).first()

    def open_feed(self) -> str:
        """Make a token, in the place of an earlier one. Return it: only its digest is kept."""
        token = token_urlsafe(32)
        self.keep_feed(digest_of(token), "made a calendar address as")
        return token

    def close_feed(self):
        """Revoke the token, if there is one."""
        if self.feed_digest:
            self.keep_feed("", "revoked the calendar address as")

    @transaction.atomic
    def keep_feed(self, digest, past):
        type(self).objects.filter(pk=self.pk).update(feed_digest=digest)
        self.feed_digest = digest
        tell(self, "feed", past, by=self)

    @property
    def sees_all(self) -> bool:
        return self.reach_of == self.Reach.ALL or self.is_superuser

    @property
    def sees_team(self) -> bool:
        return self.reach_of == self.Reach.TEAM and self.team_id is not None

    @property
    def sight(self) -> dict:
        """Return how far they see now, to be kept with what they start."""
        sees = self.Reach.ALL if self.sees_all else self.Reach.TEAM if self.sees_team else self.Reach.OWN
        return {"user": self.pk, "sees": str(sees), "team": self.team_id}

    @classmethod
    def who_saw(cls, sight):
        """Return a stand-in for somebody who sees as far as they saw when this was kept. It is never saved."""
        return cls(pk=sight["user"], reach_of=sight["sees"], team_id=sight["team"])


@cache
def compiled_at_work(few):
    """Return the statement that reads a person at work, and its parameters but their number, which comes last.

    It says how many deals are few: for another number it is another one.
    """
    sql, parameters = User.at_work().filter(pk=0).query.sql_with_params()
    return sql, parameters[:-1]
