"""Retests, for administrators: start one, see how far it is, and what it found."""

from itertools import groupby

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from opportunities.records import Refused, tell
from zarts.desk.access import page_context, staff_page

from . import runs
from .models import RetestFinding, RetestRun

SEE, START = "retest.view_retestrun", "retest.add_retestrun"
# So many runs, and so many findings of one, a page shows.
RUNS, MOST = 20, 200


@staff_page(SEE)
@require_http_methods(["GET", "HEAD", "POST"])
def retests(request):
    """List the last runs, and ask for one."""
    if request.method == "POST":
        if not request.user.has_perm(START):
            raise PermissionDenied("An administrator starts retests.")
        try:
            run = runs.ask(request.user)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            return redirect("retests")
        tell(request.user, "retest", "started a retest as", by=request.user, facts={"retest": run})
        return redirect("retest", run.pk)
    rows = RetestRun.objects.select_related("user").order_by("-pk")
    many, fresh = Count("findings"), Count("findings", filter=Q(findings__is_new=True))
    listed = list(rows.annotate(many=many, fresh=fresh)[:RUNS])
    may = request.user.has_perm(START) and not any(run.is_open for run in listed)
    return TemplateResponse(request, "desk/retests.html", page_context(request, "Retests", runs=listed, may_start=may))


@staff_page(SEE)
@require_safe
def retest(request, pk):
    """Show one run: what it found, by kind, what is new in it and what is mended since the one before."""
    run = get_object_or_404(RetestRun.objects.select_related("user"), pk=pk)
    found = run.findings.defer("picture").extra(select={"pictured": "picture is not null"})
    order = {kind: number for number, kind in enumerate(RetestFinding.Kind.values)}
    rows = sorted(found.order_by("pk")[: MOST + 1], key=lambda row: order[row.kind])
    mended = run.mended.defer("picture").order_by("fingerprint", "-pk").distinct("fingerprint")[:MOST]
    context = page_context(
        request,
        str(run),
        run=run,
        groups=[(label, list(group)) for label, group in groupby(rows[:MOST], RetestFinding.get_kind_display)],
        is_cut=len(rows) > MOST,
        most=MOST,
        count=len(rows[:MOST]),
        new=sum(row.is_new for row in rows),
        mended=list(mended),
        may_stop=run.is_open and request.user.has_perm(START),
    )
    return TemplateResponse(request, "desk/retest.html", context)


@staff_page(START)
@require_POST
def stop(request, pk):
    """End a run before its time."""
    run = get_object_or_404(RetestRun, pk=pk)
    if runs.stop(run, request.user):
        tell(request.user, "retest", "stopped a retest as", by=request.user, facts={"retest": run})
    else:
        messages.warning(request, f"{run} has ended already.")
    return redirect("retest", pk)


@staff_page(SEE)
@require_safe
def progress(request, pk):
    """Say how far a run came, for the page that waits."""
    run = get_object_or_404(RetestRun, pk=pk)
    return JsonResponse({"stage": run.state, "percent": run.percent, "words": run.progress})


@staff_page(SEE)
@require_safe
def picture(request, pk):
    """Show the picture of a finding."""
    row = get_object_or_404(RetestFinding, pk=pk)
    if row.picture is None:
        raise Http404("This finding has no picture any more.")
    return HttpResponse(bytes(row.picture), content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})
