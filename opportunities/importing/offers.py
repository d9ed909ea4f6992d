"""Proposals and their rows come in, one by one: always as a draft, and what is written in a draft.

What was sent, approved or accepted elsewhere proves nothing here, and neither does the evidence that it rested on.
"""

import re
from decimal import Decimal

from django.db.models import Q
from django.db.models.functions import Lower

from ..models import Opportunity
from ..records import begin
from .home import OFFER, offer_known_as, offers_named, source_of_offer
from .kinds import Proposal
from .singly import Singly, choice, fields_of, lowered, typed
from .todos import AHEAD, Parents, deal_said, refuse_no_deal
from .values import Bad, amount, currency

Service = Opportunity._meta.get_field("services").related_model
ENDED = {"superseded", "withdrawn"}
YES, NO = ("yes", "true", "1", "x", "y"), ("", "no", "false", "0", "n")


def decimal(name: str, text: str, empty=None) -> str | None:
    """Return a plain number as it is kept."""
    if not text:
        return empty
    if not re.fullmatch(r"-?[0-9]{1,12}([.,][0-9]{1,6})?", text):
        raise Bad(name, f"“{text[:40]}” is not a number such as 12.5")
    return str(Decimal(text.replace(",", ".")))


def money(name: str, text: str) -> str | None:
    found, _ = amount(name, text, ".")
    return None if found is None else str(found)


def whole(name: str, text: str, empty=0):
    if not text:
        return empty
    if not re.fullmatch("[0-9]{1,4}", text):
        raise Bad(name, f"“{text[:40]}” is not a whole number such as 3")
    return int(text)


def yes(name: str, text: str) -> bool:
    if text.casefold() not in (*YES, *NO):
        raise Bad(name, f"“{text[:40]}” is neither yes nor no")
    return text.casefold() in YES


def offer_named_in(texts) -> str:
    """Return what names an offer, where a row says it as our own files do."""
    known = texts.get("offer_known", "")
    return known if OFFER.fullmatch(known) else ""


class OfDeals(Singly):
    """Rows that hang on a deal."""

    right = "proposals.write_proposal"

    def __init__(self, record):
        super().__init__(record)
        self.parents = Parents(record, self.home)

    def deals(self, chunk) -> set:
        self.parents.know(chunk)
        found = set()
        for row in chunk:
            try:
                found.add(self.parents.deal(row.said).pk)
            except Bad:
                continue
        return found

    def know_offers(self, chunk, deals, title: str):
        """Read along the offers of these deals that some rows may mean. Of several revisions it is the newest."""
        found = Proposal.objects.alias(lower=Lower("title")).filter(opportunity__in=deals)
        names = Q(lower__in=lowered(chunk, title))
        for known in {row.said["offer_known"] for row in chunk if row.said.get("offer_known")}:
            names |= offers_named(known, self.home)
        self.offers = {}
        for offer in sorted(found.filter(names), key=lambda offer: (offer.stage not in ENDED, offer.pk)):
            self.offers[offer.opportunity_id, offer_known_as(offer, self.home)] = offer
            self.offers[offer.opportunity_id, offer.title.lower()] = offer

    def offer_key(self, row, title: str) -> tuple:
        """Return by what a row names its offer: two of one title are two where our own file tells them apart."""
        return self.parents.deal(row.said).pk, row.said.get("offer_known") or row.said[title].lower()


class Proposals(OfDeals):
    """A proposal is known by what our own files name it, else by its deal and its title.

    Of one in several revisions the newest comes in: what the others say stands in it.
    """

    @classmethod
    def said(cls, rows, texts) -> dict:
        said = deal_said(texts)
        refuse_no_deal(rows, said)
        if texts.get("status", "").casefold() in ENDED:
            word = texts["status"][:40].lower()
            rows.faults.append(Bad("status", f"it is {word}: only what may still be offered comes in, as a draft"))
        if texts.get("newer"):
            words = (
                f"revision {texts['newer'][:10]} of it is newer: only what may still be offered comes in, as a draft"
            )
            rows.faults.append(Bad("newer", words))
        valid, decide = (rows.ask(rows.day, texts, name, AHEAD) for name in ("valid", "decide"))
        cadences = Proposal._meta.get_field("report_every").choices
        fields = {
            "of": Proposal,
            "title": texts.get("title", ""),
            "intro": texts.get("intro", ""),
            "currency": rows.ask(currency, "currency", texts.get("currency", ""), "") or "USD",
            "discount": rows.ask(decimal, "discount", texts.get("discount", ""), "0") or "0",
            "report_every": rows.ask(choice, "every", texts.get("every", ""), cadences) or "",
            "valid_until": valid.date().isoformat() if valid else None,
            "decide_on": decide.date().isoformat() if decide else None,
        }
        fields = fields_of(rows, fields, {"report_every": "every", "valid_until": "valid", "decide_on": "decide"})
        said |= {"product": texts.get("product", ""), "fields": fields, "title": fields["title"]}
        said["offer_known"] = offer_named_in(texts)
        return said | {"who": fields["title"], "what": " · ".join(filter(None, [said["client_name"], said["deal"]]))}

    def know(self, chunk):
        deals = self.deals(chunk)
        self.know_offers(chunk, deals, "title")
        self.here = {key: (offer.pk, f"Here already: {offer.number}") for key, offer in self.offers.items()}
        services = Service.objects.alias(lower=Lower("name")).filter(lower__in=lowered(chunk, "product"))
        self.services = {service.name.lower(): service for service in services}

    def key(self, row):
        self.service(row)
        return self.offer_key(row, "title")

    def service(self, row):
        word = row.said["product"].lower()
        if word and word not in self.services:
            said = row.said["product"][:60]
            raise Bad("product", f"“{said}” is no service that we know; add it to the services first")
        return self.services.get(word)

    def make(self, row):
        deal = self.parents.deal(row.said)
        proposal = Proposal(
            **row.said["fields"],
            opportunity=deal,
            service=self.service(row),
            owner_id=row.owner_id,
            author_id=self.by.pk if self.by else row.owner_id,
            source=source_of_offer(self.record.file_name, row.said.get("offer_known", "")),
        )
        typed(proposal, row.said["fields"]).clean()
        return begin(proposal, by=self.by, past="imported", reason=self.whence(row)).pk


def models_of_rows() -> dict:
    """Return the kinds of row of a proposal, by the words that a file calls them."""
    names = ("scope_items", "milestones", "price_lines", "claims")
    models = [Proposal._meta.get_field(name).related_model for name in names]
    return {str(model._meta.verbose_name): model for model in models}


MODELS = models_of_rows()
SCOPE, STEP, PRICE, CLAIM = MODELS
# Which of their fields says of what kind a row is.
KINDS = {SCOPE: "kind", PRICE: "recurring", CLAIM: "kind"}
COLUMNS = {"position": "place", "start_week": "start", "unit_price": "price", "internal_cost": "cost"}
COLUMNS |= {"pricing_assumption": "assumption", "recurring": "kind"}


def row_fields(rows, what: str, texts) -> dict:
    """Return what a row of one kind says, field by field."""
    ask, title = rows.ask, texts.get("title", "")
    kind, model = KINDS.get(what, ""), MODELS[what]
    fields = {"of": model, "position": ask(whole, "place", texts.get("place", ""), None)}
    if kind:
        field = model._meta.get_field(kind)
        fields[kind] = ask(choice, "kind", texts.get("kind", ""), field.choices, str(field.default)) or field.default
    if what == CLAIM:
        better = model._meta.get_field("better").choices
        grades = model._meta.get_field("sensitivity").choices
        fields |= {name: texts.get(name, "") for name in ("metric", "unit", "method")}
        fields |= {name: ask(decimal, name, texts.get(name, "")) for name in ("low", "high")}
        fields["better"] = ask(choice, "better", texts.get("better", ""), better) or ""
        fields["sensitivity"] = ask(choice, "sensitivity", texts.get("sensitivity", ""), grades, "normal") or "normal"
        return fields | {"text": title}
    if what == PRICE:
        fields |= {name: ask(decimal, name, texts.get(name, ""), "0") or "0" for name in ("discount", "tax")}
        fields["quantity"] = ask(decimal, "quantity", texts.get("quantity", ""), "1") or "1"
        fields |= {"unit_price": ask(money, "price", texts.get("price", ""))}
        fields |= {"internal_cost": ask(money, "cost", texts.get("cost", ""))}
        fields["optional"] = bool(ask(yes, "optional", texts.get("optional", "")))
        return fields | {"title": title, "pricing_assumption": texts.get("assumption", "")}
    if what == STEP:
        fields |= {"start_week": ask(whole, "start", texts.get("start", "")) or 0}
        fields |= {"weeks": ask(whole, "weeks", texts.get("weeks", ""), 1), "who": texts.get("who", "")}
    return fields | {"title": title, "text": texts.get("text", "")}


class ProposalRows(OfDeals):
    """A row is known in its proposal by what it is, its words and its place."""

    @classmethod
    def said(cls, rows, texts) -> dict:
        said = deal_said(texts)
        refuse_no_deal(rows, said)
        what = texts.get("row", "").casefold()
        if not texts.get("proposal"):
            rows.faults.append(Bad("proposal", "is empty; say of which proposal it is"))
        if what not in MODELS:
            rows.faults.append(Bad("row", f"“{what[:40]}” is none of: {', '.join(MODELS)}"))
            return said
        fields = fields_of(
            rows, row_fields(rows, what, texts), COLUMNS | {"text": "title"} if what == CLAIM else COLUMNS
        )
        words = fields.get("title") or fields.get("text", "")
        said["offer_known"] = offer_named_in(texts)
        said |= {"row": what, "proposal": texts.get("proposal", ""), "waits": texts.get("waits", "")}
        return said | {"fields": fields, "words": words, "who": words, "what": f"{what} · {said['proposal']}"}

    def know(self, chunk):
        deals = self.deals(chunk)
        self.know_offers(chunk, deals, "proposal")
        self.here = {}
        ids = {offer.pk for offer in self.offers.values()}
        for what, model in MODELS.items():
            words = "text" if what == CLAIM else "title"
            rows = model.objects.filter(proposal__in=ids).values_list(
                "proposal", KINDS.get(what, "pk"), words, "position"
            )
            for proposal, kind, text, position in rows:
                kind = kind if what in KINDS else ""
                for place in (position, None):
                    self.here[proposal, what, kind, text.lower(), place] = proposal, "Here already"

    def proposal(self, row):
        title = row.said["proposal"]
        found = self.offers.get(self.offer_key(row, "proposal"))
        if found is None:
            raise Bad("proposal", f"“{title[:60]}” is no proposal of this deal; bring the proposals in first")
        return found

    def key(self, row):
        said, fields = row.said, row.said["fields"]
        kind = str(fields.get(KINDS.get(said["row"], ""), ""))
        return self.proposal(row).pk, said["row"], kind, said["words"].lower(), fields["position"]

    def make(self, row):
        proposal, said = self.proposal(row), row.said
        if proposal.stage != "draft":
            stage = proposal.get_stage_display().lower()
            raise Bad("proposal", f"{proposal.number} is {stage}; rows come into a draft only")
        part = typed(MODELS[said["row"]](**said["fields"]), said["fields"])
        if said["waits"]:
            part.depends_on = proposal.milestones.filter(title__iexact=said["waits"]).first()
            if part.depends_on is None:
                raise Bad("waits", f"“{said['waits'][:60]}” is no step that is there yet; put that one before this")
        proposal.add(part, by=self.by)
        return proposal.pk
