"""What a spreadsheet would calculate is marked where we write a CSV, and read without the mark when it comes back."""

import re

from .forms import UNPRINTABLE

# A formula begins with one of these, narrow or wide, whatever unseen stands before it: at the start of a cell, or where
# a spreadsheet that separates by semicolons begins another.
SIGNS, UNSEEN = "[=+\\-@\uff1d\uff0b\uff0d\uff20]", rf"\s{UNPRINTABLE.pattern[1:-1]}"
CELL = r"(?<=[;\t\r\n])"
# What would be taken for a mark of ours is marked as well: it comes back as it was.
LIVE = re.compile(rf"\A(?=['{UNSEEN}]*{SIGNS})|{CELL}(?=['{UNSEEN}]{{0,20}}{SIGNS})")
MARKED = re.compile(rf"(?:\A|{CELL})'(?=['{UNSEEN}]*{SIGNS})")


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text):
        return text


def safe(text: str) -> str:
    """Return a value that a spreadsheet shows and does not calculate."""
    return LIVE.sub("'", text)


def unmarked(text: str) -> str:
    """Return a value as it was before it was made safe: our own list of refused rows comes back mended."""
    return MARKED.sub("", text) if "'" in text else text
