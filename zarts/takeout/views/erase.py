"""The page on which a person, or a whole client, is erased: what goes, what stays, and the name to be typed."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from opportunities.models import Client, Contact
from opportunities.records import Refused
from zarts.desk.access import page_context, staff_page

from .. import erase
from ..erase_forms import EraseForm

GET_AND_POST = require_http_methods(["GET", "HEAD", "POST"])


def ask(request, record):
    """Show what an erase would do (GET), or do it (POST)."""
    if not erase.may_erase(record, request.user):
        raise PermissionDenied(f"You may read this, but not erase it: {record}.")
    reach = erase.reach_of(record)
    lacks = erase.against(record, reach, by=request.user)
    beyond = erase.is_beyond(reach, request.user)
    notes, parts = ([], {}) if beyond else erase.where_parts_stand(record, reach)
    form = EraseForm(
        request.POST if request.method == "POST" else None,
        record=record,
        user=request.user,
        notes=notes,
        parts=parts,
    )
    if request.method == "POST" and form.is_valid():
        try:
            done = erase.erase(
                record,
                by=request.user,
                reason=form.cleaned_data["reason"],
                notes=form.cleaned_data.get("notes", ()),
                parts=form.cleaned_data.get("parts", ()),
            )
        except Refused as refusal:
            lacks = refusal.lacks
        else:
            told = done.event.facts.values
            rows = sum(told["rows"].values())
            messages.success(request, f"Erased: {rows} rows, and the words of {told['events']} lines of the diary.")
            return redirect(done.contact.staff_url() if done.contact else done.client.staff_url())
    others = erase.elsewhere(reach)
    seen = [one for one in others if one.within_reach(request.user, "view")]
    context = page_context(
        request,
        f"Erase {record}",
        record=record,
        form=form,
        lacks=lacks,
        erasure=erase.erasure_of(record),
        is_client=isinstance(record, Client),
        people=Contact.objects.filter(pk__in=reach.people).count(),
        deals=len(reach.deals),
        stays=[] if beyond else erase.stays(record, reach),
        parts=parts,
        leads=erase.leads_alike(reach, request.user),
        elsewhere=seen,
        unseen=len(others) > len(seen),
        mentions=erase.mentions(reach, request.user, others),
    )
    wrong = request.method == "POST"
    return TemplateResponse(request, "takeout/erase.html", context, status=422 if wrong else 200)


@staff_page(erase.RIGHT)
@GET_AND_POST
def contact(request, pk):
    """Erase a contact."""
    seen = Contact.objects.visible_to(request.user).select_related("client", "merged_into")
    return ask(request, get_object_or_404(seen, pk=pk))


@staff_page(erase.RIGHT)
@GET_AND_POST
def client(request, pk):
    """Erase a whole client."""
    seen = Client.objects.visible_to(request.user).select_related("owner", "merged_into")
    return ask(request, get_object_or_404(seen, pk=pk))
