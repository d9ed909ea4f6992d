"""What the clock does with the counters: adds them up, and counts them anew each night."""

import logging

from django.db import connection, transaction

from opportunities import clock, notices
from opportunities.models import Notice, User

from .models import Check

log = logging.getLogger("zarts.numbers")
AT_ONCE = 5000


def add_up() -> int:
    """Add up what was written since the last round. Return how many rows that were."""
    with connection.cursor() as cursor:
        cursor.execute("select numbers_add_up(%s)", [AT_ONCE])
        return cursor.fetchone()[0]


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
        cursor.execute("select counters, deals from numbers_mend()")
        counters, deals = cursor.fetchone()
    drift = counters + deals
    words = f"{counters} counters and {deals} deals were counted wrongly, and are mended." if drift else ""
    check = Check.objects.create(at=at, drift=drift, words=words)
    if drift:
        log.warning("The numbers were off: %s", words)
        for user in User.objects.filter(groups__name="Administrator", is_active=True):
            told = f"The numbers were off: {words}"
            notices.tell(user, Notice.Kind.BREACH, told, "/admin/numbers/", key=f"numbers:{check.pk}")
    return drift


def tell_history():
    """Tell the history anew from the diary: the demo's story happened on other days than it was written."""
    with connection.cursor() as cursor:
        cursor.execute("select numbers_tell_history()")
