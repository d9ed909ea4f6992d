"""How the importers read CSV files: whatever separates and encodes them, line by line."""

import csv
import io
import re
from decimal import Decimal, InvalidOperation

from .base import BadFile, BadLine, plain

# More than this is no list of evidence but a database.
MOST_ROWS = 5000


def text_of(raw: bytes) -> str:
    """Return the text of a file: UTF-16 with its mark, UTF-8, or what Windows writes."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace").lstrip("\ufeff")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def delimiter_of(line: str) -> str:
    return max(",;\t", key=line.count)


def header_of(head: bytes) -> list[str]:
    """Return the column names of what may be a CSV file, in small letters."""
    lines = text_of(head).lstrip().splitlines()
    if not lines or "\0" in lines[0]:
        return []
    try:
        names = next(csv.reader([lines[0]], delimiter=delimiter_of(lines[0])), [])
    except csv.Error:
        return []
    return [plain(name).lower() for name in names]


def read(raw: bytes, what: str) -> tuple[list[tuple[int, dict]], list[BadLine], str]:
    """Split a file into rows by column name (small letters), each with its line. Return also what separates them."""
    text = text_of(raw).replace("\0", "")
    skipped = len(text) - len(text.lstrip("\r\n"))
    text = text.lstrip("\r\n")
    first = text.splitlines()[0] if text.strip() else ""
    if not first:
        raise BadFile(f"{what} is empty. Export it again, with its header line.")
    delimiter = delimiter_of(first)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, bad, line = [], [], 1 + skipped
    header: list[str] = []
    try:
        for values in reader:
            if not header:
                header = [plain(name).lower() for name in values]
            elif any(value.strip() for value in values):
                if len(values) > len(header):
                    bad.append(BadLine(line, "row", f"has {len(values)} values, the header names {len(header)}"))
                else:
                    filled = values + [""] * (len(header) - len(values))
                    rows.append((line, dict(zip(header, map(plain_value, filled), strict=True))))
            line = reader.line_num + 1 + skipped
            if len(rows) > MOST_ROWS:
                raise BadFile(f"{what} has more than {MOST_ROWS} rows. Keep those that prove something.")
    except csv.Error as trouble:
        # A quote that never closes swallows the rest: what came before it is still good.
        if not header:
            raise BadFile(f"{what} begins with a line that cannot be split into column names.") from None
        bad.append(BadLine(line, "row", f"cannot be split into values ({trouble}); check its quotes"))
    return rows, bad, delimiter


def plain_value(text) -> str:
    return plain(text, 2000)


def decimal(text: str, *, comma_is_decimal: bool) -> Decimal:
    """Return a number as people write it: 6.8, 6,8, 1,234.5, 1.234,5 or 1 234,5. Raises ValueError with the reason."""
    bare = re.sub(r"[\s\u00a0\u202f']", "", text)
    if not re.fullmatch(r"[+-]?[0-9][0-9.,]*", bare):
        raise ValueError(f"“{text[:40]}” is not a number")
    if "," in bare and "." in bare:
        point = max(",.", key=bare.rfind)
        bare = bare.replace("," if point == "." else ".", "").replace(point, ".")
    elif "," in bare:
        grouped = re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+", bare)
        if grouped and bare.count(",") == 1 and not comma_is_decimal:
            raise ValueError(f"“{text[:40]}” can mean two numbers; write it without the comma")
        bare = bare.replace(",", "") if grouped and bare.count(",") > 1 else bare.replace(",", ".")
    try:
        found = Decimal(bare)
    except InvalidOperation:
        raise ValueError(f"“{text[:40]}” is not a number") from None
    if abs(found) >= Decimal(10) ** 11:
        raise ValueError(f"“{text[:40]}” is larger than evidence can be")
    return round(found, 4)
