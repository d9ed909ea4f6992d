"""Rows that come in one by one, each by the way on which a person would write it: `begin`, and the moves that follow.

Of such rows a file has some thousands. What is here already is looked up for many of them at once all the same.
"""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from ..models import ImportRow
from ..records import Refused
from .home import house
from .values import Bad

Verdict = ImportRow.Verdict
# So many rows are looked up at once.
CHUNK = 500
SETTLED = ["verdict", "column", "reason", "record_id"]


class Singly:
    """How the rows of one kind come in: read, looked up, made. One import is worked on by one of these."""

    # The right without which nobody brings such rows in.
    right = ""

    def __init__(self, record):
        self.record, self.by, self.home = record, record.runner, house()
        # What is here already, and what stands in the file already, by what tells one from another.
        self.here: dict = {}
        self.lines: dict = {}

    # -- What each kind says of itself. --------------------------------------------------------------------------------

    @classmethod
    def said(cls, rows, texts) -> dict:
        """Return what a row says. What is wrong with it is added to the faults of `rows`."""
        raise NotImplementedError

    def know(self, chunk: list):
        """Read along what these rows may belong to, and what is here already."""
        raise NotImplementedError

    def key(self, row) -> tuple:
        """Return by what a row is told from any other. Raises Bad when it belongs to nothing."""
        raise NotImplementedError

    def make(self, row) -> int:
        """Make the record of a row, and return its number."""
        raise NotImplementedError

    # -- What they have in common. -------------------------------------------------------------------------------------

    def settle(self):
        """Say of every staged row what becomes of it."""
        staged = ImportRow.objects.filter(of=self.record, id__gt=self.record.last_row, verdict=Verdict.NEW)
        last = 0
        while chunk := list(staged.filter(id__gt=last).defer("raw").order_by("id")[:CHUNK]):
            self.know(chunk)
            for row in chunk:
                self.look(row)
            ImportRow.objects.bulk_update(chunk, SETTLED)
            last = chunk[-1].pk

    def bring(self, above: int, upto: int):
        """Bring in the rows whose numbers lie above the one and up to the other."""
        rows = ImportRow.objects.filter(of=self.record, id__gt=above, id__lte=upto, verdict=Verdict.NEW)
        chunk = list(rows.defer("raw").order_by("id"))
        self.know(chunk)
        for row in chunk:
            if key := self.look(row):
                self.bring_one(row, key)
        ImportRow.objects.bulk_update(chunk, SETTLED)

    def look(self, row):
        """Say what becomes of a row as things are now. Return its key when it comes in."""
        try:
            key = self.key(row)
        except Bad as trouble:
            return self.refuse(row, trouble.name, trouble.reason)
        if key in self.here:
            row.record_id, row.reason = self.here[key]
            row.verdict = Verdict.KNOWN
        elif self.lines.setdefault(hash(key), row.line) != row.line:
            first = self.lines[hash(key)]
            return self.refuse(row, "row", f"stands in line {first} already; remove one of the two")
        else:
            return key

    def bring_one(self, row, key):
        try:
            with transaction.atomic():
                row.record_id = self.make(row)
        except Bad as trouble:
            self.refuse(row, trouble.name, trouble.reason)
        except Refused as trouble:
            self.refuse(row, "row", str(trouble))
        except ValidationError as trouble:
            self.refuse(row, "row", " ".join(trouble.messages))
        except PermissionDenied as trouble:
            self.refuse(row, "row", str(trouble) or "you may not write it")
        except IntegrityError:
            self.refuse(row, "row", "somebody else wrote the same at this moment; bring this row in again")
        else:
            self.here[key] = row.record_id, "Came in before"

    def refuse(self, row, name: str, reason: str):
        column = self.record.columns.get(name) or ("row" if name == "row" else name.capitalize())
        row.verdict, row.column, row.reason = Verdict.REFUSED, column[:100], reason[:400]

    def whence(self, row) -> str:
        """Return where a row came from, as its diary says it."""
        return f"From “{self.record.file_name}”, line {row.line}."[:400]


def fields_of(rows, record, names: dict):
    """Return the fields of an unsaved record as they are kept. What does not fit is a fault of its column.

    `names` says of a field by which name of ours its column goes, where that is another.
    """
    given = {name: value for name, value in record.items() if name != "of"}
    try:
        typed(record["of"](**given), given)
    except ValidationError as trouble:
        wrong = {fault.name for fault in rows.faults}
        for name, errors in trouble.error_dict.items():
            if names.get(name, name) in wrong:
                continue  # that was said already
            words = ("is empty" if each.code in ("blank", "null") else " ".join(each.messages) for each in errors)
            rows.faults.append(Bad(names.get(name, name), " ".join(words)))
    return given


def typed(record, fields):
    """Give an unsaved record these fields in their own types, not as words. Return it; raises ValidationError."""
    record.clean_fields(exclude={each.name for each in record._meta.fields} - fields.keys())
    return record


def choice(name: str, text: str, choices, empty=""):
    """Return the value that a word means, by its label or as it is kept."""
    if not text:
        return empty
    for value, label in choices:
        if text.casefold() in (str(value).casefold(), str(label).casefold()):
            return value
    known = ", ".join(str(label) for value, label in choices if value)
    raise Bad(name, f"“{text[:40]}” is none of: {known}")


def lowered(chunk, *names) -> set[str]:
    """Return what these rows say under these names, without case."""
    return {row.said[name].lower() for row in chunk for name in names if row.said.get(name)}
