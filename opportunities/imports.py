"""Files that people really have, read into leads, opportunities and evidence.

A file that makes no sense as a whole raises `BadFile` with one sentence, and nothing is written. In a list,
the good rows come in and each bad one is told with its line, its column and what is wrong.
"""

import io
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from .importing import engine, upload
from .importing.columns import FIELDS
from .importing.files import BadFile, open_sheet
from .models import Audit, Evidence, Import, ImportRow, User
from .records import edit, lock, perform

__all__ = ["BadFile", "BadRow", "Report", "bring_in", "import_evidence", "import_leads", "read_table"]


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
    if record.coming:
        record = perform(record.run, by=None)
        record = worked(record, told)
    return report_of(record)


def check(kind, files, columns, choices, system, sheet, owner, person, told) -> Import:
    """Keep a file and say what would become of each of its rows."""
    with transaction.atomic():
        record = upload.upload(kind, files, owner=person, by=None, system=system, sheet=sheet)
        mapped = upload.with_names(record, columns or {})
        if FIELDS[kind].lacking(mapped):
            have = ", ".join(column["name"] for column in record.header)
            what = "a name or a mail address" if kind == "leads" else "the client or a contact"
            raise BadFile(f"The file has no column with {what} (it has: {have}). Name it with --map.")
        chosen = {**(choices or {}), **({"owner_default": owner.username} if owner else {})}
        record = edit(record, by=None, columns=mapped, choices=chosen)
        record = perform(record.map_columns, by=None)
    return worked(record, told)


def worked(record, told) -> Import:
    """Do what is due about an import here and now. Raises BadFile when it fails or somebody else is at it."""
    mine = engine.claim(record.pk)
    if mine is None:
        raise BadFile(f"Somebody else is bringing {record} in at this moment. Look at its page.")
    engine.work(mine, told=told)
    record = Import.objects.get(pk=record.pk)
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


# -- Evidence. ---------------------------------------------------------------------------------------------------------

# The metrics that an agency quotes: Lighthouse's name, ours, and the unit with what to divide by.
LIGHTHOUSE = [
    ("largest-contentful-paint", "Largest Contentful Paint", "s", 1000),
    ("first-contentful-paint", "First Contentful Paint", "s", 1000),
    ("speed-index", "Speed Index", "s", 1000),
    ("interactive", "Time to Interactive", "s", 1000),
    ("total-blocking-time", "Total Blocking Time", "ms", 1),
    ("cumulative-layout-shift", "Cumulative Layout Shift", "", 1),
    ("server-response-time", "Server response time", "ms", 1),
    ("total-byte-weight", "Page weight", "KiB", 1024),
]


def import_evidence(raw: bytes, audit, *, by) -> tuple[int, int]:
    """Read a Lighthouse report into evidence of an audit. Return how many were added, and how many were known.

    Raises BadFile, with nothing written, when the file is no Lighthouse report that we can read.
    """
    rows = lighthouse_rows(raw)
    with transaction.atomic():
        audit = lock(audit)
        if audit.stage != Audit.Stage.COLLECTING:
            raise BadFile(f"{audit} is {audit.get_stage_display().lower()}. Start collecting before you import.")
        there = set(audit.evidence.values_list("key", "captured_at"))
        new = [row for row in rows if (row["key"], row["captured_at"]) not in there]
        for row in new:
            Evidence.record(audit, by=by, **row)
    return len(new), len(rows) - len(new)


def lighthouse_rows(raw: bytes) -> list[dict]:
    """Return the evidence that a Lighthouse report holds: the category scores, and the metrics that are quoted."""
    try:
        report = json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadFile("The file is not JSON that can be read. Save the Lighthouse report as JSON again.") from None
    if not isinstance(report, dict) or not isinstance(report.get("lighthouseVersion"), str):
        raise BadFile("The file is JSON, but no Lighthouse report: it names no lighthouseVersion.")
    version = report["lighthouseVersion"]
    major = int(version.split(".")[0]) if version.split(".")[0].isdigit() else 0
    if not 6 <= major <= 13:
        raise BadFile(
            f"This report is of Lighthouse {version[:20]}; versions 6 to 13 can be read. Run a newer or older one."
        )
    audits, categories = report.get("audits"), report.get("categories")
    captured = parse_when(report.get("fetchTime"))
    if not isinstance(audits, dict) or not isinstance(categories, dict) or captured is None:
        raise BadFile(f"This report of Lighthouse {version} lacks its audits, categories or time. Export it again.")
    if captured > timezone.now():
        raise BadFile("This report says that it was made in the future. Check the clock of the machine that made it.")

    page = str(report.get("finalDisplayedUrl") or report.get("finalUrl") or "")
    settings = report.get("configSettings")
    device = str(settings.get("formFactor", "unknown device") if isinstance(settings, dict) else "unknown device")[:40]
    shared = {
        "provider": "Lighthouse",
        "captured_at": captured,
        "confidence": Evidence.Confidence.MEDIUM,
        "link": page if re.match(r"https?://[^\s]{3,480}$", page) else "",
        "raw_note": f"Measured on {page[:300]}",
        "provider_caveat": f"One lab run of Lighthouse {version} ({device}); field data of real visitors may differ.",
    }
    rows = []
    for key, category in categories.items():
        score = category.get("score") if isinstance(category, dict) else None
        if isinstance(score, (int, float)) and 0 <= score <= 1:
            title = str(category.get("title") or key)[:80]
            rows.append(
                {
                    **shared,
                    "key": f"score:{key}"[:80],
                    "metric": f"{title} score",
                    "value": number(score * 100),
                    "unit": "of 100",
                }
            )
    for key, metric, unit, divisor in LIGHTHOUSE:
        audit = audits.get(key)
        value = audit.get("numericValue") if isinstance(audit, dict) else None
        if isinstance(value, (int, float)) and 0 <= value < 10**10:
            rows.append({**shared, "key": key, "metric": metric, "value": number(value / divisor), "unit": unit})
    if not rows:
        raise BadFile(
            f"This report of Lighthouse {version} holds no scores and no metrics. Run it with the default categories."
        )
    return rows


def number(value) -> Decimal:
    return Decimal(repr(round(float(value), 4)))


def parse_when(text):
    try:
        moment = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is None or timezone.is_aware(moment) else timezone.make_aware(moment)
