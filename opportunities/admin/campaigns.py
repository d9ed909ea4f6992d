"""Campaigns over many lost deals."""

from django.contrib import admin

from ..models import Campaign
from .base import RecordAdmin


@admin.register(Campaign)
class CampaignAdmin(RecordAdmin):
    list_display = ["name", "stage", "owner", "template"]
    list_filter = ["stage"]
    list_select_related = ["owner", "template"]
    search_fields = ["name"]
    fields = ["name", "template", "owner"]
    empty_words = "No campaigns yet. A campaign writes to many lost deals whose time has come."
