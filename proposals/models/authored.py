from django.conf import settings
from django.db import models


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
