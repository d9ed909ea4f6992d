"""The rows that were refused, as a file: the same columns and why, to be mended and brought in again."""

import csv

from ..models import ImportRow
from ..spreadsheets import Echo, safe
from .rows import WHY

REFUSED = " refused"


def lines(record):
    """Yield the lines of the file. It opens in Excel with its letters right, and nothing in it calculates."""
    width = sum(1 for column in record.header if "of" not in column)
    names = [column["name"] for column in record.header[:width]]
    own = [place for place, name in enumerate(names) if name != WHY]
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow([safe(names[place]) for place in own] + [WHY])
    rows = record.lines_of_file.filter(verdict=ImportRow.Verdict.REFUSED).order_by("id")
    for raw, line, column, reason in rows.values_list("raw", "line", "column", "reason").iterator(chunk_size=1000):
        values = [safe(raw[place]) if place < len(raw) else "" for place in own]
        yield writer.writerow([*values, safe(f"line {line}, {column}: {reason}")])


def name_of(record) -> str:
    stem = record.file_name.rpartition(".")[0] or record.file_name
    return f"{stem.removesuffix(REFUSED)}{REFUSED}.csv"
