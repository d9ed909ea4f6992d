"""Where everything stands, and moving it on."""

from collections import Counter

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from opportunities.admin.base import came_from, whole_number
from opportunities.lists import export, many
from opportunities.lists import saved as lists
from opportunities.lists.asked import NO_PAGE, PLACES, address_of, is_moved, moved, places, shown
from opportunities.lists.order import choices
from opportunities.models import Opportunity
from opportunities.neglect import stale_days
from opportunities.records import Refused, perform

from .. import board, saved, table
from ..access import page_context, staff_page
from ..filters import NAMES, Filters
from .lists import change_many


@staff_page("opportunities.view_opportunity")
@require_safe
def pipeline(request):
    """Show the deals that the address asks for, as a board or as a table. Without a word it opens with their view."""
    opens_with = request.user.opens_with.get(saved.KEY)
    if not request.GET and opens_with:
        view = next((tab for tab in saved.tabs(request.user) if tab.key == opens_with), None)
        if view and view.query:
            return HttpResponseRedirect(address(view.query))
    return show(request)


def address(query: dict, **changes) -> str:
    """Return the address of the pipeline that says this, with some of it changed. It always says something."""
    return address_of(reverse("pipeline"), {**query, **changes})


def show(request, *, status=200, **more):
    filters = Filters.read(request.GET, request.user)
    as_table = request.GET.get("look") == "table"
    if as_table:
        page = table.page(filters, request.GET.get("sort", ""), request.GET.get("after", ""))
        stages, deals = board.totals(filters), page.rows
    else:
        page, stages = None, board.columns(filters)
        deals = [deal for column in stages for deal in column.cards]
    names = Counter(name_of(deal) for deal in deals)
    for deal in deals:
        deal.stale_days, deal.is_twin = stale_days(deal), names[name_of(deal)] > 1
    query = {**filters.chosen, **laid_out(request.GET)}
    for column in stages:
        column.url = address(query, look="table", stage=column.stage)
    user, tabs = request.user, saved.tabs(request.user)
    opens_with = user.opens_with.get(saved.KEY, "")
    current = lists.current(tabs, query, opens_with, saved.LOOKS)
    tabs_shown = [
        (tab, address(tab.query, look=tab.query.get("look", query.get("look"))), tab is current) for tab in tabs
    ]
    columns, no_columns = table.read_columns(request.GET.getlist("columns"))
    if is_moved(request.GET):
        return redirect(address(query, columns=",".join(moved(columns, request.GET))))
    context = page_context(
        request,
        "Pipeline",
        filters=filters,
        left_out=not_understood(request.GET, filters) + (page.left_out + no_columns if page else []),
        shown=columns,
        orders=choices(table.SORTS, query.get("sort") or table.USUAL) if page else (),
        places=places(table.COLUMNS, columns) if page else (),
        kept={**filters.chosen, "look": "table"},
        looks=query,
        usual_url=address(query, columns=""),
        stages=stages,
        whole=board.all_of(stages),
        table=page,
        heads=heads(page, query, request.user, columns) if page else (),
        next_url=address(query, after=page.next) if page and page.next else "",
        tabs=tabs_shown,
        current=current,
        views={
            "list": saved.KEY,
            "tabs": tabs_shown,
            "current": current,
            "is_as_saved": current is not None and current.query.get("columns", "") == query.get("columns", ""),
            "opens_with": opens_with,
            "asked": urlencode({name: value for name, value in query.items() if value}),
            "save": more.get("save") or lists.SaveForm(),
            "may_save": user.has_perm("opportunities.add_savedview"),
            "save_url": reverse("pipeline_save"),
            "open_url": reverse("pipeline_open_with"),
            "many_url": reverse("pipeline_several"),
            "files": reverse("pipeline_export"),
            "most_excel": export.MOST_EXCEL,
        },
        query=query,
        asked=urlencode(query),
        here=address(query),
        board_url=address(query, look="board", sort=""),
        table_url=address(query, look="table"),
        clear_url=address(laid_out(request.GET)),
        may_move=user.has_perm("opportunities.move_opportunity"),
        many=page_of_deals().many_for(request) if page else {},
        several_pages=bool(page and (page.next or not page.is_first)),
        may_add_lead=user.has_perm("opportunities.add_lead"),
        targets=board.targets(),
    )
    context |= more
    return TemplateResponse(request, "desk/pipeline.html", context, status=status)


def page_of_deals():
    """Return the page of the records that the pipeline lists: what is done to many of them is its."""
    return many.page_of(Opportunity.label())


def name_of(deal):
    """Return what tells a deal from others on the page. Two deals of one client may well be named alike."""
    return deal.client_id, deal.name.casefold()


def heads(page, query, user, shown) -> list[dict]:
    """Return the heads of the table: those that can be sorted by lead to that order."""
    found = {
        name: head | {"name": name, "url": address(query, sort=head["leads"] if head["leads"] != table.USUAL else "")}
        for name, head in page.heads.items()
    }
    plain = {name: {"name": name, "label": table.COLUMNS[name]} for name in table.COLUMNS if name not in found}
    moves = [{"name": "move", "label": "Move"}] if user.has_perm("opportunities.move_opportunity") else []
    return [found["client"], *((found | plain)[name] for name in shown), *moves]


def laid_out(said) -> dict:
    """Return what the address says beside the filters: how the deals are laid out and sorted, and which columns."""
    if said.get("look") != "table":
        return {"look": "board"} if said.get("look") else {}
    name, turned, _ = table.read_sort(said.get("sort", ""))
    sort = f"-{name}" if turned else name
    shown, _ = table.read_columns(said.getlist("columns"))
    columns = "" if shown == list(table.COLUMNS) else ",".join(shown)
    return {"look": "table", "sort": "" if sort == table.USUAL else sort, "columns": columns}


def not_understood(said, filters) -> list[str]:
    """Say of what an address asks for and the pipeline has not that it is left out; no choice of a filter first."""
    names = [name for name in said if name not in (*NAMES, *saved.LOOKS, *PLACES) and said[name]]
    words = [f"This list has no filter “{shown(name)}”. It is left out." for name in names]
    return [*filters.left_out, *[*([NO_PAGE] if said.get("before") else []), *words][:5]]


@staff_page("opportunities.move_opportunity")
@require_POST
def move(request):
    """Move a deal to another column, through the same gates as everywhere. A refusal says what is missing."""
    pk, to = whole_number(request.POST.get("opportunity")), request.POST.get("to", "")
    opportunity = Opportunity.objects.visible_to(request.user).select_related("client", "owner").filter(pk=pk).first()
    if opportunity is None:
        raise Http404("No such opportunity, or it is not yours.")
    by_script = request.headers.get("X-Requested-With") == "staff.js"
    back = came_from(request, opportunity) if request.POST.get("back") else reverse("pipeline")
    try:
        found = board.move_to(opportunity, to, request.user)
        if not found.allowed:
            raise PermissionDenied(f"{found.who} may do this: {found.label}.")
        if found.asks:
            url = f"{found.url}?{urlencode({'back': back})}"
            return JsonResponse({"go": url}) if by_script else HttpResponseRedirect(url)
        moved = perform(getattr(opportunity, found.name), by=request.user)
    except Refused as refusal:
        if by_script:
            words = {"record": opportunity, "lacks": refusal.lacks}
            return render(request, "desk/parts/refused.html", words, status=409)
        return show(request, refused=opportunity, lacks=refusal.lacks, status=409)
    said = f"{opportunity.client}, {opportunity} moved to {moved.get_stage_display().lower()}."
    if by_script:
        return JsonResponse({"said": said})
    messages.success(request, said)
    return HttpResponseRedirect(back)


@staff_page("opportunities.change_opportunity")
@require_http_methods(["GET", "HEAD", "POST"])
def change_several(request):
    """Do something to many deals of the pipeline at once, as on every list."""
    filters = Filters.read(request.GET, request.user)
    query = {**filters.chosen, **laid_out(request.GET)}
    send_to = address_of(reverse("pipeline_several"), query)
    left_out = not_understood(request.GET, filters)
    return change_many(request, page_of_deals(), filters.rows(), address(query), send_to, left_out)


# What a file has for a column of the table.
IN_A_FILE = {"value": ["value", "probability"], "due": ["due_on"], "quiet": ["last_event"]}


@staff_page("opportunities.view_opportunity")
@require_safe
def export_rows(request):
    """Give all deals that the filters let through as a file, in the order of the table."""
    filters = Filters.read(request.GET, request.user)
    rows = filters.rows().select_related("client", "owner", "diary")
    order, turned, no_order = table.read_sort(request.GET.get("sort", ""))
    shown, no_columns = table.read_columns(request.GET.getlist("columns"))
    left_out = [*not_understood(request.GET, filters), *no_order, *no_columns]
    if words := export.why_none(request, left_out, rows):
        return export.no_file(request, words, address(filters.chosen))
    kind, page = request.GET["as"], page_of_deals()
    columns = ["client", "name", *(column for name in shown for column in IN_A_FILE.get(name, [name]))]
    sheet = export.Sheet(page, columns, rows, table.SORTS[order], turned)
    export.keep(request.user, "pipeline", kind, filters.chosen, sheet.heads)
    return sheet.answer(kind, "Pipeline")


@staff_page("opportunities.add_savedview")
@require_POST
def save_view(request):
    """Save the filters of the page under a name."""
    form = lists.SaveForm(request.POST)
    query = Filters.read(request.GET, request.user).chosen
    query |= {name: request.GET[name] for name in saved.LOOKS if request.GET.get(name) in ("table", *table.ORDERS)}
    columns, _ = table.read_columns(request.GET.getlist("columns"))
    query |= {} if columns == list(table.COLUMNS) else {"columns": ",".join(columns)}
    if not form.is_valid() or not (view := lists.save(request.user, saved.KEY, form, query)):
        return show(request, save=form, status=409)
    messages.success(request, f"Saved: {view}.")
    return HttpResponseRedirect(address(query))


@staff_page("opportunities.add_savedview")
@require_POST
def open_with(request):
    """Have the pipeline open with a view."""
    if not lists.open_with(request.user, saved.KEY, saved.HOUSE, request.POST.get("view", "")):
        return show(request, trouble="That view is not there any more. Choose another one.", status=409)
    messages.success(request, "From now on your pipeline opens like this.")
    return HttpResponseRedirect(
        address({name: request.GET[name] for name in (*NAMES, *saved.LOOKS) if name in request.GET})
    )
