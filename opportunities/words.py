"""What words for clients may hold at all: plain text, whoever types it."""

import re

from django.core.exceptions import ValidationError

# The beginning of a mark of HTML: "a < b" and "<3" are none, and neither is an address between such signs.
ADDRESS = r"(?:https?://|mailto:)[^\s<>]+>|[\w.+-]+@[\w.-]+>"
MARK_UP = re.compile(rf"<(?!{ADDRESS})[/!]?[a-z][^<>]{{0,200}}>?|<!--", re.IGNORECASE)


def plain_words(value):
    """Refuse HTML: clients would read the marks themselves."""
    if found := MARK_UP.search(value or ""):
        raise ValidationError(f"Write plain words: take out “{found.group()[:40]}”.", code="markup")


def plain_parts(value):
    """Refuse HTML in any of the words that a list or a row holds."""
    if isinstance(value, str):
        plain_words(value)
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            plain_parts(part)
