"""What a row of a proposal says, whether it is offered to a client or what a service usually has."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from opportunities.money import MOST, MoneyField, money
from opportunities.words import plain_words

from .. import totals
from .service import PERCENT, Recurring, ScopeKind

NOT_LESS = [MinValueValidator(Decimal(0), "Type an amount of 0 or more.")]


class Saying(models.Model):
    """A row that says something. `SAYS` names the fields."""

    SAYS: tuple = ()

    class Meta:
        abstract = True

    def row(self) -> dict:
        """Return what it says, by the names of its fields."""
        return {name: getattr(self, name) for name in self.SAYS}


class ScopeWords(models.Model):
    """What is included, excluded, optional or relied upon."""

    SAYS: tuple = ("kind", "title", "text")

    kind = models.CharField(max_length=12, choices=ScopeKind, default=ScopeKind.INCLUDED)
    title = models.CharField(max_length=160, validators=[plain_words])
    text = models.TextField(blank=True, validators=[plain_words])

    class Meta:
        abstract = True


class StepWords(models.Model):
    """A step of the timeline."""

    SAYS: tuple = ("title", "text", "start_week", "weeks", "who")

    title = models.CharField(max_length=160, validators=[plain_words])
    text = models.TextField(blank=True, validators=[plain_words])
    start_week = models.PositiveSmallIntegerField("starts after week", default=0, validators=[MaxValueValidator(520)])
    weeks = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(520)])
    who = models.CharField("who does it", max_length=80, blank=True, validators=[plain_words])

    class Meta:
        abstract = True


class PriceWords(models.Model):
    """What something costs, once or each month."""

    SAYS: tuple = (
        *("title", "recurring", "quantity", "unit_price"),
        *("tax", "optional", "internal_cost", "pricing_assumption"),
    )

    title = models.CharField(max_length=160, validators=[plain_words])
    recurring = models.CharField(max_length=7, choices=Recurring, default=Recurring.MONTHLY)
    quantity = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal(1), validators=NOT_LESS)
    unit_price = MoneyField(validators=NOT_LESS)
    tax = models.DecimalField("tax, percent", max_digits=5, decimal_places=2, default=Decimal(0), validators=PERCENT)
    optional = models.BooleanField(default=False, help_text="The client may choose it.")
    internal_cost = MoneyField(
        null=True,
        blank=True,
        validators=NOT_LESS,
        help_text="What the line costs us, as often as it is paid. Internal.",
    )
    pricing_assumption = models.TextField(blank=True, help_text="Internal. Clients never see this.")

    class Meta:
        abstract = True

    def clean(self):
        """Refuse a line that comes to more than can be paid: everything after it would break on it."""
        super().clean()
        # What is wrong by itself is said at its own field.
        known = None not in (self.quantity, self.unit_price, self.tax)
        if known and totals.most_of(self) > MOST:
            words = f"With this the line comes to more than {money(MOST)} in a first year. Type less."
            raise ValidationError({"unit_price": words})
