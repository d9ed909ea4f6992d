"""Clients, their people, and what those agreed to."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from .. import merging, optout
from ..forms import ReasonForm, WeekdaysField
from ..joining import LeaveForm, MergeClientForm
from ..lists.actions import MANY
from ..models import Client, Consent, Contact, Lead, Opportunity
from .asking import ask
from .base import KeptAdmin, ReadOnlyInline
from .composing import may_write, of_contact
from .looking import LooksAround

MOST = 10
# When somebody works: no follow-up reaches them at another time.
HOURS = ("works_on", "works_from", "works_to", "country")


class ConsentInline(ReadOnlyInline):
    model = Consent
    fields = [
        "page",
        "state",
        "basis",
        "text_version",
        "source",
        "captured_at",
        "expires_at",
        "withdrawn_at",
        "recorded_by",
    ]
    ordering = ["-captured_at", "-pk"]

    @admin.display(description="Now")
    def state(self, consent):
        return consent.state.capitalize()


class Standing(KeptAdmin):
    """Second entries that were merged are read on the page of the one that goes on, and offered nowhere.

    What was erased for privacy is read alone, too.
    """

    def get_search_results(self, request, queryset, search_term):
        return super().get_search_results(request, queryset.filter(merged_into=None), search_term)

    def has_change_permission(self, request, obj=None):
        stands = obj is None or (obj.merged_into_id is None and obj.erased_at is None)
        return stands and super().has_change_permission(request, obj)

    def about(self, request, record):
        return super().about(request, record) | {"is_reached": record.within_reach(request.user, "change")}

    def for_change(self, request, pk):
        """Return the record for somebody who may change it."""
        record = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, record):
            raise PermissionDenied
        return record


@admin.register(Client)
class ClientAdmin(LooksAround, Standing):
    alike_kinds = ("client",)
    list_display = ["name", "industry", "country", "owner"]
    list_more = ("team",)
    many = MANY
    list_filter = ["owner"]
    list_select_related = ["owner"]
    search_fields = ["name"]
    fields = ["name", "website", "industry", "country", "time_zone", "owner"]
    panels = (
        "admin/panels/client_portal.html",
        *("admin/panels/client_merged.html", "admin/panels/alike.html", "admin/panels/client_parts.html"),
        *("admin/panels/closings.html", "admin/panels/take_out.html", "admin/panels/erase.html"),
    )
    empty_words = "No clients here. Qualify a lead: it brings its client along."

    def pages(self):
        return [*super().pages(), ("<int:pk>/merge/", self.merge_view, "merge")]

    def about(self, request, record):
        user, may = request.user, self.has_change_permission(request, record)
        leads = Lead.objects.visible_to(user).filter(opportunity__client=record)
        consents = Consent.objects.filter(contact__client=record).select_related("contact", "recorded_by")
        deals = Opportunity.objects.visible_to(user).filter(client=record)
        return super().about(request, record) | {
            "deals": list(deals.select_related("owner", "decision_owner").order_by("-pk")[: MOST + 1]),
            "leads": list(leads.select_related("source").order_by("-pk")[: MOST + 1]),
            "people": list(record.contacts.filter(merged_into=None).order_by("left_on", "pk")[: MOST + 1]),
            "consents": list(consents.order_by("-captured_at", "-pk")[: MOST + 1]),
            "merged": list(record.merged.all()[:MOST]),
            "alike": self.look(request, record) if may else [],
            "may_merge": may,
            "may_add_people": user.has_perm("opportunities.add_contact") and may,
            "most": MOST,
        }

    def merge_view(self, request, pk):
        """Make one client of two."""
        second = self.get_object_or_404(request, pk)
        if second.merged_into_id:
            messages.warning(request, f"{second} was merged already, into {second.merged_into}.")
            return redirect(second.merged_into.staff_url())
        client = self.for_change(request, pk)

        def act(into):
            kept = merging.merge_clients(client, into, by=request.user)
            return f"Merged: {client} is {kept} now, with its people and opportunities."

        intro = "All that is this client’s moves to the one that goes on. Both keep their history. It cannot be undone."
        return ask(self, request, client, MergeClientForm, label="Merge", act=act, intro=intro)


@admin.register(Contact)
class ContactAdmin(Standing):
    list_display = ["name", "client", "email", "decision_role", "left_on"]
    list_filter = ["decision_role"]
    list_select_related = ["client"]
    search_fields = ["name", "email"]
    in_place = ("name", "email", "phone", "title", "decision_role", "time_zone", *HOURS)
    fieldsets = [
        (None, {"fields": ["client", "name", "email", "phone", "title", "decision_role", "left_on"]}),
        ("When mail may reach them", {"fields": ["time_zone", *HOURS]}),
    ]
    readonly_fields = ["left_on"]
    inlines = [ConsentInline]
    panels = (
        *("admin/panels/contact_decides.html", "admin/panels/contact_stopped.html"),
        *("admin/panels/contact_access.html", "admin/panels/erase.html"),
    )
    empty_words = "No people here. Open a client and add who works there."

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/leave/", self.leave_view, "leave"),
            ("<int:pk>/write/", lambda *args, **kwargs: of_contact(self, *args, **kwargs), "write"),
        ]

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["client"] if obj else [])]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "works_on":
            widget = UnfoldAdminCheckboxSelectMultipleWidget
            return WeekdaysField(label="Works on", widget=widget, initial=db_field.default)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in ("works_from", "works_to"):
            field.widget.format = "%H:%M"
        return field

    def about(self, request, record):
        deals = Opportunity.objects.visible_to(request.user).filter(decision_owner=record).order_by("-pk")
        may = self.has_change_permission(request, record)
        return super().about(request, record) | {
            "deals": list(deals[: MOST + 1]),
            "may_write": record.left_on is None and bool(record.email) and may_write(request.user, record),
            "may_leave": may and record.left_on is None,
            "may_change": may,
            "stopped": optout.stopped(record),
            "may_agree": may and request.user.has_perm("opportunities.add_consent"),
            "most": MOST,
        }

    def leave_view(self, request, pk):
        """Write down that this person left, and who decides from then on."""
        contact = self.for_change(request, pk)
        if contact.left_on:
            raise Http404

        def act(on, successor):
            contact.leave(on, by=request.user, successor=successor)
            return f"Written down: {contact} left. " + (
                f"{successor} decides now." if successor else "Find out who decides now."
            )

        intro = "The opportunities that they decide on are told, and their owners get a task."
        return ask(self, request, contact, LeaveForm, label="Left the company", act=act, intro=intro)


@admin.register(Consent)
class ConsentAdmin(KeptAdmin):
    list_display = ["contact", "purpose", "state", "basis", "captured_at", "expires_at", "withdrawn_at"]
    list_filter = ["purpose"]
    list_select_related = ["contact"]
    fields = ["contact", "purpose", "basis", "text_version", "source", "captured_at", "expires_at"]
    panels = ("admin/panels/consent_state.html",)
    born = "wrote down the consent to"
    empty_words = "Nobody agreed to anything yet. Open a contact and add what they agreed to."

    @admin.display(description="Now")
    def state(self, consent):
        return consent.state.capitalize()

    def pages(self):
        return [*super().pages(), ("<int:pk>/withdraw/", self.withdraw_view, "withdraw")]

    def has_change_permission(self, request, obj=None):
        """What was agreed to is never written anew: it is withdrawn, and given again as another."""
        return obj is None and super().has_change_permission(request, obj)

    def may_withdraw(self, request, consent) -> bool:
        return consent.withdrawn_at is None and super().has_change_permission(request, consent)

    def about(self, request, record):
        return super().about(request, record) | {"may_withdraw": self.may_withdraw(request, record)}

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        if obj is None:
            form.clean = check_dates
        return form

    def before_birth(self, request, obj):
        obj.recorded_by = request.user

    def withdraw_view(self, request, pk):
        """Take a consent back, saying why."""
        consent = self.get_object_or_404(request, pk)
        if not self.may_withdraw(request, consent):
            raise PermissionDenied("It is withdrawn already." if consent.withdrawn_at else "")

        def act(reason):
            consent.withdraw(by=request.user, reason=reason)
            return f"Withdrawn: {consent}."

        return ask(self, request, consent, ReasonForm, label="Withdraw", act=act)


def check_dates(form):
    """Refuse a consent of tomorrow, and one that ends before it was given."""
    form._validate_unique = True  # as the form's own `clean` would say
    given, ends = form.cleaned_data.get("captured_at"), form.cleaned_data.get("expires_at")
    if given and given > timezone.now():
        form.add_error("captured_at", "Choose a time that has passed: nobody agreed yet.")
    elif given and ends and ends <= given:
        form.add_error("expires_at", "Choose a time after it was given.")
    return form.cleaned_data
