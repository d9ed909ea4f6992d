"""What the client saw on a day, for whoever may see what was offered."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from opportunities.forms import near_our_time, say_plainly
from opportunities.inplace import DayInput
from portal import offer
from proposals import seen as shown

from ..access import page_context, staff_page
from .checklist import deal_of


class DayForm(forms.Form):
    on = forms.DateField(label="On which day?", widget=DayInput, validators=[near_our_time])

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        say_plainly(self.fields["on"])

    def clean_on(self):
        day = self.cleaned_data["on"]
        if day > today():
            raise forms.ValidationError("Choose today or a day that has passed.")
        return day


def today():
    """Return the day that it is at the agency: by its midnights links and publications are counted."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


@staff_page("proposals.view_proposal")
@require_safe
def seen(request, pk):
    """Show what each person of the client could read of a deal on one day; today, when none is named."""
    opportunity = deal_of(request, pk)
    form = DayForm(request.GET if "on" in request.GET else {"on": today().isoformat()})
    day = shown.on(opportunity, form.cleaned_data["on"]) if form.is_valid() else None
    context = page_context(
        request,
        f"What the client saw: {opportunity}",
        opportunity=opportunity,
        form=form,
        day=day,
        zone=timezone.get_default_timezone_name(),
        agency={"name": settings.AGENCY_NAME},
    )
    if day:
        for each in day.shown:
            body = each.publication.body
            each.words = offer.shown_offer(body) | {"numbers": offer.bars(body.get("numbers"))}
        context |= {"earlier": day.on - timedelta(days=1)}
        context |= {"later": day.on + timedelta(days=1) if day.on < today() else None}
    return TemplateResponse(request, "desk/seen.html", context, status=200 if day else 422)
