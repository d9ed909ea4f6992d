"""A deal's checklist, and somebody's word for what it asks."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from opportunities.admin.base import whole_number
from opportunities.forms import UNPRINTABLE, MoveForm
from opportunities.models import Checkpoint, Confirmation, Opportunity
from opportunities.records import Refused

from ..access import page_context, staff_page
from ..checklist import rows_of

SAY_IT = "Say in a few words what you know."


class WordsForm(MoveForm):
    words = forms.CharField(label="In words", max_length=2000, error_messages={"required": SAY_IT})

    def clean_words(self):
        """Refuse words of which nothing can be seen."""
        words = self.cleaned_data["words"]
        if not UNPRINTABLE.sub("", words).strip():
            raise forms.ValidationError(SAY_IT)
        return words


def deal_of(request, pk):
    """Return the deal, or none: whoever may not see it learns nothing of it."""
    found = Opportunity.objects.visible_to(request.user).select_related("client", "owner").filter(pk=pk).first()
    if found is None:
        raise Http404("No such opportunity, or it is not yours.")
    return found


@staff_page("opportunities.view_opportunity")
@require_safe
def checklist(request, pk):
    """Show what a deal has of the checklist, what it lacks, and what is not due yet."""
    return show(request, deal_of(request, pk))


def show(request, opportunity, *, wrong=None, status=200):
    """Show the page. `wrong` is a word that was not taken: its checkpoint, what was typed, and what to do."""
    context = page_context(
        request,
        f"Checklist: {opportunity}",
        opportunity=opportunity,
        checklist=rows_of(opportunity, request.user),
        wrong=wrong,
    )
    return TemplateResponse(request, "desk/checklist.html", context, status=status)


@staff_page("opportunities.add_confirmation")
@require_POST
def confirm(request, pk):
    """Take somebody's word for a checkpoint of a deal."""
    opportunity = deal_of(request, pk)
    if not opportunity.within_reach(request.user, "change"):
        raise PermissionDenied(f"You may read this, but not add to it: {opportunity}.")
    checkpoint = Checkpoint.objects.filter(pk=whole_number(request.POST.get("checkpoint"))).first()
    if checkpoint is None:
        raise Http404("No such checkpoint.")
    form = WordsForm(request.POST, record=opportunity, user=request.user)
    lacks = [trouble for errors in form.errors.values() for trouble in errors]
    if form.is_valid():
        try:
            Confirmation.give(opportunity, checkpoint, by=request.user, **form.cleaned_data)
        except Refused as refusal:
            lacks = refusal.reasons
    if lacks:
        wrong = {"checkpoint": checkpoint.pk, "words": form.data.get("words", "").replace("\0", ""), "lacks": lacks}
        return show(request, opportunity, wrong=wrong, status=422)
    messages.success(request, f"Confirmed: {checkpoint}")
    return HttpResponseRedirect(f"{reverse('checklist', args=[pk])}#checkpoint-{checkpoint.pk}")
