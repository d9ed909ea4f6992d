"""What an importer of evidence is: one small class in one file of this package."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from ..forms import UNPRINTABLE
from ..importing.files import BadFile

__all__ = ["BadFile", "BadLine", "Found", "Importer", "NoDay", "Wrong"]
# An importer needs no more than this of a file to know it.
HEAD = 64 * 1024
MOST = Decimal(10) ** 11
is_web_address = URLValidator(schemes=["http", "https"])


class NoDay(BadFile):
    """The file can be read, and does not say when its numbers were measured: a person must."""


@dataclass(frozen=True)
class BadLine:
    """One value of a file that cannot be used: where it stands, and why."""

    line: int
    column: str
    reason: str

    def __str__(self):
        return f"line {self.line}, {self.column}: {self.reason}"


class Wrong(Exception):
    """One value of one line cannot be used."""

    def __init__(self, column, reason):
        self.column, self.reason = column, reason
        super().__init__(reason)


@dataclass
class Found:
    """What a file holds: the fields of each piece of evidence, the lines that cannot be used, and what to know."""

    rows: list[dict] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Importer:
    """Reads one kind of file into evidence.

    To add one, put a file with a subclass beside this one: it is found by itself. Each row is the fields of a piece
    of evidence, with a `key` that is the same whenever the same thing is measured.
    """

    # What people call such a file, and how they get one.
    name = ""
    reads = ""
    # Whether the file itself does not say when it was measured, so that a person must.
    asks_when = False

    def recognises(self, head: bytes, name: str) -> bool:
        """Whether this is such a file, by its first bytes and its name."""
        raise NotImplementedError

    def rows(self, raw: bytes, captured_at: datetime | None = None) -> Found:
        """Return what the file holds. Raises BadFile with one sentence when it makes no sense as a whole."""
        raise NotImplementedError


# -- What importers share. ---------------------------------------------------------------------------------------------


def load_json(raw: bytes, what: str):
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadFile(f"The file is not JSON that can be read. Save {what} as JSON again.") from None


def part(value, *names) -> dict:
    """Return a dictionary inside a dictionary, or an empty one where the file has something else."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def number(value) -> Decimal | None:
    """Return a number of a file as evidence keeps it, or None when it is none that makes sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        found = round(Decimal(str(value)), 4)
    except ArithmeticError:
        return None
    return found if found.is_finite() and abs(found) < MOST else None


def when(text) -> datetime | None:
    """Return the time that a file means, in its own zone or else in the agency's, or None."""
    try:
        moment = (at_noon(parse_date(text)) or parse_datetime(text)) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
    if moment is None or not 1990 <= moment.year <= 2150:
        return None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def at_noon(day) -> datetime | None:
    """Return the middle of a day: no time zone turns it into the day before. Of today, no later than now."""
    if day is None:
        return None
    noon = timezone.make_aware(datetime(day.year, day.month, day.day, 12))
    return min(noon, timezone.now()) if day == timezone.localdate() else noon


def key_of(*parts) -> str:
    """Return the name under which the same thing is known in every file."""
    text = ":".join(str(part).strip().lower() for part in parts)
    return text if len(text) <= 80 else f"{text[:63]}:{sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def plain(text, most=300) -> str:
    """Return words of a file without what turns or hides letters, as long as they may be."""
    text = UNPRINTABLE.sub("", str(text)).encode("utf-8", "replace").decode()
    return re.sub(r"\s+", " ", text).strip()[:most]


def page_link(address) -> str:
    """Return an address that can be opened, or nothing."""
    try:
        is_web_address(address)
    except ValidationError:
        return ""
    return address if len(address) <= 500 else ""
