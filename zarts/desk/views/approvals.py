"""Decide this one: the queue of what waits for a second person, and each question whole."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from opportunities.forms import ReasonForm
from opportunities.records import Refused, perform
from proposals.approvals import why_asked
from proposals.forms import ConditionForm
from proposals.models import Approval

from .. import queue
from ..access import page_context, staff_page
from ..content import content_of

MOST = 50


@staff_page("proposals.view_approval")
@require_safe
def approvals(request):
    """List what waits for this person, the most urgent first."""
    return TemplateResponse(request, "desk/approvals.html", listed(request))


@staff_page("proposals.view_approval")
@require_http_methods(["GET", "HEAD", "POST"])
def approval(request, pk):
    """Show one question with everything that it is about, and take the answer."""
    rows = Approval.objects.visible_to(request.user)
    subjects = ("proposal", "contract__proposal", "summary")
    asked = rows.select_related("opportunity__client", "owner", "asked_by", *subjects).filter(pk=pk).first()
    if asked is None:
        raise Http404("No such approval, or it is not yours.")
    lacks, form = [], empty(ReasonForm, request, asked)
    if request.method == "POST":
        lacks, form = answer(request, asked)
        if not lacks and not form.errors:
            return HttpResponseRedirect(next_one(request, asked))
    on_condition = isinstance(form, ConditionForm)
    moves = {move.name: move for move in asked.moves_for(request.user)}
    context = listed(request) | {
        "asked": asked,
        "subject": asked.subject,
        "content": content_of(asked, request.user),
        "moves": moves,
        "may": [name for name, move in moves.items() if move.allowed],
        "lacks": lacks or (moves["approve"].lacks if "approve" in moves else []),
        "form": empty(ReasonForm, request, asked) if on_condition else form,
        "condition": form if on_condition else empty(ConditionForm, request, asked),
        "why": why_asked(asked, request.user),
        "chosen": request.POST.get("move", ""),
    }
    status = 409 if lacks else 200
    return TemplateResponse(request, "desk/approvals.html", context, status=status)


ANSWERS = ("approve", "approve_on", "reject", "request_changes", "recall")


def empty(form, request, asked):
    return form(None, record=asked, user=request.user)


def answer(request, asked):
    """Make the move that was chosen. Return what is missing, and the form with what is wrong in it."""
    name, digest = request.POST.get("move", ""), request.POST.get("digest", "")
    if name not in ANSWERS:
        raise Http404("No such answer.")
    kind = ConditionForm if name == "approve_on" else ReasonForm
    move = next((move for move in asked.moves_for(request.user) if move.name == name), None)
    if move is None:
        return [f"It is already {asked.get_stage_display().lower()}."], empty(kind, request, asked)
    if not move.allowed:
        raise PermissionDenied(f"{move.who} may do this: {move.label}.")
    details = {} if name == "recall" else {"digest": digest or "none"}
    form = empty(kind, request, asked)
    if move.asks:
        form = kind(request.POST, record=asked, user=request.user)
        if not form.is_valid():
            return [], form
        details |= form.cleaned_data
    try:
        perform(getattr(asked, name), by=request.user, **details)
    except Refused as refusal:
        return refusal.lacks, form
    messages.success(request, f"Done: you {move.step.custom['past'].rstrip(',')} {asked}.")
    return [], empty(ReasonForm, request, asked)


def listed(request) -> dict:
    """Return the list at the left: mine to decide, or everything that is open and that I may see."""
    everything = request.GET.get("show") == "all"
    rows = queue.pending(request.user) if everything else queue.waiting_for(request.user)
    return page_context(request, "Approvals", rows=list(rows[:MOST]), everything=everything)


def next_one(request, decided) -> str:
    """Return where to go on: the next aspect of the same record. Another record is chosen, in the list."""
    of_it = {name: getattr(decided, f"{name}_id") for name in ("proposal", "contract", "summary")}
    rows = queue.waiting_for(request.user).filter(**of_it).exclude(pk=decided.pk)
    following = rows.values_list("pk", flat=True).first()
    return reverse("approval", args=[following]) if following else reverse("approvals")
