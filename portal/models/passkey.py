from django.db import models
from django.utils import timezone


class Passkey(models.Model):
    """A key in a person's own device that lets them in without a mail. Bound to their address; only doors read it."""

    email = models.CharField(max_length=254, db_index=True)
    name = models.CharField(max_length=80)
    credential = models.CharField(max_length=1400, unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return self.name


class UsedChallenge(models.Model):
    """A challenge that was answered by a passkey: no answer counts twice."""

    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.digest[:8]
