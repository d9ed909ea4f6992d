"""The price book and what else a proposal begins with: a service's usual rows, words to use again, whole templates."""

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from opportunities.currencies import known_currency
from opportunities.records import DiaryKeeper, Kept, KeptQuerySet
from opportunities.words import plain_words

from .said import PriceWords, Saying, ScopeWords, StepWords
from .service import Service


class UsualRow(Saying, Kept):
    """What a proposal for a service begins with. It is copied: a change here changes no proposal that exists."""

    belongs_to = "service"

    position = models.PositiveSmallIntegerField(default=0)
    is_usual = models.BooleanField("in new proposals", default=True)

    class Meta(Kept.Meta):
        abstract = True
        ordering = ["position", "id"]

    def __str__(self):
        return self.title


class UsualScope(ScopeWords, UsualRow):
    """A row of scope that a service usually has."""

    service = models.ForeignKey(Service, models.PROTECT, related_name="usual_scope")

    class Meta(UsualRow.Meta):
        verbose_name = "usual row of scope"
        verbose_name_plural = "usual scope"


class UsualStep(StepWords, UsualRow):
    """A step of the timeline that a service usually has."""

    service = models.ForeignKey(Service, models.PROTECT, related_name="usual_steps")

    class Meta(UsualRow.Meta):
        verbose_name = "usual step"
        verbose_name_plural = "usual timeline"


class BookPriceQuerySet(KeptQuerySet):
    def on(self, day, currency):
        """Return the prices that count on a day in a currency: of each title the one that began last."""
        counts = self.filter(valid_from__lte=day, currency=currency)
        newest = counts.order_by("service", "title", "-valid_from").distinct("service", "title").values("pk")
        return self.filter(pk__in=newest).order_by("position", "id")

    def usual_on(self, day, currency):
        """Return those with which a new proposal begins. An older one never stands in for one taken off."""
        return self.on(day, currency).filter(is_usual=True)


class BookPrice(PriceWords, UsualRow):
    """A price of the book, from a day on, in a currency. A new price is a new row; the old one stays to be read."""

    service = models.ForeignKey(Service, models.PROTECT, related_name="prices")
    currency = models.CharField(max_length=3, default="USD", validators=[known_currency])
    valid_from = models.DateField(default=timezone.localdate)

    objects = BookPriceQuerySet.as_manager()

    class Meta(UsualRow.Meta):
        ordering = ["position", "title", "-valid_from"]
        verbose_name = "price"
        verbose_name_plural = "price book"
        constraints = [
            models.UniqueConstraint(
                fields=["service", "title", "currency", "valid_from"],
                name="book_price_once_a_day",
                violation_error_message="There is a price for this from that day already. Choose another day.",
            )
        ]


class Block(DiaryKeeper):
    """Words that are used again in proposals: a row of scope, or opening words."""

    class Kind(models.TextChoices):
        INTRO = "intro", "Opening words"
        INCLUDED = "included"
        EXCLUDED = "excluded"
        OPTIONAL = "optional"
        ASSUMPTION = "assumption"
        DEPENDENCY = "dependency"
        INTEGRATION = "integration"

    kind = models.CharField(max_length=12, choices=Kind, default=Kind.INCLUDED)
    title = models.CharField(max_length=160, validators=[plain_words])
    text = models.TextField(blank=True, validators=[plain_words])
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, related_name="blocks")
    is_used = models.BooleanField("on offer", default=True)

    class Meta(DiaryKeeper.Meta):
        ordering = ["kind", "title", "id"]

    def __str__(self):
        return self.title


class OfferTemplate(DiaryKeeper):
    """A whole proposal to begin with: its words and rows as they were when it was kept, without evidence."""

    name = models.CharField(max_length=120, unique=True)
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, related_name="templates")
    is_used = models.BooleanField("on offer", default=True)
    # As `Proposal.kept_rows` gives them.
    content = models.JSONField(default=dict, editable=False, encoder=DjangoJSONEncoder)

    class Meta(DiaryKeeper.Meta):
        ordering = ["name"]
        verbose_name = "proposal template"

    def __str__(self):
        return self.name

    def clean(self):
        if not self.content:
            raise ValidationError("Open a proposal and keep it as a template.")
