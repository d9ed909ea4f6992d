"""The page of the blast radius, of one piece of evidence in all its versions and of a whole audit."""

from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from opportunities.models import Audit, Evidence

from .. import rests
from ..access import page_context, staff_page


@staff_page("opportunities.view_evidence")
@require_safe
def of_evidence(request, pk):
    """Show what rests on a piece of evidence, whichever of its versions."""
    seen = Evidence.objects.visible_to(request.user).select_related("audit__opportunity__client")
    evidence = get_object_or_404(seen, pk=pk)
    versions = Evidence.story(evidence)
    return show(request, evidence, versions, evidence.audit, f"What rests on {evidence.metric}")


@staff_page("opportunities.view_audit")
@require_safe
def of_audit(request, pk):
    """Show what rests on any evidence of an audit."""
    seen = Audit.objects.visible_to(request.user).select_related("opportunity__client")
    audit = get_object_or_404(seen, pk=pk)
    return show(request, audit, list(audit.evidence.all()), audit, f"What rests on {audit}")


def show(request, record, evidence, audit, title):
    groups = rests.groups_of(evidence, audit.opportunity, request.user)
    context = page_context(
        request,
        title,
        record=record,
        audit=audit,
        versions=evidence if record is not audit else [],
        groups=[group for group in groups if group.rows or group.hidden],
    )
    return TemplateResponse(request, "desk/rests.html", context)
