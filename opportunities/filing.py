"""Filing mail by hand: where a mail may belong, and what is asked of whoever files it."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q

from . import incoming, reading, reads
from .duplicates import found
from .forms import MoveForm
from .joining import Choices
from .models import Contact, Lead, Message, Opportunity

PAGE = re.compile(r"/(opportunity|lead)/(\d{1,18})\b")
MOST = 8


@dataclass
class Likely:
    """A deal or a lead where a mail may belong, why, and who of the client wrote it, if that is known."""

    record: Any
    words: str
    who: Any = None
    name: str = ""

    @property
    def deal(self) -> bool:
        return isinstance(self.record, Opportunity)

    @property
    def value(self) -> str:
        return f"{self.record._meta.model_name}:{self.record.pk}"


def likely(inbound, user) -> list[Likely]:
    """Return where a mail may belong, of what this person may change: what it answers, then who is like its sender."""
    places = []
    keys, ids = incoming.keys_in(inbound.to_addresses.split("\n")), answers_of(inbound)
    answered = Message.objects.visible_to(user).filter(Q(reply_key__in=keys) | Q(message_id__in=ids))
    answered = answered.exclude(opportunity=None).select_related("opportunity__client", "contact").order_by("-pk")
    for message in answered[:MOST] if keys or ids else ():
        places.append(Likely(message.opportunity, f"It answers our mail to {message.contact}."))
    for one in found({"email": inbound.from_address}, user) if inbound.from_address else ():
        if one.kind == "lead" and one.record and one.record.is_open:
            places.append(Likely(one.record, one.words))
        places += [Likely(deal, f"{one.record}. {one.words}") for deal in one.opportunities]
    mine = {place.value: place for place in reversed(places) if place.record.within_reach(user, "change")}
    places = list(reversed(mine.values()))[:MOST]
    people = Contact.objects.here().filter(client__in=[place.record.client_id for place in places if place.deal])
    known = {contact.client_id: contact for contact in people.filter(email__iexact=inbound.from_address)}
    for place in places:
        place.who = known.get(place.record.client_id) if place.deal and inbound.from_address else None
        place.name = inbound.from_name or inbound.from_address.partition("@")[0]
    return places


def answers_of(inbound) -> list[str]:
    """Return the Message-IDs that a mail answers, where it is kept as it came."""
    if not inbound.raw:
        return []
    try:
        with inbound.raw.open("rb") as file:
            return reading.answers_in(file.read(reading.HEAD))
    except OSError:
        return []


class FileForm(MoveForm):
    """Where a mail belongs: one of the likely deals and leads, or another one; and who of the client wrote it."""

    where = Choices(label="Where does it belong?", required=False)
    page = forms.CharField(
        label="Or another deal or lead",
        required=False,
        max_length=300,
        help_text="Some words of its name, or the address of its page.",
    )
    who = forms.ChoiceField(label="Who wrote it?", required=False, help_text="A lead needs nobody here.")
    name = forms.CharField(label="Name of somebody new", required=False, max_length=120)
    email = forms.EmailField(label="Their mail address", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.likely = likely(self.record, self.user)
        self.fields["where"].choices = [(one.value, f"“{one.record}”. {one.words}") for one in self.likely]
        if not self.likely:
            del self.fields["where"]
            self.fields["page"].label, self.fields["page"].required = "Which deal or lead?", True
            self.fields["page"].error_messages["required"] = "Say where it belongs."
        self.named, self.unclear = self.resolve(str(self.data.get("page", "")).replace("\0", "").strip()[:300])
        deals = [one.record for one in self.likely if one.deal]
        deals += [self.named] if isinstance(self.named, Opportunity) else []
        people = Contact.objects.here().filter(client__in={deal.client_id for deal in deals})
        people = people.knowing_namesakes().select_related("client").order_by("client", "name", "pk")
        self.people = {str(one.pk): one for one in people[:200]}
        who = self.fields["who"]
        who.choices = [
            ("new", "Somebody new, as written below"),
            *((pk, f"{one.told_apart}, {one.client}") for pk, one in self.people.items()),
        ]
        known = [pk for pk, one in self.people.items() if one.email.lower() == self.record.from_address]
        who.initial = known[0] if known else "new"
        self.initial |= {"name": self.record.from_name, "email": self.record.from_address}

    def resolve(self, words):
        """Return the deal or the lead that was named, and what to do when it is none or several."""
        if not words:
            return None, ""
        deals, leads = Opportunity.objects.visible_to(self.user), Lead.objects.visible_to(self.user)
        if of := PAGE.search(words):
            rows = deals if of[1] == "opportunity" else leads
            record = rows.filter(pk=int(of[2])).first()
            return record, "" if record else "Nothing that you may see is at this address."
        matching = [*reads.matching(deals, words)[: MOST + 1], *reads.matching(leads, words)[: MOST + 1]]
        if len(matching) == 1:
            return matching[0], ""
        if matching:
            names = ", ".join(f"“{record}”" for record in matching[:5])
            return None, f"Several are called so: {names}. Write more of the name, or the address of its page."
        return None, "Nothing that you may see is called so. Write other words of its name."

    def clean(self):
        data = super().clean()
        chosen = next((one.record for one in self.likely if one.value == data.get("where")), None)
        if data.get("page"):
            chosen = self.named
            if self.unclear:
                self.add_error("page", self.unclear)
        if chosen is None:
            if not self.errors:
                self.add_error("page", "Say where it belongs.")
            return data
        if not chosen.within_reach(self.user, "change"):
            self.add_error("page", f"Somebody else’s: ask {chosen.owner}.")
            return data
        if isinstance(chosen, Lead):
            return {"lead": chosen}
        return {"opportunity": chosen, **self.writer(data, chosen)}

    def writer(self, data, deal) -> dict:
        """Return who of the client wrote it."""
        contact = self.people.get(data.get("who") or "new")
        if contact is not None and contact.client_id != deal.client_id:
            self.add_error("who", f"Choose somebody at {deal.client}, or somebody new: this deal is theirs.")
        if contact is None and not data.get("name"):
            self.add_error("name", "Write who wrote it.")
        if contact is None and not self.user.has_perm("opportunities.add_contact"):
            self.add_error("who", "Choose somebody who is here: your role adds no people.")
        return {"contact": contact} if contact else {"name": data.get("name", ""), "email": data.get("email", "")}
