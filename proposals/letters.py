"""The letters of a text as they are read, whatever they are made of: what lint compares, and where each was written."""

import re
import unicodedata

# What nobody sees between two letters: a soft hyphen, what is of no width, what turns the letters around it.
HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# A word as it is read: an apostrophe or an accent in it parts nothing.
JOINED = "'’\u0300-\u036f"
WORD = re.compile(rf"[^\W_](?:[^\W_]|[{JOINED}])*")
CYRILLIC = dict(zip("авекмнорстухіјѕһԁԛԝӏАВЕКМНОРСТУХІЈЅҺԚԜӀ", "abekmhopctyxijshdqwlABEKMHOPCTYXIJSHQWI", strict=True))
GREEK = dict(zip("αεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeiknoptuxwABEZHIKMNOPTYX", strict=True)) | {"ν": "v"}
FOREIGN = re.compile(f"[{''.join(CYRILLIC | GREEK)}]")
OURS = re.compile(r"[A-Za-z]")
# Letters of another alphabet that look like ours.
ALIKE = str.maketrans(CYRILLIC | GREEK | {"ɑ": "a", "ɡ": "g", "ı": "i"})
# What is parted by a hyphen, at the end of a line or within one.
PARTED = re.compile(r"\b[^\W\d_]+(?:[-\u2010](?:[^\S\n]*\n\s*)?[^\W\d_]+)+")
HYPHEN = re.compile(r"[-\u2010](?:[^\S\n]*\n\s*)?")


class Folded(dict):
    """Each letter as it is read: of full width, bold, or a small sign is the plain one; what nobody sees is nothing."""

    def __missing__(self, code):
        letter = chr(code)
        # A small number above a word is a note's, and an accent that stands alone needs no place of its own.
        above = unicodedata.decomposition(letter).startswith(("<super>", "<sub>"))
        plain = letter if above else unicodedata.normalize("NFKC", letter)
        hidden = HIDDEN.match(letter)
        self[code] = "" if hidden else letter if plain[:1] == " " != letter and len(plain) > 1 else plain
        return self[code]


class Gaps(dict):
    """What stands between words becomes a gap, letter by letter: many times as quick as to look for the words."""

    def __missing__(self, code):
        letter = chr(code)
        joins = letter in "'’" or 0x300 <= code <= 0x36F
        plain = FOLDED[code].translate(ALIKE)
        self[code] = "" if joins else "".join(each if each.isalnum() else " " for each in plain)
        return self[code]


FOLDED, GAPS = Folded(), Gaps()


def words_of(text) -> list[str]:
    return text.translate(GAPS).casefold().split()


def plain_word(word) -> str:
    return word.translate(GAPS).casefold()


def plain(text) -> str:
    """Return a text as it is read, all in our letters."""
    return text if text.isascii() else text.translate(FOLDED).translate(ALIKE)


def as_seen(text) -> tuple[str, list | None]:
    """Return a text as it is seen, and where each letter of it was written; None where each stands in its place."""
    if text.isascii():
        return text, None
    seen = text.translate(FOLDED)
    if seen == text:
        return text, None
    return seen, [place for place, letter in enumerate(text) for _ in FOLDED[ord(letter)]]


def joined(text, keep=None) -> tuple[str, list | None]:
    """Return a text with its parted words in one, and where each letter stood; None where no word is parted.

    `keep` says of the beginning of a word that it stays apart from what follows.
    """
    if not HYPHEN.search(text):
        return text, None
    drop = [
        hyphen.span()
        for word in PARTED.finditer(text)
        if not (keep and keep.match(word.group()))
        for hyphen in HYPHEN.finditer(text, *word.span())
    ]
    if not drop:
        return text, None
    gone = {place for start, end in drop for place in range(start, end)}
    places = [place for place in range(len(text)) if place not in gone]
    return "".join(text[place] for place in places), places


def mixed(text):
    """Yield the words that are written in letters of two alphabets: they only look like what they seem to say."""
    if text.isascii():
        return
    for word in WORD.finditer(text):
        if FOREIGN.search(word.group()) and OURS.search(word.group()):
            yield word
