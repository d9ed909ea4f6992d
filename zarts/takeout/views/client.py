"""Everything about one client, as one file."""

from django.core.exceptions import PermissionDenied
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from opportunities.models import Client
from zarts.desk.access import page_context, staff_page

from .. import client as taking


@staff_page("opportunities.view_client")
@require_http_methods(["GET", "HEAD", "POST"])
def client(request, pk):
    """Say what is in it (GET), or make the file and hand it out (POST)."""
    seen = Client.objects.visible_to(request.user).select_related("owner", "merged_into")
    record = get_object_or_404(seen, pk=pk)
    if not taking.sees_all_of(record, request.user):
        raise PermissionDenied(f"You see only a part of {record}. Whoever sees all of it takes it out.")
    if request.method == "POST":
        now = timezone.localtime()
        file = taking.take_out(record, by=request.user, at=f"{now:%-d %B %Y, %H:%M %Z}")
        name = f"{slugify(str(record)) or f'client-{pk}'}-{now:%Y-%m-%d}.zip"
        return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    everything = taking.Everything(record)
    context = page_context(
        request,
        f"Take out {record}",
        record=record,
        people=taking.people_in(record),
        deals=everything.deals.count(),
        papers=everything.papers().count(),
        diaries=len(everything.diaries()),
    )
    return TemplateResponse(request, "takeout/client.html", context)
