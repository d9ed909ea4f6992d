"""How a retest is asked for, begun, followed and ended, and what it is compared with."""

import subprocess
import sys
import threading
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from opportunities.records import Refused

from . import only as narrowing
from .models import RetestFinding, RetestRun

State = RetestRun.State
# A walk that was not heard of for so long is over. One page may take a while.
SILENT = timedelta(minutes=5)
# Of so many runs the pictures are kept.
PICTURED = 20
GONE = "its process is gone. Start it again."


class Ended(Exception):
    """Somebody ended the run that is walked, or gave it up."""


def ask(user=None, *, site="", portal="", only="", phone_only=False) -> RetestRun:
    """Ask for a retest. Raises `Refused` while another waits or walks, and where a word narrows it to nothing."""
    if words := narrowing.strange(only):
        named = ", ".join(f"“{word}”" for word in words)
        raise Refused([f"{named} is no part, no role and no piece of an address. Check how it is written."])
    site, portal = site or settings.SITE_URL, portal or settings.PORTAL_URL
    give_up_silent()
    if running := RetestRun.objects.filter(state__in=RetestRun.OPEN).first():
        raise Refused([busy(running)])
    try:
        with transaction.atomic():
            return RetestRun.objects.create(user=user, site=site, portal=portal, only=only, phone_only=phone_only)
    except IntegrityError:
        raise Refused(["Another retest was asked for meanwhile. Wait until it has ended."]) from None


def busy(run) -> str:
    if run.state == State.ASKED:
        return f"{run} waits for a worker already. Wait until it has ended."
    return f"{run} is walking: {run.progress}. Wait until it has ended."


def claim(run) -> bool:
    """Take a run that was asked for. False when somebody else took it."""
    at = timezone.now()
    rows = RetestRun.objects.filter(pk=run.pk, state=State.ASKED)
    return rows.update(state=State.WALKING, began_at=at, heard_at=at) == 1


def start_due() -> int:
    """Begin the retest that was asked for, in a process of its own: a round of due work does not wait for it."""
    give_up_silent()
    run = RetestRun.objects.filter(state=State.ASKED).first()
    if run is None or not claim(run):
        return 0
    # It ends with whoever began it, and then is heard of no more.
    words = [sys.executable, "manage.py", "retest", "--run", str(run.pk)]
    process = subprocess.Popen(words, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    threading.Thread(target=wait_for, args=(process, run.pk), daemon=True).start()
    return 1


def wait_for(process, pk):
    """Wait until a walk's process has ended: none stays behind, and a walk that died is known at once."""
    process.wait()
    try:
        give_up(RetestRun.objects.filter(pk=pk))
    finally:
        connections.close_all()


def give_up_silent():
    """End the walk that was not heard of for a while, and whatever it left open."""
    give_up(RetestRun.objects.filter(heard_at__lt=timezone.now() - SILENT))


def give_up(rows):
    for run in rows.filter(state=State.WALKING):
        end(run, f"It broke off at {run.progress}: {GONE}")


def hear(run, doing=""):
    """Say how far a run came. Raises `Ended` when it was ended meanwhile."""
    goes_on(run)
    run.heard_at, run.doing = timezone.now(), doing[:200] or run.doing
    run.save(update_fields=["heard_at", "doing", "done", "of", "said", "sessions"])


def goes_on(run):
    """Raise `Ended` when a run was ended meanwhile: what its walk meets since then is nobody's fault."""
    if not RetestRun.objects.filter(pk=run.pk, state=State.WALKING).exists():
        raise Ended(str(run))


def stop(run, user):
    """End a run before its time, for a person. False when it had ended already. The walk ends with its next page."""
    at = f"at {run.progress}" if run.state == State.WALKING else "before it began"
    with transaction.atomic():
        run = RetestRun.objects.select_for_update().get(pk=run.pk)
        if run.is_open:
            end(run, f"{user} stopped it {at}.")
            return True
    return False


def close(run):
    """End the sessions that a run made for itself. Its previews are ended by their pages, else within half an hour."""
    Session.objects.filter(session_key__in=run.sessions).delete()
    run.sessions = []
    run.save(update_fields=["sessions"])


@transaction.atomic
def end(run, why="", looked=None) -> RetestRun:
    """End a run. `looked`: where it looked, so that what it did not find there again is mended. It ends once."""
    close(run)
    # Whoever stops it at this moment was quicker, or finds that it has ended.
    if not RetestRun.objects.select_for_update().get(pk=run.pk).is_open:
        run.refresh_from_db()
        return run
    if looked is not None:
        compare(run, looked)
    state = State.FINDINGS if run.findings.exists() else State.FAILED if why else State.GREEN
    if looked is None:
        state = State.FAILED
    run.state, run.why, run.ended_at, run.doing = state, why, timezone.now(), ""
    run.save()
    old = RetestRun.objects.order_by("-pk").values_list("pk", flat=True)[PICTURED : PICTURED + 1]
    if old:
        RetestFinding.objects.filter(run__lte=old[0], picture__isnull=False).update(picture=None)
    return run


@transaction.atomic
def compare(run, looked):
    """Say of each finding whether it is new, and of what earlier runs found whether it is mended."""
    before = RetestFinding.objects.filter(mended_by=None, run__site=run.site).exclude(run=run)
    known = set(before.values_list("fingerprint", flat=True).distinct())
    run.findings.filter(fingerprint__in=known).update(is_new=False)
    found = set(run.findings.values_list("fingerprint", flat=True))
    gone = {
        each.fingerprint
        for each in before.only("fingerprint", "kind", "place", "who", "width")
        if each.fingerprint not in found and each.spot in looked
    }
    before.filter(fingerprint__in=gone).update(mended_by=run)
