"""The pipeline as a table: one page of deals in the order that was asked for. A deep page costs what the first does."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db.models import Q

from opportunities.admin.base import whole_number
from opportunities.models import Opportunity

from .board import marked
from .filters import Filters

PAGE = 50


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


def read_place(text):
    return range(len(Opportunity.PLACES))[int(text)]


@dataclass(frozen=True)
class Sort:
    """One order of the table. Rows of equal value follow by their number; each order has its index."""

    label: str
    column: str
    read: object
    number: str = "pk"
    # Which way it goes when a person first asks for it.
    down: bool = False
    # Whether some rows have no value. They come last when it first goes, and first when it is turned round.
    gaps: bool = False


SORTS = {
    "client": Sort("Client", "client__name", str),
    "stage": Sort("Stage", "place", read_place),
    "value": Sort("Value", "value", read_amount, down=True, gaps=True),
    "due": Sort("Due", "due_on", read_day, gaps=True),
    "quiet": Sort("Last event", "diary__last_at", read_time, number="diary_id"),
}
USUAL = "due"
ORDERS = [*SORTS, *(f"-{name}" for name in SORTS)]


@dataclass
class Table:
    """A page of deals, how it is sorted, and the mark of the next one."""

    rows: list
    sort: str
    turned: bool
    next: str
    is_first: bool
    # Said when the address named a page or an order that is not there.
    left_out: list

    @property
    def heads(self) -> dict:
        """Return for each column that can be sorted by: its words, what `aria-sort` says, and the order it leads to."""
        heads = {}
        for name, sort in SORTS.items():
            now = name == self.sort
            ways = {True: "descending", False: "ascending"}
            leads = f"-{name}" if now and not self.turned else name
            heads[name] = {"label": sort.label, "aria": ways[sort.down != self.turned] if now else "", "leads": leads}
        return heads


def page(filters: Filters, sort: str, after: str) -> Table:
    """Return the page that an address names: its order, and the mark of the row that it begins behind."""
    left_out = []
    turned, name = sort.startswith("-"), sort.removeprefix("-")
    if name not in SORTS:
        if name:
            left_out.append("Sort: there is no such order here. This one is by what is due.")
        turned, name = False, USUAL
    order = SORTS[name]
    try:
        mark = read_mark(order, after)
    except (ValueError, ArithmeticError, InvalidOperation, IndexError):
        left_out.append("That page is not there. This is the first.")
        mark = None
    rows: list = []
    for part in parts(order, turned, mark):
        if len(rows) <= PAGE:
            rows += part(marked(filters.rows()))[: PAGE + 1 - len(rows)]
    shown = rows[:PAGE]
    more = written_mark(order, shown[-1]) if len(rows) > PAGE else ""
    return Table(shown, name, turned, more, mark is None, left_out)


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
    value = row
    for name in order.column.split("__"):
        value = getattr(value, name)
    number = row.pk if order.number == "pk" else getattr(row, order.number)
    text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    return f"{text}~{number}"
