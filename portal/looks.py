"""What can be read of the agency's colour, and where its logo is: the same for pages, mails and papers."""

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation

# The ground of a page. White is lighter still: what can be read on this can be read on paper, and white on it.
PAPER = "#fbfaf7"


def static_file(name):
    """Return the path of a file below static/, or nothing."""
    try:
        return finders.find(name)
    except SuspiciousFileOperation:
        return None


def contrast(one, other) -> float:
    """Return how a colour stands out against another, as WCAG 2 counts it."""
    light = [luminance(one), luminance(other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


def luminance(colour) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
