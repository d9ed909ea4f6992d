"""How a number came out beside what was promised of it: the one place that knows that less can be better."""

MORE, LESS = "more", "less"
SHORT, MET, OVER = "short", "met", "over"


def lies(value, low, high, better=MORE) -> str:
    """Return whether a value falls short of a range, meets it, or is better than it. One number is met from there on.

    Where less is better the range is read from its other end: 1.6 s is better than 2 to 2.5 s, and 6 s falls short.
    """
    if better == LESS:
        high = low if high is None else high
        value, low, high = -value, -high if high is not None else None, -low if low is not None else None
    if low is not None and value < low:
        return SHORT
    return OVER if high is not None and value > high and high != low else MET
