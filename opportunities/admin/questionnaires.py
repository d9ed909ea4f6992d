"""Questionnaires: their questions as rows, and their versions."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from ..models import Question, Questionnaire
from ..records import Refused, lock
from .base import KeptAdmin, RowInline

STAYS = "This version was asked already, so its questions stay. Make a new version and change them there."


class QuestionRows(RowInline):
    """The questions, in the order of their numbers; Alt and an arrow key move one."""

    model = Question
    fields = ["position", "part", "words", "help", "required"]
    verbose_name_plural = "questions"

    def may(self, request, obj):
        return (obj is None or obj.asked_at is None) and super().may(request, obj)

    def has_delete_permission(self, request, obj=None):
        return self.has_change_permission(request, obj)


@admin.register(Questionnaire)
class QuestionnaireAdmin(KeptAdmin):
    list_display = ["name", "version", "is_current", "for_every_deal", "asked_at"]
    search_fields = ["name"]
    fields = ["name", "for_every_deal"]
    inlines = [QuestionRows]
    panels = ("admin/panels/questionnaire.html",)
    empty_words = "No questionnaires yet. Add one for every deal, then one for each service."

    def get_readonly_fields(self, request, obj=None):
        return ["name"] if obj else []

    def about(self, request, record):
        return super().about(request, record) | {
            "versions": list(record.versions),
            "services": list(record.services.all()),
            "may_revise": self.has_change_permission(request, record),
            "asked": record.discoveries.exists(),
        }

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(request.path)

    def save_formset(self, request, form, formset, change):
        # Whoever opened the page before it was asked may still send changed questions.
        if change and lock(form.instance).asked_at and any("words" in key for key in formset.data):
            raise Refused([STAYS])
        super().save_formset(request, form, formset, change)

    def pages(self):
        return [
            ("<int:pk>/revise/", self.revise_view, "revise"),
            ("<int:pk>/make_current/", self.make_current_view, "make_current"),
        ]

    def theirs(self, request, pk):
        """Return a questionnaire that this person may change."""
        questionnaire = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, questionnaire):
            raise PermissionDenied
        return questionnaire

    @method_decorator(require_POST)
    def revise_view(self, request, pk):
        """Make a new version, to be changed before it is asked."""
        revision = self.theirs(request, pk).revise(by=request.user)
        messages.success(request, f"Added: {revision}. Change its questions, then ask it.")
        return redirect(revision.staff_url())

    @method_decorator(require_POST)
    def make_current_view(self, request, pk):
        """Ask this version from now on."""
        questionnaire = self.theirs(request, pk)
        try:
            questionnaire.make_current(by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"New discoveries ask {questionnaire} from now on.")
        return redirect(questionnaire.staff_url())
