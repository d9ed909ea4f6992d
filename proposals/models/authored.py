"""What is written by some and approved by others."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from opportunities.models import Event

from .. import approvals


class Authored(models.Model):
    """A record with an author and editors, none of whom may approve it."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    # The ids of everybody who ever changed what it says, or wrote or changed what that was copied from, in the order in
    # which they first did; and of whoever let it pass a gate that was closed.
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

    def take_hands(self, of):
        """Count whoever wrote what this is copied from among those who wrote it: the words are still theirs."""
        self.editors = [*dict.fromkeys([*self.editors, of.author_id, *of.editors])]

    @property
    def written_now(self) -> str:
        """Say who is changing it, while nobody is asked anew what they change; or nothing."""
        return ""

    def note_editor(self, by, changed=("what it says",)):
        """Keep who edited, before anybody is asked again: whoever has just edited must not be the one."""
        if by and by.pk not in self.hands and not self.AROUND.issuperset(changed):
            self.editors = [*self.editors, by.pk]
            self.save(update_fields=["editors"])

    def unsafe(self) -> list:
        """Return every mark on the words of it that a client gets to read, each with its place: `lint.Placed`."""
        raise NotImplementedError

    def passed(self):
        """Return the line of the diary with what a manager let pass when it was last submitted, and why; or None."""
        if self.stage == "draft":
            return None
        verb = f"{self._meta.model_name}.submit"
        submitted = Event.objects.filter(record_type=self.label(), record_id=self.pk, verb=verb)
        last = submitted.select_related("facts").order_by("pk").last()
        return last if last and last.facts and last.facts.values.get("overridden") else None

    def let_pass(self) -> list[str]:
        """Return what a manager let pass when it was last submitted, each as `Lack.passed_as` knows it."""
        event = self.passed()
        return event.facts.values.get("passed", []) if event else []

    def note_passing(self, by):
        """Whoever lets it pass a closed gate has put their word in, and is not the second person as well."""
        self.note_editor(by)
        approvals.lapse_given_by(self, by)

    def was_edited(self, *, by):
        """Note the editor, and lapse the approvals of exactly what changed. Call it after every edit of content."""
        self.note_editor(by)
        approvals.lapse_changed(type(self).objects.get(pk=self.pk), by=by)
