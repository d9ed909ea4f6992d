"""What is written by some and approved by others."""

from django.conf import settings
from django.db import models

from .. import approvals


class Authored(models.Model):
    """A record with an author and a last editor, neither of whom may approve it."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    last_editor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    # The aspects that must be approved, in the order in which they are read.
    ASPECTS: tuple = ()

    class Meta:
        abstract = True

    @property
    def hands(self) -> set[int]:
        """Return the ids of the people who wrote it."""
        return {self.author_id, self.last_editor_id} - {None}

    def note_editor(self, by):
        """Keep who edited last, before anybody is asked again: whoever has just edited must not be the one."""
        type(self).objects.filter(pk=self.pk).exclude(last_editor=by).update(last_editor=by)

    def was_edited(self, *, by):
        """Note the editor, and lapse the approvals of exactly what changed. Call it after every edit of content."""
        self.note_editor(by)
        approvals.lapse_changed(type(self).objects.get(pk=self.pk), by=by)
