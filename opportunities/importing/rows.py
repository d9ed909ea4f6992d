"""What one row says: its values checked and in our words, or the first that is wrong. And what the file leaves open."""

import hashlib
from collections import Counter, defaultdict
from datetime import timedelta
from json.encoder import encode_basestring as quoted

from django.utils import timezone

from ..models import ImportRow, Lead, Opportunity
from ..spreadsheets import unmarked
from . import values
from .columns import FIELDS
from .files import BadFile, clean
from .owners import owners_of, people_by_name
from .table import Table
from .values import BROKEN, Bad
from .ways import ONE_BY_ONE

LIMITS = {**dict.fromkeys(["words", "text", "intro", "method", "assumption"], 20_000), "reason": 2_000}
LIMITS |= {name: Lead._meta.get_field(name).max_length for name in ("name", "company", "email", "phone", "country")}
LIMITS |= {"source": 120, "client": 160, "contact": 120, "industry": 80, "product": 120, "owner": 120}
LIMITS |= {"first": 60, "last": 60, "manager": 120, "office": 120, "status": 60, "currency": 20}
# No owner finds more than so many first calls on one day.
A_DAY = 25
# The most different words of one column that a person is asked about.
MOST_ASKED = 60
RAW_CELL = 100_000
# An expected close may be so many years ahead.
AHEAD = 10
# What our own list of refused rows adds to them.
WHY = "Why it was refused"
MOST_REFERENCE = ImportRow._meta.get_field("reference").max_length
Verdict = ImportRow.Verdict


class Rows:
    """The rows of one import, read in turn. It knows the columns, the people, and what was chosen."""

    def __init__(self, record, table: Table):
        self.record, self.table, self.kind = record, table, record.kind
        self.choices = record.choices
        self.places = places(record, table)
        self.orders = {name: self.written(column, "dates") for name, column in record.columns.items()}
        self.signs = {name: self.written(column, "numbers") for name, column in record.columns.items()}
        header = table.sheet.header
        self.own = None if WHY not in header else [place for place, name in enumerate(header) if name != WHY]
        self.people = owners_of(record)
        self.by_word = people_by_name(record)
        self.faults: list[Bad] = []
        self.turn = 0
        state = record.questions or {}
        self.loads = Counter({int(pk): n for pk, n in state.get("loads", {}).items()})
        self.unknown = defaultdict(Counter, {name: Counter(words) for name, words in state.get("unknown", {}).items()})
        self.offered = offered_services(record, table)

    def written(self, column: str, what: str) -> str:
        """Return how a column's dates or numbers are written: as its values tell, or else as the person chose."""
        found = next((one.get(what, "") for one in self.record.header if one["name"] == column), "")
        chosen = self.choices.get(what, {})
        return chosen.get(column, chosen.get("*", found)) if found == "?" else found

    def state(self) -> dict:
        """Return what is left open so far, so that another worker can go on from here."""
        unknown = {name: dict(words.most_common(MOST_ASKED)) for name, words in self.unknown.items()}
        return {"loads": dict(self.loads), "unknown": unknown}

    def read(self, own, whole, wrong):
        """Return (said, reference, owner, verdict, column, reason) of one row."""
        self.turn += 1
        if wrong:
            return {}, "", None, Verdict.REFUSED, "row", wrong
        self.faults = []
        said, owner = {}, None
        try:
            texts = self.texts(whole)
            said, owner = self.meant(texts, whole)
        except Bad as trouble:
            self.faults.append(trouble)
        if self.faults:
            return {}, "", None, Verdict.REFUSED, *self.told(whole)
        return said, self.reference(texts, own), owner, Verdict.NEW, "", said.pop("note", "")

    def meant(self, texts, whole):
        """Return what a row says, and whose it becomes."""
        if self.kind == "leads":
            return self.lead(texts, whole)
        if self.kind == "opportunities":
            return self.deal(texts, whole)
        said = ONE_BY_ONE[self.kind].said(self, texts)
        return said, self.ask(self.owner, texts) if "owner" in FIELDS[self.kind].by_name else None

    def told(self, whole) -> tuple[str, str]:
        """Return the column of the first fault, and all that is wrong with the row: it is mended once."""
        faults = {(self.column(one.name, whole), one.reason): None for one in self.faults}
        (column, first), *others = faults
        more = "".join(f" · {name}: {reason}" for name, reason in others)
        return column[:100], f"{first}{more}"[:400]

    def ask(self, read, *given):
        """Return what a value means, or nothing when it is wrong: then the next ones are looked at all the same."""
        try:
            return read(*given)
        except Bad as fault:
            self.faults.append(fault)
            return None

    def texts(self, whole) -> dict:
        texts = {}
        is_plain = "".join(whole).isascii()
        for name, place in self.places.items():
            text = whole[place]
            if not is_plain and BROKEN.search(text):
                raise Bad(name, "holds bytes that are no UTF-8 letters; save the file as UTF-8")
            texts[name] = text = unmarked(clean(text))
            if len(text) > 40 and name in LIMITS and len(text) > LIMITS[name]:
                raise Bad(name, f"is longer than {LIMITS[name]:,} letters")
        for place, text in enumerate(whole[: 0 if is_plain else len(self.table.sheet.header)]):
            if BROKEN.search(text):
                raise Bad(f"={place}", "holds bytes that are no UTF-8 letters; save the file as UTF-8")
        return texts

    def column(self, name: str, whole) -> str:
        """Return the file's own name for a column of ours."""
        if name.startswith("="):
            return self.table.columns[int(name[1:])]
        place = self.places.get(name)
        if place is None:
            return name
        return (
            self.table.columns[self.table.pointer(place, whole)]
            if not whole[place].strip()
            else (self.table.columns[place].rpartition(": ")[2])
        )

    def reference(self, texts, own) -> str:
        """Return by what the row is known again: its own reference, or else what stands in it."""
        if known := texts.get("known"):
            # Our own files say it whole, whatever they are called and wherever they come from.
            return known if len(known) <= MOST_REFERENCE else digest_of(known)
        ref = texts.get("ref")
        if not ref:
            # Mended, it comes back with the reason beside it, and with marks before what would calculate.
            own = own if self.own is None else [own[place] for place in self.own if place < len(own)]
            ref = "row " + digest_of("\x1f".join(map(unmarked, own)).replace("\0", ""))[:24]
        known = f"{self.record.system}:{ref}"
        return known if len(known) <= MOST_REFERENCE else f"{self.record.system}:{digest_of(ref)}"

    # -- Leads. --------------------------------------------------------------------------------------------------------

    def lead(self, texts, whole):
        name, email = texts.get("name", "") or named(texts), texts.get("email", "")
        if not name and not email:
            for one in ("name", "email"):
                if one in self.places and (why := self.table.absent(self.places[one], whole)):
                    raise Bad(one, why)
            raise Bad("name", "is empty; a lead needs a name or a mail address")
        step = self.ask(self.step, texts)
        self.ask(values.mail, "email", email)
        arrived = self.ask(self.day, texts, "created")
        owner = self.ask(self.owner, texts)
        said = {
            "name": name or email[:120],
            "company": texts.get("company", ""),
            "email": email,
            "phone": texts.get("phone", ""),
            "website": self.ask(values.web, "website", texts.get("website", "")),
            "country": texts.get("country", ""),
            "words": texts.get("words", ""),
            "source": texts.get("source", "") or "Imported file",
            "at": arrived.isoformat() if arrived else "",
            "step": step,
            "status": texts.get("status", ""),
        }
        if step == "work" and not self.faults:
            said["due"] = self.due(owner, 3)
        return said, owner

    def step(self, texts) -> str:
        word = texts.get("status", "")
        try:
            return values.step(self.kind, "status", word, self.choices.get("status", {}))
        except Bad:
            self.unknown["status"][word] += 1
            raise

    def day(self, texts, name, ahead=1):
        text = texts.get(name, "")
        if not text:
            return None
        order = self.orders.get(name) or "ymd"
        if order == "?":
            self.unknown["dates"][self.record.columns[name]] += 1
            raise Bad(name, f"“{text[:40]}” can be read two ways; choose how its dates are written")
        return values.day(name, text, order, ahead)

    def amount(self, texts, name):
        try:
            return values.amount(name, texts.get(name, ""), self.signs.get(name, ""))
        except Bad as fault:
            if "two ways" in fault.reason:
                self.unknown["numbers"][self.record.columns[name]] += 1
            raise

    def owner(self, texts) -> int:
        """Return whose it becomes: whom the row names, whom the person chose for that name, or the next in turn."""
        word = texts.get("owner", "")
        if word:
            chosen = self.choices.get("owner", {}).get(word)
            person = self.by_word.get((chosen or word).casefold())
            if person:
                return person
            self.unknown["owner"][word] += 1
        if not self.people:
            whom = self.choices.get("owner_default", "")
            raise Bad("owner", f"{whom} left, or may not own {self.kind}; choose another owner")
        return self.people[self.turn % len(self.people)]

    # -- Opportunities. ------------------------------------------------------------------------------------------------

    def deal(self, texts, whole):
        step = self.ask(self.step, texts)
        contact = texts.get("contact", "") or named(texts)
        email = self.ask(values.mail, "email", texts.get("email", "")) or ""
        client, note = self.ask(self.client, texts, whole, contact or email) or ("", "")
        opened, closed = self.ask(self.day, texts, "opened"), self.ask(self.day, texts, "closed", AHEAD)
        if opened and closed and closed.date() < opened.date():
            self.faults.append(Bad("closed", f"“{texts['closed'][:40]}” is before it began"))
        now = timezone.now()
        if step in ("won", "lost") and closed and closed > now:
            late = f"“{texts['closed'][:40]}” is still to come; a deal that is {step} was closed before"
            self.faults.append(Bad("closed", late))
        opened = min(opened or (closed if step in ("won", "lost") else None) or now, now)
        price, price_in = self.ask(self.amount, texts, "price") or (None, "")
        value, value_in = self.ask(self.amount, texts, "value") or (None, "")
        value, beside = (price, price_in) if value is None else (value, value_in)
        currency = self.ask(values.currency, "currency", texts.get("currency", ""), beside)
        for column, found in (("price", price), ("value", value)):
            self.ask(values.payable, column, found, currency)
        product, service = self.ask(self.service, texts.get("product", "")) or ("", "")
        owner = self.ask(self.owner, texts)
        if self.faults:
            return {}, owner
        name = texts.get("name") or (f"{client}: {service or product}" if service or product else f"{client}: growth")
        said = {
            "client": client,
            "name": name[:160],
            "step": step,
            "value": str(value) if value is not None else None,
            "price": str(price) if price is not None else None,
            "currency": currency,
            "service": service,
            "opened": opened.isoformat(),
            "closed": max(closed or opened, opened).isoformat(),
            "decision": closed.date().isoformat() if closed and step in ("qualified", "discovery") else None,
            "contact": contact,
            "email": email,
            "phone": texts.get("phone", ""),
            "website": self.ask(values.web, "website", texts.get("website", "")),
            "country": texts.get("country", ""),
            "industry": texts.get("industry", ""),
            "reason": texts.get("reason", ""),
            "source": texts.get("source", ""),
            "about": self.about(whole),
            "facts": {
                word: texts[one]
                for one, word in FACTS.items()
                if texts.get(one) and (one != "product" or texts[one] != service)
            },
        }
        if step in ("qualified", "discovery"):
            said["due"] = self.due(owner, 2 if step == "qualified" else 5)
        if note:
            said["note"], said["joins"] = note, True
        return said, owner

    def client(self, texts, whole, person: str) -> tuple[str, str]:
        """Return whose the deal is, and a note when the row itself does not say so."""
        client = texts.get("client") or person
        if client:
            return client, ""
        for one in ("client", "contact", "email"):
            if one in self.places and (why := self.table.absent(self.places[one], whole)):
                raise Bad(one, why)
        if texts.get("email"):
            return "", ""  # it is no mail address, and that is told
        self.unknown["client"][""] += 1
        client = self.choices.get("without_client", "")
        if not client:
            raise Bad("client", "is empty; name the client, or choose whose the rows without one are")
        return client, f"Names no client: joined to {client}"

    def service(self, word: str) -> tuple[str, str]:
        """Return the word for what is sold, and the service that it is, if it is one of ours or becomes one."""
        if not word:
            return "", ""
        chosen = self.choices.get("product", {}).get(word, "")
        if chosen == "-":
            return word, ""
        service = self.offered.get((word if chosen in ("", "+") else chosen).casefold())
        if service:
            return word, service
        self.unknown["product"][word] += 1
        near = self.near(word)
        raise Bad("product", f"“{word[:60]}” is no service that we know" + (f"; nearest is “{near}”" if near else ""))

    def near(self, word):
        squeezed = "".join(filter(str.isalnum, word.casefold()))
        for key, name in self.offered.items():
            if "".join(filter(str.isalnum, key)) == squeezed:
                return name
        return ""

    def about(self, whole) -> dict:
        """Return what a companion says of the client beyond what has a field of ours."""
        place = self.places.get("client")
        said = {}
        for companion in self.table.companions:
            if companion.via == place and companion.key is not None:
                for number, column in enumerate(companion.header):
                    if number != companion.key and (text := clean(whole[companion.start + number])[:200]):
                        said[column] = text
        return said

    def due(self, owner, days) -> str:
        """Return the day of a first call. Nobody gets a year's worth of them for tomorrow."""
        self.loads[owner] += 1
        return (timezone.localdate() + timedelta(days=days + (self.loads[owner] - 1) // A_DAY)).isoformat()


# What is kept beside the deal in the words of the file, because no field of ours holds it.
FACTS = {"owner": "owner in the file", "manager": "their manager", "office": "their team", "product": "product"}
FACTS |= {"status": "stage in the file", "words": "notes"}


def places(record, table: Table) -> dict[str, int]:
    """Return where each of our fields stands among all columns."""
    found = {}
    for name, column in record.columns.items():
        if name not in FIELDS[record.kind].by_name or not column:
            continue
        if column not in table.columns:
            raise BadFile(f"The map names a column that the file does not have: {column[:80]}.")
        found[name] = table.columns.index(column)
    return found


def named(texts) -> str:
    """Return the name that stands in two columns."""
    return " ".join(filter(None, [texts.get("first"), texts.get("last")]))


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def offered_services(record, table: Table) -> dict[str, str]:
    """Return {word: service} of what may be sold: the house's services, and those of the file that become one."""
    if record.kind != "opportunities":
        return {}
    Service = Opportunity._meta.get_field("services").related_model
    offered = {name.casefold(): name for name in Service.objects.values_list("name", flat=True)}
    column = record.columns.get("product")
    for companion in table.companions if record.choices.get("create_services") else ():
        if column and table.columns[companion.via] == column:
            offered |= {key.casefold(): offered.get(key.casefold(), key) for key in companion.rows}
    # Who may not add services is not offered this choice.
    made = [word for word, chosen in record.choices.get("product", {}).items() if chosen == "+"]
    return {word.casefold(): word for word in made} | offered


def storable(own) -> str:
    """Return a row as JSON that the database takes: without NUL, and nothing longer than a page."""
    together = "".join(own)
    if not together.isascii() or "\0" in together or len(together) > RAW_CELL:
        own = [value.encode("utf-8", "replace").decode().replace("\0", "")[:RAW_CELL] for value in own]
    # As json.dumps would say it, which makes itself ready for each row anew.
    return f"[{', '.join(map(quoted, own))}]"
