"""How much of a proposal rests on proof: a badge for each row that needs some, and promises that no claim makes."""

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, Subquery, Value, prefetch_related_objects
from django.db.models.functions import Coalesce, Lower, Trim
from django.utils import formats, timezone
from django.utils.text import Truncator

from opportunities.models import Audit, Evidence
from opportunities.records import Lack

from . import letters, lint, promises

# What a badge reads along with a version of evidence.
READ_WITH = ("audit", "corrected_by", "withdrawal")
WITH_PROOF = ("evidence", *(f"evidence__{name}" for name in READ_WITH))
# The first that holds of any version under a row is the state of the row.
WORST_FIRST = ("withdrawn", "replaced", "unverified", "stale", "proven")


def said_day(value) -> str:
    return formats.date_format(timezone.localtime(value), "j M Y")


# -- Whether a version of evidence counts. -----------------------------------------------------------------------------


def state_of(evidence) -> str:
    """Return how a version of evidence stands under a row: proven, or why it does not count."""
    standing = evidence.standing
    if standing in ("withdrawn", "replaced"):
        return standing
    if evidence.audit.stage != "verified":
        return "unverified"
    return "stale" if standing == "stale" else "proven"


def evidence_falls_because(evidence) -> str:
    """Return why a piece of evidence does not count now, or nothing."""
    reasons = {
        "withdrawn": "it was withdrawn.",
        "replaced": "a newer version stands in for it.",
        "unverified": f"the audit “{evidence.audit}” is {evidence.audit.get_stage_display().lower()}.",
        "stale": f"it counted until {said_day(evidence.fresh_until)}.",
    }
    return reasons.get(state_of(evidence), "")


def falls_because(record) -> str:
    """Return why a record under words for a client does not count now, or nothing. What is no proof always counts."""
    if isinstance(record, Evidence):
        return evidence_falls_because(record)
    if isinstance(record, Audit):
        fell = record.stage in (Audit.Stage.STALE, Audit.Stage.WITHDRAWN)
        return f"the audit “{record}” is {record.get_stage_display().lower()}." if fell else ""
    reason = record.unsupported_because() if hasattr(record, "unsupported_because") else ""
    return reason and f"nothing that counts is under the claim “{record}”."


def counts(path="") -> Q:
    """Return in SQL what `state_of` calls proven, of the evidence at the end of a path."""
    rules = {"withdrawal": None, "corrected_by": None, "audit__stage": "verified", "fresh_until__gt": timezone.now()}
    return Q(**{f"{path}{name}": value for name, value in rules.items()})


# -- The badges. -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Badge:
    """How the proof under one row stands.

    `state` is proven, stale, withdrawn, replaced, unverified (its audit is not verified) or missing. `words` say it;
    the rest says what was measured, by whom and when, where there is evidence at all.
    """

    state: str
    words: str
    url: str = ""
    provider: str = ""
    value: str = ""
    on: str = ""
    days_left: int | None = None
    # How many other versions the row rests on; this one stands worst.
    others: int = 0

    @property
    def is_proven(self) -> bool:
        return self.state == "proven"

    @property
    def look(self) -> str:
        """Return the name of its shape: what ages soon looks as it does on the page of the audit."""
        near = self.is_proven and self.days_left is not None and self.days_left < 14
        return "aging" if near else "fresh" if self.is_proven else self.state

    @property
    def proof(self) -> str:
        """Say what was measured: “Lighthouse, 6.8 s, 22 Nov 2026”."""
        return ", ".join(part for part in (self.provider, self.value, self.on) if part)

    def __str__(self):
        return f"{self.proof}: {self.words}" if self.proof else self.words


def badge_of_evidence(evidence, others=0) -> Badge:
    state = state_of(evidence)
    return Badge(
        state,
        words_for(state, evidence),
        evidence.staff_url(),
        evidence.provider,
        evidence.shown_value,
        said_day(evidence.captured_at),
        max(evidence.days_left, 0),
        others,
    )


def words_for(state, evidence) -> str:
    if state == "withdrawn":
        return "withdrawn"
    if state == "replaced":
        return f"replaced by version {evidence.corrected_by.version}"
    if state == "unverified":
        return f"not verified, its audit is {evidence.audit.get_stage_display().lower()}"
    if state == "stale":
        return f"aged, counted until {said_day(evidence.fresh_until)}"
    days = evidence.days_left
    return "ages today" if days < 1 else f"{days} day{'' if days == 1 else 's'} left"


def badge_of(row) -> Badge:
    """Return the badge of a row. Read the row with its evidence, or each asks the database by itself."""
    versions = proof_of(row)
    if not versions:
        return Badge("missing", "no proof")
    worst = min(versions, key=lambda version: WORST_FIRST.index(state_of(version)))
    badge = badge_of_evidence(worst, len(versions) - 1)
    if badge.is_proven and (lack := row.lacks_besides_proof(versions)):
        return Badge("missing", lack.rstrip("."), row.staff_url())
    return badge


def proof_of(row) -> list:
    """Return the versions of evidence that a row rests on."""
    if hasattr(row, "evidence_id"):
        return [row.evidence] if row.evidence_id else []
    return list(row.evidence.all())


class Coverage:
    """The badges of a proposal's rows, by row, in the order in which they are read."""

    def __init__(self, badges):
        self.rows = badges

    @property
    def proven(self) -> int:
        return sum(badge.is_proven for badge in self.rows.values())

    @property
    def percent(self) -> int:
        """Return how many of the rows rest on proof that counts, in percent. It says 100 only of all."""
        return percent(self.proven, len(self.rows))

    @property
    def fallen(self) -> dict:
        """Return the rows whose proof was there and does not count now."""
        return {row: badge for row, badge in self.rows.items() if badge.state not in ("proven", "missing")}

    @property
    def pairs(self) -> list:
        return list(self.rows.items())


def percent(proven, rows) -> int:
    return 100 * proven // rows if rows else 0


def of(proposal) -> Coverage:
    """Return the badge of each row that needs proof: five queries, however many rows there are."""
    rows = rows_of(proposal)
    promised = [row for row in rows["scope_items"] if row.kind in PROMISES]
    others = [row for name in ("milestones", "price_lines", "claims") for row in rows[name]]
    return Coverage({row: badge_of(row) for row in [*promised, *others]})


def without_proof(proposal) -> list:
    """Return the rows that need proof and have none at all; what a claim lacks it says itself."""
    claims = set(rows_of(proposal)["claims"])
    return [row for row in of(proposal).rows if row not in claims and not proof_of(row)]


def unproven(row) -> str:
    """Say what a row without proof lacks."""
    return f"Rest the {row._meta.verbose_name} “{row}” on evidence: it has none."


def lack_of_proof(row) -> Lack:
    """Return what a row without proof lacks. Whoever lets it pass lets pass this row, as it is, wherever it stands."""
    said = json.dumps(row.says() | {"position": None}, cls=DjangoJSONEncoder, sort_keys=True)
    return Lack(unproven(row), row.staff_url(), f"{name_of(row)}:{hashlib.sha256(said.encode()).hexdigest()}")


def name_of(row) -> str:
    """Return what tells a row from every other, whatever it is called."""
    return f"{row.label()}:{row.pk}"


# The scope that is promised, in any case or when the client chooses it.
PROMISES = ("included", "optional")
# What stands under a row that promises nothing and rests on nothing.
NEEDS_NONE = Badge("free", "needs no proof")


def badges_of_all(proposal) -> dict:
    """Return what stands under every row: those that need no proof say so, or show what they have."""
    needed = of(proposal).rows
    rows = [row for rows in rows_of(proposal).values() for row in rows]
    return {row: needed.get(row) or (badge_of(row) if proof_of(row) else NEEDS_NONE) for row in rows}


def proof_under(proposal) -> dict:
    """Return the versions of evidence under each row that rests on any."""
    under = {row: proof_of(row) for rows in rows_of(proposal).values() for row in rows}
    return {row: versions for row, versions in under.items() if versions}


def rows_of(proposal) -> dict[str, list]:
    """Return every row of a proposal with its proof, by kind; where they are kept, as they were read first."""
    were_read = are_read(proposal)
    if not were_read:
        read_rows(proposal)
    rows = {name: list(getattr(proposal, name).all()) for name in proposal.row_models()}
    if not were_read and not vars(proposal).get("keeps_rows"):
        forget_rows(proposal)
    return rows


def are_read(proposal) -> bool:
    return all(map(proposal.has_read, proposal.row_models()))


def read_rows(proposal):
    """Read every row with its proof into what is prefetched: what a proposal says is then told without a query, too."""
    forget_rows(proposal)
    rows = {name: model.objects.all() for name, model in proposal.row_models().items()}
    with_proof = {name: rows[name].select_related(*WITH_PROOF) for name in ("scope_items", "price_lines")}
    with_proof["milestones"] = rows["milestones"].select_related(*WITH_PROOF, "depends_on")
    with_proof["claims"] = rows["claims"].with_proof()
    prefetch_related_objects([proposal], *(Prefetch(name, with_proof[name]) for name in rows))


def forget_rows(proposal):
    vars(proposal).pop("_unsafe", None)
    for name in proposal.row_models():
        vars(proposal).get("_prefetched_objects_cache", {}).pop(name, None)


def keep_rows(proposal):
    """Read the rows once for everything that a page asks of a proposal. It is shown, and nothing of it changes."""
    proposal.keeps_rows = True


@contextmanager
def rows_kept(proposal):
    """Read the rows once for all that is asked of a proposal meanwhile. After that they are asked anew."""
    if are_read(proposal) or vars(proposal).get("keeps_rows"):
        yield
        return
    keep_rows(proposal)
    try:
        yield
    finally:
        proposal.keeps_rows = False
        forget_rows(proposal)


# -- The same, for many proposals at once. -----------------------------------------------------------------------------


def annotated(proposals):
    """Count for each proposal its rows that need proof, and those that have it, as a part of its own query."""
    in_all, proven = Value(0), Value(0)
    for name, model in proposals.model.row_models().items():
        rows = model.objects.filter(kind__in=PROMISES) if name == "scope_items" else model.objects.all()
        good = (
            rows.filter(supported()) if name == "claims" else rows.filter(counts("evidence__"), evidence__isnull=False)
        )
        in_all, proven = in_all + how_many(rows), proven + how_many(good)
    return proposals.annotate(rows_in_all=in_all, rows_proven=proven)


def how_many(rows):
    """Return the number of a proposal's rows of one kind, as a part of the query for the proposal."""
    mine = rows.filter(proposal=OuterRef("pk")).order_by().values("proposal")
    return Coalesce(Subquery(mine.annotate(n=Count("pk", distinct=True)).values("n")), Value(0))


def supported() -> Q:
    """Say in SQL of a claim what `unsupported_because` says of one."""
    under = Evidence.objects.filter(claims=OuterRef("pk")).order_by()
    same_unit = under.annotate(said=Lower(Trim("unit"))).filter(said=Lower(Trim(OuterRef("unit"))))
    agrees = (
        Q(low=None, high=None) | ~Q(unit__regex=r"\S") | ~Exists(under.filter(unit__regex=r"\S")) | Exists(same_unit)
    )
    explained = Q(kind="finding") | Q(method__regex=r"\S")
    ranged = Q(kind="finding") | Q(low__isnull=False, high__isnull=False)
    named = ~Q(kind="guarantee") | Q(metric__regex=r"\S")
    return (
        Q(Exists(under), ~Exists(under.exclude(counts()))) & agrees & explained & ranged & named & holds_measured(under)
    )


def holds_measured(under) -> Q:
    """Say in SQL what `Claim.contradicts` says of a finding: its range holds one of the values in its unit."""
    same = under.annotate(said=Lower(Trim("unit"))).filter(Q(said="") | Q(said=Lower(Trim(OuterRef("unit")))))
    of_any = Q(low=None, high=None) | ~Q(kind="finding")
    return of_any | (~Q(unit__regex=r"\S") & holds_one_of(under)) | (Q(unit__regex=r"\S") & holds_one_of(same))


def holds_one_of(said) -> Q:
    """Say that a range holds one of these values, or that there is none. One end alone is the number itself."""
    within = Exists(said.filter(value__gte=OuterRef("low"), value__lte=OuterRef("high")))
    only_low = Q(high=None) & Q(Exists(said.filter(value=OuterRef("low"))))
    only_high = Q(low=None) & Q(Exists(said.filter(value=OuterRef("high"))))
    return Q(~Exists(said)) | Q(within) | only_low | only_high


# -- What no claim makes. ----------------------------------------------------------------------------------------------

# A number that says how much of something; how long something takes, and which year it is, promise nothing.
NUMBER = re.compile(r"(?<![\w.,/$€£-])\d+(?:[.,]\d+)*(?![\w/])")
HARMLESS = re.compile(r"\s*-?(?:minute|hour|day|week|month|quarter|year)s?\b|(?:st|nd|rd|th)\b", re.IGNORECASE)
YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Unclaimed:
    """Words of free text that promise, or a number, and no claim behind it. `row` is None where the proposal says it.

    An outcome stops the submission; a bare number is marked and no more.
    """

    kind: str
    words: str
    field: str
    where: str
    url: str
    row: object = None

    @property
    def blocking(self) -> bool:
        return self.kind == "outcome"

    @property
    def sentence(self) -> str:
        if self.blocking:
            return f"Make a claim with evidence of “{self.words}”, or take it out of {self.where}."
        return f"“{self.words}” in {self.where} belongs to no claim. Read whether it promises something."


def unclaimed(proposal) -> list[Unclaimed]:
    """Return the promises and numbers in free text that belong to no supported claim, each where it stands."""
    rows = rows_of(proposal)
    claims = [claim for claim in rows["claims"] if not claim.unsupported_because()]
    backing = promises.Backing(claims=claims, prices=promises.prices_of(proposal, rows["price_lines"]))
    found = []
    for row, field, text in texts_of(proposal, rows):
        place = {"field": field.name, "where": place_of(row, field), "url": url_of(proposal, row, field), "row": row}
        found += [Unclaimed("outcome", mark.words, **place) for mark in lint.outcomes(text, backing)]
        found += [Unclaimed("number", words, **place) for words in numbers_in(text, claims)]
    for evidence, field, text in texts_of_proof(rows):
        place = {"field": field.name, "where": place_of(evidence, field), "url": evidence.staff_url(), "row": evidence}
        found += [Unclaimed("outcome", mark.words, **place) for mark in lint.outcomes(text, backing)]
    return found


def unsafe(proposal) -> list[lint.Placed]:
    """Return the marks on everything that a client reads of it, its claims and their proof too, each with its place.

    While the rows are kept nothing of it changes, and it is read once.
    """
    if are_read(proposal) and "_unsafe" in vars(proposal):
        return vars(proposal)["_unsafe"]
    rows = rows_of(proposal)
    said = [
        *texts_of(proposal, rows),
        *((claim, claim._meta.get_field("text"), claim.text) for claim in rows["claims"]),
        *texts_of_proof(rows),
    ]
    found = lint.in_places(proposal.opportunity, [((row, field), text) for row, field, text in said])
    marks = [
        lint.Placed(mark, url_of(proposal, row, field), place_of(row, field), name_of(row) if row else "")
        for mark, (row, field) in found
    ]
    if are_read(proposal):
        vars(proposal)["_unsafe"] = marks
    return marks


# The words that clients read and that are no claim, by the kind of row that says them.
FREE = {"scope_items": ("title", "text"), "milestones": ("title", "text", "who"), "price_lines": ("title",)}


def texts_of(proposal, rows):
    """Yield the free words of a proposal: the row or None, the field, and the text."""
    said = [(None, proposal, name) for name in ("title", "intro")]
    said += [(row, row, name) for kind, names in FREE.items() for row in rows[kind] for name in names]
    for row, record, name in said:
        if text := getattr(record, name):
            yield row, record._meta.get_field(name), text


# What a client reads of the evidence under a claim, beside its number.
PUBLISHED = ("metric", "unit", "provider")


def texts_of_proof(rows):
    """Yield the words of the evidence under claims, each piece once: the evidence, the field, and the text."""
    for evidence in dict.fromkeys(version for claim in rows["claims"] for version in claim.evidence.all()):
        for name in PUBLISHED:
            if text := getattr(evidence, name):
                yield evidence, evidence._meta.get_field(name), text


def numbers_in(text, claims) -> list[str]:
    """Return the numbers of a text that are in no claim. What is an outcome is marked as one."""
    known = {end for claim in claims for amount in promises.amounts_of(claim) for end in (amount.low, amount.high)}
    bare = letters.plain(text)
    for promise in promises.promises_in(bare):
        bare = bare[: promise.start] + " " * len(promise.words) + bare[promise.end :]
    return list(
        dict.fromkeys(
            match.group()
            for match in NUMBER.finditer(bare)
            if not HARMLESS.match(bare, match.end())
            and not YEAR.fullmatch(match.group())
            and promises.number_of(match.group()) not in known
        )
    )


def place_of(row, field) -> str:
    """Say where words stand: “the opening words”, “the title of “Faster pages””."""
    if row is None:
        return f"the {field.verbose_name}"
    return f"the {field.verbose_name} of “{Truncator(str(row)).chars(60)}”"


def url_of(proposal, row, field) -> str:
    return proposal.staff_url(f"id_{field.name}") if row is None else row.staff_url()
