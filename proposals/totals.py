"""Exact money: each line is rounded to its currency once, half up, and sums are sums of rounded lines."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from opportunities.currencies import rounded

HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Totals:
    once: Decimal
    monthly: Decimal

    @property
    def first_year(self) -> Decimal:
        return self.once + 12 * self.monthly


def line(price, currency, discount=Decimal(0)) -> Decimal:
    """Return what one line comes to: quantity by unit price, less its own discount and that on everything, with tax."""
    return rounded(net_of(price, discount) * (100 + Decimal(price.tax)) / 100, currency)


def net_of(price, discount=Decimal(0)) -> Decimal:
    """Return what one line comes to before tax, not rounded."""
    whole = Decimal(price.quantity) * Decimal(price.unit_price)
    return whole * (100 - Decimal(price.discount)) / 100 * (100 - Decimal(discount)) / 100


def most_of(price) -> Decimal:
    """Return what one line comes to in a first year with its tax, before anything is taken off it."""
    often = 12 if price.recurring == "monthly" else 1
    return often * Decimal(price.quantity) * Decimal(price.unit_price) * (100 + Decimal(price.tax)) / 100


def of(prices, currency, discount=Decimal(0)) -> Totals:
    """Return the totals of price lines. `discount` is the percentage off everything."""
    once = monthly = Decimal("0.00")
    for price in prices:
        if price.recurring == "monthly":
            monthly += line(price, currency, discount)
        else:
            once += line(price, currency, discount)
    return Totals(once, monthly)


def tax_of(prices, currency, discount=Decimal(0)) -> Totals:
    """Return how much of the totals is tax: of each line what its rounded total has above its rounded net."""
    once = monthly = Decimal("0.00")
    for price in prices:
        tax = line(price, currency, discount) - rounded(net_of(price, discount), currency)
        if price.recurring == "monthly":
            monthly += tax
        else:
            once += tax
    return Totals(once, monthly)


def margin_of(prices, discount=Decimal(0)) -> Decimal | None:
    """Return what is left of a first year before tax, in percent; None while a line does not say what it costs us.

    It is not rounded: 29.96 is under 30. Its 28 digits tell apart all that amounts to the cent can come to.
    """
    prices = list(prices)
    if any(price.internal_cost is None for price in prices):
        return None
    times = [12 if price.recurring == "monthly" else 1 for price in prices]
    paid = sum(often * net_of(price, discount) for often, price in zip(times, prices, strict=True))
    cost = sum(often * price.internal_cost for often, price in zip(times, prices, strict=True))
    return 100 * (paid - cost) / paid if paid else None


def shown_margin(margin) -> Decimal | None:
    """Return a margin as people read it: never more than it is."""
    return None if margin is None else Decimal(margin).quantize(HUNDREDTH, ROUND_FLOOR)


def worst_margin(firm, options, discount=Decimal(0)) -> Decimal | None:
    """Return the least margin that any choice of options leaves; None while it cannot be known.

    The options that cost us most for what they bring pull it down first: one of these beginnings is the worst choice.
    """
    if any(line.internal_cost is None for line in (*firm, *options)):
        return None

    def share_of_cost(line):
        paid = net_of(line, discount)
        if paid:
            return line.internal_cost / paid
        return Decimal("Infinity") if line.internal_cost else Decimal(0)

    by_cost, margins = sorted(options, key=share_of_cost, reverse=True), []
    for end in range(len(by_cost) + 1):
        lines = [*firm, *by_cost[:end]]
        left = margin_of(lines, discount)
        if left is not None:
            margins.append(left)
        elif any(line.internal_cost for line in lines):
            return None
    return min(margins, default=None)


def deepest_discount(prices, discount=Decimal(0)) -> Decimal:
    """Return the most that is taken off any line, by its own discount and that on everything together, in percent.

    It is not rounded: 10.004 is more than 10.
    """
    off = (100 - (100 - Decimal(price.discount)) * (100 - Decimal(discount)) / 100 for price in prices)
    return max(off, default=Decimal(discount))
