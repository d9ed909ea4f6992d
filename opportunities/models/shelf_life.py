"""For how long each kind of evidence counts. An administrator changes it; what was measured before keeps its day."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from ..records import DiaryKeeper


class EvidenceKind(models.TextChoices):
    LAB = "lab", "Lab measurement"
    SEARCH = "search", "Search data"
    ANALYTICS = "analytics"
    ADS = "ads", "Advertising"
    INTERVIEW = "interview"
    DOCUMENT = "document"
    OTHER = "other"

    @classmethod
    def of(cls, provider: str):
        """Return what a provider's numbers usually are."""
        name = provider.lower()
        return next((kind for kind, words in PROVIDERS.items() if any(word in name for word in words)), cls.OTHER)


PROVIDERS = {
    EvidenceKind.LAB: ("lighthouse", "pagespeed", "webpagetest"),
    EvidenceKind.SEARCH: ("search console", "bing webmaster", "ahrefs", "semrush"),
    EvidenceKind.ADS: ("google ads", "adwords", "meta ads", "linkedin ads", "microsoft ads"),
    EvidenceKind.ANALYTICS: ("analytics", "matomo", "plausible", "chrome ux"),
    EvidenceKind.INTERVIEW: ("interview",),
    EvidenceKind.DOCUMENT: ("document", "invoice", "contract"),
}
# Days, until an administrator says otherwise.
USUAL = {
    EvidenceKind.LAB: 60,
    EvidenceKind.SEARCH: 90,
    EvidenceKind.ANALYTICS: 90,
    EvidenceKind.ADS: 90,
    EvidenceKind.INTERVIEW: 180,
    EvidenceKind.DOCUMENT: 365,
    EvidenceKind.OTHER: 90,
}


class ShelfLife(DiaryKeeper):
    """For how many days one kind of evidence counts, from when it was measured."""

    kind = models.CharField("kind of evidence", max_length=10, choices=EvidenceKind, unique=True)
    days = models.PositiveSmallIntegerField(
        "counts for days",
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Evidence that is here already keeps the day on which it ages.",
    )

    class Meta(DiaryKeeper.Meta):
        verbose_name_plural = "shelf lives"
        constraints = [
            models.CheckConstraint(name="shelf_life_is_some_days", condition=models.Q(days__gte=1, days__lte=3650))
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.days} days"

    @classmethod
    def by_kind(cls) -> dict:
        """Return the days of every kind."""
        return USUAL | dict(cls.objects.values_list("kind", "days"))
