"""Leads and where they come from."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from ..models import Lead, LeadFact, Source
from .base import KeptAdmin, RecordAdmin
from .notes import TakesNotes


@admin.register(Source)
class SourceAdmin(KeptAdmin):
    list_display = ["name", "kind", "valid_until"]
    list_filter = ["kind"]
    search_fields = ["name"]


@admin.register(Lead)
class LeadAdmin(TakesNotes, RecordAdmin):
    list_display = ["name", "company", "stage", "source", "owner", "next_action", "due_on"]
    list_filter = ["stage", "owner", "source"]
    list_select_related = ["source", "owner"]
    search_fields = ["name", "company", "email"]
    fieldsets = [
        ("Who", {"fields": ["name", "company", "email", "phone", "website", "country"]}),
        ("What they said", {"fields": ["words", "source", "arrived_at"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    panels = ("admin/panels/lead_facts.html",)
    empty_words = "No leads here. Add one by hand, import a file, or wait for the public form."

    def pages(self):
        return [*super().pages(), ("<int:pk>/fact/", self.fact_view, "fact")]

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def about(self, request, record):
        known = {fact.kind: fact for fact in record.facts.select_related("confirmed_by")}
        facts = [{"kind": kind, "label": label, "fact": known.get(kind)} for kind, label in LeadFact.Kind.choices]
        may = self.has_change_permission(request, record) and record.is_open
        return super().about(request, record) | {"facts": facts, "may_confirm": may}

    @method_decorator(require_POST)
    def fact_view(self, request, pk):
        """Confirm one of the seven facts, or take its confirmation back."""
        lead = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, lead):
            raise PermissionDenied
        kind, value = request.POST.get("kind", ""), request.POST.get("value", "").replace("\0", "").strip()
        if kind not in LeadFact.Kind.values or not lead.is_open:
            messages.error(request, "This fact cannot be confirmed now. Reload the page.")
        elif "unconfirm" in request.POST:
            if fact := lead.facts.filter(kind=kind, confirmed_at__isnull=False).first():
                lead.unconfirm(fact.kind, by=request.user, reason="")
        elif not value:
            messages.error(request, f"Write the {LeadFact.Kind(kind).label.lower()} before you confirm it.")
        elif len(value) > 300:
            messages.error(request, f"Shorten the {LeadFact.Kind(kind).label.lower()} to 300 letters.")
        else:
            lead.confirm(kind, value, by=request.user)
        return redirect(lead.staff_url("facts"))
