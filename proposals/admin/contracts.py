"""The contract's page, with its clauses, signatures and payment."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from opportunities import difference
from opportunities.admin.base import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin
from opportunities.models import Contact
from opportunities.records import edit

from .. import publishing
from ..models import Contract, ContractClause, Payment, Signature
from .writing import WrittenAdmin, WrittenRows


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


class SignatureRows(ReadOnlyInline):
    model = Signature
    fields = ["side", "name", "role", "at", "consent_version", "address", "digest"]


@admin.register(Contract)
class ContractAdmin(WrittenAdmin):
    right = "proposals.write_contract"
    list_display = ["number", "proposal", "opportunity", "stage", "owner", "kickoff_on"]
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity", "proposal", "owner"]
    search_fields = ["number", "opportunity__name"]
    fieldsets = [
        ("Who signs", {"fields": ["signer"]}),
        ("Reports", {"fields": ["report_every", "report_weekday", "report_day", "first_report_on"]}),
        ("Start", {"fields": ["kickoff_on", "payment_before_start"]}),
        ("Next", {"fields": ["owner", "next_action", "due_on"]}),
    ]
    inlines = [ClauseRows, SignatureRows]
    panels = ("proposals/contract.html",)
    empty_words = "No contracts yet. Draw one up on an accepted proposal."

    def has_add_permission(self, request):
        # A contract is drawn up on the page of its proposal.
        return False

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        pk = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        if db_field.name == "signer" and pk and str(pk).isdigit():
            people = Contact.objects.visible_to(request.user).reachable()
            field.queryset = people.filter(client__opportunities__contracts=pk)
        return field

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
        clauses = list(record.contract_clauses.select_related("clause"))
        for row in clauses:
            row.changes = difference.changes(row.clause.text, row.text) if row.edited else []
        return super().about(request, record) | {
            "clauses": clauses,
            "edited": [row for row in clauses if row.edited],
            "may_write": self.has_change_permission(request, record),
            "approvals": record.approvals.select_related("owner", "decided_by", "opportunity"),
            "sold": publishing.sold_body(record.proposal),
            "payment": Payment.objects.filter(contract=record).first(),
        }


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["contract", "stage", "amount", "paid", "currency", "due_on"]
    list_filter = ["stage"]
    list_select_related = ["contract__proposal"]
    fields = ["contract", "amount", "paid", "currency", "invoice", "due_on"]
    empty_words = "No payments yet. Each contract brings one."
