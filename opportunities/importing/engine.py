"""An import goes on: whoever is free claims it, does a bit, and lets it go. Killed anywhere, the next one goes on."""

import logging
import time
import uuid
from datetime import timedelta

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from ..erasing import is_quiet
from ..models import Import, ImportRow
from ..records import Refused, lock, perform
from . import matching, staging, ways
from .files import BadFile

log = logging.getLogger("zarts.imports")
# Whoever says nothing for so long is believed dead.
LEASE = timedelta(seconds=60)
# Whoever compares all rows of a file says nothing until it is done: so much longer, for each row.
A_ROW = timedelta(milliseconds=1)
BATCH = 2_000
# The lock that lets one batch in at a time: two files that name the same new client must not both make it.
ONE_AT_A_TIME = 1 << 59
TRIES = 5


class Lost(Exception):
    """Somebody else is at it now, or it was left."""


class Claim:
    """The right to work on an import: nobody else does while it holds."""

    def __init__(self, record):
        self.record, self.token, self.at = record, uuid.uuid4(), record.stage

    def rows(self):
        return Import.objects.filter(pk=self.record.pk, claimed_by=self.token, stage=self.at)

    def hold(self, silent_for=0, **fields):
        """Write down how far it came, in the same transaction as the rows. Raises Lost when it is no longer ours.

        `silent_for`: so many rows are dealt with before it is heard of again.
        """
        for name, value in fields.items():
            setattr(self.record, name, value)
        if not self.rows().update(claimed_until=timezone.now() + LEASE + silent_for * A_ROW, **fields):
            raise Lost

    def let_go(self):
        self.rows().update(claimed_by=None, claimed_until=None)


@transaction.atomic
def claim(pk=None) -> Claim | None:
    """Claim an import that is due, or this one. None when there is none, or when somebody is at it, or is erased."""
    if not is_quiet():
        return None
    free = Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())
    due = Import.objects.filter(free, stage__in=Import.AT_WORK, **({"pk": pk} if pk else {}))
    record = (
        due.select_related("owner", "runner").order_by("id").select_for_update(skip_locked=True, of=("self",)).first()
    )
    if record is None:
        return None
    mine = Claim(record)
    Import.objects.filter(pk=record.pk).update(claimed_by=mine.token, claimed_until=timezone.now() + LEASE)
    return mine


def go_on(seconds: float = 5) -> int:
    """Work on what is due for a while. Return how many imports were worked on."""
    until, worked = time.monotonic() + seconds, 0
    while time.monotonic() < until and (mine := claim()):
        work(mine, until)
        worked += 1
    return worked


def work(mine: Claim, until: float = float("inf"), told=lambda record: None):
    """Work on a claimed import until its stage is behind it, or time is up. `told` hears how far it came."""
    record = mine.record
    try:
        if record.stage == Import.Stage.MAPPED:
            if staging.check(record, mine, until):
                end(mine, record.settle_check)
        else:
            while bring_batch(mine):
                told(record)
                if time.monotonic() > until:
                    break
            else:
                end(mine, record.finish)
        mine.let_go()
    except (Lost, Refused):
        return
    except BadFile as trouble:
        give_up(mine, str(trouble))
    except Exception:
        log.exception("Import %s cannot go on.", record.pk)
        give_up(mine, "It broke off, and the fault is ours. No row is half done. Check it again.")


def end(mine: Claim, move, **details):
    """Make the move that ends this stage while the claim holds: whoever came between would hold a claim of the next.

    Raises Lost when it is no longer ours, and Refused as every move.
    """
    with transaction.atomic():
        lock(mine.record)  # its diary before its row, as whoever leaves it at this moment does
        mine.hold()
        perform(move, by=None, **details)


def give_up(mine: Claim, why: str):
    try:
        end(mine, mine.record.fail, reason=why)
    except (Lost, Refused):
        pass  # it was left, or somebody else went on with it, meanwhile


def bring_batch(mine: Claim) -> bool:
    """Bring in the next rows, each with all that belongs to it, or none of them. False when none are left.

    A person who makes the same client at this moment, or moves one of its deals, makes it fail: then it is tried anew.
    """
    record = mine.record
    for attempt in range(1, TRIES + 1):
        before = record.progress, record.last_row, record.made
        try:
            with transaction.atomic():
                return one_batch(mine)
        except (IntegrityError, OperationalError):
            record.progress, record.last_row, record.made = before
            if attempt == TRIES or connection.needs_rollback:
                raise
            log.warning("A batch of import %s is tried again.", record.pk, exc_info=True)
    return False


def one_batch(mine: Claim) -> bool:
    record = mine.record
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s::bigint)", [ONE_AT_A_TIME])
        # What the walls ask for each row was planned when the tables were small: a plan that reads them whole must go.
        cursor.execute("discard plans")
        matching.by_index(cursor)
    numbers = ImportRow.objects.filter(of=record, id__gt=record.last_row).order_by("id").values_list("id", flat=True)
    batch = list(numbers[: min(BATCH, ways.most_of(record))])
    if not batch:
        mine.hold(counts=staging.count(record), progress=record.row_count)
        return False
    above, upto, made = record.last_row, batch[-1], dict(record.made)
    with connection.cursor() as cursor:
        rows = {"of": record.pk, "above": above, "upto": upto}
        matching.known(cursor, record, rows)
        matching.unfit(cursor, record, rows)
    ways.bring(record, above, upto, made)
    mine.hold(progress=record.progress + len(batch), last_row=upto, made=made)
    return True
