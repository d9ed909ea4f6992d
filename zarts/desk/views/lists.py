"""What every list of records has beside its rows: views that are saved, and what is done to many rows at once."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from opportunities import once
from opportunities.admin.base import KeptAdmin, whole_number
from opportunities.lists import many, saved
from opportunities.lists.actions import count_of
from opportunities.lists.asked import Asked, address_of
from opportunities.models import BulkChange, BulkRow
from opportunities.records import Refused

from ..access import page_context, staff_page

# So many rows are named: before it is done, and of those that were refused.
SHOWN, MOST_REFUSED = 20, 200
SAVE = "opportunities.add_savedview"


def list_of(request, key):
    """Return the page of a list that this person may see. Of another they learn nothing."""
    page = many.page_of(key)
    if not isinstance(page, KeptAdmin):
        raise Http404("There is no such list.")
    if not page.has_view_permission(request):
        raise PermissionDenied("Your role does not include this list. An administrator can change that.")
    return page


def address_of_list(page) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")


def asked_of(page, request) -> Asked:
    """Return what the address asks of a list, from a page beside it."""
    asked = Asked(page, request)
    asked.path = address_of_list(page)
    return asked


# -- Views. ------------------------------------------------------------------------------------------------------------


@staff_page(SAVE)
@require_POST
def save_view(request, key):
    """Save the filters, the columns and the order of a list under a name."""
    page = list_of(request, key)
    asked, form = asked_of(page, request), saved.SaveForm(request.POST)
    view = saved.save(request.user, key, form, asked.query) if form.is_valid() else None
    if view is None:
        request.path = asked.path
        return page.show_list(request, {"save": form}, status=409)
    messages.success(request, f"Saved: {view}.")
    return HttpResponseRedirect(asked.address())


@staff_page(SAVE)
@require_POST
def open_with(request, key):
    """Have a list open with a view from now on."""
    page = list_of(request, key)
    asked = asked_of(page, request)
    if saved.open_with(request.user, key, saved.house(page), request.POST.get("view", "")):
        messages.success(request, "From now on this list opens like this.")
        return HttpResponseRedirect(asked.address())
    request.path = asked.path
    return page.show_list(request, {"trouble": "That view is not there any more. Choose another one."}, status=409)


# -- Many rows at once. ------------------------------------------------------------------------------------------------


@staff_page()
@require_POST
def many_rows(request, key):
    """Ask how and how many, then write down what is done to these rows, and do it: at once when they are few."""
    page = list_of(request, key)
    if not page.has_change_permission(request):
        raise PermissionDenied("You may read this list, but not change it.")
    asked, do = asked_of(page, request), request.POST.get("do", "")
    forms, back = page.many_for(request), asked.address()
    if do not in forms:
        return sent_back(request, back, "Choose what to do with the picked rows.")
    pks = picked(request, asked)
    if not pks:
        return sent_back(request, back, "Pick some rows first: tick their boxes.")
    if len(pks) > many.MOST:
        return sent_back(request, back, f"These are more than {many.MOST:,} rows. Narrow the list first.")
    sure = "sure" in request.POST
    form = forms[do](request.POST if sure else None, page=page)
    if not (sure and form.is_valid()):
        return ask(request, page, form, do, pks, asked, status=409 if sure else 200)
    words = form.words(page, len(pks))
    answers = {name: request.POST[name] for name in request.POST if name in answered_by(form)}

    begun: list[BulkChange] = []

    def begin():
        begun.append(many.begin(request.user, key, do, answers, words, pks, back))
        return HttpResponseRedirect(reverse("list_change", args=[begun[0].pk]))

    answer = once.saved(request, begin)
    return at_once(request, begun[0], page) if begun and len(pks) <= many.AT_ONCE else answer


def answered_by(form) -> set:
    """Return the names under which a browser sends the answers of a form, those of fields in two parts too."""
    return {f"{form.add_prefix(name)}{part}" for name in form.fields for part in ("", "_0", "_1")}


def picked(request, asked) -> list[int]:
    """Return the rows that are meant, in order: all that match, or those that are ticked. One more than may be."""
    rows = asked.found.order_by("pk").values_list("pk", flat=True)
    if request.POST.get("all") == "1":
        return list(rows[: many.MOST + 1])
    return sorted({pk for pk in map(whole_number, request.POST.getlist("pick")[: many.MOST + 1]) if pk})


def ask(request, page, form, do, pks, asked, status):
    shown = page.get_queryset(request).filter(pk__in=pks[:SHOWN]).order_by("pk")
    every = request.POST.get("all") == "1"
    context = page_context(
        request,
        form.question.format(rows=count_of(page, len(pks))),
        form=form,
        do=do,
        button=form.button.format(rows=count_of(page, len(pks))),
        rows=list(shown),
        more=max(0, len(pks) - SHOWN),
        picked=[] if every else pks,
        every=every,
        at_work=len(pks) > many.AT_ONCE,
        send_to=address_of(reverse("list_many", args=[page.opts.label_lower]), asked.query),
        back=asked.address(),
    )
    return TemplateResponse(request, "desk/many.html", context, status=status)


def at_once(request, change, page):
    """Do what is few while the person waits, and go back to the list."""
    many.go_on(change)
    found = many.counts(change)
    left, set_back = found["refused"] + found["gone"], change.rows.filter(many.can_go_back()).exists()
    stayed = f"{count_of(page, left)} stayed as {'it was' if left == 1 else 'they were'}. " if left else ""
    more = "See why" if left else "See it, or undo it" if set_back else "See what was done"
    url = reverse("list_change", args=[change.pk])
    words = format_html('{} {}<a href="{}">{}</a>', many.said(change, page, found), stayed, url, more)
    (messages.warning if left or not found["done"] else messages.success)(request, words)
    return HttpResponseRedirect(change.back)


def sent_back(request, back, words):
    messages.warning(request, words)
    return HttpResponseRedirect(back)


# -- What came of it. --------------------------------------------------------------------------------------------------


def own_change(request, pk) -> BulkChange:
    """Return a change that this person asked for. Of others' nobody learns anything here: their diaries tell."""
    return get_object_or_404(BulkChange.objects.select_related("user", "undoes"), pk=pk, user=request.user)


@staff_page()
@require_safe
def change(request, pk):
    """Show how far a change of many rows has come, what was refused and why, and its undo while there is one."""
    change = own_change(request, pk)
    page, found = many.page_of(change.list), many.counts(change)
    refused = change.rows.filter(state__in=[BulkRow.State.REFUSED]).order_by("pk")[: MOST_REFUSED + 1]
    rows = [(page.row_url_of(row.record_id), row) for row in refused]
    undone = BulkChange.objects.filter(undoes=change).first()
    may_undo = undone is None and change.may_be_undone and change.rows.filter(many.can_go_back()).exists()
    context = page_context(
        request,
        change.words,
        change=change,
        counts=found,
        dealt_with=change.total - found["waiting"],
        percent=percent(change, found),
        said=many.said(change, page, found),
        gone=count_of(page, found["gone"]) if found["gone"] else "",
        same=count_of(page, found["same"]) if found["same"] else "",
        rows=rows[:MOST_REFUSED],
        more=len(rows) > MOST_REFUSED,
        undone=undone,
        may_undo=may_undo,
        undo_until=change.undo_until,
        back=change.back or address_of_list(page),
        stage="ended" if change.ended_at else "at work",
    )
    return TemplateResponse(request, "desk/many_change.html", context)


def percent(change, found) -> int:
    return round(100 * (change.total - found["waiting"]) / change.total) if change.total else 100


@staff_page()
@require_safe
def progress(request, pk):
    """Say how far a change came, for the page that waits."""
    change = own_change(request, pk)
    found = many.counts(change)
    words = f"{change.total - found['waiting']:,} of {change.total:,}"
    stage = "ended" if change.ended_at else "at work"
    return JsonResponse({"stage": stage, "percent": percent(change, found), "words": words})


@staff_page()
@require_POST
def undo(request, pk):
    """Set back what a change did, where nobody changed it since."""
    change = own_change(request, pk)
    try:
        back = many.begin_undo(change, request.user)
    except Refused as refusal:
        return sent_back(request, reverse("list_change", args=[change.pk]), " ".join(refusal.reasons))
    if back.total <= many.AT_ONCE:
        many.go_on(back)
    return HttpResponseRedirect(reverse("list_change", args=[back.pk]))
