"""Clients and the people there come in, one by one."""

from django.db.models.functions import Lower

from ..models import Client, Contact
from ..records import begin
from .singly import Singly, choice, fields_of, lowered, typed
from .values import Bad, mail, web


class Clients(Singly):
    """A client is known by its name."""

    right = "opportunities.add_client"

    @classmethod
    def said(cls, rows, texts) -> dict:
        if not texts.get("name"):
            raise Bad("name", "is empty; a client needs a name")
        fields = {
            "of": Client,
            "name": texts["name"],
            "website": rows.ask(web, "website", texts.get("website", "")) or "",
            "industry": texts.get("industry", ""),
            "country": texts.get("country", ""),
            "time_zone": texts.get("zone") or "UTC",
        }
        fields = fields_of(rows, fields, {"time_zone": "zone"})
        return {"who": fields["name"], "what": fields["website"], "fields": fields, "name": fields["name"]}

    def know(self, chunk):
        clients = Client.objects.alias(lower=Lower("name")).filter(lower__in=lowered(chunk, "name"))
        known = list(clients.select_related("owner"))
        seen = set(
            Client.objects.visible_to(self.record.owner)
            .filter(pk__in=[c.pk for c in known])
            .values_list("pk", flat=True)
        )
        self.here = {
            (client.name.lower(),): (client.pk, "Here already" if client.pk in seen else client.anothers)
            for client in known
        }

    def key(self, row):
        return (row.said["name"].lower(),)

    def make(self, row):
        client = Client(**row.said["fields"], owner_id=row.owner_id)
        return begin(client, by=self.by, past="imported", reason=self.whence(row)).pk


def clients_by_name(names, by) -> dict[str, tuple]:
    """Return {name in small letters: (client as it stands, whether this person may add to it)}."""
    found = Client.objects.alias(lower=Lower("name")).filter(lower__in=names)
    named = {client.name.lower(): client.standing for client in found.select_related("owner", "merged_into__owner")}
    pks = [client.pk for client in named.values()]
    may = Client.objects.filter(pk__in=pks)
    if by is not None:
        may = may.filter(Client.reach(by, "change"))
    may = set(may.values_list("pk", flat=True))
    return {name: (client, client.pk in may) for name, client in named.items()}


class Contacts(Singly):
    """A contact is known at their client by their mail address, or by their name where the row has none."""

    right = "opportunities.add_contact"

    @classmethod
    def said(cls, rows, texts) -> dict:
        name = texts.get("name") or " ".join(filter(None, [texts.get("first"), texts.get("last")]))
        email = rows.ask(mail, "email", texts.get("email", "")) or ""
        if not texts.get("client"):
            rows.faults.append(Bad("client", "is empty; say at which client they are"))
        if not name and not email:
            rows.faults.append(Bad("name", "is empty; a contact needs a name or a mail address"))
        left = rows.ask(rows.day, texts, "left")
        roles = Contact.Role.choices
        fields = {
            "of": Contact,
            "name": (name or email)[:120],
            "email": email,
            "phone": texts.get("phone", ""),
            "title": texts.get("title", ""),
            "decision_role": rows.ask(choice, "role", texts.get("role", ""), roles, Contact.Role.INFLUENCER) or "owner",
            "time_zone": texts.get("zone") or "UTC",
            "country": texts.get("country", ""),
            "works_on": texts.get("works_on") or "12345",
            "works_from": texts.get("works_from") or "09:00",
            "works_to": texts.get("works_to") or "17:00",
            "left_on": left.date().isoformat() if left else None,
        }
        names = {"decision_role": "role", "time_zone": "zone", "left_on": "left"}
        fields = fields_of(rows, fields, names)
        said = {"at": texts.get("client", ""), "email": email, "name": fields["name"], "fields": fields}
        return said | {
            "who": f"{fields['name']}, {said['at']}",
            "what": " · ".join(filter(None, [email, fields["phone"]])),
        }

    def know(self, chunk):
        self.clients = clients_by_name(lowered(chunk, "at"), self.by)
        at = [client.pk for client, _ in self.clients.values()]
        people = Contact.objects.filter(client__in=at, merged_into=None).annotate(
            mail=Lower("email"), lower=Lower("name")
        )
        by_mail = people.filter(mail__in=lowered(chunk, "email")).values_list("client", "mail", "pk")
        by_name = people.filter(lower__in=lowered(chunk, "name")).values_list("client", "lower", "pk")
        self.here = {(client, "mail", word): (pk, "Here already") for client, word, pk in by_mail}
        self.here |= {(client, "name", word): (pk, "Here already") for client, word, pk in by_name}

    def client(self, row):
        client, may = self.clients.get(row.said["at"].lower(), (None, False))
        if client is None:
            raise Bad("client", f"“{row.said['at'][:60]}” is no client that is here; bring the clients in first")
        if not may:
            raise Bad("client", client.anothers)
        return client

    def key(self, row):
        said = row.said
        word = ("mail", said["email"].lower()) if said["email"] else ("name", said["name"].lower())
        return (self.client(row).pk, *word)

    def make(self, row):
        contact = typed(Contact(**row.said["fields"], client=self.client(row)), row.said["fields"])
        return begin(contact, by=self.by, past="imported", reason=self.whence(row)).pk
