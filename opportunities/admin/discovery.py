"""The discovery's page: one calm screen to write on while talking."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from ..heard import forms_for, heard_about, inside
from ..lists.actions import MANY
from ..models import Discovery
from ..writing import DiscoveryForm, SomeWords, last_writer, newer_questions, sheets
from .base import RecordAdmin


@admin.register(Discovery)
class DiscoveryAdmin(RecordAdmin):
    list_display = ["opportunity", "stage", "owner", "due_on"]
    many = MANY
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity__client", "owner"]
    fields = ["opportunity", "owner", "next_action", "due_on"]
    in_place = (*Discovery.PARTS, "owner", "next_action", "due_on")
    empty_words = "No discoveries yet. Start one on the page of an opportunity."

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            obj.ask(by=request.user)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        if object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        discovery = self.get_object_or_404(request, object_id)
        if request.method != "POST":
            return self.shown(request, discovery)
        if not self.has_change_permission(request, discovery):
            raise PermissionDenied(f"You may read this, but not write in it: {discovery}.")
        if request.headers.get("X-Requested-With") == "staff.js":
            return self.heard(request, discovery)
        return self.written(request, discovery)

    def opens_in_place(self, name):
        return super().opens_in_place(name) or name.startswith("question_")

    def small_form(self, request, record, names, data):
        """A part or an answer is written in place as it is on its own page: nobody's newer words are lost."""
        return SomeWords(data, discovery=record, names=names)

    def form_for(self, request, discovery, data=None):
        """Return the form of whoever may write here, or None."""
        if not self.has_change_permission(request, discovery):
            return None
        may_choose = request.user.has_perm("opportunities.change_opportunity")
        return DiscoveryForm(data, discovery=discovery, may_choose=may_choose)

    def written(self, request, discovery):
        """Save all that was typed, here and beside it. Where something is wrong, nothing is saved and nothing lost."""
        form = self.form_for(request, discovery, request.POST)
        heard = forms_for(request.user, discovery.opportunity, request.POST)
        begun = [it for it in heard if it.is_bound]
        if not all([form.is_valid(), *(it.is_valid() for it in begun)]):
            return self.shown(request, discovery, form=form, heard=heard)
        with transaction.atomic():
            if form.save(by=request.user):
                added = [it.add_once(by=request.user) for it in begun]
                messages.success(request, " ".join(["Saved.", *added]))
                return redirect(discovery.staff_url())
        discovery = self.get_object_or_404(request, discovery.pk)
        return self.shown(request, discovery, form=form, heard=heard, status=409)

    def heard(self, request, discovery):
        """Add one thing that was heard, for a page that stays open, and answer with the part that lists it."""
        forms = forms_for(request.user, discovery.opportunity, request.POST)
        pressed = next((it for it in forms if it.is_bound and it.prefix == request.POST.get("heard")), None)
        context: dict = {"heard": forms, "status": "Nothing was added."}
        if pressed is not None and pressed.is_valid():
            context["status"] = pressed.add_once(by=request.user)
            context["heard"] = [type(it)(about=it.about) if it is pressed else it for it in forms]
        inside(context["heard"], "write")
        wrong = pressed is None or not pressed.is_valid()
        context |= {"heard_rows": heard_about(discovery.opportunity), "pressed": pressed and pressed.prefix}
        return TemplateResponse(request, "desk/parts/heard.html", context, status=422 if wrong else 200)

    def shown(self, request, discovery, *, form=None, heard=None, status=200):
        form = form or self.form_for(request, discovery)
        parts = sheets(discovery, form)
        for row in [row for part in parts for row in part.rows if row["is_newer"]]:
            row["writer"] = last_writer(discovery, row)
        newer_next = form.newer_next() if form else []
        heard = forms_for(request.user, discovery.opportunity) if heard is None else heard
        if form:
            inside(heard, "write")
        context: dict = {
            **self.admin_site.each_context(request),
            **self.about(request, discovery),
            "opts": self.opts,
            "original": discovery,
            "form": form,
            "parts": parts,
            "newer_questions": newer_questions(discovery) if form else [],
            "newer_next": newer_next,
            "heard": heard,
            "heard_rows": heard_about(discovery.opportunity),
            "wrong": form is not None and form.is_bound and (status == 200 or bool(form.errors)),
        }
        return TemplateResponse(request, "admin/discovery.html", context, status=status)
