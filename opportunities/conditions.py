"""The four conditions under which a follow-up may reach somebody: decision path, consent, source context, timing.

They are asked when it falls due and again at the moment of sending, always by the database's clock.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pycountry
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import formats, timezone

from . import clock
from .models import Contact, InboundMail, Message, QuietDate, Task

Condition = Task.Waits
# So many days ahead a day is looked for on which somebody works.
AHEAD = 60
ONE = timedelta(days=1)


@dataclass(frozen=True)
class Wait:
    """Why a follow-up must wait: which condition, what to do in words, where, and until when, if that is known."""

    condition: Any
    words: str
    url: str = ""
    until: datetime | None = None


def waits(contact, purpose, *, opportunity=None, at=None, not_after=None) -> list[Wait]:
    """Return everything that a touch of this contact waits for now. Empty: it may go.

    `not_after` is the end of the window in which it was promised.
    """
    at = at or clock.now()
    return [
        *path(contact, opportunity),
        *consent(contact, purpose, at),
        *source(opportunity, at),
        *unfiled(contact),
        *timing(contact, at, not_after),
    ]


# -- The decision path. ------------------------------------------------------------------------------------------------


def path(contact, opportunity=None) -> list[Wait]:
    """Whether there is a way to this contact, and somebody is known to decide on the deal."""
    found = way_to(contact)
    if opportunity is not None:
        decider = opportunity.decision_owner
        if decider is None or decider.left_on:
            words = "Nobody is known to decide: name the decision owner."
            found.append(Wait(Condition.PATH, words, opportunity.staff_url("people")))
        elif decider != contact and not decider.is_reachable:
            words = f"{decider}, who decides, cannot be reached: write down a mail address or a phone."
            found.append(Wait(Condition.PATH, words, decider.staff_url()))
    return found


def way_to(contact) -> list[Wait]:
    """Whether mail reaches this contact."""
    if contact.left_on or not contact.email:
        words = f"{contact} cannot be reached: find a new contact path."
    elif contact.mail_failed_at:
        words = f"Mail to {contact} comes back: write down another address."
    else:
        return []
    return [Wait(Condition.PATH, words, contact.staff_url())]


# -- Consent. ----------------------------------------------------------------------------------------------------------


def consent(contact, purpose, at) -> list[Wait]:
    purpose = purpose or "transactional"
    if contact.consents.valid(at).filter(purpose=purpose).exists():
        return []
    withdrawn = contact.consents.filter(purpose=purpose, withdrawn_at__lte=at).order_by("-withdrawn_at").first()
    words = f"{contact} has not agreed to {purpose} mail."
    if withdrawn:
        day = formats.date_format(timezone.localtime(withdrawn.withdrawn_at), "j M Y")
        words = f"{contact} stopped {purpose} mail on {day}."
    return [Wait(Condition.CONSENT, words, contact.staff_url())]


# -- Source context. ---------------------------------------------------------------------------------------------------


def source(opportunity, at) -> list[Wait]:
    """Whether where the deal came from still holds."""
    if opportunity is None:
        return []
    day = timezone.localdate(at)
    over = opportunity.leads.filter(source__valid_until__lt=day).select_related("source").first()
    if over is None:
        return []
    words = f"The source that it came from is no longer valid: {over.source}."
    return [Wait(Condition.SOURCE, words, over.source.staff_url())]


def unfiled(contact) -> list[Wait]:
    """Whether they wrote, or somebody answered a mail to them, and nobody has said yet where that belongs.

    It may be the answer that ends all this. A mail that is known not to be theirs keeps nothing.
    """
    if not contact.email:
        return []
    mails = InboundMail.objects.filter(stage=InboundMail.Stage.UNMATCHED, kind=InboundMail.Kind.LETTER).order_by()
    theirs = mails.filter(from_address=contact.email.lower()).exclude(vouched=False)
    mail = mails.filter(answers__contact=contact).values("pk").union(theirs.values("pk")).first()
    if mail is None:
        return []
    words = f"A mail came in that may be {contact}’s answer: say where it belongs, or set it aside."
    return [Wait(Condition.SOURCE, words, InboundMail(pk=mail["pk"]).staff_url())]


# -- Timing. -----------------------------------------------------------------------------------------------------------


def timing(contact, at, not_after=None) -> list[Wait]:
    """Whether this is a working hour of theirs, on no holiday and no quiet date, within the promised window."""
    try:
        zone = ZoneInfo(contact.time_zone)
    except (KeyError, ValueError, OSError):  # what is no time zone is no key, no path, or a folder
        words = f"The time zone “{contact.time_zone}” of {contact} does not exist: choose another."
        return [Wait(Condition.TIMING, words, contact.staff_url("id_time_zone"))]
    opens, why = opening(contact, at, zone)
    if not_after and (at > not_after or opens is None or opens > not_after):
        day = formats.date_format(not_after.astimezone(zone), "j F Y, H:i")
        words = f"It was promised until {day} ({zone}), and no working hour is left before: decide what to do."
        return [Wait(Condition.TIMING, words)]
    if opens is None:
        words = f"No working hour of {contact} in the next {AHEAD} days: look at their hours and the quiet dates."
        return [Wait(Condition.TIMING, words, contact.staff_url("id_works_on"))]
    return [] if opens <= at else [later(contact, why, opens, zone)]


def later(contact, why, opens, zone) -> Wait:
    """Say until when something waits, in the time of whoever gets it."""
    local = opens.astimezone(zone)
    words = f"{why}: it goes on {formats.date_format(local, 'l j F')} at {local:%H:%M} ({zone})."
    return Wait(Condition.TIMING, words, contact.staff_url("id_works_from"), opens)


def opening(contact, at, zone) -> tuple[datetime | None, str]:
    """Return the first moment from `at` on at which this contact works, and why it is not now."""
    first = at.astimezone(zone).date()
    quiet, why = quiet_days(contact, first - ONE), ""
    for day in (first + timedelta(days=number) for number in range(AHEAD)):
        for opens, closes, reason in hours(contact, day, zone, quiet):
            if reason:
                why = why or reason
            elif at < closes:
                return max(at, opens), why or f"{contact} works from {contact.works_from:%H:%M}"
            else:
                why = why or f"{contact} works until {contact.works_to:%H:%M}"
    return None, why


def hours(contact, day, zone, quiet):
    """Yield when a contact's hours of a day begin and end, and why they do not work then.

    Whoever begins when they end works round the clock. The morning of a night's work belongs to the day before.
    """

    def at(hour, on=day):
        # In UTC: two times of one zone would be compared by their faces, which on the day of a change are wrong.
        return datetime.combine(on, hour, zone).astimezone(UTC)

    begins, ends = contact.works_from, contact.works_to
    if begins < ends:
        yield at(begins), at(ends), why_not_on(contact, day, quiet)
        return
    if begins > ends:
        yield at(time()), at(ends), why_not_on(contact, day - ONE, quiet) or is_free_on(contact, day, quiet)
    yield at(begins if begins > ends else time()), at(time(), day + ONE), why_not_on(contact, day, quiet)


def why_not_on(contact, day, quiet) -> str:
    """Return why nobody works on this day, or nothing."""
    if str(day.isoweekday()) not in contact.works_on and day not in quiet:
        return f"{contact} does not work on {formats.date_format(day, 'l')}s"
    return is_free_on(contact, day, quiet)


def is_free_on(contact, day, quiet) -> str:
    """Return which quiet date or holiday a day is, or nothing."""
    if words := quiet.get(day):
        return f"Quiet: {words}"
    if name := holidays_of(country_of(contact), day.year).get(day):
        return f"Holiday of {contact}: {name}"
    return ""


def quiet_days(contact, first) -> dict[date, str]:
    """Return the quiet dates of everybody and of this client from a day on, with why."""
    last = first + timedelta(days=AHEAD)
    rows = QuietDate.objects.filter(last_on__gte=first, first_on__lte=last)
    found = {}
    for quiet in (row for row in rows if row.client_id in (None, contact.client_id)):
        for number in range((min(quiet.last_on, last) - max(quiet.first_on, first)).days + 1):
            found[max(quiet.first_on, first) + timedelta(days=number)] = quiet.words
    return found


def country_of(contact) -> str:
    """Return the code of the country whose holidays a contact keeps: their own, else their client's."""
    return contact.country or code_of(contact.client.country)


@lru_cache(maxsize=1000)
def code_of(name) -> str:
    """Return the code of a country as people write it ("USA", "Germany"), or nothing."""
    try:
        return pycountry.countries.lookup(name.strip()).alpha_2 if name.strip() else ""
    except LookupError:
        return ""


@lru_cache(maxsize=1000)
def holidays_of(code, year) -> dict:
    """Return the public holidays of a country: date and name. Those of single states are nobody's here.

    What every state keeps by its own law is the whole country's: in Australia the Monday after a New Year's Saturday.
    """
    if not code:
        return {}
    try:
        whole = holidays.country_holidays(code, years=year, language="en_US")
    except NotImplementedError:
        return {}
    own = [
        dict(holidays.country_holidays(code, subdiv=state, years=year, language="en_US"))
        for state in whole.subdivisions
    ]
    everywhere = set.intersection(*map(set, own)) if own else set()
    return {day: own[0][day] for day in everywhere} | dict(whole)


# -- One touch a day. --------------------------------------------------------------------------------------------------


def day_of(contact, at) -> date:
    """Return the day that it is for a contact."""
    return at.astimezone(ZoneInfo(contact.time_zone)).date()


def touched(contact, purpose, at) -> list[Wait]:
    """Whether somebody was followed up for this purpose today already. Then it goes on their next working day.

    It counts what went or is on its way, by any of their entries and addresses, and until the day is over where they
    are and where they were: either may have been changed since.
    """
    zone, email = ZoneInfo(contact.time_zone), contact.email.lower()
    people = Contact.objects.alias(mail=Lower("email"))
    people = people.filter(Q(pk=contact.pk) | Q(merged_into=contact) | Q(mail=email)).values_list("pk", flat=True)
    morning = datetime.combine(day_of(contact, at), time(), zone).astimezone(UTC)
    today = Message.objects.filter(Q(touch_until__gt=at) | Q(claimed_at__gte=morning), task__isnull=False)
    today = today.filter(purpose=purpose)
    went = Q(touch_day__isnull=False) | Q(stage=Message.Stage.SENT)
    to_them, there = today.filter(went, contact__in=list(people)), today.filter(sent_to=email, touch_day__isnull=False)
    return [tomorrow(contact, at, zone)] if to_them.exists() or there.exists() else []


def tomorrow(contact, at, zone=None) -> Wait:
    """Return the wait for the next working day after this one."""
    zone = zone or ZoneInfo(contact.time_zone)
    midnight = datetime.combine(day_of(contact, at) + timedelta(days=1), time(), zone).astimezone(UTC)
    opens = opening(contact, midnight, zone)[0] or midnight + timedelta(days=1)
    return later(contact, f"{contact} was followed up today already", opens, zone)
