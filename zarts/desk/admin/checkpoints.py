"""The pages of checkpoints. They stand here because they show every line of the guide, whichever app answers it."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget

from opportunities import checkpoints
from opportunities.admin.base import RecordAdmin
from opportunities.forms import ReasonForm
from opportunities.models import Checkpoint
from opportunities.records import perform

from ..checklist import BY_KEY, CHECKS


@admin.register(Checkpoint)
class CheckpointAdmin(RecordAdmin):
    list_display = ["sentence", "met_by", "due_from", "stage"]
    search_fields = ["sentence"]
    list_filter = ["stage", "met_by"]
    fields = ["sentence", "met_by", "field", "task_kind", "task_title", "due_from"]
    empty_words = "The house has no checkpoint of its own. Add what every deal must have at your agency."

    def has_change_permission(self, request, obj=None):
        """A line of the guide keeps its words; what moves is how the house takes it."""
        return super().has_change_permission(request, obj) and not (obj and obj.guide)

    def get_fields(self, request, obj=None):
        return ["sentence", "due_from"] if obj and obj.guide else self.fields

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "field":
            choices = [("", "–"), *sorted(checkpoints.fields().items(), key=lambda pair: pair[1])]
            said = {"label": "Which field", "help_text": db_field.help_text, "widget": UnfoldAdminSelectWidget}
            return forms.ChoiceField(choices=choices, required=False, **said)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def filter_rows(self, request, rows):
        """List the house's own; the guide's stand below them, each with how the house takes it."""
        return super().filter_rows(request, rows.filter(guide=""))

    def changelist_view(self, request, extra_context=None):
        spoken = {checkpoint.guide: checkpoint for checkpoint in Checkpoint.objects.exclude(guide="")}
        guide = [(line, spoken.get(line.key)) for line in CHECKS]
        may_rule = request.user.has_perm("opportunities.move_checkpoint")
        answer = super().changelist_view(request, {"guide": guide, "may_rule": may_rule})
        answer.template_name = "desk/checkpoints.html"
        return answer

    def pages(self):
        return [*super().pages(), ("guide/<slug:key>/", self.guide_view, "guide")]

    def guide_view(self, request, key):
        """Ask why a line of the guide is to be advisory (GET), and make it so (POST)."""
        line = BY_KEY.get(key)
        if line is None or not self.has_view_permission(request):
            raise Http404
        if not request.user.has_perm("opportunities.move_checkpoint"):
            raise PermissionDenied("A manager makes a line of the guide advisory.")
        if known := Checkpoint.objects.filter(guide=key).first():
            return redirect(known.staff_url("moves"))
        form = ReasonForm(request.POST or None, record=None, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    checkpoint = Checkpoint.of_guide(line, by=request.user)
                    perform(checkpoint.make_advisory, by=request.user, **form.cleaned_data)
                messages.success(request, f"Done: {key} is advisory now.")
            except IntegrityError:
                messages.warning(request, f"Somebody else spoke of {key} just now.")
            return redirect("admin:opportunities_checkpoint_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Make {key} advisory",
            "line": line,
            "form": form,
            "back": reverse("admin:opportunities_checkpoint_changelist"),
        }
        return TemplateResponse(request, "desk/advisory.html", context)
