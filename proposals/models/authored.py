"""What is written by some and approved by others."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from .. import approvals


class Authored(models.Model):
    """A record with an author and editors, none of whom may approve it."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    # The ids of everybody who ever changed what it says, in the order in which they first did.
    editors = ArrayField(models.BigIntegerField(), default=list, editable=False)

    # The aspects that must be approved, in the order in which they are read.
    ASPECTS: tuple = ()
    # Who looks after it, and what is next: whoever changes only these has edited nothing of what it says.
    AROUND = frozenset({"owner", "owner_id", "next_action", "due_on", "lead", "source"})

    class Meta:
        abstract = True

    @property
    def hands(self) -> set[int]:
        """Return the ids of the people who wrote it."""
        return {self.author_id, *self.editors}

    @property
    def written_now(self) -> str:
        """Say who is changing it, while nobody is asked anew what they change; or nothing."""
        return ""

    def note_editor(self, by, changed=("what it says",)):
        """Keep who edited, before anybody is asked again: whoever has just edited must not be the one."""
        if by and by.pk not in self.hands and not self.AROUND.issuperset(changed):
            self.editors = [*self.editors, by.pk]
            self.save(update_fields=["editors"])

    def was_edited(self, *, by):
        """Note the editor, and lapse the approvals of exactly what changed. Call it after every edit of content."""
        self.note_editor(by)
        approvals.lapse_changed(type(self).objects.get(pk=self.pk), by=by)
