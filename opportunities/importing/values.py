"""What one value means: a mail address, a day, an amount, one of the words for a stage."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ..currencies import known_currency, refuse_decimals
from .amounts import MONEY, signs_of
from .columns import date_parts

SURE_MAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,60}\.)+[A-Za-z]{2,24}")
SURE_WEB = re.compile(r"https?://[a-z0-9](?:[a-z0-9-]{0,60}\.)+[a-z]{2,24}/?")
BROKEN = re.compile("[\ud800-\udfff\ufffd]")
is_address = URLValidator(schemes=["http", "https"])
# A deal that is worth more is a slip of the finger, and more than the column holds.
MOST_VALUE = Decimal("9999999999.99")
# Beside an amount the sign says the currency; a dollar may be one of several, and a yuan has the sign of a yen.
CURRENCIES = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
SHARED = {"USD": {"CAD", "AUD", "NZD", "SGD", "HKD", "MXN"}, "JPY": {"CNY"}}


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


def day(name: str, text: str, order: str = "ymd", ahead: int = 1) -> datetime | None:
    """Return the time that a text means, at most so many years ahead; a day is noon of it."""
    if not text:
        return None
    parts = date_parts(text, order) if order in ("ymd", "dmy", "mdy") else None
    try:
        found = datetime(*parts, 12, tzinfo=UTC) if parts else None
        if found and len(text) > 11 and (exact := parse_datetime(text)):
            found = exact if timezone.is_aware(exact) else timezone.make_aware(exact)
    except (ValueError, OverflowError):
        found = None
    if found and found.year > timezone.now().year + ahead:
        raise Bad(name, f"“{text[:40]}” is too far away; check the year")
    if found is None or found.year < 1990:
        raise Bad(name, f"“{text[:40]}” is not a date such as {EXAMPLES.get(order, EXAMPLES['ymd'])}")
    return found


EXAMPLES = {"ymd": "2026-11-23", "dmy": "23-11-2026", "mdy": "11/23/2026"}


def amount(name: str, text: str, sign: str = ".") -> tuple[Decimal | None, str]:
    """Return an amount and its currency, if it names one. `sign` is what begins the cents where one cannot tell."""
    found = MONEY.fullmatch(text) if len(text) <= 60 else None
    number = re.sub(r"[\s'’]", "", found["number"]) if found else ""
    signs = signs_of(number)
    if found and not number:
        return None, ""
    if not (found and signs):
        raise Bad(name, f"“{text[:40]}” is not an amount such as 1054.50")
    if sign == "?" and len(signs) > 1 and ("." in number or "," in number):
        raise Bad(name, f"“{text[:40]}” can be read two ways; choose how its amounts are written")
    cents = sign if sign in signs else "." if "." in signs else ","
    whole = number.replace("." if cents == "," else ",", "").replace(cents, ".")
    value = Decimal(whole)
    if value and (found["minus"] or found["minus_too"]):
        raise Bad(name, f"“{text[:40]}” is less than nothing")
    if value > MOST_VALUE:
        raise Bad(name, f"“{text[:40]}” is more than we can count")
    named = {CURRENCIES.get(word, word.upper()) for word in (found["before"], found["after"]) if word}
    if len(named) > 1:
        raise Bad(name, f"“{text[:40]}” names two currencies")
    return value.quantize(Decimal("0.01")), next(iter(named), "")


def currency(name: str, text: str, beside: str) -> str:
    """Return the currency of a row: its own column's, or the one that stands beside the amount."""
    said = text.upper()
    if said and (len(said) != 3 or not said.isascii() or not said.isalpha()):
        raise Bad(name, f"“{text[:10]}” is no currency such as USD or EUR")
    if said and beside and said != beside and said not in SHARED.get(beside, ()):
        raise Bad(name, f"says {said} where the amount says {beside}")
    found = said or beside or "USD"
    try:
        known_currency(found)
    except ValidationError as refusal:
        raise Bad(name, refusal.message) from None
    return found


def payable(name: str, value: Decimal | None, currency: str) -> Decimal | None:
    """Return an amount as it is; refuse decimals that its currency does not have."""
    try:
        refuse_decimals(value, currency)
    except ValidationError as refusal:
        raise Bad(name, refusal.message) from None
    return value


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
DEAL_STEPS |= dict.fromkeys(["won", "closed won", "closedwon", "win", "handed off"], "won")
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
        what = f"status that we know ({known})" if kind == "leads" else "stage that we know; choose what it means"
        raise Bad(name, f"“{text[:40]}” is no {what}"[:390])
    return steps[word]
