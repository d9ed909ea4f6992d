"""The calls that were answered: the same one again gets the same answer, and makes nothing."""

from django.db import models
from django.utils import timezone

from zarts.reads.models import Token


class Refusals(models.Model):
    """How often a token was refused since the first time of an hour."""

    token = models.OneToOneField(Token, models.PROTECT, related_name="+")
    since = models.DateTimeField()
    times = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.times} of {self.token}"


class Call(models.Model):
    """A call that wrote something, by the key that its program gave it, and what it was answered."""

    token = models.ForeignKey(Token, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    # Of what was asked: the same key with other words is another call by mistake.
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True)
    place = models.CharField(max_length=200, default="")
    answer = models.TextField(default="")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="call_once_a_key")]
        indexes = [
            models.Index(fields=["token", "-at"], name="call_of_token"),
            models.Index(fields=["at"], name="call_by_age"),
        ]

    def __str__(self):
        return f"{self.key} of {self.token}"
