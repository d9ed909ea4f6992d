"""What pages read, one function a page or part. Bounded queries, explicit order, no page by number."""

import re
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery
from django.db.models import BooleanField, ExpressionWrapper, F, Q

from .models import Event, Evidence

PAGE = 50


@dataclass
class Page:
    """One page of a list, and the marks of its neighbours. Marks are ids: a deep page costs what the first does."""

    rows: list
    older: int | None
    newer: bool

    @classmethod
    def cut(cls, found, before, size, **more):
        """Return the page of what was found below `before`: one row more than it shows says that it goes on."""
        return cls(found[:size], found[size - 1].pk if len(found) > size else None, bool(before), **more)


def page_of(rows, before=None, size=PAGE) -> Page:
    """Return one page of a queryset, newest first, beginning below the id `before`."""
    rows = rows.order_by("-pk")
    return Page.cut(list((rows.filter(pk__lt=before) if before else rows)[: size + 1]), before, size)


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


@dataclass
class Timeline(Page):
    """One page of what happened to a record, and every line by which it came to a stage, oldest first."""

    stages: list


def came_to_a_stage(record) -> Q:
    """Return the condition for the lines by which a record came to a stage: its birth and its moves."""
    came = ~Q(stage_to="") & ~Q(stage_from=F("stage_to")) & (~Q(stage_from="") | Q(verb__endswith=".create"))
    return came & Q(record_type=record.label(), record_id=record.pk)


def stages_of(record):
    return Event.objects.filter(came_to_a_stage(record))


def timeline(record, before=None, size=PAGE) -> Timeline:
    """Return what happened to a record, newest first. Its stages are read along: most pages show both."""
    lines = Event.objects.filter(record.lines)
    newest = (lines.filter(pk__lt=before) if before else lines).order_by("-pk").values("pk")[: size + 1]
    both = Event.objects.filter(pk__in=newest.union(stages_of(record).order_by().values("pk")))
    is_stage = ExpressionWrapper(came_to_a_stage(record), BooleanField())
    found = list(both.annotate(is_stage=is_stage).select_related("facts").order_by("-pk"))
    below = [line for line in found if not before or line.pk < before]
    return Timeline.cut(below, before, size, stages=[line for line in found[::-1] if line.is_stage])


# What people say and write down in passing.
NOTES = ("note", "objection", "unwrittenpromise")
# What an opportunity's story can be narrowed to.
KINDS = {
    "moves": ("Moves", ~Q(stage_from="") & ~Q(stage_from=F("stage_to"))),
    "edits": ("Edits", Q(verb__endswith=".edit") | Q(verb__contains=".row_")),
    "tasks": ("Tasks", Q(record_type="opportunities.task")),
    "messages": ("Messages", Q(record_type="opportunities.message")),
    "notes": ("Notes and objections", Q(record_type__in=[f"opportunities.{kind}" for kind in NOTES])),
    "client": ("What the client did", Q(actor_kind="contact")),
}
# How far back the people are looked for whom a story can be narrowed to.
LATELY = 200
STORY = 25


@dataclass
class Story(Page):
    """One page of a story, what it is narrowed to, and to what it could be."""

    kind: str
    who: str
    people: list


def story(opportunity, *, kind="", who="", before=None, size=STORY) -> Story:
    """Return what happened to an opportunity, to its leads and to its client, newest first.

    Each diary gives its newest lines by its own index, so a page costs the same however long the diaries are.
    """
    diaries = opportunity.diaries()
    people = [(name, name) for name in people_in(diaries)]
    kind = kind if kind in KINDS else ""
    who = who if who in dict(people) else ""
    only = Q()
    if kind:
        only &= KINDS[kind][1]
    if who:
        only &= Q(actor_name=who)
    if before:
        only &= Q(pk__lt=before)
    rows = Event.objects.filter(pk__in=newest_of(diaries, only, size + 1)).select_related("facts").order_by("-pk")
    return Story.cut(list(rows[: size + 1]), before, size, kind=kind, who=who, people=people)


def newest_of(diaries, only, size):
    """Return the ids of the newest lines of each diary that a condition lets through."""
    first, *others = [Event.objects.filter(only, diary=pk).order_by("-pk").values("pk")[:size] for pk in diaries]
    return first.union(*others, all=True) if others else first


def people_in(diaries) -> list[str]:
    """Return who wrote in these diaries of late, by name."""
    rows = Event.objects.filter(pk__in=newest_of(diaries, Q(), LATELY))
    return sorted(set(rows.values_list("actor_name", flat=True).distinct()))


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
