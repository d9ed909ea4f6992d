"""What somebody typed into a page that cannot be saved any more: it is shown to be copied, not lost."""

from urllib.parse import urlsplit

from django.shortcuts import render
from django.utils.text import capfirst

# What a form carries that nobody typed, and what nobody else may read over their shoulder.
CARRIED = {"csrfmiddlewaretoken", "once", "seen", "back", "turn", "do", "next", "then", "to", "say", "heard"}
SECRET = ("password", "secret", "token")
MOST, LONGEST = 60, 60_000


def typed(request) -> list[tuple[str, str]]:
    """Return the words that a form brought, each with the name of its field."""
    found = []
    for name, values in list(request.POST.lists())[:500]:
        if name in CARRIED or name.startswith("_") or any(word in name.lower() for word in SECRET):
            continue
        words = "\n".join(values).replace("\0", "").strip()[:LONGEST]
        # A number chosen from a list says nothing to who reads it.
        if any(letter.isalpha() for letter in words):
            found.append((capfirst(name.rpartition("-")[2].replace("_", " ")), words))
    return found[:MOST]


def show_typed(request, status, title, words):
    """Say why nothing was saved, and show what was typed. It stands alone: it must work for who is not signed in."""
    came = urlsplit(request.headers.get("Referer", ""))
    again = (
        came.path if came.netloc == request.headers.get("Host") and came.path.startswith("/admin/") else request.path
    )
    context = {"title": title, "words": words, "typed": typed(request), "again": again}
    return render(request, "desk/typed.html", context, status=status)
