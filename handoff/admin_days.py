"""The pages on which other days for reports are asked for, approved and read."""

from django.contrib import admin
from django.db import transaction

from opportunities.admin.base import RecordAdmin, whole_number
from opportunities.records import lock
from opportunities.stale import SeenForm

from .models import CadenceChange, ReportingCadence
from .models.days import TERMS

KIND = CadenceChange.Kind
# What each kind of change asks for.
ASKS = {KIND.PAUSE: ["first_on", "last_on"], KIND.TERMS: [*TERMS]}
ASKS |= dict.fromkeys((KIND.RESUME, KIND.END, KIND.AGAIN), ["first_on"])
TITLES = {
    KIND.PAUSE: "Ask for a pause",
    KIND.RESUME: "Ask for a shorter pause",
    KIND.END: "Ask for the end of the reports",
    KIND.TERMS: "Ask for other days",
    KIND.AGAIN: "Ask that reports begin again",
}
RESUMES = {KIND.RESUME: "Resume on", KIND.AGAIN: "Begin again on"}
RESUME_ON = "Reports come again from this day on. The first one covers all days since the last one."


class ChangeForm(SeenForm):
    """What is asked of one cadence. Which one, and what, the address says."""

    cadence: ReportingCadence | None = None
    kind = KIND.PAUSE

    class Meta:
        model = CadenceChange
        fields: list = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.kind = self.kind
            if self.cadence:
                self.instance.cadence = self.cadence
            if label := RESUMES.get(self.kind):
                self.fields["first_on"].label, self.fields["first_on"].help_text = label, RESUME_ON


@admin.register(CadenceChange)
class CadenceChangeAdmin(RecordAdmin):
    """A change is asked for, decided and read; what was asked is never edited."""

    form = ChangeForm
    list_display = ["asked", "cadence", "stage", "asked_by", "decided_by"]
    list_filter = ["stage", "kind"]
    list_select_related = ["cadence__project", "asked_by", "decided_by"]
    panels = ("admin/panels/report_days.html",)
    add_form_template = "admin/report_days_ask.html"
    born = "asked for:"
    empty_words = "Nobody asked for other days. Ask on the page of a reporting cadence."

    def has_change_permission(self, request, obj=None):
        return False

    def has_add_permission(self, request):
        """It is asked for on the page of a cadence, which the address then names."""
        return request.user.has_perm("handoff.add_cadencechange") and cadence_of(request) is not None

    def about(self, request, record):
        return super().about(request, record) | {"terms": record.cadence, "of_change": record}

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return [(None, {"fields": [*ASKS[kind_of(request)], "reason"]})]
        names = ["asked", "days_before", "reason", "asked_by", "decided_by", "decided_at"]
        return [(None, {"fields": names})]

    def get_readonly_fields(self, request, obj=None):
        own = super().get_readonly_fields(request, obj)
        return [*own, "asked", "days_before", "asked_by", "decided_by", "decided_at"] if obj else own

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        if obj is None:
            form.cadence, form.kind = cadence_of(request), kind_of(request)
        return form

    def get_changeform_initial_data(self, request):
        """Begin with the days as they are."""
        terms = cadence_of(request)
        return terms.terms if terms and kind_of(request) == KIND.TERMS else {}

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Two who ask at once queue up: the second reads of the first."""
        terms = cadence_of(request)
        if object_id or not self.has_add_permission(request):
            return super().changeform_view(request, object_id, form_url, extra_context)
        asks = {"terms": terms, "title": f"{TITLES[kind_of(request)]}: {terms.project}"}
        with transaction.atomic():
            lock(terms)
            return super().changeform_view(request, object_id, form_url, asks | (extra_context or {}))

    def before_birth(self, request, obj):
        obj.asked_by = request.user


def to_ask(terms) -> list:
    """Return what can be asked for now: nothing while another change waits, and after the end that they begin again."""
    if not terms.project.is_open or any(change.is_open for change in terms.changes.all()):
        return []
    kinds = [KIND.TERMS, KIND.PAUSE] if terms.ends_on > terms.today else []
    kinds += [KIND.RESUME] if kinds and terms.rests_ahead else []
    if not terms.is_ending:
        kinds.append(KIND.END)
    elif terms.project.goes_on:
        kinds.append(KIND.AGAIN)
    return [(str(kind), TITLES[kind]) for kind in kinds]


def kind_of(request):
    """Return what an address asks for; a pause where it says nothing that can be asked."""
    kind = request.GET.get("kind", "")
    return KIND(kind) if kind in KIND.values else KIND.PAUSE


def cadence_of(request):
    """Return the cadence that an address names, where this person may change it."""
    if "_cadence" not in request.__dict__:
        pk = whole_number(request.GET.get("cadence"))
        found = ReportingCadence.objects.visible_to(request.user).select_related("project__opportunity").filter(pk=pk)
        terms = found.first() if pk else None
        request._cadence = terms if terms and terms.within_reach(request.user, "change") else None
    return request._cadence
