"""Mail that came in: what nobody could match first."""

from django.contrib import admin

from ..models import InboundMail
from .base import ReadOnlyAdmin, RecordAdmin


@admin.register(InboundMail)
class InboundMailAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["subject", "from_address", "stage", "kind", "received_at", "trouble"]
    list_filter = ["stage", "kind"]
    search_fields = ["subject", "from_address"]
    fields = ["subject", "from_address", "to_addresses", "received_at", "words"]
    empty_words = "No mail came in yet."
