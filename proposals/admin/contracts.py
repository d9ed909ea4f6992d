"""The contract's page, with its clauses, signatures and payment."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch
from django.http import FileResponse, Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from opportunities import difference
from opportunities.admin.base import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin, Rows
from opportunities.models import Contact
from opportunities.records import edit

from .. import changing, publishing
from ..models import Approval, Contract, ContractClause, Payment, PaymentProof, Signatory, Signature
from ..models.signing import ONCE_A_PERSON, ONE_A_NUMBER
from .papers import PublishedAdmin
from .writing import WrittenRows


class ClauseRows(WrittenRows):
    model = ContractClause
    fields = ["position", "clause", "text"]
    readonly_fields = ["clause"]

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return self.may(request, obj) and self.right(request, "change")

    def has_delete_permission(self, request, obj=None):
        return False


class SignatoryForm(forms.ModelForm):
    """Somebody who signs. Without a number they sign after everybody else."""

    position = forms.IntegerField(
        label="Signs as number",
        min_value=1,
        max_value=99,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"aria-label": "Signs as number"}),
        error_messages=dict.fromkeys(["invalid", "min_value", "max_value"], "Type a number from 1 to 99."),
    )


class Signing(Rows):
    """Those who sign, looked at together, and with those whom somebody else named since the page was opened."""

    def clean(self):
        shown = {form.instance.pk for form in self.initial_forms}
        others = [signatory for signatory in self.instance.signatories.all() if signatory.pk not in shown]
        numbers, people = [each.position for each in others], [each.contact_id for each in others]
        rows = [form for form in self.forms if form not in self.deleted_forms and form.is_valid() and form.cleaned_data]
        for form in sorted(rows, key=lambda form: form.cleaned_data["position"] is None):
            number, contact = form.cleaned_data["position"], form.cleaned_data["contact"].pk
            if number is None:
                number = max(numbers, default=0) + 1
                form.cleaned_data["position"] = form.instance.position = number
            if number in numbers:
                form.add_error("position", ONE_A_NUMBER)
            if contact in people:
                form.add_error("contact", ONCE_A_PERSON)
            numbers.append(number)
            people.append(contact)


class SignatoryRows(WrittenRows):
    model = Signatory
    form = SignatoryForm
    formset = Signing
    fields = ["position", "contact"]
    extra = 0

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        pk = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        if db_field.name == "contact" and pk and str(pk).isdigit():
            people = Contact.objects.visible_to(request.user).reachable()
            kwargs["queryset"] = people.filter(client__opportunities__contracts=pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class SignatureRows(ReadOnlyInline):
    model = Signature
    fields = ["side", "name", "role", "at", "consent_version", "address", "digest"]


@admin.register(Contract)
class ContractAdmin(PublishedAdmin):
    right = "proposals.write_contract"
    list_display = ["number", "proposal", "opportunity", "stage", "owner", "kickoff_on"]
    list_more = ("sent_at", "signed_at", "active_at")
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "proposal", "owner", "payment"]
    search_fields = ["number", "opportunity__name"]
    fieldsets = [
        ("Signing", {"fields": ["sign_by"]}),
        (
            "Reports",
            {
                "fields": [
                    "report_every",
                    "report_weekday",
                    "report_day",
                    "report_on_last_working_day",
                    "report_skips_days_off",
                    "first_report_on",
                ]
            },
        ),
        ("Start", {"fields": ["kickoff_on", "payment_before_start"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    inlines = [SignatoryRows, ClauseRows, SignatureRows]
    panels = ("proposals/contract.html",)
    reads_along = (
        Prefetch("contract_clauses", ContractClause.objects.select_related("clause")),
        Prefetch("signatories", Signatory.objects.select_related("contact")),
        "signatures",
        Prefetch("approvals", Approval.objects.select_related("owner", "decided_by", "opportunity")),
    )
    empty_words = "No contracts yet. Draw one up on an accepted proposal."

    def has_add_permission(self, request):
        # A contract is drawn up on the page of its proposal.
        return False

    def pages(self):
        return [*super().pages(), ("<int:pk>/clauses/<int:row>/standard/", self.standard_view, "standard")]

    @method_decorator(require_POST)
    def standard_view(self, request, pk, row):
        """Give a clause the standard words of its version back."""
        contract = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, contract):
            raise PermissionDenied(f"You may read this, but not change it: {contract}.")
        clause = contract.contract_clauses.select_related("clause").filter(pk=row).first()
        if clause is None:
            raise Http404
        with transaction.atomic():
            if clause.edited:
                edit(clause, by=request.user, past="gave the standard words back to", text=clause.clause.text)
                contract.was_edited(by=request.user)
        messages.success(request, f"“{clause}” says again what the standard says.")
        return redirect(contract.staff_url("clauses"))

    def about(self, request, record):
        clauses = record.its("contract_clauses", "clause")
        for row in clauses:
            row.changes = difference.changes(row.clause.text, row.text) if row.edited else []
        return super().about(request, record) | {
            "clauses": clauses,
            "edited": [row for row in clauses if row.edited],
            "may_write": self.has_change_permission(request, record),
            "approvals": record.its("approvals"),
            "sold": publishing.sold_body(record.proposal),
            "signatories": signing_order(record),
            "agency": settings.AGENCY_NAME,
            "change_orders": changing.orders_to(record),
            "payment": getattr(record, "payment", None),
        }


def signing_order(contract) -> list:
    """Return who signs for the client, in order, each with their signature and whether it is their turn."""
    signed = {each.contact_id: each for each in contract.its("signatures") if each.side == Signature.Side.CLIENT}
    turn = contract.whose_turn
    return [
        {"who": row.contact, "signature": signed.get(row.contact_id), "next": row.contact == turn}
        for row in contract.its("signatories", "contact")
    ]


class ProofRows(ReadOnlyInline):
    model = PaymentProof
    fields = ["kind", "amount", "reference", "happened_on", "shown"]
    verbose_name_plural = "what shows it"

    @admin.display(description="To look at")
    def shown(self, proof):
        if proof.file:
            address = reverse("admin:proposals_payment_file", args=[proof.payment_id, proof.pk])
            return format_html('<a href="{}">{}</a>', address, proof.file_name)
        if proof.link:
            return format_html('<a href="{}" rel="noreferrer">{}</a>', proof.link, proof.link)
        return "The provider's own notice"


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["contract", "stage", "amount", "paid", "currency", "due_on"]
    list_filter = ["stage"]
    list_select_related = ["contract__proposal"]
    fields = ["contract", "amount", "paid", "currency", "invoice", "due_on"]
    inlines = [ProofRows]
    empty_words = "No payments yet. Each contract brings one."

    def pages(self):
        return [*super().pages(), ("<int:pk>/file/<int:proof>/", self.file_view, "file")]

    def file_view(self, request, pk, proof):
        """Send the file that shows a payment, to be kept and never to be run."""
        shown = self.get_object_or_404(request, pk).proofs.filter(pk=proof).exclude(file="").first()
        if shown is None or request.method != "GET":
            raise Http404
        try:
            answer = FileResponse(shown.file.open("rb"), as_attachment=True, filename=shown.file_name)
        except OSError:
            raise Http404("The file is not where it was kept. Ask an administrator for the backup.") from None
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "private, no-store"
        return answer
