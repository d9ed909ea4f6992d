"""Whether work touches what was excluded: by the words that both share, whatever their endings."""

import re

WORD = re.compile(r"[^\W\d_]+")
# Words that say nothing of what a thing is.
SMALL = frozenset(
    """
    about additional again all also and another any are before but can each every extra few for from further get
    has have her his how into its keep let make many more most much new not now off old once one only other our out
    own per same set some such than that the their them then there they this too two under until use was way were
    what when where which while who why will with work works you your
    """.split()  # noqa: SIM905
)
# Endings that a word may lose, the longest first, and so many letters that must be left of it.
ENDINGS = (
    "ements",
    "ement",
    "ments",
    "ment",
    "ings",
    "ing",
    "ions",
    "ion",
    "ers",
    "ies",
    "er",
    "ed",
    "es",
    "or",
    "s",
    "e",
    "y",
)
LEFT = 3


def stem(word: str) -> str:
    """Return a word without its ending: "advertise", "advertising" and "advertiser" have one stem."""
    word = word.casefold()
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= LEFT:
            word = word.removesuffix(ending)
            break
    doubled = len(word) > LEFT and word[-1] == word[-2] and word[-1] not in "aeiou"
    return word[:-1] if doubled else word


def stems(words: str) -> dict[str, str]:
    """Return the stems of the words that say what a thing is, each with the word as it stands there."""
    found = [word for word in WORD.findall(words) if len(word) >= LEFT and word.casefold() not in SMALL]
    return {stem(word): word for word in reversed(found)}


def alike(one: str, other: str) -> bool:
    """Whether two stems name the same work, once more or anew: "redesign" is a design."""
    return one == other or one in (f"re{other}", f"re-{other}")


def touches(words: str, exclusion: str) -> list[str]:
    """Return the words that name what was excluded; none where fewer than half of the words of its title are named.

    One word of many is a chance: “Google” alone does not name “Google Ads management”.
    """
    named, said = stems(exclusion), stems(words)
    shared = [said[each] for each in said if any(alike(each, other) for other in named)]
    return shared if shared and 2 * len(shared) >= len(named) else []
