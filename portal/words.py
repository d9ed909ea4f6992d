"""How typed text is cleaned before anybody reads it."""

import re
import unicodedata

# Marks that nobody sees, and that turn the direction of text: they can make a name or an address read as another.
DIRECTION_MARKS = set("\u200b\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# What is seen nowhere either, without being a mark of format: fillers of Hangul, joiners and selectors of shapes.
UNSEEN = {*"\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0", *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10)))}
UNSEEN |= set(map(chr, range(0xE0100, 0xE01F0)))
FORMAT = ("Cf", "Cn", "Co", "Zl", "Zp")


def clean(text, lines=False):
    """Drop control and direction marks and lone surrogates; keep line breaks only where `lines` are wanted."""
    text = str(text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (c for c in text if c == "\n" or (c not in DIRECTION_MARKS and unicodedata.category(c) not in ("Cc", "Cs")))
    text = "".join(kept)
    return text.strip() if lines else re.sub(r"\s+", " ", text).strip()


def clean_name(text):
    """Clean a name or a role, and drop whatever nobody sees in it besides: it says who somebody is."""
    return clean("".join(c for c in str(text) if c not in UNSEEN and unicodedata.category(c) not in FORMAT))


def has_letter(text) -> bool:
    return any(unicodedata.category(c).startswith("L") for c in text)
