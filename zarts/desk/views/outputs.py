"""The eight outputs of a deal, or of every deal of a list: as a page to read and to print, and as CSV."""

import csv
from datetime import date

from django.contrib import admin
from django.http import StreamingHttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from opportunities.lists import export
from opportunities.models import Opportunity
from opportunities.spreadsheets import Echo, safe

from ..access import page_context, staff_page
from ..outputs import FIELDS, outputs_of
from .checklist import deal_of
from .lists import asked_of

BATCH = 200
HEADS = ["Opportunity", "Client", "Output", *FIELDS.values()]


@staff_page("opportunities.view_opportunity")
@require_safe
def outputs(request, pk):
    """Show what a deal has brought forth, each with who owns it and what happens next."""
    opportunity = deal_of(request, pk)
    lines = outputs_of([opportunity])[opportunity.pk]
    context = page_context(
        request, f"Outputs: {opportunity}", opportunity=opportunity, lines=lines, heads=FIELDS.values()
    )
    return TemplateResponse(request, "desk/outputs.html", context)


@staff_page("opportunities.view_opportunity")
@require_safe
def one_csv(request, pk):
    """Give the eight outputs of one deal as a file."""
    opportunity = deal_of(request, pk)
    return file_of(rows_of([opportunity]), f"outputs-{pk}.csv")


@staff_page("opportunities.view_opportunity")
@require_safe
def list_csv(request):
    """Give the eight outputs of each deal of the list as it is filtered, as a file that is written while it is read."""
    asked = asked_of(admin.site._registry[Opportunity], request)
    if asked.left_out:
        return export.no_file(request, asked.left_out, asked.address())
    return file_of(in_batches(asked.found.select_related("client", "owner")), "outputs.csv")


def in_batches(deals):
    """Yield the lines of all these deals, newest first, some at a time: none is read before it is sent."""
    before = None
    while batch := list((deals.filter(pk__lt=before) if before else deals).order_by("-pk")[:BATCH]):
        yield from rows_of(batch)
        before = batch[-1].pk


def rows_of(deals):
    """Yield a line of the file for each output."""
    found = outputs_of(deals)
    for deal in deals:
        for line in found[deal.pk]:
            head = [str(deal), str(deal.client), line.name]
            if line.record is None:
                yield [*head, "", "", "Not begun", "", "", "", line.begins]
            else:
                yield [*head, *(plain(value) for _, _, value, _ in line.cells)]


def plain(value) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")


def file_of(lines, name):
    """Return lines as a CSV that spreadsheets open as what it is: UTF-8 with its mark."""
    writer = csv.writer(Echo())

    def written():
        yield "\ufeff" + writer.writerow(HEADS)
        for line in lines:
            yield writer.writerow([safe(cell) for cell in line])

    return StreamingHttpResponse(
        written(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
    )
