"""One round of due work. Each part is rows that are due; one part that fails is logged, and the others run."""

import logging

from django.db import connection, transaction

from handoff import clock as handoff_clock
from opportunities import campaigns, followups, mailbox, notices, once, outbox, secondtries, unattended
from opportunities.importing import engine
from opportunities.lists import many
from opportunities.models import Audit
from opportunities.records import lock, perform
from proposals import clock as proposals_clock
from proposals import inbox
from zarts.api import once as api_calls
from zarts.hooks import deliveries
from zarts.numbers import clock as numbers_clock
from zarts.numbers import weekly
from zarts.retest import runs as retests
from zarts.search import clock as search_clock
from zarts.takeout import own

from . import digest, pulse

log = logging.getLogger(__name__)
BATCH = 50


def run(kind="command") -> tuple[dict, list]:
    """Run every part once. Return what each did, and the names of those that failed.

    `kind` says what this process is. It is heard of before and after, so that one that hangs is seen to; a command
    that somebody runs once is not waited for.
    """
    done, failed = {}, []
    stays = kind != "command"
    now_and_then = not stays or pulse.takes_turn(pulse.SELDOM, SELDOM)
    if stays:
        pulse.beat(pulse.process(), kind)
    for name, part in (PARTS | SLOW_PARTS if now_and_then else PARTS).items():
        try:
            done[name] = part()
        except Exception:
            # Whatever went wrong in one part, the mail of the others must go out.
            log.exception("The round's part “%s” failed.", name)
            failed.append(name)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
    if stays:
        pulse.beat(pulse.process(), kind, rounds=1)
    pulse.beat(pulse.ROUND)
    return done, failed


def expire_audits() -> int:
    """Mark verified audits as stale whose evidence has aged, the oldest first."""
    count = 0
    for audit in Audit.objects.aged().order_by("counts_until", "pk")[:BATCH]:
        try:
            count += expire(audit)
        except Exception:
            # One that cannot go stale must not keep the others fresh. It is tried again in the next round.
            log.exception("Audit %s has aged and could not go stale.", audit.pk)
    return count


@transaction.atomic
def expire(audit) -> bool:
    """Mark one audit as stale. False when it was measured again meanwhile."""
    lock(audit)
    if not Audit.objects.aged().filter(pk=audit.pk).exists():
        return False
    perform(audit.expire, by=None, reason="Its evidence has aged.")
    return True


PARTS = {
    "what clients did": inbox.read,
    "what waits": followups.go_on_waiting,
    "what falls due": followups.take_due,
    "mail": outbox.run,
    "campaigns": campaigns.work,
    "deals without a task": unattended.mend,
    "mail that comes in": mailbox.fetch,
    "webhooks": deliveries.poke,
    "changes of many rows": many.work,
    # The last of them: they take their few seconds when the mail of the others is out.
    "files that come in": engine.go_on,
    "what is taken out": own.work,
}
# What counts in days, hours or minutes: some process looks every so many seconds, and the others need not.
SELDOM = 10
SLOW_PARTS = {
    "aged audits": expire_audits,
    "win-backs": secondtries.turn,
    "deadlines of proposals": proposals_clock.run,
    "deadlines of reports": handoff_clock.run,
    "mails of the day": digest.send,
    "late first answers": notices.tell_of_late_answers,
    "proof and next actions": numbers_clock.look,
    "numbers": numbers_clock.add_up,
    "numbers, counted anew": numbers_clock.nightly,
    "search, compared anew": search_clock.nightly,
    "mails of the week": weekly.send,
    "saved forms": once.forget,
    "calls that were answered": api_calls.forget,
    "old webhook deliveries": deliveries.forget,
    "old take-outs": own.forget,
    "old changes of many rows": many.forget,
    "retests": retests.start_due,
    "processes that ended": pulse.forget,
}
