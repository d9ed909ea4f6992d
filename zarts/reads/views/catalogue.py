"""The catalogue: what can be read, in a table, and each view on a page of its own."""

from django.conf import settings
from django.http import Http404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from zarts.desk.access import page_context, staff_page

from ..asking import Asker
from ..catalogue import NAMES, SOURCES, VIEWS
from ..reading import EXAMPLES, Asked, as_text, fields_of, rows_of

# So many letters of an example are shown.
SHOWN = 80


@staff_page()
@require_safe
def catalogue(request):
    """Show every source with its views."""
    context = page_context(
        request,
        "Data catalogue",
        sources=SOURCES.values(),
        kinds=NAMES.values(),
        document=f"{settings.SITE_URL}/reads/openapi.json",
    )
    return TemplateResponse(request, "reads/catalogue.html", context)


@staff_page()
@require_safe
def one(request, source, kind):
    """Show one view: its columns, what can be asked, the newest way to read it, and a row that this person may see."""
    view = VIEWS.get(f"{source}.{kind}")
    if view is None:
        raise Http404("There is no such view.")
    refused = Asker(request.user).may_not(view)
    found = [] if refused else rows_of(Asked(view, fields_of(view, None)), request.user, 1)
    values = found[0][1:] if found else [None] * len(view.columns)
    lines = [
        (column, EXAMPLES.get(column.type, ""), cut(as_text(value, column.type)))
        for column, value in zip(view.columns.values(), values, strict=True)
    ]
    context = page_context(
        request,
        f"{SOURCES[source].title}: {view.title}",
        view=view,
        lines=lines,
        has_row=bool(found),
        refused=refused,
        siblings=SOURCES[source].views.values(),
        address=f"{settings.SITE_URL}{view.address}",
    )
    return TemplateResponse(request, "reads/view.html", context)


def cut(text: str) -> str:
    return f"{text[:SHOWN]}…" if len(text) > SHOWN else text
