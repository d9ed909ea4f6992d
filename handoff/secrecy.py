"""Of an access it stands here where the secret is kept, and never the secret itself."""

from opportunities.records import Refused
from portal.secrecy import SECRET, looks_secret

__all__ = ["SECRET", "SENTENCE", "looks_secret", "refuse"]

SENTENCE = "Write where it is kept, not the secret itself: the vault, and the name of its entry."


def refuse(*words):
    """Refuse words that a move brings along when one of them looks like a secret."""
    if any(map(looks_secret, words)):
        raise Refused([SENTENCE])
