"""The words that moves ask for."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from opportunities.forms import MoveForm, ReasonForm, offer_people
from opportunities.models import Contact, User
from opportunities.models.evidence_file import checked

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


class ProlongForm(MoveForm):
    sign_by = forms.DateField(label="It can be signed until", widget=DAY)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("sign_by", publishing.agency_day() + timedelta(days=14))

    def clean_sign_by(self):
        day = self.cleaned_data["sign_by"]
        if day < publishing.agency_day():
            raise forms.ValidationError("Choose a day that is still to come.")
        return day


class ProofForm(MoveForm):
    """Asks what shows that money moved."""

    reference = forms.CharField(
        label="Reference", max_length=120, help_text="As the bank or the payment provider names it."
    )
    happened_on = forms.DateField(label="Day", widget=DAY)
    link = forms.URLField(
        label="Where it can be looked at",
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text="The address of the provider's page, say. Or bring the file.",
    )
    file = forms.FileField(
        label="File", max_length=255, required=False, help_text="The statement or the receipt: up to 15 MB."
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file:
            checked(file.read(), file.name)
            file.seek(0)
        return file

    def clean(self):
        said = super().clean()
        if not self.errors and not said.get("link") and not said.get("file"):
            self.add_error("link", "Bring the file that shows it, or give the address where it can be looked at.")
        return said

    def clean_happened_on(self):
        day = self.cleaned_data["happened_on"]
        if day > publishing.agency_day():
            raise forms.ValidationError("Choose the day on which it moved. It cannot lie ahead.")
        return day


class RefundForm(ProofForm, ReasonForm):
    field_order = ["reason", "reference", "happened_on", "link", "file"]


class PartForm(ProofForm):
    paid = forms.DecimalField(label="How much came in?", max_digits=12, decimal_places=2, min_value=0.01)

    field_order = ["paid", "reference", "happened_on", "link", "file"]

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
