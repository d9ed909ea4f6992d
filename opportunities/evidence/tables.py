"""How the importers read CSV files: whatever separates and encodes them, line by line."""

import csv
import io
import re
from decimal import Decimal, InvalidOperation

from .base import BadFile, BadLine, plain

# More than this is no list of evidence but a database.
MOST_ROWS = 5000
# What may stand before the header.
BEFORE = " \r\n"


def text_of(raw: bytes) -> str:
    """Return the text of a file: UTF-16 with its mark, UTF-8, or what Windows writes."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace").lstrip("\ufeff")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def delimiter_of(text: str) -> str:
    """Return what separates the names of the first line."""
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    return max(",;\t", key=first.count)


def values_of(text: str):
    """Yield the values of each line. Only this tells where one ends: other marks break lines elsewhere."""
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)


def names_of(values) -> list[str]:
    return [plain(name).lower() for name in values]


def header_of(head: bytes) -> list[str]:
    """Return the column names of what may be a CSV file, in small letters."""
    text = text_of(head).lstrip(BEFORE)
    try:
        values = next(values_of(text), [])
    except csv.Error:
        return []
    return [] if any("\0" in value for value in values) else names_of(values)


def read(raw: bytes, what: str) -> tuple[list[tuple[int, dict]], list[BadLine], str]:
    """Split a file into rows by column name (small letters), each with its line. Return also what separates them."""
    text = text_of(raw).replace("\0", "")
    bare = text.lstrip(BEFORE)
    skipped = len(re.findall(r"\r\n|\r|\n", text[: len(text) - len(bare)]))
    if not bare.strip():
        raise BadFile(f"{what} is empty. Export it again, with its header line.")
    reader = values_of(bare)
    rows, bad, line = [], [], 1 + skipped
    header: list[str] = []
    try:
        for values in reader:
            if not header:
                header = names_of(values)
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
    return rows, bad, delimiter_of(bare)


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
