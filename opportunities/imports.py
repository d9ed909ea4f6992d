"""Files that people really have, read into leads.

A file that makes no sense as a whole raises `BadFile` with one sentence, and nothing is written. In a list,
the good rows come in and each bad one is told with its line, its column and what is wrong.
"""

import csv
import hashlib
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from .models import Lead, Source, User
from .records import begin, perform


class BadFile(Exception):
    """The file as a whole cannot be read; says what to do, in one sentence."""


@dataclass(frozen=True)
class BadRow:
    line: int
    column: str
    reason: str

    def __str__(self):
        return f"line {self.line}, {self.column}: {self.reason}"


@dataclass
class Report:
    """What came of an import: how many came in, how many were here already, and each bad row."""

    added: int = 0
    known: int = 0
    bad: list[BadRow] = field(default_factory=list)


# -- Lists. ------------------------------------------------------------------------------------------------------------

# What a column may be called, for each thing that a lead has. Compared without case, spaces and marks.
NAMES = {
    "ref": ["leadid", "id", "reference"],
    "contact_ref": ["contactid"],
    "name": ["fullname", "name", "contactname", "contact"],
    "company": ["company", "companyname", "account", "organisation", "organization"],
    "email": ["email", "emailaddress", "mail", "mailaddress"],
    "phone": ["phone", "phonenumber", "telephone", "mobile"],
    "website": ["website", "url", "domain"],
    "country": ["country"],
    "source": ["leadsource", "source"],
    "status": ["leadstatus", "status", "stage"],
    "created": ["createddate", "created", "createdat", "date"],
    "words": ["notes", "note", "description", "message", "comments"],
}
STATUS = {"new": "", "open": "", "": "", "working": "work", "contacted": "work", "qualified": "work"}
STATUS |= dict.fromkeys(["lost", "unqualified", "disqualified", "closed"], "disqualify")
# Letters that turn or hide text; a name has no use for them.
MARKS = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def plain_name(text):
    return re.sub(r"[^a-z]", "", text.lower())


def decode(raw: bytes) -> str:
    """Return the text of a file. Bytes that are no letters in it come out as lone surrogates, to be told by row."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace").lstrip("\ufeff")
    return raw.decode("utf-8-sig", errors="surrogateescape")


@dataclass
class Table:
    """A CSV file as rows of named values, with the line that each began on."""

    header: list[str]
    rows: list[tuple[int, dict]]
    bad: list[BadRow]


def read_table(raw: bytes, what: str) -> Table:
    """Split a CSV file into rows. Raises BadFile when it is empty or has no header."""
    text = decode(raw)
    head = text.splitlines()[0] if text.strip() else ""
    if not head:
        raise BadFile(f"{what} is empty. Export it again, with its header line.")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, bad = [], []
    try:
        header = [name.strip() for name in next(reader)]
    except csv.Error as trouble:
        raise BadFile(f"{what} begins with a line that cannot be split into column names ({trouble}).") from None
    line = reader.line_num + 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                if len(values) != len(header):
                    reason = (
                        f"has {len(values)} values where the header names {len(header)}; check its quotes and commas"
                    )
                    bad.append(BadRow(line, "row", reason))
                else:
                    rows.append((line, dict(zip(header, values, strict=True))))
            line = reader.line_num + 1
    except csv.Error as trouble:
        # A quote that never closes swallows the rest: what came before it is still good.
        bad.append(BadRow(line, "row", f"cannot be split into values ({trouble}); check its quotes"))
    return Table(header, rows, bad)


def map_columns(header, given: dict) -> dict:
    """Return {ours: column}: what the person said, else the first column with a known name."""
    if wrong := [column for column in given.values() if column not in header]:
        raise BadFile(f"The map names a column that the file does not have: {', '.join(wrong)}.")
    known = {plain_name(column): column for column in reversed(header)}
    guessed = {ours: next((known[name] for name in names if name in known), None) for ours, names in NAMES.items()}
    return {**{ours: column for ours, column in guessed.items() if column}, **given}


def import_leads(
    raw: bytes,
    *,
    contacts: bytes | None = None,
    columns: dict | None = None,
    system: str = "file",
    owner=None,
    dry_run=False,
) -> Report:
    """Bring the leads of a CSV file in, each once, by the same moves that a person would make.

    `contacts` is the file that the leads' contact column points into. `columns` maps our names to the
    file's. A second run of the same file adds nothing: rows are known by `system` and their reference.
    """
    table = read_table(raw, "The file")
    mapped = map_columns(table.header, columns or {})
    people, people_columns = {}, {}
    if "contact_ref" in mapped and contacts is not None:
        companion = read_table(contacts, "The file of contacts")
        people_columns = map_columns(companion.header, {})
        if "contact_ref" not in people_columns:
            raise BadFile("The file of contacts has no column such as ContactID to join on.")
        people = {row[people_columns["contact_ref"]].strip(): row for _, row in companion.rows}
    if "name" not in mapped and "name" not in people_columns and "email" not in mapped:
        have = ", ".join(table.header)
        raise BadFile(f"The file has no column with a name or a mail address (it has: {have}). Name it with --map.")

    report = Report(bad=list(table.bad))
    owners = [owner] if owner else list(User.by_load("Growth ops"))
    if not owners:
        raise BadFile("Nobody has the role Growth ops yet: make a user with it, or name an owner with --owner.")
    seen: dict[str, int] = {}
    for number, (line, row) in enumerate(table.rows):
        try:
            values = lead_values(line, row, mapped, people, people_columns)
            ref = (
                values.pop("ref")
                or "row " + hashlib.sha256(repr(sorted(row.items())).encode("utf-8", "replace")).hexdigest()[:24]
            )
            ref = f"{system}:{ref}"[:120]
            if ref in seen:
                raise Bad(mapped.get("ref", "row"), f"stands in line {seen[ref]} already; remove one of the two")
            seen[ref] = line
            if Lead.objects.filter(external_ref=ref).exists():
                report.known += 1
                continue
            if not dry_run:
                make_lead(values, ref, owners[number % len(owners)])
            report.added += 1
        except Bad as trouble:
            report.bad.append(BadRow(line, trouble.column, trouble.reason))
    report.bad.sort(key=lambda row: row.line)
    return report


class Bad(Exception):
    """One value of one row is wrong."""

    def __init__(self, column, reason):
        self.column, self.reason = column, reason
        super().__init__(reason)


def lead_values(line, row, mapped, people, people_columns) -> dict:
    """Return what a row says of a lead, checked. Raises Bad with the column and what is wrong there."""
    for column, value in row.items():
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Bad(column, "holds bytes that are no UTF-8 letters; save the file as UTF-8")

    def value_of(ours):
        if ours in mapped:
            return MARKS.sub("", row[mapped[ours]]).strip()
        return MARKS.sub("", person[people_columns[ours]]).strip() if person and ours in people_columns else ""

    person = None
    if people_columns:
        key = row[mapped["contact_ref"]].strip()
        person = people.get(key)
        if person is None:
            raise Bad(mapped["contact_ref"], f"“{key}” is not in the file of contacts")

    values = {ours: value_of(ours) for ours in NAMES if ours != "contact_ref"}
    column = lambda ours: mapped.get(ours) or people_columns.get(ours) or ours  # noqa: E731
    if not values["name"] and not values["email"]:
        raise Bad(column("name"), "is empty; a lead needs a name or a mail address")
    if values["email"]:
        try:
            validate_email(values["email"])
        except ValidationError:
            raise Bad(column("email"), f"“{values['email'][:60]}” is not a mail address") from None
    for ours in ("name", "company", "phone", "country", "source", "email"):
        limit = Lead._meta.get_field(ours).max_length if ours != "source" else 120
        if len(values[ours]) > limit:
            raise Bad(column(ours), f"is longer than {limit} letters")
    if values["website"] and not values["website"].startswith(("http://", "https://")):
        values["website"] = f"https://{values['website']}"
    values["created"] = when(values["created"], column("created"))
    status = values["status"].lower()
    if status not in STATUS:
        known = ", ".join(sorted(filter(None, STATUS)))
        raise Bad(column("status"), f"“{values['status'][:40]}” is no status that we know ({known})")
    return values


def when(text, column) -> datetime:
    """Return the time that a file means, or now when it says none."""
    if not text:
        return timezone.now()
    try:
        day = parse_datetime(text) or parse_date(text)
    except ValueError:
        day = None
    if day is None or not 1990 <= day.year <= timezone.now().year + 1:
        raise Bad(column, f"“{text[:40]}” is not a date such as 2026-11-23")
    if isinstance(day, datetime):
        return day if timezone.is_aware(day) else timezone.make_aware(day)
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@transaction.atomic
def make_lead(values, ref, owner):
    """Make one lead, and move it to where the file says that it stands."""
    source_name = values["source"] or "Imported file"
    source = Source.objects.filter(name__iexact=source_name).first()
    if source is None:
        source = begin(Source(name=source_name, kind=Source.Kind.FILE), by=None, past="added")
    fields = {name: values[name] for name in ("company", "email", "phone", "website", "country", "words")}
    lead = Lead(
        name=values["name"] or values["email"],
        source=source,
        external_ref=ref,
        owner=owner,
        arrived_at=values["created"],
        **fields,
    )
    lead = begin(lead, by=None, past="imported", facts={"reference": ref})
    status = values["status"]
    if STATUS[status.lower()] == "work":
        lead = perform(lead.work, by=None)
    elif STATUS[status.lower()] == "disqualify":
        perform(lead.disqualify, by=None, reason=f"The file says: {status}.")
