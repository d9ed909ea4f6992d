"""A privacy erase: what stands against it, what goes and what stays, and doing it.

The database's own function takes the data away (sql/erase.sql), in one transaction with the event that tells of it.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from django.apps import apps
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from handoff.models import Project
from opportunities.erasing import begin_alone
from opportunities.models import (
    Client,
    Consent,
    Contact,
    Event,
    Import,
    InboundMail,
    Lead,
    Message,
    Note,
    Opportunity,
    Task,
    WinBack,
)
from opportunities.records import Kept, Lack, Refused, lock, lock_diaries, perform
from portal.models import ClientAction, Inquiry
from proposals.models import Contract, Proposal, Signatory, Signature
from zarts.search.finding import find
from zarts.search.models import Kind

from . import own
from .models import Erasure

RIGHT = "takeout.erase_person"
REACH = "select * from zarts_erase_reach(%s, %s, %s)"
LOOK = "select * from zarts_erase_look(%s, %s, %s) order by place, of_id"
ERASE = "select zarts_erase(%s, %s, %s, %s, %s, %s)"
BEYOND = "Part of it is not yours to see. Ask somebody who sees everything here to erase {}."
# So much of what somebody wrote is shown.
EXCERPT = 200
# So many of the words by which somebody is known are looked for in what is of other clients.
MOST_NAMES = 8


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
    # What finds the words: in the client's own records, and in what is of the whole house.
    pattern: str = ""
    wide: str = ""
    # Offers and contracts that are with the client and name them.
    live_offers: list[int] = field(default_factory=list)
    live_contracts: list[int] = field(default_factory=list)


def may_erase(record, user) -> bool:
    """Whether this person may erase this contact or client, or read that it was: by role, and within their reach."""
    return user.has_perm(RIGHT) and record.within_reach(user, "view" if record.erased_at else "change")


def is_beyond(reach, user) -> bool:
    """Whether it reaches deals or leads that this person does not see: then they neither read nor erase them here."""
    seen = ((Opportunity, reach.deals), (Lead, reach.leads))
    return any(kind.objects.visible_to(user).filter(pk__in=ids).count() < len(set(ids)) for kind, ids in seen)


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


def whole(record) -> int | None:
    """Return the number of the client that goes as a whole."""
    return record.pk if isinstance(record, Client) else None


def reach_of(record, parts=()) -> Reach:
    """Return what the erase of a contact or a client reaches; `parts` of their names are looked for, too."""
    people = people_of(record)
    with connection.cursor() as cursor:
        cursor.execute(REACH, [people, whole(record), list(parts)])
        return Reach(people, *cursor.fetchone())


# -- What stands against it. -------------------------------------------------------------------------------------------


def against(record, reach, *, by) -> list[Lack]:
    """Return what has to be done before this person can erase this contact or client."""
    if record.merged_into_id:
        into = record.merged_into
        return [Lack(f"Erase {into} instead: {record} was merged into it.", into.staff_url())]
    if erasure := erasure_of(record):
        return [Lack(f"{record} was erased already, on {timezone.localdate(erasure.at):%-d %B %Y} by {erasure.by}.")]
    if is_beyond(reach, by):
        return [Lack(BEYOND.format(record))]
    lacks = [*of_a_client(record)] if isinstance(record, Client) else []
    return [*lacks, *of_people(reach), *of_the_live(reach), *of_files()]


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


def of_the_live(reach):
    """Yield what the client has from us, is still to answer, and names them: not a letter of it changes meanwhile."""
    for contract in Contract.objects.filter(pk__in=reach.live_contracts)[:5]:
        words = f"Contract {contract.number} is with the client and names them. Have it signed, or withdraw it, first."
        yield Lack(words, contract.staff_url())
    asked = Q(recipient__in=reach.people) & ~Q(stage__in=Proposal.CLOSED)
    for offer in Proposal.objects.filter(pk__in=reach.live_offers).exclude(asked)[:5]:
        if offer.stage == Proposal.Stage.ACCEPTED:
            words = (
                f"Proposal {offer.number} was accepted and names them. Have its contract signed, or withdraw it, first."
            )
        else:
            words = f"Proposal {offer.number} is with the client and names them. Withdraw or revise it first."
        yield Lack(words, offer.staff_url())


def of_files():
    """Yield the files that are read at this moment: whoever reads them would write down anew what is erased."""
    for file in Import.objects.filter(stage__in=Import.AT_WORK).order_by("pk")[:5]:
        yield Lack(f"The file {file} is coming in at this moment. Try again when that is done.", file.staff_url())


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
    if reach.deals:
        kept.append(
            "Promises of a signed contract, as they were signed, and what the house says to everybody: templates."
        )
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


def mentions(reach, user, others) -> list:
    """Return what is of other clients, is this person's to see, and holds a whole name or address of theirs.

    `others` are their entries `elsewhere`: there the address is erased by itself, with what is about that client.
    """
    words = [word for word in reach.words if "@" in word or len(word.split()) > 1]
    clients = {*reach.clients, *(one.client_id for one in others)}
    found = {}
    for word in words[:MOST_NAMES]:
        for line in find(user, word).rows:
            # Entries of people are looked for by their address (`elsewhere`, `leads_alike`).
            if line.kind not in (Kind.CONTACT, Kind.LEAD) and line.client_id not in clients:
                found[line.pk] = line
    return list(found.values())[:20]


def leads_alike(reach, user) -> list[Lead]:
    """Return leads with an address that they had once, and another name: perhaps it is them, perhaps a slip."""
    mails = [word.lower() for word in reach.words if "@" in word]
    return list(Lead.objects.visible_to(user).filter(email__in=mails).exclude(pk__in=reach.leads).order_by("pk")[:20])


def parts_of(reach) -> list[str]:
    """Return the parts of their names: each may stand somewhere by itself."""
    found = {part for word in reach.words if "@" not in word and "/" not in word for part in name_parts(word)}
    return sorted(found)


def name_parts(name):
    return re.findall(r"[^\W\d_]{2,}", name)


@dataclass
class Place:
    """Where a part of a name stands by itself."""

    kind: str
    words: str
    url: str


def where_parts_stand(record, reach) -> tuple[list[Note], dict[str, list[Place]]]:
    """Return where a part of their names stands beside the whole ones: the notes, and by each part every place.

    A note can be emptied as a whole; a part that somebody chooses goes wherever it stands.
    """
    parts = parts_of(reach)
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [reach.people, whole(record), parts])
        found = cursor.fetchall()
    kinds = {model._meta.db_table: model for model in apps.get_models()}
    by_part, ids = defaultdict(list), defaultdict(list)
    for table, pk, _ in found:
        ids[table].append(pk)
    rows = {table: kinds[table]._base_manager.in_bulk(pks) for table, pks in ids.items()}
    for table, pk, said in found:
        for part in parts:
            if stands := re.search(rf"(?<![^\W_]){re.escape(plain(part))}(?![^\W_])", plain(said)):
                by_part[part].append(place_of(rows[table][pk], said, stands.start()))
    notes = sorted(rows.get(Note._meta.db_table, {}).values(), key=lambda note: -note.pk)
    return notes, dict(by_part)


def plain(words) -> str:
    """Return words without their accents, in small letters."""
    apart = unicodedata.normalize("NFD", words)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


def place_of(row, said, at) -> Place:
    """Return a row with the words around a place in what it says."""
    name = str(row._meta.verbose_name)
    url = row.staff_url() if isinstance(row, Kept) and type(row) in admin.site._registry else ""
    begin = max(at - EXCERPT // 2, 0)
    # Where other words were taken out, and where a field is empty, nothing stands between what parts them.
    parts = [re.sub(r"(\s*,)+", ",", part).strip(" ,\n") for part in said[begin : begin + EXCERPT].split("·")]
    words = " · ".join(filter(None, parts))
    return Place(name[0].upper() + name[1:], f"…{words}" if begin else words, url)


# -- Doing it. ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def erase(record, *, by, reason, notes=(), parts=()) -> Erasure:
    """Erase a contact, or a client with everybody there. Return the erase.

    Raises Refused with what is to be done first. Beside the whole names, `parts` of them go, and `notes` as a whole.

    Every diary that it touches is locked, so that no mail is taken up and no move is made meanwhile.
    """
    begin_alone()
    lock_diaries(*reach_of(record).diaries)
    with connection.cursor() as cursor:
        # Before what they were told is written anew, as whoever has it sent again does.
        cursor.execute("select from hooks_endpoint for key share")
    record = lock(record)
    reach = reach_of(record, parts)
    if lacks := against(record, reach, by=by):
        raise Refused(lacks)
    for contact in Contact.objects.filter(pk__in=reach.people, left_on=None, merged_into=None).order_by("pk"):
        # Whoever decides from now on, what runs for them and their way in: as when somebody leaves.
        contact.leave(timezone.localdate(), by=by)
    for consent in Consent.objects.valid().filter(contact__in=reach.people).order_by("pk"):
        consent.withdraw(by=by, reason="Erased for privacy.")
    for message in Message.objects.filter(contact__in=reach.people, stage=Message.Stage.QUEUED):
        perform(message.hold, by=None, reason="Its reader was erased.")
    if isinstance(record, Client):
        end_what_waits(reach)
    forget_files(reach, record)
    own.end_all("Somebody was erased meanwhile. Ask for it again.")
    client = whole(record)
    with connection.cursor() as cursor:
        notes = [int(pk) for pk in notes]
        cursor.execute(ERASE, [reach.people, client, by.pk, reason, notes, list(parts)])
        (event_id,) = cursor.fetchone()
    contact = None if client else record.pk
    return Erasure.objects.create(client_id=client or record.client_id, contact_id=contact, by=by, event_id=event_id)


def end_what_waits(reach):
    """End second tries and tasks about a client of whom nothing is left: nobody can do them any more."""
    for second_try in WinBack.objects.filter(opportunity__in=reach.deals).exclude(stage__in=WinBack.CLOSED):
        perform(second_try.expire, by=None)
    for task in Task.objects.unfinished().filter(Q(opportunity__in=reach.deals) | Q(lead__in=reach.leads)):
        perform(task.cancel, by=None, reason="Its client was erased.")


def forget_files(reach, record):
    """Remove the mails themselves, as they came in, once their rows say nothing any more."""
    theirs = Q(from_address__in=reach.mails) | Q(message__contact__in=reach.people) | Q(lead__in=reach.leads)
    if isinstance(record, Client):
        theirs |= Q(message__client__in=reach.clients)
    for mail in InboundMail.objects.filter(theirs).exclude(raw=""):
        transaction.on_commit(lambda file=mail.raw: file.storage.delete(file.name), robust=True)
