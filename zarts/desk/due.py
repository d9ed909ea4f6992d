"""One round of due work. Each part is rows that are due; one part that fails is logged, and the others run."""

import logging
from datetime import timedelta

from django.utils import timezone

from handoff import clock as handoff_clock
from opportunities import followups
from opportunities.importing import engine
from opportunities.models import Audit, Evidence, Heartbeat
from opportunities.records import Refused, perform
from proposals import clock as proposals_clock
from proposals import inbox

log = logging.getLogger(__name__)
BATCH = 50
# A part that writes a row this often is alive.
PULSE = "tick"
STILL_ALIVE = timedelta(seconds=60)


def run() -> tuple[dict, list]:
    """Run every part once. Return what each did, and the names of those that failed."""
    done, failed = {}, []
    for name, part in PARTS.items():
        try:
            done[name] = part()
        except Exception:
            # Whatever went wrong in one part, the mail of the others must go out.
            log.exception("The round's part “%s” failed.", name)
            failed.append(name)
    Heartbeat.objects.update_or_create(name=PULSE, defaults={"at": timezone.now()})
    return done, failed


def expire_audits() -> int:
    """Mark verified audits as stale whose evidence has aged."""
    aged = Evidence.objects.aged().filter(audit__stage=Audit.Stage.VERIFIED).values("audit")
    count = 0
    for audit in Audit.objects.filter(pk__in=aged).order_by("pk")[:BATCH]:
        try:
            perform(audit.expire, by=None, reason="Its evidence has aged.")
        except Refused:
            continue  # somebody was quicker
        count += 1
    return count


def is_alive() -> bool:
    """Whether a round ran within the last minute."""
    return Heartbeat.objects.filter(name=PULSE, at__gt=timezone.now() - STILL_ALIVE).exists()


PARTS = {
    "what clients did": inbox.read,
    "follow-ups and mail": followups.send_due,
    "aged audits": expire_audits,
    "deadlines of proposals": proposals_clock.run,
    "deadlines of reports": handoff_clock.run,
    # The last: it takes its few seconds when the mail of the others is out.
    "files that come in": engine.go_on,
}
