"""The word that somebody gave for a checkpoint of a deal."""

from django.contrib import admin

from ..models import Confirmation
from .base import ReadOnlyAdmin, RecordAdmin


@admin.register(Confirmation)
class ConfirmationAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["asked", "opportunity", "confirmed_by", "confirmed_at", "stage"]
    list_filter = ["stage"]
    list_select_related = ["opportunity", "confirmed_by", "checkpoint"]
    fields = ["asked", "words", "opportunity", "checkpoint", "confirmed_by", "confirmed_at"]
    empty_words = "Nobody confirmed a checkpoint yet. The checklist of a deal asks for it."
