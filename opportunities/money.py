"""Numbers that staff read: money with its currency and its decimals, anything else without idle zeros."""

from decimal import Decimal

from django.db import models

from .currencies import decimals, has_too_many, refuse_decimals

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
DIGITS, PLACES = 12, 2
# The most that an amount can be: more is kept nowhere.
MOST = Decimal(10) ** (DIGITS - PLACES) - Decimal(10) ** -PLACES


class MoneyField(models.DecimalField):
    """An amount in the currency of its record, kept with two decimals, and refused with more than its currency has."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": DIGITS, "decimal_places": PLACES, **kwargs})

    def deconstruct(self):
        # To a migration it is a plain number.
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DecimalField", args, kwargs

    def clean(self, value, model_instance):
        value = super().clean(value, model_instance)
        refuse_decimals(value, currency_of(model_instance))
        return value

    def value_from_object(self, obj):
        """Return what a form begins with: yen without the zeros that it is kept with."""
        value = super().value_from_object(obj)
        currency = currency_of(obj) if isinstance(value, Decimal) else ""
        return value if decimals(currency) or has_too_many(value, currency) else value.quantize(Decimal(1))


def money(value, currency="") -> str:
    """Say an amount with its currency and the decimals that this has: €5,200.00, ¥5,200."""
    if value is None:
        return ""
    value = Decimal(value)
    # Without its currency nobody knows how many it has. What a payment provider wrote is said as it was written.
    if currency:
        places = PLACES if has_too_many(value, currency) else decimals(currency)
    else:
        places = PLACES if value != value.to_integral_value() else 0
    text = f"{value:,.{places}f}"
    return f"{SIGNS[currency]}{text}" if currency in SIGNS else f"{text} {currency}".strip()


def figure(value) -> str:
    """Say a number with thousands and without idle zeros: 7.4."""
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def said_number(field, value, record) -> str:
    """Say what a field of a record holds, if it is a number with decimals; else nothing."""
    if value is None or not isinstance(field, models.DecimalField):
        return ""
    return money(value, currency_of(record)) if isinstance(field, MoneyField) else figure(value)


def currency_of(record) -> str:
    """Return the currency of a record, or of the one that it belongs to."""
    while not hasattr(record, "currency"):
        if not record.belongs_to or getattr(record, f"{record.belongs_to}_id") is None:
            return ""
        record = record.parent
    return record.currency
