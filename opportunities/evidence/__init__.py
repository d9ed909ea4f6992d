"""Files of providers, read into evidence of an audit, by the importers beside this file; each is found by itself.

A file that makes no sense as a whole raises `BadFile` with one sentence, and nothing is written. In a list, the
good rows come in and each bad one is told. What an audit holds already is not added again; what it holds with an
older day gets a new version.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from ..models import Audit, Evidence, EvidenceFile, ShelfLife
from ..records import announce, lock
from .base import HEAD, BadFile, BadLine, Found, Importer, NoDay

__all__ = ["BadFile", "Importer", "NoDay", "Report", "import_evidence", "importer_of", "importers", "plan", "read"]
MEASURED_AGAIN = "Measured again."


def importers() -> list[Importer]:
    """Return one of each importer in this folder, by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted((kind() for kind in Importer.__subclasses__()), key=lambda importer: importer.name)


def importer_of(raw: bytes, name: str) -> Importer:
    """Return the importer that knows this file, or refuse it and say what can be read."""
    head = raw[:HEAD]
    if not raw.strip():
        raise BadFile("The file is empty. Export it again.")
    known = importers()
    found = next((importer for importer in known if importer.recognises(head, name)), None)
    if found is None and len(raw) > HEAD and head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        # In JSON the name that tells it may come late.
        found = next((importer for importer in known if importer.recognises(raw, name)), None)
    if found is None:
        raise BadFile(f"Nobody here knows this file. Bring {'; or '.join(it.reads for it in known)}.")
    return found


def read(raw: bytes, name: str = "", captured_at=None) -> tuple[Importer, Found]:
    """Return which importer knows a file, and what it found in it."""
    importer = importer_of(raw, name)
    return importer, importer.rows(raw, captured_at)


# -- What a file changes. ----------------------------------------------------------------------------------------------


@dataclass
class Planned:
    """One row of a file, and what becomes of it here: new, again (a new version), known or older."""

    row: dict
    fate: str
    before: Evidence | None = None
    # Until when it would count.
    until: datetime | None = None

    @property
    def comes_in(self) -> bool:
        return self.fate in ("new", "again")


@dataclass
class Report:
    """What came of a file: which importer read it, how many pieces came in, and what did not."""

    importer: str
    added: int = 0
    again: int = 0
    known: int = 0
    older: int = 0
    bad: list[BadLine] = field(default_factory=list)

    def __str__(self):
        words = [f"Read as {self.importer}: {self.added + self.again} came in"]
        words += [f"{self.again} of them as new versions"] * bool(self.again)
        words += [f"{self.known} were here already"] * bool(self.known)
        words += [f"{self.older} are older than what is here"] * bool(self.older)
        words += [f"{len(self.bad)} could not be read"] * bool(self.bad)
        return ", ".join(words) + "."


def plan(audit, rows) -> list[Planned]:
    """Return what becomes of each row of a file in this audit, in order."""
    here: dict[str, list] = {}
    for evidence in audit.evidence.order_by("version"):
        here.setdefault(evidence.key, []).append((evidence.captured_at, evidence))
    planned = []
    for row in sorted(rows, key=lambda row: row["captured_at"]):
        versions = here.setdefault(row["key"], [])
        days = [day for day, _ in versions]
        if row["captured_at"] in days:
            fate = "known"
        elif days and row["captured_at"] < max(days):
            fate = "older"
        else:
            fate = "again" if days else "new"
            planned.append(Planned(row, fate, versions[-1][1] if versions else None))
            versions.append((row["captured_at"], None))
            continue
        planned.append(Planned(row, fate))
    return planned


@transaction.atomic
def import_evidence(raw: bytes, audit, *, by, name: str = "", captured_at=None, only=None) -> Report:
    """Read a file into evidence of an audit, and keep the file. Return what came of it.

    `only` names the keys that come in; without it all do. Raises BadFile, with nothing written, when nobody here
    knows the file or it makes no sense as a whole.
    """
    importer, found = read(raw, name, captured_at)
    audit = lock(audit)
    if audit.stage != Audit.Stage.COLLECTING:
        raise BadFile(f"{audit} is {audit.get_stage_display().lower()}. Start collecting before you import.")
    planned = plan(audit, found.rows)
    report = Report(importer.name, bad=found.bad)
    report.known = sum(row.fate == "known" for row in planned)
    report.older = sum(row.fate == "older" for row in planned)
    coming = [row for row in planned if row.comes_in and (only is None or row.row["key"] in only)]
    if not coming:
        return report
    try:
        file = EvidenceFile.keep(audit, raw, name or f"{importer.name}.txt", by=by)
    except ValidationError as trouble:
        raise BadFile(trouble.messages[0]) from None
    shelf_lives, newest, facts = ShelfLife.by_kind(), {}, {"file": f"{file} ({file.digest[:12]})"}
    for row in coming:
        fields = {**row.row, "file": file, "shelf_lives": shelf_lives}
        before = newest.get(row.row["key"]) or row.before
        try:
            if before is None:
                made = Evidence.ready(audit, by=by, **fields)
                made.save()
            else:
                made = before.next_version(audit, by=by, reason=MEASURED_AGAIN, **fields)
        except ValidationError as trouble:
            raise BadFile(f"{row.row['metric']}: {trouble.messages[0]}") from None
        newest[made.key] = made
        facts[f"{made.metric} ({made.subject})" if made.subject else made.metric] = made.shown_value
    report.added = sum(row.fate == "new" for row in coming)
    report.again = len(coming) - report.added
    announce(audit, "import_evidence", "imported evidence into", by=by, facts=facts)
    audit.note_collector(by)
    return report
