"""Services, clauses, rules and delegations: the house's own records."""

import json

from django.contrib import admin
from django.db import models

from opportunities.admin.base import KeptAdmin

from ..models import ApprovalRule, Clause, Delegation, Service


class PlainJSON(json.JSONDecoder):
    """Reads only what the database can keep: no NaN, no infinity, no NUL, no half of a character."""

    def decode(self, s, *args, **kwargs):
        found = super().decode(s, *args, **kwargs)
        try:
            kept = json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        except ValueError as trouble:
            raise json.JSONDecodeError(str(trouble), s, 0) from trouble
        if b"\\u0000" in kept:
            raise json.JSONDecodeError("NUL", s, 0)
        return found


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
        "questionnaire",
        "scope",
        "checklist",
    ]
    empty_words = "Nothing is sold yet. Add a service."

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, models.JSONField):
            kwargs["decoder"] = PlainJSON
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "questionnaire":
            field.queryset = field.queryset.filter(is_current=True)
            field.empty_label = "Nothing of its own"
        return field


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

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Each lends their own rights, never another's."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "giver":
            field.queryset = field.queryset.filter(pk=request.user.pk)
        return field

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.giver_id == request.user.pk)
