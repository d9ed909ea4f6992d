"""Services, clauses, rules and delegations: the house's own records."""

from django.contrib import admin

from opportunities.admin.base import KeptAdmin

from ..models import ApprovalRule, Clause, Delegation, Service


@admin.register(Service)
class ServiceAdmin(KeptAdmin):
    list_display = ["name", "price", "recurring", "cadence", "is_sold"]
    search_fields = ["name"]
    fields = [
        "name",
        "description",
        "price",
        "recurring",
        "cadence",
        "is_sold",
        "scope",
        "checklist",
        "questions",
    ]
    empty_words = "Nothing is sold yet. Add a service."


@admin.register(Clause)
class ClauseAdmin(KeptAdmin):
    """A clause keeps its words: a change is a new version."""

    list_display = ["title", "key", "version", "is_standard"]
    search_fields = ["title", "key"]
    fields = ["key", "version", "title", "text", "is_standard"]

    def get_readonly_fields(self, request, obj=None):
        return ["key", "version", "title", "text"] if obj else []


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(KeptAdmin):
    list_display = ["aspect", "min_amount", "permission", "hours"]
    fields = ["aspect", "min_amount", "permission", "hours"]


@admin.register(Delegation)
class DelegationAdmin(KeptAdmin):
    list_display = ["giver", "taker", "starts_on", "ends_on"]
    list_select_related = ["giver", "taker"]
    fields = ["giver", "taker", "starts_on", "ends_on"]
