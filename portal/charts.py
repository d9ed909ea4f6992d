"""The picture of a number over its periods, drawn here: its line, and the band of what was promised."""

from dataclasses import dataclass

from . import promised
from .offer import amount
from .templatetags.portal import as_date, figure

# How a number came out; of one that was published before it said which way is better, only where it lies.
WORDS = {promised.SHORT: "short of what we promised", promised.OVER: "better than we promised"}
PLACES = {promised.SHORT: "below what we promised", promised.OVER: "above what we promised"}
WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 14, 306, 26, 122


@dataclass
class Point:
    """One period: where it stands in the picture, and what the table says of it."""

    x: float
    y: float
    label: str
    value: str
    begins: object = None
    ends: object = None
    named: bool = False

    @property
    def when(self) -> str:
        """Say for the table which days these are."""
        if self.begins in (None, "now"):
            return "This report" if self.begins else "Before"
        return f"{plain_day(self.begins)} to {plain_day(self.ends)}"

    @property
    def anchor(self) -> str:
        """Return how words at this point stand, so that none leaves the picture."""
        return "start" if self.x <= LEFT + 1 else "end" if self.x >= RIGHT - 1 else "middle"


@dataclass
class Chart:
    points: list
    band: dict | None

    @property
    def line(self) -> str:
        return " ".join(f"{point.x},{point.y}" for point in self.points)


def of(number):
    """Return the picture of a number as it was published, or None where there is nothing to compare it with."""
    rows: list[tuple] = [(None, None, number.get("before"))]
    rows += [(each.get("from"), each.get("to"), each.get("value")) for each in number.get("history") or []]
    rows += [("now", "now", number.get("value"))]
    known = [(begins, ends, amount(value)) for begins, ends, value in rows if value not in (None, "")]
    known = [row for row in known if row[2] is not None]
    if len(known) < 2:
        return None
    ends = [end for end in (amount(number.get("low")), amount(number.get("high"))) if end is not None]
    lowest, highest = min([row[2] for row in known] + ends), max([row[2] for row in known] + ends)
    # From nothing on, unless the change would be too small to see.
    if 0 <= lowest <= highest / 2:
        lowest = lowest * 0
    room = (highest - lowest) or abs(highest) or 1

    def at(value):
        return round(float(BOTTOM - (value - lowest) / room * (BOTTOM - TOP)), 1)

    step = (RIGHT - LEFT) / (len(known) - 1)
    points = [
        Point(round(LEFT + step * place, 1), at(value), label_of(begins, ends_on), figure(value), begins, ends_on)
        for place, (begins, ends_on, value) in enumerate(known)
    ]
    # Few enough to name each; else the first and the last: the table has the others.
    for place, point in enumerate(points):
        point.named = len(points) <= 4 or place in (0, len(points) - 1)
    return Chart(points, band_of(ends, at, number))


def band_of(ends, at, number):
    """Return where the promised range lies. One number alone is a line; “up to” goes down to the ground."""
    if not ends:
        return None
    top = at(max(ends))
    bottom = at(min(ends)) if number.get("low") not in (None, "") else BOTTOM
    return {"y": top, "height": max(round(bottom - top, 1), 2)}


def label_of(begins, ends) -> str:
    if begins is None:
        return "Before"
    if begins == "now":
        return "Now"
    return plain_day(ends)


def plain_day(value) -> str:
    on = as_date(value)
    return f"{on.day} {on:%b}" if on else ""


def kept(number) -> str:
    """Say where a number lies beside what was promised; nothing where that cannot be said."""
    now, low, high = (amount(number.get(name)) for name in ("value", "low", "high"))
    if now is None or (low is None and high is None):
        return ""
    better = number.get("better")
    came_out = promised.lies(now, low, high, better or promised.MORE)
    if came_out == promised.MET:
        return "inside what we promised" if high is not None and high != low else ""
    return (WORDS if better else PLACES)[came_out]
