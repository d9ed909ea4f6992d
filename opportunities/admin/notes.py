"""Notes: taken on the page of a lead or an opportunity, read there and here, never changed."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.text import Truncator

from .. import once
from ..heard import NoteForm
from ..models import Note
from ..records import Refused
from .base import KeptAdmin, came_from


def may_note(request, about) -> bool:
    return request.user.has_perm("opportunities.add_note") and about.within_reach(request.user, "change")


def asked_for_note(page, request, about, title, take, initial=None):
    """Ask for the words of a note (GET), or take it and go back to where it was asked for (POST)."""
    if not may_note(request, about):
        raise PermissionDenied(f"You may read this, but not add to it: {about}.")
    form = NoteForm(request.POST or None, about=about, initial=initial)

    def answer():
        if request.method == "POST" and form.is_valid():
            try:
                messages.success(request, f"Added: {take(form)}.")
                return redirect(came_from(request, about))
            except Refused as refusal:
                form.add_error(None, str(refusal))
        context = {
            **page.admin_site.each_context(request),
            "title": title,
            "record": about,
            "form": form,
            "back": came_from(request, about),
        }
        return TemplateResponse(request, "admin/note.html", context)

    return once.saved(request, answer)


class TakesNotes(KeptAdmin):
    """The page of something that notes are taken about: `<pk>/note/` asks for one and takes it."""

    def pages(self):
        return [*super().pages(), ("<int:pk>/note/", self.note_view, "note")]

    def note_view(self, request, pk):
        about = self.get_object_or_404(request, pk)
        return asked_for_note(self, request, about, "Add a note", lambda form: form.add(by=request.user))


@admin.register(Note)
class NoteAdmin(KeptAdmin):
    list_display = ["at", "kind", "shown_words", "about_whom", "author"]
    list_filter = ["kind"]
    list_select_related = ["opportunity", "lead", "author"]
    fields = ["opportunity", "lead", "kind", "words"]
    empty_words = "No notes yet. Take one on the page of an opportunity or a lead."
    panels = ("admin/panels/note.html",)

    @admin.display(description="words")
    def shown_words(self, note):
        return Truncator(note.words).chars(140)

    @admin.display(description="about")
    def about_whom(self, note):
        return note.parent

    def has_change_permission(self, request, obj=None):
        return False

    def about(self, request, record):
        newer = Note.objects.filter(corrects=record).first()
        may = newer is None and may_note(request, record.parent)
        return super().about(request, record) | {"newer": newer, "may_correct": may}

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "words":
            return NoteForm.base_fields["words"]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        self.refuse_reader(request, obj.parent)
        obj.pk = Note.take(obj.parent, obj.words, by=request.user, kind=obj.kind).pk
        obj._state.adding = False

    def pages(self):
        return [*super().pages(), ("<int:pk>/correct/", self.correct_view, "correct")]

    def correct_view(self, request, pk):
        """Take a note that stands in for this one, which stays."""
        note = self.get_object_or_404(request, pk)
        if newer := Note.objects.filter(corrects=note).first():
            messages.warning(request, f"{note} was corrected already: this is the newer one.")
            return redirect(newer.staff_url())
        before = {"kind": note.kind, "words": note.words}
        take = lambda form: note.correct(**form.cleaned_data, by=request.user)  # noqa: E731
        return asked_for_note(self, request, note.parent, f"Correct the {str(note).lower()}", take, before)
