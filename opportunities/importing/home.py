"""By what our own files name a deal or a lead, so that it is known again here and in any house that it came to."""

import re

from django.db.models import Q

from ..models import Event


def house() -> str:
    """Return what no other house is called: the hash of the first line that was written here tells it."""
    first = Event.objects.order_by("pk").values_list("hash", flat=True).first()
    return f"zarts-{first[:12]}" if first else "zarts-new"


def known_as(record, home: str) -> str:
    """Return by what a deal or a lead of the house `home` is named in a file of ours."""
    # One that came from a file says its reference there.
    return record.external_ref or f"{home}:{record._meta.model_name}:{record.pk}"


# What names an offer in a file of ours, and what stands before it where an offer says from where it came.
OFFER = re.compile(r"zarts-[0-9a-z]{1,12}:proposal:\S{1,12}")
MARK = " · "


def offer_known_as(offer, home: str) -> str:
    """Return by what an offer is named in a file of ours, whichever its revision. One that came so says it there."""
    known = offer.source.rpartition(MARK)[2]
    return known if OFFER.fullmatch(known) else f"{home}:proposal:{offer.number}"


def source_of_offer(file_name: str, known: str) -> str:
    """Return where an offer came from, with what names it in the files of the house that it came from."""
    return f"File {file_name}"[: 200 - len(MARK + known)] + MARK + known if known else f"File {file_name}"[:200]


def offers_named(known: str, home: str) -> Q:
    """Return the condition for the offer here that is named so: one of our own, or one that came in under it."""
    own = known.removeprefix(f"{home}:proposal:")
    return Q(source__endswith=MARK + known) | (Q(number=own) if own != known else Q(pk__in=[]))


def numbered(known: str, model, home: str) -> int | None:
    """Return the number of the record here that is named so, if it is one of this house's own."""
    found = re.fullmatch(rf"{home}:{model._meta.model_name}:([0-9]{{1,18}})", known)
    return int(found[1]) if found else None
