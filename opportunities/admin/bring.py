"""Bringing a provider's file into an audit: first what it would change is shown, then the chosen rows come in.

Between the two the file waits under its fingerprint; the page carries that, signed for this person and this audit.
"""

import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from ..evidence import BadFile, NoDay, import_evidence, importer_of, plan
from ..evidence.base import at_noon
from ..forms import near_our_time
from ..models import ShelfLife
from ..models.evidence_file import MOST, clean_name
from ..models.shelf_life import EvidenceKind

DAY = 24 * 3600


class PeriodForm(forms.Form):
    day = forms.DateField(
        label="Last day of the period",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The file does not say when its period ends.",
        validators=[near_our_time],
    )


def answer(page, request, audit):
    """Answer a POST: of a file with what it would bring, of a choice with what came in."""
    try:
        waiting, raw, name = taken(request, audit)
        importer = importer_of(raw, name)
        period = PeriodForm(request.POST if "day" in request.POST else None) if importer.asks_when else None
        captured_at = at_noon(period.cleaned_data["day"]) if period and period.is_valid() else None
        found, trouble = found_in(importer, raw, captured_at)
        if found and captured_at is None:
            period = None  # the file said it after all
        if "bring" in request.POST and found:
            only = set(request.POST.getlist("row"))
            report = import_evidence(raw, audit, by=request.user, name=name, captured_at=captured_at, only=only)
            messages.success(request, str(report))
            return redirect(audit.staff_url("evidence-group"))
    except BadFile as refusal:
        messages.error(request, str(refusal))
        return redirect(audit.staff_url("import"))
    shelf_lives = ShelfLife.by_kind()
    rows = [shown(planned, shelf_lives) for planned in plan(audit, found.rows)] if found else []
    context = {
        **page.admin_site.each_context(request),
        "title": f"Bring evidence from {name}",
        "opts": page.opts,
        "audit": audit,
        "importer": importer,
        "waiting": waiting,
        "period": period,
        "trouble": trouble,
        "rows": rows,
        "coming": sum(row.comes_in for row in rows),
        "aged": sum(row.comes_in and row.until <= timezone.now() for row in rows),
        "bad": found.bad if found else [],
        "notes": found.notes if found else [],
        "back": audit.staff_url("evidence-group"),
    }
    return TemplateResponse(request, "admin/evidence/bring.html", context)


def found_in(importer, raw, captured_at):
    """Return what a file holds; nothing before a person gave the day, or with what is wrong with the day they gave."""
    try:
        return importer.rows(raw, captured_at), ""
    except NoDay:
        return None, ""
    except BadFile as refusal:
        if captured_at:
            return None, str(refusal)
        raise


def shown(planned, shelf_lives):
    """Say until when a row would count."""
    row = planned.row
    kind = row.get("kind") or EvidenceKind.of(row["provider"])
    planned.until = row["captured_at"] + timedelta(days=shelf_lives[kind])
    return planned


# -- The file that waits. ----------------------------------------------------------------------------------------------


def taken(request, audit) -> tuple[str, bytes, str]:
    """Return the file of this request, just sent or waiting: its signed name, its bytes and what it was called."""
    if token := request.POST.get("waiting"):
        try:
            digest, name = signing.loads(token, salt=salt(request, audit), max_age=DAY)
            return token, (folder() / digest).read_bytes(), name
        except (signing.BadSignature, OSError):
            raise BadFile("The file waited too long. Choose it again.") from None
    upload = request.FILES.get("file")
    if upload is None:
        raise BadFile("Choose a file first: a report or an export that a provider saved for you.")
    if upload.size > MOST:
        raise BadFile(f"The file is larger than {MOST // 1024 // 1024} MB. Export less of it.")
    raw, name = upload.read(), clean_name(upload.name)
    digest = sha256(raw).hexdigest()
    sweep()
    (folder() / digest).write_bytes(raw)
    return signing.dumps([digest, name], salt=salt(request, audit)), raw, name


def salt(request, audit) -> str:
    return f"evidence.bring:{request.user.pk}:{audit.pk}"


def folder() -> Path:
    place = Path(settings.FILES_DIR) / "waiting"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def sweep():
    """Throw away what waited longer than anybody can still choose from it."""
    for file in folder().iterdir():
        if file.stat().st_mtime < time.time() - DAY:
            file.unlink(missing_ok=True)
