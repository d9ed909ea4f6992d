"""The pulse of the background: when its last round ran."""

from django.db import models


class Heartbeat(models.Model):
    """One row for each thing that must not fall silent, with the time at which it was last heard of."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name
