"""The words that are asked for when a promise is settled, kept or broken, or work is said to be in scope."""

from django import forms

from opportunities.forms import MoveForm, ReasonForm
from opportunities.models import Evidence
from proposals.models import Proposal

from .models import Promise, Report


class SettleForm(MoveForm):
    outcome = forms.ChoiceField(label="How is it settled?", choices=Promise.Outcome, widget=forms.RadioSelect)
    change_order = forms.ModelChoiceField(
        Proposal.objects.none(),
        label="By which change order?",
        required=False,
        empty_label="None",
        help_text="One that the client accepted. A promise that began one is settled by itself when they do.",
    )
    reason = forms.CharField(
        label="What was agreed?",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="With whom, when, and what holds now.",
        error_messages={"required": "Say what was agreed: delivery works from this."},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["change_order"].queryset = self.record.accepted_changes()

    def clean(self):
        data = super().clean()
        if data.get("outcome") == Promise.Outcome.REWORDED and not data.get("change_order"):
            words = (
                "Choose the change order that the client accepted. There is none yet: begin one on the promise's page."
            )
            if self.fields["change_order"].queryset.exists():
                words = "Choose the change order that the client accepted."
            self.add_error("change_order", words)
        return data


class ShownForm(MoveForm):
    """Asks what shows how a promise ended: words, a report, a piece of evidence."""

    shown = forms.CharField(
        label="What shows it?",
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        max_length=2000,
        help_text="Where it can be seen, or who confirmed it and when.",
    )
    report = forms.ModelChoiceField(Report.objects.none(), label="A report", required=False, empty_label="None")
    evidence = forms.ModelChoiceField(
        Evidence.objects.none(), label="A piece of evidence", required=False, empty_label="None"
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        opportunity = self.record.handoff.opportunity_id
        reports = Report.objects.filter(project__opportunity=opportunity, stage=Report.Stage.PUBLISHED)
        self.fields["report"].queryset = reports.select_related("project").order_by("-due_on")
        measured = Evidence.objects.current().filter(audit__opportunity=opportunity)
        self.fields["evidence"].queryset = measured.select_related("audit").order_by("metric", "pk")

    def clean(self):
        data = super().clean()
        if not self.errors and not any(data.get(name) for name in ("shown", "report", "evidence")):
            self.add_error("shown", "Say what shows it, or choose a report or a piece of evidence.")
        return data


class BrokenForm(ShownForm):
    reason = forms.CharField(
        label="Why?",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="Others will read this.",
        error_messages={"required": "Say why: others work from this."},
    )
    field_order = ["reason", "shown", "report", "evidence"]


class InScopeForm(ReasonForm):
    reason = forms.CharField(
        label="It does not touch it, because…",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="Others will read this.",
        error_messages={"required": "Say why it is in scope."},
    )
