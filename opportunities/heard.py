"""What is heard while talking: a note, an objection, a promise said aloud. One small form each, for any page."""

from django import forms
from django.db import transaction
from django.db.models import F, Model, Value
from django.db.models.functions import Left

from . import once
from .forms import WordsField, offer_people
from .models import Contact, Note, Objection, UnwrittenPromise
from .records import begin


class HeardForm(forms.Form):
    """A quick form about an opportunity. Its fields are named after what it adds, so that several stand on one page."""

    model: type[Model]
    title = ""
    button = ""

    def __init__(self, *args, about, **kwargs):
        super().__init__(*args, prefix=self.model._meta.model_name, **kwargs)
        self.about = about
        self.use_required_attribute = False

    @property
    def key(self) -> str:
        """Return the name of the field with its key, where several stand on one page."""
        return self.add_prefix(once.NAME)

    @classmethod
    def is_begun_in(cls, data) -> bool:
        """Whether somebody typed words into this one of the forms on a page, or pressed its button."""
        name = cls.model._meta.model_name
        return data is not None and bool((data.get(f"{name}-words") or "").strip() or data.get("heard") == name)

    def add(self, *, by):
        """Make the record, with its line in the diary. Return it."""
        mine = {"opportunity": self.about, "owner": by}
        return begin(self.model(**self.cleaned_data, **mine), by=by, past="noted")

    @transaction.atomic
    def add_once(self, *, by) -> str:
        """Make the record, unless this form made it when it was sent before. Return what to say of it."""
        mine = [pair for pair in self.data.lists() if pair[0].startswith(f"{self.prefix}-")]
        if self.data.get(self.key) and not once.take(once.mark_of(by, self.about.staff_url(), mine)):
            return f"Saved already: {self.title.lower()}."
        return f"Added: {self.add(by=by)}."


class NoteForm(HeardForm):
    model = Note
    title, button = "Note", "Add note"

    kind = forms.ChoiceField(label="What it is", choices=Note.Kind, initial=Note.Kind.NOTE)
    words = WordsField(label="In words", error_messages={"required": "Write the note first."})

    def add(self, *, by):
        return Note.take(self.about, self.cleaned_data["words"], by=by, kind=self.cleaned_data["kind"])


class ObjectionForm(HeardForm):
    model = Objection
    title, button = "Objection", "Add objection"

    kind = forms.ChoiceField(label="About", choices=Objection.Kind)
    words = WordsField(
        label="In the client's words", max_length=4000, error_messages={"required": "Write what the client doubts."}
    )
    raised_by = forms.ModelChoiceField(Contact.objects.none(), label="Who said it", required=False)

    def __init__(self, *args, about, **kwargs):
        super().__init__(*args, about=about, **kwargs)
        offer_people(self.fields["raised_by"], Contact.objects.filter(client_id=about.client_id, left_on=None))


class PromiseForm(HeardForm):
    model = UnwrittenPromise
    title, button = "Promise said aloud", "Add promise"

    words = WordsField(label="What was said", max_length=4000, error_messages={"required": "Write what was promised."})
    said_by = forms.CharField(label="Who said it", max_length=120, required=False)


FORMS = (NoteForm, ObjectionForm, PromiseForm)


def forms_for(user, opportunity, data=None) -> list[HeardForm]:
    """Return the forms that this person may use about an opportunity; those that were begun hold what was typed."""
    if not opportunity.within_reach(user, "change"):
        return []
    may = [form for form in FORMS if user.has_perm(f"opportunities.add_{form.model._meta.model_name}")]
    return [form(data if form.is_begun_in(data) else None, about=opportunity) for form in may]


def inside(forms, name):
    """Let these forms be sent with another on the page, by whichever button."""
    for field in (field for form in forms for field in form.fields.values()):
        field.widget.attrs["form"] = name


def heard_about(opportunity, most=4) -> list[dict]:
    """Return the newest of each that was heard about a deal, in one query."""
    found = []
    for number, form in enumerate(FORMS):
        tag = "kind" if form is NoteForm else "stage"
        values = (Value(number), "pk", Left("words", 200), F(tag))
        mine = form.model._default_manager.filter(opportunity=opportunity).order_by("-pk").values_list(*values)[:most]
        found.append(mine)
    heard, rows = [], found[0].union(*found[1:], all=True)
    for number, pk, words, tag in sorted(rows, key=lambda row: (row[0], -row[1])):
        model = FORMS[number].model
        label = dict((model.Kind if model is Note else model.Stage).choices)[tag]
        heard.append({"title": FORMS[number].title, "words": words, "tag": label, "url": model(pk=pk).staff_url()})
    return heard
