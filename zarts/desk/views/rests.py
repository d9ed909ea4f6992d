"""The page of the blast radius: of a piece of evidence in all its versions, an audit, a claim, a clause."""

from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from opportunities.models import Audit, Evidence
from proposals.coverage import badge_of
from proposals.models import Claim, Clause

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
    versions = evidence if record is not audit else []
    return page_of(request, title, groups, record=record, audit=audit, versions=versions)


@staff_page("proposals.view_proposal")
@require_safe
def of_claim(request, pk):
    """Show what rests on a claim, in whichever revision of its proposal."""
    seen = Claim.objects.visible_to(request.user).select_related("proposal__opportunity")
    claim = get_object_or_404(seen.with_proof(), pk=pk)
    groups = rests.groups_of_claim(claim, request.user)
    return page_of(request, "What rests on this claim", groups, record=claim, claim=claim, badge=badge_of(claim))


@staff_page("proposals.view_clause")
@require_safe
def of_clause(request, pk):
    """Show what rests on a clause, in whichever version."""
    clause = get_object_or_404(Clause.objects.visible_to(request.user), pk=pk)
    groups = rests.groups_of_clause(clause, request.user)
    return page_of(request, f"What rests on {clause.title}", groups, record=clause, clause=clause)


def page_of(request, title, groups, **context):
    shown = [group for group in groups if group.rows or group.hidden]
    return TemplateResponse(request, "desk/rests.html", page_context(request, title, groups=shown, **context))
