"""The page on which client words are written beside what is internal."""

from django.contrib import admin

from .. import lint
from ..models import Summary
from .writing import WrittenAdmin


@admin.register(Summary)
class SummaryAdmin(WrittenAdmin):
    right = "proposals.write_summary"
    list_display = ["title", "kind", "opportunity", "stage", "owner", "due_on"]
    list_filter = ["stage", "kind", "owner"]
    list_select_related = ["opportunity", "owner"]
    search_fields = ["title"]
    fieldsets = [
        ("Words for the client", {"fields": ["title", "words"]}),
        ("About", {"fields": ["kind", "opportunity"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    panels = ("proposals/summary.html",)
    says_its_first_action = True
    empty_words = "No client words yet. Write the first about a finding of an audit."

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity"] if obj else [])]

    def get_changeform_initial_data(self, request):
        initial = {"owner": request.user, "next_action": "Write the words and submit them for review"}
        return {**initial, **super().get_changeform_initial_data(request)}

    def about(self, request, record):
        return super().about(request, record) | {
            "raw": lint.internal_texts(record.opportunity),
            "marks": lint.read(record),
        }
