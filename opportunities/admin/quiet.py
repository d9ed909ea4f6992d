"""Days on which no follow-up goes out."""

from django.contrib import admin

from ..models import QuietDate
from .base import KeptAdmin


@admin.register(QuietDate)
class QuietDateAdmin(KeptAdmin):
    list_display = ["words", "first_on", "last_on", "client"]
    list_select_related = ["client"]
    search_fields = ["words"]
    fields = ["words", "first_on", "last_on", "client"]
    empty_words = "No quiet dates. Add the days on which no follow-up should reach anybody."
