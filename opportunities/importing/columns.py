"""What a column may hold: guessed by its name, then by what stands in it; and which way round its dates are written."""

import re
from dataclasses import dataclass, field

from ..models import Import

LEADS, OPPORTUNITIES = Import.Kind.LEADS, Import.Kind.OPPORTUNITIES
CLIENTS, CONTACTS, TASKS = Import.Kind.CLIENTS, Import.Kind.CONTACTS, Import.Kind.TASKS
PROPOSALS, PROPOSAL_ROWS = Import.Kind.PROPOSALS, Import.Kind.PROPOSAL_ROWS


@dataclass(frozen=True)
class Field:
    """One thing that a row can say: our name, its words on the page, and what its column may be called elsewhere.

    Names are compared without case, spaces and marks. `like` finds a column by its values.
    """

    name: str
    label: str
    names: tuple[str, ...]
    like: str = ""


@dataclass(frozen=True)
class Fields:
    """What rows of one kind can say, and the sentence when a column that they cannot do without is missing."""

    fields: tuple[Field, ...]
    needs: tuple[str, ...]
    sentence: str
    by_name: dict = field(default_factory=dict)

    def __post_init__(self):
        self.by_name.update({one.name: one for one in self.fields})

    def lacking(self, columns: dict) -> str:
        return "" if any(columns.get(name) for name in self.needs) else self.sentence


MAIL, WEB = r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}", r"(https?://|www\.)\S+"
WHO = (
    Field("email", "Mail address", ("email", "emailaddress", "mail", "mailaddress", "mailadresse"), MAIL),
    Field(
        "phone", "Phone", ("phone", "phonenumber", "telephone", "mobile", "mobilephone", "telefon", "mobil", "handy")
    ),
    Field("website", "Website", ("website", "url", "domain", "websiteurl", "companydomainname", "webseite"), WEB),
    Field("country", "Country", ("country", "officelocation", "location", "countryregion", "land")),
)
FIRST = ("firstname", "vorname", "givenname", "contactfirstname")
LAST = ("lastname", "nachname", "surname", "familyname", "contactlastname")
COMPANY = ("company", "companyname", "associatedcompany", "primarycompany", "firma", "unternehmen", "firmenname")
SOURCE = ("leadsource", "source", "originalsource", "quelle")
CREATED = ("createddate", "createdate", "created", "createdat", "createdon", "datecreated", "dateadded")
CLOSED = ("closedate", "closed", "closedon", "expectedclose", "expectedclosedate", "closingdate")
OWNER = ("salesagent", "owner", "ownername", "salesrep", "assignedto", "recordowner")
NOTES = ("notes", "note", "description", "comments", "notizen")
# By this our own files name a deal or a lead, in this house and in any other that it came to.
KNOWN = Field("known", "Known as", ("knownas",))
CLIENT = ("client", "customer", "kunde", "account", "accountname", *COMPANY)
DEAL = (
    Field("deal_known", "Deal known as", ("dealknownas", "opportunityknownas")),
    Field("client", "Client", CLIENT),
    Field("deal", "Deal", ("deal", "dealname", "opportunity", "opportunityname", "relatedto")),
)
ZONE = Field("zone", "Time zone", ("timezone", "zeitzone"))
OWNED = Field("owner", "Owner", ("taskowner", "proposalowner", "accountowner", "companyowner", *OWNER))
STAGE = Field("status", "Stage", ("stage", "status", "taskstatus"))
FIELDS = {
    LEADS: Fields(
        (
            Field("ref", "Reference", ("leadid", "recordid", "id", "reference")),
            Field("name", "Name", ("fullname", "name", "contactname", "contact", "leadname", "ansprechpartner")),
            Field("first", "First name", FIRST),
            Field("last", "Last name", LAST),
            Field("company", "Company", (*COMPANY, "account", "accountname", "organisation", "organization")),
            *WHO,
            Field("source", "Source", SOURCE),
            Field("status", "Status", ("leadstatus", "status", "stage", "leadstage", "lifecyclestage")),
            Field("created", "Arrived on", (*CREATED, "cameon", "camein", "received", "date", "datum")),
            Field("owner", "Owner", ("leadowner", "contactowner", *OWNER)),
            Field("words", "What they said", (*NOTES, "message", "nachricht")),
            KNOWN,
        ),
        ("name", "last", "first", "email"),
        "Say which column holds the name or the mail address.",
    ),
    OPPORTUNITIES: Fields(
        (
            Field("ref", "Reference", ("opportunityid", "dealid", "recordid", "id", "reference")),
            Field("client", "Client", ("account", "accountname", *COMPANY, "client", "customer", "kunde")),
            Field("name", "Name of the deal", ("opportunityname", "dealname", "deal", "name", "subject", "title")),
            Field("status", "Stage", ("dealstage", "opportunitystage", "stage", "status", "stagename", "phase")),
            Field("value", "Value", ("closevalue", "estimatedvalue", "value", "amount", "dealvalue", "wert", "betrag")),
            Field("price", "Value when that is empty", ("salesprice", "listprice", "price")),
            Field("currency", "Currency", ("currency", "currencycode", "dealcurrency", "opportunitycurrency")),
            Field("product", "Service", ("product", "productname", "service")),
            Field("owner", "Owner", ("dealowner", "opportunityowner", "salesid", "agent", *OWNER)),
            Field("manager", "Their manager", ("manager", "salesmanager")),
            Field("office", "Their team", ("regionaloffice", "team", "office", "region")),
            Field("opened", "Began on", ("engagedate", *CREATED, "opened", "startdate")),
            Field("closed", "Closed on, or expected", CLOSED),
            Field("contact", "Contact", ("fullname", "contactname", "contact", "associatedcontact", "primarycontact")),
            Field("first", "First name of the contact", FIRST),
            Field("last", "Last name of the contact", LAST),
            *WHO,
            Field("industry", "Industry", ("sector", "industry")),
            Field("source", "Source", SOURCE),
            Field(
                "reason", "Why it was lost", ("lostreason", "lossreason", "reason", "closereason", "closedlostreason")
            ),
            Field("words", "Notes", NOTES),
            KNOWN,
        ),
        ("client", "contact", "email"),
        "Say which column holds the client, or else the contact.",
    ),
    CLIENTS: Fields(
        (
            Field("name", "Name", ("name", *CLIENT)),
            *(one for one in WHO if one.name in ("website", "country")),
            Field("industry", "Industry", ("sector", "industry")),
            ZONE,
            OWNED,
        ),
        ("name",),
        "Say which column holds the name of the client.",
    ),
    CONTACTS: Fields(
        (
            Field("client", "Client", CLIENT),
            Field("name", "Name", ("fullname", "name", "contactname", "contact", "ansprechpartner")),
            Field("first", "First name", FIRST),
            Field("last", "Last name", LAST),
            *(one for one in WHO if one.name in ("email", "phone")),
            Field("title", "Job title", ("jobtitle", "title", "position")),
            Field("role", "Decision role", ("decisionrole", "buyingrole", "role")),
            ZONE,
            Field("country", "Country of their holidays", ("countryoftheirholidays",)),
            Field("works_on", "Works on", ("workson",)),
            Field("works_from", "Works from", ("worksfrom",)),
            Field("works_to", "Works until", ("worksuntil",)),
            Field("left", "Left the company", ("leftthecompany", "lefton")),
        ),
        ("client",),
        "Say which column holds the client.",
    ),
    TASKS: Fields(
        (
            *DEAL,
            Field("lead_known", "Lead known as", ("leadknownas",)),
            Field("title", "Title", ("title", "task", "tasktitle", "subject", "name")),
            Field("kind", "Kind", ("kind", "type", "tasktype")),
            Field("due", "Due", ("due", "dueon", "duedate", "dueat", "activitydate")),
            ZONE,
            OWNED,
            STAGE,
            Field("promised", "Promised to", ("promisedto",)),
            Field("repeats", "Repeats", ("repeats",)),
            Field("until", "Repeats until", ("repeatsuntil",)),
            Field("reason", "Why it waits, or was cancelled", ("whyitwaitsorwascancelled", "reason")),
            Field("outcome", "What came of it", ("whatcameofit", "outcome", "result")),
        ),
        ("title",),
        "Say which column holds the title of the task.",
    ),
    PROPOSALS: Fields(
        (
            *DEAL,
            Field("offer_known", "Known as", ("knownas",)),
            Field("newer", "Newer revision", ("newerrevision",)),
            Field("title", "Title", ("title", "proposal", "proposaltitle", "quotename", "name")),
            Field("intro", "Opening words", ("openingwords", "introduction", "intro")),
            Field("product", "Service", ("service", "product", "productname")),
            Field("currency", "Currency", ("currency", "currencycode")),
            Field("discount", "Discount on everything, percent", ("discountoneverythingpercent", "discount")),
            Field("every", "Reports come", ("reportscome",)),
            Field("valid", "Valid until", ("validuntil", "expirationdate")),
            Field("decide", "Decision deadline", ("decisiondeadline",)),
            OWNED,
            STAGE,
        ),
        ("title",),
        "Say which column holds the title of the proposal.",
    ),
    PROPOSAL_ROWS: Fields(
        (
            *DEAL,
            Field("offer_known", "Proposal known as", ("proposalknownas",)),
            Field("proposal", "Proposal", ("proposal", "proposaltitle")),
            Field("row", "What the row is", ("whattherowis", "rowtype")),
            Field("place", "Place", ("place", "position", "sortorder")),
            Field("kind", "Kind", ("kind", "type")),
            Field("title", "Title", ("title", "name", "lineitem", "product")),
            Field("text", "Text", ("text", "description")),
            Field("start", "Begins after week", ("beginsafterweek",)),
            Field("weeks", "Weeks", ("weeks",)),
            Field("who", "Who does it", ("whodoesit",)),
            Field("waits", "Waits for", ("waitsfor",)),
            Field("quantity", "Quantity", ("quantity",)),
            Field("price", "Unit price", ("unitprice", "price", "salesprice", "listprice")),
            Field("discount", "Discount, percent", ("discountpercent", "discount")),
            Field("tax", "Tax, percent", ("taxpercent", "tax")),
            Field("optional", "Optional", ("optional",)),
            Field("cost", "Internal cost", ("internalcost",)),
            Field("assumption", "Pricing assumption", ("pricingassumption",)),
            Field("metric", "Metric", ("metric",)),
            Field("low", "From", ("from", "low")),
            Field("high", "To", ("to", "high")),
            Field("unit", "Unit", ("unit",)),
            Field("better", "Which way is better", ("whichwayisbetter",)),
            Field("method", "How the number was reached", ("howthenumberwasreached",)),
            Field("sensitivity", "Sensitivity", ("sensitivity",)),
        ),
        ("title",),
        "Say which column holds the title of the row, or the words of the claim.",
    ),
}


def plain(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.rpartition(":")[2].lower())


def guess(kind: str, header: list[dict], given: dict | None = None) -> dict:
    """Return {ours: column}: what the person said, else the first column with a known name, else one that looks so."""
    names = [column["name"] for column in header]
    known = {plain(name): name for name in reversed(names)}
    found: dict[str, str] = dict(given or {})
    taken = set(found.values())
    for one in FIELDS[kind].fields:
        called = (*one.names, plain(one.label))
        column = next((known[name] for name in called if name in known and known[name] not in taken), None)
        if one.name not in found and column:
            found[one.name] = column
            taken.add(column)
    for one in FIELDS[kind].fields:
        if one.like and one.name not in found:
            for column in header:
                samples = column.get("samples") or []
                if column["name"] not in taken and samples and all(re.fullmatch(one.like, text) for text in samples):
                    found[one.name] = column["name"]
                    taken.add(column["name"])
                    break
    return {name: column for name, column in found.items() if column}


# -- Dates. ------------------------------------------------------------------------------------------------------------

NAMES_OF_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: number for number, name in enumerate(NAMES_OF_MONTHS, 1)}
MONTHS |= {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
THREE = re.compile(r"(\d{1,4})[-/. ]{1,2}(\d{1,2}|[A-Za-zä]{3,9})[-/. ,]+(\d{1,4})(?:$|[T ])")
ORDERS = {"ymd": "year, month, day", "dmy": "day, month, year", "mdy": "month, day, year"}


def orders_of(text: str) -> set[str]:
    """Return the orders in which a text can be read as a date."""
    found = THREE.match(text)
    if not found:
        return {"mdy"} if re.match(r"[A-Za-z]{3,9}\.? \d{1,2},? \d{4}$", text) else set()
    first, second, third = found.groups()
    if len(first) > 2:
        return {"ymd"} if len(third) <= 2 else set()
    if not second.isdigit():
        return {"dmy"} if second[:3].lower() in MONTHS else set()
    if len(third) == 3:
        return set()
    orders = set()
    if int(first) <= 31 and int(second) <= 12:
        orders.add("dmy")
    if int(first) <= 12 and int(second) <= 31:
        orders.add("mdy")
    return orders


class Dates:
    """Which way round the dates of one column are written: told by all of its values, not by the first."""

    def __init__(self):
        self.seen, self.both, self.either, self.odd = 0, 0, set(), 0

    def meet(self, text: str):
        orders = orders_of(text)
        self.seen += 1
        if not orders:
            self.odd += 1
        elif len(orders) > 1:
            self.both += 1
        else:
            self.either |= orders

    @property
    def is_date(self) -> bool:
        return self.seen > self.odd * 10

    @property
    def order(self) -> str:
        """Return the one order that fits; a “?” when the person must say; nothing when these are no dates."""
        if not self.is_date:
            return ""
        if len(self.either) == 1:
            return next(iter(self.either)) if self.either != {"ymd"} or not self.both else "?"
        return "?"


def date_parts(text: str, order: str) -> tuple[int, int, int] | None:
    """Return (year, month, day) of a text in an order. Years of two digits are those around now."""
    found = THREE.match(text)
    if not found:
        found = re.match(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})$", text)
        order = "mdy" if found else order
    if not found:
        return None
    parts = list(found.groups())
    if len(parts[0]) > 2 and parts[0].isdigit():
        order = "ymd"
    named = dict(zip(order, parts, strict=True))
    month = named["m"] if named["m"].isdigit() else MONTHS.get(named["m"][:3].lower(), 0)
    if not (named["y"].isdigit() and named["d"].isdigit()):
        return None
    year = int(named["y"])
    if len(named["y"]) <= 2:
        year += 2000 if year < 70 else 1900
    return year, int(month), int(named["d"])
