"""Templates of mails, with their versions."""

from django.contrib import admin

from ..models import MessageTemplate
from .base import RecordAdmin


@admin.register(MessageTemplate)
class MessageTemplateAdmin(RecordAdmin):
    list_display = ["name", "purpose", "stage"]
    list_filter = ["purpose", "stage"]
    search_fields = ["name"]
    fields = ["name", "purpose"]
    empty_words = "No templates yet. Write the first mail that is sent more than once."
