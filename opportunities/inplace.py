"""Small forms that open in place: a few fields of a record, or something new about an opportunity."""

from datetime import timedelta

from django import forms
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import capfirst

from .followups import end_of_day
from .forms import UNPRINTABLE, WORDS, WeekdaysField, near_our_time, offer_people, say_plainly, to_the_minute
from .heard import NoteForm, ObjectionForm, PromiseForm
from .models import Contact, Message, Task, User
from .models.client import known_days
from .records import begin, edit, perform
from .stale import SeenFields

LONGEST = 20_000
SAY_NEXT = "Say what happens next."


def by_your_clock() -> str:
    """Say by whose clock a time is typed."""
    return f"By your clock: {timezone.get_current_timezone_name()}."


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class TimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class HourInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%H:%M")


def field_for(db_field, **kwargs):
    """Return the form's field for a model's: days from a calendar, people who work here, words of a bearable length."""
    if isinstance(db_field, models.DateTimeField):
        kwargs["widget"] = TimeInput
    elif isinstance(db_field, models.DateField):
        kwargs["widget"] = DayInput
    elif isinstance(db_field, models.TextField):
        kwargs |= {"widget": forms.Textarea(attrs={"rows": 4}), "max_length": LONGEST}
    elif isinstance(db_field, models.TimeField):
        kwargs["widget"] = HourInput
    elif known_days in db_field.validators:
        return WeekdaysField(label=capfirst(db_field.verbose_name))
    elif db_field.related_model is User:
        owns = db_field.name == "owner"
        kwargs["queryset"] = User.who_may_own(db_field.model) if owns else User.who_work_here()
    field = db_field.formfield(**kwargs)
    if field is not None:
        say_plainly(field)
        if isinstance(field, forms.DateField | forms.DateTimeField):
            field.validators.append(near_our_time)
        if isinstance(field, forms.DateTimeField):
            to_the_minute(field)
    return field


class InPlaceForm(forms.ModelForm):
    """A form of a few fields. Words lose what cannot be read, and what turns or hides the letters around it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("contact", "decision_owner"):
            if name in self.fields:
                offer_people(self.fields[name], Contact.objects.filter(client=self.client_id, left_on=None))

    @property
    def client_id(self):
        return getattr(self.instance, "client_id", None) or self.instance.opportunity.client_id

    def clean(self):
        data = super().clean()
        for name, value in list(data.items()):
            if isinstance(value, str):
                data[name] = UNPRINTABLE.sub("", value).strip()
                if self.fields[name].required and not data[name]:
                    self.add_error(name, WORDS["required"])
        return data

    def clean_email(self):
        """Nobody at a client has the address of somebody else there."""
        email = self.cleaned_data["email"]
        others = Contact.objects.filter(client=self.client_id, email__iexact=email).exclude(pk=self.instance.pk)
        if email and (known := others.first()):
            raise forms.ValidationError(f"{known} has this address already.")
        return email

    def refuse_the_past(self, *names):
        """A day that is chosen now is still to come; one that stood there already may have passed."""
        for name in names:
            day = self.cleaned_data.get(name)
            if day and name in self.changed_data and day < timezone.localdate():
                self.add_error(name, "Choose today or a day that is still to come.")


class FieldsForm(SeenFields, InPlaceForm):
    """Some fields of a record that is there. Each that changed is in the diary, old and new."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "next_action" in self.fields and getattr(self.instance, "is_open", False):
            self.fields["next_action"].required = True
            self.fields["next_action"].error_messages["required"] = SAY_NEXT

    def clean(self):
        data = super().clean()
        self.refuse_the_past("due_on", "decision_on")
        return data

    def keep(self, *, by) -> bool:
        """Change exactly what was changed."""
        edit(self.instance, by=by, **{name: self.cleaned_data[name] for name in self.changed_data})
        return True


def fields_form(record, names, form=FieldsForm):
    """Return the form class for these fields of a record."""
    return forms.modelform_factory(type(record), form=form, fields=names, formfield_callback=field_for)


# -- Something new about an opportunity. -------------------------------------------------------------------------------


class NewForm(InPlaceForm):
    """A new record about an opportunity, from a few words. It is used as what is heard while talking is: `heard.py`."""

    button = "Save"
    past = "added"

    def __init__(self, *args, about, **kwargs):
        self.about = about
        super().__init__(*args, instance=self.unborn(about), **kwargs)

    def unborn(self, opportunity):
        """Return the record with what the person does not type."""
        return self._meta.model(opportunity=opportunity)

    def add(self, *, by):
        """Make the record, with its line in the diary. Return it."""
        if "owner" not in self.fields and hasattr(self.instance, "owner_id"):
            self.instance.owner = by
        return begin(self.instance, by=by, past=self.past)


class TaskForm(NewForm):
    button, past = "Add task", "promised"

    class Meta:
        model = Task
        fields = ("title", "due_at", "owner", "kind")
        labels = {"title": "What is to be done?", "due_at": "Due"}
        formfield_callback = field_for

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["due_at"] = self.initial.get("due_at") or end_of_day(timezone.localdate() + timedelta(days=1))
        self.fields["due_at"].help_text = by_your_clock()

    def add(self, *, by):
        self.instance.time_zone = by.time_zone
        return super().add(by=by)

    def clean_due_at(self):
        due = self.cleaned_data["due_at"]
        if due < timezone.now():
            raise forms.ValidationError("Choose a time that is still to come.")
        return due


class ContactForm(NewForm):
    button = "Add person"

    class Meta:
        model = Contact
        fields = ("name", "email", "phone", "title", "decision_role")
        formfield_callback = field_for

    def unborn(self, opportunity):
        return Contact(client=opportunity.client, time_zone=opportunity.client.time_zone)


class TalkForm(NewForm):
    """A call or a meeting that was held, what came of it, and what is done next."""

    button, past = "Log call or meeting", "wrote down"

    outcome = forms.CharField(label="What came of it?", max_length=300, required=False)
    next_title = forms.CharField(label="What is to be done next?", max_length=200, required=False)
    next_due_at = forms.DateTimeField(label="Until when?", required=False, widget=TimeInput)

    class Meta:
        model = Message
        fields = ("channel", "contact", "happened_at", "subject", "body")
        labels = {
            "channel": "What was it?",
            "contact": "With whom?",
            "happened_at": "When?",
            "subject": "About what?",
            "body": "What was said?",
        }
        formfield_callback = field_for

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        talks = (Message.Channel.CALL, Message.Channel.MEETING)
        self.fields["channel"].choices = [pair for pair in Message.Channel.choices if pair[0] in talks]
        for name in ("outcome", "next_title", "next_due_at"):
            say_plainly(self.fields[name])
        self.fields["next_due_at"].validators.append(near_our_time)
        for name in ("happened_at", "next_due_at"):
            self.fields[name].help_text = by_your_clock()
        self.fields["next_title"].help_text = "It becomes a task of yours."
        self.initial.setdefault("contact", self.about.decision_owner_id)
        self.initial.setdefault("happened_at", timezone.localtime())

    def unborn(self, opportunity):
        return Message(opportunity=opportunity, client=opportunity.client, channel=Message.Channel.CALL)

    def clean_happened_at(self):
        at = self.cleaned_data["happened_at"]
        # Clocks differ a little.
        if at and at > timezone.now() + timedelta(minutes=5):
            raise forms.ValidationError("Choose a time that has passed. What is still to come is a task.")
        return at or timezone.now()

    def clean(self):
        data = super().clean()
        title, due = data.get("next_title"), data.get("next_due_at")
        if title and due is None and "next_due_at" not in self.errors:
            data["next_due_at"] = end_of_day(timezone.localdate() + timedelta(days=1))
        elif due and not title:
            self.add_error("next_title", "Say what is to be done by then, or empty the time.")
        elif due and due < timezone.now():
            self.add_error("next_due_at", "Choose a time that is still to come.")
        return data

    @transaction.atomic
    def add(self, *, by):
        """File the talk with what came of it, and promise what is next. Return the talk."""
        data = self.cleaned_data
        if outcome := data["outcome"]:
            self.instance.body = f"{self.instance.body}\n\nWhat came of it: {outcome}"
        # What was said has arrived: nobody has to send it.
        talk = perform(super().add(by=by).receive, by=None)
        if title := data["next_title"]:
            task = Task(opportunity=self.about, owner=by, title=title, due_at=data["next_due_at"], kind="follow_up")
            task.time_zone = by.time_zone
            begin(task, by=by, past="promised")
        return talk


NEW = {
    "note": NoteForm,
    "task": TaskForm,
    "talk": TalkForm,
    "objection": ObjectionForm,
    "promise": PromiseForm,
    "contact": ContactForm,
}


def right_to(form) -> str:
    """Return the right that a form for something new takes."""
    meta = (getattr(form, "model", None) or form._meta.model)._meta
    return f"{meta.app_label}.add_{meta.model_name}"
