"""All words that are mailed, filled with real records and read as a client would: what may not be in them."""

from typing import NamedTuple

from django.db import connection, transaction

from opportunities import composing, filling, letters
from opportunities.models import Letter, Message, MessageTemplate, Opportunity
from proposals import lint

# For so many deals each template is filled, and so many of each kind of mail that the house wrote are read.
DEALS, EACH = 3, 3
# They are looked for among the newest so many.
AMONG = 400


class Copy(NamedTuple):
    """One mail that was read, and what is wrong with it."""

    name: str
    address: str
    faults: list


def read_all():
    """Yield each piece of mailed words with its faults. Nothing is written: the database would refuse it."""
    for read in (templates, of_the_house, to_ourselves):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set transaction read only")
            found = list(read())
        yield from found


def templates():
    """Read every template in use, as it stands and filled for the newest deals."""
    deals = list(
        Opportunity.objects.filter(decision_owner__isnull=False)
        .exclude(decision_owner__email="")
        .select_related("client", "decision_owner__client", "owner")
        .order_by("-pk")[:DEALS]
    )
    for template in MessageTemplate.objects.filter(stage=MessageTemplate.Stage.IN_USE).order_by("pk"):
        version = template.current
        if version is None:
            continue
        faults = filling.faults_in(f"{version.subject}\n{version.body}")
        faults += [mark.sentence for mark in lint.read_template(version)]
        for deal in deals:
            facts = filling.Facts(deal.decision_owner, deal.owner, deal)
            subject, body, lacks = filling.fill_known(version.subject, version.body, facts)
            # What a record lacks is asked for when the mail is written; here only words are judged.
            if not lacks:
                faults += [mark.sentence for mark in lint.read_mailed(f"{subject}\n{body}", deal.client, deal)]
            faults += drawn(subject, body)
        yield Copy(f"Template “{template}”", template.staff_url(), unique(faults))


def of_the_house():
    """Read the newest mails of each kind to clients, as they are mailed."""
    seen: dict[str, int] = {}
    mails = Message.objects.filter(channel=Message.Channel.MAIL, stage__in=["queued", "sent"])
    pointed = ("client", "contact__client", "opportunity", "owner", "template_version__template")
    for message in mails.select_related(*pointed).order_by("-pk")[:AMONG]:
        kind = message.template or "written by hand"
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] > EACH:
            continue
        faults = [mark.sentence for mark in lint.read_mail(message)]
        mail = composing.preview(message)
        faults += drawn(mail.subject, mail.body)
        yield Copy(f"Mail “{message.subject}” ({kind})", message.staff_url(), unique(faults))


def to_ourselves():
    """Read the newest mails to our own people: they are drawn, and their fields are filled."""
    for letter in Letter.objects.order_by("-pk")[: EACH * 5]:
        yield Copy(f"Mail to one of us “{letter.subject}”", "", unique(drawn(letter.subject, letter.body)))


def drawn(subject, body) -> list[str]:
    """Return what is wrong with a mail once it is drawn as a page."""
    if not subject.strip() or not body.strip():
        return ["It has no subject or no words."]
    letters.as_page(subject, body)
    return []


def unique(faults) -> list[str]:
    return list(dict.fromkeys(str(fault) for fault in faults))
