"""A file with its companions as one table: each row followed by what the companions know of it."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from . import storage
from .amounts import Amounts
from .columns import Dates
from .files import BadFile, Sheet, clean, open_sheet

SAMPLES = 4
MOST_COMPANION_ROWS = 200_000


@dataclass
class Companion:
    """A file that rows point into: by which column of the rows, and what it says of each."""

    name: str
    header: list[str]
    key: int
    rows: dict = field(default_factory=dict)
    # The place, among all columns, of the one that points here, and of the first that comes from here.
    via: int = 0
    start: int = 0

    @property
    def title(self) -> str:
        """Return its name as a person says it: Contacts.csv, Contacts."""
        return self.name.rpartition(".")[0] or self.name


@dataclass
class Table:
    """All columns, its own and its companions', and its rows one after the other."""

    sheet: Sheet
    companions: list[Companion]
    columns: list[str]

    @classmethod
    def of(cls, stack: ExitStack, record) -> "Table":
        """Open the table of an import. Raises BadFile."""
        main = open_sheet(stack.enter_context(storage.opened(record)), "The file", record.sheet)
        others = []
        for number, name in storage.names_of(record)[1:]:
            with storage.opened(record, number) as file:
                others.append((name, *whole(file, name)))
        return cls(main, *joined(main.header, others))

    def rows(self, skip=0):
        """Yield (line, own values, all values, what is wrong)."""
        width = len(self.columns)
        for line, values, wrong in self.sheet.rows:
            if skip:
                skip -= 1
                continue
            whole = values
            if self.companions and not wrong:
                whole = list(values)
                for companion in self.companions:
                    found = companion.rows.get(whole[companion.via].strip())
                    whole += found or [""] * len(companion.header)
            yield line, values, whole if len(whole) == width else whole[:width], wrong

    def absent(self, place: int, values) -> str:
        """Say in which companion a row's key was not found, if that is why a value from there is empty."""
        for companion in self.companions:
            if companion.start <= place < companion.start + len(companion.header):
                key = values[companion.via].strip()
                if key and key not in companion.rows:
                    return f"“{clean(key)[:60]}” is not in the file of {companion.title.lower()}"
                return self.absent(companion.via, values) if not key else ""
        return ""

    def pointer(self, place: int, values) -> int:
        """Return the column that is to blame for an empty value: the one that points to nothing, or the value's own."""
        for companion in self.companions:
            if companion.start <= place < companion.start + len(companion.header):
                return companion.via if values[companion.via].strip() else self.pointer(companion.via, values)
        return place


def whole(file, name):
    sheet = open_sheet(file, name)
    rows = []
    for _, values, wrong in sheet.rows:
        if not wrong:
            rows.append(values)
        if len(rows) > MOST_COMPANION_ROWS:
            raise BadFile(f"{name} has more than {MOST_COMPANION_ROWS:,} rows. Put what it says into the file itself.")
    return sheet.header, rows


def joined(header: list[str], others) -> tuple[list[Companion], list[str]]:
    """Join each companion by the column that it shares with what is there already, and that is its own key."""
    columns = list(header)
    bare: list[str | None] = [*header]
    companions, waiting = [], list(others)
    progress = True
    while waiting and progress:
        progress = False
        for other in list(waiting):
            name, names, rows = other
            shared = [one for one in names if one in bare and is_key(rows, names.index(one))]
            if shared:
                key = names.index(shared[0])
                companion = Companion(name, names, key, via=bare.index(shared[0]), start=len(columns))
                companion.rows = {values[key].strip(): values for values in rows}
                companions.append(companion)
                columns += [f"{companion.title}: {one}" for one in names]
                bare += [None if one in bare else one for one in names]
                waiting.remove(other)
                progress = True
    if waiting:
        name = waiting[0][0]
        raise BadFile(
            f"{name} shares no column with the file in which each value stands once: nothing tells which of its rows "
            "belongs to which. Give both a column of the same name, such as ContactID, or leave this file out."
        )
    return companions, columns


def is_key(rows, place: int) -> bool:
    """Whether each row has a value of its own there."""
    values = [row[place].strip() for row in rows]
    return len(set(values)) == len(values) and all(values)


def look_at(record) -> dict:
    """Return what the mapping page shows of a file: its columns with samples and dates, its rows, how it was read."""
    with ExitStack() as stack:
        table = Table.of(stack, record)
        samples: list[list[str]] = [[] for _ in table.columns]
        dates = {place: Dates() for place in range(len(table.columns))}
        # Only deals have amounts.
        amounts = {place: Amounts() for place in range(len(table.columns) if record.kind == "opportunities" else 0)}
        wanting = set(range(len(table.columns)))
        count = 0
        for _, _, values, wrong in table.rows():
            count += 1
            if wrong:
                continue
            for place in tuple(wanting):
                value = clean(values[place])[:60]
                if value and value not in samples[place]:
                    samples[place].append(value)
                    if len(samples[place]) == SAMPLES:
                        wanting.discard(place)
            for place, found in tuple(dates.items()):
                if value := values[place].strip():
                    found.meet(value[:40])
                    if found.odd > 20 and not found.is_date:
                        del dates[place]
            for place, amount in amounts.items():
                amount.meet(clean(values[place])[:61])
        own = len(table.sheet.header)
        columns = [
            {
                "name": name,
                "samples": samples[place],
                "dates": dates[place].order if place in dates else "",
                "numbers": amounts[place].sign if place in amounts else "",
            }
            | ({} if place < own else {"of": companion_of(table, place)})
            for place, name in enumerate(table.columns)
        ]
        return {
            "header": columns,
            "row_count": count,
            "read_as": table.sheet.read_as,
            "sheets": list(table.sheet.sheets),
        }


def companion_of(table: Table, place: int) -> str:
    return next(one.name for one in table.companions if one.start <= place < one.start + len(one.header))
