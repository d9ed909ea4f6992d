"""How claims came out: what each promised, against what was reported last."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from portal.promised import MET, OVER, SHORT, lies
from proposals.models import Claim

from .models import Promise, Report

NUMBER = re.compile(r"-?\d[\d, \u00a0\u202f]*(?:\.\d+)?")
UNKNOWN = "unknown"
WORDS = {MET: "Met", SHORT: "Fell short", OVER: "Better than promised", UNKNOWN: "Not reported yet"}
# So many claims are looked at, the newest.
MOST = 500
# What each published report said of a claim, the newest of each claim.
LAST = """
select distinct on (claim) claim, report, value from (
  select (number ->> 'claim')::bigint as claim, r.id as report, number ->> 'value' as value, r.due_on as due_on
    from handoff_report r cross join lateral jsonb_array_elements(r.numbers) number
   where r.stage = 'published' and r.project_id in (select p.id from handoff_project p where p.handoff_id = any(%s))
) said
where claim = any(%s) and value ~ '[0-9]'
order by claim, due_on desc, report desc
"""


@dataclass
class Score:
    """One claim that was sold, with what was reported of it last."""

    promise: Promise
    claim: Claim
    value: str = ""
    report: Any = None

    @property
    def promised(self) -> str:
        """Say the range that it promised: 10–20 %."""
        low, high = plain(self.claim.low), plain(self.claim.high)
        words = f"up to {high}" if low is None else low if high in (None, low) else f"{low}–{high}"
        return with_unit(words, self.claim.unit)

    @property
    def reported(self) -> str:
        return with_unit(self.value, self.claim.unit) if self.value else ""

    @property
    def verdict(self) -> str:
        """Return how the value came out beside the range."""
        value = number_in(self.value)
        return UNKNOWN if value is None else lies(value, self.claim.low, self.claim.high, self.claim.which_way)

    @property
    def verdict_words(self) -> str:
        return WORDS[self.verdict]


def number_in(words) -> Decimal | None:
    """Return the first number in what somebody typed: 8 of "8 %", 1200 of "1,200"."""
    found = NUMBER.search(words or "")
    return Decimal(re.sub(r"[,\s]", "", found.group())) if found else None


def plain(number) -> str | None:
    return None if number is None else f"{number.normalize():f}"


def with_unit(words, unit) -> str:
    return words if not unit or unit in words else f"{words} {unit}"


def scores(promises) -> list[Score]:
    """Return the scores of these promises that are claims with a range, in their order. Five queries for all."""
    sold = promises.filter(kind=Promise.Kind.CLAIM).exclude(outcome__in=Promise.LET_GO)
    rows = list(sold.select_related("handoff__opportunity__client").order_by("-pk")[:MOST])
    named = Q(low__isnull=False) | Q(high__isnull=False)
    claims = Claim.objects.filter(named, pk__in=[row.record_id for row in rows]).exclude(metric="")
    claims = {claim.pk: claim for claim in claims.select_related("proposal__service").prefetch_related("evidence")}
    rows = [row for row in rows if row.record_id in claims]
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LAST, [[row.handoff_id for row in rows], list(claims)])
        said = {claim: (report, value) for claim, report, value in cursor.fetchall()}
    reports = Report.objects.select_related("project").in_bulk({report for report, _ in said.values()})
    found = []
    for row in rows:
        report, value = said.get(row.record_id, (None, ""))
        found.append(Score(row, claims[row.record_id], value, reports.get(report)))
    return found


@dataclass
class Line:
    """How the claims of one service about one metric came out."""

    service: Any
    metric: str
    scores: list[Score]

    def count(self, verdict) -> int:
        return sum(score.verdict == verdict for score in self.scores)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        return [(verdict, words, self.count(verdict)) for verdict, words in WORDS.items()]

    @property
    def bars(self) -> list[dict]:
        """Return the parts of the bar, in percent of all claims of this line."""
        bars, at = [], 0.0
        for verdict, words, count in self.counts:
            width = 100 * count / len(self.scores)
            bars += (
                [{"verdict": verdict, "words": words, "at": round(at, 2), "width": round(width, 2)}] if count else []
            )
            at += width
        return bars

    @property
    def judged(self) -> list[Score]:
        return [score for score in self.scores if score.verdict != UNKNOWN]

    @property
    def last(self) -> Score | None:
        """Return the score that was reported last."""
        return max(self.judged, key=lambda score: (score.report.due_on, score.report.pk), default=None)

    @property
    def words(self) -> str:
        """Say in a sentence how such claims came out, for whoever is to vouch for the next one."""
        last = self.last
        if last is None:
            return f"{len(self.scores)} such claim{'s' * (len(self.scores) != 1)} sold, none reported yet."
        many, met, over = len(self.judged), self.count(MET), self.count(OVER)
        were = f"{met} {'was' if met == 1 else 'were'} met" + (f" and {over} came out better" if over else "")
        last_words = f"last: promised {last.promised}, reported {last.reported}"
        if many == 1:
            how = "better than promised" if over else "met" if met else "not met"
            return f"One such claim was reported: {how}; {last_words}."
        return f"Of {many} such claims, {were}; {last_words}."


def lines(found) -> list[Line]:
    """Return these scores by service and metric, those with the most claims first."""
    by: dict[tuple, Line] = {}
    for score in found:
        service = score.claim.proposal.service
        key = (service and service.pk, score.claim.metric.casefold())
        by.setdefault(key, Line(service, score.claim.metric, [])).scores.append(score)
    return sorted(by.values(), key=lambda line: (-len(line.scores), str(line.service or ""), line.metric))


def of_such(proposal, user) -> list[tuple[Claim, Line]]:
    """Return how claims of the same service and metric came out, as far as somebody may see: beside each claim."""
    asked = [claim for claim in proposal.claims.all() if claim.metric]
    if not asked:
        return []
    metrics = Q()
    for claim in asked:
        metrics |= Q(metric__iexact=claim.metric)
    alike = Claim.objects.filter(metrics, proposal__service=proposal.service_id).exclude(proposal=proposal)
    sold = Promise.objects.visible_to(user).filter(record_type=Claim.label(), record_id__in=alike.values("pk"))
    by_metric = {line.metric.casefold(): line for line in lines(scores(sold))}
    return [(claim, by_metric[name]) for claim in asked if (name := claim.metric.casefold()) in by_metric]
