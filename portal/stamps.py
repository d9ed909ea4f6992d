"""How a page remembers when it was shown: people need a moment, machines do not."""

import time

from django.core import signing

SALT = "portal.stamp"


def stamp(**kept):
    """Sign the present moment, and whatever else the form should bring back unchanged."""
    return signing.dumps({"at": time.time(), **kept}, salt=SALT)


def read(text):
    """Return what a stamp holds, or nothing if it was not made here."""
    try:
        return signing.loads(text or "", salt=SALT)
    except (signing.BadSignature, ValueError):
        return None


def was_quick(text, seconds):
    """Whether less than `seconds` passed since the page was shown, as with a machine."""
    held = read(text)
    return held is None or time.time() - held["at"] < seconds
