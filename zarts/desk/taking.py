"""Pages of the desk that list something, as CSV or Excel: what they show, to whoever may see them."""

from urllib.parse import urlencode

from django.urls import reverse

from opportunities.lists import export
from opportunities.lists.asked import shown


def address(name: str, chosen: dict) -> str:
    """Return where a page is taken away as it is filtered; which kind of file is said behind it."""
    said = urlencode({key: value for key, value in chosen.items() if value})
    return f"{reverse(f'{name}_export')}?{said}&" if said else f"{reverse(f'{name}_export')}?"


def misread(request, chosen) -> list[str]:
    """Return a sentence for each part of an address that the page made nothing of."""
    asked = {name: value for name, value in request.GET.items() if value and name != "as"}
    return [
        f"“{shown(name)}={shown(value)}” means nothing here. It is left out."
        for name, value in asked.items()
        if chosen.get(name) != value
    ][:5]


def hand_out(request, name: str, title: str, chosen: dict, said: dict, batches, *, times=(), rows=None):
    """Give a page as a file, and write down who took it. `rows`: those that are counted before Excel takes them."""
    chosen = {key: str(value) for key, value in chosen.items() if value}
    if words := export.why_none(request, misread(request, chosen), rows):
        return export.no_file(request, words, f"{reverse(name)}?{urlencode(chosen)}" if chosen else reverse(name))
    kind, file = request.GET["as"], export.Told(said, batches, times)
    export.keep(request.user, title.lower(), kind, chosen, file.heads)
    return file.answer(kind, title)
