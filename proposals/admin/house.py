"""Services, clauses, rules and delegations: the house's own records."""

import json

from django.contrib import admin
from django.db import models

from opportunities.admin.base import KeptAdmin, RowInline

from ..models import (
    ApprovalRule,
    Block,
    BookPrice,
    Clause,
    Delegation,
    OfferTemplate,
    Service,
    UsualScope,
    UsualStep,
)


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


class UsualRows(RowInline):
    """Rows that a new proposal for this service begins with. One that is not used any more is unticked."""


class PriceRows(UsualRows):
    model = BookPrice
    fields = [*("title", "currency", "valid_from", "recurring", "unit_price", "quantity", "tax", "optional")]
    fields += ["internal_cost", "pricing_assumption", "position", "is_usual"]


class ScopeRows(UsualRows):
    model = UsualScope
    fields = ["position", "kind", "title", "text", "is_usual"]


class StepRows(UsualRows):
    model = UsualStep
    fields = ["position", "title", "text", "start_week", "weeks", "who", "is_usual"]


@admin.register(Service)
class ServiceAdmin(KeptAdmin):
    list_display = ["name", "cadence", "is_sold"]
    search_fields = ["name"]
    fields = ["name", "description", "cadence", "is_sold", "questionnaire", "checklist"]
    inlines = [PriceRows, ScopeRows, StepRows]
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


@admin.register(Block)
class BlockAdmin(KeptAdmin):
    list_display = ["title", "kind", "service", "is_used"]
    list_filter = ["kind"]
    list_select_related = ["service"]
    search_fields = ["title"]
    fields = ["kind", "title", "text", "service", "is_used"]
    empty_words = "No words to use again yet. Add a row of scope that you write often."


@admin.register(OfferTemplate)
class OfferTemplateAdmin(KeptAdmin):
    """A template is kept from a proposal; here it is named, and taken off offer."""

    list_display = ["name", "service", "is_used"]
    list_select_related = ["service"]
    search_fields = ["name"]
    fields = ["name", "service", "is_used"]
    empty_words = "No templates yet. Open a proposal and keep it as a template."

    def has_add_permission(self, request):
        return False


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
