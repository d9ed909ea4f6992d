"""What the clock does with the counters: adds them up, looks at what was touched, and counts them anew each night."""

import logging
import time

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from opportunities import clock, notices, unattended
from opportunities.models import Opportunity
from opportunities.turns import LONG_ENOUGH
from proposals import coverage
from proposals.models import Proposal

from .models import Check, Idle, Offer

log = logging.getLogger("zarts.numbers")
AT_ONCE = 5000
# So many proposals are looked at in one query.
OFFERS = 1000


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
    """Look at the proposals and deals that were touched since the last round. Return how many marks that were."""
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
    count_offers(sorted(pk for kind, pk in marks if kind == "offer"))
    deals = sorted(pk for kind, pk in marks if kind == "deal")
    if deals:
        idle = unattended.unattended(Opportunity.objects.filter(pk__in=deals))
        called("numbers_count_idle", deals, list(idle.values_list("pk", flat=True)), False)
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
        offers, idle = recount_offers(), recount_idle()
        cursor.execute("select counters, deals from numbers_mend()")
        counters, deals = cursor.fetchone()
    drift = counters + deals + offers + idle
    parts = ((counters, "counters"), (deals, "deals"), (offers, "proposals"), (idle, "next actions of deals"))
    said = ", ".join(f"{many} {what}" for many, what in parts if many)
    words = f"Counted wrongly and mended: {said}." if drift else ""
    check = Check.objects.create(at=at, drift=drift, words=words)
    if drift:
        log.warning("The numbers were off: %s", words)
        notices.tell_administrators(f"The numbers were off: {words}", "/admin/numbers/", key=f"numbers:{check.pk}")
    return drift


def recount_offers() -> int:
    """Look at every open proposal, and at what is counted as one. Return how many were counted wrongly."""
    changed, last = 0, 0
    while pks := list(still_open().filter(pk__gt=last).values_list("pk", flat=True)[:OFFERS]):
        changed, last = changed + count_offers(pks, untouched=True), pks[-1]
    over = Offer.objects.exclude(Exists(still_open().filter(pk=OuterRef("offer"))))
    return changed + count_offers(list(over.values_list("offer", flat=True)), untouched=True)


def recount_idle() -> int:
    """Look at every open deal. Return for how many it was known wrongly whether something is promised."""
    idle = list(unattended.unattended().values_list("pk", flat=True))
    known = list(Idle.objects.values_list("pk", flat=True))
    return called("numbers_count_idle", known, idle, True)


def tell_history():
    """Tell the history anew from the diary: the demo's story happened on other days than it was written."""
    with connection.cursor() as cursor:
        cursor.execute("select numbers_tell_history()")
    while look():
        pass
    with connection.cursor() as cursor:
        cursor.execute("select numbers_tell_proof()")
