"""Saved views of the pipeline: to rename, to share, to remove. They are made on the pipeline itself."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from ..models import SavedView
from ..stale import SeenForm
from .base import RecordAdmin


class SavedViewForm(SeenForm):
    """Refuses a name that the view's owner has given to another one."""

    def clean_name(self):
        self.instance.name = self.cleaned_data["name"]
        if self.instance.is_open and self.instance.name_is_taken:
            raise forms.ValidationError("There is a view of that name already. Choose another name.")
        return self.instance.name


@admin.register(SavedView)
class SavedViewAdmin(RecordAdmin):
    form = SavedViewForm
    list_display = ["name", "owner", "shared", "stage"]
    search_fields = ["name"]
    list_filter = ["stage"]
    list_select_related = ["owner"]
    fields = ["name", "shared", "owner", "shows"]
    empty_words = "No views saved yet. Filter the pipeline, then save what you see."

    def has_add_permission(self, request):
        return False

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), "owner", "shows"]

    @admin.display(description="Shows")
    def shows(self, view):
        return format_html('<a href="{}?{}">Open it on the pipeline</a>', reverse("pipeline"), urlencode(view.filters))
