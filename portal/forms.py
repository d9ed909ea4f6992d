"""What clients and strangers may type, and how it is checked."""

from functools import partial

from django import forms
from django.core.validators import RegexValidator

from . import consent, seals
from .secrecy import looks_secret
from .words import clean, clean_name, has_address, has_letter


class Words(forms.CharField):
    """Text of a bounded length, cleaned of control and direction marks."""

    def __init__(self, *, lines=False, **kwargs):
        self.lines = lines
        if lines:
            kwargs.setdefault("widget", forms.Textarea(attrs={"rows": kwargs.pop("rows", 4)}))
        super().__init__(**kwargs)

    def to_python(self, value):
        return super().to_python(clean(value, self.lines) if value not in self.empty_values else value)


class Name(Words):
    """Who somebody is, or in which role: it has a letter, and nothing that nobody sees."""

    def to_python(self, value):
        return super().to_python(clean_name(value) if value not in self.empty_values else value)

    def validate(self, value):
        super().validate(value)
        if value and not has_letter(value):
            raise forms.ValidationError("Write this in letters.", code="letters")


class Address(forms.EmailField):
    """A mail address, cleaned likewise, in the form that the database's door takes too."""

    default_validators = [
        *forms.EmailField.default_validators,
        RegexValidator(r'\A[^@ "<>]+@[^@ "<>]+\.[^@ "<>.]+\Z', code="invalid"),
    ]

    def to_python(self, value):
        return super().to_python(clean(value) if value not in self.empty_values else value)


def text(label, ask, *, length=200, complete="", kind=Words, **kwargs):
    """Make a text field whose refusal says what to do."""
    attrs = {"autocomplete": complete} if complete else {}
    if not kwargs.get("lines"):
        kwargs["widget"] = forms.TextInput(attrs=attrs)
    messages = {"required": ask, "max_length": f"Shorten this to {length} characters."}
    return kind(label=label, max_length=length, error_messages=messages, **kwargs)


called = partial(text, kind=Name)


def no_address(name):
    """Refuse what would stand as a link where others read who somebody is."""
    if has_address(name):
        raise forms.ValidationError("Type the name alone, without a web or mail address.")


def name_of_a_person(label, ask, **kwargs):
    return called(label, ask, complete="name", validators=[no_address], **kwargs)


def agreement(words, ask):
    return forms.BooleanField(label=words, error_messages={"required": ask})


class PlainForm(forms.Form):
    """A form whose fields say to a screen reader what is wrong with them."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("use_required_attribute", False)
        super().__init__(*args, **kwargs)
        if self.prefix is None:
            self.auto_id = f"{type(self).__name__.removesuffix('Form').lower()}_%s"

    def add_error(self, field, error):
        """Open the page with the cursor in the first field that is wrong: it needs no script, and is heard at once."""
        if field in self.fields and not self.errors:
            self.fields[field].widget.attrs["autofocus"] = True
        super().add_error(field, error)


def mail_field(label, **kwargs):
    return Address(
        label=label,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "Give the address at which we can answer you.",
            "invalid": "Check this address: it should look like name@company.com.",
            "max_length": "Shorten this to 254 characters.",
        },
        **kwargs,
    )


class InquiryForm(PlainForm):
    name = name_of_a_person("Your name", "Tell us your name.", length=120)
    email = mail_field("Mail address")
    company = text("Company", "", length=160, complete="organization", required=False)
    website = text("Website to look at", "", length=300, complete="url", required=False)
    phone = text("Phone", "", length=40, complete="tel", required=False)
    message = text("What should be better?", "", length=5000, lines=True, required=False)
    consent = agreement(consent.INQUIRY, "Tick this, so that we may answer you.")

    def clean_website(self):
        website = self.cleaned_data["website"]
        if website and (" " in website or "." not in website or website.lower().startswith(("javascript:", "data:"))):
            raise forms.ValidationError("Check this address: it should look like company.com.")
        return website


class AgreeForm(PlainForm):
    """Asks for a yes to the words that were published with what is agreed to."""

    def __init__(self, *args, words="", **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["consent"].label = words


class AcceptForm(AgreeForm):
    name = name_of_a_person("Your full name", "Type your full name, so that we know who decided.")
    role = called("Your role", "Say in which role you decide.", complete="organization-title")
    consent = agreement("", "Tick this to accept.")


class DeclineForm(PlainForm):
    words = text("What would have to be different?", "Tell us the reason in a few words.", length=5000, lines=True)


class OpenForm(PlainForm):
    """Asks who opens a link: nothing for the contact that it went to, a name from a colleague."""

    name = name_of_a_person("Your name", "", length=120, required=False)

    def clean(self):
        if "colleague" in self.data and not self.cleaned_data.get("name") and not self.errors:
            self.add_error("name", "Type your name first, so that we know who reads.")
        return self.cleaned_data


class AskForm(PlainForm):
    about = forms.ChoiceField(label="About", required=False)
    kind = forms.ChoiceField(
        label="What is it?",
        choices=[("question", "A question"), ("objection", "An objection: this should be different")],
        initial="question",
        required=False,
        widget=forms.RadioSelect,
    )
    words = text("In your words", "Type your question first.", length=5000, lines=True)

    def __init__(self, *args, about, **kwargs):
        super().__init__(*args, **kwargs)
        groups: dict = {}
        for key, (group, title) in about.items():
            groups.setdefault(group, []).append((key, title[:80]))
        self.fields["about"].choices = [("", "The whole proposal"), *groups.items()]
        self.fields["about"].error_messages["invalid_choice"] = "Choose a line that is on this page."


class QuestionForm(PlainForm):
    """A guest's question, about one of the things that they can read; where there is one alone, about that."""

    # By its number: what took its place since the page was opened counts as well, and the database knows that.
    about = Words(label="About", required=False, widget=forms.Select)
    words = text("Your question", "Type your question first.", length=5000, lines=True)

    def __init__(self, *args, about, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["about"].widget.choices = [(key, title[:100]) for key, title in about.items()]
        if len(about) < 2:
            self.fields["about"].widget = forms.HiddenInput()

    def clean_about(self):
        number = self.cleaned_data["about"]
        return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None


class SignForm(AgreeForm):
    name = name_of_a_person("Your full name", "Type your full name: it is your signature.")
    role = called("Your role", "Say in which role you sign.", complete="organization-title")
    consent = agreement("", "Tick this to sign.")


class DeclineContractForm(PlainForm):
    words = text("Why do you not sign?", "Tell us the reason in a few words.", length=5000, lines=True)


class SignInForm(PlainForm):
    email = mail_field("Your mail address")


class CodeForm(PlainForm):
    # One sentence for a wrong code, a dead one, another browser's and an address that we do not know.
    REFUSED = (
        "This code lets nobody in. Take the one of the newest mail, in the browser that asked for it. "
        "A code is good for fifteen minutes and five tries. The link in the same mail lets you in all the same."
    )
    code = Words(
        label="Code from the mail",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={
            "required": "Type the six digits that stand in the mail.",
            "max_length": "Six digits, no more.",
        },
    )

    def clean_code(self):
        code = self.cleaned_data["code"].replace(" ", "").replace("-", "")
        if not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise forms.ValidationError("Type the six digits that stand in the mail.")
        return code


class PasskeyForm(PlainForm):
    name = text("Name it", "Name it after the device, such as “My phone”.", length=80)


class LookForm(PlainForm):
    """A file of which somebody asks whether it is ours."""

    file = forms.FileField(
        label="The PDF file, 5 MB at most",
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
        max_length=255,
        error_messages={
            "required": "Choose the file.",
            "empty": seals.EMPTY,
            "invalid": "Choose the file.",
            "missing": "Choose the file.",
            "max_length": "Give the file a shorter name.",
        },
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > seals.LARGEST:
            raise forms.ValidationError(seals.TOO_LARGE)
        if not seals.is_pdf(file.read(5)):
            raise forms.ValidationError(seals.NO_PDF)
        file.seek(0)
        return file


# What a field of an access asks for once more, when something else was typed; the doors refuse in the same words.
NO_SECRET = {
    "name": "Write the name of whoever did it. No password, and no figures.",
    "to": "Write the mail address of ours that you let in. Never a password.",
}


class GrantForm(PlainForm):
    """What a guest says of an access that they granted. Nobody is asked for a password, and none is kept."""

    name = text("Who let us in?", "Write the name of whoever did it.", length=80, complete="name")
    to = Address(
        label="Which mail address of ours?",
        max_length=120,
        error_messages={
            "required": "Write the mail address of ours that you let in.",
            "invalid": NO_SECRET["to"],
            "max_length": "Shorten this to 120 characters.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args, access, **kwargs):
        super().__init__(*args, **kwargs)
        self.access = access
        # There is one for each access on the page.
        self.auto_id = f"grant_{access}_%s"

    def clean_name(self):
        return self.no_secret("name")

    def clean_to(self):
        return self.no_secret("to")

    def no_secret(self, field):
        if looks_secret(self.cleaned_data[field]):
            raise forms.ValidationError(NO_SECRET[field])
        return self.cleaned_data[field]
