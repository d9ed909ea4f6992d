"""The words that moves ask for."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from .models import Closing


def near_our_time(day):
    """Refuse a year that is a slip of the finger: days before and after it are counted, and the calendar ends."""
    if not 1950 <= day.year <= 2150:
        raise forms.ValidationError("Check the year.")


class MoveForm(forms.Form):
    """The base of every form that a move asks for. It knows the record and the person."""

    def __init__(self, *args, record, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.record, self.user = record, user
        for field in self.fields.values():
            if isinstance(field, forms.CharField) and field.max_length is None:
                field.max_length = 20_000
            if isinstance(field, (forms.DateField, forms.DateTimeField)):
                field.validators.append(near_our_time)


class ReasonForm(MoveForm):
    reason = forms.CharField(
        label="Why?", widget=forms.Textarea(attrs={"rows": 3}), max_length=2000, help_text="Others will read this."
    )


class AnswerForm(MoveForm):
    answer = forms.CharField(label="What did we answer?", widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)


class PauseForm(ReasonForm):
    until = forms.DateField(label="Look at it again on", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean_until(self):
        until = self.cleaned_data["until"]
        if until and until < timezone.localdate():
            raise forms.ValidationError("Choose a day that is still to come.")
        return until


class WinForm(MoveForm):
    reason = forms.ChoiceField(label="What won it?", choices=Closing.Reason)
    words = forms.CharField(label="In words", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=4000)
    competitor = forms.CharField(label="Against whom?", required=False, max_length=120)


class LoseForm(MoveForm):
    reason = forms.ChoiceField(label="What lost it?", choices=Closing.Reason)
    words = forms.CharField(label="In words", widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    competitor = forms.CharField(label="Lost to", required=False, max_length=120)
    reactivate_from = forms.DateField(label="Try again from", widget=forms.DateInput(attrs={"type": "date"}))
    reactivate_to = forms.DateField(label="Try again until", widget=forms.DateInput(attrs={"type": "date"}))
    must_change = forms.CharField(
        label="What must have changed by then?",
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=4000,
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        self.initial.setdefault("reactivate_from", today + timedelta(days=90))
        self.initial.setdefault("reactivate_to", today + timedelta(days=180))

    def clean(self):
        data = super().clean()
        if (
            data.get("reactivate_from")
            and data.get("reactivate_to")
            and data["reactivate_to"] < data["reactivate_from"]
        ):
            self.add_error("reactivate_to", "The window must end after it begins.")
        return data
