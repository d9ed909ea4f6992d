"""What an address asks of a list, read and put into rows. What makes no sense is left out, with a sentence."""

from dataclasses import dataclass, field
from functools import cached_property

from django.utils.http import urlencode

from .. import reads
from . import columns, order

# What an address says beside the filters.
LOOKS = ("sort", "columns")
PLACES = ("before", "after", "view", "as")
# An arrow beside a column was pressed: its name, and how far it goes. What was ticked meanwhile comes along.
ARROWS = {"earlier": -1, "later": 1}
NO_PAGE = "That page is not there. This is the first."


@dataclass
class Head:
    """The head of a column: its words, and the order that it leads to."""

    name: str
    label: str
    aria: str = ""
    leads: str = ""
    leads_to: str = ""


@dataclass
class Page:
    """One page of a list, and the addresses of its neighbours."""

    rows: list
    newer: bool
    # What the address of the next page says beside the rest; nothing on the last.
    further: dict = field(default_factory=dict)


class Asked:
    """One list as one person asks for it: its filters, its rows, its columns and its order."""

    def __init__(self, page, request):
        self.page, self.user, self.said = page, request.user, request.GET
        self.path = request.path
        self.left_out: list[str] = []
        self.words = self.said.get("q", "").replace("\0", "").strip()
        rows, _ = page.get_search_results(request, page.get_queryset(request), self.words)
        self.filters, self.found = page.filter_rows(request, rows)
        self.chosen = self.read_filters()
        self.names = self.read_columns()
        self.sort, self.turned = self.read_sort()

    # -- What it says. -------------------------------------------------------------------------------------------------

    def read_filters(self) -> dict[str, str]:
        """Return the filters that hold. Of the others, and of what is no filter, it is said that they are left out."""
        chosen = {"q": self.words[:200]} if self.words else {}
        known = {"q", *LOOKS, *PLACES, *ARROWS}
        for one in self.filters:
            known.add(one["name"])
            asked = self.said.get(one["name"], "")
            if asked and asked in dict(one["choices"]):
                chosen[one["name"]] = asked
            elif asked:
                self.leave_out(f"{one['label']}: there is no “{shown(asked)}” here. This filter is left out.")
        for name in self.said:
            if name not in known and self.said[name]:
                self.leave_out(f"This list has no filter “{shown(name)}”. It is left out.")
        return chosen

    def leave_out(self, words):
        if len(self.left_out) < 5:
            self.left_out.append(words)

    @cached_property
    def offered(self) -> dict[str, str]:
        return columns.offered(self.page, self.user)

    def read_columns(self) -> list[str]:
        """Return the columns that are shown, in the order of the address; the usual ones when it names none."""
        asked = [name for part in self.said.getlist("columns") for name in part[:1000].split(",") if name]
        names = [name for name in dict.fromkeys(asked) if name in self.offered]
        for name in dict.fromkeys(asked):
            if name not in self.offered:
                self.leave_out(f"There is no column “{shown(name)}” on this list. The others are shown.")
        return moved(names, self.said) if names else self.usual

    @property
    def usual(self) -> list[str]:
        return [name for name in self.page.list_display if name in self.offered]

    @cached_property
    def sorts(self) -> dict[str, order.Sort]:
        sorts = order.sorts_of(self.page.model, lambda name: columns.label_of(self.page, name))
        return {name: sort for name, sort in sorts.items() if name in self.offered}

    def read_sort(self):
        """Return the order and whether it is turned round. Without one the newest stand first."""
        asked = self.said.get("sort", "")
        name = asked.removeprefix("-")
        if name == "id":
            return order.NEWEST, not asked.startswith("-")
        if name in self.sorts:
            return self.sorts[name], asked.startswith("-")
        if asked:
            self.leave_out(f"This list is not sorted by “{shown(asked)}”. The newest stand first.")
        return order.NEWEST, False

    @property
    def is_newest(self) -> bool:
        return self.sort is order.NEWEST and not self.turned

    @property
    def looks(self) -> dict[str, str]:
        """Return what the address says beside the filters, where that is not the usual."""
        looks = {}
        if self.sort is order.NEWEST:
            looks |= {"sort": "id"} if self.turned else {}
        else:
            looks["sort"] = f"-{self.sort.column}" if self.turned else self.sort.column
        if self.names != self.usual:
            looks["columns"] = ",".join(self.names)
        return looks

    @property
    def query(self) -> dict[str, str]:
        """Return all that holds of the address, but the page: what a view of it keeps."""
        return {**self.chosen, **self.looks}

    def address(self, **changes) -> str:
        """Return the address of this list with some of it changed. It always says something."""
        return address_of(self.path, {**self.query, **changes})

    # -- What it finds. ------------------------------------------------------------------------------------------------

    @property
    def rows(self):
        return columns.with_names(self.page, self.found, self.names)

    def page_of(self) -> Page:
        """Return the page that the address names. A mark of another list, or of another order, names none."""
        before, after = self.said.get("before", ""), self.said.get("after", "")
        if self.is_newest:
            mark = order.whole_number(before)
            if after or (before and mark is None):
                self.leave_out(NO_PAGE)
            found = reads.page_of(self.rows, mark)
            return Page(found.rows, found.newer, {"before": found.older} if found.older else {})
        key = self.looks["sort"]
        try:
            if before or (after and not after.startswith(f"{key}~")):
                raise ValueError
            mark = order.read_mark(self.sort, after.removeprefix(f"{key}~"))
        except (ValueError, ArithmeticError):
            self.leave_out(NO_PAGE)
            mark = None
        size = reads.PAGE
        rows = order.some(self.rows, self.sort, self.turned, mark, size + 1)
        more = {"after": f"{key}~{order.written_mark(self.sort, rows[size - 1])}"} if len(rows) > size else {}
        return Page(rows[:size], mark is not None, more)

    @property
    def heads(self) -> list[Head]:
        """Return the heads of the columns: those that can be sorted by lead to that order."""
        heads = []
        for name in self.names:
            head = Head(name, self.offered[name])
            if name in self.sorts:
                now = self.sort is self.sorts[name]
                head.aria = ("descending" if self.turned else "ascending") if now else ""
                turns = now and not self.turned
                head.leads = self.address(sort=f"-{name}" if turns else name)
                head.leads_to = self.sorts[name].way(turns)
            heads.append(head)
        return heads

    @property
    def orders(self) -> list[tuple]:
        """Return the orders to choose from, those by number first."""
        now = self.looks.get("sort", "-id")
        by_number = [("-id", "Newest first", now == "-id"), ("id", "Oldest first", now == "id")]
        return [*by_number, *order.choices(self.sorts, now)]

    def places(self) -> list[tuple]:
        return places(self.offered, self.names)


def places(offered, names) -> list[tuple]:
    """Return each column that can be had: name, words, whether it is shown, whether it goes forward, and back."""
    found = []
    for name in [*names, *(name for name in offered if name not in names)]:
        here = names.index(name) if name in names else None
        found.append((name, offered[name], here is not None, bool(here), here is not None and here + 1 < len(names)))
    return found


def is_moved(said) -> bool:
    """Whether an address says that an arrow was pressed: where it leads, the arrow is not pressed again."""
    return any(way in said for way in ARROWS)


def moved(names, said) -> list[str]:
    """Return columns in their order after an arrow beside one of them was pressed."""
    names = list(names)
    for way, step in ARROWS.items():
        here = names.index(said[way]) if said.get(way) in names else None
        if here is not None and 0 <= here + step < len(names):
            names[here], names[here + step] = names[here + step], names[here]
    return names


def address_of(path, query: dict) -> str:
    said = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(said or {'view': 'all'})}"


def shown(text: str) -> str:
    """Return what somebody asked for as a sentence can name it."""
    return "".join(letter for letter in text[:40] if letter.isprintable())
