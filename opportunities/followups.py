"""What falls due, when it may go out, and when it waits. The moves say what they open.

Due work is rows. A round claims them with SKIP LOCKED, so any number of workers may run one at a time.
"""

import logging
from datetime import datetime, time, timedelta
from email.utils import formataddr
from smtplib import SMTPException, SMTPServerDisconnected

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils import timezone

from .models import Consent, Contact, Message, Task, User
from .records import Refused, begin, edit, is_free, perform

log = logging.getLogger("zarts.followups")
BATCH = 50
# A message that was handed to the mail server this long ago, and never confirmed, asks a person.
LEASE = timedelta(minutes=5)


# -- Moves open and close tasks. ---------------------------------------------------------------------------------------


def after_move(record, step, by):
    """Close the tasks that this move answers, and open the one that it promises."""
    if isinstance(record, (Task, Message)):
        return
    promised = Task.objects.about(record).exclude(stage__in=Task.CLOSED) if step.custom["answers"] else ()
    for task in promised:
        # It follows from the move: a client, or anybody who may make the move, need not be allowed to close tasks.
        perform(task.finish, by=None, outcome=f"{record} was {step.custom['past'].rstrip(':')}."[:300])
    if opens := step.custom["opens"]:
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
    """Remind and touch for every task that has fallen due, and send every queued message. Return the counts."""
    return {"tasks": take_due_tasks(), "sent": send_queued(), "doubted": doubt_expired()}


def take_due_tasks() -> int:
    """Queue the mail of each due follow-up that has a contact, and remind the owners of the others.

    While the mail server takes nothing, nobody is reminded: their tasks stay due and untold, which is their queue.
    """
    due = Task.objects.filter(stage=Task.Stage.OPEN, told_at=None, due_at__lte=timezone.now()).order_by("due_at")
    if not due.exists():
        return 0
    taken, connection = 0, get_connection()
    ready = due if is_reached(connection) else due.exclude(contact=None).exclude(words="")
    for pk, diary_id in ready.values_list("pk", "diary_id")[:BATCH]:
        try:
            taken += take(due.filter(pk=pk), diary_id, connection)
        except Exception:
            # One that cannot be taken must not keep the others waiting. It is tried again in the next round.
            log.exception("Task %s is due and could not be taken.", pk)
    connection.close()
    return taken


@transaction.atomic
def take(due, diary_id, connection) -> bool:
    """Take one due task. False when somebody is at it now, or was quicker.

    Its diary is locked before its row, as in every move: the other way round the two would wait for each other.
    """
    task = due.select_for_update(skip_locked=True, of=("self",)).first() if is_free(diary_id) else None
    if task is None:
        return False
    if task.contact_id and task.words:
        touch(task)
    else:
        Task.objects.filter(pk=task.pk).update(told_at=timezone.now())
        transaction.on_commit(lambda: remind(task, connection), robust=True)
    return True


def touch(task):
    """Queue the mail that a due follow-up promised, or pause the follow-up and say why."""
    if reason := why_not(task):
        perform(task.pause, by=None, reason=reason)
        return
    message = Message(
        client=task.contact.client,
        opportunity=task.opportunity,
        contact=task.contact,
        task=task,
        owner=task.owner,
        purpose=task.purpose,
        template="follow_up",
        subject=task.subject or f"A word from {settings.AGENCY_NAME}",
        body=task.words,
        record_type=task.record_type,
        record_id=task.record_id,
    )
    perform(begin(message, by=None, past="wrote").queue, by=None)
    Task.objects.filter(pk=task.pk).update(told_at=timezone.now())
    perform(task.finish, by=None, outcome="Mail queued.")


def why_not(task) -> str:
    """Return why this touch must wait, or nothing: consent, source context and decision path are asked."""
    contact, opportunity = task.contact, task.opportunity
    if contact.left_on or not contact.email:
        return f"{contact} cannot be reached: find a new contact path."
    if not contact.agreed_to(task.purpose or Consent.Purpose.TRANSACTIONAL):
        return f"{contact} has not agreed to {task.purpose or 'transactional'} mail."
    if opportunity and opportunity.stage == "paused":
        return "The opportunity is paused."
    if opportunity and not (opportunity.decision_owner and not opportunity.decision_owner.left_on):
        return "Nobody is known to decide: name the decision owner."
    if opportunity and any(
        lead.source and not lead.source.is_valid for lead in opportunity.leads.select_related("source")
    ):
        return "The source that it came from is no longer valid."
    return ""


def remind(task, connection):
    """Mail the owner of a task that has fallen due. While no server takes the mail, the task is untold again."""
    link = f"{settings.SITE_URL}{task.staff_url()}"
    words = f"{task.title}\n\nIt is due now. Open it here:\n{link}\n\nYou get this mail because the task is yours."
    mail = EmailMessage(f"Due: {' '.join(task.title.split())}", words, None, [task.owner.email], connection=connection)
    try:
        connection.open()
        mail.send()
    except OSError as trouble:
        log.warning("The reminder of task %s did not go: %s", task.pk, trouble)
        connection.close()
        if is_no_answer(trouble):
            Task.objects.filter(pk=task.pk).update(told_at=None)


def is_no_answer(trouble) -> bool:
    """Whether the mail server never answered, so that it may take the same mail later. What it refused it refuses."""
    return isinstance(trouble, SMTPServerDisconnected) or not isinstance(trouble, SMTPException)


# -- The outbox. -------------------------------------------------------------------------------------------------------


def send_queued() -> int:
    """Send what is queued. Each is claimed first, in a transaction of its own, so no two workers send one."""
    sent = 0
    connection = get_connection()
    while queued().exists() and is_reached(connection) and (message := claim()):
        sent += deliver(message, connection)
    connection.close()
    return sent


def queued():
    return Message.objects.filter(stage=Message.Stage.QUEUED).order_by("id")


def is_reached(connection) -> bool:
    """Whether the mail server takes mail now. While it does not, what is queued stays queued."""
    try:
        connection.open()
    except OSError as trouble:
        log.warning("The mail server cannot be reached: %s", trouble)
        return False
    return True


def claim():
    """Take one queued message, or None. From here on it is `sending`: nobody sends it again by themselves."""
    for waiting in queued().select_related("opportunity", "client")[:BATCH]:
        with transaction.atomic():
            mine = queued().filter(pk=waiting.pk).select_for_update(skip_locked=True)
            message = mine.first() if is_free(waiting.diary_id) else None
            if message is not None:
                message = perform(message.start_sending, by=None)
                Message.objects.filter(pk=message.pk).update(claimed_at=timezone.now())
                return message
    return None


def deliver(message, connection) -> bool:
    """Hand a claimed message to the mail server, and write down what it said."""
    mail = EmailMessage(
        message.subject,
        message.mailed_words,
        formataddr((str(message.owner), settings.AGENCY_EMAIL)),
        [formataddr((message.contact.name, message.contact.email))],
        headers={"Message-ID": message.message_id},
        connection=connection,
    )
    try:
        mail.send()
    except ValueError as trouble:
        perform(message.fail, by=None, reason=f"It cannot be written as a mail: {trouble}")
        return False
    except SMTPServerDisconnected as trouble:
        return no_answer(message, connection, trouble)
    except SMTPException as refusal:
        perform(message.fail, by=None, reason=f"The mail server refused it: {refusal}")
        return False
    except OSError as trouble:
        return no_answer(message, connection, trouble)
    message = perform(message.confirm_sent, by=None)
    Message.objects.filter(pk=message.pk).update(sent_at=timezone.now())
    return True


def no_answer(message, connection, trouble) -> bool:
    """Ask a person about a message that may have gone or not, and begin the next one on a new connection."""
    perform(message.doubt, by=None, reason=f"The mail server gave no answer: {trouble}")
    connection.close()
    return False


def doubt_expired() -> int:
    """Ask a person about messages that were handed over and never confirmed."""
    expired = Message.objects.filter(stage=Message.Stage.SENDING, claimed_at__lt=timezone.now() - LEASE)[:BATCH]
    count = 0
    for message in expired:
        try:
            perform(message.doubt, by=None, reason="The worker that sent it was never heard of again.")
        except Refused:
            continue  # another round was quicker
        count += 1
    return count
