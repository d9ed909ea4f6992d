"""Evidence: its pages, and the forms that add, correct and withdraw it. No row is ever changed."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import FileResponse, Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from .. import once
from ..evidence_forms import AddForm, CorrectForm
from ..forms import ReasonForm
from ..models import Audit, Evidence, EvidenceFile, ShelfLife
from .base import KeptAdmin


def may_collect(request, audit) -> bool:
    """Whether this person may add to an audit now."""
    return audit.stage == Audit.Stage.COLLECTING and may_change(request, audit)


def may_change(request, audit) -> bool:
    """Whether this person may bring, correct and withdraw evidence of an audit, as far as rights and reach go."""
    return request.user.has_perm("opportunities.add_evidence") and audit.within_reach(request.user, "change")


@admin.register(Evidence)
class EvidenceAdmin(KeptAdmin):
    """Evidence is added and read, never changed: a correction is a new version."""

    list_display = ["metric", "shown_value", "provider", "kind", "audit", "captured_at", "fresh_until"]
    list_filter = ["kind"]
    list_select_related = ["audit"]
    fields = ["audit", *(name for name in Evidence.SAYS if name not in ("raw_note", "provider_caveat"))]
    panels = ("admin/panels/evidence.html",)
    empty_words = "No evidence here. It is collected on the page of an audit."

    @admin.display(description="Value")
    def shown_value(self, evidence):
        return evidence.shown_value

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("audit", *Evidence.TOLD_WITH)

    def has_change_permission(self, request, obj=None):
        return False

    def pages(self):
        return [
            ("<int:pk>/correct/", self.correct_view, "correct"),
            ("<int:pk>/withdraw/", self.withdraw_view, "withdraw"),
            ("<int:pk>/file/", self.file_view, "file"),
        ]

    def about(self, request, record):
        return super().about(request, record) | {
            "timeline": None,  # its story is its versions; the audit's diary tells the rest
            "versions": Evidence.story(record),
            "may_change": may_change(request, record.audit) and record.audit.stage != Audit.Stage.WITHDRAWN,
        }

    # -- Writing. ------------------------------------------------------------------------------------------------------

    def add_view(self, request, form_url="", extra_context=None):
        """Write one piece of evidence down by hand."""
        if not self.has_add_permission(request):
            raise PermissionDenied("Only whoever may collect evidence adds to an audit.")
        form = AddForm(request.POST or None, request.FILES or None, user=request.user, audit=request.GET.get("audit"))

        def answer():
            if request.method == "POST" and form.is_valid():
                audit = form.cleaned_data["audit"]
                if made := self.written(request, form, lambda said: Evidence.record(audit, by=request.user, **said)):
                    messages.success(request, f"Added: {made}.")
                    return redirect(audit.staff_url("evidence-group"))
            back = form.chosen.staff_url("evidence-group") if form.chosen else self.list_url()
            return self.ask_for(request, form, "Add evidence", "Add", back)

        return once.saved(request, answer)

    def correct_view(self, request, pk):
        """Write a new version that stands in for this one."""
        evidence = self.changeable(request, pk)
        form = CorrectForm(request.POST or None, request.FILES or None, user=request.user, evidence=evidence)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            change = lambda fields: evidence.correct(by=request.user, reason=reason, **fields)  # noqa: E731
            if made := self.written(request, form, change):
                messages.success(
                    request, f"Corrected: version {made.version} of {made.metric} says {made.shown_value}."
                )
                return redirect(made.staff_url())
        return self.ask_for(request, form, "Correct", "Save the new version", evidence.staff_url(), evidence)

    def withdraw_view(self, request, pk):
        """Take this piece back, saying why."""
        evidence = self.changeable(request, pk)
        form = ReasonForm(request.POST or None, record=evidence, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                evidence.withdraw(by=request.user, **form.cleaned_data)
            except ValidationError as refusal:
                form.add_error(None, refusal)
            else:
                messages.success(request, f"Withdrawn: {evidence}.")
                return redirect(evidence.staff_url())
        return self.ask_for(request, form, "Withdraw", "Withdraw", evidence.staff_url(), evidence)

    def changeable(self, request, pk):
        """Return the evidence, for somebody who may change what is said of it."""
        evidence = self.get_object_or_404(request, pk)
        if not may_change(request, evidence.audit):
            raise PermissionDenied("Only whoever may collect evidence of this audit corrects or withdraws it.")
        return evidence

    def written(self, request, form, write):
        """Write what a form says, with its file. Return what was written, or nothing, with the reasons at the form."""
        try:
            with transaction.atomic():
                fields = form.said()
                if upload := form.cleaned_data.get("file"):
                    fields["file"] = EvidenceFile.keep(form.audit_of(), upload.read(), upload.name, by=request.user)
                return write(fields)
        except ValidationError as refusal:
            form.refuse(refusal)
        return None

    def ask_for(self, request, form, title, button, back, evidence=None):
        context = {
            **self.admin_site.each_context(request),
            "title": f"{title}: {evidence.metric}" if evidence else title,
            "opts": self.opts,
            "form": form,
            "evidence": evidence,
            "audit": evidence.audit if evidence else form.chosen,
            "button": button,
            "back": back,
        }
        return TemplateResponse(request, "admin/evidence/ask.html", context)

    def list_url(self):
        return self.add_url().removesuffix("add/")

    # -- The file. -----------------------------------------------------------------------------------------------------

    def file_view(self, request, pk):
        """Send the file of a piece of evidence, to be kept and never to be run."""
        file = self.get_object_or_404(request, pk).file
        if file is None or request.method != "GET":
            raise Http404
        try:
            answer = FileResponse(file.file.open("rb"), as_attachment=True, filename=file.name, content_type=file.type)
        except OSError:
            raise Http404("The file is not where it was kept. Ask an administrator for the backup.") from None
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "private, no-store"
        return answer


@admin.register(ShelfLife)
class ShelfLifeAdmin(KeptAdmin):
    """For how long each kind of evidence counts."""

    list_display = ["kind", "days"]
    fields = ["kind", "days"]
    empty_words = "Every kind counts for its usual days. Add one to change them."

    def get_readonly_fields(self, request, obj=None):
        return ["kind"] if obj else []
