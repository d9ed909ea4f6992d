"""What every staff page of a record shares: scope, the keyset list, moves with their reasons, edits with events."""

from datetime import date, datetime
from operator import attrgetter

from django import forms
from django.contrib import messages
from django.contrib.admin import display
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import display_for_field, display_for_value, lookup_field
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models, transaction
from django.forms.models import BaseInlineFormSet
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.views.decorators.http import require_safe
from unfold.admin import ModelAdmin, TabularInline

from .. import once, reads
from ..forms import near_our_time, read_once, say_plainly, to_the_minute
from ..inplace import LONGEST, SAY_NEXT, FieldsForm, by_your_clock, fields_form
from ..lists import export, saved
from ..lists.asked import Asked, address_of, is_moved
from ..lists.columns import label_of
from ..lists.due import DUE, due_field, is_due
from ..lists.order import whole_number
from ..models import User
from ..money import said_number
from ..records import Refused, begin, edit, erased, lock, may_override, perform, plain, tell, words_of_erased
from ..stale import SeenForm

EMPTY = "–"
NOTHING = "None"


LOOKED_UP = {
    "opportunities.client",
    "opportunities.contact",
    "opportunities.lead",
    "opportunities.opportunity",
    "proposals.contract",
    "proposals.proposal",
    "handoff.project",
}


class FirstPages(Paginator):
    """The pages of a picker. It never counts a large table: past these, type more letters."""

    MOST = 200

    @cached_property
    def count(self):
        return len(self.object_list.values_list("pk")[: self.MOST])


class Lookup(AutocompleteSelect):
    """A field that is looked up as one types. Whatever is no id is no choice, instead of a page that breaks."""

    def optgroups(self, name, value, attrs=None):
        return super().optgroups(name, [pk for pk in value if whole_number(str(pk))], attrs)


class Picker(AutocompleteJsonView):
    """What a field that is looked up offers."""

    def process_request(self, request):
        term, *about = super().process_request(request)
        return term.replace("\0", ""), *about

    def serialize_result(self, obj, to_field_name):
        return super().serialize_result(obj, to_field_name) | {"text": obj.picked_as}


class KeptAdmin(ModelAdmin):
    """A page about something that keeps a diary. Nothing is deleted; every change leaves an event."""

    form = SeenForm
    change_form_template = "admin/record.html"
    actions = None
    show_full_result_count = False
    # Said on the empty list: what to do first.
    empty_words = "Nothing here yet."
    # What the list can be taken away as besides its rows: the words, and the name of the address, which gets the list's
    # own filters.
    downloads: tuple = ()
    # Columns that can be shown beside the usual ones and those that its form has, and whether the form's are offered.
    list_more: tuple = ()
    offers_its_fields = True
    # What can be done to many rows at once, by name: the forms that ask how.
    many: dict = {}
    # What the diary says that was done with a new one.
    born = "created"
    # What the button that begins a new one says, where it is not "Add" and what it is: the verb, and the rest.
    adds: tuple = ()
    # Templates with more about the record, above the form.
    panels: tuple = ()
    # What is read along with the record for its page, because several parts of it show the same rows.
    reads_along: tuple = ()
    # Whether a new one that names no next action begins with the usual one.
    says_its_first_action = False
    # The fields that can be changed in a small form, from another page.
    in_place: tuple = ()
    in_place_form = FieldsForm
    # What choosing nothing means, by field, where there is a better word than none.
    nothing: dict = {}

    # -- Who sees what. ------------------------------------------------------------------------------------------------

    def get_queryset(self, request):
        rows = self.model._base_manager.filter(self.model.reach(request.user))
        return rows.select_related(*(self.list_select_related or [None]))

    def has_view_permission(self, request, obj=None):
        return self.may(request, "view", obj)

    def has_change_permission(self, request, obj=None):
        return self.may(request, "change", obj)

    def has_delete_permission(self, request, obj=None):
        return False

    def may(self, request, action, obj):
        right = f"{self.opts.app_label}.{action}_{self.opts.model_name}"
        if action == "view" and request.user.has_perm(right.replace(".view_", ".change_")):
            right = right.replace(".view_", ".change_")
        return request.user.has_perm(right) and (obj is None or obj.within_reach(request.user, action))

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer only what this person may see, and only people who still work here."""
        related = db_field.related_model
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", Lookup(db_field, self.admin_site))
        if "queryset" not in kwargs and hasattr(related, "reach"):
            kwargs["queryset"] = related._base_manager.filter(related.reach(request.user))
            if related is User:
                kwargs["queryset"] = people_for(db_field, self.model)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if isinstance(field.widget, Lookup):
            field.label_from_instance = attrgetter("picked_as")
        return field

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        if type(db_field) is models.TextField:
            kwargs["max_length"] = LONGEST
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            say_plainly(field)
            say_nothing_plainly(field, self.nothing.get(db_field.name, NOTHING))
        if field is not None and isinstance(db_field, models.DateField):
            field.validators.append(near_our_time)
        if field is not None and isinstance(db_field, models.DateTimeField):
            to_the_minute(field)
            field.help_text = f"{field.help_text} {by_your_clock()}".strip()
        if type(db_field) is models.TextField and field is not None:
            # The browser would cut a long paste off; the page says instead what to do with it.
            field.widget.attrs.pop("maxlength", None)
        return field

    def get_form(self, request, obj=None, **kwargs):
        """No open record is without a next action. A new one that may be left empty here says its first itself."""
        form = super().get_form(request, obj, **kwargs)
        field = form.base_fields.get("next_action")
        if field is not None and (obj.is_open if obj else not self.says_its_first_action):
            field.required = True
            field.error_messages["required"] = SAY_NEXT
        return form

    def get_changeform_initial_data(self, request):
        """Take from an address what a field can hold; a date as a date, and none where it is no date."""
        initial = super().get_changeform_initial_data(request)
        for field in self.opts.concrete_fields:
            if isinstance(field, models.DateField) and isinstance(initial.get(field.name), str):
                try:
                    initial[field.name] = field.to_python(initial[field.name])
                except ValidationError:
                    del initial[field.name]
        return initial

    def get_autocomplete_fields(self, request):
        """Look up as you type what there may be a hundred thousand of; the others are a plain list to choose from."""
        keys = [field for field in self.opts.fields if field.related_model]
        return [field.name for field in keys if field.related_model._meta.label_lower in LOOKED_UP]

    def get_paginator(self, request, queryset, per_page, *args, **kwargs):
        return FirstPages(queryset.order_by("-pk"), per_page, allow_empty_first_page=True)

    def get_search_results(self, request, queryset, search_term):
        return super().get_search_results(request, queryset, search_term[:200])[0], False

    @cached_property
    def above(self) -> str:
        """Return the lookup that leads from a row to its deal, or else to its client; empty where it has neither."""
        named = {field.name for field in self.opts.fields if field.related_model}
        paths = [name for name in ("opportunity", "client") if name in named]
        paths += getattr(self.model, "lineage", list)()
        return next((path for path in paths if path.split("__")[-1] in ("opportunity", "client")), "")

    # -- The list. -----------------------------------------------------------------------------------------------------

    def changelist_view(self, request, extra_context=None):
        return self.show_list(request, extra_context)

    def show_list(self, request, extra_context=None, status=200):
        """Show the list as the address asks for it. Without a word it opens with this person's view."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key, user = self.opts.label_lower, request.user
        tabs = saved.tabs(user, key, saved.house(self))
        opens_with = user.opens_with.get(key, "")
        if not request.GET and status == 200:
            opening = next((tab for tab in tabs if tab.key == opens_with and tab.query), None)
            if opening:
                return redirect(address_of(request.path, opening.query))
        asked = Asked(self, request)
        if is_moved(request.GET):
            return redirect(asked.address())
        page = asked.page_of()
        current = saved.current(tabs, asked.query, opens_with)
        gone = saved.said_no_more(tabs, request.GET.dict()) if asked.left_out and current is None else None
        may_save = user.has_perm("opportunities.add_savedview")
        context = {
            **self.admin_site.each_context(request),
            "title": self.opts.verbose_name_plural.capitalize(),
            "opts": self.opts,
            "asked": asked,
            "heads": asked.heads,
            "rows": [(self.row_url(row), self.cells(row, asked.names), row.pk) for row in page.rows],
            "page": page,
            "newest_url": asked.address(),
            "older_url": asked.address(**page.further) if page.further else "",
            "left_out": asked.left_out,
            "gone": gone,
            "filters": asked.filters,
            "words": asked.words,
            "kept": asked.chosen,
            "looks": asked.looks,
            "here": request.path,
            "orders": asked.orders,
            "places": asked.places(),
            "usual_url": asked.address(columns=""),
            "clear_url": address_of(request.path, asked.looks),
            "searchable": bool(self.search_fields or self.above),
            "empty_words": self.empty_words,
            "downloads": [(words, reverse(name)) for words, name in self.downloads],
            "add_url": self.add_url() if self.has_add_permission(request) else "",
            "adds": self.adds or ("Add", self.opts.verbose_name),
            "many": self.many_for(request),
            "several_pages": page.newer or bool(page.further),
            "views": {
                "list": key,
                "tabs": [(tab, address_of(request.path, tab.query), tab is current) for tab in tabs],
                "current": current,
                "is_as_saved": current is not None and current.query == asked.query,
                "opens_with": opens_with,
                "asked": urlencode(asked.query),
                "save": saved.SaveForm(),
                "may_save": may_save,
                "save_url": reverse("list_save", args=[key]),
                "open_url": reverse("list_open_with", args=[key]),
                "many_url": reverse("list_many", args=[key]),
                "files": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export"),
                "most_excel": export.MOST_EXCEL,
            },
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/record_list.html", context, status=status)

    def many_for(self, request) -> dict:
        """Return what this person may do to many rows of this list at once."""
        if not self.has_change_permission(request):
            return {}
        return {name: form for name, form in self.many.items() if form.is_for(self)}

    def export_view(self, request):
        """Give every row of the list as a file, as it is filtered, sorted and laid out."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = Asked(self, request)
        asked.path = asked.path.removesuffix("export/")
        if words := export.why_none(request, asked.left_out, asked.found):
            return export.no_file(request, words, asked.address())
        return export.file_of(asked, request.GET["as"])

    def row_url(self, row):
        return self.row_url_of(row.pk)

    def row_url_of(self, pk):
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[pk])

    def add_url(self):
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add")

    def filter_rows(self, request, rows):
        """Return the filters of the list with what is chosen, and the rows that they let through."""
        filters = []
        for name in self.list_filter:
            field = self.opts.get_field(name)
            chosen, value = request.GET.get(name, ""), None
            if field.related_model:
                choices = [(str(row.pk), str(row)) for row in self.offered(field, request)]
            elif isinstance(field, models.BooleanField):
                choices, value = [("True", "Yes"), ("False", "No")], chosen == "True"
            else:
                choices = [(str(value), label) for value, label in field.flatchoices]
            if name == "owner":
                choices = [("me", "Me"), *choices]
                value = request.user.pk if chosen == "me" else None
            if chosen in dict(choices):
                rows = rows.filter(**{name: chosen if value is None else value})
            filters.append(
                {"name": name, "label": field.verbose_name.capitalize(), "choices": choices, "chosen": chosen}
            )
        if field := due_field(self):
            chosen = request.GET.get("due", "")
            if chosen in DUE:
                rows = rows.filter(is_due(chosen, field))
                # What is over is owed no more.
                rows = rows.exclude(stage__in=getattr(self.model, "CLOSED", ())) if chosen != "none" else rows
            filters.append({"name": "due", "label": "Due", "choices": list(DUE.items()), "chosen": chosen})
        return filters, rows

    def offered(self, field, request):
        related = field.related_model
        if related is User:
            return User.objects.filter(is_staff=True).order_by("first_name", "username")[:200]
        return related._base_manager.filter(related.reach(request.user)).order_by("pk")[:200]

    def cells(self, row, names):
        cells = []
        for name in names:
            field, _, value = lookup_field(name, row, self)
            on = value if isinstance(value, date) else None
            if field is not None and not field.remote_field:
                value = said_number(field, value, row) or display_for_field(value, field, EMPTY)
            elif not isinstance(value, models.Model):
                value = display_for_value(value, EMPTY) if value is not None else EMPTY
            label = label_of(self, name)
            if not cells and value in ("", EMPTY):
                value = f"No {label}"  # it is the link to the row
            cells.append({"name": name, "label": label, "value": value, "on": on, "timed": isinstance(on, datetime)})
        return cells

    # -- The page. -----------------------------------------------------------------------------------------------------

    def get_readonly_fields(self, request, obj=None):
        own = super().get_readonly_fields(request, obj)
        return [*own, "stage"] if obj is not None and hasattr(self.model, "steps") else own

    def get_object(self, request, object_id, from_field=None):
        """Read the record once a request: what stands around the form needs it before the form does."""
        if request.method != "GET" or from_field:
            return super().get_object(request, object_id, from_field)
        kept = request.__dict__.setdefault("_records", {})
        key = (self.opts.label, object_id)
        if key not in kept:
            kept[key] = record = super().get_object(request, object_id)
            if record is not None:
                models.prefetch_related_objects([record], *self.reads_along)
        return kept[key]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        record = self.get_object(request, object_id) if object_id else None
        extra = {"show_save_and_add_another": False, "show_save_and_continue": False, "show_delete": False}
        extra |= extra_context or {}
        if record is not None and self.has_view_permission(request, record):
            extra |= self.about(request, record)
        show = super().changeform_view
        if object_id and not (record and request.method == "POST" and self.has_change_permission(request, record)):
            return show(request, object_id, form_url, extra)
        if object_id:
            with transaction.atomic():
                lock(record)  # what its form compares with stays so until it is saved
                return show(request, object_id, form_url, extra)
        return once.saved(request, lambda: show(request, object_id, form_url, extra))

    def render_change_form(self, request, context, *args, **kwargs):
        """Answer 409 where somebody else wrote in the same field meanwhile: it was not saved."""
        answer = super().render_change_form(request, context, *args, **kwargs)
        if getattr(context["adminform"].form, "newer", ()):
            answer.status_code = 409
        return answer

    def about(self, request, record) -> dict:
        """Return what stands around the form: the stage, the moves, the panels, the timeline."""
        about = {
            "record": record,
            "title": str(record),
            "subtitle": None,
            "timeline": reads.timeline(record, whole_number(request.GET.get("before"))),
            "panels": self.panels,
        }
        if hasattr(record, "moves_for"):
            about["moves"] = moves = record.moves_for(request.user)
            about["can_override"] = [move.name for move in moves if may_override(record, move.step, request.user)]
            about["contract"] = self.contract(record)
        return about

    def contract(self, record) -> list:
        """Return what an output says of itself beside its stage, owner and next action: words and value."""
        return [
            (record._meta.get_field(name).verbose_name.capitalize(), shown(record, name))
            for name in getattr(record, "CONTRACT", ())
            if name not in ("stage", "owner", "next_action", "due_on")
        ]

    def response_add(self, request, obj, post_url_continue=None):
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self.stay_with(request, obj, "Added")

    def response_change(self, request, obj):
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        return self.stay_with(request, obj, "Saved")

    def stay_with(self, request, record, done):
        """Say what was done, and show the record: that is where the work goes on. Whoever may not gets the list."""
        messages.success(request, f"{done}: {record}.")
        if self.has_view_permission(request) and self.get_queryset(request).filter(pk=record.pk).exists():
            return redirect(self.row_url(record))
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def save_model(self, request, obj, form, change):
        """Make it, or change exactly the fields that were changed; either leaves an event."""
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data if name in self.own_fields()}
            edit(obj, by=request.user, **changes)
        else:
            self.before_birth(request, obj)
            self.refuse_reader(request, getattr(obj, "parent", None))
            begin(obj, by=request.user, past=self.born)

    def set_fields(self, record, *, by, **changes):
        """Change fields of a record of this list, one of many; it leaves an event like every edit."""
        return edit(record, by=by, **changes)

    def refuse_reader(self, request, above):
        """Whoever may only read what a new record belongs to adds nothing to it."""
        if above is not None and not above.within_reach(request.user, "change"):
            raise PermissionDenied(f"You may read this, but not add to it: {above}.")

    def own_fields(self):
        return {field.name for field in self.opts.concrete_fields}

    def before_birth(self, request, obj):
        """Set what the person does not type."""

    def save_formset(self, request, form, formset, change):
        """Save the rows below a record; each that was added, changed or removed is a line in its diary."""
        parent = form.instance
        formset.save(commit=False)
        with transaction.atomic():
            lock(parent)
            for row in formset.new_objects:
                row.save()
                tell(
                    parent,
                    "row_added",
                    f"added a {row._meta.verbose_name} to",
                    by=request.user,
                    facts={"row": str(row)},
                )
            said = {each.instance.pk: each.cleaned_data for each in formset.initial_forms if each.has_changed()}
            for row, names in formset.changed_objects:
                old, facts = type(row)._base_manager.get(pk=row.pk), {}
                for field in (row._meta.get_field(name) for name in names if hasattr(old, name)):
                    before, now = getattr(old, field.name), said[row.pk][field.name]
                    if field.many_to_many:
                        before, now = sorted(map(str, before.all())), sorted(map(str, now))
                    facts[f"{row}: {field.verbose_name}"] = [plain(before), plain(now)]
                row.save()
                tell(parent, "row_changed", f"changed a {row._meta.verbose_name} of", by=request.user, facts=facts)
            for row in formset.deleted_objects:
                tell(
                    parent,
                    "row_removed",
                    f"removed a {row._meta.verbose_name} from",
                    by=request.user,
                    facts={"row": str(row), **{f.name: plain(getattr(row, f.name)) for f in row._meta.concrete_fields}},
                )
                row.delete()
            formset.save_m2m()

    def log_addition(self, request, obj, message):
        """The diary has it; Django's own log would say it a second time."""

    def log_change(self, request, obj, message):
        """The diary has it."""

    def history_view(self, request, object_id, extra_context=None):
        return redirect(f"{self.row_url(self.get_object_or_404(request, object_id))}#happened")

    def _get_obj_does_not_exist_redirect(self, request, opts, object_id):
        # Whoever may not see a record learns nothing of it, not even by being sent elsewhere.
        raise Http404

    def get_object_or_404(self, request, pk):
        record = self.get_object(request, str(pk))
        if record is None or not self.has_view_permission(request, record):
            raise Http404
        return record

    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(route, self.admin_site.admin_view(view), name=f"{name}_{word}") for route, view, word in self.pages()
        ]
        lists = [path("export/", self.admin_site.admin_view(require_safe(self.export_view)), name=f"{name}_export")]
        return [*lists, *own, *super().get_urls()]

    def pages(self) -> list:
        """Return this record's own addresses: (route, view, name)."""
        return [("<int:pk>/fields/", self.fields_view, "fields")] if self.in_place else []

    @transaction.atomic
    def fields_view(self, request, pk):
        """Change a few fields of a record in a small form: those that the address names, or all that it may have."""
        record = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, record):
            raise PermissionDenied(f"You may read this, but not change it: {record}.")
        data = request.POST if request.method == "POST" else None
        if data is not None:
            record = lock(record)  # what the form compares with stays so until it is saved
        form = self.small_form(request, record, request.GET.getlist("name"), data)
        if form.is_valid() and form.keep(by=request.user):
            messages.success(request, f"Saved: {record}.")
            return redirect(came_from(request, record))
        return self.ask(request, record, form, "Change", "Save")

    def opens_in_place(self, name) -> bool:
        """Whether a field can be changed in a small form."""
        return name in self.in_place

    def small_form(self, request, record, names, data):
        """Return the form for those of these fields that may be changed in place; for all of them when none may."""
        closed = self.get_readonly_fields(request, record)
        may = [name for name in self.in_place if name not in closed]
        return fields_form(record, [name for name in may if name in names] or may, self.in_place_form)(
            data, instance=record
        )

    def ask(self, request, record, form, title, button):
        """Show a small form: as a page, or in place where the script asks for it."""
        context = {**self.admin_site.each_context(request), "opts": self.opts, "record": record, "form": form}
        context |= {"title": title, "button": button, "back": came_from(request, record)}
        status = 409 if getattr(form, "newer", ()) else 200
        return TemplateResponse(request, "admin/small_form.html", context, status=status)


class RecordAdmin(KeptAdmin):
    """The page of a record with a stage: its moves, each a button or the list of what is missing."""

    def pages(self):
        return [*super().pages(), ("<int:pk>/move/<slug:name>/", self.move_view, "move")]

    def move_view(self, request, pk, name):
        """Ask for the words that a move needs (GET), and make the move (POST)."""
        record = self.get_object_or_404(request, pk)
        move = next((move for move in record.moves_for(request.user) if move.name == name), None)
        if move is None and name not in {step.name for step in record.steps()}:
            raise Http404
        if move is not None and not move.allowed:
            raise PermissionDenied(f"{move.who} may do this: {move.label}.")
        if move is None and (who := erased(record)):
            messages.error(request, words_of_erased(who))
            return redirect(came_from(request, record))
        if move is None:
            into = getattr(record, "merged_into", None)
            already = f"was merged already, into {into}" if into else f"is already {record.get_stage_display().lower()}"
            messages.warning(request, f"{record} {already}.")
            return redirect(came_from(request, record))

        form, said = None, (request.POST, request.FILES) if request.method == "POST" else ()
        if asks := move.asks or move.hears:
            form = import_string(asks)(*said, record=record, user=request.user)
        overriding = bool(move.lacks) and may_override(record, move.step, request.user)
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                details = form.cleaned_data if form else {}
                override = request.POST.get("override", "").replace("\0", "").strip()[:2000] if overriding else ""
                record = perform(
                    getattr(record, name),
                    by=request.user,
                    override=override,
                    seen=request.POST.get("turn", ""),
                    **details,
                )
            except Refused as refusal:
                move.lacks = refusal.lacks
            else:
                messages.success(request, f"Done: you {move.step.custom['past'].rstrip(',')} {record}.")
                return redirect(came_from(request, record))
        context = {
            **self.admin_site.each_context(request),
            "title": move.label,
            "opts": self.opts,
            "record": record,
            "move": move,
            "form": form,
            "overriding": overriding,
            "back": came_from(request, record),
        }
        refused = request.method == "POST" and (move.lacks or form)
        return TemplateResponse(request, "admin/move.html", context, status=409 if refused and move.lacks else 200)


class ReadOnlyAdmin(KeptAdmin):
    """A page to read: nobody adds or changes here."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class Rows(BaseInlineFormSet):
    """Rows below a record. A page that read them along with it shows those."""

    # So many more than there are can come in at once: each is a form that is made, read and shown again.
    MORE = 50

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self.max_num = self.absolute_max = len(self.get_queryset()) + self.MORE

    def get_queryset(self):
        name = self.fk.remote_field.get_accessor_name()
        if not self.is_bound and self.instance.has_read(name):
            return getattr(self.instance, name).all()
        return super().get_queryset()


class RowInline(TabularInline):
    """Rows below a record, in the form of the record. Rights and reach are the record's own."""

    formset = Rows
    extra = 0
    show_change_link = False

    # It would repeat the cells.
    hide_title = True

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Name each field for those who do not see the heading of its column."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            say_plainly(field)
            say_nothing_plainly(field)
        if field is not None and field.label:
            field.widget.attrs.setdefault("aria-label", capfirst(field.label))
        return field

    def get_queryset(self, request):
        """Read what the rows point to along with them."""
        pointers = [field.name for field in self.opts.concrete_fields if field.many_to_one]
        return super().get_queryset(request).select_related(*pointers)

    def may(self, request, obj):
        return obj is None or obj.within_reach(request.user, "change")

    def has_view_permission(self, request, obj=None):
        return True

    def has_add_permission(self, request, obj=None):
        return self.may(request, obj) and self.right(request, "change")

    has_change_permission = has_add_permission

    def has_delete_permission(self, request, obj=None):
        return False

    def right(self, request, action):
        parent = self.parent_model._meta
        return request.user.has_perm(f"{parent.app_label}.{action}_{parent.model_name}")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        related = db_field.related_model
        if "queryset" not in kwargs and hasattr(related, "reach"):
            within = related._base_manager.filter(related.reach(request.user))
            kwargs["queryset"] = people_for(db_field, self.parent_model) if related is User else within
        return read_once(super().formfield_for_foreignkey(db_field, request, **kwargs))

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        return read_once(super().formfield_for_manytomany(db_field, request, **kwargs))


class ReadOnlyInline(RowInline):
    """Rows to read below a record. Where `page` is among the fields, it leads to the row's own."""

    can_delete = False

    @display(description="What")
    def page(self, row):
        return format_html('<a href="{}">{}</a>', row.staff_url(), row)

    def get_readonly_fields(self, request, obj=None):
        return self.fields

    def has_add_permission(self, request, obj=None):
        return False

    has_change_permission = has_add_permission


def say_nothing_plainly(field, nothing=NOTHING):
    """Name the empty choice of a list after what it means, or say that one has to be chosen."""
    words = "Choose one" if field.required else nothing
    if isinstance(field, forms.ModelChoiceField) and not isinstance(field.choices, list):
        field.empty_label = field.empty_label and words
    elif isinstance(field, forms.ChoiceField):
        field.choices = [(value, words if value == "" else label) for value, label in field.choices]


def people_for(db_field, model):
    """Return who may stand in a field: as an owner whoever may work on such a record, else whoever works here."""
    return User.who_may_own(model) if db_field.name == "owner" else User.who_work_here()


def shown(record, name):
    """Return a field's value as a person reads it."""
    display = getattr(record, f"get_{name}_display", None)
    try:
        value = display() if display else getattr(record, name)
    except FieldDoesNotExist:
        return EMPTY
    return EMPTY if value in (None, "") else value


def came_from(request, record):
    """Return the page to go back to: the one that asked, when it is ours, or the record's own."""
    back = request.POST.get("back") or request.GET.get("back") or ""
    return back if back.startswith("/admin/") and "//" not in back and "\\" not in back else record.staff_url()
