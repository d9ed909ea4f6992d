"""How a file is read: CSV in whatever letters and marks it comes in, or a sheet of a workbook. Row by row."""

import codecs
import csv
import io
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ..spreadsheets import unmarked

# What is longer is one row's trouble: maybe a quote that never closes. No longer line is held in memory.
csv.field_size_limit(131_072)
MOST_OF_A_LINE = 8_000_000
MOST_COLUMNS = 200
MOST_BYTES = 100 * 1024 * 1024
# What a workbook may unpack to: its sheets are read as they come, its words are held in memory.
MOST_UNPACKED, MOST_WORDS = 1024**3, 48 * 1024 * 1024
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
NOT_OURS = {b"\xd0\xcf\x11\xe0": "an old Excel file", b"%PDF": "a PDF", b"\x1f\x8b": "a packed file"}


class BadFile(Exception):
    """The file as a whole cannot be read; says what to do, in one sentence."""


@dataclass
class Sheet:
    """A file as rows: the line that each began on, its values, or what is wrong with it."""

    header: list[str]
    rows: Iterator[tuple[int, list[str], str]]
    read_as: str
    sheets: tuple[str, ...] = ()


def open_sheet(file: Any, what: str = "The file", sheet: str = "") -> Sheet:
    """Return the header and the rows of an open binary file. Raises BadFile when it makes no sense as a whole."""
    head = file.read(4096)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return workbook(file, what, sheet)
    for mark, kind in NOT_OURS.items():
        if head.startswith(mark):
            raise BadFile(f"{what} is {kind}. Save it as CSV or as an Excel workbook (.xlsx), and upload that.")
    return text(file, what, letters_of(file, head, what))


# -- CSV. --------------------------------------------------------------------------------------------------------------


def letters_of(file, head: bytes, what: str) -> str:
    """Return the encoding of a text file. UTF-8 with broken bytes stays UTF-8: its bad rows are told one by one."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head[:200].count(0) * 4 > len(head[:200]):
        return "utf-16-le" if head[1:200:2].count(0) >= head[:200:2].count(0) else "utf-16-be"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for piece in iter(lambda: file.read(1 << 20), b""):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
        return "utf-8"
    except UnicodeDecodeError:
        return "cp1252" if is_western(file) else "utf-8"
    finally:
        file.seek(0)


def is_western(file) -> bool:
    """Whether a text that is no UTF-8 is in Windows' western letters: no byte is unknown there, none is UTF-8."""
    file.seek(0)
    ours = 0
    for piece in iter(lambda: file.read(1 << 20), b""):
        if any(byte in piece for byte in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d", b"\x00")):
            return False
        ours += sum(1 for letter in piece.decode("utf-8", "ignore") if letter > "\x7f")
    return ours == 0


def text(file, what: str, encoding: str) -> Sheet:
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    lines = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    first = lines.readline(MOST_OF_A_LINE)
    while first and not first.strip("\ufeff\x00 \t\r\n"):
        first = lines.readline(MOST_OF_A_LINE)
    if not first:
        raise BadFile(f"{what} is empty. Export it again, with its header line.")
    if is_no_text(first):
        raise BadFile(f"{what} is no text and no workbook. Save it as CSV or .xlsx, and upload that.")
    delimiter = max(DELIMITERS, key=outside_quotes(first).count)
    split = Splitter(first.lstrip("\ufeff"), lines, delimiter)
    try:
        header = named(split.next(), what)
    except csv.Error as trouble:
        raise BadFile(f"{what} begins with a line that cannot be split into column names ({trouble}).") from None
    names = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Western letters (cp1252)"}
    words = f"{names.get(encoding, 'UTF-16')}, split by {DELIMITERS[delimiter]}"
    return Sheet(header, values_of(split, len(header)), words)


def is_no_text(line: str) -> bool:
    """Whether so much of a line is no letter that no program wrote it as one: a picture, an archive, a key."""
    odd = sum("\udc80" <= letter <= "\udcff" or (letter < " " and letter not in "\t\r\n") for letter in line)
    return odd * 10 > len(line)


def outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


class Splitter:
    """The lines of a file as rows of values. One that makes no sense costs its first line only."""

    def __init__(self, first: str, lines, delimiter: str):
        self.waiting, self.lines, self.delimiter = deque([first]), lines, delimiter
        self.taken: list[str] = []
        self.line = 1
        self.start()

    def start(self):
        self.reader = csv.reader(self.feed(), delimiter=self.delimiter, strict=True)

    def feed(self):
        while line := self.waiting.popleft() if self.waiting else self.lines.readline(MOST_OF_A_LINE):
            self.taken.append(line)
            yield line

    def next(self) -> list[str]:
        """Return the next row. Raises csv.Error, and StopIteration at the end."""
        self.line += len(self.taken)
        self.taken.clear()
        return next(self.reader)

    def give_back(self):
        """Take only the first line of the last row as read."""
        self.waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        self.start()


def values_of(split: Splitter, width) -> Iterator[tuple[int, list[str], str]]:
    """Yield each row. One that cannot be split costs itself only, whatever its quotes would swallow."""
    while True:
        try:
            values = split.next()
        except StopIteration:
            return
        except csv.Error as trouble:
            words = f"cannot be split into values ({trouble}); check its quotes"
            yield split.line, [split.taken[0].rstrip("\r\n")] if split.taken else [], words
            split.give_back()
            continue
        if not any(map(str.strip, values)):
            continue
        while len(values) > width and not values[-1].strip():
            values.pop()
        if len(values) == width:
            yield split.line, values, ""
            continue
        words = f"has {len(values)} values where the header names {width}; check its quotes and commas"
        if len(split.taken) > 1:
            values = [split.taken[0].rstrip("\r\n")]
            split.give_back()
        yield split.line, values[:MOST_COLUMNS], words


def named(values, what: str) -> list[str]:
    """Return the names of the columns, each once: a second “Notes” is “Notes 2”, one without a name “Column 4”."""
    while values and not clean(str(values[-1] or "")):
        values = values[:-1]
    if not values:
        raise BadFile(f"{what} is empty. Export it again, with its header line.")
    if len(values) > MOST_COLUMNS:
        raise BadFile(f"{what} has {len(values):,} columns. Keep the {MOST_COLUMNS} or fewer that matter.")
    names: list[str] = []
    for number, value in enumerate(values, 1):
        # Our own list of refused rows marks a name that would calculate, too.
        name = unmarked(clean(str(value or "")))[:80] or f"Column {number}"
        copies = 2
        while name in names:
            name, copies = f"{name.removesuffix(f' {copies - 1}')} {copies}"[:90], copies + 1
        names.append(name)
    return names


HIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, *range(8203, 8208), 65279))
HIDDEN |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def clean(text: str) -> str:
    """Return a text without the letters that hide or turn others, and without what is no letter at all."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    elif text.isprintable():
        return text.strip()
    return text.translate(HIDDEN).strip()


# -- Workbooks. --------------------------------------------------------------------------------------------------------


def workbook(file, what: str, sheet: str) -> Sheet:
    book = opened(file, what)
    names = tuple(page.title for page in book.worksheets)
    if sheet and sheet not in names:
        raise BadFile(f"{what} has no sheet “{sheet[:60]}”. It has: {', '.join(names)[:300]}.")
    page = book[sheet] if sheet else next(iter(book.worksheets), None)
    if page is None:
        raise BadFile(f"{what} has no sheet with rows in it. Save the one that you mean as CSV.")
    rows = filled(page, what)
    try:
        _, first = next(rows)
    except StopIteration:
        raise BadFile(f"{what} is empty. Export it again, with its header line.") from None
    header = named(first, what)
    return Sheet(header, cells_of(rows, len(header)), f"Excel workbook, sheet “{page.title}”", names)


def opened(file, what: str):
    """Open a workbook, unless it would unpack to more than we can hold."""
    import openpyxl

    try:
        with zipfile.ZipFile(file) as packed:
            sizes = {entry.filename: entry.file_size for entry in packed.infolist()}
        if sum(sizes.values()) > MOST_UNPACKED or sizes.get("xl/sharedStrings.xml", 0) > MOST_WORDS:
            raise BadFile(f"{what} unpacks to more than we read at once. Save the sheet as CSV, and upload that.")
        file.seek(0)
        return openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except BadFile:
        raise
    except Exception as trouble:  # whatever a broken archive makes of its reader
        raise BadFile(f"{what} is no Excel workbook that can be read. Save it again as .xlsx, or as CSV.") from trouble


def filled(page, what: str):
    """Yield the rows of a sheet that hold anything, with their numbers."""
    page.reset_dimensions()
    try:
        for number, values in enumerate(page.iter_rows(values_only=True), 1):
            if len(values) > 16_384:
                raise BadFile(f"{what} has a row of {len(values):,} cells. Save the sheet as CSV.")
            if any(value not in (None, "") for value in values):
                yield number, list(values)
    except BadFile:
        raise
    except Exception as trouble:
        raise BadFile(f"{what} breaks off: the sheet cannot be read to its end. Save it again, or as CSV.") from trouble


def cells_of(rows, width) -> Iterator[tuple[int, list[str], str]]:
    for number, values in rows:
        words = [said(value) for value in values]
        while len(words) > width and not words[-1]:
            words.pop()
        if len(words) > width:
            yield number, words[:MOST_COLUMNS], f"has {len(words)} values where the header names {width}"
        else:
            yield number, words + [""] * (width - len(words)), ""


def said(value) -> str:
    """Return what a cell shows, as a CSV would say it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if not (value.hour or value.minute or value.second) else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
