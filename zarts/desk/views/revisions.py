"""Two revisions of a proposal beside each other, and a copy of it for another opportunity."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from opportunities.admin.base import Lookup, came_from, whole_number
from opportunities.forms import say_plainly
from opportunities.models import Opportunity
from opportunities.records import Refused
from proposals import difference
from proposals.models import Proposal

from ..access import page_context, staff_page

WRITE = "proposals.write_proposal"


@staff_page("proposals.view_proposal")
@require_safe
def compare(request, pk):
    """Show what changed between two revisions: this one, or the one that `of` names, and the one that `with` names."""
    seen = Proposal.objects.visible_to(request.user).select_related("opportunity__client")
    proposal = get_object_or_404(seen, pk=pk)
    revisions = {each.revision: each for each in proposal.revisions().select_related("author")}
    if (of := whole_number(request.GET.get("of"))) in revisions and of != proposal.revision:
        other = request.GET.get("with", "")
        address = reverse("proposals_proposal_difference", args=[revisions[of].pk])
        return redirect(f"{address}?with={whole_number(other) or ''}")
    chosen = whole_number(request.GET.get("with"))
    other = revisions.get(chosen) if "with" in request.GET else beside(proposal, revisions)
    context = {"proposal": proposal, "revisions": list(revisions.values()), "other": other, "parts": []}
    if other and other.pk != proposal.pk:
        old, new = sorted((other, proposal), key=lambda each: each.revision)
        context |= {"old": old, "new": new, "parts": difference.of_revisions(old, new)}
    title = f"What changed in {proposal.number}"
    return TemplateResponse(request, "proposals/compare.html", page_context(request, title, **context))


def beside(proposal, revisions):
    """Return the revision before this one; of the first, the next."""
    earlier = [number for number in revisions if number < proposal.revision]
    later = [number for number in revisions if number > proposal.revision]
    return revisions[max(earlier)] if earlier else revisions[min(later)] if later else None


class CopyForm(forms.Form):
    """Asks for which opportunity a proposal is copied: any open one that this person may write for."""

    opportunity = forms.ModelChoiceField(
        Opportunity.objects.none(),
        label="For which opportunity?",
        help_text="An open one that you may write for. Evidence stays behind: it proves nothing about somebody else.",
        error_messages={"invalid_choice": "Choose an open opportunity that you may write for."},
    )

    def __init__(self, *args, proposal, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        field = self.fields["opportunity"]
        field.queryset = Opportunity.objects.visible_to(user).exclude(pk=proposal.opportunity_id)
        field.widget = Lookup(Proposal._meta.get_field("opportunity"), admin.site)
        field.widget.choices = field.choices
        say_plainly(field)

    def clean_opportunity(self):
        opportunity = self.cleaned_data["opportunity"]
        if not opportunity.is_open:
            stage = opportunity.get_stage_display().lower()
            raise ValidationError(f"Choose an open opportunity: this one is {stage}.")
        if not opportunity.within_reach(self.user, "change"):
            raise ValidationError("You may read this opportunity, but not write for it. Choose another one.")
        return opportunity


@staff_page(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request, pk):
    """Ask for which opportunity (GET), and copy the proposal there (POST)."""
    proposal = get_object_or_404(Proposal.objects.visible_to(request.user).select_related("opportunity"), pk=pk)
    form = CopyForm(request.POST if request.method == "POST" else None, proposal=proposal, user=request.user)
    if form.is_valid():
        try:
            made = proposal.copy_to(form.cleaned_data["opportunity"], by=request.user)
        except (Refused, ValidationError) as refusal:
            words = refusal.reasons if isinstance(refusal, Refused) else refusal.messages
            form.add_error("opportunity", list(words))
        else:
            messages.success(request, f"Copied: {made}. It starts unapproved, and without evidence.")
            return redirect(made.staff_url())
    context = {"record": proposal, "form": form, "button": "Copy", "back": came_from(request, proposal)}
    page = page_context(request, "Copy it for another opportunity", **context)
    return TemplateResponse(request, "proposals/copy.html", page, status=422 if form.errors else 200)
