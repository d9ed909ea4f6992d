"""Second tries at lost deals: when they open, who is written to, and what follows from an answer."""

import logging

from django.db import transaction

from . import clock
from .models import Task, WinBack
from .records import Lack, Opens, Refused, begin, lock, perform

log = logging.getLogger("zarts.secondtries")
BATCH = 50
PURPOSE = "marketing"


def turn() -> int:
    """Open the second tries whose window has begun, and let those expire whose window is over."""
    today = clock.today()
    waiting = WinBack.objects.filter(stage=WinBack.Stage.WAITING, opens_on__lte=today, ends_on__gte=today)
    over = WinBack.objects.exclude(stage__in=WinBack.CLOSED).filter(ends_on__lt=today)
    count = 0
    for rows, name in ((over, "expire"), (waiting, "open")):
        for win_back in rows.order_by("pk")[:BATCH]:
            try:
                perform(getattr(win_back, name), by=None)
            except Refused:
                continue  # somebody was quicker
            except Exception:
                log.exception("Win-back %s could not be turned.", win_back.pk)
                continue
            count += 1
    return count


def people(win_back):
    """Return whom of the client mail may reach, whoever decided first."""
    there = win_back.opportunity.client.contacts.reachable().filter(mail_failed_at=None)
    return sorted(there, key=lambda contact: (contact.pk != win_back.opportunity.decision_owner_id, contact.pk))


def letters(win_back):
    """Return the follow-ups by mail about a second try, the newest first."""
    return Task.objects.about(win_back).exclude(contact=None).order_by("-pk")


@transaction.atomic
def write(win_back, contact, *, by, template=None, subject="", words="") -> Task:
    """Have a letter go to somebody about a second try, as soon as the four conditions let it. Return the follow-up."""
    win_back = lock(win_back)  # of two who write at once, one does
    if win_back.stage not in (WinBack.Stage.OPEN, WinBack.Stage.CONTACTED):
        raise Refused(["Wait for its window: nobody is written to before or after it."])
    if waiting := letters(win_back).unfinished().first():
        raise Refused([Lack("A letter to them waits already: cancel it first.", waiting.staff_url())])
    return begin(a_letter(win_back, contact, template=template, subject=subject, words=words), by=by, past="promised")


def a_letter(win_back, contact, *, title="Try again", **fields) -> Task:
    """Return a new follow-up by mail about a second try, due now."""
    return Task(
        opportunity=win_back.opportunity,
        kind=Task.Kind.WIN_BACK,
        title=f"{title}: {win_back.opportunity}"[:200],
        owner=win_back.owner,
        due_at=clock.now(),
        contact=contact,
        promised_to=contact,
        purpose=PURPOSE,
        record_type=win_back.label(),
        record_id=win_back.pk,
        **fields,
    )


def went(message):
    """A letter about a second try has gone: they are contacted with that."""
    win_back = message.record
    if isinstance(win_back, WinBack) and win_back.stage == WinBack.Stage.OPEN:
        perform(win_back.contacted, by=None)


def answered(message):
    """Somebody of a client whose lost deal is tried again wrote: whoever tries decides whether to reopen it."""
    tried = WinBack.objects.filter(opportunity__client=message.client, stage__in=["open", "contacted"])
    for win_back in tried.order_by("pk"):
        if Task.objects.open().about(win_back).filter(title__startswith=ANSWERED.title).exists():
            continue
        from .followups import open_task  # it imports this module's models, and writes by the outbox

        open_task(win_back, ANSWERED, by=None)


ANSWERED = Opens("win_back", "They answered: reopen the deal, or say why not", 1)
