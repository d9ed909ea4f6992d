"""In which order a list stands, and where its next page begins. A deep page costs what the first does."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import models
from django.db.models import Q

from ..money import MoneyField

# So many rows are read at once, where all of a list are.
BATCH = 500


def read_day(text):
    return date.fromisoformat(text)


def read_time(text):
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def read_amount(text):
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount) >= 10**10:
        raise ValueError
    return amount


def whole_number(text):
    """Return a positive whole number from an address, or None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


# What each way of an order is called: the one that a person gets first, and the other.
BY_TIME, BY_LETTER, BY_NUMBER = ("earliest first", "latest first"), ("A to Z", "Z to A"), ("least first", "most first")
BY_WORTH = ("least first, currencies mixed", "most first, currencies mixed")


@dataclass(frozen=True)
class Sort:
    """One order of a list. Rows of equal value follow by their number; each order has its index."""

    label: str
    column: str
    read: object
    number: str = "pk"
    # Which way it goes when a person first asks for it.
    down: bool = False
    # Whether some rows have no value. They come last when it first goes, and first when it is turned round.
    gaps: bool = False
    ways: tuple[str, str] = BY_TIME

    def way(self, turned) -> str:
        """Return in words what stands first: "Due, earliest first"."""
        return f"{self.label}, {self.ways[turned]}"


# The order of a list that nobody sorted.
NEWEST = Sort("Newest first", "pk", int, down=True)


def parts(order, turned, mark):
    """Yield, in order, what has a value behind the mark and what has none: a condition that an index serves each."""
    down = order.down != turned
    value, number = order.column, order.number
    way = "-" if down else ""
    beyond = "lt" if down else "gt"

    def valued(rows):
        if order.gaps:
            rows = rows.exclude(**{value: None})
        if mark is not None and mark[0] is not None:
            rows = rows.filter(
                Q(**{f"{value}__{beyond}": mark[0]}) | Q(**{f"{number}__{beyond}": mark[1]}),
                # Said twice, so that the database begins at the mark instead of walking up to it.
                **{f"{value}__{beyond}e": mark[0]},
            )
        return rows.order_by(f"{way}{value}", f"{way}{number}")

    def empty(rows):
        rows = rows.filter(**{value: None})
        if mark is not None and mark[0] is None:
            rows = rows.filter(**{f"{number}__{beyond}": mark[1]})
        return rows.order_by(f"{way}{number}")

    in_gap = mark is not None and mark[0] is None
    if not order.gaps:
        return [valued]
    if turned:
        return [empty, valued] if mark is None or in_gap else [valued]
    return [empty] if in_gap else [valued, empty]


def some(rows, order, turned, mark, size) -> list:
    """Return the next so many rows behind a mark."""
    found: list = []
    for part in parts(order, turned, mark):
        if len(found) < size:
            found += part(rows)[: size - len(found)]
    return found


def through(rows, order, turned, size=BATCH):
    """Yield all rows in order, so many at a time: none is read before it is wanted."""
    mark = None
    while found := some(rows, order, turned, mark, size):
        yield found
        mark = value_of(order, found[-1]), number_of(order, found[-1])


def read_mark(order, text):
    """Return the value and the number that a mark holds; nothing for the first page. Raises ValueError for no mark."""
    if not text:
        return None
    value, _, number = text[:300].rpartition("~")
    pk = whole_number(number)
    if pk is None or "\0" in value or (not value and not order.gaps):
        raise ValueError
    return (order.read(value) if value else None), pk


def written_mark(order, row) -> str:
    """Return the mark of a row: where the next page begins."""
    value = value_of(order, row)
    text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    return f"{text}~{number_of(order, row)}"


def value_of(order, row):
    value = row
    for name in order.column.split("__"):
        value = getattr(value, name)
    return value


def number_of(order, row):
    return row.pk if order.number == "pk" else getattr(row, order.number)


# -- By what a list can be sorted. -------------------------------------------------------------------------------------

# Lists of the house: there are so few rows that no index is needed.
FEW = {
    *("opportunities.source", "opportunities.messagetemplate", "opportunities.sequence", "opportunities.campaign"),
    *("opportunities.quietdate", "opportunities.checkpoint", "opportunities.questionnaire", "opportunities.shelflife"),
    *("opportunities.user", "opportunities.team", "proposals.service", "proposals.block", "proposals.offertemplate"),
    *("proposals.glossaryterm", "proposals.delegation", "handoff.provider"),
}
READ = (
    (models.DateTimeField, read_time, BY_TIME),
    (models.DateField, read_day, BY_TIME),
    (MoneyField, read_amount, BY_WORTH),
    (models.DecimalField, read_amount, BY_NUMBER),
    (models.IntegerField, int, BY_NUMBER),
    (models.CharField, str, BY_LETTER),
)


def sorts_of(model, label_of) -> dict[str, Sort]:
    """Return by which columns a kind of record can be sorted: those that an index stands behind."""
    found = {}
    for field in model._meta.concrete_fields:
        read, ways = next(((read, ways) for kind, read, ways in READ if isinstance(field, kind)), (None, BY_TIME))
        if read and field.name != "stage" and not field.primary_key and (is_first(field) or few(model)):
            label = label_of(field.name)
            found[field.name] = Sort(label, field.name, read, gaps=field.null, ways=ways)
    return found


def choices(sorts, now) -> list[tuple]:
    """Return each order that a list can have, both ways: what an address says, its words, and whether it is so now."""
    found = [
        (f"-{name}" if turned else name, sort.way(turned)) for name, sort in sorts.items() for turned in (False, True)
    ]
    return [(said, words, said == now) for said, words in found]


def few(model) -> bool:
    return model._meta.label_lower in FEW


def is_first(field) -> bool:
    """Whether an index of the whole table goes by this field and then by the number."""
    return any(index.fields == [field.name, "id"] and not index.condition for index in field.model._meta.indexes)
