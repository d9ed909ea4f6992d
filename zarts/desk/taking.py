"""Pages of the desk that list something, as CSV or Excel: what they show, to whoever may see them."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse

from opportunities.lists import export


def address(name: str, chosen: dict) -> str:
    """Return where a page is taken away as it is filtered; which kind of file is said behind it."""
    said = urlencode({key: value for key, value in chosen.items() if value})
    return f"{reverse(f'{name}_export')}?{said}&" if said else f"{reverse(f'{name}_export')}?"


def hand_out(request, name: str, title: str, chosen: dict, said: dict, batches, *, times=(), rows=None):
    """Give a page as a file, and write down who took it. `rows`: those that are counted before Excel takes them."""
    kind = request.GET.get("as", "")
    words = "" if kind in export.KINDS else "Choose CSV or Excel."
    if kind == "excel" and rows is not None and export.is_too_long(rows):
        words = export.TOO_MANY
    chosen = {key: str(value) for key, value in chosen.items() if value}
    if words:
        messages.warning(request, words)
        return HttpResponseRedirect(f"{reverse(name)}?{urlencode(chosen)}" if chosen else reverse(name))
    file = export.Told(said, batches, times)
    export.keep(request.user, title.lower(), kind, chosen, file.heads)
    return file.answer(kind, title)
