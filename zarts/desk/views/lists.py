"""What every list of records has beside its rows: views that are saved, and what is done to many rows at once."""

from functools import reduce

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from opportunities import clock, once
from opportunities.admin.base import EMPTY, KeptAdmin, whole_number
from opportunities.lists import many, saved
from opportunities.lists.actions import count_of
from opportunities.lists.asked import Asked, address_of
from opportunities.lists.columns import may_see
from opportunities.models import BulkChange, BulkRow
from opportunities.records import Refused

from ..access import page_context, staff_page

# So many rows are named: before it is done, and of those that were refused.
SHOWN, MOST_REFUSED, MOST_CHANGES = 20, 1000, 100
SAVE = "opportunities.add_savedview"
NOT_PICKED = "Pick some {rows} first: tick their boxes."
NOT_THERE = "What was picked is not there any more, or not yours."


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
@require_http_methods(["GET", "HEAD", "POST"])
def many_rows(request, key):
    """Ask how and how many, then write down what is done to these rows, and do it: at once when they are few."""
    page = list_of(request, key)
    if not page.has_change_permission(request):
        raise PermissionDenied("You may read this list, but not change it.")
    asked = asked_of(page, request)
    send_to = address_of(reverse("list_many", args=[page.opts.label_lower]), asked.query)
    return change_many(request, page, asked.found, asked.address(), send_to, asked.left_out)


def change_many(request, page, found, back, send_to, left_out):
    """Do it to what is picked of the rows that a list found, once the person said yes to how many they are.

    All that match are only taken where all that the address asks for was understood: they would be others.
    """
    if request.method != "POST":
        # Who signs in anew at the question, or passes its address on, comes to it by a link.
        return HttpResponseRedirect(back)
    rows = page.opts.verbose_name_plural
    if left_out and request.POST.get("all") == "1":
        return sent_back(request, back, f"{left_out[0]} These are other rows now: pick among them.")
    do, forms = request.POST.get("do", ""), page.many_for(request)
    if do not in forms:
        return sent_back(request, back, f"Choose what to do with the picked {rows}.")
    pks = picked(request, page, found)
    if not pks:
        named = any(map(whole_number, request.POST.getlist("pick")[: many.MOST]))
        return sent_back(request, back, NOT_THERE if named else NOT_PICKED.format(rows=rows))
    if len(pks) > many.MOST:
        return sent_back(request, back, f"These are more than {many.MOST:,} {rows}. Narrow the list first.")
    sure, at = "sure" in request.POST, clock.now()
    agreed = request.POST.get("count") == str(len(pks))
    form = forms[do](request.POST if sure else None, page=page, now=at)
    if not (sure and form.is_valid() and agreed):
        now = f"{count_of(page, len(pks))} {'is' if len(pks) == 1 else 'are'} picked now. Look again."
        return ask(request, page, form, do, pks, back, send_to, now if sure and not agreed else "")
    words = form.words(page, len(pks))
    answers = {name: request.POST[name] for name in request.POST if name in answered_by(form)}

    begun: list[BulkChange] = []

    def begin():
        begun.append(many.begin(request.user, page.opts.label_lower, do, answers, words, pks, back, at))
        return HttpResponseRedirect(reverse("list_change", args=[begun[0].pk]))

    answer = once.saved(request, begin)
    return at_once(request, begun[0], page) if begun and len(pks) <= many.AT_ONCE else answer


def answered_by(form) -> set:
    """Return the names under which a browser sends the answers of a form, those of fields in two parts too."""
    return {f"{form.add_prefix(name)}{part}" for name in form.fields for part in ("", "_0", "_1")}


def picked(request, page, found) -> list[int]:
    """Return the rows that are meant, in order: all that match, or those that are ticked and within reach.

    One more than may be, where there are too many.
    """
    if request.POST.get("all") == "1":
        return list(found.order_by("pk").values_list("pk", flat=True)[: many.MOST + 1])
    named = {pk for pk in map(whole_number, request.POST.getlist("pick")[: many.MOST + 1]) if pk}
    if len(named) > many.MOST:
        return sorted(named)
    rows = page.get_queryset(request).filter(pk__in=named)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def in_their_order(request, pks) -> list[int]:
    """Return the picked rows in the order in which they stood on the page."""
    stood = {whole_number(pk): place for place, pk in enumerate(request.POST.getlist("pick")[: many.MOST])}
    return sorted(pks, key=lambda pk: stood.get(pk, many.MOST))


def told_apart(page, user, found, pks) -> list[tuple]:
    """Return these rows, each with what tells it apart: whose it is, and what its list says of it to this person."""
    names = [name for name in page.list_display if may_see(page, name, user)]
    path = page.above if page.above.split("__")[0] not in names else ""
    path += "__client" if path.endswith("opportunity") else ""
    rows, told = (found.select_related(path) if path else found).in_bulk(pks), []
    for row in (rows[pk] for pk in pks if pk in rows):
        whose = reduce(lambda one, name: one and getattr(one, name), path.split("__"), row) if path else None
        cells = page.cells(row, names)[1:]
        told.append((row, whose, [cell for cell in cells if cell["value"] != EMPTY]))
    return told


def ask(request, page, form, do, pks, back, send_to, trouble):
    every, pks = request.POST.get("all") == "1", in_their_order(request, pks)
    context = page_context(
        request,
        page.opts.verbose_name_plural.capitalize(),
        question=form.question.format(rows=count_of(page, len(pks))),
        form=form,
        do=do,
        button=form.button.format(rows=count_of(page, len(pks))),
        trouble=trouble,
        count=len(pks),
        rows=told_apart(page, request.user, page.get_queryset(request), pks[:SHOWN]),
        more=max(0, len(pks) - SHOWN),
        picked=[] if every else pks,
        every=every,
        at_work=len(pks) > many.AT_ONCE,
        send_to=send_to,
        back=back,
    )
    return TemplateResponse(request, "desk/many.html", context, status=409 if form.is_bound else 200)


def at_once(request, change, page):
    """Do what is few while the person waits, and go back to the list."""
    many.go_on(change)
    found = many.counts(change)
    if found["waiting"]:
        return HttpResponseRedirect(reverse("list_change", args=[change.pk]))
    left, set_back = found["refused"] + found["gone"], change.rows.filter(many.can_go_back()).exists()
    stayed = f"{count_of(page, left)} stayed as {'it was' if left == 1 else 'they were'}. " if left else ""
    see = "See why" if left else "See it" if set_back else "See what was done"
    more = f"{see}, or undo it" if set_back else see
    url = reverse("list_change", args=[change.pk])
    words = format_html('{} {}<a href="{}">{}</a>', many.said(change, page, found), stayed, url, more)
    (messages.warning if left or not found["done"] else messages.success)(request, words)
    return HttpResponseRedirect(change.back)


def sent_back(request, back, words):
    messages.warning(request, words)
    return HttpResponseRedirect(back)


# -- What came of it. --------------------------------------------------------------------------------------------------


@staff_page()
@require_safe
def changes(request):
    """List what this person did to many rows at once, the newest first: how far it is, what came of it, its undo."""
    rows = list(BulkChange.objects.filter(user=request.user).order_by("-pk")[:MOST_CHANGES])
    found, back = many.counts_of(rows), many.that_can_go_back(rows)
    undone = set(many.undos_of(rows).values_list("undoes", flat=True))
    listed = [(row, told(row, found[row.pk]), row.pk in undone, row.may_be_undone and row.pk in back) for row in rows]
    context = page_context(request, "Changed at once", changes=listed, days=many.KEPT.days)
    return TemplateResponse(request, "desk/many_changes.html", context)


def told(change, found) -> str:
    """Say in a line what came of a change, or how far it is."""
    if not change.ended_at:
        return f"{change.total - found['waiting']:,} of {change.total:,} so far"
    left = {"had it so already": found["same"], "stayed as before": found["refused"] + found["gone"]}
    said = [f"{found['done']:,} done", *(f"{count:,} {words}" for words, count in left.items() if count)]
    return ", ".join(said)


def own_change(request, pk) -> BulkChange:
    """Return a change that this person asked for. Of others' nobody learns anything here: their diaries tell."""
    return get_object_or_404(BulkChange.objects.select_related("user", "undoes"), pk=pk, user=request.user)


@staff_page()
@require_safe
def change(request, pk):
    """Show how far a change of many rows has come, what was refused and why, and its undo while there is one."""
    change = own_change(request, pk)
    page, found = many.page_of(change.list), many.counts(change)
    refused = list(change.rows.filter(state=BulkRow.State.REFUSED).order_by("pk")[:MOST_REFUSED])
    done = change.rows.filter(state=BulkRow.State.DONE).order_by("pk")[:SHOWN]
    # Why is said once for all that it holds for.
    reasons: dict[str, list] = {}
    for row in refused:
        reasons.setdefault(row.reason, []).append((page.row_url_of(row.record_id), row))
    undone = many.undos_of([change]).first()
    may_undo = undone is None and change.may_be_undone and change.rows.filter(many.can_go_back()).exists()
    context = page_context(
        request,
        page.opts.verbose_name_plural.capitalize(),
        change=change,
        counts=found,
        dealt_with=change.total - found["waiting"],
        percent=percent(change, found),
        said=many.said(change, page, found),
        gone=count_of(page, found["gone"]) if found["gone"] else "",
        same=count_of(page, found["same"]) if found["same"] else "",
        done=[(page.row_url_of(row.record_id), row) for row in done],
        more_done=max(0, found["done"] - SHOWN),
        reasons=[(reason, of_it[:SHOWN], max(0, len(of_it) - SHOWN)) for reason, of_it in reasons.items()],
        more=found["refused"] - len(refused),
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
