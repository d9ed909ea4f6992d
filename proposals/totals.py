"""Exact money: each line is rounded to cents once, half up, and sums are sums of rounded lines."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT, TENTH = Decimal("0.01"), Decimal("0.1")


@dataclass(frozen=True)
class Totals:
    once: Decimal
    monthly: Decimal

    @property
    def first_year(self) -> Decimal:
        return self.once + 12 * self.monthly


def line(price, discount=Decimal(0)) -> Decimal:
    """Return what one line comes to: quantity by unit price, less its own discount and that on everything, with tax."""
    return (net_of(price, discount) * (100 + Decimal(price.tax)) / 100).quantize(CENT, ROUND_HALF_UP)


def net_of(price, discount=Decimal(0)) -> Decimal:
    """Return what one line comes to before tax, not rounded."""
    whole = Decimal(price.quantity) * Decimal(price.unit_price)
    return whole * (100 - Decimal(price.discount)) / 100 * (100 - Decimal(discount)) / 100


def most_of(price) -> Decimal:
    """Return what one line comes to in a first year with its tax, before anything is taken off it."""
    often = 12 if price.recurring == "monthly" else 1
    return often * Decimal(price.quantity) * Decimal(price.unit_price) * (100 + Decimal(price.tax)) / 100


def of(prices, discount=Decimal(0)) -> Totals:
    """Return the totals of price lines. `discount` is the percentage off everything."""
    once = monthly = Decimal("0.00")
    for price in prices:
        if price.recurring == "monthly":
            monthly += line(price, discount)
        else:
            once += line(price, discount)
    return Totals(once, monthly)


def tax_of(prices, discount=Decimal(0)) -> Totals:
    """Return how much of the totals is tax: of each line what its rounded total has above its rounded net."""
    once = monthly = Decimal("0.00")
    for price in prices:
        tax = line(price, discount) - net_of(price, discount).quantize(CENT, ROUND_HALF_UP)
        if price.recurring == "monthly":
            monthly += tax
        else:
            once += tax
    return Totals(once, monthly)


def margin_of(prices, discount=Decimal(0)) -> Decimal | None:
    """Return what is left of a first year before tax, in percent; None while a line does not say what it costs us."""
    prices = list(prices)
    if any(price.internal_cost is None for price in prices):
        return None
    times = [12 if price.recurring == "monthly" else 1 for price in prices]
    paid = sum(often * net_of(price, discount) for often, price in zip(times, prices, strict=True))
    cost = sum(often * price.internal_cost for often, price in zip(times, prices, strict=True))
    return (100 * (paid - cost) / paid).quantize(TENTH, ROUND_HALF_UP) if paid else None


def deepest_discount(prices, discount=Decimal(0)) -> Decimal:
    """Return the most that is taken off any line, by its own discount and that on everything together, in percent."""
    off = (100 - (100 - Decimal(price.discount)) * (100 - Decimal(discount)) / 100 for price in prices)
    return max(off, default=Decimal(discount)).quantize(CENT, ROUND_HALF_UP)
