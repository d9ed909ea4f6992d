"""What pages read, one function a page or part. Bounded queries, explicit order, no page by number."""

import re
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery

from .models import Event

PAGE = 50


@dataclass
class Page:
    """One page of a list, and the marks of its neighbours. Marks are ids: a deep page costs what the first does."""

    rows: list
    older: int | None
    newer: bool


def page_of(rows, before=None, size=PAGE) -> Page:
    """Return one page of a queryset, newest first, beginning below the id `before`."""
    rows = rows.order_by("-pk")
    found = list((rows.filter(pk__lt=before) if before else rows)[: size + 1])
    return Page(found[:size], found[size - 1].pk if len(found) > size else None, bool(before))


def matching(rows, words: str):
    """Return the rows whose search column holds every word, each as a beginning.

    PostgreSQL keeps a mail address and a host as one word and splits others at their marks: both ways are asked.
    """
    terms = [term for term in map(term_of, words[:200].lower().split()) if term][:8]
    return rows.filter(search=AsWritten(" & ".join(terms))) if terms else rows


class AsWritten(SearchQuery):
    """A query whose words are looked for as they are written, instead of being split again."""

    template = "(%(expressions)s)::tsquery"


def term_of(word: str) -> str:
    """Return what finds one word: as it was typed, or all of its parts. Empty when nothing in it can be found."""
    parts = re.findall(r"[^\W_]+", word)
    typed = "".join(letter for letter in word if letter.isalnum() or letter in "@.-_+").strip(".-_+@")
    if not parts:
        return ""
    every_part = " & ".join(f"'{part}':*" for part in parts)
    return f"('{typed}':* | ({every_part}))"


def timeline(record, before=None, size=PAGE) -> Page:
    """Return what happened to a record, newest first."""
    return page_of(Event.objects.filter(record.lines).select_related("facts"), before, size)
