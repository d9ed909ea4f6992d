"""How a proposal is written on one page: its sections, a form for each row, and what becomes of what was typed."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Prefetch, Q, prefetch_related_objects
from django.utils import timezone

from opportunities.inplace import InPlaceForm, field_for
from opportunities.models import Event, Evidence, Lead
from opportunities.money import money, said_number
from opportunities.records import Lack, Refused, begin, edit, plain, tell
from opportunities.stale import SeenForm

from . import totals
from .models import Block, BookPrice, Claim, Milestone, OfferTemplate, PriceLine, Proposal, ScopeItem, Service
from .models.rows import ITSELF

# So long a row that was taken out is offered again where it stood; the diary keeps it for good.
TAKEN_FOR = timedelta(minutes=15)
# Whoever wrote so lately is said to be writing.
WRITES_FOR = timedelta(seconds=45)
# Among so many lines of the diary that is looked for.
LATELY = 50

# -- Its sections. -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """Rows of one kind, under their heading."""

    name: str
    label: str
    rows: str
    add: str
    empty: str

    @property
    def kind(self) -> str:
        return self.name if self.rows == "scope_items" else ""

    @property
    def model(self):
        return Proposal.row_models()[self.rows]


SECTIONS = (
    Section("included", "What is included", "scope_items", "Add what is included", "Say first what the client gets."),
    Section("excluded", "What is not included", "scope_items", "Add what is not included", "Nothing is left out yet."),
    Section("optional", "What can be added", "scope_items", "Add an option", "Nothing can be added yet."),
    Section("assumption", "What we assume", "scope_items", "Add an assumption", "Nothing is assumed."),
    Section("dependency", "What we need from the client", "scope_items", "Add a dependency", "Nothing is needed."),
    Section("integration", "What we connect to", "scope_items", "Add an integration", "Nothing is connected."),
    Section("timeline", "Timeline", "milestones", "Add a step", "Say when things happen."),
    Section("pricing", "Prices", "price_lines", "Add a price", "Say what it costs."),
    Section("claims", "What we claim", "claims", "Add a claim", "Say what was found, each with its evidence."),
)
BY_NAME = {section.name: section for section in SECTIONS}
# What the proposal itself says, each part a form of its own.
HEAD = {
    "words": ("Title and opening words", ("title", "intro")),
    "terms": ("Terms", ("valid_until", "decide_on", "currency", "discount", "report_every")),
    "about": ("For whom, and what is next", ("lead", "service", "owner", "next_action", "due_on")),
}
INTERNAL = ("internal_cost", "pricing_assumption")


def section_of(row) -> Section:
    if isinstance(row, ScopeItem):
        return BY_NAME[row.kind]
    return next(section for section in SECTIONS if isinstance(row, section.model))


def key_of(row) -> str:
    """Return the name of a row on the page."""
    return f"{row._meta.get_field('proposal').remote_field.related_name}-{row.pk}"


def read(proposal):
    """Read every row with its evidence along, in the same few questions for five rows as for fifty. Return it."""
    counted = Evidence.objects.select_related("audit", "corrected_by", "withdrawal")
    beside = ("evidence__audit", "evidence__corrected_by", "evidence__withdrawal")
    prefetch_related_objects(
        [proposal],
        Prefetch("scope_items", ScopeItem.objects.select_related(*beside)),
        Prefetch("milestones", Milestone.objects.select_related(*beside, "depends_on")),
        Prefetch("price_lines", PriceLine.objects.select_related(*beside)),
        Prefetch("claims", Claim.objects.prefetch_related(Prefetch("evidence", counted))),
    )
    return proposal


def rows_in(proposal, section) -> list:
    rows = getattr(proposal, section.rows).all()
    return [row for row in rows if not section.kind or row.kind == section.kind]


def sums_of(proposal) -> dict:
    """Return what the proposal comes to, as it stands and with every option, and what is left for us."""
    every = list(proposal.price_lines.all())
    firm = [line for line in every if not line.optional]
    return {
        "rows": [
            ("As it stands", proposal.totals),
            ("With every option", proposal.most),
            ("Tax in it", totals.tax_of(firm, proposal.currency, proposal.discount)),
        ],
        "margin": totals.shown_margin(totals.margin_of(firm, proposal.discount)),
        "coverage": proposal.coverage,
    }


# -- What a row said when it was shown. --------------------------------------------------------------------------------


def seen(record, name="") -> str:
    """Return the fingerprint of what a row says, or of one part of the proposal. Its place is no word of it."""
    if isinstance(record, Proposal):
        said = {each: getattr(record, each) for each in attnames(record, HEAD[name][1])}
    else:
        said = {key: value for key, value in record.says().items() if key != "position"}
    words = json.dumps(said, cls=DjangoJSONEncoder, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def attnames(record, names) -> list[str]:
    return [record._meta.get_field(name).attname for name in names]


@dataclass
class Clash(Exception):
    """Somebody else wrote there meanwhile: what was typed here, what stands there now, and who changed it."""

    form: forms.ModelForm
    row: object
    event: Event | None
    parts: list


def clash(form, row, event) -> Clash:
    """Set both versions beside each other, field by field."""
    parts = []
    for name in form.fields:
        mine, theirs = form.cleaned_data.get(name), row and getattr(row, name)
        theirs = list(theirs.all()) if hasattr(theirs, "all") else theirs
        mine, theirs = said(form.instance, name, mine), said(form.instance, name, theirs) if row else ""
        if mine != theirs:
            parts.append({"label": form.fields[name].label, "mine": mine, "theirs": theirs})
    return Clash(form, row, event, parts)


def said(record, name, value) -> str:
    """Say a value of a field as people read it."""
    its = record._meta.get_field(name)
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if its.flatchoices:
        return str(dict(its.flatchoices).get(value, value))
    if its.many_to_many:
        return ", ".join(map(str, value)) or "nothing"
    return said_number(its, value, record) or str(value)


def about(proposal):
    return Event.objects.filter(record_type=Proposal.label(), record_id=proposal.pk).order_by("-pk")


def lately(proposal) -> list:
    """Return the last lines in the diary about this proposal, the newest first."""
    return list(about(proposal)[:LATELY])


def newest(lines) -> int:
    """Return the number of the last line."""
    return lines[0].pk if lines else 0


def who_changed(proposal, row, name):
    """Return the line of the diary about the last change of this row, or of this part of the proposal."""
    if isinstance(row, Proposal):
        lines = about(proposal).filter(verb="proposal.edit", facts__values__has_any_keys=list(HEAD[name][1]))
    elif row is None:
        lines = about(proposal).filter(verb="proposal.row_removed", facts__values__contains={"id": pk_of(name)})
    else:
        fields = [*row._meta.concrete_fields, *row._meta.many_to_many]
        keys = [f"{row}: {each.verbose_name}" for each in fields]
        lines = about(proposal).filter(verb="proposal.row_changed", facts__values__has_any_keys=keys)
    return lines.first()


def who_writes(lines, user) -> list[str]:
    """Name who else has written just now."""
    since = timezone.now() - WRITES_FOR
    others = [line for line in lines if line.actor_kind == "user" and line.actor_id != user.pk and line.at >= since]
    return list(dict.fromkeys(line.actor_name for line in others))


# -- Its forms. --------------------------------------------------------------------------------------------------------


class PartForm(InPlaceForm):
    """Some fields of a row or of the proposal. Evidence is of the same opportunity: any other proves something else."""

    def __init__(self, *args, proposal, **kwargs):
        self.proposal = proposal
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        if "evidence" in self.fields:
            self.offer_evidence()
        if "depends_on" in self.fields:
            others = Milestone.objects.filter(proposal=proposal).exclude(pk=self.instance.pk)
            self.fields["depends_on"].queryset = others
            # What the list does not offer was sent all the same.
            if self.instance.pk and self.data.get(self.add_prefix("depends_on")) == str(self.instance.pk):
                self.fields["depends_on"].error_messages["invalid_choice"] = ITSELF
            self.fields["depends_on"].empty_label = "Nothing"
        if "lead" in self.fields:
            self.fields["lead"].queryset = Lead.objects.filter(
                Q(opportunity=proposal.opportunity_id) | Q(pk=proposal.lead_id)
            )
        for name in ("lead", "service"):
            if name in self.fields:
                self.fields[name].empty_label = "None"
        if "service" in self.fields:
            self.fields["service"].queryset = Service.objects.filter(Q(is_sold=True) | Q(pk=proposal.service_id))
        if "next_action" in self.fields:
            self.fields["next_action"].required = True

    def _post_clean(self):
        """Compare a claim as it will be with its evidence as it will be."""
        super()._post_clean()
        if isinstance(self.instance, Claim) and "evidence" in self.cleaned_data and not self.errors:
            try:
                self.instance.check_proof(self.cleaned_data["evidence"])
                self.instance.check_words(self.cleaned_data["evidence"])
            except forms.ValidationError as refusal:
                self.add_error(None, refusal)

    def offer_evidence(self):
        offered = self.fields["evidence"]
        own = Q(audit__opportunity=self.proposal.opportunity_id)
        # What the row rests on stays, though a newer version counts: letting go of it is a choice.
        kept = Q(pk=getattr(self.instance, "evidence_id", None))
        if self.instance.pk and not hasattr(self.instance, "evidence_id"):
            kept = Q(pk__in=self.instance.evidence.values("pk"))
        current = Q(corrected_by=None, withdrawal=None)
        offered.queryset = Evidence.objects.filter(own & (current | kept)).select_related("audit").distinct()
        offered.label = "Evidence"
        offered.error_messages["invalid_choice"] = "Choose evidence of this opportunity."
        offered.help_text = "What was measured, of this opportunity."
        if isinstance(offered, forms.ModelMultipleChoiceField):
            offered.widget = forms.CheckboxSelectMultiple()
            offered.widget.choices = offered.choices
        else:
            offered.empty_label = "None yet"

    def outside(self):
        return [it for it in self.visible_fields() if it.name not in INTERNAL]

    def inside(self):
        """Return the fields that no client ever sees."""
        return [it for it in self.visible_fields() if it.name in INTERNAL]


def form_of(proposal, name, data=None, row=None):
    """Return the form of a part of the proposal, of a row, or of a new row in a section."""
    if name in HEAD:
        made = forms.modelform_factory(Proposal, PartForm, fields=HEAD[name][1], formfield_callback=field_for)
        return made(data, instance=proposal, proposal=proposal, auto_id="id_%s")
    if row is None:
        section = BY_NAME[name.removeprefix("new-")]
        row = section.model(proposal=proposal, **({"kind": section.kind} if section.kind else {}))
    names = [*(each for each in row.SAYS if each != "position"), "evidence"]
    if isinstance(row, Milestone):
        names.insert(-1, "depends_on")
    made = forms.modelform_factory(type(row), PartForm, fields=names, formfield_callback=field_for)
    return made(data, instance=row, proposal=proposal, auto_id=f"{name}-%s")


def pk_of(name) -> int:
    return int(name.rpartition("-")[2])


NAME = re.compile(r"(scope_items|milestones|price_lines|claims)-([0-9]{1,18})")


def find(proposal, name):
    """Return the row of this name, or None where there is none in this proposal."""
    if not (known := NAME.fullmatch(name)):
        return None
    row = Proposal.row_models()[known[1]].objects.filter(proposal=proposal, pk=int(known[2])).first()
    if row is not None:
        row.proposal = proposal
    return row


def is_part(name) -> bool:
    """Whether a page can name a part so: of the proposal, a row, or a new one."""
    return name in HEAD or name.removeprefix("new-") in BY_NAME or bool(NAME.fullmatch(name))


# -- Writing. ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def save(proposal, name, data, *, by):
    """Save what was typed into one part. Return its form, with errors or saved, and the row.

    Raise `Clash` when somebody else wrote there since it was shown, and nothing is saved.
    """
    proposal.lock_to_write()
    proposal = Proposal.objects.select_related("opportunity").get(pk=proposal.pk)
    is_new = name.startswith("new-")
    row = proposal if name in HEAD else None if is_new else find(proposal, name)
    if row is None and not is_new:
        return gone(proposal, name, data)
    form = form_of(proposal, name, data, row)
    before = None if is_new else seen(row, name)
    if not form.is_valid():
        return form, row
    # Read again: the form has written into the one that it was given.
    now: Any = Proposal.objects.get(pk=proposal.pk) if name in HEAD else find(proposal, name)
    if not is_new and form.changed_data and data.get("seen") != before:
        raise clash(form, now, who_changed(proposal, now, name))
    typed = {each: form.cleaned_data[each] for each in form.changed_data}
    if data.get("stays_open") and not Proposal.AROUND.issuperset(typed):
        proposal.go_on_writing(by=by)
    if is_new:
        made = form.instance
        chosen = form.cleaned_data["evidence"]
        if isinstance(made, Claim):
            return form, proposal.add(made, by=by, evidence=list(chosen))
        return form, proposal.add(made, by=by)
    if name in HEAD:
        if typed:
            now.note_editor(by, typed)
            now = edit(now, by=by, **typed)
        return form, now
    if "kind" in typed and isinstance(now, ScopeItem):
        among = ScopeItem.objects.filter(proposal=proposal, kind=typed["kind"]).order_by("position").last()
        typed["position"] = among.position + 1 if among else 0
    return form, proposal.change(now, by=by, **typed)


def gone(proposal, name, data):
    """Say that the row was taken out meanwhile, with what was typed, which becomes a new row if they want it."""
    model = Proposal.row_models()[name.rpartition("-")[0]]
    kind = data.get("kind") if data.get("kind") in BY_NAME else "included"
    section = next(each for each in SECTIONS if each.model is model and each.kind in ("", kind))
    form = form_of(proposal, f"new-{section.name}", data)
    form.is_valid()
    raise clash(form, None, who_changed(proposal, None, name))


@transaction.atomic
def put_back(proposal, event_pk, *, by):
    """Put a row back as it was when it was taken out. Whoever asks twice gets one. Return the row."""
    proposal.lock_to_write()
    event = about(proposal).filter(verb="proposal.row_removed", pk=event_pk).select_related("facts").first()
    if event is None or about(proposal).filter(facts__values__put_back=event_pk).exists():
        raise Refused(["It is back already. Reload the page."])
    refuse_other_money(proposal, event)
    row, evidence = row_in(event, proposal)
    beside = row.beside()
    if beside.filter(position=row.position).exists():
        row.position = None
    return proposal.add(row, by=by, evidence=evidence, facts={"put_back": event_pk})


def refuse_other_money(proposal, event):
    """Refuse a price that was taken out in another currency: its amount would come back and mean something else."""
    now = Proposal.objects.values_list("currency", flat=True).get(pk=proposal.pk)
    then = event.facts.values.get("currency", now)
    if model_told(event) is PriceLine and then != now:
        words = f"It was a price in {then}, and the prices are in {now} now. Add it as a new price in {now}."
        raise Refused([Lack(words, proposal.staff_url("price_lines-group"))])


def row_in(event, proposal):
    """Return the row that a line of the diary says was taken out, not saved, and its evidence."""
    said, model = event.facts.values, model_told(event)
    row = model(proposal=proposal)
    for its in model._meta.concrete_fields:
        value = said.get(its.name)
        if its.name in ("id", "proposal", "evidence"):
            continue
        if its.related_model:
            value = its.related_model.objects.filter(pk__in=ids_in(value), proposal=proposal).first()
            setattr(row, its.name, value)
        else:
            setattr(row, its.name, its.to_python(value))
    own = Evidence.objects.filter(audit__opportunity=proposal.opportunity_id)
    return row, list(own.filter(pk__in=ids_in(said.get("evidence"))))


def model_told(event):
    """Return the kind of row that a line of the diary is about: “removed a price line from”."""
    return next(each for each in Proposal.row_models().values() if f" {each._meta.verbose_name} " in event.past)


def ids_in(told) -> list[int]:
    """Return the ids of the records that the diary names: “Bookings 40 (#7)”."""
    words = told if isinstance(told, list) else [told] if told else []
    return [int(found[1]) for each in words if (found := re.search(r"\(#(\d+)\)$", each))]


def taken_out(proposal) -> list[dict]:
    """Return the rows that were taken out a moment ago and are not back, each with its section."""
    verbs = ["proposal.row_removed", "proposal.row_added"]
    lines = about(proposal).filter(verb__in=verbs, at__gte=timezone.now() - TAKEN_FOR).select_related("facts")
    lines = list(lines[:100])
    back = {line.facts.values.get("put_back") for line in lines if line.facts}
    found = []
    for line in lines:
        if line.verb == "proposal.row_removed" and line.pk not in back:
            told, model = line.facts.values, model_told(line)
            name = told["kind"] if model is ScopeItem else section_of(model()).name
            found.append({"event": line, "words": told.get("title") or told.get("text"), "section": name})
    return found


# -- Words to use again. -----------------------------------------------------------------------------------------------


def keep_block(proposal, record, *, by):
    """Keep a row of scope, or the opening words, to be used again. Return the sentence that says so."""
    kind = "intro" if isinstance(record, Proposal) else record.kind
    text = record.intro if kind == "intro" else record.text
    said = {"kind": kind, "title": record.title, "text": text}
    if Block.objects.filter(**said, is_used=True).exists():
        return f"Kept already: {record.title}."
    begin(Block(**said, service_id=proposal.service_id), by=by, past="kept")
    return f"Kept to use again: {record.title}."


def choices_for(proposal, name) -> list:
    """Return what can be put into a section: (group, [(key, words)]), of blocks, and of the book of its service."""
    blocks = Block.objects.filter(is_used=True, kind="intro" if name == "words" else name).order_by("title")
    blocks = blocks.filter(Q(service=None) | Q(service=proposal.service_id)) if proposal.service_id else blocks
    groups = [("Words to use again", [(f"block-{each.pk}", words_of(each)) for each in blocks])]
    if proposal.service_id and name != "words":
        book = [(f"book-{each.pk}", words_of(each)) for each in in_book(proposal, name)]
        groups.append((f"Usual for {proposal.service}", book))
    return [(label, rows) for label, rows in groups if rows]


def in_book(proposal, name):
    service = proposal.service
    if name == "timeline":
        return service.usual_steps.filter(is_usual=True)
    if name == "pricing":
        return BookPrice.objects.filter(service=service).usual_on(timezone.localdate(), proposal.currency)
    return service.usual_scope.filter(is_usual=True, kind=name)


def no_price_because(proposal) -> str:
    """Say that the book has no price for a proposal, or nothing where it has one or none is looked for."""
    if proposal.service_id is None or in_book(proposal, "pricing").exists():
        return ""
    return f"The price book has no price of {proposal.service} in {proposal.currency} now."


def words_of(found) -> str:
    if isinstance(found, BookPrice):
        often = found.get_recurring_display().lower()
        return f"{found.title}: {money(found.unit_price, found.currency)}, {often}"
    return f"{found.title}: {found.text}"[:300] if found.text else found.title


class ChooseForm(forms.Form):
    picks = forms.MultipleChoiceField(
        label="Choose what to put in",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick what to put in.", "invalid_choice": "Choose from the list."},
    )

    def __init__(self, *args, groups, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["picks"].choices = [pair for _, pairs in groups for pair in pairs]


@transaction.atomic
def put_in(proposal, name, picks, *, by):
    """Put what was picked into a section, at its end: at the prices of the book in the currency of now."""
    proposal.lock_to_write()
    proposal = Proposal.objects.select_related("service").get(pk=proposal.pk)
    picked = {kind: [pk_of(pick) for pick in picks if pick.startswith(kind)] for kind in ("block", "book")}
    blocks = list(Block.objects.filter(pk__in=picked["block"]))
    if name == "words":
        intro = "\n\n".join([words for words in (proposal.intro, *(block.text for block in blocks)) if words])
        proposal.note_editor(by)
        edit(proposal, by=by, intro=intro)
        return
    rows = [{"kind": block.kind, "title": block.title, "text": block.text} for block in blocks]
    if picked["book"]:
        found = [each.row() for each in in_book(proposal, name) if each.pk in picked["book"]]
        if len(found) < len(picked["book"]):
            raise Refused(["The book or the proposal changed since this page was opened. Choose again."])
        rows += found
    facts = {"rows": [row["title"] for row in rows]}
    proposal.take_rows({BY_NAME[name].rows: rows}, by=by, past="put in words to use again in", facts=facts)


# -- Whole templates. --------------------------------------------------------------------------------------------------


class KeepForm(forms.Form):
    """The name of the template that a proposal is kept as."""

    name = forms.CharField(label="Name of the template", max_length=120)

    def __init__(self, *args, record, user, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.initial.setdefault("name", record.title[:120])

    def clean_name(self):
        name = self.cleaned_data["name"]
        if OfferTemplate.objects.filter(name=name).exists():
            raise forms.ValidationError("There is a template of this name. Choose another one.")
        return name


def keep_template(proposal, name, *, by) -> str:
    """Keep the rows of a proposal, its opening words and its currency to begin others with."""
    content = {**proposal.kept_rows(), "intro": proposal.intro, "currency": proposal.currency}
    begin(OfferTemplate(name=name, service_id=proposal.service_id, content=content), by=by, past="kept")
    tell(proposal, "kept", "kept as a template", by=by, facts={"template": plain(name)})
    return f"Kept as a template: {name}."


class BeginForm(SeenForm):
    """A new proposal: for whom, and what it begins with."""

    template = forms.ModelChoiceField(
        OfferTemplate.objects.filter(is_used=True),
        label="Template",
        required=False,
        empty_label="None: the usual rows of the service",
        help_text="Its rows stand in for the usual ones of the service.",
    )

    def clean(self):
        data = super().clean()
        template, currency = data.get("template"), data.get("currency")
        if template and currency and (its := template.content.get("currency", currency)) != currency:
            self.add_error("currency", f"The prices of this template are in {its}. Choose {its}, or no template.")
        return data


def begin_with(proposal, template, *, by):
    """Fill a new proposal from a template, or with the usual rows of its service."""
    if template is None:
        proposal.take_usual_rows(by=by)
        return
    if intro := template.content.get("intro"):
        edit(proposal, by=by, intro=proposal.intro or intro)
    proposal.take_rows(template.content, by=by, past="took the rows of a template for", facts={"template": template})
