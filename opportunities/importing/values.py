"""What one value means: a mail address, a day, an amount, one of the words for a stage."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from .columns import date_parts

SURE_MAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,60}\.)+[A-Za-z]{2,24}")
SURE_WEB = re.compile(r"https?://[a-z0-9](?:[a-z0-9-]{0,60}\.)+[a-z]{2,24}/?")
BROKEN = re.compile("[\ud800-\udfff\ufffd]")
is_address = URLValidator(schemes=["http", "https"])
# A deal that is worth more is a slip of the finger, and more than the column holds.
MOST_VALUE = Decimal("9999999999.99")


class Bad(Exception):
    """One value of one row is wrong: what it says, and what it should be."""

    def __init__(self, name: str, reason: str):
        self.name, self.reason = name, reason
        super().__init__(reason)


def mail(name: str, text: str) -> str:
    if text and not (SURE_MAIL.fullmatch(text) and ".." not in text):
        try:
            validate_email(text)
        except ValidationError:
            raise Bad(name, f"“{text[:60]}” is not a mail address") from None
    return text


def web(name: str, text: str) -> str:
    if not text:
        return ""
    address = text if text.lower().startswith(("http://", "https://")) else f"https://{text}"
    if not SURE_WEB.fullmatch(address):
        try:
            is_address(address)
        except ValidationError:
            raise Bad(name, f"“{text[:60]}” is not the address of a website") from None
    return short(name, address, 200)


def short(name: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise Bad(name, f"is longer than {limit:,} letters")
    return text


def day(name: str, text: str, order: str = "ymd") -> datetime | None:
    """Return the time that a text means; a day is noon of it."""
    if not text:
        return None
    parts = date_parts(text, order) if order in ("ymd", "dmy", "mdy") else None
    try:
        found = datetime(*parts, 12, tzinfo=UTC) if parts else None
        if found and len(text) > 11 and (exact := parse_datetime(text)):
            found = exact if timezone.is_aware(exact) else timezone.make_aware(exact)
    except (ValueError, OverflowError):
        found = None
    if found is None or not 1990 <= found.year <= timezone.now().year + 1:
        raise Bad(name, f"“{text[:40]}” is not a date such as {EXAMPLES.get(order, EXAMPLES['ymd'])}")
    return found


EXAMPLES = {"ymd": "2026-11-23", "dmy": "23-11-2026", "mdy": "11/23/2026"}


def amount(name: str, text: str) -> Decimal | None:
    """Return an amount however its thousands are split: 1,054.50 or 1.054,50 or € 1 054."""
    bare = re.sub(r"[\s\u00a0'’$€£]|USD|EUR|GBP", "", text)
    if not bare:
        return None
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+(,\d+)?|-?\d+,\d{1,2}", bare) and not re.fullmatch(r"-?\d+\.\d{3}", bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", bare):
        bare = bare.replace(",", "")
    try:
        number = Decimal(bare) if re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", bare) else None
    except InvalidOperation:
        number = None
    if number is None:
        raise Bad(name, f"“{text[:40]}” is not an amount such as 1054.50")
    if number < 0:
        raise Bad(name, f"“{text[:40]}” is less than nothing")
    if number > MOST_VALUE:
        raise Bad(name, f"“{text[:40]}” is more than we can count")
    return number.quantize(Decimal("0.01"))


LEAD_STEPS = {"new": "", "open": "", "": "", "working": "work", "contacted": "work", "qualified": "work"}
LEAD_STEPS |= dict.fromkeys(["lost", "unqualified", "disqualified", "closed"], "disqualify")
# A deal beyond discovery comes back to it: what it rested on there, no audit here proves.
DEAL_STEPS = dict.fromkeys(
    ["", "prospecting", "prospect", "new", "open", "lead", "qualification", "qualified", "qualify"], "qualified"
)
DEAL_STEPS |= dict.fromkeys(
    [
        "engaging", "engaged", "discovery", "needs analysis", "contacted", "working", "meeting", "demo", "audit",
        "evaluation", "proposal", "proposal sent", "proposal made", "quote", "quote sent", "negotiation", "contract",
        "contract sent", "value proposition", "perception analysis", "id. decision makers", "negotiation/review",
        "proposal/price quote", "decision",
    ],
    "discovery",
)  # fmt: skip
DEAL_STEPS |= dict.fromkeys(["won", "closed won", "closedwon", "win"], "won")
DEAL_STEPS |= dict.fromkeys(["lost", "closed lost", "closedlost", "loss", "dead", "abandoned"], "lost")
STEPS = {"leads": LEAD_STEPS, "opportunities": DEAL_STEPS}
# What a person may choose for a word that we do not know.
TARGETS = {
    "leads": {"new": "New", "working": "Working", "lost": "Disqualified"},
    "opportunities": {"prospecting": "Qualified", "engaging": "Discovery", "won": "Won", "lost": "Lost"},
}


def step(kind: str, name: str, text: str, chosen: dict) -> str:
    steps, word = STEPS[kind], text.lower()
    word = chosen.get(text, word)
    if word not in steps:
        known = ", ".join(sorted(filter(None, steps)))
        raise Bad(name, f"“{text[:40]}” is no status that we know ({known})"[:390])
    return steps[word]
