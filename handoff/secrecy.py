"""Of an access it stands here where the secret is kept, and never the secret itself."""

import re

from opportunities.records import Refused
from portal.secrecy import SECRET, looks_secret

__all__ = ["SECRET", "SENTENCE", "is_no_place", "looks_secret", "refuse"]

SENTENCE = "Write where it is kept, not the secret itself: the vault, and the name of its entry."

# Nobody finds an entry by one word of letters and figures, though it be no password.
NO_PLACE = re.compile(
    r"^\s*(?=\S*[a-z])(?=\S*[0-9])(?!\S*://|1password\b)[^\s/-]{6,}\s*$|(?<![a-z])(?:passwort|kennwort)\s+ist\s",
    re.IGNORECASE,
)


def is_no_place(words) -> bool:
    """Whether words that are to say where a secret is kept are a secret, or lead nowhere."""
    return looks_secret(words) or bool(NO_PLACE.search(words or ""))


def refuse(*words, place=""):
    """Refuse words that a move brings along when one of them looks like a secret, or the `place` like none."""
    if any(map(looks_secret, words)) or is_no_place(place):
        raise Refused([SENTENCE])
