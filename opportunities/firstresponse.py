"""How soon somebody who asked heard from us.

The clock runs from `arrived_at` to the first of these: a mail that went out to their address, a call or a meeting that
somebody logged with them, or an answer that somebody wrote down on the lead's own page. Taking the lead up ("Start
working") counts too, when nothing of that came before. It is promised within FIRST_RESPONSE_HOURS; what a file brought
was promised nothing, and what is closed is owed nothing.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from .records import lock, tell

UNANSWERED = Q(answered_at=None, external_ref="", stage__in=["new", "working"])


def within() -> timedelta:
    return timedelta(hours=settings.FIRST_RESPONSE_HOURS)


def overdue(leads, at=None):
    """Return the leads to which an answer is owed for longer than was promised."""
    return leads.filter(UNANSWERED, arrived_at__lt=(at or timezone.now()) - within())


def waiting(leads):
    """Return the leads to which an answer is owed and not late yet."""
    return leads.filter(UNANSWERED, arrived_at__gte=timezone.now() - within())


def owed_by(lead):
    """Return until when an answer is owed, or None when none is."""
    owed = lead.answered_at is None and not lead.external_ref and lead.stage in ("new", "working")
    return lead.arrived_at + within() if owed else None


def took(lead) -> str:
    """Say how long the first answer took."""
    return spell(lead.answered_at - lead.arrived_at) if lead.answered_at else ""


def until(owed) -> str:
    """Say how much time is left for the first answer, or how late it is."""
    left = owed - timezone.now()
    return f"In {spell(left)}" if left > timedelta() else f"{spell(-left).capitalize()} late"


def spell(time: timedelta) -> str:
    """Say a length of time as people do: 40 minutes, 5 hours, 3 days."""
    minutes = max(0, int(time.total_seconds() // 60))
    for size, unit in ((60 * 48, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // (60 * 24 if unit == "day" else size)
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return "less than a minute"


def note(lead, how: str, at):
    """Set the first answer of a lead, unless an earlier one is known. Whoever calls saves and tells."""
    at = max(at, lead.arrived_at)
    if lead.answered_at is None or at < lead.answered_at:
        lead.answered_at, lead.answered_how = at, how


def heard(message, *, by):
    """Stop the clock of every lead with the address of whom this message went to, or with whom it was talked."""
    from .models import Lead  # it imports this module

    email = message.contact.email.lower()
    if not email or (message.stage == "draft" and message.channel == "mail"):
        return  # without an address nobody is known by it, and a mail that came in is no answer of ours
    asked = Lead.objects.alias(mail=Lower("email")).filter(mail=email, answered_at=None)
    for lead in asked.exclude(stage="disqualified").order_by("pk")[:20]:
        answered(lead, message.channel, timezone.now(), by=by, facts={"subject": message.subject})


@transaction.atomic
def answered(lead, how: str, at, *, by, words="", facts=None):
    """Write down that somebody answered a lead, and stop its clock. Return the lead."""
    lead = lock(lead)
    note(lead, how, at)
    lead.save()
    tell(
        lead,
        "answer",
        "answered",
        by=by,
        reason=words,
        facts={"by": how, "at": timezone.localtime(at), **(facts or {})},
    )
    return lead
