"""All rows of a list as a file: those that its filters let through, with the columns that are shown."""

import csv
from datetime import date, datetime
from itertools import chain
from tempfile import TemporaryFile

from django.contrib import messages
from django.http import FileResponse, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from ..records import tell
from ..spreadsheets import Echo, safe
from . import columns, order

KINDS = {"csv": "CSV", "excel": "Excel"}
# A sheet could hold ten times as many, and nobody would wait for it in a browser.
MOST_EXCEL = 100_000
TOO_MANY = f"Excel takes at most {MOST_EXCEL:,} rows from here. Take the CSV, or narrow the list."
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = ((datetime, "yyyy-mm-dd hh:mm"), (date, "yyyy-mm-dd"))


def file_of(asked, kind: str) -> StreamingHttpResponse | FileResponse:
    """Return the list as a file, and write down who took it."""
    page = asked.page
    title = str(page.opts.verbose_name_plural)
    sheet = Sheet(page, asked.names, asked.rows, asked.sort, asked.turned)
    keep(asked.user, title, kind, asked.query, sheet.heads)
    return sheet.answer(kind, title)


def why_none(request, left_out: list, rows=None) -> list[str]:
    """Return why no file is made: what of the address made no sense, its kind, or that it is too long for Excel.

    `rows`: those that are counted before Excel takes them.
    """
    kind = request.GET.get("as", "")
    if kind not in KINDS:
        return [*left_out, "Choose CSV or Excel."]
    if kind == "excel" and rows is not None and is_too_long(rows):
        return [*left_out, TOO_MANY]
    return left_out


def no_file(request, words: list, back) -> HttpResponseRedirect:
    """Say why there is no file, and lead to the page as it is without what made no sense.

    A file of more than somebody asked for would be taken for what they asked for.
    """
    for each in words:
        messages.warning(request, each)
    messages.warning(request, "No file was made. Take it away from here instead.")
    return HttpResponseRedirect(back)


def is_too_long(rows) -> bool:
    """Whether there are more rows than Excel gets, without counting them all."""
    return rows.order_by().values("pk")[MOST_EXCEL : MOST_EXCEL + 1].exists()


def keep(user, what, kind, query, heads):
    """Write in the diary of whoever takes a file what they took."""
    facts = {"list": what, "as": KINDS[kind], "filters": query, "columns": heads}
    tell(user, "export", f"took {what} away as {KINDS[kind]}:"[:80], by=user, facts=facts)


class File:
    """A file with a head and lines. They are read while they are written, so many at a time."""

    heads: list[str]

    def __init__(self, batches):
        self.batches = batches
        # The file is written when the page's own time zone is put aside again.
        self.zone = timezone.get_current_timezone()

    def lines(self):
        for batch in self.batches:
            with timezone.override(self.zone):
                found = [self.cells(row) for row in batch]
            yield from found

    def cells(self, row) -> list:
        raise NotImplementedError

    def answer(self, kind, title):
        name = f"{title.replace(' ', '-').lower()}-{timezone.localdate():%Y-%m-%d}"
        if kind == "excel":
            answer: StreamingHttpResponse = FileResponse(
                self.as_excel(title), as_attachment=True, filename=f"{name}.xlsx", content_type=EXCEL
            )
        else:
            answer = StreamingHttpResponse(self.as_csv(), content_type="text/csv; charset=utf-8")
            answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        answer["Cache-Control"] = "private, no-store"
        return answer

    def as_csv(self):
        """Yield the lines of a CSV that spreadsheets open as what it is: UTF-8 with its mark."""
        writer = csv.writer(Echo())
        yield "\ufeff" + writer.writerow([safe(head) for head in self.heads])
        for cells in self.lines():
            yield writer.writerow([in_csv(cell) for cell in cells])

    def as_excel(self, title):
        """Return a file with one sheet, written row by row beside the memory: a table head that stays, and its rows."""
        book = Workbook(write_only=True)
        sheet = book.create_sheet(safe(title)[:31])
        sheet.freeze_panes = "A2"
        heads = []
        for head in self.heads:
            cell = in_excel(sheet, head)
            cell.font = Font(bold=True)
            heads.append(cell)
        for cells in chain([heads], ([in_excel(sheet, cell) for cell in line] for line in self.lines())):
            sheet.append(cells)
        file = TemporaryFile()  # noqa: SIM115 the answer closes it
        book.save(file)
        file.seek(0)
        return file


class Sheet(File):
    """The rows of a list as a file has them."""

    def __init__(self, page, names, rows, sort=order.NEWEST, turned=False):
        super().__init__(order.through(rows, sort, turned))
        self.page, self.names = page, names
        self.heads = columns.heads(page, names, self.zone)

    def cells(self, row) -> list:
        return columns.values(self.page, self.names, row, self.zone)


class Told(File):
    """The rows of a page that is no list of records: each column by its words, with what it says of a row.

    A column of times says in which zone they are.
    """

    def __init__(self, said, batches, times=()):
        super().__init__(batches)
        self.said = said
        self.heads = [f"{words} ({self.zone.key})" if words in times else words for words in said]

    def cells(self, row) -> list:
        return [columns.plain(tell_of(row), self.zone) for tell_of in self.said.values()]


def in_csv(value) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else safe(value) if isinstance(value, str) else str(value)


def in_excel(sheet, value):
    """Return a value as its cell: words as words, whatever they begin with; a number, a day or a time as that."""
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet)
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)[:32_767] or None
        # As words it never calculates, so it needs no mark that is seen: a phone number stays as it is. The style's own
        # mark keeps what looks like a formula as words when somebody edits the cell.
        if cell.value:
            cell.data_type, cell.quotePrefix = "s", safe(value) != value
        return cell
    looks = next((looks for kind, looks in FORMATS if isinstance(value, kind)), "")
    if not looks:
        return value
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = looks
    return cell
