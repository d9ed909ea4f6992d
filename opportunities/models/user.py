"""Who works here, in which team, and how far they see."""

from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from ..records import DiaryKeeper


def known_time_zone(name):
    """Refuse a time zone that does not exist."""
    if name not in available_timezones():
        raise ValidationError("Choose a time zone such as Europe/Berlin or America/New_York.")


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

    objects = UserManager()

    class Meta(DiaryKeeper.Meta, AbstractUser.Meta):
        constraints = [models.UniqueConstraint(Lower("email"), name="user_mail_address_once")]

    def __str__(self):
        return self.get_full_name() or self.username

    @classmethod
    def by_load(cls, role):
        """Return the active people of a role, the one with the fewest open tasks first."""
        load = models.Count("tasks", filter=models.Q(tasks__stage="open"))
        people = cls.objects.filter(is_active=True, groups__name=role)
        return people.annotate(load=load).order_by("load", "pk")

    @property
    def sees_all(self) -> bool:
        return self.reach_of == self.Reach.ALL or self.is_superuser

    @property
    def sees_team(self) -> bool:
        return self.reach_of == self.Reach.TEAM and self.team_id is not None
