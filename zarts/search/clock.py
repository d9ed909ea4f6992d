"""What the clock does with the lines: compares them with their records each night, and mends what is off."""

import logging
import time

from django.db import connection, transaction

from opportunities import clock, notices

from .models import Check, Kind

log = logging.getLogger("zarts.search")
AT_ONCE = 500
# So many seconds of one round it may take; the next goes on from there.
LONGEST = 1


def nightly() -> int:
    """Compare once a day, a part in each round. Return how many lines were off."""
    began, off, goes_on = time.monotonic(), 0, True
    while goes_on and time.monotonic() - began < LONGEST:
        goes_on, found = part()
        off += found
    return off


@transaction.atomic
def part() -> tuple[bool, int]:
    """Compare the next few lines. Return whether there are more, and how many were off."""
    at = clock.now()
    with connection.cursor() as cursor:
        # Whoever comes second has nothing to do: the first goes on.
        cursor.execute("select pg_try_advisory_xact_lock(20261131)")
        if not cursor.fetchone()[0]:
            return False, 0
        check = Check.objects.order_by("-pk").first()
        if check is None or check.ended_at:
            if check and check.at.date() >= at.date():
                return False, 0
            check = Check.objects.create(at=at)
        cursor.execute("select upto, off from zarts_search_mend(%s, %s, %s)", [check.kind, check.above, AT_ONCE])
        upto, off = cursor.fetchone()
    check.drift += off
    if upto is not None:
        check.above = upto
    elif following := Kind.values[Kind.values.index(check.kind) + 1 :]:
        check.kind, check.above = following[0], 0
    else:
        check.ended_at = at
        if check.drift:
            log.warning("The search was off: %s", check.words)
            notices.tell_administrators(check.words, "/admin/find/", key=f"search:{check.pk}")
    check.save()
    return check.ended_at is None, off
