"""The way out of marketing mail: one click in the mail itself. What a client needs for their contract still comes."""

from base64 import urlsafe_b64encode

from django.conf import settings
from django.db import transaction
from django.utils import formats, timezone
from django.utils.crypto import salted_hmac

from . import sequences
from .models import Consent, Contact, Message, SequenceRun, Task
from .records import begin, lock, perform

# In whose words a stop was given that takes nothing back: nobody had agreed to anything.
ONE_CLICK = "one-click"


# -- In the mail. ------------------------------------------------------------------------------------------------------


def token(message) -> str:
    """Return the key of the way out of this kind of mail, or nothing where there is none.

    It is made of the message's own key, so that a second attempt to send it carries the same.
    """
    if message.purpose != Consent.Purpose.MARKETING:
        return ""
    digest = salted_hmac("zarts.message.stop", message.key.hex, algorithm="sha256").digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def links(message) -> dict:
    """Return the headers with which a mail program offers to stop this kind of mail (RFC 8058)."""
    if not (key := token(message)):
        return {}
    return {
        "List-Unsubscribe": f"<{way_out(key)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def line(message) -> str:
    """Return the sentence at the end of a mail that says how to stop this kind of mail."""
    if not (key := token(message)):
        return ""
    return f"No more mail like this from {settings.AGENCY_NAME}? Stop it here: {way_out(key)}"


def way_out(key) -> str:
    return f"{settings.PORTAL_URL}/stop/{key}/"


def hidden(words, message) -> str:
    """Return the words of a mail as others may read them: whoever follows the link stops mail in its reader's name."""
    key = token(message)
    return words.replace(way_out(key), Message.LINK) if key else words


# -- Somebody stopped it. ----------------------------------------------------------------------------------------------


@transaction.atomic
def stop(contact, address, *, purpose, at, mailed_at=None, reason="") -> int:
    """Take back what this person agreed to before `at`, at whichever client they are known. Return how much that was.

    `reason` says how they stopped it, where that was not by one click from the mail of `mailed_at`.
    Where they had agreed to nothing, a stop is written down all the same: what they agreed to earlier, and what only
    comes in later from a file, does not count.
    """
    people = everybody(contact, address)
    lock(people[0], *people[1:])
    version = "complaint" if reason else ONE_CLICK
    reason = reason or f"Stopped by one click from the mail of {day(mailed_at)}."
    taken = 0
    for person in people:
        for consent in person.consents.valid(at).filter(purpose=purpose).order_by("pk"):
            consent.withdraw(by=person, reason=reason, at=at)
            taken += 1
        if not person.consents.filter(purpose=purpose, withdrawn_at__gte=at).exists():
            none = {"captured_at": at, "withdrawn_at": at, "text_version": version, "source": reason}
            begin(Consent(contact=person, purpose=purpose, **none), by=person, past="stopped", reason=reason)
    return taken


def everybody(contact, address) -> list[Contact]:
    """Return every entry of this person: whom the mail was for, and whoever has the address that it went to."""
    while contact.merged_into_id:
        contact = contact.merged_into
    same = Contact.objects.with_mail(address).filter(merged_into=None).exclude(pk=contact.pk)
    return [contact, *same.select_related("client").order_by("pk")]


def day(at) -> str:
    return formats.date_format(timezone.localtime(at), "j F Y")


# -- What follows from it. ---------------------------------------------------------------------------------------------


def let_go(contact, purpose):
    """Stop what runs for somebody who opted out: sequences, and what a campaign was about to send."""
    reason = f"{contact} opted out of {purpose} mail."
    sequences.stop(contact=contact, purpose=purpose, reason=reason, ended=SequenceRun.Ended.OPT_OUT)
    letters = Task.objects.filter(contact=contact, purpose=purpose, campaign_entry__isnull=False)
    for task in letters.unfinished().order_by("diary_id", "pk"):
        perform(task.cancel, by=None, reason=reason)


def keep_to(consent):
    """Withdraw a consent to marketing that is older than a withdrawal by the same person: an address is one's own."""
    person = consent.contact
    if consent.withdrawn_at or consent.purpose != Consent.Purpose.MARKETING or not person.email:
        return
    later = Consent.objects.filter(purpose=consent.purpose, withdrawn_at__gt=consent.captured_at)
    same = list(Contact.objects.with_mail(person.email).values_list("pk", flat=True))
    last = later.filter(contact__in=same).order_by("withdrawn_at").last()
    if last is not None:
        reason = f"They stopped it on {day(last.withdrawn_at)}, after they had agreed to this."
        consent.withdraw(by=None, reason=reason, at=last.withdrawn_at)


def stopped(contact) -> list[Consent]:
    """Return the latest withdrawal of each purpose that this contact agrees to no more. Reads what was prefetched."""
    given = sorted(contact.consents.all(), key=lambda consent: consent.captured_at)
    agreed = {consent.purpose for consent in given if consent.state == "valid"}
    latest = {consent.purpose: consent for consent in given if consent.withdrawn_at}
    return [consent for purpose, consent in sorted(latest.items()) if purpose not in agreed]
