"""What falls due, when it may go out, and when it waits. The moves say what they open.

Due work is rows. A round claims them with SKIP LOCKED, so any number of workers may run one at a time.
"""

from datetime import datetime, time, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import clock, conditions, notices, outbox
from .models import Contact, Message, Notice, Task, User
from .records import Lack, Refused, begin, edit, lock_free, perform
from .turns import LONG_ENOUGH, take_each

# Tasks of ours that fall due are told of by so many at once.
MANY = 500
# What waits is looked at again at the latest after this long; what cures it may say so earlier.
LOOK_AGAIN = timedelta(hours=6)
# So many of what waits are looked at sooner at once.
HASTE = 1000


# -- Moves open and close tasks. ---------------------------------------------------------------------------------------


def after_move(record, step, by):
    """Close the tasks that this move answers, and open the one that it promises."""
    if isinstance(record, (Task, Message)):
        return
    promised = Task.objects.about(record).unfinished() if step.custom["answers"] else ()
    for task in promised:
        # It follows from the move: a client, or anybody who may make the move, need not be allowed to close tasks.
        perform(task.finish, by=None, outcome=f"{record} was {step.custom['past'].rstrip(':')}."[:300])
    opens = step.custom["opens"]
    if opens and (opens.when is None or opens.when(record)):
        promise(record, opens, by=by)


def promise(record, opens, *, by):
    """Open the task that a move promises, unless its deal is lost. What the clock finds in one that rests, waits."""
    stage = getattr(top_of(record), "stage", "")
    if stage == "lost" and opens.kind != Task.Kind.WIN_BACK:
        return
    task = open_task(record, opens, by=by)
    if stage == "paused" and by is None:
        perform(task.pause, by=None, reason="The opportunity is paused.")


def top_of(record):
    """Return the lead, the client or the deal that a record belongs to in the end."""
    while record.belongs_to:
        record = record.parent
    return record


def open_task(record, opens, *, by, **fields):
    """Open the task that a move of this record promises, for its owner or for somebody who may do it."""
    above = top_of(record)
    about = {"lead": above} if above.label() == "opportunities.lead" else {"opportunity": above}
    owner = getattr(record, "owner", None) or above.owner
    task = Task(
        **about,
        kind=opens.kind,
        title=f"{opens.title}: {record}"[:200],
        owner=(opens.whose and User.who_may(opens.whose, record)) or owner,
        due_at=end_of_day(timezone.localdate() + timedelta(days=opens.days)),
        record_type=record.label(),
        record_id=record.pk,
        **fields,
    )
    # What a client's move makes us owe is ours: it was not promised by them.
    return begin(task, by=None if isinstance(by, Contact) else by, past="promised")


def give_days(rows, days):
    """Let what fell due while its deal rested be due a few days from now."""
    for late in rows.filter(due_on__lt=timezone.localdate()).order_by("pk"):
        day = timezone.localdate() + timedelta(days=days)
        edit(late, by=None, reason="It fell due while the opportunity was paused.", due_on=day)


def end_of_day(day):
    """Return 17:00 of a day in the agency's time zone, whoever asks."""
    return timezone.make_aware(datetime.combine(day, time(17)), timezone.get_default_timezone())


# -- A round of due work. ----------------------------------------------------------------------------------------------


def send_due() -> dict:
    """Look again at what waits, take what has fallen due, and send what is queued. Return the counts."""
    return {"resumed": go_on_waiting()} | take_due() | outbox.run()


def go_on_waiting() -> int:
    return resume_waiting() + outbox.go_on_waiting()


def take_due() -> dict:
    return {"told": tell_owners(), "touched": take_touches()}


def due():
    return Task.objects.filter(stage=Task.Stage.OPEN, told_at=None, due_at__lte=clock.now()).order_by("due_at")


def is_touch():
    """Return the condition for the tasks that mail somebody by themselves when they fall due."""
    return ~Q(contact=None) & (~Q(words="") | ~Q(template=None))


def tell_owners() -> int:
    """Tell the owners of tasks that have fallen due, once each: the telling and its mark are one transaction."""
    told, until = 0, monotonic() + LONG_ENOUGH
    while monotonic() < until and (batch := tell_some()):
        told += batch
    return told


@transaction.atomic
def tell_some() -> int:
    rows = due().exclude(is_touch()).select_for_update(skip_locked=True, of=("self",)).select_related("owner")
    tasks = list(rows[:MANY])
    if tasks:
        notices.tell_all(
            [
                (
                    task.owner,
                    Notice.Kind.DUE,
                    f"Due: {task.title}",
                    task.staff_url(),
                    f"{task.pk}:{int(task.due_at.timestamp())}",
                    task,
                )
                for task in tasks
            ]
        )
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(told_at=clock.now())
    return len(tasks)


def take_touches() -> int:
    """Write the mail of each follow-up that has fallen due, or let it wait and say why."""
    return take_each(due().filter(is_touch()), "due_at", take)


# What is read along with a follow-up that is taken.
ALONG = ("contact__client", "opportunity", "template", "owner", "campaign_entry__campaign")


@transaction.atomic
def take(pk) -> bool:
    """Take one due follow-up. False when somebody is at it now, or was quicker."""
    task = lock_free(due().filter(pk=pk).select_related(*ALONG))
    if task is None:
        return False
    if task.opportunity and task.opportunity.stage == "paused":
        perform(task.pause, by=None, reason="The opportunity is paused.")
    elif found := why_not(task):
        pause_for(task, found[0])
    else:
        touch(task)
    return True


def why_not(task) -> list:
    """Return what this touch waits for now, before its mail is written."""
    return outbox.touch_waits(task, task, clock.now())


def still_waits(task) -> list:
    """Return what a touch that waits would wait for again at once: a condition, or words that writing it would miss."""
    return why_not(task) or unwritten(task)


def unwritten(task) -> list:
    """Return what the words of its mail wait for: a field of its template that is empty for this contact, say."""
    if task.template is None:
        return []
    try:
        mail_of(task)
    except Refused as refusal:
        return [conditions.Wait(Task.Waits.WORDS, lack.words, lack.url) for lack in refusal.lacks]
    return []


def touch(task):
    """Write the mail that a due follow-up promised. It is done when the mail has gone; it never has a second mail."""
    message = task.messages.first()
    try:
        # What is refused leaves nothing behind: no draft that would be taken for the mail.
        with transaction.atomic():
            if message is None:
                outbox.write(task.contact, **mail_of(task), owner=task.owner, by=None, **about(task), task=task)
            elif message.stage == Message.Stage.HELD and message.waits_for:
                perform(message.go_on, by=None)
            elif message.stage == Message.Stage.FAILED:
                perform(message.retry, by=None)
    except Refused as refusal:
        lack = refusal.lacks[0]
        pause_for(task, conditions.Wait(Task.Waits.WORDS, lack.words, lack.url))
    else:
        Task.objects.filter(pk=task.pk).update(told_at=clock.now())


def about(task) -> dict:
    return {"record": task.record, "opportunity": task.opportunity}


def mail_of(task) -> dict:
    """Return the words of a follow-up's mail: its own, or those of its template for this very contact.

    Raises `Refused` when a field of the template is empty, or the template has no words or another purpose by now.
    """
    from . import filling

    purpose, template = task.purpose or "transactional", task.template
    if template is None:
        subject = task.subject or f"A word from {settings.AGENCY_NAME}"
        return {
            "subject": subject,
            "body": task.words,
            "purpose": purpose,
            "template": "follow_up",
            "template_version": None,
        }
    version = template.current
    if version is None:
        raise Refused([Lack(f"Write the words of the template {template}.", template.staff_url("id_body"))])
    if template.purpose != purpose:
        words = f"The template {template} is for {template.purpose} mail now, and this was promised as {purpose}."
        raise Refused([Lack(words, template.staff_url())])
    subject, body = filling.fill(version, contact=task.contact, owner=task.owner, **about(task))
    return {
        "subject": subject,
        "body": body,
        "purpose": purpose,
        "template": template.name[:40],
        "template_version": version,
    }


def say_anew(task):
    """Let the mail of a follow-up that was changed say what the follow-up says now, to whom it is for now.

    What mails nobody any more keeps its mail back. Raises `Refused` when it is on its way already.
    """
    message = task.messages.exclude(stage=Message.Stage.SENT).first()
    if message is None:
        return
    if message.stage in (Message.Stage.SENDING, Message.Stage.UNCERTAIN):
        raise Refused([Lack("Its mail is on its way already.", message.staff_url())])
    if not task.is_touch:
        outbox.keep_back(task, "Its follow-up mails nobody any more.")
        Task.objects.filter(pk=task.pk).update(told_at=None)  # its owner is told of it instead
        return
    now = {**mail_of(task), "contact": task.contact}
    if changed := {name: value for name, value in now.items() if getattr(message, name) != value}:
        edit(message, by=None, reason="Its follow-up was changed.", **changed)
    if message.stage == Message.Stage.FAILED:
        Task.objects.filter(pk=task.pk).update(told_at=None)  # it is tried again, as it is now


# -- Waiting for a condition, and going on. ----------------------------------------------------------------------------


def pause_for(task, wait):
    """Let a follow-up wait for a condition, saying why; until it is met, it is looked at again by itself."""
    tell_of_wait(task, wait)
    return perform(task.pause, by=None, reason=wait.words, **waiting_for(wait))


def waiting_for(wait) -> dict:
    """Return what a task keeps of a wait beside its words: for what, where that is mended, and when to look again."""
    return {"waits_for": wait.condition, "mended_at": wait.url, "again_at": look_again(wait)}


def tell_of_wait(task, wait):
    """Tell the owner what a person must see to. What ends by itself, as a night does, needs nobody."""
    if wait.until is None:
        words = f"“{task}” waits: {wait.words}"
        # What goes on and waits for the same again is told again, though not twice a day.
        about = {"key": f"{task.pk}:{clock.today()}:{wait.words}", "about": task}
        notices.tell(task.owner, Notice.Kind.PAUSE, words, task.staff_url(), **about)


def look_again(wait):
    """Return when a wait is looked at again: when it ends, if that is known."""
    return wait.until or clock.now() + LOOK_AGAIN


def hasten(**about):
    """Have what waits be looked at in the next round: something changed that may cure it.

    `about` says which: contact=…, opportunity__in=…; nothing: all that waits for the right time. What somebody is at
    just now is passed over, and so is what is more than a few rounds' work: it is looked at when its turn comes. A mail
    has neither a campaign nor a template of its own: it waits with its follow-up.
    """
    which = about or {"waits_for": Task.Waits.TIMING}
    for rows in (Task.objects.filter(stage=Task.Stage.PAUSED), Message.objects.filter(stage=Message.Stage.HELD)):
        if rows.model is Message and which.keys() & {"campaign_entry__campaign", "template"}:
            continue
        mine = (
            rows.filter(again_at__gt=clock.now(), **which)
            .order_by("pk")
            .select_for_update(skip_locked=True, of=("self",))
        )
        rows.filter(pk__in=list(mine.values_list("pk", flat=True)[:HASTE])).update(again_at=clock.now())


def resume_waiting() -> int:
    """Let the follow-ups go on whose condition is met, and say anew why the others wait."""
    # Whatever else it waits for: it waits for its deal first.
    return take_each(waiting().exclude(opportunity__stage="paused"), "again_at", look_at)


def waiting():
    return Task.objects.filter(stage=Task.Stage.PAUSED, again_at__lte=clock.now())


@transaction.atomic
def look_at(pk) -> bool:
    """Look at one follow-up that waits. Return whether it goes on."""
    task = lock_free(waiting().filter(pk=pk).select_related(*ALONG))
    if task is None:
        return False
    found = still_waits(task) if task.contact_id else []
    if not found:
        perform(task.resume, by=None)
        return True
    wait = found[0]
    if (task.waits_for, task.paused_because) != (wait.condition, wait.words[:300]):
        tell_of_wait(task, wait)
        edit(task, by=None, paused_because=wait.words[:300], **waiting_for(wait))
    else:
        Task.objects.filter(pk=pk).update(again_at=look_again(wait))
    return False
