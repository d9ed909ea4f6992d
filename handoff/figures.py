"""The numbers of a report as people write them: read exactly, or refused with what to write instead."""

import re
from decimal import Decimal

from opportunities.importing.amounts import signs_of
from portal.promised import SHORT, lies

MOST_WHOLE, MOST_PARTS = 15, 6
SUCH_AS = "Write a number, such as 2480 or 2.1."
SPACES = re.compile(r"[\s'’]")


class NotExact(ValueError):
    """What was written is no number that we can keep; says what to write instead."""


def exact(text, *, unit="", sign=".") -> str:
    """Return a number as it is kept: digits, a point, and a minus where it is below zero.

    `sign` begins the decimals where that can be read in two ways: 1,054 is a thousand, or a little more than one.
    """
    said = SPACES.sub("", str(text).replace("−", "-"))
    if unit and said.endswith(SPACES.sub("", unit)):
        said = said.removesuffix(SPACES.sub("", unit))
    minus, said = said.startswith("-"), said.removeprefix("-")
    signs = signs_of(said)
    if not signs:
        raise NotExact(SUCH_AS)
    sign = sign if sign in signs else next(iter(signs))
    whole, _, parts = said.replace("," if sign == "." else ".", "").partition(sign)
    whole, parts = whole.lstrip("0") or "0", parts.rstrip("0")
    if len(whole) > MOST_WHOLE:
        raise NotExact(f"Write a smaller number: at most {MOST_WHOLE} digits before the point.")
    if len(parts) > MOST_PARTS:
        raise NotExact(f"Write at most {MOST_PARTS} digits after the point.")
    number = f"{whole}.{parts}" if parts else whole
    return f"-{number}" if minus and number != "0" else number


def as_decimal(value):
    """Return a number of a report to count with, or None where there is none."""
    try:
        return None if value in (None, "") else Decimal(exact(value))
    except NotExact:
        return None


def key(number) -> str:
    """Return by what a number is the same one as in another period: its claim, else its name."""
    return f"claim:{number['claim']}" if number.get("claim") else str(number.get("metric", "")).strip().casefold()


def falls_short(number) -> bool:
    """Whether a number is worse than what was promised of it. One that says no better way is not judged."""
    now, low, high = (as_decimal(number.get(name)) for name in ("value", "low", "high"))
    return bool(now is not None and number.get("better")) and lies(now, low, high, number["better"]) == SHORT


def doubts(number, last=None) -> list[str]:
    """Say what of a number should be looked at again: nothing of it is refused."""
    now = as_decimal(number.get("value"))
    known = [as_decimal(each) for each in (last, number.get("before"), number.get("low"), number.get("high"))]
    known = [each for each in known if each is not None]
    if now is None or not known:
        return []
    found = []
    if now < 0 <= min(known):
        found.append("It is below zero, and never was before: look again.")
    if now > 10 * max(known) > 0:
        found.append("It is more than ten times what it ever was: look again.")
    if falls_short(number):
        found.append("It falls short of what was promised: say so in the words for the client.")
    return found
