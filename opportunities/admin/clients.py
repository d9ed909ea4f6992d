"""Clients, their people, and what those agreed to."""

from django.contrib import admin

from ..models import Client, Consent, Contact
from .base import KeptAdmin, ReadOnlyInline


class ContactInline(ReadOnlyInline):
    model = Contact
    fields = ["page", "email", "phone", "title", "decision_role", "left_on"]


class ConsentInline(ReadOnlyInline):
    model = Consent
    fields = ["purpose", "basis", "text_version", "source", "captured_at", "expires_at", "withdrawn_at"]


@admin.register(Client)
class ClientAdmin(KeptAdmin):
    list_display = ["name", "industry", "country", "owner"]
    list_filter = ["owner"]
    list_select_related = ["owner"]
    search_fields = ["name"]
    fields = ["name", "website", "industry", "country", "time_zone", "owner"]
    inlines = [ContactInline]
    panels = ("admin/panels/closings.html",)
    empty_words = "No clients here. Qualify a lead: it brings its client along."


@admin.register(Contact)
class ContactAdmin(KeptAdmin):
    list_display = ["name", "client", "email", "decision_role", "left_on"]
    list_filter = ["decision_role"]
    list_select_related = ["client"]
    search_fields = ["name", "email"]
    in_place = ("name", "email", "phone", "title", "decision_role")
    fields = ["client", "name", "email", "phone", "title", "decision_role", "time_zone", "left_on"]
    inlines = [ConsentInline]

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["client"] if obj else [])]


@admin.register(Consent)
class ConsentAdmin(KeptAdmin):
    list_display = ["contact", "purpose", "basis", "captured_at", "expires_at", "withdrawn_at"]
    list_filter = ["purpose"]
    list_select_related = ["contact"]
    fields = ["contact", "purpose", "basis", "text_version", "source", "captured_at", "expires_at", "withdrawn_at"]

    def get_readonly_fields(self, request, obj=None):
        # Nobody agrees on behalf of somebody else.
        return [*super().get_readonly_fields(request, obj), *(["contact"] if obj else [])]

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.withdrawn_at is None)

    def before_birth(self, request, obj):
        obj.recorded_by = request.user
