"""Discoveries, audits and their evidence."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from ..evidence import BadFile, import_evidence
from ..models import Audit, Discovery, Evidence
from .base import KeptAdmin, ReadOnlyInline, RecordAdmin


@admin.register(Discovery)
class DiscoveryAdmin(RecordAdmin):
    list_display = ["opportunity", "stage", "owner", "due_on"]
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "owner"]
    fieldsets = [
        ("What we heard", {"fields": [*Discovery.PARTS, "decision_path"]}),
        ("Next", {"fields": ["opportunity", "owner", "next_action", "due_on"]}),
    ]

    def get_readonly_fields(self, request, obj=None):
        own = super().get_readonly_fields(request, obj)
        return [*own, "opportunity", *(Discovery.PARTS if obj and not obj.is_open else ())] if obj else own


class EvidenceInline(ReadOnlyInline):
    model = Evidence
    fields = ["page", "provider", "captured_at", "fresh_until", "confidence", "version"]


@admin.register(Audit)
class AuditAdmin(RecordAdmin):
    list_display = ["name", "opportunity", "stage", "owner", "due_on"]
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "owner"]
    fieldsets = [
        (None, {"fields": ["name", "opportunity", "raw_notes"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    inlines = [EvidenceInline]
    panels = ("admin/panels/audit_import.html",)

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity"] if obj else [])]

    def pages(self):
        return [*super().pages(), ("<int:pk>/import/", self.import_view, "import")]

    def about(self, request, record):
        may = self.may_collect(request, record)
        return super().about(request, record) | {"may_collect": may}

    def may_collect(self, request, audit):
        return (
            audit.stage == Audit.Stage.COLLECTING
            and request.user.has_perm("opportunities.add_evidence")
            and audit.within_reach(request.user, "change")
        )

    @method_decorator(require_POST)
    def import_view(self, request, pk):
        """Read a provider's file into evidence rows of this audit."""
        audit = self.get_object_or_404(request, pk)
        if not self.may_collect(request, audit):
            raise PermissionDenied("Start collecting before you import, and only with the right to collect.")
        upload = request.FILES.get("file")
        try:
            if upload is None:
                raise BadFile("Choose a file first: Lighthouse saves its report as JSON.")
            report = import_evidence(upload.read(), audit, by=request.user, name=upload.name)
        except BadFile as trouble:
            messages.error(request, str(trouble))
        else:
            messages.success(request, str(report))
        return redirect(audit.staff_url("evidence-group"))


@admin.register(Evidence)
class EvidenceAdmin(KeptAdmin):
    """Evidence is added and read, never changed: a correction is a new version."""

    list_display = ["metric", "shown_value", "provider", "audit", "captured_at", "fresh_until"]
    list_select_related = ["audit"]
    fields = ["audit", *Evidence.SAYS]

    @admin.display(description="Value")
    def shown_value(self, evidence):
        return evidence.shown_value

    def has_change_permission(self, request, obj=None):
        return False

    def get_changeform_initial_data(self, request):
        return {"captured_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def get_form(self, request, obj=None, change=False, **kwargs):
        admin_user = request.user

        class EvidenceForm(forms.ModelForm):
            def clean_audit(self):
                audit = self.cleaned_data["audit"]
                if audit.stage != Audit.Stage.COLLECTING or not audit.within_reach(admin_user, "change"):
                    raise ValidationError("Start collecting on this audit before you add evidence.")
                return audit

        return super().get_form(request, obj, change, form=EvidenceForm, **kwargs)

    def save_model(self, request, obj, form, change):
        fields = {name: form.cleaned_data[name] for name in Evidence.SAYS}
        made = Evidence.record(obj.audit, by=request.user, **fields)
        obj.pk, obj._state.adding = made.pk, False

    def response_add(self, request, obj, post_url_continue=None):
        messages.success(request, f"Added: {obj}.")
        return redirect(f"{reverse('admin:opportunities_audit_change', args=[obj.audit_id])}#evidence-group")
