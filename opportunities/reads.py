"""What pages read, one function a page or part. Bounded queries, explicit order, no page by number."""

from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery

from .models import Event, Evidence

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
    """Return the rows whose search column holds every word, the last one as a beginning."""
    terms = ["".join(ch for ch in word if ch.isalnum() or ch in "-_") for word in words[:200].split()]
    terms = [term for term in terms if term][:8]
    if not terms:
        return rows
    query = SearchQuery(" & ".join(f"'{term}':*" for term in terms), search_type="raw", config="simple")
    return rows.filter(search=query)


def timeline(record, before=None, size=PAGE) -> Page:
    """Return what happened to a record, newest first."""
    return page_of(Event.objects.filter(record.lines).select_related("facts"), before, size)


# More than this on one page is a database, and its list shows it better.
MOST_EVIDENCE = 200


def evidence_of(audit) -> tuple[list, bool]:
    """Return the newest versions of an audit's evidence, each with the `earlier` ones, and whether there are more."""
    versions = audit.evidence.select_related(*Evidence.TOLD_WITH).order_by(
        "provider", "subject", "metric", "-version", "pk"
    )
    newest, earlier = [], {}
    for one in versions[: MOST_EVIDENCE * 2]:
        earlier.setdefault(one.key, [])
        if hasattr(one, "corrected_by"):
            earlier[one.key].append(one)
        else:
            newest.append(one)
    for one in newest:
        one.earlier = earlier[one.key]
    return newest[:MOST_EVIDENCE], len(newest) > MOST_EVIDENCE
