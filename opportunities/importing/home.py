"""By what our own files name a deal or a lead, so that it is known again here and in any house that it came to."""

import re

from ..models import Event


def house() -> str:
    """Return what no other house is called: the hash of the first line that was written here tells it."""
    first = Event.objects.order_by("pk").values_list("hash", flat=True).first()
    return f"zarts-{first[:12]}" if first else "zarts-new"


def known_as(record, home: str) -> str:
    """Return by what a deal or a lead of the house `home` is named in a file of ours."""
    # One that came from a file says its reference there.
    return record.external_ref or f"{home}:{record._meta.model_name}:{record.pk}"


def numbered(known: str, model, home: str) -> int | None:
    """Return the number of the record here that is named so, if it is one of this house's own."""
    found = re.fullmatch(rf"{home}:{model._meta.model_name}:([0-9]{{1,18}})", known)
    return int(found[1]) if found else None
