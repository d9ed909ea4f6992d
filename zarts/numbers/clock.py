"""What the clock does with the counters: adds them up, looks at what was touched, and counts them anew each night."""

import logging
import time

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from handoff import scorecard
from handoff.models import Promise, Report
from opportunities import clock, notices, unattended
from opportunities.models import Opportunity
from opportunities.turns import LONG_ENOUGH
from proposals import coverage
from proposals.models import Proposal

from .models import Check, CountedReport, Idle, Offer

log = logging.getLogger("zarts.numbers")
AT_ONCE = 5000
# So many proposals are looked at in one query, and so many claims.
OFFERS, CLAIMS = 1000, scorecard.MOST


def add_up() -> int:
    """Add up what was written since the last round. Return how many rows that were."""
    return called("numbers_add_up", AT_ONCE)


def called(function, *given):
    """Return what a function of the database says."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}({', '.join(['%s'] * len(given))})", given)
        return cursor.fetchone()[0]


# -- What a rule of the product decides: the database marks it, and the clock looks. -----------------------------------


def look() -> int:
    """Look at everything that was touched since the last round. Return how many marks that were."""
    until, looked = time.monotonic() + LONG_ENOUGH, 0
    while time.monotonic() < until and (many := look_at_some()):
        looked += many
    return looked


@transaction.atomic
def look_at_some() -> int:
    """Take some marks, then look: whatever is changed after that is marked anew."""
    with connection.cursor() as cursor:
        cursor.execute("select kind, record from numbers_take_touched(%s)", [AT_ONCE])
        marks = cursor.fetchall()
    offers, deals, reports, claims = (
        sorted(pk for kind, pk in marks if kind == name) for name in ("offer", "deal", "report", "claim")
    )
    count_offers(offers)
    if deals:
        idle = unattended.unattended(Opportunity.objects.filter(pk__in=deals))
        called("numbers_count_idle", deals, list(idle.values_list("pk", flat=True)), False)
    if reports:
        called("numbers_count_reports", reports, False)
    count_claims(claims)
    return len(marks)


def still_open():
    """Return the proposals that promise something to somebody who has not answered yet."""
    return Proposal.objects.exclude(stage__in=Proposal.CLOSED).order_by("pk")


def count_offers(pks, untouched=False) -> int:
    """Count how much of these proposals is proved. Return how many were counted otherwise before."""
    changed = 0
    for first in range(0, len(pks), OFFERS):
        some = pks[first : first + OFFERS]
        rows = coverage.annotated(still_open().filter(pk__in=some)).values_list("pk", "rows_in_all", "rows_proven")
        found = {pk: counts for pk, *counts in rows}
        promised, proved = ([found.get(pk, (0, 0))[place] for pk in some] for place in (0, 1))
        changed += called("numbers_count_offers", some, promised, proved, untouched)
    return changed


def count_claims(pks, untouched=False) -> int:
    """Count how these claims came out, by their promises. Return how many were counted otherwise before."""
    changed = 0
    for first in range(0, len(pks), CLAIMS):
        some = pks[first : first + CLAIMS]
        found = {score.promise.pk: score.verdict for score in scorecard.scores(Promise.objects.filter(pk__in=some))}
        changed += called("numbers_count_claims", some, [found.get(pk, "") for pk in some], untouched)
    return changed


# -- Each night. -------------------------------------------------------------------------------------------------------


@transaction.atomic
def nightly() -> int:
    """Count from the records once a day. Return how many counters were off."""
    at = clock.now()
    with connection.cursor() as cursor:
        # Two processes count one after the other; the second finds the first one's row.
        cursor.execute("select pg_advisory_xact_lock(20261129)")
    last = Check.objects.order_by("-pk").first()
    return 0 if last and last.at.date() >= at.date() else reconcile(at)


@transaction.atomic
def reconcile(at) -> int:
    """Count from the records, mend what is off, and tell administrators of it."""
    with connection.cursor() as cursor:
        # Nobody else looks meanwhile: what is read here is not older than what is counted.
        cursor.execute("select pg_advisory_xact_lock(20261130)")
        look()
        parts = {
            "proposals": recount_offers(),
            "next actions of deals": recount_idle(),
            "reports": recount_reports(),
            "claims": recount_claims(),
        }
        cursor.execute("select counters, deals from numbers_mend()")
        parts["counters"], parts["deals"] = cursor.fetchone()
    drift = sum(parts.values())
    said = ", ".join(f"{many} {what}" for what, many in parts.items() if many)
    words = f"Counted wrongly and mended: {said}." if drift else ""
    check = Check.objects.create(at=at, drift=drift, words=words)
    if drift:
        log.warning("The numbers were off: %s", words)
        notices.tell_administrators(f"The numbers were off: {words}", "/admin/numbers/", key=f"numbers:{check.pk}")
    return drift


def recount_offers() -> int:
    """Look at every open proposal, and at what is counted as one. Return how many were counted wrongly."""
    changed = sum(count_offers(pks, untouched=True) for pks in by_thousands(still_open()))
    over = Offer.objects.exclude(Exists(still_open().filter(pk=OuterRef("offer"))))
    return changed + count_offers(list(over.values_list("offer", flat=True)), untouched=True)


def recount_idle() -> int:
    """Look at every open deal. Return for how many it was known wrongly whether something is promised."""
    idle = list(unattended.unattended().values_list("pk", flat=True))
    known = list(Idle.objects.values_list("pk", flat=True))
    return called("numbers_count_idle", known, idle, True)


def recount_reports() -> int:
    """Look at every report that came or did not come in time, and at what is counted as one. Return as above."""
    reports = Report.objects.filter(~Q(breach="") | Q(stage="published")).order_by("pk")
    over = CountedReport.objects.exclude(Exists(reports.filter(pk=OuterRef("report")))).order_by("pk")
    parts = (pks for rows in (reports, over) for pks in by_thousands(rows))
    return sum(called("numbers_count_reports", pks, True) for pks in parts)


def recount_claims() -> int:
    """Look at every claim that was promised to somebody. Return as above."""
    promised = Promise.objects.filter(kind=Promise.Kind.CLAIM).order_by("pk")
    return sum(count_claims(pks, untouched=True) for pks in by_thousands(promised))


def by_thousands(rows):
    """Yield the numbers of these rows in order, some at a time."""
    last = 0
    while pks := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:OFFERS]):
        yield pks
        last = pks[-1]


def tell_history():
    """Tell the history anew from the diary: the demo's story happened on other days than it was written."""
    with connection.cursor() as cursor:
        cursor.execute("select numbers_tell_history()")
    while look():
        pass
    with connection.cursor() as cursor:
        cursor.execute("select numbers_tell_proof()")
