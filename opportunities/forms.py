"""The words that moves ask for."""

import calendar
import re
from datetime import datetime, timedelta

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils import timezone
from django.utils.functional import cached_property

from .models import Closing, Contact, User


def near_our_time(day):
    """Refuse a year that is a slip of the finger: days before and after it are counted, and the calendar ends."""
    if not 1950 <= day.year <= 2150:
        raise forms.ValidationError("Check the year.")


# What no database keeps, and what turns or hides the letters around it.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff]"
)
# What a field says of what is wrong with it: what to do.
WORDS = {
    "required": "Fill this in.",
    "null_characters_not_allowed": "Remove what is no letter here, and write it again.",
    "max_length": "Shorten this to %(limit_value)d letters; it has %(show_value)d.",
    "invalid_choice": "Choose one from the list.",
    "invalid_pk_value": "Choose from the list.",
    "invalid_list": "Choose from the list.",
    "unique": "There is one with this already. Write another.",
}
NUMBERS = {
    "invalid": "Write a number, such as 40.",
    "min_value": "Write %(limit_value)s or more.",
    "max_value": "Write %(limit_value)s or less.",
    "max_digits": "Write a smaller number.",
    "max_whole_digits": "Write a smaller number.",
    "max_decimal_places": "Write at most %(max)s digits after the point.",
}
DAYS = {"invalid": "Choose a day that there is, such as 2026-12-04."}
TIMES = {"invalid": "Choose a day and a time that there are, such as 2026-12-04 15:00."}
PEOPLE = {"invalid_choice": "Choose one from the list. Whoever left, or may not do this, is not in it."}
PARTS = {"invalid_date": DAYS["invalid"], "invalid_time": "Choose a time that there is, such as 15:00."}
LINKS = {"invalid": "Write the whole address, such as https://example.com."}
MAIL = {"invalid": "Write a mail address, such as name@company.com."}
SAID = (
    (forms.Field, WORDS),
    (forms.IntegerField, NUMBERS),
    (forms.DecimalField, NUMBERS),
    (forms.DateField, DAYS),
    (forms.TimeField, {"invalid": PARTS["invalid_time"]}),
    (forms.DateTimeField, TIMES),
    (forms.SplitDateTimeField, TIMES | PARTS),
    (forms.URLField, LINKS),
    (forms.EmailField, MAIL),
)


def readable(value):
    """Return words without what cannot be read. What no database keeps is left for the field to refuse."""
    return UNPRINTABLE.sub("", value) if isinstance(value, str) and "\0" not in value else value


# What the clocks make of a time: an hour that comes twice in autumn, and one that never comes in spring.
NO_SUCH_HOUR = "The clocks change then: this hour comes twice, or not at all. Choose another one."


def on_the_clock(read):
    """Return a reader of times that says in our words when an hour is none."""

    def reading(value):
        try:
            return read(value)
        except forms.ValidationError as trouble:
            if getattr(trouble, "code", "") != "ambiguous_timezone":
                raise
            raise forms.ValidationError(NO_SUCH_HOUR, code=trouble.code) from None

    return reading


def to_the_minute(field):
    """Have a field of a time show minutes; what it does not show, nobody changed."""
    differs = field.has_changed

    def has_changed(before, now):
        shown = before.replace(second=0, microsecond=0) if isinstance(before, datetime) else before
        return differs(shown, now)

    field.has_changed = has_changed
    return field


def read_once(field):
    """Read the choices of a field once, for all the rows that offer them, and for all that a form asks of them."""
    if field is not None:
        field.choices = list(iter(field.choices))  # a list of the choices themselves asks first how many they are
    return field


def say_plainly(field):
    """Have a field say in our words what to do, where it has no words of its own, and keep only what can be read."""
    theirs: dict = {}
    for kind in reversed(type(field).__mro__):
        theirs |= getattr(kind, "default_error_messages", {})
    ours: dict = {}
    for kind, said in SAID:
        ours |= said if isinstance(field, kind) else {}
    if isinstance(field, forms.ModelChoiceField) and field.queryset.model in (User, Contact):
        ours |= PEOPLE
    own = {code: words for code, words in field.error_messages.items() if words != theirs.get(code)}
    field.error_messages |= ours | own
    if isinstance(field, forms.MultiValueField):
        for part in field.fields:
            say_plainly(part)
        field.compress = on_the_clock(field.compress)
    elif isinstance(field, forms.DateTimeField):
        field.to_python = on_the_clock(field.to_python)
    for validator in getattr(field, "validators", ()):
        if isinstance(validator, ProhibitNullCharactersValidator):
            validator.message = WORDS["null_characters_not_allowed"]
    if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
        # What has a letter in it that no address has is no choice, like any other that is not offered.
        field.validate_no_null_characters = ProhibitNullCharactersValidator(field.error_messages["invalid_choice"])
    if isinstance(field, forms.CharField) and not isinstance(field, WordsField):
        read = field.to_python
        field.to_python = lambda value: read(readable(value))
    return field


def offer_people(field, people):
    """Offer these contacts in a field, each so that nobody is taken for another of the same name."""
    field.queryset = people.knowing_namesakes().order_by("name", "pk")
    field.label_from_instance = lambda contact: contact.told_apart


class WordsField(forms.CharField):
    """Words as somebody typed or pasted them, in lines that end alike, without what cannot be read."""

    def __init__(self, *, rows=3, max_length=20_000, **kwargs):
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": rows}))
        super().__init__(max_length=max_length, **kwargs)
        # The browser would cut a long paste off; the page says instead what to do with it.
        self.widget.attrs.pop("maxlength", None)
        limit = f"{max_length:,} letters"
        self.error_messages["max_length"] = f"Shorten this to {limit}; it has %(show_value)d. Nothing else is lost."
        for validator in self.validators:
            if getattr(validator, "code", "") == "max_length":
                validator.message = self.error_messages["max_length"]

    def to_python(self, value):
        words = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
        return super().to_python(UNPRINTABLE.sub("", words))


class WeekdaysField(forms.MultipleChoiceField):
    """The days on which somebody works, each to be ticked. It is kept as their numbers: 12345."""

    widget = forms.CheckboxSelectMultiple
    DAYS = [(str(number), name) for number, name in enumerate(calendar.day_name, 1)]

    def __init__(self, **kwargs):
        words = {"required": "Choose at least one day.", "invalid_choice": "Choose days of the week."}
        super().__init__(choices=self.DAYS, error_messages=words, **kwargs)

    def prepare_value(self, value):
        return list(value) if isinstance(value, str) else value

    def clean(self, value):
        return "".join(sorted(set(super().clean(value))))

    def has_changed(self, initial, data):
        return (initial or "") != "".join(sorted(data or []))


class MoveForm(forms.Form):
    """The base of every form that a move asks for. It knows the record and the person."""

    def __init__(self, *args, record, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.record, self.user = record, user
        for field in map(say_plainly, self.fields.values()):
            if isinstance(field, forms.CharField) and field.max_length is None:
                field.max_length = 20_000
            if isinstance(field, (forms.DateField, forms.DateTimeField)):
                field.validators.append(near_our_time)


class ReasonForm(MoveForm):
    reason = forms.CharField(
        label="Why?",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="Others will read this.",
        error_messages={"required": "Say why: others work from this."},
    )


class AnswerForm(MoveForm):
    answer = forms.CharField(label="What did we answer?", widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)


class FollowsForm(ReasonForm):
    reason = forms.CharField(
        label="What follows from it?",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="What we change in the offer, or what the client can count on now.",
    )


class WrittenInForm(ReasonForm):
    reason = forms.CharField(
        label="Where does the document hold it?",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text="Such as: proposal, What you get, row 3.",
    )


class ExcludedForm(ReasonForm):
    reason = forms.CharField(
        label="Where does the document exclude it?",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text="Such as: contract, What is not included, row 2.",
    )


class TakenBackForm(ReasonForm):
    reason = forms.CharField(
        label="Who told the client that it does not hold, and when?",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text="And what any document says about it.",
    )


def still_to_come(day):
    """Refuse a day that is over: nobody can keep it any more."""
    if day < timezone.localdate():
        raise forms.ValidationError("Choose a day that is still to come.")


def a_day_to_come(label, **kwargs):
    """Return the field for a day that somebody will have to keep."""
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, validators=[still_to_come], **kwargs)


class PauseForm(ReasonForm):
    until = a_day_to_come(
        "Look at it again on", help_text="Until then everything that is open about it waits too. You are reminded."
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("until", timezone.localdate() + timedelta(days=30))
        if waiting := self.record.tasks.open().count():
            what = "1 open task" if waiting == 1 else f"{waiting} open tasks"
            self.fields["until"].help_text = f"Until then {what} of this deal will wait too. You are reminded."


class ReopenForm(ReasonForm):
    """Asks what is different now. Whoever lost it wrote down what would have to be."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        field.label = "What has changed?"
        field.error_messages["required"] = "Say what has changed since it was lost."
        deal = getattr(self.record, "opportunity", self.record)
        lost = deal.closings.filter(outcome="lost").order_by("-pk").first()
        if lost and lost.must_change:
            field.help_text = f"When it was lost, this had to change: {lost.must_change}"


class StartCampaignForm(MoveForm):
    """Asks nothing: it says how many are written to at once, before they are."""

    @cached_property
    def intro(self) -> str:
        from .campaigns import foresee  # it imports the models

        _, seen = foresee(self.record, self.user)
        return f"{seen} The letters go as soon as they may."


class WinForm(MoveForm):
    reason = forms.ChoiceField(
        label="What won it?",
        choices=[("", "Choose what decided it"), *(each for each in Closing.Reason.choices if each[0] in Closing.WINS)],
        error_messages={"required": "Choose what won it: the next offer learns from it."},
    )
    competitor = forms.CharField(
        label="Against whom?",
        max_length=120,
        help_text="Write “nobody” where nobody else was asked.",
        error_messages={"required": "Name who else was asked, or write “nobody”."},
    )
    words = forms.CharField(label="In words", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=4000)


class LoseForm(MoveForm):
    reason = forms.ChoiceField(
        label="What lost it?",
        choices=[("", "Choose what decided it"), *Closing.Reason.choices],
        error_messages={"required": "Choose what lost it: whoever tries again begins there."},
    )
    words = forms.CharField(
        label="In words",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        error_messages={"required": "Say what happened, so that whoever tries again knows."},
    )
    competitor = forms.CharField(label="Lost to", required=False, max_length=120)
    reactivate_from = a_day_to_come("Try again from")
    reactivate_to = a_day_to_come("Try again until")
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
        if data.get("reason") == Closing.Reason.COMPETITOR and not data.get("competitor"):
            self.add_error("competitor", "Name who won it, or choose another reason.")
        return data
