"""Everything that we hold of one client, as a ZIP: one JSON document, the PDFs, and the diaries with their proof.

What stands in it is found by what each kind of record belongs to, so that a new kind comes along by itself.
"""

import json
import tempfile
import zipfile
from pathlib import Path

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.models import Q

from opportunities.models import (
    Answer,
    CampaignEntry,
    Client,
    Contact,
    ImportRow,
    InboundMail,
    Lead,
    LeadFact,
    Message,
    Note,
    Opportunity,
    QuietDate,
    Task,
)
from opportunities.records import DiaryKeeper, Kept, tell
from portal.models import (
    ClientAction,
    Guest,
    Inquiry,
    Paper,
    PaymentNotice,
    ProposalLink,
    Publication,
    Reader,
    Stop,
    StopLink,
)

from .models import Erasure

README = """\
Everything about {client}, taken out on {at} by {by}.

client.json    every record, kind by kind, with the columns as they are kept. It holds what is internal, too:
               it is for the house, not for the client.
papers/        what the client was given as PDF: proposals, contracts (signed and sealed ones too), reports.
events.jsonl   the diaries, line by line, with their facts and hashes.
erased.jsonl   what privacy erases left of lines.
heads.json     how long each diary is, and its last hash.
verify.py      proves the diaries without the system that wrote them: python3 verify.py
"""
# As good as a key, or made by the database of what stands there anyway.
LEFT_OUT = {
    *("secret_link", "reply_key", "token_hash", "key_hash", "stamp_hash"),
    *("search", "name_key", "domain_key", "phone_key", "raw", "file"),
}
EVENTS = """
select e.id, e.diary_id, e.seq, e.previous, e.hash, e.at::text as at,
  extract(epoch from e.at)::text as at_epoch, e.verb, e.past,
  e.record_type, e.record_id, e.subject, e.actor_kind, e.actor_id, e.contact_id, e.actor_name, e.owner_id,
  e.stage_from, e.stage_to, e.next_action, e.reason, e.facts_id, e.facts_digest,
  f.salt::text as facts_salt, f.values::text as facts
from opportunities_event e left join opportunities_facts f on f.id = e.facts_id
where e.diary_id = %s and e.seq <= %s order by e.seq
"""
ERASED = """
select b.event_id, b.told_by_id, b.left_hash, b.left_facts from opportunities_blanked b
where b.told_by_id in (select o.told_by_id from opportunities_blanked o join opportunities_event e on e.id = o.event_id
                       where e.diary_id = any(%s))
order by b.id
"""


class Everything:
    """What there is of one client: its records by kind, its diaries, its papers."""

    def __init__(self, client):
        self.client = client
        self.clients = Client.objects.filter(Q(pk=client.pk) | Q(merged_into=client))
        self.deals = Opportunity.objects.filter(client__in=self.clients)
        self.leads = Lead.objects.filter(opportunity__in=self.deals)
        self.messages = Message.objects.filter(Q(client__in=self.clients) | Q(opportunity__in=self.deals))
        self.mails = InboundMail.objects.filter(Q(message__in=self.messages) | Q(lead__in=self.leads))
        about = Q(opportunity__in=self.deals) | Q(lead__in=self.leads)
        here = self.clients.values("pk")
        brought = Q(client_id__in=here)
        for rows in (self.clients, self.deals, self.leads):
            brought |= Q(diary_id__in=rows.values("diary"))
        # What belongs to two, to none, or to what is no record.
        self.by_hand = {
            Client: self.clients,
            Opportunity: self.deals,
            Lead: self.leads,
            Message: self.messages,
            InboundMail: self.mails,
            Task: Task.objects.filter(about),
            Note: Note.objects.filter(about),
            LeadFact: LeadFact.objects.filter(lead__in=self.leads),
            CampaignEntry: CampaignEntry.objects.filter(win_back__opportunity__in=self.deals),
            QuietDate: QuietDate.objects.filter(client__in=self.clients),
            ImportRow: ImportRow.objects.filter(brought),
            Answer: Answer.objects.filter(discovery__opportunity__in=self.deals),
            Publication: Publication.objects.filter(client_id__in=here),
            ClientAction: ClientAction.objects.filter(client_id__in=here),
            Guest: Guest.objects.filter(client_id__in=here),
            ProposalLink: ProposalLink.objects.filter(client_id__in=here),
            Reader: Reader.objects.filter(link__client_id__in=here),
            StopLink: StopLink.objects.filter(client_id__in=here),
            Stop: Stop.objects.filter(link__client_id__in=here),
            Inquiry: Inquiry.objects.filter(lead_id__in=self.leads.values("pk")),
            PaymentNotice: PaymentNotice.objects.filter(client_id__in=here),
            Erasure: Erasure.objects.filter(client__in=self.clients),
        }

    def rows_of(self):
        """Yield each kind of record with its rows that are this client's."""
        for model in apps.get_models():
            if model in self.by_hand:
                yield model, self.by_hand[model]
            elif issubclass(model, Kept) and not issubclass(model, DiaryKeeper):
                for top, ours in ((Opportunity, self.deals), (Client, self.clients)):
                    if way := way_to(model, top):
                        yield model, model._base_manager.filter(**{f"{way}__in": ours})
                        break

    def diaries(self) -> list[int]:
        """Return the diaries that tell of it: its own, its deals', its leads' and those of mail that came in."""
        kept = (self.clients, self.deals, self.leads, self.mails)
        return sorted({pk for rows in kept for pk in rows.values_list("diary_id", flat=True)})

    def papers(self):
        return Paper.objects.filter(publication__client_id__in=self.clients.values("pk")).order_by("pk")


def way_to(model, top) -> str:
    """Return the lookup from a kind of record to a deal or a client that it belongs to, in the end."""
    above, way = model, []
    while above.belongs_to:
        way.append(above.belongs_to)
        above = above._meta.get_field(above.belongs_to).related_model
        if above is top:
            return "__".join(way)
    return ""


def sees_all_of(client, user) -> bool:
    """Whether this person sees all of a client: it, its every deal, and every lead that became one."""
    all_of_it = Everything(client)
    seen = Client.objects.visible_to(user).filter(pk=client.pk).exists()
    hidden = (
        all_of_it.deals.exclude(pk__in=Opportunity.objects.visible_to(user).values("pk")),
        all_of_it.leads.exclude(pk__in=Lead.objects.visible_to(user).values("pk")),
    )
    return seen and not any(rows.exists() for rows in hidden)


def plain_row(row, fields) -> dict:
    """Return a row by its columns, and whose names its numbers are."""
    return {field.attname: field.value_from_object(row) for field in fields}


def fields_of(model) -> list:
    made = (models.GeneratedField, models.BinaryField)
    return [one for one in model._meta.concrete_fields if not isinstance(one, made) and one.name not in LEFT_OUT]


def write_records(out, everything):
    """Write every record as one JSON document, row by row: it may be long."""
    out.write(b"{")
    for place, (model, rows) in enumerate(everything.rows_of()):
        fields, many = fields_of(model), model._meta.many_to_many
        out.write(b",\n" if place else b"\n")
        out.write(json.dumps(model._meta.label_lower).encode() + b": [")
        for number, row in enumerate(rows.order_by("pk").iterator(chunk_size=500)):
            said = plain_row(row, fields)
            said |= {one.name: list(getattr(row, one.name).values_list("pk", flat=True)) for one in many}
            out.write((b"," if number else b"") + b"\n")
            out.write(json.dumps(said, cls=DjangoJSONEncoder, ensure_ascii=False).encode())
        out.write(b"]")
    out.write(b"\n}\n")


def write_diaries(archive, diaries):
    """Write the diaries as they stand now: their heads first, and of each no event that came later."""
    with connection.cursor() as cursor:
        cursor.execute("select id, length, head from opportunities_diary where id = any(%s) order by id", [diaries])
        heads = {pk: (length, head) for pk, length, head in cursor.fetchall()}
        archive.writestr("heads.json", json.dumps(heads, indent=1))
        with archive.open("events.jsonl", "w") as out:
            for pk, (length, _) in heads.items():
                write_lines(out, cursor, EVENTS, [pk, length])
        with archive.open("erased.jsonl", "w") as out:
            write_lines(out, cursor, ERASED, [diaries])
    archive.write(Path(__file__).with_name("client_verify.py"), "verify.py")


def write_lines(out, cursor, query, params):
    cursor.execute(query, params)
    names = [column.name for column in cursor.description]
    while rows := cursor.fetchmany(500):
        for row in rows:
            out.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False).encode() + b"\n")


@transaction.atomic
def take_out(client, *, by, at: str):
    """Write everything about a client into a file that is gone when it is closed, and tell its diary. Return the file.

    The line in the diary comes first, so that it stands in what is taken out.
    """
    tell(client, "take_out", "took everything out about", by=by)
    everything = Everything(client)
    file = tempfile.TemporaryFile()  # noqa: SIM115 whoever hands it out closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(client=client, at=at, by=by))
        with archive.open("client.json", "w", force_zip64=True) as out:
            write_records(out, everything)
        for paper in everything.papers().select_related("publication").defer("bytes").iterator(chunk_size=50):
            publication = paper.publication
            what = f"{publication.kind}-{publication.ref.rpartition(':')[2]}-{paper.pk}-{paper.kind}.pdf"
            archive.writestr(f"papers/{what}", Paper.objects.file(paper.pk), zipfile.ZIP_STORED)
        write_diaries(archive, everything.diaries())
    file.seek(0)
    return file


def people_in(client) -> int:
    return Contact.objects.filter(client__in=Everything(client).clients, merged_into=None).count()
