"""What delivery will get of a deal, and once it is won, everything that delivery asks of it: as a page and as a PDF."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from handoff.inherit import Will, inherited, newest_contract, words_for
from handoff.models import ChecklistItem, Handoff, Promise
from opportunities.records import may_override
from portal.models import Guest

from .. import handover as whole
from .. import handover_paper
from ..access import page_context, staff_page
from .checklist import deal_of

ALONG = (
    *("owner", "project__owner", "project__client", "opportunity__client", "opportunity__owner"),
    *("contract__proposal", "contract__payment"),
)


def handoff_of(request, pk):
    """Return the handoff, or none: whoever may not see it learns nothing of it."""
    found = Handoff.objects.visible_to(request.user).select_related(*ALONG).filter(pk=pk).first()
    if found is None or not hasattr(found, "project"):
        raise Http404("No such handoff, or it is not yours.")
    return found


@staff_page("handoff.view_handoff")
@require_safe
def handover(request, pk):
    """Show what delivery must keep, and the one thing that is to be done about it now."""
    handoff = handoff_of(request, pk)
    found = whole.read(handoff, request.user)
    subject, user = found.subject, request.user
    may_answer = user.has_perm("handoff.move_promise") and handoff.within_reach(user, "change")
    # One thing at a time: while promises are to be answered, nothing else is asked for.
    moves = [] if found.offered and may_answer else subject.moves_for(user)
    context = page_context(
        request,
        f"Handover: {handoff.opportunity}",
        handoff=handoff,
        found=found,
        record=subject,
        moves=moves,
        can_override=[move.name for move in moves if may_override(subject, move.step, user)],
        may_answer=may_answer,
        here=request.get_full_path(),
    )
    return TemplateResponse(request, "desk/handover.html", context)


@staff_page("handoff.view_handoff")
@require_safe
def paper(request, pk):
    """Hand out the same as a PDF for use inside the house. It is made anew each time, and kept nowhere."""
    handoff = handoff_of(request, pk)
    found = whole.read(handoff, request.user, to_print=True)
    name = f"internal-handover-{handoff.contract.number}.pdf"
    return HttpResponse(
        handover_paper.of(found, request.user),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"},
    )


@staff_page("handoff.view_handoff")
@require_safe
def inherits(request, pk):
    """Show before the win what delivery will get, record by record, and what to look at. Make nothing."""
    opportunity = deal_of(request, pk)
    if made := inherited(opportunity):
        return redirect("handoff_handoff_handover", made.pk)
    will = Will(opportunity) if newest_contract(opportunity) else None
    groups: dict[str, list] = {}
    for record in will.lines() if will else []:
        groups.setdefault(whole.plural(record), []).append((whole.bare(words_for(record)), beside(record, will)))
    context = page_context(
        request,
        "What delivery will get",
        record=opportunity,
        will=will,
        groups=list(groups.items()),
        count=sum(map(len, groups.values())),
        warnings=list(will.warnings()) if will else [],
        proposals=f"{reverse('admin:opportunities_opportunity_change', args=[pk])}?tab=proposals#proposals",
    )
    return TemplateResponse(request, "desk/inherits.html", context)


def beside(record, will) -> str:
    """Say of a record that is not made yet what its name does not."""
    if isinstance(record, Promise):
        return record.get_kind_display()
    if isinstance(record, ChecklistItem):
        due = record.planned_for(will.kickoff_on)
        return f"{record.get_who_display()}, {whole.day(due) if due else 'no day yet'}"
    return record.email if isinstance(record, Guest) else ""
