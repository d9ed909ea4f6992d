"""What words for clients may hold at all: plain text, whoever types it."""

import re

from django.core.exceptions import ValidationError

# The beginning of a mark of HTML: "a < b" and "<3" are none.
MARK_UP = re.compile(r"<[/!]?[a-z][^<>]{0,200}>?|<!--", re.IGNORECASE)


def plain_words(value):
    """Refuse HTML: clients would read the marks themselves."""
    if found := MARK_UP.search(value or ""):
        raise ValidationError(f"Write plain words: take out “{found.group()[:40]}”.", code="markup")
