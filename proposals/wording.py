"""What is typed into the summary editor, whose words are newer, and what changed from one text to the next."""

import json
from dataclasses import dataclass

from django import forms
from django.utils.text import Truncator

from opportunities.admin.base import Lookup
from opportunities.forms import UNPRINTABLE, WordsField, near_our_time, read_once, say_plainly
from opportunities.inplace import SAY_NEXT, DayInput
from opportunities.models import Lead, Opportunity, User
from opportunities.models.discovery import mark as mark_of
from opportunities.records import edit, lock
from opportunities.words import plain_words

from . import answering, lint
from .models import Summary

LONGEST = 20_000
NO_QUESTION = "Say which question it answers: on the page of a question, press “Answer where they asked”."
TYPED = ("title", "words", "kind", "owner", "next_action", "due_on")


class SummaryForm(forms.Form):
    """The words for a client, and the marks of what stood there when the page was opened."""

    title = WordsField(max_length=160, widget=forms.TextInput)
    words = WordsField(label="Words for the client", max_length=LONGEST, rows=14, required=False)
    kind = forms.ChoiceField(choices=[("", "Choose one"), *Summary.Kind.choices], label="What it says")
    about = forms.ChoiceField(label="What it is about", required=False)
    owner = forms.ModelChoiceField(User.objects.none(), empty_label=None)
    next_action = WordsField(max_length=200, widget=forms.TextInput, required=False)
    due_on = forms.DateField(label="Due", required=False, validators=[near_our_time], widget=DayInput)

    def __init__(self, data=None, *, summary, user, admin_site=None, internal=(), questions=(), **kwargs):
        super().__init__(data, **kwargs)
        self.summary, self.newer, self.use_required_attribute = summary, {}, False
        self.fields["owner"].queryset = User.who_may_own(Summary)
        read_once(self.fields["owner"])
        if summary.pk is None:
            within = Opportunity.objects.visible_to(user)
            field = forms.ModelChoiceField(within, widget=Lookup(Summary._meta.get_field("opportunity"), admin_site))
            field.label_from_instance = lambda deal: deal.picked_as
            self.fields["opportunity"] = field
            self.order_fields(["opportunity"])
            self.initial.setdefault("owner", user.pk)
            self.initial.setdefault("opportunity", summary.opportunity_id)
            self.initial |= {name: says(summary, name) for name in ("kind", "title", "words", "about")}
        else:
            self.fields["next_action"].required = summary.is_open
            self.fields["next_action"].error_messages["required"] = SAY_NEXT
            self.initial |= {name: says(summary, name) for name in (*TYPED, "about")}
        self.fields["words"].needed = "needed before you submit"
        self.questions = {answering.key(each): each for each in questions}
        self.offer_what_it_is_about(internal)
        for field in self.fields.values():
            said = dict(field.error_messages)
            say_plainly(field)
            if said.get("required") == SAY_NEXT:
                field.error_messages["required"] = SAY_NEXT

    def offer_what_it_is_about(self, internal):
        """Offer each question that can be answered, and each record of the deal in which something internal stands."""
        found = {about: f"They asked: {Truncator(said).chars(60)}" for about, said in self.asked()}
        for source in internal:
            said = f"{source.what}: {' '.join(source.words.split())[:60]}"
            found.setdefault(source.key, said)
        about = says(self.summary, "about")
        if about and about not in found and (self.summary.pk or self.is_of_this_deal()):
            found[about] = str(self.summary.record or "Something that is gone")
        if found:
            self.fields["about"].choices = [("", "The deal as a whole"), *found.items()]
        else:
            del self.fields["about"]

    def is_of_this_deal(self) -> bool:
        """Whether what a new one is to be about belongs to its deal: the address may name anything."""
        record, deal = self.summary.record, self.summary.opportunity_or_none
        return deal is not None and getattr(record, "opportunity", None) == deal

    def asked(self):
        return ((about, " ".join(answering.words_of(each).split())) for about, each in self.questions.items())

    def clean(self):
        kind, about = self.cleaned_data.get("kind"), self.cleaned_data.get("about")
        if kind == Summary.Kind.ANSWER and about not in self.questions:
            self.add_error("about" if "about" in self.fields else "kind", NO_QUESTION)
        for name in ("title", "words"):
            try:
                plain_words(self.cleaned_data.get(name))
            except forms.ValidationError as trouble:
                self.add_error(name, trouble)

    @property
    def seen(self) -> dict:
        """Return the marks of what the writer saw: those that the page carried, or those of what stands there now."""
        if not self.is_bound:
            return {name: mark_of(self.initial.get(name)) for name in (*TYPED, "about")}
        try:
            given = json.loads(self.data.get("seen") or "{}")
        except (ValueError, RecursionError):
            given = {}
        return {key: value for key, value in given.items() if isinstance(value, str)} if isinstance(given, dict) else {}

    @property
    def marks(self) -> str:
        return json.dumps(self.seen | {name: mark_of(words) for name, words in self.newer.items()})

    def typed(self) -> dict:
        """Return what was sent: what was not sent is not written."""
        return {
            name: self.cleaned_data[name] for name in (*TYPED, "about") if name in self.data and name in self.fields
        }

    def save(self, *, by) -> bool:
        """Write what was typed. False, with nothing written, when somebody wrote newer words in the same place."""
        summary, seen = lock(self.summary), self.seen
        changes = {}
        for name, value in self.typed().items():
            now = says(summary, name)
            value = value.pk if name == "owner" else value
            if value == now or mark_of(value) == seen.get(name):
                continue  # it stands there already, or was not touched here
            if mark_of(now) != seen.get(name):
                self.newer[name] = now
            changes[name] = value
        if self.newer:
            return False
        if changes:
            summary.note_editor(by, changes)
            edit(summary, by=by, **as_fields(changes))
        return True

    def fill(self, summary):
        """Put what was typed into a new one."""
        data = self.cleaned_data
        for name, value in as_fields({name: data[name] for name in (*TYPED, "about") if name in data}).items():
            setattr(summary, name, value)
        summary.opportunity = data["opportunity"]
        return summary

    @property
    def paper(self) -> dict:
        """Return the fields that the client reads, and before them which deal it is, for the part that shows them."""
        return {"visible_fields": [self[name] for name in self.fields if name in ("opportunity", "title", "words")]}

    @property
    def beside_it(self) -> dict:
        """Return the fields that are for us."""
        return {"visible_fields": [self[name] for name in self.fields if name not in ("opportunity", "title", "words")]}

    def newer_words(self) -> list:
        """Return what somebody else wrote meanwhile: the field, and what stands there now."""
        return [{"field": self[name], "words": shown(self, name, value)} for name, value in self.newer.items()]


def says(summary, name):
    if name == "about":
        return f"{summary.record_type}:{summary.record_id}" if summary.record_type else ""
    return summary.owner_id if name == "owner" else getattr(summary, name)


def shown(form, name, value) -> str:
    """Say a value of a field as its list of choices does."""
    choices = getattr(form.fields[name], "choices", ())
    return next((str(label) for key, label in choices if str(key) == str(value)), str(value or "nothing"))


def as_fields(typed) -> dict:
    """Return what was typed by the names of the record's fields."""
    changes = {("owner_id" if name == "owner" else name): value for name, value in typed.items() if name != "about"}
    if "owner_id" in changes:
        owner = changes["owner_id"]
        changes["owner_id"] = getattr(owner, "pk", owner)
    if "about" in typed:
        label, _, pk = typed["about"].partition(":")
        changes |= {"record_type": label, "record_id": int(pk) if pk else None}
    return changes


# -- What is internal, beside the words. -------------------------------------------------------------------------------

# What a summary of a kind is about, while nobody has said of which record it is.
FIELDS_OF = {
    "finding": ("raw_notes", "raw_note"),
    "revenue_proof": ("raw_note",),
    "caveat": ("provider_caveat",),
    "blocker": ("handoff.launchblocker",),
    "scope": ("pricing_assumption", "decision_criteria"),
    "report": ("handoff.reportnote", "handoff.report"),
    "notice": ("handoff.report", "handoff.reportnote"),
}


def beside(summary, internal) -> tuple[list, list]:
    """Return the internal texts of what a summary is about, and the others of its deal."""
    about = says(summary, "about")
    if any(source.key == about for source in internal):
        is_about = lambda source: source.key == about  # noqa: E731
    else:
        names = FIELDS_OF.get(summary.kind, ())
        is_about = lambda source: source.name in names or source.record_type in names  # noqa: E731
    return [it for it in internal if is_about(it)], [it for it in internal if not is_about(it)]


def closed_to(user, internal) -> set[str]:
    """Return the keys of those leads in which something internal stands, and which this person may not open.

    Whatever else is written of a deal is open to whoever reaches the deal.
    """
    leads = {source.about_id for source in internal if source.about_type == lint.LEAD}
    if leads and user.has_perm("opportunities.view_lead"):
        leads -= set(Lead.objects.visible_to(user).filter(pk__in=leads).values_list("pk", flat=True))
    return {f"{lint.LEAD}:{pk}" for pk in leads}


@dataclass
class Checked:
    """Words as they were read: their marks, and the words with the marks in them."""

    title: str
    words: str
    marks: list

    @property
    def stops(self) -> list:
        return [mark for mark in self.marks if mark.blocking]

    @property
    def warns(self) -> list:
        return [mark for mark in self.marks if not mark.blocking]

    @property
    def pieces(self) -> list:
        return [
            (name, lint.pieces(words, name, self.marks, self.title))
            for name, words in (("title", self.title), ("words", self.words))
        ]

    @property
    def rows(self) -> list:
        """Return the marks with the place that a button names: the field, and from where to where."""
        found = []
        for mark in self.marks:
            field, start, end = lint.in_field(mark, self.title)
            found.append({"mark": mark, "field": field, "start": start, "end": end})
        # What stops comes first.
        return sorted(found, key=lambda row: not row["mark"].blocking)


def checked(summary, title, words, internal=None) -> Checked:
    """Read words as if they were a summary's."""
    deal = summary.opportunity_or_none
    return Checked(title, words, summary.marks_on(title, words, internal) if deal else [])


def take(data, summary) -> dict:
    """Return what was typed with one suggestion taken: that of the mark which the button names."""
    said = as_typed(data)
    for row in checked(summary, **said).rows:
        mark, name = row["mark"], row["field"]
        if mark.suggestion and data.get("take") == f"{name}:{row['start']}":
            said[name] = said[name][: row["start"]] + mark.suggestion + said[name][row["end"] :]
            break
    taken = data.copy()
    for name, words in said.items():
        taken[name] = words
    return taken


def as_typed(data) -> dict:
    """Return title and words as they stand in their fields, so that a place in them is a place there."""
    said = {name: str(data.get(name) or "").replace("\r\n", "\n") for name in ("title", "words")}
    return {name: UNPRINTABLE.sub("", words)[:LONGEST] for name, words in said.items()}
