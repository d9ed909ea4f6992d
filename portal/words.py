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


# Where a mail program or a browser would begin or end an address: a colon or a full stop between letters.
JOINTS = re.compile(r"(?<=[^\W\d_])(:)(?=\S)|(?<=[^\s.])([.\u3002\uff0e\uff61])(?=[^\W\d_])")
# What is meant as an address of the web or of mail. Initials and titles, such as J.Smith and Dr.med., are none.
ADDRESS = re.compile(r"://|\bwww\.|[^\W_][\w-]+\.(?:[a-z]{2,}|[A-Z]{2,})(?=$|[^\w.-])")


def without_links(text) -> str:
    """Return somebody's words for a mail that goes to others: on one line, and no program makes a link of them."""
    return JOINTS.sub(lambda joint: f"{joint[0]} ", clean(text))


def has_address(text) -> bool:
    return bool(ADDRESS.search(text))


def another_name(known, typed) -> str:
    """Return the name that somebody typed where it is not the one by which we know them."""
    return "" if clean(known).casefold() == clean(typed).casefold() else clean(typed)


def shares_no_word(known, typed) -> bool:
    """Whether a name that was typed may be somebody else's: an initial is no word."""
    return not words_of(known) & words_of(typed)


def words_of(name) -> set:
    return {word for word in re.split(r"[\W_]+", clean(name).casefold()) if len(word) > 1 or not word.isascii()} - {""}
