"""What somebody typed into a page that cannot be saved any more: it is shown to be copied, not lost."""

from urllib.parse import urlsplit

from django.shortcuts import render
from django.utils.text import capfirst

# What a form carries that nobody typed, and what nobody else may read over their shoulder.
CARRIED = {"csrfmiddlewaretoken", "once", "seen", "back", "turn", "do", "next", "then", "to", "say", "heard"}
CARRIED |= {"all", "bring", "count", "move", "pick", "row", "sure", "waiting"}
SECRET = ("password", "secret", "token")
MOST, LONGEST = 60, 60_000


def typed(request) -> list[tuple[str, str]]:
    """Return the words that a form brought, each with the name of its field."""
    found = []
    for name, values in list(request.POST.lists())[:500]:
        if name in CARRIED or name.startswith(("_", "digest")) or any(word in name.lower() for word in SECRET):
            continue
        words = "\n".join(values).replace("\0", "").strip()[:LONGEST]
        # A number chosen from a list says nothing to who reads it.
        if any(letter.isalpha() for letter in words):
            found.append((capfirst(name.rpartition("-")[2].replace("_", " ")), words))
    return found[:MOST]


def page_behind(request) -> str:
    """Return the page of ours that a form was on, as the browser says; empty where it says nothing of use."""
    try:
        came = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    is_ours = came.netloc == request.headers.get("Host") and came.path.startswith("/admin/")
    return came._replace(scheme="", netloc="", fragment="").geturl() if is_ours else ""


def show_typed(request, status, title, words):
    """Say why nothing was saved, and show what was typed. It stands alone: it must work for who is not signed in."""
    again = page_behind(request) or request.get_full_path()
    context = {"title": title, "words": words, "typed": typed(request), "again": again}
    return render(request, "desk/typed.html", context, status=status)
