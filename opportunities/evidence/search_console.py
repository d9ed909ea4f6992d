"""What Google Search Console exports: Queries.csv and Pages.csv, alone or in the zip that it saves."""

import io
import re
import zipfile
import zlib
from decimal import Decimal

from django.utils import timezone

from . import tables
from .base import BadFile, BadLine, Found, Importer, NoDay, Wrong, key_of, page_link, plain, when

TOP = 5
# What the columns are called, in the languages in which people have sent us such files.
NAMES = {
    "clicks": ("clicks", "klicks", "clics", "clic", "cliques", "kliks"),
    "impressions": ("impressions", "impressionen", "impresiones", "impressioni", "impressões", "vertoningen"),
    "ctr": ("ctr", "average ctr", "site ctr"),
    "position": ("position", "average position", "posición", "posizione", "posição", "positie"),
}
# What the first column says that each row is.
OF = {
    "query": ("quer", "suchanfrage", "requête", "consulta", "zoekopdracht"),
    "page": ("page", "url", "seite", "página", "pagina"),
    "day": ("date", "datum", "fecha", "data"),
}
CAVEATS = {
    "query": "Search Console hides rare queries and lists at most 1,000: the sum of the list is less than the site's.",
    "page": "Search Console lists at most 1,000 pages: the sum of the list can be less than the site's.",
    "day": "The days of the exported period, as Search Console counts them.",
}
ROW_NOTE = "One of the first rows of the list."
SIZE = 30 * 1024 * 1024


class SearchConsole(Importer):
    name = "Search Console export"
    reads = "Google Search Console's export: Queries.csv, Pages.csv or the whole zip"
    asks_when = True

    def recognises(self, head, name):
        if head.startswith(b"PK\x03\x04"):
            return name.lower().endswith(".zip") and (b".csv" in head)
        header = tables.header_of(head)
        return kind_of(header) != "" and columns_of(header).keys() >= {"clicks", "impressions"}

    def rows(self, raw, captured_at=None):
        files = unpacked(raw) if raw.startswith(b"PK\x03\x04") else {"The file": raw}
        read = {name: Sheet(data, name) for name, data in files.items()}
        sheets = {sheet.of: sheet for sheet in read.values() if sheet.of}
        if not sheets:
            raise BadFile("This zip holds no Queries.csv and no Pages.csv of Search Console. Export it again.")
        if not any(sheet.rows for sheet in sheets.values()):
            raise BadFile("The export holds no rows that can be read. Choose a longer period, and export it again.")
        captured_at = captured_at or (sheets["day"].last_day() if "day" in sheets else None)
        if captured_at is None:
            raise NoDay("Say on which day the exported period ends: the file does not.")
        if captured_at > timezone.now():
            raise BadFile("The period cannot end in the future. Give the last day that Search Console shows.")
        found = Found(bad=[line for sheet in sheets.values() for line in sheet.bad])
        totals = next(sheets[of] for of in ("day", "page", "query") if of in sheets)
        found.rows += totals.totals(captured_at)
        for of in ("query", "page"):
            if of in sheets:
                found.rows += sheets[of].top(captured_at)
        found.notes.append(f"Totals are of {totals.words()}. {CAVEATS[totals.of]}")
        return found


def unpacked(raw) -> dict[str, bytes]:
    """Return the CSV files of a zip. Nothing is written anywhere, and no more is unpacked than a file may have."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [member for member in archive.infolist() if member.filename.lower().endswith(".csv")]
            if sum(member.file_size for member in members) > SIZE or len(members) > 20:
                raise BadFile("This zip unpacks to more than Search Console exports. Bring Queries.csv alone.")
            files = {}
            for member in members:
                with archive.open(member) as file:
                    # What a zip says of its own sizes need not be true.
                    files[plain(member.filename, 80)] = file.read(SIZE)
            return files
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
        raise BadFile("This zip cannot be unpacked. Export it again, or bring Queries.csv alone.") from None


def columns_of(header) -> dict:
    """Return {ours: column} of the columns that are known."""
    return {ours: name for name in reversed(header) for ours, names in NAMES.items() if name in names}


def kind_of(header) -> str:
    """Return what each row is, by the name of the first column: a query, a page, a day, or nothing that we read."""
    first = header[0] if header else ""
    return next((of for of, words in OF.items() if any(word in first for word in words)), "")


class Sheet:
    """One exported list, its numbers read."""

    def __init__(self, raw, name):
        self.of, self.rows, self.bad = "", [], []
        header = tables.header_of(raw)
        columns = columns_of(header)
        clicks = [column for column in header if any(word in column for word in NAMES["clicks"])]
        if len(clicks) > 1:
            raise BadFile("This export compares two periods. Export one period at a time.")
        if not kind_of(header) or not columns.keys() >= {"clicks", "impressions"}:
            return
        self.of = kind_of(header)
        lines, self.bad, _ = tables.read(raw, name)
        for line, values in lines:
            try:
                self.rows.append(self.numbers(values, header[0], columns))
            except Wrong as wrong:
                self.bad.append(BadLine(line, wrong.column, wrong.reason))

    def numbers(self, line, first, columns) -> dict:
        """Return the numbers of one line. Raises Wrong with the column and what is wrong there."""
        row = {"what": line[first]}
        for ours, column in columns.items():
            text = line[column].rstrip("%").strip()
            if not text and ours in ("ctr", "position"):
                continue
            try:
                # Counts have no decimals: there, a comma or a point groups thousands.
                if ours in ("clicks", "impressions"):
                    row[ours] = tables.decimal(re.sub(r"[,.](?=[0-9]{3}\b)", "", text), comma_is_decimal=False)
                else:
                    row[ours] = tables.decimal(text, comma_is_decimal=True)
            except ValueError as trouble:
                raise Wrong(column, str(trouble)) from None
            if row[ours] < 0 or (ours == "ctr" and row[ours] > 100):
                raise Wrong(column, f"“{text[:40]}” cannot be")
        if not row["what"]:
            raise Wrong(first, "is empty")
        if row["clicks"] > row["impressions"]:
            raise Wrong(columns["clicks"], "has more clicks than impressions")
        return row

    def words(self) -> str:
        return {"query": "the queries in the list", "page": "the pages in the list", "day": "the site"}[self.of]

    def last_day(self):
        """Return the end of the period, where the export lists its days."""
        days = [when(row["what"]) for row in self.rows]
        return max((day for day in days if day), default=None)

    def totals(self, captured_at) -> list[dict]:
        """Return what all rows come to: the position is weighed by impressions, as Search Console does."""
        clicks, shown = (sum((row[name] for row in self.rows), Decimal(0)) for name in ("clicks", "impressions"))
        placed = [(row["position"], row["impressions"]) for row in self.rows if "position" in row]
        weight = sum((seen for _, seen in placed), Decimal(0))
        position = sum((place * seen for place, seen in placed), Decimal(0)) / weight if weight else None
        note = f"Summed over {len(self.rows)} rows of the export."
        return rows_of(f"Google search, {self.words()}", clicks, shown, position, captured_at, note, CAVEATS[self.of])

    def top(self, captured_at) -> list[dict]:
        """Return the first rows: the most clicks, then the most impressions."""
        best = sorted(self.rows, key=lambda row: (-row["clicks"], -row["impressions"]))[:TOP]
        return [
            piece
            for row in best
            for piece in rows_of(
                f"{'Query' if self.of == 'query' else 'Page'} {row['what']}",
                row["clicks"],
                row["impressions"],
                row.get("position"),
                captured_at,
                ROW_NOTE,
                CAVEATS[self.of],
                page_link(row["what"]),
            )
        ]


def rows_of(subject, clicks, shown, position, captured_at, note, caveat, link="") -> list[dict]:
    """Return the four numbers of one thing as evidence."""
    numbers = [
        ("Clicks", clicks, ""),
        ("Impressions", shown, ""),
        ("Click-through rate", round(clicks / shown * 100, 4) if shown else None, "%"),
        ("Average position", None if position is None else round(position, 4), ""),
    ]
    shared = {
        "kind": "search",
        "provider": "Google Search Console",
        "subject": plain(subject),
        "captured_at": captured_at,
        "confidence": "high",
        "link": link,
        "raw_note": note,
        "provider_caveat": caveat,
    }
    return [
        {**shared, "metric": metric, "value": value, "unit": unit, "key": key_of("gsc", subject, metric)}
        for metric, value, unit in numbers
        if value is not None
    ]
