"""Numbers that staff read: money with its currency and cents, anything else without idle zeros."""

from decimal import Decimal

from django.db import models

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
DIGITS, PLACES = 12, 2
# The most that an amount can be: more is kept nowhere.
MOST = Decimal(10) ** (DIGITS - PLACES) - Decimal(10) ** -PLACES


class MoneyField(models.DecimalField):
    """An amount to the cent, in the currency of its record."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": DIGITS, "decimal_places": PLACES, **kwargs})

    def deconstruct(self):
        # To a migration it is a plain number.
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DecimalField", args, kwargs


def money(value, currency="") -> str:
    """Say an amount with its currency: €5,200.00."""
    if value is None:
        return ""
    text = f"{Decimal(value):,.2f}"
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
        if not record.belongs_to:
            return ""
        record = record.parent
    return record.currency
