"""The pages that say no, or that something broke: in plain words, with a way on."""

from contextlib import suppress

from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse

from opportunities.typed import page_behind, show_typed


def denied(request, exception=None):
    return refuse(request, 403, "This is not yours to do", str(exception or "") or "Somebody with another role can.")


def csrf(request, reason=""):
    """Say that a form came from a page of an earlier sign-in, and show what was typed."""
    if request.path == reverse("admin:login"):
        return refuse(
            request, 403, "Sign in once more", "This page was open for too long. Open it again, then sign in."
        )
    return signed_out(request)


def signed_out(request):
    """Say that whoever sent a form is not signed in as they were when they opened its page."""
    words = (
        "You were signed out, or signed in again, since this page was opened. Nothing was saved, and nothing is lost: "
        "here is what you typed. Sign in again in another tab, then press back here and reload, and put it in."
    )
    return show_typed(request, 403, "You were signed out meanwhile", words)


def refused(request, refusal):
    """Say what a rule refused, and show what was typed."""
    words = f"{refusal} Nothing was saved, and nothing is lost: here is what you typed."
    return show_typed(request, 409, "This cannot be done", words)


def missing(request, exception=None):
    return refuse(request, 404, "Nothing is here", "It may have moved, or it lies outside of what you may see.")


def form_only(request, allowed):
    """Say that an address takes what a form sends: whoever signs in anew, or passes it on, comes to it by a link."""
    words = "This address only takes what a form sends. Go back to where you came from, or open the page above it."
    page = refuse(request, 405, "There is nothing to read here", words, above=page_above(request.path))
    page["Allow"] = allowed
    return page


def page_above(path) -> str:
    """Return the nearest page above an address: a record's, a list's; empty where there is none but today."""
    parts = path.strip("/").split("/")
    for count in range(len(parts) - 1, 1, -1):
        above = f"/{'/'.join(parts[:count])}/"
        for address in (above, f"{above}change/"):
            with suppress(Resolver404):
                found = resolve(address)
                if found.url_name and str(found.kwargs.get("object_id", 0)).isdigit():
                    return address
    return ""


def unclear(request, exception=None):
    return refuse(request, 400, "This request makes no sense to us", "Go back, reload the page, and try again.")


def broken(request):
    """Say that we failed, without asking the database for anything: it may be what failed."""
    return render(request, "desk/broken.html", {"back": page_behind(request)}, status=500)


def refuse(request, status, title, words, above=""):
    """Show a refusal. It stands alone: it must work for people who may see nothing else."""
    return render(request, "desk/refused.html", {"title": title, "words": words, "above": above}, status=status)
