"""What rules and conditions ask of a record: its first year, its discount, its margin; and what may change under one.

A condition stands for the numbers of the pricing aspect, and for nothing else. What may change under it:

- "the discount stays at or under": the discount of any line and the discount on everything;
- "the first year stays at or over": the same, and the unit price and the quantity of any line;
- "the margin stays at or over": the same, and what a line costs us.

Everything else must say what it said when the approver read it: which lines there are, their order and titles, once or
monthly, tax, what is optional, what we assume, what it rests on, and the currency.

What nobody has chosen yet proves nothing: "at or over" and "under" ask what the worst choice of options leaves, "at or
under" and "or more" what the largest comes to.
"""

from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from opportunities.money import figure, money

from . import totals

DISCOUNT = {"discount"}
PRICES = DISCOUNT | {"unit_price", "quantity"}
# By measure: its name, its bound, and the fields that may change as long as it keeps within.
MEASURES: dict[str, tuple[str, str, set]] = {
    "discount": ("discount", "at_most", DISCOUNT),
    "first_year": ("first year", "at_least", PRICES),
    "margin": ("margin", "at_least", PRICES | {"internal_cost"}),
}
BOUNDS = {"at_most": "at or under", "at_least": "at or over"}


class Span(NamedTuple):
    """A number as it is without any option, and how far the client's choice of options takes it; None is unknown."""

    firm: Decimal | None
    far: Decimal | None

    @property
    def least(self) -> Decimal | None:
        return None if self.firm is None or self.far is None else min(self.firm, self.far)

    @property
    def most(self) -> Decimal | None:
        return None if self.firm is None or self.far is None else max(self.firm, self.far)


class Measured:
    """The numbers of a proposal, or of what a contract sells, each computed once. Words for clients have none."""

    def __init__(self, record):
        self.record = record
        self.offer = {"proposal": record, "contract": getattr(record, "proposal", None)}.get(record._meta.model_name)

    @property
    def currency(self) -> str:
        return self.offer.currency if self.offer else ""

    @cached_property
    def lines(self) -> list:
        return list(self.offer.price_lines.all()) if self.offer else []

    @cached_property
    def firm(self) -> list:
        """Return the lines that are paid in any case; in a contract the options that the client chose among them."""
        taken = () if self.record is self.offer else self.offer.chosen if self.offer else ()
        return [line for line in self.lines if not line.optional or line.pk in taken]

    @cached_property
    def options(self) -> list:
        """Return the lines that the client may still choose."""
        return [line for line in self.lines if line.optional] if self.record is self.offer else []

    @property
    def whole_discount(self) -> Decimal:
        return self.offer.discount if self.offer else Decimal(0)

    @cached_property
    def first_year(self) -> Span:
        every = [*self.firm, *self.options]
        return Span(*(totals.of(lines, self.currency, self.whole_discount).first_year for lines in (self.firm, every)))

    @cached_property
    def discount(self) -> Span:
        every = [*self.firm, *self.options]
        return Span(*(totals.deepest_discount(lines, self.whole_discount) for lines in (self.firm, every)))

    @cached_property
    def margin(self) -> Span:
        """Return the margin in percent; unknown while a line does not say what it costs us."""
        worst = totals.worst_margin(self.firm, self.options, self.whole_discount)
        return Span(totals.margin_of(self.firm, self.whole_discount) if self.firm else worst, worst)

    @cached_property
    def sensitive_claims(self) -> list:
        return list(self.offer.claims.filter(sensitivity="high")) if self.offer else []

    @cached_property
    def edited_clauses(self) -> list:
        if self.record is self.offer or self.offer is None:
            return []
        return [row for row in self.record.its("contract_clauses", "clause") if row.text != row.clause.text]

    def said(self, measure) -> str:
        """Say a measure as people read it: €24,000 firm, up to €31,200 with every option."""
        span = getattr(self, measure)
        firm, far = (amount(measure, number, self.currency) for number in span)
        if firm == far or span.least is None:
            return firm if firm == far else "unknown"
        return f"{firm} firm, " + (
            f"up to {far} with every option" if span.far > span.firm else f"down to {far} with options"
        )


def amount(measure, number, currency="") -> str:
    """Say a number of this measure: money without idle cents, or percent."""
    if number is None:
        return "unknown"
    if measure == "first_year":
        return money(number, currency).replace(".00", "")
    return f"{figure(totals.shown_margin(number) if measure == 'margin' else number)} %"


def condition(measure, number) -> dict:
    """Return the condition that a measure stays on its side of a number."""
    return {"measure": measure, "bound": MEASURES[measure][1], "number": str(number)}


def spoken(condition, currency="") -> str:
    """Say a condition: "the discount stays at or under 10 %"."""
    name = MEASURES[condition["measure"]][0]
    number = amount(condition["measure"], Decimal(condition["number"]), currency)
    return f"the {name} stays {BOUNDS[condition['bound']]} {number}"


def is_kept(condition, measured) -> bool:
    """Whether a record keeps within a condition now. What is not known keeps within nothing."""
    now, number = getattr(measured, condition["measure"]), Decimal(condition["number"])
    if now.least is None:
        return False
    return now.most <= number if condition["bound"] == "at_most" else now.least >= number


def fixed(condition, said) -> dict:
    """Return the part of what the pricing says that does not change under a condition."""
    free = MEASURES[condition["measure"]][2]
    prices = [{name: part for name, part in row.items() if name not in free} for row in said["prices"]]
    return {name: part for name, part in said.items() if name not in free} | {"prices": prices}


def holds_on(condition, read, said, measured) -> bool:
    """Whether what was read under a condition still stands, now that it says something else."""
    return fixed(condition, read) == fixed(condition, said) and is_kept(condition, measured)
