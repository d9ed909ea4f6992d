"""How a paper is handed out, and what it is called."""

import re

from django.conf import settings
from django.http import HttpResponse

NAMES = {"proposal": "Proposal", "contract": "Contract", "report": "Report"}


def label(kind, body) -> str:
    """Return what a document is called: Proposal P-0010, revision 2; of a report, its period."""
    if kind == "report":
        return ", ".join(filter(None, [NAMES[kind], body.get("period")]))
    number, revision = body.get("number") or "", body.get("revision") or 1
    more = f", revision {revision}" if str(revision) != "1" else ""
    name = "Change order" if body.get("changes") else NAMES.get(kind, kind.capitalize())
    return f"{name} {number}".strip() + more


def filename(paper, publication) -> str:
    """Return a plain name for the file: Zarts-P-0010-revision-2.pdf."""
    body = publication.body
    parts = [settings.AGENCY_NAME, str(body.get("number") or publication.kind)]
    if publication.kind == "report":
        parts.append(str(body.get("period") or ""))
    if str(body.get("revision") or 1) != "1":
        parts.append(f"revision {body['revision']}")
    if paper.kind == "sealed":
        parts.append("signed")
    return re.sub(r"[^A-Za-z0-9]+", "-", " ".join(parts)).strip("-") + ".pdf"


def download(paper, publication) -> HttpResponse:
    """Hand out a paper as a file that no cache keeps."""
    response = HttpResponse(type(paper).objects.file(paper.pk), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{filename(paper, publication)}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
