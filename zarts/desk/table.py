"""The pipeline as a table: one page of deals in the order that was asked for. A deep page costs what the first does."""

from dataclasses import dataclass
from decimal import InvalidOperation

from opportunities.lists.asked import shown as said
from opportunities.lists.order import (
    BY_LETTER,
    BY_TIME,
    BY_WORTH,
    Sort,
    read_amount,
    read_day,
    read_mark,
    read_time,
    some,
    written_mark,
)
from opportunities.models import Opportunity

from .board import marked
from .filters import Filters

PAGE = 50


def read_place(text):
    return range(len(Opportunity.PLACES))[int(text)]


SORTS = {
    "client": Sort("Client", "client__name", str, ways=BY_LETTER),
    "stage": Sort("Stage", "place", read_place, ways=BY_TIME),
    "value": Sort("Value", "value", read_amount, down=True, gaps=True, ways=BY_WORTH[::-1]),
    "due": Sort("Due", "due_on", read_day, gaps=True),
    "quiet": Sort("Last event", "diary__last_at", read_time, number="diary_id"),
}
USUAL = "due"
# What stands beside a deal's name, in the usual order.
COLUMNS = {
    "stage": "Stage",
    "value": "Value",
    "owner": "Owner",
    "next_action": "Next action",
    "due": "Due",
    "quiet": "Last event",
}
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


def read_sort(sort: str) -> tuple[str, bool, list]:
    """Return the order that an address names, whether it is turned round, and what is said when there is none."""
    turned, name = sort.startswith("-"), sort.removeprefix("-")
    if name in SORTS:
        return name, turned, []
    return USUAL, False, ["Sort: there is no such order here. This one is by what is due."] if name else []


def read_columns(asked: list) -> tuple[list, list]:
    """Return the columns that an address names, in its order, and what is said of those that are not there."""
    names = list(dict.fromkeys(name for part in asked for name in part[:1000].split(",") if name))
    left_out = [f"There is no column “{said(name)}” on this list." for name in names if name not in COLUMNS]
    return [name for name in names if name in COLUMNS] or list(COLUMNS), left_out[:3]


def page(filters: Filters, sort: str, after: str) -> Table:
    """Return the page that an address names: its order, and the mark of the row that it begins behind."""
    name, turned, left_out = read_sort(sort)
    order = SORTS[name]
    try:
        mark = read_mark(order, after)
    except (ValueError, ArithmeticError, InvalidOperation, IndexError):
        left_out.append("That page is not there. This is the first.")
        mark = None
    rows = some(marked(filters.rows(all_of_them=False)), order, turned, mark, PAGE + 1)
    shown = rows[:PAGE]
    more = written_mark(order, shown[-1]) if len(rows) > PAGE else ""
    return Table(shown, name, turned, more, mark is None, left_out)
