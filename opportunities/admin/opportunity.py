"""The opportunity's page."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect

from .. import once
from ..forms import offer_people
from ..inplace import NEW, right_to
from ..lists.actions import MANY, NextOfDeals
from ..models import Contact, Opportunity
from ..records import Refused
from .base import RecordAdmin, came_from
from .composing import of_opportunity
from .notes import TakesNotes
from .sequences import start_view
from .sharing import share_view


@admin.register(Opportunity)
class OpportunityAdmin(TakesNotes, RecordAdmin):
    list_display = ["name", "client", "stage", "value", "owner", "next_action", "due_on"]
    list_more = ("probability", "team")
    many = MANY | {"next": NextOfDeals}
    list_filter = ["stage", "owner"]
    list_select_related = ["client", "owner", "decision_owner"]
    search_fields = ["name"]
    fieldsets = [
        ("Deal", {"fields": ["name", "client", "value", "currency", "probability", "decision_on", "close_risk"]}),
        ("Who", {"fields": ["owner", "decision_owner", "source"]}),
        ("Next", {"fields": ["next_action", "due_on", "scope_state", "client_safe"]}),
    ]
    in_place = (
        *("next_action", "due_on", "value", "probability", "decision_on", "close_risk"),
        *("decision_owner", "owner", "name"),
    )
    downloads = (("Eight outputs of each, as CSV", "outputs_list_csv"),)
    empty_words = "No opportunities here. Qualify a lead and it becomes one."

    def get_readonly_fields(self, request, obj=None):
        # What the chain derives is not typed; and what was published for one client is never another's.
        own = super().get_readonly_fields(request, obj)
        return [*own, "scope_state", "client_safe", *(["client"] if obj else [])]

    def before_birth(self, request, obj):
        self.refuse_reader(request, obj.client)

    def get_autocomplete_fields(self, request):
        return ["client"]  # the decision owner is one of the few people at this client

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "decision_owner":
            place = request.resolver_match.kwargs if request.resolver_match else {}
            pk = place.get("object_id") or place.get("pk")
            if pk and str(pk).isdigit():
                offer_people(field, Contact.objects.filter(client__opportunities=pk, left_on=None))
        return field

    @display(description="Last event")
    def last_event(self, deal):
        return deal.diary.last_at

    # What a file has in it is a time, and its head says in which zone.
    last_event.is_time = True

    # -- All fields at once. -------------------------------------------------------------------------------------------

    def edit_view(self, request, pk):
        """Change any field, in the full form. The opportunity's own page is to read first."""
        return self.changeform_view(request, str(pk))

    def about(self, request, record):
        return {"record": record, "title": f"Edit {record}", "subtitle": None}

    # -- In place. -----------------------------------------------------------------------------------------------------

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/edit/", self.edit_view, "edit"),
            ("<int:pk>/add/<slug:name>/", self.new_view, "new"),
            ("<int:pk>/write/", lambda *args, **kwargs: of_opportunity(self, *args, **kwargs), "write"),
            ("<int:pk>/sequence/", lambda *args, **kwargs: start_view(self, *args, **kwargs), "sequence"),
            ("<int:pk>/share/", lambda *args, **kwargs: share_view(self, *args, **kwargs), "share"),
        ]

    def new_view(self, request, pk, name):
        """Write down something new about this opportunity in a small form: a task, a talk, an objection and so on."""
        opportunity = self.get_object_or_404(request, pk)
        if name not in NEW:
            raise Http404
        kind: Any = NEW[name]
        if not request.user.has_perm(right_to(kind)):
            raise PermissionDenied("Your role does not include this. An administrator can change that.")
        self.refuse_reader(request, opportunity)
        data = request.POST if request.method == "POST" else None
        form = kind(data, about=opportunity, initial={"owner": request.user.pk})

        def answer():
            if form.is_valid():
                try:
                    messages.success(request, f"Done: {form.add(by=request.user)}.")
                    return redirect(came_from(request, opportunity))
                except Refused as refusal:
                    for reason in refusal.reasons:
                        form.add_error("body" if "body" in form.fields else None, reason)
            return self.ask(request, opportunity, form, kind.button, kind.button)

        return once.saved(request, answer)
