"""Sequences of follow-ups, their steps, and where they run."""

from django.contrib import admin

from ..models import Sequence, SequenceRun, SequenceStep
from .base import ReadOnlyAdmin, RecordAdmin, RowInline


class StepRows(RowInline):
    model = SequenceStep
    fields = ["position", "wait_days", "channel", "template", "title"]
    verbose_name_plural = "steps"


@admin.register(Sequence)
class SequenceAdmin(RecordAdmin):
    list_display = ["name", "purpose", "starts_with", "stage"]
    list_filter = ["purpose", "stage"]
    search_fields = ["name"]
    fields = ["name", "purpose", "starts_with"]
    inlines = [StepRows]
    empty_words = "No sequences yet. Write a template first, then say after how many days it is sent."


@admin.register(SequenceRun)
class SequenceRunAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["sequence", "contact", "opportunity", "stage", "owner"]
    list_filter = ["stage"]
    list_select_related = ["sequence", "contact", "opportunity", "owner"]
    fields = ["sequence", "contact", "opportunity", "owner"]
    empty_words = "No sequence runs. Start one on the page of an opportunity, at People."
