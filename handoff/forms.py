"""The words that the moves of delivery ask for."""

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from opportunities.forms import MoveForm
from opportunities.models import User
from opportunities.stale import SeenForm

from . import secrecy
from .models import Report


class GrantForm(MoveForm):
    holder = forms.ChoiceField(label="Who holds the access?", help_text="Somebody at the client, or one of us.")
    secret_kept_at = forms.CharField(
        label="Where is the secret kept?",
        max_length=160,
        help_text="The vault and the entry, or “no secret”. Never the secret itself.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        access = self.record
        self.theirs = {f"contact:{one.pk}": one for one in access.project.opportunity.client.contacts.reachable()}
        self.ours = {f"user:{one.pk}": one for one in User.who_work_here()}
        groups = [("At the client", self.theirs), ("Of us", self.ours)]
        offered = [(title, [(key, str(one)) for key, one in people.items()]) for title, people in groups if people]
        self.fields["holder"].choices = [("", "Choose one"), *offered]
        self.initial.setdefault("secret_kept_at", access.secret_kept_at)
        known = {one.pk: key for key, one in self.theirs.items()}
        usual = access.holder_contact_id or access.said_by_id
        ours = f"user:{access.holder_user_id}" if access.holder_user_id else ""
        self.initial.setdefault("holder", ours or known.get(usual, ""))

    def clean_holder(self):
        return (self.theirs | self.ours)[self.cleaned_data["holder"]]

    def clean_secret_kept_at(self):
        words = self.cleaned_data["secret_kept_at"]
        if secrecy.looks_secret(words):
            raise forms.ValidationError(secrecy.SENTENCE)
        return words


def as_lines(numbers) -> str:
    """Return a report's numbers as people type them: a line for each, the value behind the colon."""
    return "\n".join(f"{number['metric']}: {number.get('value') or ''}".rstrip() for number in numbers)


class ReportForm(SeenForm):
    """A report as it is typed: each number on its own line."""

    numbers = forms.CharField(
        required=False,
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="One number a line: its name, a colon, its value.",
    )

    class Meta:
        model = Report
        fields = ["numbers", "summary", "next_steps", "owner", "breach_reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["numbers"] = as_lines(self.instance.numbers)

    def clean_numbers(self):
        """Return the numbers with their typed values; what was promised stays as it was."""
        known = {number["metric"]: number for number in self.instance.numbers}
        numbers = []
        for line in filter(None, (line.strip() for line in self.cleaned_data["numbers"].splitlines())):
            metric, colon, value = line.rpartition(":")
            metric, value = (metric.strip(), value.strip()) if colon else (line, "")
            if len(metric) > 120 or len(value) > 60:
                raise forms.ValidationError(f"Shorten this line: “{line[:60]}…”.")
            blank = {"metric": metric, "unit": "", "promised": None, "before": None}
            numbers.append({**known.pop(metric, blank), "value": value or None})
        if known:
            raise forms.ValidationError(f"These were promised and belong in: {', '.join(known)}.")
        return numbers
