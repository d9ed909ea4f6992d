"""The pages that anybody may see. None of them reads the database."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal import consent, kept
from portal.pages import page

from .intake import blank_form


@require_safe
def home(request):
    """Say what we do and ask for an audit. For anybody."""
    return page(request, "home", **blank_form(request))


@require_safe
def privacy(request):
    """Say in words what we keep, why and how long. For anybody."""
    agreed = {"inquiry_consent": consent.INQUIRY, "version": consent.INQUIRY_VERSION}
    return page(request, "privacy", inquiry=kept.INQUIRY, kept=kept.KEPT, **agreed)


@require_safe
def brand(request):
    """Say in which colour the pages are, where it is the agency's own. For anybody."""
    colour = settings.AGENCY_COLOUR
    light = f":root {{ --accent: {colour}; --tint: color-mix(in srgb, {colour} 9%, var(--paper)); }}"
    dark = f":root {{ --accent: color-mix(in srgb, {colour} 45%, white); --on-accent: #111; }}"
    words = f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"
    return HttpResponse(words, "text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=3600"})


@require_safe
def healthz(request):
    """Say that the process answers. For anybody."""
    return HttpResponse("ok", "text/plain")


@require_safe
def readyz(request):
    """Say that the database answers too. For anybody."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return HttpResponse("The database does not answer.", "text/plain", status=503)
    return HttpResponse("ok", "text/plain")
