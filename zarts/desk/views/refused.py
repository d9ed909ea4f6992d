"""The pages that say no, or that something broke: in plain words, with a way on."""

from urllib.parse import urlsplit

from django.shortcuts import render


def denied(request, exception=None):
    return refuse(request, 403, "This is not yours to do", str(exception or "") or "Somebody with another role can.")


def missing(request, exception=None):
    return refuse(request, 404, "Nothing is here", "It may have moved, or it lies outside of what you may see.")


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
