"""How typed text is cleaned before anybody reads it."""

import re
import unicodedata

# Marks that nobody sees, and that turn the direction of text: they can make a name or an address read as another.
DIRECTION_MARKS = set("\u200b\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text, lines=False):
    """Drop control and direction marks and lone surrogates; keep line breaks only where `lines` are wanted."""
    text = str(text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (c for c in text if c == "\n" or (c not in DIRECTION_MARKS and unicodedata.category(c) not in ("Cc", "Cs")))
    text = "".join(kept)
    return text.strip() if lines else re.sub(r"\s+", " ", text).strip()
