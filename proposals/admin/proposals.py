"""The proposal's page: the composer, and what else is done with a proposal."""

from datetime import timedelta

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from opportunities.records import Refused

from .. import attention, coverage
from ..composing import BeginForm, begin_with
from ..evidence import outdated, take_newest
from ..models import Contract, Proposal
from ..pointing import objections_to
from .composer import Composer


@admin.register(Proposal)
class ProposalAdmin(Composer):
    right = "proposals.write_proposal"
    list_display = ["number", "revision", "title", "opportunity", "stage", "proven", "owner", "valid_until"]
    list_more = ("sent_at", "viewed_at", "answered_at")
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity__client", "owner", "lead", "service", "superseded_by"]
    search_fields = ["number", "title", "opportunity__name"]
    # What is asked to begin with; the rest is written on the proposal's own page.
    form = BeginForm
    fieldsets = [
        ("For whom", {"fields": ["opportunity", "lead"]}),
        ("What it begins with", {"fields": ["title", "service", "template", "currency", "valid_until", "owner"]}),
    ]
    says_its_first_action = True
    empty_words = "No proposals here. Start one on an opportunity whose audit is verified."

    def filter_rows(self, request, rows):
        """Count on the list how much of each rests on proof, as a part of its one query."""
        filters, rows = super().filter_rows(request, rows)
        return filters, coverage.annotated(rows)

    @admin.display(description="rests on proof")
    def proven(self, row):
        return f"{coverage.percent(row.rows_proven, row.rows_in_all)}%" if row.rows_in_all else "no rows yet"

    def get_changeform_initial_data(self, request):
        day = timezone.localdate() + timedelta(days=21)
        return {"owner": request.user, "valid_until": day, **super().get_changeform_initial_data(request)}

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            begin_with(obj, form.cleaned_data["template"], by=request.user)

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/revise/", self.revise_view, "revise"),
            ("<int:pk>/contract/", self.contract_view, "contract"),
            ("<int:pk>/newest/", self.newest_view, "newest"),
        ]

    def about(self, request, record):
        may_write = request.user.has_perm(self.right) and record.within_reach(request.user, "change")
        may_contract = request.user.has_perm("proposals.write_contract") and record.within_reach(request.user, "change")
        accepted = may_contract and record.stage == Proposal.Stage.ACCEPTED and not record.is_change_order
        return super().about(request, record) | {
            "approvals": record.approvals.select_related("owner", "decided_by", "opportunity"),
            "objections": objections_to(record),
            "attention": attention.of(record) if record.publication_id else None,
            "unclaimed": [*coverage.unclaimed(record), *record.unsafe()],
            "revisions": record.revisions().select_related("author", "superseded_by"),
            "may_copy": request.user.has_perm(self.right) and not record.is_change_order,
            # Newer numbers than its rows rest on: only where rows can still change.
            "newer_proof": outdated(record) if may_write and record.stage in Proposal.WRITABLE else [],
            "may_revise": may_write and not record.not_revised(),
            "may_draw_up": accepted and not record.contracts.exclude(stage__in=Contract.CLOSED).exists(),
        }

    @method_decorator(require_POST)
    def revise_view(self, request, pk):
        """Begin the next revision."""
        proposal = self.get_object_or_404(request, pk)
        if not (request.user.has_perm(self.right) and proposal.within_reach(request.user, "change")):
            raise PermissionDenied("Only whoever may write proposals begins a revision.")
        try:
            copy = proposal.revise(by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(proposal.staff_url())
        messages.success(request, f"Begun: {copy}. It starts unapproved.")
        return redirect(copy.staff_url())

    @method_decorator(require_POST)
    def newest_view(self, request, pk):
        """Rest every row on the newest version of its evidence."""
        proposal = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, proposal):
            raise PermissionDenied("Only whoever may write this proposal changes what it rests on.")
        try:
            changed = take_newest(proposal, by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            rows = "1 row rests" if changed == 1 else f"{changed} rows rest"
            messages.success(request, f"{rows} on the newest numbers. Read whether the words still fit.")
        return redirect(proposal.staff_url())

    @method_decorator(require_POST)
    def contract_view(self, request, pk):
        """Draw up the contract of an accepted proposal."""
        proposal = self.get_object_or_404(request, pk)
        may = request.user.has_perm("proposals.write_contract") and proposal.within_reach(request.user, "change")
        if not may:
            raise PermissionDenied("Only whoever may write contracts draws one up.")
        try:
            contract = Contract.draw_up(proposal, by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(proposal.staff_url())
        messages.success(request, f"Drawn up: {contract}.")
        return redirect(contract.staff_url())
