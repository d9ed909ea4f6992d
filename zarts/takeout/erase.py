"""A privacy erase: what stands against it, what goes and what stays, and doing it.

The database's own function takes the data away (sql/erase.sql), in one transaction with the event that tells of it.
"""

import re
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from handoff.models import Project
from opportunities.models import Client, Contact, Event, InboundMail, Lead, Message, Note, Opportunity, Task
from opportunities.records import Lack, Refused, lock, lock_diaries, perform
from portal.models import ClientAction, Inquiry
from proposals.models import Contract, Proposal, Signatory, Signature

from . import own
from .models import Erasure

RIGHT = "takeout.erase_person"
REACH = "select * from zarts_erase_reach(%s, %s)"
ERASE = "select zarts_erase(%s, %s, %s, %s, %s)"


@dataclass
class Reach:
    """What an erase reaches: everything by its numbers, and the words that are looked for."""

    people: list[int]
    clients: list[int] = field(default_factory=list)
    deals: list[int] = field(default_factory=list)
    leads: list[int] = field(default_factory=list)
    diaries: list[int] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    # Of no signed contract: offers, contracts and what was published of them.
    offers: list[int] = field(default_factory=list)
    contracts: list[int] = field(default_factory=list)
    publications: list[int] = field(default_factory=list)


def may_erase(record, user) -> bool:
    """Whether this person may erase this contact or client: by role, and within their reach."""
    return user.has_perm(RIGHT) and record.within_reach(user, "change")


def people_of(record) -> list[int]:
    """Return a contact with every entry that was merged into it, or all people of a client."""
    if isinstance(record, Client):
        clients = [record.pk, *Client.objects.filter(merged_into=record).values_list("pk", flat=True)]
        found = list(Contact.objects.filter(client__in=clients).order_by("pk").values_list("pk", flat=True))
    else:
        found = [record.pk]
    newest = found
    while newest:
        newest = list(Contact.objects.filter(merged_into__in=newest).exclude(pk__in=found).values_list("pk", flat=True))
        found = [*found, *newest]
    return found


def reach_of(record) -> Reach:
    """Return what the erase of a contact or a client reaches."""
    people = people_of(record)
    with connection.cursor() as cursor:
        cursor.execute(REACH, [people, record.pk if isinstance(record, Client) else None])
        return Reach(people, *cursor.fetchone())


# -- What stands against it. -------------------------------------------------------------------------------------------


def against(record, reach) -> list[Lack]:
    """Return what has to be done before this contact or client can be erased."""
    if record.merged_into_id:
        into = record.merged_into
        return [Lack(f"Erase {into} instead: {record} was merged into it.", into.staff_url())]
    if erasure := erasure_of(record):
        return [Lack(f"{record} was erased already, on {timezone.localdate(erasure.at):%-d %B %Y} by {erasure.by}.")]
    lacks = [*of_a_client(record)] if isinstance(record, Client) else []
    return [*lacks, *of_people(reach)]


def of_a_client(client):
    """Yield what keeps a whole client: contracts are kept as long as the law asks, and what runs is ended first."""
    clients = [client.pk, *Client.objects.filter(merged_into=client).values_list("pk", flat=True)]
    deals = Opportunity.objects.filter(client__in=clients)
    signed = Contract.objects.filter(opportunity__in=deals)
    signed = signed.filter(Q(stage__in=["signed", "active", "ended"]) | Q(signatures__isnull=False)).distinct()
    for contract in signed.select_related("opportunity")[:5]:
        yield Lack(
            f"Contract {contract.number} was signed: the law has us keep it. Erase the people one by one.",
            contract.staff_url(),
        )
    for deal in deals.exclude(stage__in=Opportunity.CLOSED)[:5]:
        yield Lack(f"Close “{deal}” first: it is still open.", deal.staff_url())
    for project in Project.objects.filter(client__in=clients).exclude(stage__in=Project.CLOSED)[:5]:
        yield Lack(f"Close the project “{project}” first.", project.staff_url())


def of_people(reach):
    """Yield what people are still asked for, and what is on its way to them or from them."""
    theirs = Signatory.objects.filter(
        contact__in=reach.people, contract__stage__in=["draft", "in_review", "approved", "sent"]
    )
    for signatory in theirs.select_related("contract", "contact")[:5]:
        contract = signatory.contract
        yield Lack(
            f"{signatory.contact} is to sign contract {contract.number}. Let somebody else sign it, or end it.",
            contract.staff_url(),
        )
    offers = Proposal.objects.filter(recipient__in=reach.people).exclude(stage__in=Proposal.CLOSED)
    for offer in offers.select_related("recipient")[:5]:
        yield Lack(
            f"Proposal {offer.number} is for {offer.recipient}. Name somebody else in it, or withdraw it.",
            offer.staff_url(),
        )
    if Message.objects.filter(contact__in=reach.people, stage=Message.Stage.SENDING).exists():
        yield Lack("A mail to them is being sent at this moment. Try again in a minute.")
    for doubtful in Message.objects.filter(contact__in=reach.people, stage=Message.Stage.UNCERTAIN)[:5]:
        yield Lack("Nobody knows whether a mail to them was sent. Say so first.", doubtful.staff_url())
    for lead in Lead.objects.filter(pk__in=reach.leads, stage__in=["new", "working"])[:5]:
        yield Lack(f"The lead {lead} is the same person and still open. Close it first.", lead.staff_url())
    waiting = ClientAction.objects.filter(contact_id__in=reach.people, handled_at=None).exists()
    if waiting or Inquiry.objects.filter(email__in=reach.mails, handled_at=None).exists():
        yield Lack("Something that they did on the client pages is being taken in. Try again in a minute.")


def erasure_of(record):
    """Return the erase that this contact or client went in, if it did."""
    if isinstance(record, Client):
        return Erasure.objects.filter(client=record, contact=None).select_related("by").first()
    whole = Q(client=record.client_id, contact=None, at__gte=born(record))
    return Erasure.objects.filter(Q(contact=record) | whole).select_related("by").first()


def born(contact):
    """Return when a contact was written down: a whole client's erase took whoever was there then."""
    first = Event.objects.filter(record_type=Contact.label(), record_id=contact.pk, verb="contact.create").first()
    return first.at if first else timezone.now()


# -- What it shows before. ---------------------------------------------------------------------------------------------


def stays(record, reach) -> list[str]:
    """Say what is kept of them, and why."""
    kept = []
    signatures = Signature.objects.filter(contact__in=reach.people).select_related("contract")
    for number in sorted({signature.contract.number for signature in signatures}):
        what = "its certificate and the offer that it is about"
        kept.append(f"Contract {number} with their signature, {what}: the law has us keep what was signed.")
    agreed = ClientAction.objects.filter(contact_id__in=reach.people, verb="accepted")
    if agreed.exclude(publication__in=reach.publications).exists():
        kept.append("That they accepted an offer, under their name: it is part of a contract.")
    kept.append("That something happened, and when: the diary keeps its lines, without their words.")
    kept.append("Backups made before today, until they are too old to be kept.")
    return kept


def elsewhere(reach) -> list[Contact]:
    """Return entries of other clients that have the same mail address: each is erased by itself."""
    if not reach.people:
        return []
    mails = [word.lower() for word in reach.words if "@" in word]
    return list(
        Contact.objects.select_related("client")
        .exclude(pk__in=reach.people)
        .filter(email__in=mails)
        .order_by("pk")[:20]
    )


def parts(reach) -> str:
    """Return what finds a part of their names where the whole name does not stand."""
    found = {part for word in reach.words if "@" not in word for part in re.findall(r"[^\W\d_]{3,}", word)}
    return rf"\y({'|'.join(sorted(found))})\y" if found else ""


def notes_to_look_at(reach):
    """Return notes that may be about them: a part of their name stands there. Somebody says which are emptied."""
    pattern = parts(reach)
    about = Note.objects.filter(Q(opportunity__in=reach.deals) | Q(lead__in=reach.leads)).order_by("-pk")
    return list(about.filter(words__iregex=pattern)[:50]) if pattern else []


def tasks_to_look_at(reach):
    """Return tasks that may name them, for somebody to look at."""
    pattern = parts(reach)
    about = Task.objects.filter(Q(opportunity__in=reach.deals) | Q(lead__in=reach.leads)).order_by("-pk")
    return list(about.filter(Q(title__iregex=pattern) | Q(words__iregex=pattern))[:50]) if pattern else []


# -- Doing it. ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def erase(record, *, by, reason, notes=()) -> Erasure:
    """Erase a contact, or a client with everybody there. Return the erase.

    Raises Refused with what is to be done first.

    Every diary that it touches is locked, so that no mail is taken up and no move is made meanwhile.
    """
    lock_diaries(*reach_of(record).diaries)
    record = lock(record)
    reach = reach_of(record)
    if lacks := against(record, reach):
        raise Refused(lacks)
    for contact in Contact.objects.filter(pk__in=reach.people, left_on=None, merged_into=None).order_by("pk"):
        # Whoever decides from now on, what runs for them and their way in: as when somebody leaves.
        contact.leave(timezone.localdate(), by=by)
    for message in Message.objects.filter(contact__in=reach.people, stage=Message.Stage.QUEUED):
        perform(message.hold, by=None, reason="Its reader was erased.")
    forget_files(reach, record)
    own.end_all("Somebody was erased meanwhile. Ask for it again.")
    whole = record.pk if isinstance(record, Client) else None
    with connection.cursor() as cursor:
        cursor.execute(ERASE, [reach.people, whole, by.pk, reason, [int(pk) for pk in notes]])
        (event_id,) = cursor.fetchone()
    client_id = whole or record.client_id
    return Erasure.objects.create(
        client_id=client_id, contact_id=None if whole else record.pk, by=by, event_id=event_id
    )


def forget_files(reach, record):
    """Remove the mails themselves, as they came in, once their rows say nothing any more."""
    theirs = Q(from_address__in=reach.mails) | Q(message__contact__in=reach.people) | Q(lead__in=reach.leads)
    if isinstance(record, Client):
        theirs |= Q(message__client__in=reach.clients)
    for mail in InboundMail.objects.filter(theirs).exclude(raw=""):
        transaction.on_commit(lambda file=mail.raw: file.storage.delete(file.name), robust=True)
