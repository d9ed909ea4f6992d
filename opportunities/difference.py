"""What went and what came between two texts, word by word."""

import re
from difflib import SequenceMatcher

WORDS = re.compile(r"\s+|[^\s]+")


def changes(old, new) -> list[tuple[str, str]]:
    """Return the pieces of two texts in order: ("=", …) stands in both, ("-", …) went, ("+", …) came."""
    before, after = WORDS.findall(old), WORDS.findall(new)
    pieces = []
    for how, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if how == "equal":
            pieces.append(("=", "".join(before[a:b])))
            continue
        pieces += [(sign, "".join(words)) for sign, words in (("-", before[a:b]), ("+", after[c:d])) if words]
    return pieces
