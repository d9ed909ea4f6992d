"""How a payment provider's call is known to be theirs, and what it must say. Both processes ask here."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.conf import settings

# So many seconds a signature is good for, by the clock of whoever looks.
FRESH = 300
HEADER = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
KINDS = ("part_paid", "paid", "refunded")
MOST = Decimal(10) ** 10


class Malformed(ValueError):
    """What was sent makes no sense. Says what to mend."""


@dataclass(frozen=True)
class Said:
    """What a payment provider says happened."""

    event: str
    contract: str
    kind: str
    amount: Decimal
    currency: str
    occurred_at: datetime


def signature(secret: str, stamp: int, body: bytes) -> str:
    """Return how somebody who knows the secret signs these bytes at this second."""
    return hmac.new(secret.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()


def is_signed(stamp: int, given: str, body: bytes) -> bool:
    """Whether one of the secrets made this signature. While they change hands there are several."""
    made = (signature(secret, stamp, body) for secret in settings.PAYMENT_SECRETS)
    return any(hmac.compare_digest(one, given) for one in made)


def read(body: bytes) -> Said:
    """Return what a body says, or raise `Malformed` with the sentence that says what to mend."""
    try:
        sent = json.loads(body.decode(), parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Malformed("Send one JSON object in UTF-8.") from None
    if not isinstance(sent, dict) or b"\0" in body:
        raise Malformed("Send one JSON object in UTF-8.")
    kind = sent.get("kind")
    if kind not in KINDS:
        raise Malformed(f"Name as “kind” one of these: {', '.join(KINDS)}.")
    currency = sent.get("currency")
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise Malformed("Name as “currency” the three letters of one, such as USD.")
    event = a_name(sent, "event_id", 120)
    return Said(event, a_name(sent, "contract", 40), kind, an_amount(sent), currency, a_moment(sent))


def refuse(constant):
    raise ValueError(constant)


def a_name(sent, key, most) -> str:
    value = sent.get(key)
    if not isinstance(value, str) or not re.fullmatch(rf"[!-~]{{1,{most}}}", value):
        raise Malformed(f"Name as “{key}” 1 to {most} plain letters without spaces.")
    return value


def an_amount(sent) -> Decimal:
    value = sent.get("amount")
    words = 'Send as “amount” a number above zero with two decimals at most, such as "4800.00".'
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or len(str(value)) > 20:
        raise Malformed(words)
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise Malformed(words)
    try:
        amount = Decimal(value)
        fits = amount.is_finite() and 0 < amount < MOST and amount == round(amount, 2)
    except (InvalidOperation, ValueError):
        fits = False
    if not fits:
        raise Malformed(words)
    return round(amount, 2)


def a_moment(sent) -> datetime:
    value = sent.get("occurred_at")
    words = 'Send as “occurred_at” a time with its zone that has passed, such as "2026-11-28T09:30:00Z".'
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 2000 < moment.year < 9000:
        raise Malformed(words)
    if moment > datetime.now(UTC) + timedelta(seconds=FRESH):
        raise Malformed(words)
    return moment.astimezone(UTC)
