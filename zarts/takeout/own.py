"""Everything that a person owns, written bit by bit into files, kept some days, and handed out as one ZIP.

Each bit is one transaction that holds the row of what was asked: killed anywhere, the next round goes on after the last
bit that is whole. Nothing is held but the rows of one bit.
"""

import csv
import io
import logging
import time
import zipfile
import zlib

from django.db import IntegrityError, transaction
from django.utils import timezone

from opportunities import clock
from opportunities.erasing import is_quiet
from opportunities.records import Refused, tell
from opportunities.spreadsheets import safe

from .models import OwnPiece, OwnTakeout
from .models.own import KEPT
from .own_files import FILES, README

log = logging.getLogger("zarts.takeout")
State = OwnTakeout.State
# So many records are written at once.
BATCH = 1000
# So many pieces are removed at once.
PIECES = 200


def may_take(user, whose) -> bool:
    """Whether somebody may take out what a person owns: their own, or anybody's where they see everything."""
    return user.is_active and (user.sees_all or (whose is not None and whose.pk == user.pk))


@transaction.atomic
def ask(user, whose) -> OwnTakeout:
    """Ask for everything of a person; of nobody in particular: of everybody. Raises `Refused` while one is made."""
    if not may_take(user, whose):
        raise Refused(["You can take out what you own. Who sees everything can take out somebody else’s."])
    try:
        with transaction.atomic():
            takeout = OwnTakeout.objects.create(user=user, whose=whose)
    except IntegrityError:
        raise Refused(["One is being made for you already. Wait until it is ready."]) from None
    of = str(whose) if whose else "everybody"
    tell(user, "takeout", "asked to take out", by=user, facts={"takeout": takeout.pk, "of": of})
    return takeout


# -- Making it. --------------------------------------------------------------------------------------------------------


def work(seconds: float = 3) -> int:
    """Go on with what was asked for a while. Return how many bits were written."""
    until, bits = time.monotonic() + seconds, 0
    while time.monotonic() < until and go_on():
        bits += 1
    return bits


def go_on() -> bool:
    """Write the next bit of the first that waits. False when none waits, others are at them, or somebody is erased."""
    pk = 0
    try:
        with transaction.atomic():
            if not is_quiet():
                return False
            due = OwnTakeout.objects.filter(state=State.ASKED).order_by("pk")
            takeout = due.select_for_update(skip_locked=True, of=("self",)).first()
            if takeout is None:
                return False
            pk = takeout.pk
            write(takeout)
            takeout.save()
    except Exception:
        if not pk:
            raise
        log.exception("Take-out %s could not be made.", pk)
        words = "It broke off, and the fault is ours. Ask for it again."
        OwnTakeout.objects.filter(pk=pk, state=State.ASKED).update(
            state=State.FAILED, trouble=words, gone_at=clock.now() + KEPT
        )
    return True


def write(takeout):
    """Write the next bit, or say that it is ready."""
    user, at = takeout.user, clock.now()
    if not may_take(user, takeout.whose):
        takeout.state, takeout.gone_at = State.FAILED, at + KEPT
        takeout.trouble = "You may not see all of it any more. Ask for what you own."
        return
    if not takeout.counts:
        takeout.of = sum(file.rows(user, takeout.whose).count() for file in FILES if file.is_open_to(user))
    if takeout.file == len(FILES):
        takeout.state, takeout.ready_at, takeout.gone_at = State.READY, at, at + KEPT
        return
    file = FILES[takeout.file]
    count = takeout.counts.get(file.name, 0)
    rows = file.batch(user, takeout.whose, takeout.last, BATCH) if file.is_open_to(user) else []
    if rows or (not count and file.is_open_to(user)):
        keep(takeout, file, rows)
    takeout.counts = {**takeout.counts, file.name: count + len(rows)}
    if len(rows) < BATCH:
        takeout.file, takeout.last = takeout.file + 1, 0
    else:
        takeout.last = rows[-1].pk


def keep(takeout, file, rows):
    """Keep a bit of a file; the first begins with the names of the columns. Nothing in it is calculated."""
    text = io.StringIO()
    writer = csv.writer(text)
    number = takeout.pieces.filter(file=takeout.file).count()
    if not number:
        # Excel takes the letters for what they are by this mark.
        text.write("\ufeff")
        writer.writerow(file.header)
    writer.writerows([safe(value) for value in file.values(row)] for row in rows)
    pressed = zlib.compress(text.getvalue().encode())
    OwnPiece.objects.create(of=takeout, file=takeout.file, number=number, data=pressed)


# -- Handing it out. ---------------------------------------------------------------------------------------------------


class Pipe(io.RawIOBase):
    """A file that only goes on: what is written to it is taken out in between."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.written += data
        return len(data)

    def taken(self) -> bytes:
        data, self.written = bytes(self.written), bytearray()
        return data


def zipped(takeout):
    """Yield the ZIP of what is ready, piece by piece."""
    pipe = Pipe()
    day = timezone.localtime(takeout.ready_at).timetuple()[:6]
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as whole:
        readme = README.format(of=takeout, at=timezone.localtime(takeout.ready_at))
        whole.writestr(zipfile.ZipInfo("README.txt", day), readme)
        for number, file in enumerate(FILES):
            pieces = takeout.pieces.filter(file=number).order_by("number").values_list("data", flat=True)
            if file.name not in takeout.counts or not pieces.exists():
                continue
            about = zipfile.ZipInfo(f"{file.name}.csv", day)
            about.compress_type = zipfile.ZIP_DEFLATED
            with whole.open(about, "w", force_zip64=True) as inside:
                for data in pieces.iterator(chunk_size=4):
                    inside.write(zlib.decompress(data))
                    yield pipe.taken()
    yield pipe.taken()


def end_all(why: str) -> int:
    """End every take-out that is there, is made or broke off: what was erased must lie in none. Return how many."""
    there = OwnTakeout.objects.filter(state__in=[State.ASKED, State.READY, State.FAILED])
    with transaction.atomic():
        pks = list(there.select_for_update().values_list("pk", flat=True))
        OwnPiece.objects.filter(of__in=pks).delete()
        return OwnTakeout.objects.filter(pk__in=pks).update(state=State.GONE, trouble=why)


def forget() -> int:
    """Remove what was kept for its days, some pieces at a time. Who asked, and when, stays."""
    over = OwnTakeout.objects.filter(state__in=[State.READY, State.FAILED], gone_at__lt=clock.now())
    gone = 0
    for pk in over.order_by("gone_at").values_list("pk", flat=True)[:20]:
        pieces = list(OwnPiece.objects.filter(of=pk).values_list("pk", flat=True)[:PIECES])
        OwnPiece.objects.filter(pk__in=pieces).delete()
        if len(pieces) < PIECES:
            gone += OwnTakeout.objects.filter(pk=pk).update(state=State.GONE)
    return gone
