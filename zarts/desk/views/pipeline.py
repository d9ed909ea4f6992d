"""Where everything stands, and moving it on."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from opportunities.admin.base import whole_number
from opportunities.models import Opportunity
from opportunities.records import Refused, perform

from .. import board
from ..access import page_context, staff_page


@staff_page("opportunities.view_opportunity")
@require_safe
def pipeline(request):
    """Show every open deal in the column of its stage."""
    return show(request)


def show(request, *, refused=None, lacks=(), status=200):
    stage = request.GET.get("stage") or ""
    if stage not in board.COLUMNS:
        stage = ""
    owners = board.owners(request.user)
    owner = next((person for person in owners if str(person.pk) == request.GET.get("owner")), None)
    context = page_context(
        request,
        "Pipeline",
        columns=board.columns(request.user, owner=owner, stages=[stage] if stage else board.COLUMNS),
        stages=[(value, Opportunity.Stage(value).label) for value in board.COLUMNS],
        stage=stage,
        owners=owners,
        owner=owner,
        may_move=request.user.has_perm("opportunities.move_opportunity"),
        targets=board.targets(),
        refused=refused,
        lacks=lacks,
        here=request.get_full_path() if request.method == "GET" else reverse("pipeline"),
    )
    return TemplateResponse(request, "desk/pipeline.html", context, status=status)


@staff_page("opportunities.move_opportunity")
@require_POST
def move(request):
    """Move a deal to another column, through the same gates as everywhere. A refusal says what is missing."""
    pk, to = whole_number(request.POST.get("opportunity")), request.POST.get("to", "")
    opportunity = Opportunity.objects.visible_to(request.user).select_related("client", "owner").filter(pk=pk).first()
    if opportunity is None:
        raise Http404("No such opportunity, or it is not yours.")
    by_script = request.headers.get("X-Requested-With") == "staff.js"
    try:
        found = board.move_to(opportunity, to, request.user)
        if not found.allowed:
            raise PermissionDenied(f"{found.who} may do this: {found.label}.")
        if found.asks:
            url = f"{found.url}?{urlencode({'back': reverse('pipeline')})}"
            return JsonResponse({"go": url}) if by_script else HttpResponseRedirect(url)
        perform(getattr(opportunity, found.name), by=request.user)
    except Refused as refusal:
        if by_script:
            words = {"record": opportunity, "lacks": refusal.lacks}
            return render(request, "desk/parts/refused.html", words, status=409)
        return show(request, refused=opportunity, lacks=refusal.lacks, status=409)
    return JsonResponse({}) if by_script else HttpResponseRedirect(reverse("pipeline"))
