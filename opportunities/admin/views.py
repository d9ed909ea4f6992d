"""Saved views of lists: to rename, to share, to remove. They are made on the lists themselves."""

from django import forms
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from ..lists.asked import address_of
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
    list_display = ["name", "of_list", "owner", "shared", "stage"]
    search_fields = ["name"]
    list_filter = ["stage"]
    list_select_related = ["owner"]
    fields = ["name", "shared", "owner", "shows"]
    empty_words = "No views saved yet. Filter a list, then save what you see."

    def has_add_permission(self, request):
        return False

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), "owner", "shows"]

    @admin.display(description="List")
    def of_list(self, view):
        model = model_of(view)
        return model._meta.verbose_name_plural.capitalize() if model else "Pipeline"

    @admin.display(description="Shows")
    def shows(self, view):
        model = model_of(view)
        url = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" if model else "pipeline"
        return format_html('<a href="{}">Open it on its list</a>', address_of(reverse(url), view.filters))


def model_of(view):
    """Return the kind of record whose list a view is of; nothing for the pipeline."""
    return apps.get_model(view.list) if "." in view.list else None
