"""Audits."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from .. import reads
from ..lists.actions import MANY
from ..models import Audit
from . import bring
from .base import RecordAdmin
from .evidence import may_collect


@admin.register(Audit)
class AuditAdmin(RecordAdmin):
    list_display = ["name", "opportunity", "stage", "owner", "due_on"]
    many = MANY
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "owner"]
    in_place = ("next_action", "due_on", "owner")
    fieldsets = [
        (None, {"fields": ["name", "opportunity", "raw_notes"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    panels = ("admin/panels/audit_evidence.html", "admin/panels/audit_import.html")
    empty_words = "No audits here. An opportunity’s audit opens with “Start audit”, once discovery is complete."

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity"] if obj else [])]

    def pages(self):
        return [*super().pages(), ("<int:pk>/import/", self.import_view, "import")]

    def about(self, request, record):
        may = may_collect(request, record)
        evidence, more = reads.evidence_of(record)
        return super().about(request, record) | {"may_collect": may, "evidence": evidence, "more_evidence": more}

    @method_decorator(require_POST)
    def import_view(self, request, pk):
        """Show what a provider's file would bring in, and bring it in."""
        audit = self.get_object_or_404(request, pk)
        if not may_collect(request, audit):
            raise PermissionDenied("Start collecting before you import, and only with the right to collect.")
        return bring.answer(self, request, audit)
