"""The pulse of the background: when its last round ran."""

from django.db import models


class Heartbeat(models.Model):
    """One row for each thing that must not fall silent, with the time at which it was last heard of."""

    name = models.CharField(max_length=120, unique=True)
    at = models.DateTimeField()
    # A process that does due work says which kind it is; what is no process says nothing.
    kind = models.CharField(max_length=20, blank=True)
    began_at = models.DateTimeField(null=True)
    rounds = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        permissions = [("see_due_work", "Can see the due work of everybody, and settle its mail")]

    def __str__(self):
        return self.name
