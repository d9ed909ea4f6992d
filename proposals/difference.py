"""What changed, as people read it: rows added, removed, changed and moved, and within a row the words that did."""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import formats
from django.utils.text import Truncator, capfirst

from opportunities import difference as words
from opportunities.days import read_day
from opportunities.models import Contact, Evidence
from opportunities.money import MoneyField, figure, money

from . import approvals
from .models import Approval, Claim, Clause, Contract, Milestone, PriceLine, Proposal, ScopeItem, Service, Summary
from .models.service import ScopeKind

# Of which records an aspect speaks, and which rows stand in its lists, each with the word for one of them.
SAID_BY = {"contract": Contract, "summary": Summary}
ROWS: dict[str, tuple[type[models.Model], str]] = {
    "scope": (ScopeItem, "Scope"),
    "timeline": (Milestone, "Timeline"),
    "prices": (PriceLine, "Price"),
    "claims": (Claim, "Claim"),
    "clauses": (Clause, "Clause"),
}
# The order in which a person reads; what is not here comes last.
READING = [
    *("title", "intro", "words", "kind", "text", "scope", "timeline", "prices", "claims", "clauses"),
    *("recurring", "quantity", "unit_price", "discount", "tax"),
]
# What names a row, the first of these that it has; and how like it another must be to be the same row, changed.
NAMES = ("title", "clause", "text")
ALIKE = 0.5
# So many rows that went and came are compared with each other; beyond, all of them just went and came.
MOST_PAIRS = 10_000
DIGEST = re.compile(r"[0-9a-f]{64}")
NOTHING = (None, "", [], {})
# What is not worth a line in a row that is told whole.
IDLE = (*NOTHING, False, "0.00")


# -- What a difference is made of. -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One field: what it said, what it says, and both in pieces: "=" stands in both, "-" went, "+" came."""

    name: str
    old: str
    new: str
    pieces: tuple[tuple[str, str], ...]

    @property
    def before(self) -> list:
        return [piece for piece in self.pieces if piece[0] != "+"]

    @property
    def after(self) -> list:
        return [piece for piece in self.pieces if piece[0] != "-"]


@dataclass(frozen=True)
class Part:
    """A row that was added, removed, changed or moved, or a field of the whole that changed.

    `was` and `now` are what the content held; `place` is where the row stands in the new list, from 1.
    """

    how: str
    what: str
    title: str
    changes: tuple[Change, ...] = ()
    moved: str = ""
    key: str = ""
    was: object = None
    now: object = None
    place: int = 0

    SIGNS = {"added": "+", "removed": "−", "changed": "±", "moved": "↕"}

    @property
    def sign(self) -> str:
        return self.SIGNS[self.how]


# -- What changed. -----------------------------------------------------------------------------------------------------


def between(aspect, old, new) -> list[Part]:
    """Return what changed between two contents of an aspect, as `approvals.content` gives them."""
    speaker = Speaker(SAID_BY.get(aspect, Proposal), old, new)
    parts = []
    for name in in_order({**old, **new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if holds_rows(before) or holds_rows(after):
            parts += rows_between(speaker, name, before or [], after or [])
        else:
            parts += fields_between(speaker, name, before, after)
    return parts


def of_revisions(old, new) -> list[Part]:
    """Return what changed between two revisions of a proposal, whichever is the newer."""
    revisions = {each.pk: each for each in with_rows(Proposal.objects.filter(pk__in=[old.pk, new.pk]))}
    return between("proposal", *(whole(revisions[each.pk]) for each in (old, new)))


def with_rows(proposals):
    """Read proposals along with everything that their content is made of."""
    return proposals.prefetch_related("scope_items", "milestones__depends_on", "price_lines", "claims__evidence")


def whole(proposal) -> dict:
    """Return everything that a proposal says, whichever aspect it belongs to."""
    said: dict = {}
    for aspect in proposal.ASPECTS:
        said |= approvals.content(aspect, proposal)
    return said


def changes(old, new) -> list[dict]:
    """Return what changed as lines of plain text, each with the sign of what went or came."""
    aspect = "contract" if "clauses" in new else "summary" if "words" in new else "proposal"
    lines = []
    for part in between(aspect, old, new):
        name = f"{part.what}: {part.title}" if part.title else part.what
        if part.how in ("added", "removed") and part.title:
            said = [f"{each.name} {each.new or each.old}" for each in part.changes]
            lines.append({"sign": "+" if part.how == "added" else "-", "words": "; ".join([name, *said])})
            continue
        for each in part.changes:
            spoken = f"{name}, {each.name}" if part.title else name
            lines += [{"sign": "-", "words": f"{spoken}: {each.old}"}] if each.old else []
            lines += [{"sign": "+", "words": f"{spoken}: {each.new}"}] if each.new else []
        if part.moved:
            lines.append({"sign": "+", "words": f"{name}, moved {part.moved}"})
    return lines


def given_before(approval, user=None):
    """Return the last approval of the same aspect that was given, of this record or of an earlier revision.

    Where `user` gave one, their own comes before anybody's.
    """
    given = Approval.objects.filter(same_record(approval), aspect=approval.aspect, pk__lt=approval.pk)
    given = given.filter(decided_at__isnull=False).exclude(stage__in=["rejected", "changes_requested"])
    mine = models.Case(models.When(decided_by=user, then=0), default=1) if user else models.Value(1)
    return given.select_related("decided_by", "proposal").order_by(mine, "-pk").first()


def decided_before(approval):
    """Return the decisions on the same aspect of the same record, the last first."""
    rows = Approval.objects.filter(same_record(approval), aspect=approval.aspect, decided_at__isnull=False)
    return rows.exclude(pk=approval.pk).select_related("decided_by", "proposal", "contract").order_by("-decided_at")


def same_record(approval) -> models.Q:
    """Say which approvals are of the same record: of a proposal every revision, of a contract those voided before."""
    if approval.proposal_id:
        return models.Q(proposal__number=approval.proposal.number)
    if approval.contract_id:
        return models.Q(contract__isnull=False, opportunity=approval.opportunity_id)
    return models.Q(summary=approval.summary_id)


# -- Rows. -------------------------------------------------------------------------------------------------------------


def holds_rows(value) -> bool:
    return isinstance(value, list) and any(isinstance(row, dict | list) for row in value)


def as_row(value) -> dict:
    """Return a row as names and values. A clause is kept as its id and its words."""
    if isinstance(value, dict):
        return value
    return {"clause": value[0], "text": value[-1]} if isinstance(value, list) and value else {"text": value}


def kinds(row) -> str:
    """Return among which rows a row has its place."""
    return str(row.get("kind", "")) if "title" in row else ""


def kind_first(row) -> int:
    """Read what is included before what is not, as the proposal does."""
    return ScopeKind.values.index(kinds(row)) if kinds(row) in ScopeKind.values else 0


def rows_between(speaker, name, before, after) -> list[Part]:
    """Return the rows that went, came, changed or moved, in the order in which they stand now."""
    old, new = (sorted(map(as_row, rows), key=kind_first) for rows in (before, after))
    pairs = paired(old, new)
    stays = in_line([(a, b) for b, a in sorted(pairs.items()) if kinds(old[a]) == kinds(new[b])])
    parts = [speaker.gone(name, row) for a, row in enumerate(old) if a not in pairs.values()]
    for b, row in enumerate(new):
        if b not in pairs:
            parts.append(speaker.came(name, row, b + 1))
            continue
        a = pairs[b]
        moves = (a, b) not in stays and kinds(old[a]) == kinds(row)
        moved = f"from place {place_in(old, a)} to place {place_in(new, b)}" if moves else ""
        if content_of(old[a]) != content_of(row) or moved:
            parts.append(speaker.changed(name, old[a], row, moved, b + 1))
    return parts


def place_in(rows, index) -> int:
    """Return the place of a row among those of its kind, from 1."""
    return sum(kinds(row) == kinds(rows[index]) for row in rows[: index + 1])


def content_of(row) -> dict:
    """Return what a row says, without its place: that is told apart."""
    return {name: value for name, value in row.items() if name != "position"}


def paired(old, new) -> dict[int, int]:
    """Return for rows of the new list which row of the old one they were.

    First those that say the same, then those of the same name, then whichever names are most alike.
    """
    pairs: dict[int, int] = {}
    for same in (content_of, lambda row: (kinds(row), name_of(row)), name_of):
        waiting: dict[str, list[int]] = {}
        for a, row in enumerate(old):
            if a not in pairs.values():
                waiting.setdefault(repr(same(row)), []).append(a)
        for b, row in enumerate(new):
            if b not in pairs and (found := waiting.get(repr(same(row)))):
                pairs[b] = found.pop(0)
    went = [a for a in range(len(old)) if a not in pairs.values()]
    came = [b for b in range(len(new)) if b not in pairs]
    if len(went) * len(came) > MOST_PAIRS:
        return pairs
    likeness = [(alike(old[a], new[b]), -a, -b) for a in went for b in came]
    for score, a, b in sorted(likeness, reverse=True):
        if score >= ALIKE and -b not in pairs and -a not in pairs.values():
            pairs[-b] = -a
    return pairs


def name_of(row) -> str:
    return str(next((row[name] for name in NAMES if row.get(name) not in NOTHING), ""))


def alike(old, new) -> float:
    before, after = name_of(old).split(), name_of(new).split()
    return SequenceMatcher(None, before, after, autojunk=False).ratio() if before and after else 0.0


def in_line(pairs) -> set[tuple[int, int]]:
    """Return the most pairs that stand in the same order in both lists. `pairs` come in the order of the new one."""
    ends: list[int] = []
    best: list[list[tuple[int, int]]] = []
    for pair in pairs:
        place = bisect_left(ends, pair[0])
        chain = [*(best[place - 1] if place else []), pair]
        ends[place : place + 1], best[place : place + 1] = [pair[0]], [chain]
    return set(best[-1]) if best else set()


# -- Fields. -----------------------------------------------------------------------------------------------------------


def fields_between(speaker, name, before, after) -> list[Part]:
    """Return a field of the whole that changed; of one that has parts, each part that did."""
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before or {}, after or {}
        return [
            part
            for inner in {**old, **new}
            if old.get(inner) != new.get(inner)
            for part in fields_between(speaker, f"{inner} of the {name}", old.get(inner), new.get(inner))
        ]
    change = speaker.change(speaker.model, name, before, after)
    how = "added" if before in NOTHING else "removed" if after in NOTHING else "changed"
    return [Part(how, change.name, "", (change,), key=name, was=before, now=after)]


def in_order(names) -> list[str]:
    """Sort the names of fields as a person reads them."""
    return sorted(names, key=lambda name: (READING.index(name) if name in READING else 99, name == "evidence"))


# -- In words. ---------------------------------------------------------------------------------------------------------


class Speaker:
    """Says the values of two contents. What they point to is read once for both."""

    def __init__(self, model, old, new):
        self.model, self.contents = model, (old, new)
        self.known: dict[str, dict] = {}

    # -- Rows. --

    def came(self, name, row, place) -> Part:
        said = self.fields(name, {}, row)
        return Part("added", self.what(name, row), self.title(row), said, key=name, now=row, place=place)

    def gone(self, name, row) -> Part:
        return Part("removed", self.what(name, row), self.title(row), self.fields(name, row, {}), key=name, was=row)

    def changed(self, name, old, row, moved, place) -> Part:
        said = self.fields(name, old, row)
        how = "changed" if said else "moved"
        return Part(how, self.what(name, row), self.title(row), said, moved, key=name, was=old, now=row, place=place)

    def fields(self, name, old, new) -> tuple[Change, ...]:
        """Return the fields of a row that say something else. A row that came or went is named by its title."""
        whole_row = not (old and new)
        skip = {"position", *((self.titled(old or new),) if whole_row else ())}
        skip |= {"kind"} if whole_row and "title" in (old or new) else set()
        model = ROWS.get(name, (self.model, ""))[0]
        said = []
        for field in in_order({**old, **new}):
            before, after = old.get(field), new.get(field)
            empty = before in IDLE and after in IDLE
            if field not in skip and before != after and not (whole_row and empty):
                said.append(
                    self.change(model, field, before, after, absent="old" if not old else "new" if not new else "")
                )
        return tuple(said)

    def what(self, name, row) -> str:
        """Return the word for a row: the kind of a row of scope, else what its list holds."""
        model, word = ROWS.get(name, (self.model, capfirst(name.replace("_", " "))))
        return self.say(model, "kind", row["kind"]) if model is ScopeItem and row.get("kind") else word

    def titled(self, row) -> str:
        return next((name for name in NAMES if row.get(name) not in NOTHING), "")

    def title(self, row) -> str:
        field = self.titled(row)
        if not field:
            return "without a name"
        said = self.say(self.model, field, row[field]) if field == "clause" else str(row[field])
        return Truncator(said).chars(160)

    # -- Fields. --

    def change(self, model, name, before, after, absent="") -> Change:
        """Return how one field changed: words one by one where a person wrote them, anything else as a whole."""
        if is_digest(before) or is_digest(after):
            old, new = ("", "") if absent else ("as it was", "as it is now")
        else:
            old = "" if absent == "old" else self.say(model, name, before, which=0)
            new = "" if absent == "new" else self.say(model, name, after, which=1)
        if is_prose(model, name) and old and new:
            pieces = tuple(words.changes(old, new))
        else:
            pieces = tuple((sign, said) for sign, said in (("-", old), ("+", new)) if said)
        return Change(self.label(model, name), old, new, pieces)

    def label(self, model, name) -> str:
        own = {"evidence": "Proof", "chosen": "What the client chose", "clause": "Clause", "text": "Words"}
        own |= {"signer_id": "Who signs for the client", "signatories": "Who signs, in this order"}
        if name in own and not (name == "text" and model in (ScopeItem, Milestone)):
            return own[name]
        field = field_of(model, name)
        return capfirst(str(field.verbose_name) if field is not None else name.replace("_", " "))

    def say(self, model, name, value, which=1) -> str:
        """Say a value as screens do: money with its currency, days as days, a choice by its words, never its id."""
        if value in NOTHING:
            return "no proof" if name == "evidence" else ""
        if name in LOOKED_UP:
            return self.looked_up(name, value)
        if isinstance(value, list):
            return "; ".join(self.say(model, "", each, which) for each in value)
        if isinstance(value, dict):
            return "; ".join(f"{capfirst(key)}: {self.say(model, '', each, which)}" for key, each in value.items())
        field = field_of(model, name)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if field is not None and value in dict(field.flatchoices):
            return str(dict(field.flatchoices)[value])
        if isinstance(field, MoneyField):
            return money(value, self.contents[which].get("currency", ""))
        if isinstance(field, models.DecimalField):
            return figure(value)
        if name == "record_type":
            return str(apps.get_model(value)._meta.verbose_name)
        on = read_day(value) if isinstance(value, str) and not is_prose(model, name) else None
        if on:
            return formats.date_format(on, "D j M Y")
        return str(value)

    def looked_up(self, name, value) -> str:
        model, say = LOOKED_UP[name]
        if name not in self.known:
            # What neither content points to any more was taken out since.
            pks = {pk for said in self.contents for pk in pointed(said, name)}
            rows = model._base_manager.filter(pk__in=pks)
            rows = rows.select_related("client") if model is Contact else rows
            self.known[name] = {row.pk: say(row) for row in rows}
        found = [self.known[name].get(pk, "a row that was taken out") for pk in as_list(value)]
        return "; ".join(found)


def said_evidence(evidence) -> str:
    return f"{evidence}, {evidence.provider}, version {evidence.version}"


LOOKED_UP: dict[str, tuple[type[models.Model], Callable[[Any], str]]] = {
    "evidence": (Evidence, said_evidence),
    "service_id": (Service, str),
    "signer_id": (Contact, str),
    "signatories": (Contact, str),
    "chosen": (PriceLine, str),
    "clause": (Clause, str),
}


def pointed(value, name):
    """Yield the ids that a content holds under a name, in its rows too."""
    rows = [value, *(as_row(row) for each in value.values() if isinstance(each, list) for row in each if row)]
    for row in rows:
        yield from as_list(row.get(name))


def as_list(value) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def field_of(model, name):
    """Return the field of a record by the name that its content has for it, or None."""
    try:
        field = model._meta.get_field(name.removesuffix("_id"))
    except FieldDoesNotExist:
        return None
    return field if hasattr(field, "flatchoices") else None


def is_prose(model, name) -> bool:
    """Whether a field holds words that a person wrote, to be compared one by one."""
    if name == "text":
        return True
    field = field_of(model, name)
    return isinstance(field, models.CharField | models.TextField) and not field.flatchoices


def is_digest(value) -> bool:
    return isinstance(value, str) and bool(DIGEST.fullmatch(value))
