"""Decide this one: the queue of what waits for a second person, each question whole, several that are alike."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from opportunities import reads
from opportunities.admin.base import whole_number
from opportunities.forms import ReasonForm
from opportunities.lists import order
from opportunities.records import Refused, perform
from proposals import answering, gates
from proposals.approvals import turnaround, why_asked
from proposals.difference import decided_before
from proposals.forms import ConditionForm
from proposals.models import Approval

from .. import queue, taking
from ..access import page_context, staff_page
from ..content import content_of, marks_on, proof_behind, such_claims
from ..table import read_time

ANSWERS = ("approve", "approve_on", "reject", "request_changes", "recall", "look_at")
# What may be said of several at once.
TOGETHER = ("approve", "reject", "request_changes")
# The pace is told of so many days.
PACES = (30, 90, 365)
URGENT = order.Sort("Due", "due", read_time)
# What a file says of a question.
OF_A_QUESTION = {
    "Client": lambda it: it.opportunity.client,
    "Deal": lambda it: it.opportunity.name,
    "About": lambda it: it.subject,
    "Aspect": lambda it: it.get_aspect_display(),
    "Amount, first year": lambda it: it.worth,
    "Proof, %": lambda it: it.coverage,
    "Asked by": lambda it: it.asked_by,
    "Asked": lambda it: it.asked_at,
    "Due": lambda it: it.due,
    "With": lambda it: it.owner,
    "Looked at by": lambda it: it.looked_at_by,
}


@staff_page("proposals.view_approval")
@require_safe
def approvals(request):
    """List what waits for this person, the most urgent first."""
    context = listed(request, queue.Queue(request.user)) | {"days": queue.changes_of_days(request.user)}
    return TemplateResponse(request, "desk/approvals.html", context)


@staff_page("proposals.view_approval")
@require_safe
def export_queue(request):
    """Give a part of the queue as a file, the most urgent first."""
    waiting = queue.Queue(request.user)
    show = shown(request) or first_of(queue.how_many(**{part: queue.PARTS[part][1](waiting) for part in queue.TOLD}))
    rows = queue.PARTS[show][1](waiting)
    return taking.hand_out(
        request,
        "approvals",
        "Approvals",
        {"show": show},
        OF_A_QUESTION,
        map(with_coverage, order.through(rows, URGENT, False)),
        times=("Asked", "Due"),
        rows=rows,
    )


def with_coverage(rows) -> list:
    queue.covered(rows)
    return rows


@staff_page("proposals.view_approval")
@require_http_methods(["GET", "HEAD", "POST"])
def approval(request, pk):
    """Show one question with everything that it is about, and take the answer."""
    asked = found(request, pk)
    lacks, form = [], empty(ReasonForm, request, asked)
    if request.method == "POST":
        lacks, form = answer(request, asked)
        if not lacks and not form.errors:
            return HttpResponseRedirect(next_one(request, asked))
    on_condition = isinstance(form, ConditionForm)
    # First: it keeps the rows for everything that follows.
    proof = proof_behind(asked)
    moves = {move.name: move for move in asked.moves_for(request.user)}
    may = [name for name, move in moves.items() if move.allowed]
    waiting = queue.Queue(request.user)
    others = [row for row in waiting.alike(asked) if row != asked] if "approve" in may else []
    context = listed(request, waiting) | {
        "others": len(others),
        "asked": asked,
        "subject": asked.subject,
        "content": content_of(asked, request.user),
        "question": answering.asked_in(asked.subject),
        "proof": proof,
        "marks": marks_on(asked),
        "such": such_claims(asked, request.user),
        "before": decided_before(asked)[:10],
        "moves": moves,
        "may": may,
        "lacks": lacks or (moves["approve"].lacks if "approve" in moves else []),
        "form": empty(ReasonForm, request, asked) if on_condition else form,
        "condition": form if on_condition else empty(ConditionForm, request, asked),
        "why": why_asked(asked, request.user),
        "timeline": reads.timeline(asked, whole_number(request.GET.get("before"))),
        "chosen": request.POST.get("move", ""),
    }
    status = 409 if lacks else 200
    return TemplateResponse(request, "desk/approvals.html", context, status=status)


@staff_page("proposals.view_approval")
@require_http_methods(["GET", "HEAD", "POST"])
def alike(request, pk):
    """Show the questions that are asked as this one is, each whole, and take one answer to those that were picked."""
    user, asked = request.user, found(request, pk)
    rows = read_through(queue.Queue(user).at_once(asked))
    form, refused, trouble = ReasonForm(None, record=asked, user=user), {}, ""
    if request.method == "POST":
        form, refused, trouble = answer_together(request, asked, rows)
        if not (form.errors or refused or trouble):
            return HttpResponseRedirect(queue_url(request))
        rows = read_through(queue.Queue(user).at_once(asked))
    queue.covered(rows)
    for row in rows:
        row.said, row.refused = content_of(row, user), refused.pop(row.pk, [])
        row.why_asked = why_asked(row, user)
    context = page_context(
        request,
        f"{asked.get_aspect_display()}: what is alike",
        asked=asked,
        rows=rows,
        form=form,
        trouble=trouble,
        # Those that are not asked any more.
        gone=[lack for lacks in refused.values() for lack in lacks],
        picked=picked_of(request),
        place=place(request),
        most=queue.AT_ONCE,
    )
    status = 409 if refused or any(row.refused for row in rows) else 200
    return TemplateResponse(request, "desk/approvals_alike.html", context, status=status)


@staff_page("proposals.reassign_approval")
@require_safe
def pace(request):
    """Show how long each approver and each rule take to decide, in working hours."""
    days = next((days for days in PACES if request.GET.get("days") == str(days)), PACES[0])
    found = turnaround(Approval.objects.visible_to(request.user), timezone.now() - timedelta(days=days))
    charts = [("Approver", found["people"]), ("Rule", found["rules"])]
    longest = max((pace.p90 for _, paces in charts for pace in paces), default=0)
    context = page_context(
        request, "Turnaround of decisions", charts=charts, longest=longest or 1, days=days, choices=PACES
    )
    return TemplateResponse(request, "desk/pace.html", context)


# -- One question. -----------------------------------------------------------------------------------------------------


def found(request, pk):
    """Return a question that this person may see, or raise Http404."""
    subjects = ("proposal", "contract__proposal", "summary")
    people = ("owner", "asked_by", "decided_by", "looked_at_by", "group")
    rows = Approval.objects.visible_to(request.user).select_related("opportunity__client", "rule", *people, *subjects)
    asked = rows.filter(pk=pk).first()
    if asked is None:
        raise Http404("No such approval, or it is not yours.")
    asked.subject.opportunity = asked.opportunity  # read once
    return asked


def empty(form, request, asked):
    return form(None, record=asked, user=request.user)


def answer(request, asked):
    """Make the move that was chosen. Return what is missing, and the form with what is wrong in it."""
    name, digest = request.POST.get("move", ""), request.POST.get("digest", "")
    if name not in ANSWERS:
        raise Http404("No such answer.")
    kind = ConditionForm if name == "approve_on" else ReasonForm
    move = next((move for move in asked.moves_for(request.user) if move.name == name), None)
    if move is None and asked.is_open:
        return [gates.content_hangs_on_numbers.sentence], empty(kind, request, asked)
    if move is None:
        return [f"It is already {asked.get_stage_display().lower()}."], empty(kind, request, asked)
    if not move.allowed:
        raise PermissionDenied(f"{move.who} may do this: {move.label}.")
    details = {} if name in ("recall", "look_at") else {"digest": digest}
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
    if name != "look_at":
        messages.success(request, f"Done: you {move.step.custom['past'].rstrip(',')} {asked}.")
    return [], empty(ReasonForm, request, asked)


def next_one(request, decided) -> str:
    """Return where to go on: the next aspect of the same record. Another record is chosen, in the list."""
    if request.POST.get("move") == "look_at":
        return request.get_full_path()
    of_it = {name: getattr(decided, f"{name}_id") for name in ("proposal", "contract", "summary")}
    rows = queue.waiting_for(request.user).filter(**of_it).exclude(pk=decided.pk)
    following = rows.values_list("pk", flat=True).first()
    return queue_url(request, following)


# -- The list. ---------------------------------------------------------------------------------------------------------


def shown(request) -> str:
    """Return the part of the queue that an address names, or nothing."""
    show = request.GET.get("show", "")
    return show if show in queue.PARTS else ""


def place(request, show="") -> str:
    """Return what an address says of where one is in the queue: its part, and the page of the list."""
    at = {"show": show or shown(request), "after": request.GET.get("after", "")[:60]}
    said = urlencode({name: value for name, value in at.items() if value})
    return f"?{said}" if said else ""


def queue_url(request, pk=None) -> str:
    """Return the address of the list or of one question in it, in the place of the queue where one is."""
    return (reverse("approval", args=[pk]) if pk else reverse("approvals")) + place(request)


def first_of(counts) -> str:
    """Return the part that is shown where none is named: the first that holds something."""
    return next((name for name in queue.TOLD if counts[name] != "0"), "mine")


def listed(request, waiting) -> dict:
    """Return the list at the left: a part of the queue, and how many each part holds.

    Where none is named it is the first that holds something.
    """
    parts = {name: rows(waiting) for name, (_, rows, _) in queue.PARTS.items()}
    counts = queue.how_many(**{name: parts[name] for name in queue.TOLD})
    show = shown(request) or first_of(counts)
    rows, next_page = queue.page(parts[show], request.GET.get("after", ""))
    queue.covered(rows)
    tabs = [(name, queue.PARTS[name][0], counts.get(name, "")) for name in queue.PARTS]
    nothing = queue.PARTS[show][2]
    return page_context(
        request,
        "Approvals",
        rows=rows,
        more=next_page,
        show=show,
        place=place(request, show),
        tabs=tabs,
        nothing=nothing,
        paged="after" in request.GET,
        take=taking.address("approvals", {"show": show}),
    )


# -- Several. ----------------------------------------------------------------------------------------------------------


def picked_of(request) -> set:
    """Return the numbers that were ticked."""
    return set(filter(None, map(whole_number, request.POST.getlist("pick"))))


def read_through(rows) -> list:
    """Note on each question what is marked in it, and why it is not decided with others, if so."""
    for row in rows:
        proof_behind(row)  # it keeps the rows for what follows
        row.marks, row.alone = marks_on(row), ""
        if any(stops for stops, _ in row.marks):
            row.alone = "Something in it is marked and stops it: open it, and decide on it by itself."
        elif row.subject.passed():
            row.alone = "A manager let something in it pass: open it, read what, and decide on it by itself."
    return rows


def answer_together(request, asked, rows):
    """Give one answer to each that was picked. Return the form, what was refused by number, and what is wrong with all.

    Each is decided by a move of its own, with the digest of what this page showed of it.
    """
    name, user = request.POST.get("move", ""), request.user
    picked = picked_of(request)
    if name not in TOGETHER:
        raise Http404("No such answer.")
    form = ReasonForm(None, record=asked, user=user)
    if not picked:
        return form, {}, "Tick those that you answer."
    details = {}
    if name != "approve":
        form = ReasonForm(request.POST, record=asked, user=user)
        if not form.is_valid():
            return form, {}, ""
        details = form.cleaned_data
    still = {row.pk: row for row in rows}
    done, refused = 0, {}
    for pk in sorted(picked):
        if pk not in still:
            refused[pk] = ["One that you ticked is not asked of you any more. It stayed as it is."]
            continue
        if still[pk].alone:
            refused[pk] = [still[pk].alone]
            continue
        digest = request.POST.get(f"digest-{pk}", "")
        try:
            perform(getattr(still[pk], name), by=user, digest=digest, **details)
            done += 1
        except (Refused, PermissionDenied) as refusal:
            refused[pk] = getattr(refusal, "lacks", [str(refusal)])
    if done:
        word = {"approve": "approved", "reject": "rejected", "request_changes": "asked for changes to"}[name]
        messages.success(request, f"Done: you {word} {done} question{'' if done == 1 else 's'}.")
    return form, refused, ""
