"""The staff pages of what delivery inherits."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from opportunities.admin.base import KeptAdmin, ReadOnlyInline, RecordAdmin, came_from
from opportunities.lists.actions import MANY
from opportunities.records import Refused, perform, tell

from . import (
    admin_days,  # noqa: F401  (it registers the changes of the days of reports)
    admin_onboarding,  # noqa: F401  (it registers the pages of onboarding)
    changeorders,
    onboarding,
    report_admin,
)
from .admin_days import to_ask
from .models import (
    CadenceChange,
    Handoff,
    OutOfScope,
    Project,
    Promise,
    Receipt,
    Report,
    ReportingCadence,
)
from .models.days import TERMS


class Inherited(RecordAdmin):
    """Made by winning; people change it, but do not add it."""

    def has_add_permission(self, request):
        return False


class PromiseInline(ReadOnlyInline):
    model = Promise
    fields = ["page", "kind", "words", "stage"]


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


# What stands above the form of a handoff and of its project about what was promised.
OF_PROMISES = (
    "admin/panels/out_of_scope.html",
    "admin/panels/change_orders.html",
    "admin/panels/claims.html",
)


@admin.register(Handoff)
class HandoffAdmin(Inherited):
    list_display = ["opportunity", "contract", "stage", "owner", "due_on"]
    many = MANY
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "contract__proposal", "owner"]
    fieldsets = [
        (None, {"fields": ["opportunity", "contract"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    readonly_fields = ["opportunity", "contract"]
    inlines = [PromiseInline, ReceiptInline]
    panels = ("admin/panels/handover.html", "admin/panels/handoff_promises.html", *OF_PROMISES)
    empty_words = "Nothing was handed over yet. A deal that is won stands here at once."

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/accept-promises/", self.accept_promises_view, "accept_promises"),
            ("<int:pk>/order-change/", self.order_change_view, "order_change"),
        ]

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
        return redirect(came_from(request, handoff))

    @method_decorator(require_POST)
    def order_change_view(self, request, pk):
        """Begin a change order to its contract, or go on with the one that is written."""
        handoff = self.get_object_or_404(request, pk)
        if not changeorders.may_order(handoff, request.user):
            raise PermissionDenied("Whoever sells or delivers may begin a change order.")
        about = " ".join(request.POST.get("about", "").replace("\0", "").split())
        if not about:
            messages.error(request, "Say in a few words what changes: the client reads it as the title.")
            return redirect(handoff.staff_url("changes"))
        return begun(request, handoff, lambda: changeorders.order(handoff, about, by=request.user))


def begun(request, record, order):
    """Begin a change order, and go to where it is written; say why not where it cannot be begun."""
    try:
        change = order()
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(record.staff_url())
    messages.success(request, f"Write what changes, and submit it: {change}.")
    return redirect(change.staff_url())


@admin.register(Promise)
class PromiseAdmin(Inherited):
    list_display = ["title", "kind", "handoff", "stage", "outcome", "sold_by"]
    list_filter = ["stage", "kind", "outcome"]
    list_select_related = ["handoff__opportunity", "sold_by", "change_order"]
    fields = ["handoff", "kind", "title", "words", "sold_by"]
    readonly_fields = fields
    panels = ("admin/panels/promise.html",)

    def pages(self):
        return [*super().pages(), ("<int:pk>/reword/", self.reword_view, "reword")]

    @method_decorator(require_POST)
    def reword_view(self, request, pk):
        """Begin the change order that rewords a disputed promise, or go to the one that does."""
        promise = self.get_object_or_404(request, pk)
        if not changeorders.may_reword(promise, request.user):
            raise PermissionDenied("Whoever sells may begin a change order that rewords a promise.")
        return begun(request, promise, lambda: changeorders.reword(promise, by=request.user))

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(OutOfScope)
class OutOfScopeAdmin(Inherited):
    list_display = ["exclusion", "handoff", "task", "item", "stage"]
    list_filter = ["stage"]
    list_select_related = ["exclusion", "handoff__opportunity", "task", "item"]
    fields = ["handoff", "exclusion", "task", "item", "words", "reason", "change_order"]
    readonly_fields = fields
    empty_words = "No work touches what was excluded."

    def has_change_permission(self, request, obj=None):
        return False


class CadenceInline(ReadOnlyInline):
    model = ReportingCadence
    fields = ["page", "time_zone", "first_due_on", "reviewer"]


class ReportInline(ReadOnlyInline):
    model = Report
    fields = ["page", "period_from", "period_to", "stage", "breach"]


@admin.register(Project)
class ProjectAdmin(Inherited):
    list_display = ["name", "client", "stage", "kickoff_on", "owner", "due_on"]
    many = MANY
    list_filter = ["stage", "owner"]
    list_select_related = ["client", "owner", "opportunity", "handoff__contract"]
    reads_along = (
        Prefetch("cadences", ReportingCadence.objects.select_related("reviewer").prefetch_related("changes")),
    )
    search_fields = ["name", "client__name"]
    fieldsets = [
        (None, {"fields": ["name", "client", "handoff", "kickoff_on", "kickoff_time"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    readonly_fields = ["client", "handoff"]
    inlines = [CadenceInline, ReportInline]
    panels = (
        "admin/panels/project_passed.html",
        "admin/panels/onboarding.html",
        "admin/panels/project_late.html",
        "admin/panels/report_days.html",
        *OF_PROMISES,
    )
    empty_words = "No project yet. A deal that is won begins one."

    def about(self, request, record):
        record.handoff.opportunity = record.opportunity  # read once
        return super().about(request, record) | {
            "terms": next(iter(record.its("cadences")), None),
            "onboarding": onboarding.panel(record, request.user),
            "breaches": report_admin.breaches_of(record),
        }


class ChangeInline(ReadOnlyInline):
    model = CadenceChange
    fields = ["page", "reason", "asked_by", "decided_by", "stage"]


@admin.register(ReportingCadence)
class ReportingCadenceAdmin(KeptAdmin):
    list_display = ["project", "frequency", "first_due_on", "reviewer"]
    list_select_related = ["project", "reviewer"]
    fieldsets = [
        (None, {"fields": ["project", "reviewer", "recipients"]}),
        ("Changed by an approved change alone", {"fields": ["first_due_on", "time_zone", "country"]}),
    ]
    readonly_fields = ["project", *TERMS]
    inlines = [ChangeInline]
    panels = ("admin/panels/report_days.html",)

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("changes")

    def about(self, request, record):
        may = request.user.has_perm("handoff.add_cadencechange") and record.within_reach(request.user, "change")
        return super().about(request, record) | {"terms": record, "asks": to_ask(record) if may else []}

    def has_add_permission(self, request):
        return False

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "reviewer":
            kwargs["queryset"] = Report.approvers()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

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
