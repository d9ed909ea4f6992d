"""The opportunity's page."""

from django.contrib import admin

from ..models import Opportunity
from .base import RecordAdmin


@admin.register(Opportunity)
class OpportunityAdmin(RecordAdmin):
    list_display = ["name", "client", "stage", "value", "probability", "owner", "next_action", "due_on"]
    list_filter = ["stage", "owner"]
    list_select_related = ["client", "owner"]
    search_fields = ["name"]
    fieldsets = [
        ("Deal", {"fields": ["name", "client", "value", "currency", "probability", "decision_on", "close_risk"]}),
        ("Who", {"fields": ["owner", "decision_owner", "source"]}),
        ("Next", {"fields": ["next_action", "due_on", "scope_state", "client_safe"]}),
    ]
    panels = ("admin/panels/opportunity_parts.html", "admin/panels/closings.html")
    empty_words = "No opportunities here. Qualify a lead and it becomes one."

    def get_readonly_fields(self, request, obj=None):
        # What the chain derives is not typed; and what was published for one client is never another's.
        own = super().get_readonly_fields(request, obj)
        return [*own, "scope_state", "client_safe", *(["client"] if obj else [])]

    def before_birth(self, request, obj):
        self.refuse_reader(request, obj.client)

    def get_autocomplete_fields(self, request):
        return ["client"]  # the decision owner is one of the few people at this client

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "decision_owner":
            pk = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
            if pk and str(pk).isdigit():
                field.queryset = field.queryset.filter(client__opportunities=pk, left_on=None)
        return field
