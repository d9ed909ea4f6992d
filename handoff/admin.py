"""The staff pages of what delivery inherits."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from opportunities.admin.base import KeptAdmin, ReadOnlyInline, RecordAdmin
from opportunities.records import perform, tell

from . import report_admin
from .models import (
    ChecklistItem,
    Connector,
    Handoff,
    LaunchBlocker,
    Project,
    Promise,
    Receipt,
    Report,
    ReportingCadence,
)


class Inherited(RecordAdmin):
    """Made by winning; people change it, but do not add it."""

    def has_add_permission(self, request):
        return False


class PromiseInline(ReadOnlyInline):
    model = Promise
    fields = ["page", "kind", "words", "stage", "settled_as"]


class ReceiptInline(ReadOnlyInline):
    model = Receipt
    verbose_name_plural = "Receipt: what winning made"
    fields = ["page"]

    @admin.display(description="What")
    def page(self, row):
        """Lead to what was made, where it has a page."""
        try:
            url = reverse(f"admin:{row.record_type.replace('.', '_')}_change", args=[row.record_id])
        except NoReverseMatch:
            return row.words
        return format_html('<a href="{}">{}</a>', url, row.words)


@admin.register(Handoff)
class HandoffAdmin(Inherited):
    list_display = ["opportunity", "contract", "stage", "owner", "due_on"]
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "contract__proposal", "owner"]
    fieldsets = [
        (None, {"fields": ["opportunity", "contract"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    readonly_fields = ["opportunity", "contract"]
    inlines = [PromiseInline, ReceiptInline]
    panels = ("admin/panels/handoff_promises.html",)
    empty_words = "Nothing was handed over yet. A deal that is won stands here at once."

    def pages(self):
        return [*super().pages(), ("<int:pk>/accept-promises/", self.accept_promises_view, "accept_promises")]

    def about(self, request, record):
        offered = record.promises.filter(stage=Promise.Stage.OFFERED).count()
        may = request.user.has_perm("handoff.move_promise") and record.within_reach(request.user, "change")
        return super().about(request, record) | {"offered": offered if may else 0}

    @method_decorator(require_POST)
    def accept_promises_view(self, request, pk):
        """Accept every promise that is still only offered, each by its own move."""
        handoff = self.get_object_or_404(request, pk)
        if not (request.user.has_perm("handoff.move_promise") and handoff.within_reach(request.user, "change")):
            raise PermissionDenied("Delivery may accept promises.")
        with transaction.atomic():
            offered = list(handoff.promises.filter(stage=Promise.Stage.OFFERED))
            for promise in offered:
                perform(promise.accept, by=request.user)
        messages.success(request, f"Accepted: {len(offered)} promises.")
        return redirect(handoff.staff_url())


@admin.register(Promise)
class PromiseAdmin(Inherited):
    list_display = ["title", "kind", "handoff", "stage", "sold_by"]
    list_filter = ["stage", "kind"]
    list_select_related = ["handoff__opportunity", "sold_by"]
    fields = ["handoff", "kind", "title", "words", "sold_by", "settled_as"]
    readonly_fields = fields

    def has_change_permission(self, request, obj=None):
        return False


class ItemInline(ReadOnlyInline):
    model = ChecklistItem
    fields = ["page", "who", "owner", "due_on", "stage"]


class ConnectorInline(ReadOnlyInline):
    model = Connector
    fields = ["page", "access_holder", "secret_kept_at", "stage"]


class BlockerInline(ReadOnlyInline):
    model = LaunchBlocker
    fields = ["page", "severity", "owner", "due_on", "stage"]


class CadenceInline(ReadOnlyInline):
    model = ReportingCadence
    fields = ["page", "weekday", "day", "time_zone", "first_due_on", "reviewer"]


class ReportInline(ReadOnlyInline):
    model = Report
    fields = ["page", "period_from", "period_to", "stage", "breach"]


@admin.register(Project)
class ProjectAdmin(Inherited):
    list_display = ["name", "client", "stage", "kickoff_on", "owner", "due_on"]
    list_filter = ["stage", "owner"]
    list_select_related = ["client", "owner", "opportunity"]
    search_fields = ["name", "client__name"]
    fieldsets = [
        (None, {"fields": ["name", "client", "handoff", "kickoff_on"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    readonly_fields = ["client", "handoff"]
    inlines = [ItemInline, BlockerInline, ConnectorInline, CadenceInline, ReportInline]
    panels = ("admin/panels/project_late.html",)
    empty_words = "No project yet. A deal that is won begins one."

    def about(self, request, record):
        return super().about(request, record) | {"breaches": report_admin.breaches_of(record)}


class OfProject(RecordAdmin):
    """A row of a project. It is added to a project within reach, and stays there."""

    def has_add_permission(self, request):
        return request.user.has_perm(f"handoff.add_{self.opts.model_name}")

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["project"] if obj else [])]

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}


@admin.register(ChecklistItem)
class ChecklistItemAdmin(OfProject):
    list_display = ["title", "project", "who", "stage", "owner", "due_on"]
    list_filter = ["stage", "who", "owner"]
    list_select_related = ["project", "owner"]
    search_fields = ["title"]
    fields = ["project", "title", "who", "owner", "offset_days", "due_on"]

    def get_readonly_fields(self, request, obj=None):
        # The words of an item that clients read are the house's approved ones.
        approved = obj is not None and obj.client_safe == "approved"
        return [*super().get_readonly_fields(request, obj), *(["title", "who"] if approved else [])]


@admin.register(LaunchBlocker)
class LaunchBlockerAdmin(OfProject):
    list_display = ["words", "project", "severity", "stage", "owner", "due_on"]
    list_filter = ["stage", "severity", "owner"]
    list_select_related = ["project", "owner"]
    fields = ["project", "words", "severity", "owner", "due_on", "summary"]


@admin.register(Connector)
class ConnectorAdmin(OfProject):
    list_display = ["provider", "account", "project", "access_holder", "stage"]
    list_filter = ["stage"]
    list_select_related = ["project"]
    search_fields = ["provider", "account"]
    fields = ["project", "provider", "account", "access_holder", "secret_kept_at"]


@admin.register(ReportingCadence)
class ReportingCadenceAdmin(KeptAdmin):
    list_display = ["project", "frequency", "first_due_on", "reviewer"]
    list_select_related = ["project", "reviewer"]
    fields = [
        "project",
        "frequency",
        "weekday",
        "day",
        "on_last_working_day",
        "skips_days_off",
        "country",
        "time_zone",
        "first_due_on",
        "reviewer",
        "recipients",
    ]
    readonly_fields = ["project"]

    def has_add_permission(self, request):
        return False

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "recipients":
            pk = str((request.resolver_match and request.resolver_match.kwargs.get("object_id")) or "")
            people = db_field.related_model.objects.visible_to(request.user).filter(left_on=None)
            # A client's report goes to nobody at another client.
            own = (
                people.filter(client__projects__cadences=int(pk)) if pk.isdecimal() and pk.isascii() else people.none()
            )
            kwargs["queryset"] = own.distinct()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request, form, formsets, change):
        """Keep who reads the reports in the diary too."""
        cadence = form.instance
        before = {str(contact) for contact in cadence.recipients.all()}
        super().save_related(request, form, formsets, change)
        after = {str(contact) for contact in cadence.recipients.all()}
        if before != after:
            facts = {"recipients": [sorted(before), sorted(after)]}
            tell(cadence, "edit", "changed who reads", by=request.user, facts=facts)
