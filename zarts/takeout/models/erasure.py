"""That somebody's data was erased: when, by whom, and how much. Of the person nothing but a number."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from opportunities.models import Client, Contact, Event
from opportunities.walls import frozen


class Erasure(models.Model):
    """One privacy erase, as the database did it."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    # None: the whole client was erased.
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField(Event, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        permissions = [("erase_person", "Can erase the data of a person or of a whole client")]
        indexes = [models.Index(fields=["-id"], name="erasure_newest")]
        triggers = [frozen()]

    def __str__(self):
        return f"Erased on {self.at:%Y-%m-%d}: {self.contact or self.client}"
