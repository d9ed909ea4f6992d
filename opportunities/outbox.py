"""The outbox: every mail that leaves the house, to clients and to ourselves. None is lost, none goes twice.

A mail is claimed in a transaction of its own before the mail server hears of it, and confirmed in another. Whatever
happens between the two leaves it `sending`; when the lease is over it is uncertain, and a person looks. The number of
the attempt is the fence: a worker that was frozen is heard about its own attempt only.
"""

import logging
import smtplib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.crypto import salted_hmac
from django.utils.encoding import punycode
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from . import campaigns, clock, conditions, letters
from .models import Event, Letter, Message, Task
from .records import Refused, begin, edit, lock_free, perform, tell
from .troubles import in_words
from .turns import in_turn, take_each

log = logging.getLogger("zarts.outbox")
BATCH = 50  # so many are doubted in a round
# A mail that was claimed this long ago, and never confirmed, asks a person. A worker that is only slow is heard all
# the same: then what it says settles it.
LEASE = timedelta(seconds=30)
# Whoever has not handed a mail over by then puts it back instead.
TOO_LATE = LEASE.total_seconds() / 2
# What the server would not take just now is tried again after so many minutes, by the attempt; then it has failed.
AGAIN = (1, 5, 15, 60, 180, 360, 720, 1440)
# A database that was away is waited for this long to hear that a mail went.
PATIENCE = 30


def write(contact, subject, body, *, owner, by, purpose="transactional", record=None, **fields) -> Message:
    """Write a mail to a contact and queue it. Return the message.

    `record` is what it speaks of. `fields` are the message's own: opportunity, task, template, template_version.
    """
    of = {"record_type": record.label(), "record_id": record.pk} if record is not None else {}
    message = Message(
        client=contact.client,
        contact=contact,
        owner=owner,
        purpose=purpose,
        subject=subject,
        body=body,
        **of,
        **fields,
    )
    return perform(begin(message, by=by, past="wrote").queue, by=by)


def run() -> dict:
    """Send what is queued and may go, and ask a person about what nobody confirmed. Return the counts."""
    return {"doubted": doubt_expired() + doubt_letters(), **send()}


def send() -> dict:
    """Send what may go now. While the mail server takes nothing, all of it stays queued."""
    sent = {"messages": 0, "letters": 0}
    server = get_connection()
    kinds = (("messages", queued, claim, deliver), ("letters", queued_letters, claim_letter, deliver_letter))
    try:
        for name, rows, take, hand_over in kinds:
            ahead = in_turn(rows(), "go_at")
            while rows().exists() and is_reached(server) and (mail := take(ahead)):
                sent[name] += hand_over(mail, server)
    finally:
        with suppress(OSError):
            server.close()
    return sent


def is_reached(server) -> bool:
    """Whether the mail server takes mail now. One that turned us away is asked again in the next round."""
    if getattr(server, "turned_away", False):
        return False
    try:
        server.open()
    except Exception as trouble:  # each provider has its own kinds of trouble
        log.warning("The mail server cannot be reached: %s", trouble)
        return False
    return True


# -- Claiming: here the conditions are asked for the last time. --------------------------------------------------------


def queued():
    mails = Message.objects.filter(channel=Message.Channel.MAIL)
    return mails.filter(stage=Message.Stage.QUEUED, go_at__lte=clock.now()).order_by("go_at", "id")


def claim(ahead=None):
    """Take the next queued message that may go, or None. From here on it is `sending`: nobody else sends it."""
    for pk in in_turn(queued(), "go_at") if ahead is None else ahead:
        try:
            if message := claim_one(pk):
                return message
        except Exception:
            # One that cannot be claimed must not keep the others waiting. It is tried again in the next round.
            log.exception("Message %s is queued and could not be claimed.", pk)
    return None


# What is read along with a message that is taken.
ALONG = ("client", "contact__client", "opportunity", "task")


@transaction.atomic
def claim_one(pk):
    message = lock_free(queued().filter(pk=pk).select_related(*ALONG))
    claimed = hold_or_start(message) if message is not None else None
    if claimed:
        claimed.claimed = time.monotonic()
    return claimed


def hold_or_start(message):
    """Begin to send a message, or let it wait and say why. Return it when it begins."""
    at = clock.now()
    if found := waits(message, at):
        let_wait(message, found[0])
        return None
    day = conditions.day_of(message.contact, at) if message.is_touch else None
    try:
        with transaction.atomic():
            return perform(message.start_sending, by=None, touch_day=day)
    except IntegrityError:
        # Another worker began a touch of the same day a moment ago: the database lets one of them have it.
        let_wait(message, conditions.tomorrow(message.contact, at))
        return None


def waits(message, at) -> list:
    """Return what a message waits for. All four conditions are for touches; what somebody sends is theirs to time.

    Who lost a deal is left alone: whoever writes to them about it all the same is asked the four, too.
    """
    contact = message.contact
    if message.is_touch:
        return touch_waits(message, message.task, at)
    if is_second_try(message):
        return conditions.waits(contact, message.purpose, opportunity=message.opportunity, at=at)
    marketing = conditions.consent(contact, message.purpose, at) if message.purpose == "marketing" else []
    return conditions.way_to(contact) + marketing


def is_second_try(message) -> bool:
    """Whether somebody writes about a lost deal by hand, and not to answer what they wrote."""
    deal, by_hand = message.opportunity, message.is_by_hand or message.template_version_id
    return bool(deal and deal.stage == "lost" and by_hand and not message.is_touch and not answers_them(message))


def answers_them(message) -> bool:
    """Whether its reader wrote last: then this answers that."""
    from . import incoming  # it writes by what writes by this module

    mails = Message.objects.filter(contact=message.contact, channel=Message.Channel.MAIL)
    theirs = mails.filter(stage=Message.Stage.RECEIVED).exclude(template=incoming.AUTOMATIC)
    last = theirs.order_by("-happened_at").values_list("happened_at", flat=True).first()
    return last is not None and not mails.filter(sent_at__gt=last).exists()


def touch_waits(touch, task, at) -> list:
    """Return what a touch waits for, planned or written: the four conditions, and one touch a day."""
    if words := campaigns.stopped(task):
        return [conditions.Wait(conditions.Condition.SOURCE, words)]
    found = conditions.waits(
        touch.contact, touch.purpose, opportunity=touch.opportunity, at=at, not_after=task.not_after
    )
    return found or conditions.touched(touch.contact, touch.purpose, at)


def let_wait(message, wait):
    """Hold a message for a condition. A follow-up that is not closed waits with it, and looks again for both."""
    from . import followups  # it writes by this module

    alone = {} if message.is_its_tasks else {"again_at": followups.look_again(wait)}
    perform(message.hold, by=None, reason=wait.words, waits_for=wait.condition, **alone)
    if message.task_id and message.task.stage == "open":
        followups.pause_for(message.task, wait)


def go_on_waiting() -> int:
    """Look again at held messages that no follow-up looks after, and queue those whose condition is met."""
    return take_each(waiting(), "again_at", look_at)


def waiting():
    return Message.objects.filter(stage=Message.Stage.HELD, again_at__lte=clock.now())


@transaction.atomic
def look_at(pk) -> bool:
    """Look at one held message. Return whether it goes on; one that may never go on is left to a person."""
    from . import followups  # it writes by this module

    message = lock_free(waiting().filter(pk=pk).select_related(*ALONG))
    if message is None:
        return False
    if found := waits(message, clock.now()):
        Message.objects.filter(pk=pk).update(
            again_at=followups.look_again(found[0]), trouble=found[0].words[:300], waits_for=found[0].condition
        )
        return False
    try:
        with transaction.atomic():
            perform(message.go_on, by=None)
    except Refused as refusal:
        leave_to_a_person(message, str(refusal))
        return False
    return True


def keep_back(task, why):
    """Let the mail of a follow-up that has not gone yet go no more by itself."""
    for message in task.messages.filter(stage__in=[Message.Stage.QUEUED, Message.Stage.HELD]):
        if message.stage == Message.Stage.QUEUED:
            perform(message.hold, by=None, reason=why)
        elif message.waits_for:
            leave_to_a_person(message, why)


def stopped(message) -> str:
    """Return why nobody should get the mail of a follow-up any more, or nothing: it, or its sequence, was closed."""
    task = message.task
    if task is None:
        return ""
    if task.run is not None and task.run.stage == "stopped":
        return f"{task.run.sequence} was stopped: {task.run.stopped_because}"
    if task.stage not in Task.CLOSED or message.sent_at:  # it was done by this very mail, which came back since
        return ""
    told = Event.objects.filter(record_type=task.label(), record_id=task.pk, verb__in=["task.finish", "task.cancel"])
    last = told.order_by("-pk").first()
    return f"Its follow-up was closed: {(last and last.reason) or task.outcome or 'it is done'}"


def leave_to_a_person(message, why):
    """Let a held message wait for nothing any more: only somebody sends it after this."""
    edit(message, by=None, waits_for="", again_at=None, trouble=why[:300])


# -- Handing over. -----------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What came of handing a mail over, with the server's own words.

    `sent`, `refused`, `later`, `unknown`; or `turned away`: the server takes no mail of ours at all.
    """

    kind: str
    words: str = ""
    provider_id: str = ""


def hand_over(mail, server) -> Answer:
    """Give one mail to the server, and say what is known of it afterwards. Never raises."""
    asked = watch(server)
    try:
        if not mail.send():
            return Answer("refused", "It has no address to go to.")
    except ValueError as trouble:
        return Answer("refused", f"It cannot be written as a mail: {trouble}")
    except smtplib.SMTPServerDisconnected as trouble:
        return lost(server, asked, trouble)
    except smtplib.SMTPRecipientsRefused as refusal:
        codes = [code for code, _ in refusal.recipients.values()]
        return Answer("later" if codes and all(400 <= code < 500 for code in codes) else "refused", in_words(refusal))
    except smtplib.SMTPResponseException as refusal:
        return of_reply(refusal, asked)
    except smtplib.SMTPException as refusal:
        return Answer("refused", in_words(refusal))
    except AnymailRecipientsRefused as refusal:
        return Answer("refused", in_words(refusal))
    except AnymailAPIError as trouble:  # before OSError: what a provider answers is one, too
        # A key that is wrong is a matter of the house, not of this mail: all of it waits until that is mended.
        server.turned_away = trouble.status_code in (401, 403)
        return answer_of(trouble)
    except OSError as trouble:
        return lost(server, asked, trouble)
    except Exception as trouble:
        return Answer("unknown" if asked else "later", in_words(trouble))
    return Answer("sent", provider_id=number_of(mail))


def of_reply(refusal, asked) -> Answer:
    """Return what a server's reply means. Once it has the mail, only a clear no to it is one: all else may be a yes."""
    is_clear = 400 <= refusal.smtp_code < 600
    if asked and not (is_clear and isinstance(refusal, smtplib.SMTPDataError)):
        return Answer("unknown", f"The mail server's answer could not be read: {in_words(refusal)}")
    return Answer("refused" if 500 <= refusal.smtp_code < 600 else "later", in_words(refusal))


def number_of(mail) -> str:
    """Return the number that a provider gave a mail, or nothing. A mail of ours has one reader."""
    told = getattr(getattr(mail, "anymail_status", None), "message_id", None)
    numbers = told if isinstance(told, set) else {told}
    return next((str(number) for number in sorted(numbers, key=str) if number), "")


def answer_of(trouble) -> Answer:
    """Return what a provider's answer says of a mail. Without one, nobody knows, unless it was never reached."""
    status, words = getattr(trouble, "status_code", None), in_words(trouble)
    if status in (401, 403):
        return Answer("turned away", words)
    if status == 429 or never_left(trouble):
        return Answer("later", words)
    return Answer("refused" if status and 400 <= status < 500 and status != 408 else "unknown", words)


def never_left(trouble) -> bool:
    """Whether a provider was not reached at all: no connection was made, so that it has nothing of the mail."""
    seen: BaseException | None = trouble
    for _ in range(10):
        if seen is None:
            return False
        reason = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        reason = getattr(reason, "reason", reason)
        if any(isinstance(one, NewConnectionError | ConnectTimeoutError) for one in (seen, reason)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def watch(server) -> list:
    """Note in the list that is returned whether the mail itself was handed over: before that, nothing is in doubt."""
    handed: list = []
    smtp = getattr(server, "connection", None)
    if not isinstance(smtp, smtplib.SMTP):
        return [True]
    data = type(smtp).data.__get__(smtp)

    def note(words):
        handed.append(True)
        return data(words)

    vars(smtp)["data"] = note
    return handed


def lost(server, handed, trouble) -> Answer:
    """The server went away. Before it had the mail, the mail waits; after, nobody knows."""
    with suppress(OSError):
        server.close()
    return Answer("unknown" if handed else "later", f"The mail server gave no answer: {in_words(trouble)}.")


def deliver(message, server) -> bool:
    """Hand a claimed message to the mail server, and write down what it said. Return whether it went."""
    if time.monotonic() - message.claimed > TOO_LATE:
        heard(message, "release", reason="It was kept for too long before it was handed over.")
        return False
    try:
        mail = letter_of(message, server)
    except ValueError as trouble:  # nothing has left: the next one of its round goes on
        answer = Answer("refused", f"It cannot be written as a mail: {trouble}")
    else:
        answer = hand_over(mail, server)
    if answer.kind == "sent":
        return heard(message, "confirm_sent", provider_id=answer.provider_id)
    if answer.kind == "unknown":
        heard(message, "doubt", reason=answer.words)
    elif minutes := again_in(answer, message.attempt):
        heard(message, "release", reason=answer.words, minutes=minutes)
    else:
        heard(message, "fail", reason=f"The mail server refused it: {answer.words}")
    return False


def again_in(answer, attempt) -> int | None:
    """Return after how many minutes a mail that was not taken is tried again, or None when it has failed."""
    if answer.kind == "turned away":
        return AGAIN[0]
    return AGAIN[attempt - 1] if answer.kind == "later" and attempt <= len(AGAIN) else None


def letter_of(message, server) -> EmailMessage:
    """Return a message as the mail that goes out."""
    from . import incoming, optout

    headers = {"Message-ID": message.message_id, **optout.links(message)}
    if message.in_reply_to:
        headers |= {"In-Reply-To": message.in_reply_to, "References": message.in_reply_to}
    answers_to = incoming.reply_address(message)
    words = message.mailed_words + (f"\n\n-- \n{line}" if (line := optout.line(message)) else "")
    return letters.mail(
        message.subject,
        words,
        formataddr((str(message.owner), settings.AGENCY_EMAIL)),
        [formataddr((message.contact.name, in_letters(message.sent_to)))],
        reply_to=[answers_to] if answers_to else None,
        attachments=letters.enclosed_with(message),
        headers=headers,
        connection=server,
    )


def in_letters(address) -> str:
    """Return a mail address with the name of its server as mail programs write it: “müller.de” in plain letters."""
    name, _, server = address.rpartition("@")
    return f"{name}@{punycode(server)}" if name else address


def heard(message, move, **details) -> bool:
    """Write down what the mail server said of an attempt. A database that is away meanwhile is waited for."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            perform(getattr(message, move), by=None, attempt=message.attempt, **details)
        except Refused:
            # Somebody settled it meanwhile, or it was taken up again: then this is told, and changes nothing.
            tell(
                message, "heard", "heard late of", by=None, facts={"said": move, "attempt": message.attempt, **details}
            )
            return False
        except OperationalError:
            if connection.in_atomic_block or time.monotonic() > until:
                raise  # it stays `sending`, and asks a person when the lease is over
            connection.close()
            time.sleep(0.5)
        else:
            return move == "confirm_sent"


def doubt_expired() -> int:
    """Ask a person about messages that were handed over and never confirmed."""
    late = Message.objects.filter(stage=Message.Stage.SENDING, claimed_at__lt=clock.now() - LEASE)
    count = 0
    for message in late.order_by("claimed_at")[:BATCH]:
        with suppress(Refused):  # another round was quicker, or its worker is back
            reason = "The worker that sent it was never heard of again."
            perform(message.doubt, by=None, reason=reason, attempt=message.attempt)
            count += 1
    return count


# -- Letters to ourselves. They have no diary, and go the same way. ----------------------------------------------------

State = Letter.State


def queued_letters():
    return Letter.objects.filter(state=State.QUEUED, go_at__lte=clock.now()).order_by("go_at", "id")


@transaction.atomic
def claim_letter(ahead=None):
    """Take the next queued letter, or None."""
    for pk in in_turn(queued_letters(), "go_at") if ahead is None else ahead:
        mine = queued_letters().filter(pk=pk).select_for_update(skip_locked=True, of=("self",))
        letter = mine.select_related("user").first()
        if letter is not None:
            letter.state, letter.attempt, letter.claimed_at = State.SENDING, letter.attempt + 1, clock.now()
            letter.save(update_fields=["state", "attempt", "claimed_at"])
            letter.claimed = time.monotonic()
            return letter
    return None


def deliver_letter(letter, server) -> bool:
    """Hand a claimed letter to the mail server, and write down what it said. Return whether it went."""
    if time.monotonic() - letter.claimed > TOO_LATE:
        said(letter, state=State.QUEUED)
        return False
    if not letter.user.is_active:
        said(letter, state=State.FAILED, trouble=f"{letter.user} does not work here any more.")
        return False
    number = salted_hmac("zarts.letter", letter.number.hex).hexdigest()
    headers = {
        "Message-ID": f"<{number}@{settings.AGENCY_EMAIL.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    mail = EmailMessage(letter.subject, letter.body, None, [letter.user.email], headers=headers, connection=server)
    answer = hand_over(mail, server)
    if answer.kind == "sent":
        said(letter, state=State.SENT, sent_at=clock.now(), trouble="")
    elif answer.kind == "unknown":
        said(letter, state=State.UNCERTAIN, trouble=answer.words[:300])
    elif minutes := again_in(answer, letter.attempt):
        go_at = clock.now() + timedelta(minutes=minutes)
        said(letter, state=State.QUEUED, go_at=go_at, trouble=answer.words[:300])
    else:
        said(letter, state=State.FAILED, trouble=answer.words[:300])
    return answer.kind == "sent"


def said(letter, **changes):
    """Write down what became of an attempt, unless another one was begun. That it went is true whatever followed."""
    if changes["state"] == State.SENT:
        Letter.objects.filter(pk=letter.pk).exclude(state=State.SENT).update(**changes)
    else:
        before = [State.SENDING, State.UNCERTAIN]
        Letter.objects.filter(pk=letter.pk, attempt=letter.attempt, state__in=before).update(**changes)


def doubt_letters() -> int:
    late = Letter.objects.filter(state=State.SENDING, claimed_at__lt=clock.now() - LEASE)
    return late.update(state=State.UNCERTAIN, trouble="The worker that sent it was never heard of again.")


def is_no_answer(trouble) -> bool:
    """Whether the mail server never answered, so that it may take the same mail later. What it refused it refuses."""
    return isinstance(trouble, smtplib.SMTPServerDisconnected) or not isinstance(trouble, smtplib.SMTPException)
