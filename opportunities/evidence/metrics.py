"""A plain list of metrics as CSV: one measured fact a row."""

from django.core.exceptions import ValidationError
from django.utils import timezone

from ..models import Evidence
from ..words import MARK_UP
from . import tables
from .base import BadFile, BadLine, Found, Importer, Wrong, at_noon, is_web_address, key_of, plain, when

# What a column may be called, for each thing that is said of a measurement.
NAMES = {
    "metric": ("metric", "measure", "name", "kpi"),
    "value": ("value", "number", "amount"),
    "unit": ("unit",),
    "captured_at": ("captured_at", "captured at", "captured", "date", "measured", "measured at"),
    "provider": ("provider", "source", "tool"),
    "confidence": ("confidence",),
    "kind": ("kind", "type"),
    "subject": ("subject", "about", "page", "query"),
    "link": ("link", "url"),
    "raw_note": ("note", "raw note", "raw_note", "notes"),
    "provider_caveat": ("caveat", "provider caveat", "provider_caveat"),
}
EXAMPLE = "metric, value, unit, captured_at, provider, confidence, note"


class Metrics(Importer):
    name = "list of metrics"
    reads = f"a CSV file with the columns {EXAMPLE}"

    def recognises(self, head, name):
        return columns_of(tables.header_of(head)).keys() >= {"metric", "value"}

    def rows(self, raw, captured_at=None):
        lines, bad, delimiter = tables.read(raw, "The list")
        columns = columns_of(tables.header_of(raw))
        if not columns.keys() >= {"metric", "value"}:
            raise BadFile(f"The list needs at least the columns metric and value; best are {EXAMPLE}.")
        found, seen = Found(bad=bad), {}
        for line, values in lines:
            said = {ours: values.get(column, "") for ours, column in columns.items()}
            try:
                row = measured(said, columns, captured_at, comma=delimiter != ",")
                if (at := (row["key"], row["captured_at"])) in seen:
                    raise Wrong(columns["metric"], f"stands in line {seen[at]} already; remove one of the two")
                seen[at] = line
                found.rows.append(row)
            except Wrong as wrong:
                found.bad.append(BadLine(line, wrong.column, wrong.reason))
        if not found.rows and not found.bad:
            raise BadFile("The list has a header and no rows. Write one measured fact a row.")
        found.bad.sort(key=lambda bad: bad.line)
        return found


def columns_of(header) -> dict:
    """Return {ours: column} of the columns that are known, the first of each."""
    return {ours: name for name in reversed(header) for ours, names in NAMES.items() if name in names}


def measured(said, columns, captured_at, *, comma) -> dict:
    """Return what a row says, checked. Raises Wrong with the column and what is wrong there."""
    row: dict = {}
    for name, words in (("metric", "what was measured"), ("provider", "who measured it")):
        if not said.get(name):
            raise Wrong(columns.get(name, name), f"is empty; write {words}")
    try:
        row["value"] = tables.decimal(said["value"], comma_is_decimal=comma)
    except ValueError as trouble:
        raise Wrong(columns["value"], str(trouble) if said["value"] else "is empty; write a number") from None
    row["captured_at"] = moment(said.get("captured_at", ""), columns, captured_at)
    for name, choices in (("confidence", Evidence.Confidence), ("kind", Evidence.Kind)):
        given = said.get(name, "").lower()
        known = {word.lower(): value for value, label in choices.choices for word in (value, label)}
        if given and given not in known:
            raise Wrong(columns[name], f"“{given[:40]}” is none of {', '.join(sorted(choices.labels)).lower()}")
        if given:
            row[name] = known[given]
    for name in ("metric", "unit", "provider", "subject"):
        row[name] = said.get(name, "")
        most = Evidence._meta.get_field(name).max_length
        if len(row[name]) > most:
            raise Wrong(columns[name], f"is longer than {most} letters")
        if mark := MARK_UP.search(row[name]):
            raise Wrong(columns[name], f"holds the mark “{mark.group()[:40]}”; take it out")
    row["link"] = link(said.get("link", ""), columns)
    row |= {name: said.get(name, "") for name in ("raw_note", "provider_caveat")}
    row["key"] = key_of(plain(row["provider"]), row["metric"], row["subject"])
    return row


def moment(text, columns, captured_at):
    """Return when a row was measured: what it says, or the day that the person gave for the whole file."""
    if not text and captured_at is not None:
        return captured_at
    column = columns.get("captured_at", "captured_at")
    found = when(text) or when("-".join(reversed(text.split("."))) if text.count(".") == 2 else "")
    if found is None:
        raise Wrong(column, f"“{text[:40]}” is not a day such as 2026-11-23" if text else "is empty; write the day")
    if found > timezone.now() and at_noon(timezone.localdate(found)) > timezone.now():
        raise Wrong(column, f"“{text[:40]}” is still to come; give the day on which it was measured")
    return min(found, timezone.now())


def link(text, columns) -> str:
    if text:
        try:
            is_web_address(text)
        except ValidationError:
            raise Wrong(columns["link"], f"“{text[:40]}” is not an address such as https://example.com") from None
        if len(text) > 500:
            raise Wrong(columns["link"], "is longer than 500 letters")
    return text
