"""The forms that were saved lately, so that none is saved twice."""

from django.db import models
from django.utils import timezone


class SavedForm(models.Model):
    """A form that was saved, by its mark (see `once.py`), and the page that it led to."""

    mark = models.CharField(max_length=64, primary_key=True)
    led_to = models.TextField(blank=True, default="", db_default="")
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.mark
