"""The discovery's writing screen: what it shows, what was typed into it, and whose words are newer."""

import json
from dataclasses import dataclass, field

from django import forms

from .forms import WordsField, near_our_time, read_once
from .models import Discovery, Event, Question, Questionnaire, User
from .models.discovery import COMPLETED, Newer, mark
from .records import Refused

# Which texts of a discovery a part has; the others have one of the part's own name.
TEXTS = {Question.Part.NOTES: ("notes", "pain_points")}


class DiscoveryForm(forms.Form):
    """Everything that is written in a discovery, and the marks of what stood there when the page was opened."""

    def __init__(self, data=None, *, discovery, may_choose):
        super().__init__(data)
        self.discovery, self.use_required_attribute, self.newer = discovery, False, {}
        # What was sent to one that was completed meanwhile is shown again, not dropped.
        takes = (lambda name: True) if discovery.is_open else (lambda name: data is not None and name in data)
        for name in Discovery.PARTS:
            if takes(name):
                label = Discovery._meta.get_field(name).verbose_name.capitalize()
                self.fields[name] = WordsField(label=label, required=False, rows=4, max_length=50_000)
        for question in discovery.questions:
            if takes(question.field):
                help_text = question.help
                asked = WordsField(label=question.words, help_text=help_text, required=False, rows=2, max_length=10_000)
                self.fields[question.field] = asked
        self.fields["owner"] = read_once(forms.ModelChoiceField(User.who_may_own(Discovery), empty_label=None))
        words = {"required": "Write what happens next."}
        self.fields["next_action"] = WordsField(
            max_length=200, widget=forms.TextInput, required=discovery.is_open, error_messages=words
        )
        self.fields["due_on"] = forms.DateField(
            label="Due", required=False, validators=[near_our_time], widget=forms.DateInput(attrs={"type": "date"})
        )
        self.written = list(self.fields)
        for name in self.written:
            self.initial[name] = discovery.says(name)
            # What was not sent is not written, so nobody has to send it.
            self.fields[name].required &= data is None or name in data
        if may_choose and discovery.is_open:
            self.offer_services()
        self.strays = self.answers_to_what_is_not_asked()

    def offer_services(self):
        """Offer what the house sells, by the name of the relation that the app above hangs on an opportunity."""
        chosen = self.discovery.opportunity.services.all()
        offered = chosen.model.objects.filter(is_sold=True) | chosen.model.objects.filter(pk__in=chosen)
        self.fields["services"] = forms.ModelMultipleChoiceField(
            offered.order_by("name"),
            required=False,
            label="Services that this deal is about",
            widget=forms.CheckboxSelectMultiple,
        )
        self.initial["services"] = sorted(service.pk for service in chosen)

    def answers_to_what_is_not_asked(self) -> list[dict]:
        """Return what was typed under questions that are asked no more, since the page was opened."""
        sent = [name for name in self.data if name.startswith("question_") and name not in self.fields]
        names = {int(name[9:]): name for name in sent if name[9:].isdecimal() and len(name) < 19}
        found = []
        for question in Question.objects.filter(pk__in=names) if names else ():
            name = names[question.pk]
            words = WordsField(required=False, max_length=10**9).clean(self.data[name])
            if words and mark(words) != self.seen.get(name):
                found.append({"question": question, "words": words})
        return found

    @property
    def typed(self) -> dict:
        return {
            name: self.cleaned_data[name] for name in self.written if name in self.data and name in self.cleaned_data
        }

    def clean(self):
        if not self.discovery.is_open:
            for name in set(self.discovery.changes(self.typed, self.seen)) - set(Discovery.CONTRACT):
                self.add_error(name, COMPLETED)

    @property
    def seen(self) -> dict:
        """Return the marks of what the writer saw: those that the page carried, or those of what stands there now."""
        if not self.is_bound:
            return {name: mark(self.initial[name]) for name in self.initial}
        try:
            given = json.loads(self.data.get("seen") or "{}")
        except (ValueError, RecursionError):
            given = {}
        given = (
            {key: value for key, value in given.items() if isinstance(value, str)} if isinstance(given, dict) else {}
        )
        return given | {name: mark(value) for name, value in self.newer.items()}

    def newer_next(self) -> list[dict]:
        """Return who owes what by when, as far as somebody changed it meanwhile."""
        return [{"field": self[name], "words": self.newer[name]} for name in Discovery.CONTRACT if name in self.newer]

    @property
    def marks(self) -> str:
        return json.dumps(self.seen)

    def save(self, *, by) -> bool:
        """Write what was typed. False, with nothing written, when somebody wrote newer words in the same place."""
        if self.strays:
            return False
        try:
            discovery = self.discovery.write(self.typed, by=by, seen=self.seen)
        except Newer as found:
            self.newer = found.words
            return False
        except Refused as refusal:
            self.add_error(None, str(refusal))
            return False
        services = self.cleaned_data.get("services")
        if services is not None and mark(sorted(it.pk for it in services)) != self.seen.get("services", mark([])):
            services.model.want(discovery.opportunity, services, by=by)
        if "ask" in self.data:
            discovery.ask(by=by, newest=True)
        return True


class SomeWords(DiscoveryForm):
    """A few of its fields, written from another page. `seen` goes along as it does there."""

    def __init__(self, data=None, *, discovery, names):
        super().__init__(data, discovery=discovery, may_choose=False)
        self.written = [name for name in self.written if name in names] or self.written
        for name in set(self.fields) - set(self.written):
            del self.fields[name]

    def keep(self, *, by) -> bool:
        if self.save(by=by):
            return True
        for stray in self.strays:
            self.add_error(None, f"“{stray['question']}” is not asked any more. You wrote: “{stray['words']}”.")
        for name, words in self.newer.items():
            self.add_error(name, f"Somebody wrote here meanwhile: “{words}”. Put both together, then save again.")
        return False


@dataclass
class Sheet:
    """One part of a discovery as the page shows it: its texts, its questions, and how much of it is written."""

    part: Question.Part
    rows: list = field(default_factory=list)

    @property
    def open(self) -> list:
        return [row for row in self.rows if not row["words"]]

    @property
    def written(self) -> int:
        return len(self.rows) - len(self.open)


def sheets(discovery, form=None) -> list[Sheet]:
    """Return the five parts with what is written in them, and the field to write it in when there is a form."""
    found = []
    for part in map(Question.Part, Question.Part.values):
        sheet = Sheet(part)
        for name in TEXTS.get(part, (part.value,)):
            label = Discovery._meta.get_field(name).verbose_name
            sheet.rows.append({"name": name, "label": label.capitalize(), "required": True, "question": None})
        for question in discovery.questions:
            if question.part == part:
                asked = {"name": question.field, "label": question.words, "required": question.required}
                sheet.rows.append(asked | {"question": question})
        for row in sheet.rows:
            row["words"] = discovery.says(row["name"]).strip()
            row["field"] = form[row["name"]] if form and row["name"] in form.fields else None
            row["newer"] = form.newer.get(row["name"]) if form else None
            row["is_newer"] = bool(form) and row["name"] in form.newer
        found.append(sheet)
    return found


def newer_questions(discovery) -> list[dict]:
    """Return the questionnaires that this deal is asked now and this discovery does not ask yet, and why."""
    if not discovery.is_open:
        return []
    asked = {question.questionnaire_id: question.questionnaire.name for question in discovery.questions}
    wanted = Questionnaire.objects.asked_of(discovery.opportunity_id).exclude(pk__in=asked)
    return [{"questionnaire": it, "is_newer": it.name in asked.values()} for it in wanted]


def last_writer(discovery, row) -> str:
    """Return who wrote last in a field."""
    key = row["question"].words if row["question"] else row["name"]
    about = Event.objects.filter(record_type=discovery.label(), record_id=discovery.pk, facts__values__has_key=key)
    return about.order_by("-pk").values_list("actor_name", flat=True).first() or "Somebody"
