"""Leads and where they come from."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from .. import firstresponse
from ..duplicates import found
from ..forms import UNPRINTABLE
from ..joining import AnsweredForm
from ..lists.actions import MANY
from ..models import Contact, Lead, LeadFact, Opportunity, Source
from .asking import ask
from .base import KeptAdmin, RecordAdmin
from .looking import LooksAround
from .notes import TakesNotes

MOST = 10


def has_passed(at):
    """Refuse a time that is still to come: how soon somebody was answered counts from it."""
    if at > timezone.now():
        raise ValidationError("Choose a time that has passed: this is when they asked.")


@admin.register(Source)
class SourceAdmin(KeptAdmin):
    list_display = ["name", "kind", "campaign", "utm_source", "utm_medium", "valid_until"]
    list_filter = ["kind"]
    search_fields = ["name", "campaign"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "campaign", "valid_until"]}),
        (
            "What its links carry",
            {
                "fields": ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"],
                "description": "An inquiry by such a link is of this source. Leave empty what may be anything.",
            },
        ),
    ]
    panels = ("admin/panels/source_came.html",)
    empty_words = "No sources yet. Add where your leads come from: a campaign, a partner, an event."

    def about(self, request, record):
        leads = Lead.objects.visible_to(request.user).filter(source=record).select_related("owner")
        of_it = Exists(Lead.objects.filter(source=record, opportunity=OuterRef("pk")))
        deals = Opportunity.objects.visible_to(request.user).filter(of_it).select_related("owner")
        came = {"leads": list(leads.order_by("-pk")[: MOST + 1]), "deals": list(deals.order_by("-pk")[: MOST + 1])}
        may = {"may_see_leads": request.user.has_perm("opportunities.view_lead")}
        return super().about(request, record) | came | may | {"most": MOST}


@admin.register(Lead)
class LeadAdmin(LooksAround, TakesNotes, RecordAdmin):
    list_display = ["name", "company", "stage", "source", "owner", "next_action", "due_on", "first_answer"]
    list_more = ("team", "answered_at")
    many = MANY
    list_filter = ["stage", "owner", "source"]
    list_select_related = ["source", "owner"]
    search_fields = ["name", "company", "email"]
    fieldsets = [
        ("Who", {"fields": ["name", "company", "email", "phone", "website", "country"]}),
        ("What they said", {"fields": ["words", "source", "arrived_at"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    panels = (
        "admin/panels/lead_answer.html",
        "admin/panels/alike.html",
        "admin/panels/lead_facts.html",
        "admin/panels/lead_mails.html",
    )
    empty_words = "No leads here. Add one by hand, import a file, or wait for the public form."

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/fact/", self.fact_view, "fact"),
            ("<int:pk>/answer/", self.answer_view, "answer"),
        ]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "arrived_at" and field is not None:
            field.validators.append(has_passed)
        return field

    # -- The list. -----------------------------------------------------------------------------------------------------

    @admin.display(description="First answer")
    def first_answer(self, lead):
        if lead.answered_at:
            return f"After {firstresponse.took(lead)}"
        owed = firstresponse.owed_by(lead)
        return firstresponse.until(owed) if owed else None

    def filter_rows(self, request, rows):
        filters, rows = super().filter_rows(request, rows)
        narrow = {"overdue": firstresponse.overdue, "waiting": firstresponse.waiting}
        chosen = request.GET.get("answer", "")
        choices = [("overdue", "Overdue"), ("waiting", "Waiting, in time")]
        filters.append({"name": "answer", "label": "First answer", "choices": choices, "chosen": chosen})
        return filters, narrow[chosen](rows) if chosen in narrow else rows

    # -- The page. -----------------------------------------------------------------------------------------------------

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def about(self, request, record):
        known = {fact.kind: fact for fact in record.facts.select_related("confirmed_by")}
        wrong = getattr(request, "fact_wrong", {})
        alike = found(record, request.user) if record.is_open else []
        offers = self.offers(request, record, alike)
        facts = []
        for kind, label in LeadFact.Kind.choices:
            fact, bad = known.get(kind), wrong.get(kind)
            typed = bad["value"] if bad else fact.value if fact else ""
            row = {"kind": kind, "label": label, "fact": fact, "offers": offers.get(kind, [])}
            facts.append(row | {"wrong": bad, "typed": typed, "typed_reason": bad["value"] if bad else ""})
        may = self.has_change_permission(request, record) and record.is_open
        return super().about(request, record) | {
            "facts": facts,
            "may_confirm": may,
            "alike": alike,
            "may_merge": may and request.user.has_perm("opportunities.move_lead"),
            "merged": list(record.merged.all()[:MOST]),
            "mails": list(record.mails.order_by("-pk")[:MOST]),
            "owed_by": firstresponse.owed_by(record),
            "took": firstresponse.took(record),
        }

    def offers(self, request, lead, alike) -> dict:
        """Return what is likely said of some facts: the people at a client that is alike, and the lead's own source."""
        offers = {"source": [str(lead.source)] if lead.source else [], "decision_owner": [f"{lead.name} decides"]}
        clients = [one.pk for one in alike if one.kind == "client" and one.record]
        if clients:
            for person in Contact.objects.here().filter(client__in=clients).order_by("pk")[:MOST]:
                offers["decision_owner"].append(f"{person}, {person.get_decision_role_display().lower()}")
        return offers

    @method_decorator(require_POST)
    def fact_view(self, request, pk):
        """Confirm one of the seven facts, or take its confirmation back. What is wrong is said at the field."""
        lead = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, lead):
            raise PermissionDenied
        kind = request.POST.get("kind", "")
        value, reason = (UNPRINTABLE.sub("", request.POST.get(name, "")).strip() for name in ("value", "reason"))
        back = "unconfirm" in request.POST
        wrong = self.wrong_with(lead, kind, reason if back else value, back)
        if wrong is None:
            if back:
                lead.unconfirm(kind, by=request.user, reason=reason)
            else:
                lead.confirm(kind, value, by=request.user)
            return redirect(lead.staff_url("facts"))
        request.fact_wrong = {kind: {"words": wrong, "value": reason if back else value}}
        request.method = "GET"  # the page as it is, with what was typed and what is wrong with it
        answer = self.changeform_view(request, str(pk))
        answer.status_code = 422
        return answer

    def wrong_with(self, lead, kind, typed, back) -> str | None:
        """Say what is wrong with a fact that is to be confirmed or taken back; None when nothing is."""
        if kind not in LeadFact.Kind.values:
            raise Http404
        name = LeadFact.Kind(kind).label.lower()
        if not lead.is_open:
            return f"This lead is {lead.get_stage_display().lower()}: its facts stay as they are."
        if back and not lead.facts.filter(kind=kind, confirmed_at__isnull=False).exists():
            return "Somebody took this back already."
        if not typed:
            return "Say why it is not sure any more." if back else f"Write the {name} before you confirm it."
        most = 2000 if back else 300
        return f"Shorten this to {most} letters." if len(typed) > most else None

    def answer_view(self, request, pk):
        """Write down that somebody answered them."""
        lead = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, lead):
            raise PermissionDenied

        def act(how, at, words):
            firstresponse.answered(lead, how, at, by=request.user, words=words)
            return f"Written down: {lead} was answered."

        return ask(self, request, lead, AnsweredForm, label="Log an answer", act=act)
