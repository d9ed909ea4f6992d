"""Exact money: each line is rounded to cents once, half up, and sums are sums of rounded lines."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Totals:
    once: Decimal
    monthly: Decimal

    @property
    def first_year(self) -> Decimal:
        return self.once + 12 * self.monthly


def line(price) -> Decimal:
    """Return what one line comes to: quantity by unit price, less discount, with tax."""
    net = Decimal(price.quantity) * Decimal(price.unit_price) * (100 - Decimal(price.discount)) / 100
    return (net * (100 + Decimal(price.tax)) / 100).quantize(CENT, ROUND_HALF_UP)


def of(prices) -> Totals:
    """Return the totals of price lines."""
    once = monthly = Decimal("0.00")
    for price in prices:
        if price.recurring == "monthly":
            monthly += line(price)
        else:
            once += line(price)
    return Totals(once, monthly)
