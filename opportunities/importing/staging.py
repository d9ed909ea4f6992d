"""All rows of a file beside each other in the database, and what becomes of each: compared as sets, not one by one."""

import json
import time
from contextlib import ExitStack
from itertools import islice

from django.db import connection, transaction
from django.db.models import Max

from ..models import ImportRow
from . import births, ways
from .kinds import AS_SETS, table_of
from .rows import Rows, storable
from .table import Table

BATCH = 5_000
as_json = json.JSONEncoder(ensure_ascii=False).encode
COPY = (
    'copy opportunities_importrow (of_id, line, raw, said, reference, verdict, "column", reason, owner_id, client_id,'
    " record_id, diary_id) from stdin"
)


def check(record, claim, until: float) -> bool:
    """Read on where the last worker stopped, and when all rows are there compare them. False when time was up first."""
    if record.progress == 0:
        begin_anew(record, claim)
    with ExitStack() as stack:
        table = Table.of(stack, record)
        rows = Rows(record, table)
        rows.turn = record.progress
        waiting = table.rows(skip=record.progress)
        while batch := list(islice(waiting, BATCH)):
            with transaction.atomic():
                stage(record, rows, batch)
                record.progress += len(batch)
                claim.hold(progress=record.progress, questions=rows.state())
            if time.monotonic() > until:
                return False
        questions = rows.state() | {"offered": sorted(set(rows.offered.values()))[:500]}
    claim.hold(silent_for=record.progress)
    with transaction.atomic():
        ways.settle(record)
        ImportRow.objects.filter(of=record, id__lte=record.last_row).delete()
        counts = count(record)
        claim.hold(questions=questions, counts=counts, row_count=sum(counts.values()), progress=0, last_row=0)
    return True


@transaction.atomic
def begin_anew(record, claim):
    """Forget the rows of an earlier check, but for those that are known: nothing else remembers what was joined."""
    rows = ImportRow.objects.filter(of=record)
    rows.filter(verdict=ImportRow.Verdict.JOINED, id__lte=record.last_row).update(verdict=ImportRow.Verdict.KNOWN)
    rows.exclude(verdict=ImportRow.Verdict.KNOWN).delete()
    claim.hold(last_row=rows.aggregate(last=Max("id"))["last"] or 0)


def stage(record, rows: Rows, batch):
    with connection.cursor() as cursor:
        # Whoever comes in one by one gets its numbers then.
        records: list = [None] * len(batch)
        diaries: list = records
        if record.kind in AS_SETS:
            records = births.numbers(cursor, table_of(record), len(batch))
            diaries = births.numbers(cursor, "opportunities_diary", len(batch))
        with cursor.copy(COPY) as pipe:
            for (line, own, whole, wrong), number, diary in zip(batch, records, diaries, strict=True):
                said, reference, owner, verdict, column, reason = rows.read(own, whole, wrong)
                if said.pop("joins", False):
                    verdict = ImportRow.Verdict.JOINED
                pipe.write_row(
                    (
                        record.pk,
                        line,
                        storable(own),
                        as_json(said),
                        reference,
                        str(verdict),
                        column,
                        reason,
                        owner,
                        None,
                        number,
                        diary,
                    )
                )


def count(record) -> dict[str, int]:
    """Return how many rows there are of each verdict."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select verdict, count(*) from opportunities_importrow where of_id = %s group by verdict", [record.pk]
        )
        return dict(cursor.fetchall())
