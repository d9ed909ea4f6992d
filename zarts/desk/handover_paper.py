"""The PDF of a handover: what the page says, for use inside the house, and marked so on each of its pages."""

import hashlib
import json

from django.conf import settings
from django.utils import timezone

from proposals import papers
from proposals.publishing import agency_day

from .handover import day, moment

MARK = "Internal: not for clients"


def of(found, user) -> bytes:
    """Return the PDF of a handover, as this person may read it now."""
    return papers.compiled("handover", sheet_of(found, user))


def sheet_of(found, user) -> dict:
    """Return what stands in it, as its template wants it."""
    handoff, now = found.handoff, timezone.now()
    parts = [part_of(part) for part in found.parts]
    return {
        "agency": settings.AGENCY_NAME,
        "label": f"Handover of {handoff.contract.number}",
        "mark": MARK,
        "title": str(handoff.opportunity),
        "date": papers.moment_of(now),
        "digest": hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
        "facts": [
            ["Client", str(found.project.client)],
            ["Contract", f"{handoff.contract.number}: {handoff.contract.proposal.title}"],
            ["Handoff", f"{handoff.get_stage_display()}, with {handoff.owner}"],
            ["Project", f"{found.project.get_stage_display()}, with {found.project.owner}"],
            ["Printed", f"{day(agency_day(now))}, by {user}"],
        ],
        "passed": passed_in_words(found.passed),
        "parts": parts,
    }


def passed_in_words(event) -> list[str]:
    """Say past which gates a manager let it go live, and why. Nothing when nobody did."""
    if event is None:
        return []
    said = f"{event.actor_name} let it go live past its gates on {moment(event.at)}: “{event.reason}”"
    return [said, *(f"Open then: {words}" for words in event.facts.values["overridden"])]


def part_of(part) -> dict:
    return {
        "heading": part.heading,
        "empty": part.empty if part.is_empty else part.note,
        "facts": [[label, value] for label, value, _ in part.facts],
        "groups": [
            {"heading": heading, "entries": [entry_of(entry) for entry in entries]}
            for heading, entries in part.groups
            if entries
        ],
    }


def entry_of(entry) -> dict:
    said = [" · ".join(entry.said), *(str(lack) for lack in entry.lacks)]
    return {
        "title": entry.title,
        "tag": entry.tag,
        "said": list(filter(None, said)),
        "words": entry.words,
        "quote": entry.quote,
        "internal": [f"{kind}: {words}" for kind, words in entry.internal],
    }
