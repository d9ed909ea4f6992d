"""What can be sent: text that a database can keep, days of our time, money as text."""

import re
from datetime import date
from typing import Annotated

from django.conf import settings
from django.core.exceptions import ValidationError
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

from opportunities.forms import DAYS, UNPRINTABLE, WORDS, near_our_time

from .problems import A_MOMENT

AMOUNT = r"[0-9]{1,10}(\.[0-9]{1,2})?"
NAME = "[!-~]{1,%d}"
LARGEST = 2**63 - 1


class Body(Schema):
    """What a program sends: one object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Now(Schema):
    """A record as it stands now: what has its name is read from it, and the rest by `resolve_…`."""

    url: str = Field(description="Its page, for staff.")

    @staticmethod
    def resolve_url(record):
        return settings.SITE_URL + record.staff_url()


def iso(moment) -> str | None:
    return moment and moment.isoformat()


def printable(text: str) -> str:
    """Refuse what no database keeps, and leave out what nobody can see."""
    if "\0" in text:
        raise ValueError(WORDS["null_characters_not_allowed"])
    return UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def in_one_line(text: str) -> str:
    """Refuse what would stand over two lines in a list, and in no subject of a mail."""
    text = printable(text)
    if len(text.splitlines()) > 1:
        raise ValueError("Write this in one line.")
    return text


def written(words: str):
    """Refuse what is no text where a text says a day or a moment: a number would be read as seconds since 1970."""

    def check(value):
        if value is not None and not isinstance(value, str):
            raise ValueError(words)
        return value

    return BeforeValidator(check)


def of_our_time(day):
    try:
        near_our_time(day)
    except ValidationError as trouble:
        raise ValueError(trouble.messages[0]) from None
    return day


def shaped(pattern: str, words: str):
    """Return the type of a text of this shape."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(words)
        return text

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"pattern": f"^{pattern}$"})]


Text = Annotated[str, AfterValidator(printable)]
Line = Annotated[str, AfterValidator(in_one_line)]
Day = Annotated[date, written(DAYS["invalid"]), AfterValidator(of_our_time)]
Moment = Annotated[AwareDatetime, written(A_MOMENT), AfterValidator(of_our_time)]
Money = shaped(AMOUNT, 'Send an amount of ten digits at most before the point and two after it, such as "4800.00".')
Number = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Key = shaped(NAME % 200, "Send this header: 1 to 200 plain letters without spaces, the same for each repeat.")
ContractNumber = shaped(NAME % 40, "Name the contract by its number, such as C-0007.")
