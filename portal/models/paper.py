from django.db import models
from django.utils import timezone

from .publication import Publication


class PaperQuerySet(models.QuerySet):
    def of(self, publication_id):
        """Return the paper that stands for a publication, the sealed one before the other, without its bytes."""
        return self.filter(publication=publication_id).defer("bytes").order_by("-kind").first()

    def lying_beside(self, publications) -> list:
        """Return these publications, each knowing whether it `has_paper`."""
        found = set(self.filter(publication__in=publications).values_list("publication", flat=True))
        for one in publications:
            one.has_paper = one.pk in found
        return publications

    def file(self, pk) -> bytes:
        """Return the bytes of a paper."""
        return bytes(self.values_list("bytes", flat=True).get(pk=pk))


class Paper(models.Model):
    """The PDF of a publication, made with it from the same words. Never changed."""

    class Kind(models.TextChoices):
        READ = "read", "To read"
        SEALED = "sealed", "Signed by both sides and sealed"

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="papers")
    kind = models.CharField(max_length=6, choices=Kind)
    bytes = models.BinaryField()
    sha256 = models.CharField(max_length=64, db_index=True)
    made_at = models.DateTimeField(default=timezone.now)

    objects = PaperQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["publication", "kind"], name="one_paper_of_a_kind")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.publication}"


class Look(models.Model):
    """Somebody had a file looked at on the public page, from an address. Kept for an hour, to count them."""

    address = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["address", "at"], name="portal_look_by_address")]

    def __str__(self):
        return f"{self.address} at {self.at}"
