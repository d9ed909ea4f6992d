"""The words that moves ask for."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from opportunities.forms import MoveForm, ReasonForm, offer_people
from opportunities.models import Contact, User

from . import asking, measures, publishing

DAY = forms.DateInput(attrs={"type": "date"})


class MailForm(MoveForm):
    """Asks what the mail says with which a record goes out. Nobody approves these words, so they are read here."""

    words = forms.CharField(
        label="Words of the mail",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        help_text="The greeting and the link are added.",
    )

    def clean_words(self):
        words = self.cleaned_data["words"]
        if marks := publishing.marks_on_mail(self.record, words):
            raise forms.ValidationError([mark.sentence for mark in marks])
        return words


class SendForm(MailForm):
    contact = forms.ModelChoiceField(Contact.objects.none(), label="Send to", empty_label=None)
    expires_on = forms.DateField(label="The link works until", widget=DAY, required=False)

    field_order = ["contact", "words", "expires_on"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        opportunity = self.record.opportunity
        offer_people(self.fields["contact"], opportunity.client.contacts.reachable())
        self.initial.setdefault("contact", opportunity.decision_owner)
        self.initial.setdefault("expires_on", self.record.valid_until)

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError("Choose a day that is still to come.")
        if day and self.record.valid_until and day > self.record.valid_until:
            raise forms.ValidationError("The proposal is not valid for so long. Choose an earlier day.")
        return day


class CountersignForm(MoveForm):
    role = forms.CharField(label="Your role", max_length=200)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("role", self.user.title)


class InvoiceForm(MoveForm):
    invoice = forms.CharField(label="Invoice number", max_length=60)
    due_on = forms.DateField(label="Due", widget=DAY)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("due_on", timezone.localdate() + timedelta(days=14))


class PartForm(MoveForm):
    paid = forms.DecimalField(label="How much came in?", max_digits=12, decimal_places=2, min_value=0.01)

    def clean_paid(self):
        paid = self.cleaned_data["paid"]
        if paid + self.record.paid >= self.record.amount:
            raise forms.ValidationError("That is all of it: record it as paid instead.")
        return paid


class ConditionForm(MoveForm):
    """A condition as people type it; what a move gets is the measure and its number."""

    MEASURES = [
        (key, f"the {name} stays {measures.BOUNDS[bound]}") for key, (name, bound, _) in measures.MEASURES.items()
    ]

    measure = forms.ChoiceField(label="Good while", choices=MEASURES)
    number = forms.DecimalField(
        label="this number",
        max_digits=12,
        decimal_places=2,
        min_value=0,
        help_text="Percent for a discount or a margin, an amount for the first year.",
        error_messages={"required": "Type the number that it must keep to."},
    )

    def clean(self):
        said = super().clean()
        if said.get("measure") in ("discount", "margin") and said.get("number", 0) > 100:
            self.add_error("number", "Type at most 100 percent.")
        if self.errors:
            return said
        return {"condition": measures.condition(said["measure"], said["number"])}


class ReassignForm(ReasonForm):
    to = forms.ModelChoiceField(User.objects.none(), label="Who decides?", empty_label=None)

    field_order = ["to", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        may = [user.pk for user in asking.who_could_take(self.record)] if self.record.is_open else []
        self.fields["to"].queryset = User.who_work_here().filter(pk__in=may)
        if not may:
            self.fields["to"].empty_label = "Nobody else may decide on this"
