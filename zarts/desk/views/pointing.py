"""The page that asks what an objection is about: the floor keeps the pointer, the proposals know the rows."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from opportunities.admin.base import came_from
from opportunities.forms import MoveForm
from opportunities.models import Objection
from proposals import pointing

from ..access import page_context, staff_page


class AboutForm(MoveForm):
    """Offers the whole of each proposal that stands, and every claim, price and row of the scope in it."""

    about = forms.ChoiceField(label="Which part of our offer is it about?", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["about"]
        field.choices = pointing.choices(self.record)
        if len(field.choices) == 1:
            field.help_text = "This deal has no proposal yet. Come back once there is one."
        if now := self.record.record:
            self.initial["about"] = pointing.key(now)

    def clean_about(self):
        chosen = self.cleaned_data["about"]
        record = pointing.record_of(chosen) if chosen else None
        if chosen and record is None:
            raise forms.ValidationError("This row was just taken out. Choose another.")
        return record


@staff_page("opportunities.change_objection")
@require_http_methods(["GET", "HEAD", "POST"])
def of_objection(request, pk):
    """Ask what an objection is about (GET), and write it down (POST)."""
    seen = Objection.objects.visible_to(request.user).select_related("opportunity")
    objection = get_object_or_404(seen, pk=pk)
    if not objection.within_reach(request.user, "change"):
        raise PermissionDenied(f"You may read this, but not change it: {objection}.")
    form = AboutForm(request.POST if request.method == "POST" else None, record=objection, user=request.user)
    if form.is_valid():
        record = form.cleaned_data["about"]
        objection.point_at(record, by=request.user)
        messages.success(request, f"Saved: it is about “{record}”." if record else "Saved: it is about nothing yet.")
        return redirect(came_from(request, objection))
    context = {"record": objection, "form": form, "button": "Save", "back": came_from(request, objection)}
    return TemplateResponse(request, "admin/small_form.html", page_context(request, "What is it about?", **context))
