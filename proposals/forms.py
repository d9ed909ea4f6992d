"""The words that moves ask for."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from opportunities import filling
from opportunities.currencies import refuse_decimals
from opportunities.forms import MoveForm, ReasonForm, offer_people
from opportunities.models import Contact, MessageTemplate, User
from opportunities.models.evidence_file import checked
from opportunities.records import Lack, Refused
from portal.models import ProposalLink

from . import asking, measures, publishing

# Money that moved longer ago than this is a slip of the finger.
A_YEAR = timedelta(days=366)
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


class People(forms.ModelMultipleChoiceField):
    """Some of a client's people, none of them needed."""

    def __init__(self, label, help_text=""):
        widget = forms.CheckboxSelectMultiple
        super().__init__(Contact.objects.none(), label=label, help_text=help_text, required=False, widget=widget)


class SendForm(MailForm):
    """Asks who decides, who else gets a link and for what, and the words of the mail: typed, or a template's."""

    contact = forms.ModelChoiceField(Contact.objects.none(), label="Who decides", empty_label=None)
    decides = People("Decides, too", "The first answer counts.")
    signs = People("Signs the contract", "In the order of their names. Nobody: who decides signs.")
    reads = People("Reads it")
    template = forms.ModelChoiceField(
        MessageTemplate.objects.none(), label="Words from a template", required=False, empty_label="None"
    )
    expires_on = forms.DateField(label="The links work until", widget=DAY, required=False)

    field_order = ["contact", "decides", "signs", "reads", "template", "words", "expires_on"]
    ROLES = ("decides", "signs", "reads")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        opportunity = self.record.opportunity
        people = opportunity.client.contacts.reachable()
        for name in ("contact", *self.ROLES):
            offer_people(self.fields[name], people)
        if len(people) < 2:
            for name in self.ROLES:
                del self.fields[name]
        in_use = MessageTemplate.objects.filter(stage="in_use", purpose__in=["transactional", "contractual"])
        self.fields["template"].queryset = in_use.order_by("name")
        self.initial.setdefault("contact", opportunity.decision_owner)
        self.initial.setdefault("expires_on", self.record.valid_until)

    def clean(self):
        said = super().clean()
        if said.get("template") and said.get("words"):
            self.add_error("words", "Take either a template or words of your own: empty one of the two.")
        given: dict = {said.get("contact"): "decides"}
        for role in self.ROLES:
            for contact in said.pop(role, ()):
                if contact in given:
                    self.add_error(role, f"{contact} stands twice: give each person one part.")
                given[contact] = role
        if self.errors:
            return said
        given.pop(said["contact"])
        if said["template"] is not None:
            self.refuse_empty_fields(said["template"], [said["contact"], *given])
        return said | {"others": list(given.items())}

    def refuse_empty_fields(self, template, people):
        """Refuse a template that a field would leave empty for any of these people."""
        offer = self.record
        about = {"owner": offer.owner, "opportunity": offer.opportunity, "record": offer}
        for contact in people:
            try:
                if template.current is None:
                    raise Refused(["Write the words of this template first."])
                filling.fill(template.current, contact=contact, **about)
            except Refused as refusal:
                self.add_error("template", [f"{contact}: {reason}" for reason in refusal.reasons])

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError("Choose a day that is still to come.")
        if day and self.record.valid_until and day > self.record.valid_until:
            raise forms.ValidationError("The proposal is not valid for so long. Choose an earlier day.")
        return day


class ShareForm(MailForm):
    """Asks who else gets a link. Whoever had one gets a new one, and the old one leads there."""

    contact = forms.ModelChoiceField(
        Contact.objects.none(),
        label="Send to",
        empty_label=None,
        help_text="Who has a link already gets a new one; the old one leads there.",
    )
    role = forms.ChoiceField(label="What for", choices=ProposalLink.Role, initial="reads")

    field_order = ["contact", "role", "words"]
    done = "Send"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        offer_people(self.fields["contact"], self.record.opportunity.client.contacts.reachable())


class CloseLinkForm(ReasonForm):
    """Asks whose link is closed, and why."""

    link = forms.ModelChoiceField(ProposalLink.objects.none(), label="Whose link?", empty_label=None)

    field_order = ["link", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        links = ProposalLink.objects.filter(publication=self.record.publication_id, revoked_at=None)
        self.fields["link"].queryset = links.order_by("contact_name", "pk")
        self.fields["link"].label_from_instance = lambda link: f"{link.contact_name}, {link.get_role_display().lower()}"
        if not links:
            self.fields["link"].empty_label = "No link is open"


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
        if day < publishing.agency_day() - A_YEAR:
            raise forms.ValidationError("Check the year: this lies more than a year back.")
        return day


class RefundForm(ProofForm, ReasonForm):
    field_order = ["reason", "reference", "happened_on", "link", "file"]


class PartForm(ProofForm):
    paid = forms.DecimalField(label="How much came in?", max_digits=12, decimal_places=2, min_value=0.01)

    field_order = ["paid", "reference", "happened_on", "link", "file"]

    def clean_paid(self):
        paid = self.cleaned_data["paid"]
        refuse_decimals(paid, self.record.currency)
        if paid + self.record.paid >= self.record.amount:
            raise forms.ValidationError("That is all of it: record it as paid instead.")
        return paid


class WithdrawWordsForm(ReasonForm):
    """Asks why words are withdrawn, and says where the client goes on reading them."""

    @property
    def intro(self) -> str:
        there = self.record.read_in()
        which = "that one" if len(there) == 1 else "those"
        return f"A client goes on reading them. Send a new revision, or withdraw {which}." if there else ""

    @property
    def stays(self) -> list:
        """Return each page on which they stay."""
        words = "It stays readable in {0.number}, revision {0.revision}, which the client has."
        return [Lack(words.format(each), each.staff_url()) for each in self.record.read_in()]


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
        if said.get("measure") == "first_year" and "number" in said:
            try:
                refuse_decimals(said["number"], measures.Measured(self.record.subject).currency)
            except forms.ValidationError as refusal:
                self.add_error("number", refusal)
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
