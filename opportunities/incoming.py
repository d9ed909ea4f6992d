"""Mail that comes in: where it belongs, and what follows when it stands there.

It is asked in this order: the address that it answers to, the mail that it names as answered, who wrote it. What does
not say beyond doubt where it belongs waits in a queue for a person, with the reason.
"""

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from . import bounces, clock
from .alike import domain_of
from .followups import end_of_day
from .models import Contact, InboundMail, Lead, Message, Opportunity, Task
from .reading import Mail, read
from .records import Refused, begin, edit, perform

log = logging.getLogger("zarts.incoming")
# The mail itself is kept up to this size.
KEPT_TO = 10 * 1024 * 1024
# What a message says of itself that a machine wrote: it answers nothing, and stops no follow-up. Whoever reacts to
# `message.receive` asks `is_automatic`.
AUTOMATIC = "automatic"
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def reply_address(message) -> str:
    """Return the address to which an answer to a message goes, or nothing where no mail comes in."""
    local, _, domain = settings.INBOUND_ADDRESS.rpartition("@")
    return f"{local}+{message.reply_key}@{domain}" if local and message.reply_key else ""


def is_automatic(message) -> bool:
    """Whether a machine wrote a message that came in, such as a note that somebody is away."""
    return message.template == AUTOMATIC


# -- Taking a mail in. -------------------------------------------------------------------------------------------------


def take(raw: bytes, *, via: str, size: int | None = None, vouched: bool | None = None) -> InboundMail:
    """Take in one mail, once however often and by whatever ways it comes. Return it.

    `via` names the way; `size` is the mail's true size where only its headers were fetched; `vouched` is what the
    provider that brings it says of its sender.
    """
    mail = read(raw, size=size)
    mail.vouched = least(mail.vouched, vouched)
    with transaction.atomic():
        wait_for_turn(mail)
        if known := same(mail, via):
            return known
        inbound = begin(born(mail, raw, via), by=None, past="took in")
        try:
            with transaction.atomic():
                return settle(inbound, mail)
        except (OperationalError, InterfaceError):
            raise  # the database is away: the mail is taken in later, whole
        except Exception:
            log.exception("Mail %s could not be matched.", inbound.pk)
            return edit(inbound, by=None, trouble="It could not be matched by itself: file it by hand.")


def wait_for_turn(mail: Mail):
    """Let one at a time take in what may be the same mail."""
    of = f"{mail.mail_id or mail.subject} {mail.from_address}" if mail.from_address else mail.digest
    number = int.from_bytes(sha256(of.encode()).digest()[:7], "big")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [number])


def same(mail: Mail, via: str) -> InboundMail | None:
    """Return this mail, if it came before. By another way, or as another copy, its bytes differ."""
    if known := InboundMail.objects.filter(digest=mail.digest).first():
        return known
    if not mail.from_address:
        return None
    copies = InboundMail.objects.filter(mail_id=mail.mail_id, from_address=mail.from_address, subject=mail.subject)
    if not mail.mail_id:
        # Without a number of its own: the same words of the same person within a day.
        a_day_before = (mail.at or clock.now()) - timedelta(days=1)
        return copies.filter(words=mail.words, received_at__gt=a_day_before).first()
    # Some programs give many mails one number: those that came the same way are one only with the same words.
    return copies.filter(~Q(via=via) | Q(words=mail.words)).first()


def born(mail: Mail, raw: bytes, via: str) -> InboundMail:
    kinds = InboundMail.Kind
    inbound = InboundMail(
        digest=mail.digest,
        mail_id=mail.mail_id,
        kind=kinds.BOUNCE if mail.bounce else kinds.AUTOMATIC if mail.is_automatic else kinds.LETTER,
        via=via[:30],
        from_address=mail.from_address,
        from_name=mail.from_name,
        to_addresses="\n".join(mail.to)[:20_000],
        subject=mail.subject,
        words=mail.words,
        size=mail.size,
        received_at=mail.at or clock.now(),
        answers=named(mail),
        vouched=mail.vouched,
    )
    if len(raw) == mail.size <= KEPT_TO:
        keep(inbound, raw)
    return inbound


def refuse_too_large(provider: str, size: int):
    """Leave a line where a provider brought more than may be taken in. It calls again: one a day is told of."""
    digest = sha256(f"{provider} {size} {clock.today()}".encode()).hexdigest()
    if InboundMail.objects.filter(digest=digest).exists():
        return
    words = f"It came by {provider} with {filesizeformat(size)}, which is too large: look for it there."
    about = {"subject": "A mail that is too large", "size": size, "trouble": words, "received_at": clock.now()}
    with suppress(IntegrityError), transaction.atomic():
        begin(InboundMail(digest=digest, kind=InboundMail.Kind.LETTER, via=provider[:30], **about), by=None)


def keep(inbound: InboundMail, raw: bytes):
    """Keep the mail as it came. A transaction that fails leaves bytes that nothing names, never a row without its."""
    where, storage = f"mail/{inbound.digest[:2]}/{inbound.digest}", inbound.raw.storage
    if not storage.exists(where) or storage.size(where) != len(raw):
        where = storage.save(where, ContentFile(raw))  # beside what stands there and is another: half of it, say
    inbound.raw.name = where


def settle(inbound: InboundMail, mail: Mail) -> InboundMail:
    """Put a mail where it says itself that it belongs, or leave it to a person with the reason."""
    if mail.bounce and mail.vouched is False:
        trouble = "It says that a mail of ours came back, and its sender is forged: nothing follows from it. Read it."
        return edit(inbound, by=None, trouble=trouble)
    if mail.bounce:
        return bounces.settle(inbound, mail.bounce)
    place = find(mail, inbound.answers)
    if place.aside:
        return perform(inbound.set_aside, by=None, reason=place.aside)
    if place.lead and not mail.unread:
        return match_lead(inbound, place.lead)
    if place.contact and not mail.unread:
        message = received(inbound, place, by=place.contact)
        return perform(inbound.match, by=None, message=message)
    if mail.is_automatic:
        return perform(inbound.set_aside, by=None, reason="A machine wrote it, and it answers no mail of ours.")
    trouble = f"{mail.unread}: open it in the mailbox, then file it." if mail.unread else place.trouble
    return edit(inbound, by=None, trouble=trouble[:300])


# -- Where it belongs. -------------------------------------------------------------------------------------------------


@dataclass
class Place:
    """Where a mail belongs: with whom and on which deal, or with which lead; or why nobody knows."""

    contact: Any = None
    opportunity: Any = None
    lead: Any = None
    # The mail of ours that it answers.
    answers: Any = None
    trouble: str = ""
    # Why it is no mail to us at all.
    aside: str = ""


def named(mail: Mail) -> Message | None:
    """Return the mail of ours that this one brings back, or answers: by the address that it goes to, else by number."""
    rows = Message.objects.select_related("contact__client", "opportunity")
    if mail.bounce:
        return rows.filter(message_id__in=mail.bounce.message_ids).first()
    if (keys := keys_in(mail.to)) and (answered := rows.filter(reply_key__in=keys).first()):
        return answered
    ours = {message.message_id: message for message in rows.filter(message_id__in=mail.answers[:100])}
    return next((ours[one] for one in mail.answers[:100] if one in ours), None)


def find(mail: Mail, answered: Message | None) -> Place:
    """Return where a mail belongs: by what it answers, else by who wrote it."""
    if is_ours(mail):
        return Place(aside="It is a mail of our own.")
    if (keys := keys_in(mail.to)) and (answered is None or answered.reply_key not in keys):
        return Place(trouble="The address that it answers to is none that we gave to anybody.")
    return by_answer(mail, answered) if answered else by_sender(mail)


def is_ours(mail: Mail) -> bool:
    """Whether it is a mail that we sent: it would go round for ever."""
    local, _, domain = settings.INBOUND_ADDRESS.lower().rpartition("@")
    own = mail.from_address in (settings.AGENCY_EMAIL.lower(), f"{local}@{domain}")
    keyed = bool(local) and mail.from_address.startswith(f"{local}+") and mail.from_address.endswith(f"@{domain}")
    return own or keyed or bool(mail.mail_id and Message.objects.filter(message_id=mail.mail_id).exists())


def keys_in(addressees) -> list[str]:
    """Return the keys of the addresses of ours among those that a mail was sent to."""
    local, _, domain = settings.INBOUND_ADDRESS.rpartition("@")
    if not local:
        return []
    ours = re.compile(rf"(?<![\w.+-]){re.escape(local)}\+([\w-]{{1,64}})@{re.escape(domain)}(?![\w.-])", re.IGNORECASE)
    return list(dict.fromkeys(key.lower() for value in addressees for key in ours.findall(value)))[:20]


def by_answer(mail: Mail, answered: Message) -> Place:
    """It answers a mail of ours. Who forwards such a mail gives its address away: the sender must be of that client.

    Where a server that we believe says that the sender is forged, a person reads it first.
    """
    if mail.vouched is False:
        return Place(answers=answered, trouble=unvouched(mail))
    client = answered.contact.client
    contact = person_at(client, mail)
    if contact is None:
        return Place(
            answers=answered,
            trouble=f"It answers our mail to {answered.contact} but comes from {mail.from_address or 'nobody'}.",
        )
    deals = [answered.opportunity] if answered.opportunity else open_deals(client)
    return Place(contact=contact, opportunity=deals[0] if len(deals) == 1 else None, answers=answered)


def person_at(client, mail: Mail) -> Contact | None:
    """Return who of this client wrote a mail: a person known there, or a new one with an address of the same domain."""
    if not mail.from_address:
        return None
    known = client.contacts.alias(mail=Lower("email")).filter(mail=mail.from_address).order_by("merged_into", "pk")
    if contact := known.first():
        return contact.merged_into or contact
    domain = domain_key(mail.from_address)
    same_domain = client.domain_key == domain or client.contacts.filter(domain_key=domain).exists()
    if not domain or not same_domain:
        return None
    # Not made yet: a mail that is filed makes them.
    return Contact(
        client=client,
        name=mail.from_name or mail.from_address.partition("@")[0][:120],
        email=mail.from_address,
        time_zone=client.time_zone,
    )


def domain_key(address: str) -> str:
    """Return the domain by which an address belongs to a company: none where everybody can have one."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {domain_of('%s')}", [address])
        return cursor.fetchone()[0] or ""


def by_sender(mail: Mail) -> Place:
    """It answers nothing: it belongs to the one open deal, or the one open lead, of whoever wrote it.

    Anybody can write any address as their own: it counts where somebody whom we believe vouches for it.
    """
    if not mail.from_address:
        return Place(trouble="It does not say who wrote it.")
    people = Contact.objects.reachable().alias(mail=Lower("email")).filter(mail=mail.from_address)
    people = list(people.select_related("client").order_by("pk")[:10])
    leads = Lead.objects.alias(mail=Lower("email")).filter(mail=mail.from_address)
    leads = list(leads.filter(stage__in=[Lead.Stage.NEW, Lead.Stage.WORKING]).order_by("pk")[:2])
    deals = open_deals(people[0].client) if len(people) == 1 else []
    if len(deals) == 1 or (len(leads) == 1 and not deals):
        if not mail.vouched:
            return Place(trouble=unvouched(mail))
        return Place(contact=people[0], opportunity=deals[0]) if deals else Place(lead=leads[0])
    if len(people) > 1:
        where = " and ".join(str(person.client) for person in people[:2])
        return Place(trouble=f"{mail.from_address} is known at {where}.")
    if people:
        many = NUMBERS[len(deals)] if len(deals) < len(NUMBERS) else "Many"
        is_or_are = "deal is" if not deals else "deals are"
        return Place(trouble=f"{many} {is_or_are} open with {people[0].client}.")
    if leads:
        return Place(trouble=f"Several leads have the address {mail.from_address}.")
    return Place(trouble=f"Nobody here has the address {mail.from_address}.")


def unvouched(mail: Mail) -> str:
    if mail.vouched is False:
        return f"It says that it is from {mail.from_address}, and that is not true, or it is spam: read it with care."
    return f"It says that it is from {mail.from_address}, and nobody vouches for that: read it, then file it."


def least(*said: bool | None) -> bool | None:
    """Return what is to be believed of several that were asked: one that says no is enough."""
    return False if False in said else True if True in said else None


def open_deals(client) -> list:
    deals = Opportunity.objects.filter(client=client).exclude(stage__in=Opportunity.CLOSED)
    return list(deals.order_by("-pk")[: len(NUMBERS)])


# -- What follows. -----------------------------------------------------------------------------------------------------


def received(inbound: InboundMail, place: Place, *, by) -> Message:
    """Make the message of a mail that came in, and what follows from it. Return it."""
    contact, deal, answered = place.contact, place.opportunity, place.answers
    if contact.pk is None:
        contact = begin(contact, by=None if by is contact else by, past="met by mail")
    machine = inbound.kind == InboundMail.Kind.AUTOMATIC
    if answered is not None and not machine and answered.may_have_gone and answered.stage != Message.Stage.SENDING:
        with suppress(Refused), transaction.atomic():  # it is handed over just now, or heard of
            answered = perform(answered.confirm_sent, by=None)  # what was answered has arrived
    message = Message(
        client=contact.client,
        opportunity=deal,
        contact=contact,
        owner=deal.owner if deal else contact.client.owner,
        template=AUTOMATIC if machine else "",
        subject=inbound.subject or "No subject",
        body=inbound.words,
        in_reply_to=answered.message_id if answered else "",
        happened_at=inbound.received_at,
    )
    past = "wrote" if by is contact else "filed a mail:"
    message = perform(begin(message, by=by, past=past).receive, by=None)
    if not machine:
        end_waiting(message)
        promise_an_answer(message)
    return message


def heard_from(message: Message) -> list[tuple[Any, Any]]:
    """Return whom a message lets us hear from, each with the deal, or None: its writer, and for whom they answer.

    A colleague, or another address of the same person, answers a mail for whomever it was written to.
    """
    heard = [(message.contact, message.opportunity)]
    rows = Message.objects.select_related("contact__client", "opportunity", "task__run__contact")
    if message.in_reply_to and (answered := rows.filter(message_id=message.in_reply_to).first()):
        heard.append((answered.contact, answered.opportunity))
        if answered.task and answered.task.run:
            heard.append((answered.task.run.contact, answered.opportunity))
    return list(dict.fromkeys(heard))


def end_waiting(message: Message, outcome="The client wrote first."):
    """Close what waits to be written to whom we have heard from. Steps of a sequence end with the sequence.

    Follow-ups end on the deal that it is about, or on all where nobody knows; second tries end on all.
    """
    kinds, ends = Task.Kind, Q()
    for contact, deal in heard_from(message):
        of_deal = Q(kind=kinds.FOLLOW_UP, opportunity=deal) if deal else Q(kind=kinds.FOLLOW_UP)
        ends |= Q(contact=contact) & (of_deal | Q(kind=kinds.WIN_BACK))
    waiting = Task.objects.filter(ends, stage__in=[Task.Stage.OPEN, Task.Stage.PAUSED], run=None)
    for task in waiting.order_by("diary_id", "pk"):
        # Nobody is mailed by a rhythm who has answered: the series ends with it.
        perform(task.finish, by=None, outcome=outcome, series=task.is_touch)


def promise_an_answer(message: Message):
    """Owe an answer, once however many mails a person writes before they get one."""
    theirs = Message.objects.filter(contact=message.contact, opportunity=message.opportunity, stage="received")
    if message.opportunity:
        title = f"Answer {message.contact}: {message.subject}"
        owe(title, message, theirs, opportunity=message.opportunity, owner=message.owner)


def owe(title: str, record, like_it, *, owner, **about):
    """Open the task to answer, unless one is open about this or an earlier one like it."""
    mine = Task.objects.filter(record_type=record.label(), record_id__in=like_it.values("pk"))
    if not mine.unfinished().exists():
        of = {"record_type": record.label(), "record_id": record.pk}
        due = end_of_day(timezone.localdate() + timedelta(days=1))
        task = Task(kind=Task.Kind.FOLLOW_UP, title=title[:200], owner=owner, due_at=due, **about, **of)
        begin(task, by=None, past="promised")


def match_lead(inbound: InboundMail, lead) -> InboundMail:
    """Put a mail with the lead who wrote it."""
    inbound = perform(inbound.match, by=None, lead=lead)
    promise_lead_an_answer(inbound, lead)
    return inbound


def promise_lead_an_answer(inbound: InboundMail, lead):
    if inbound.kind == InboundMail.Kind.LETTER:
        title = f"Answer {lead}: {inbound.subject or 'their mail'}"
        owe(title, inbound, lead.mails.all(), lead=lead, owner=lead.owner)


def file(inbound: InboundMail, *, by, opportunity=None, contact=None, lead=None, name="", email=""):
    """Put a mail where a person says that it belongs. Return (message, lead): one of the two."""
    if lead is not None:
        promise_lead_an_answer(inbound, lead)
        return None, lead
    client = opportunity.client
    if contact is None and email:
        contact = client.contacts.filter(email__iexact=email).first()
    contact = contact or Contact(client=client, name=name, email=email, time_zone=client.time_zone)
    answered = inbound.answers
    if answered is not None and answered.client_id != client.pk:
        answered = None  # it names a mail to somebody else, and a person says that it is none of theirs
    return received(inbound, Place(contact=contact, opportunity=opportunity, answers=answered), by=by), None


def kept_waiting(inbound: InboundMail):
    """Return the contacts to whom nothing goes by itself until somebody says where a mail belongs."""
    people = Contact.objects.alias(mail=Lower("email"))
    who = Q(mail=inbound.from_address) if inbound.from_address else Q(pk__in=[])
    return people.filter(who | Q(pk=inbound.answers.contact_id) if inbound.answers else who)
