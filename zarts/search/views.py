"""The search box: its page, what it shows while somebody types, and what they opened and pinned."""

from django.http import Http404, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from opportunities.admin.base import whole_number
from zarts.desk.access import looks_ahead, page_context, staff_page

from . import finding
from .models import Check, Kind, Mark, model_of

# So many stand below the box.
BELOW = 12


def asked(request) -> tuple[str, str]:
    """Return what was typed, and to which kind it is narrowed."""
    kind = request.GET.get("kind", "")
    return request.GET.get("q", "").strip(), kind if kind in Kind.values else ""


@staff_page()
@require_safe
def find(request):
    """Show what was found, or what this person pinned and opened last."""
    words, kind = asked(request)
    context = {"words": words[: finding.LETTERS], "kind": kind, "keys": Kind.choices}
    if words:
        found = finding.find(request.user, words, kind)
        context |= {"found": found, "said": said_of(found), "kinds": kinds_of(request.user, found)}
        if request.GET.get("kind") and not kind:
            context["said"] += " There is no such kind: all of them were looked for."
        context["whole_list"] = list_of(found) if kind and kind in found.more else ""
    else:
        context |= {"pinned": finding.pinned(request.user), "recent": finding.recent(request.user)}
        if request.user.sees_all:
            context["check"] = Check.objects.filter(ended_at__isnull=False).order_by("-pk").first()
    context["back"] = request.get_full_path()
    return TemplateResponse(request, "search/find.html", page_context(request, "Search", **context))


@staff_page()
@require_safe
def now(request):
    """Show what stands below the box while somebody types: the best few, or what is pinned and recent."""
    words, kind = asked(request)
    context: dict = {"words": words[: finding.LETTERS]}
    if words:
        found = finding.find(request.user, words, kind)
        context |= {"rows": found.rows[:BELOW], "found": found, "said": said_of(found, below=BELOW)}
    else:
        context |= {"pinned": finding.pinned(request.user)[:BELOW], "recent": finding.recent(request.user)}
    answer = TemplateResponse(request, "search/now.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def said_of(found, below=None) -> str:
    """Say in one line how much was found."""
    count = len(found.rows)
    said = f"{'More than ' if found.more and count else ''}{count or 'Nothing'} found"
    if found.more and not count:
        said += " among the newest; type more of it"
    if below and count > below:
        said += f", the first {below} below"
    return found.unclear or f"{said}. {found.cut}".strip()


def kinds_of(user, found) -> list:
    """Return the kinds that a person may narrow it to, each with how many there are of it.

    Of all kinds those that hold nothing are left out; once one is chosen, it is not known which those are.
    """
    counted = [
        (kind, Kind(kind).label, f"{found.counts.get(kind, 0)}{'+' if kind in found.more else ''}")
        for kind in finding.kinds_for(user)
    ]
    return counted if found.kind else [one for one in counted if one[2] != "0"]


def list_of(found) -> str:
    """Return the address of the list that holds all that match, if there is one."""
    if found.kind == Kind.NOTE:
        return ""
    return reverse(f"admin:{model_of(found.kind)}_{found.kind}_changelist", query={"q": found.words})


@staff_page()
@require_POST
def opened(request):
    """Keep that somebody opened a record, unless a browser looks ahead for nobody. Say whether they pinned it."""
    entry = finding.within(request.user, request.POST.get("path", ""))
    if entry is None:
        raise Http404("No such record, or it is not yours to see.")
    if not looks_ahead(request):
        Mark.objects.update_or_create(user=request.user, entry=entry, defaults={"opened_at": timezone.now()})
    return JsonResponse({"entry": entry.pk, "pinned": entry.is_pinned})


@staff_page()
@require_POST
def pin(request):
    """Pin a record, or take the pin away."""
    entry = finding.lines(request.user).filter(pk=whole_number(request.POST.get("entry"))).first()
    if entry is None:
        raise Http404("No such record, or it is not yours to see.")
    pinned = request.POST.get("pinned") == "1"
    at = timezone.now() if pinned else None
    Mark.objects.update_or_create(user=request.user, entry=entry, defaults={"pinned_at": at})
    if request.headers.get("X-Requested-With"):
        return JsonResponse({"entry": entry.pk, "pinned": pinned})
    back = request.POST.get("back", "")
    return redirect(back if back.startswith("/admin/find/") else "find")
