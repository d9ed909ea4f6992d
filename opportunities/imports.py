"""Files that people really have, read into leads and opportunities.

A file that makes no sense as a whole raises `BadFile` with one sentence, and nothing is written. In a list,
the good rows come in and each bad one is told with its line, its column and what is wrong.
"""

import io
from dataclasses import dataclass, field

from django.db import transaction

from .importing import engine, upload
from .importing.columns import FIELDS
from .importing.files import BadFile, open_sheet
from .importing.owners import IN_TURN
from .models import Import, ImportRow, User
from .records import edit, perform

__all__ = ["BadFile", "BadRow", "Report", "bring_in", "import_leads", "read_table"]


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
    joined: int = 0
    known: int = 0
    bad: list[BadRow] = field(default_factory=list)
    made: dict = field(default_factory=dict)
    questions: dict = field(default_factory=dict)
    record: Import | None = None

    @property
    def rows(self) -> int:
        return self.added + self.joined + self.known + len(self.bad)


# -- Lists. ------------------------------------------------------------------------------------------------------------


@dataclass
class Table:
    """A small file as rows of named values, with the line that each began on."""

    header: list[str]
    rows: list[tuple[int, dict]]
    bad: list[BadRow]


def read_table(raw: bytes, what: str) -> Table:
    """Read a small file whole. Raises BadFile when it is empty or has no header."""
    sheet = open_sheet(io.BytesIO(raw), what)
    rows, bad = [], []
    for line, values, wrong in sheet.rows:
        if wrong:
            bad.append(BadRow(line, "row", wrong))
        else:
            rows.append((line, dict(zip(sheet.header, values, strict=True))))
    return Table(sheet.header, rows, bad)


def import_leads(
    raw: bytes,
    *,
    contacts: bytes | None = None,
    columns: dict | None = None,
    system: str = "file",
    owner=None,
    dry_run=False,
) -> Report:
    """Bring the leads of a file in, each once, by the same moves that a person would make.

    `contacts` is the file that the leads' contact column points into. `columns` maps our names to the
    file's. A second run of the same file adds nothing: rows are known by `system` and their reference.
    """
    files = [("leads.csv", [raw])] + ([("Contacts.csv", [contacts])] if contacts is not None else [])
    return bring_in("leads", files, columns=columns, system=system, owner=owner, dry_run=dry_run)


def bring_in(
    kind, files, *, columns=None, choices=None, system="", sheet="", owner=None, dry_run=False, told=lambda record: None
) -> Report:
    """Bring a file in at once, in the foreground: upload, map, check, run. `told` hears how far it came."""
    person = owner or User.by_load("Growth ops").first()
    if person is None:
        raise BadFile("Nobody has the role Growth ops yet: make a user with it, or name an owner with --owner.")
    if dry_run:
        with transaction.atomic():
            report = report_of(check(kind, files, columns, choices, system, sheet, owner, person, told))
            transaction.set_rollback(True)
        return report
    record = check(kind, files, columns, choices, system, sheet, owner, person, told)
    report = report_of(record)
    if not record.coming:
        report.record = perform(record.leave, by=None)
        return report
    with transaction.atomic():
        record = perform(record.run, by=None)
        mine = claimed(record)
    return report_of(worked(mine, told))


def check(kind, files, columns, choices, system, sheet, owner, person, told) -> Import:
    """Keep a file and say what would become of each of its rows."""
    with transaction.atomic():
        record = upload.upload(kind, files, owner=person, by=None, system=system, sheet=sheet)
        mapped = upload.with_names(record, columns or {})
        if FIELDS[kind].lacking(mapped):
            have = ", ".join(column["name"] for column in record.header)
            what = {"leads": "a name or a mail address", "opportunities": "the client or a contact"}.get(kind)
            what = what or f"the {FIELDS[kind].by_name[FIELDS[kind].needs[0]].label.lower()}"
            raise BadFile(f"The file has no column with {what} (it has: {have}). Name it with --map.")
        chosen = {**(choices or {}), "owner_default": owner.username if owner else IN_TURN}
        record = edit(record, by=None, columns=mapped, choices=chosen)
        mine = claimed(perform(record.map_columns, by=None))
    return worked(mine, told)


def claimed(record) -> engine.Claim:
    """Claim an import in the transaction of its move: no worker sees it before it is ours."""
    mine = engine.claim(record.pk)
    if mine is None:
        raise BadFile(f"Somebody else is bringing {record} in at this moment. Look at its page.")
    return mine


def worked(mine: engine.Claim, told) -> Import:
    """Do what is due about an import here and now. Raises BadFile when it fails."""
    engine.work(mine, told=told)
    record = Import.objects.get(pk=mine.record.pk)
    if record.stage == Import.Stage.FAILED:
        raise BadFile(record.trouble)
    return record


def report_of(record) -> Report:
    refused = record.lines_of_file.filter(verdict=ImportRow.Verdict.REFUSED).order_by("id")
    rows = refused.values_list("line", "column", "reason")
    counts, bad = record.counts, [BadRow(*row) for row in rows.iterator()]
    return Report(
        counts.get("new", 0),
        counts.get("joined", 0),
        counts.get("known", 0),
        bad,
        record.made,
        record.questions,
        record,
    )
