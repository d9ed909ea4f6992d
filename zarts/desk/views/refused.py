"""The pages that say no, or that something broke: in plain words, with a way on."""

from urllib.parse import urlsplit

from django.shortcuts import render
from django.urls import reverse

from opportunities.typed import show_typed


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


def missing(request, exception=None):
    return refuse(request, 404, "Nothing is here", "It may have moved, or it lies outside of what you may see.")


def form_only(request, allowed):
    """Say that an address takes what a form sends: whoever signs in anew, or passes it on, comes to it by a link."""
    words = "This address only takes what a form sends. Go back to the page that you came from, or begin at today."
    page = refuse(request, 405, "There is nothing to read here", words)
    page["Allow"] = allowed
    return page


def unclear(request, exception=None):
    return refuse(request, 400, "This request makes no sense to us", "Go back, reload the page, and try again.")


def broken(request):
    """Say that we failed, without asking the database for anything: it may be what failed."""
    came = urlsplit(request.headers.get("Referer", ""))
    back = came.path if came.netloc == request.headers.get("Host") and came.path.startswith("/admin/") else ""
    return render(request, "desk/broken.html", {"back": back}, status=500)


def refuse(request, status, title, words):
    """Show a refusal. It stands alone: it must work for people who may see nothing else."""
    return render(request, "desk/refused.html", {"title": title, "words": words}, status=status)
