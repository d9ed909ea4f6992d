"""A page that asks for a few words and then does one thing, where the thing is no move of a record."""

from django.contrib import messages
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from ..records import Refused
from .base import came_from


def ask(page, request, record, form_class, *, label, act, intro=""):
    """Ask (GET), and do it (POST). `act` takes what was typed, and returns the sentence that says it is done."""
    sent = request.POST if request.method == "POST" else None
    form, lacks = form_class(sent, record=record, user=request.user), []
    if sent is not None and form.is_valid():
        try:
            done = act(**form.cleaned_data)
        except Refused as refusal:
            lacks = refusal.lacks
        else:
            messages.success(request, done)
            return redirect(came_from(request, record))
    context = {
        **page.admin_site.each_context(request),
        "title": label,
        "opts": page.opts,
        "record": record,
        "form": form,
        "lacks": lacks,
        "intro": intro,
        "back": came_from(request, record),
    }
    return TemplateResponse(
        request, "admin/ask.html", context, status=409 if lacks else 422 if sent is not None else 200
    )
