"""Services, clauses, rules and delegations: the house's own records."""

import json

from django.contrib import admin
from django.db import models
from unfold.widgets import UnfoldAdminSelectWidget

from opportunities.admin.base import KeptAdmin, RowInline

from .. import asking
from ..models import (
    ApprovalRule,
    Aspect,
    Block,
    BookPrice,
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


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(KeptAdmin):
    """Whose word is needed, and when. A rule that asks no more is taken out of use; what it asked for stays."""

    list_display = ["sentence", "is_used"]
    list_filter = ["aspect"]
    list_select_related = ["service", "group", "person", "escalates_to"]
    readonly_fields = ["sentence", "role"]
    fieldsets = [
        (None, {"fields": ["sentence", "aspect", "is_used"]}),
        (
            "When it asks",
            {
                "fields": [
                    *("min_amount", "below_amount", "currency", "min_discount", "below_margin"),
                    *("sensitive_claim", "edited_clause", "service"),
                ],
                "description": "Everything that you fill in must be so. Nothing filled in: it always asks. "
                "It asks of what is submitted or changed from now on.",
            },
        ),
        ("Whom it asks", {"fields": ["permission", "group", "everybody", "person", "step"]}),
        ("By when", {"fields": ["hours", "remind_after", "escalates_to", "valid_days"]}),
    ]
    empty_words = "No rules yet: whoever has the right to approve is asked. Add a rule."
    nothing = {"service": "Any service", "escalates_to": "Somebody else who may", "group": "No role"}
    nothing |= {"person": "Nobody by name"}

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Let a right be chosen by its name: those by which somebody approves."""
        if db_field.name == "permission":
            rights = [(asking.right_for(value), f"approve: {label.lower()}") for value, label in Aspect.choices]
            rights.append(("opportunities.override_gate", "pass a closed gate"))
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[("", "Nobody by a right"), *rights])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fieldsets(self, request, obj=None):
        """Name the role where nobody chooses it: to a link not everybody would be let in."""
        sections = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return sections
        named = {"group": "role"}
        return [
            (title, {**about, "fields": [named.get(name, name) for name in about["fields"]]})
            for title, about in sections
        ]

    @admin.display(description="Role")
    def role(self, rule):
        return rule.group or self.nothing["group"]

    @admin.display(description="What it asks")
    def sentence(self, rule):
        return rule.sentence if rule.pk else "It is said here once you save it."


@admin.register(Delegation)
class DelegationAdmin(KeptAdmin):
    list_display = ["giver", "taker", "starts_on", "ends_on"]
    search_fields = [f"{who}__{name}" for who in ("giver", "taker") for name in ("first_name", "last_name", "username")]
    list_select_related = ["giver", "taker"]
    fields = ["giver", "taker", "starts_on", "ends_on"]
    empty_words = "Nobody stands in for anybody. Before you go on leave, say who decides for you meanwhile."

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Each lends their own rights, never another's."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "giver":
            field.queryset = field.queryset.filter(pk=request.user.pk)
        return field

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.giver_id == request.user.pk)
