"""What the fields of a template stand for, and how they are filled for one contact.

A field is a name in braces, such as {contact.first_name}. Only the names of this page are fields: they are looked up in
a table, never followed as a path, so that words which somebody typed reach nothing else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import formats, timezone

from .records import Lack, Refused

BRACES = re.compile(r"\{([^{}\n]*)\}")
# What a value may not bring along: it would be taken for a field.
NO_BRACES = str.maketrans("{}", "()")
# As long as the subject of a message may be.
LONGEST_SUBJECT = 200


@dataclass(frozen=True)
class Facts:
    """Whom and what a mail is about."""

    contact: Any
    owner: Any
    opportunity: Any = None
    record: Any = None

    @property
    def proposal(self):
        """Return the proposal that it speaks of, else the newest of the deal, or None.

        It is known by what it has, so that nothing here imports the app above.
        """
        if getattr(self.record, "valid_until", None) and hasattr(self.record, "number"):
            return self.record
        offered = getattr(self.opportunity, "proposals", None)
        return offered.filter(changes=None).order_by("-pk").first() if offered is not None else None


class Field(NamedTuple):
    """One field: what it stands for, how it is read, and where it is mended when it is empty."""

    description: str
    value: Callable[[Facts], Any]
    mend: Callable[[Facts], str]


def of_contact(facts):
    return facts.contact.staff_url()


def of_client(facts):
    return facts.contact.client.staff_url()


def of_owner(facts):
    return facts.owner.staff_url()


def of_deal(facts):
    return facts.opportunity.staff_url("id_next_action") if facts.opportunity else facts.contact.staff_url()


def of_proposal(facts):
    return facts.opportunity.staff_url("proposals") if facts.opportunity else facts.contact.staff_url()


def first_word(name) -> str:
    return next(iter(str(name).split()), "")


def day(value) -> str:
    return formats.date_format(value, "j F Y") if value else ""


FIELDS: dict[str, Field] = {
    "contact.first_name": Field("Their first name", lambda facts: first_word(facts.contact.name), of_contact),
    "contact.name": Field("Their whole name", lambda facts: facts.contact.name, of_contact),
    "contact.title": Field("Their job title", lambda facts: facts.contact.title, of_contact),
    "client.name": Field("Their company", lambda facts: facts.contact.client.name, of_client),
    "owner.name": Field("Who writes", lambda facts: facts.owner.get_full_name(), of_owner),
    "owner.title": Field("The job title of who writes", lambda facts: facts.owner.title, of_owner),
    "owner.mail": Field("The mail address of who writes", lambda facts: facts.owner.email, of_owner),
    "agency.name": Field("Our own name", lambda facts: settings.AGENCY_NAME, of_owner),
    "opportunity.name": Field("The deal", lambda facts: getattr(facts.opportunity, "name", ""), of_deal),
    "opportunity.next_step": Field(
        "The deal’s next action, as it is written there", lambda facts: next_step(facts.opportunity), of_deal
    ),
    "proposal.title": Field("The proposal", lambda facts: getattr(facts.proposal, "title", ""), of_proposal),
    "proposal.number": Field("Its number", lambda facts: getattr(facts.proposal, "number", ""), of_proposal),
    "proposal.valid_until": Field(
        "Until when it is valid", lambda facts: day(getattr(facts.proposal, "valid_until", None)), of_proposal
    ),
    "today": Field("The day on which it is written", lambda facts: day(timezone.localdate()), of_owner),
}


def next_step(opportunity) -> str:
    return getattr(opportunity, "next_action", "").strip().rstrip(".") if opportunity else ""


# -- Reading words with fields. ----------------------------------------------------------------------------------------


def names_in(text) -> list[str]:
    """Return what stands in braces, each once, in order."""
    return list(dict.fromkeys(BRACES.findall(text)))


def faults_in(text) -> list[str]:
    """Return what is wrong with the braces of a text, each as what to do. Empty when they are all fields."""
    faults = [f"Take out {{{name}}}: there is no such field." for name in names_in(text) if name not in FIELDS]
    if re.search("[{}]", BRACES.sub("", text)):
        faults.append("Take out the single brace: braces stand around fields only.")
    return faults


# -- Filling them. -----------------------------------------------------------------------------------------------------


def fill(version, *, contact, owner, opportunity=None, record=None) -> tuple[str, str]:
    """Return the subject and the words of a template for one contact.

    Raises `Refused` with each field that is unknown or empty, and the link that mends it.
    """
    facts = Facts(contact, owner, opportunity, record)
    subject, body, lacks = fill_known(version.subject, version.body, facts, written=version.staff_url("id_body"))
    if lacks:
        raise Refused(lacks)
    return subject, body


def fill_known(subject, body, facts, *, written="") -> tuple[str, str, list[Lack]]:
    """Return a subject and words with every field filled that can be, and a lack for each of the others.

    `written` is the page on which the words stand.
    """
    values, lacks = {}, []
    for name in names_in(f"{subject}\n{body}"):
        if name not in FIELDS:
            lacks.append(Lack(f"Take out {{{name}}}: there is no such field.", written))
        elif value := value_of(name, facts):
            values[name] = value
        else:
            field = FIELDS[name]
            words = f"Fill in what {{{name}}} stands for: {field.description[0].lower()}{field.description[1:]}."
            lacks.append(Lack(words, field.mend(facts)))
    subject, body = (put(text, values) for text in (subject, body))
    if len(subject) > LONGEST_SUBJECT:
        lacks.append(Lack(f"Shorten the subject: it comes to {len(subject)} letters.", written))
    return subject, body, lacks


def put(text, values) -> str:
    """Return a text with the values of these fields in their places. It is read once: a value brings no field."""
    return BRACES.sub(lambda found: values.get(found.group(1), found.group()), text)


def value_of(name, facts) -> str:
    """Return what a field stands for, on one line."""
    return " ".join(str(FIELDS[name].value(facts) or "").split()).translate(NO_BRACES)
