"""How staff pages say dates, money, people, stages and the diary."""

import re
from contextlib import suppress
from datetime import datetime
from decimal import InvalidOperation

from django import template
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import OuterRef, Subquery
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.module_loading import import_string
from django.utils.text import capfirst

from opportunities import policies, reads
from opportunities.days import read_day
from opportunities.firstresponse import until
from opportunities.inplace import TalkForm
from opportunities.models import Closing, Event, Opportunity, WinBack
from opportunities.money import MoneyField, figure, money, said_number
from opportunities.once import hidden_key
from opportunities.records import REASON, may_override, who_may
from proposals import answering, composing, evidence, publishing

register = template.Library()


# -- Dates, money, people. ---------------------------------------------------------------------------------------------


@register.filter
def day(value):
    """Say a day so that nobody has to count: Fri 4 Dec 2026."""
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return formats.date_format(value, "D j M Y") if value else ""


@register.filter
def moment(value):
    """Say a time with its zone: Fri 4 Dec 2026, 14:05 CET."""
    return formats.date_format(timezone.localtime(value), "D j M Y, H:i T") if value else ""


@register.filter
def away(value):
    """Say how far a day is from today, in words."""
    if not value:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    days = (value - timezone.localdate()).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return near.get(days) or (f"in {days} days" if days > 0 else f"{-days} days ago")


@register.filter
def due_of(record):
    """Return the day or time at which a record's next step is owed."""
    return getattr(record, "due_on", None) or getattr(record, "due_at", None)


@register.filter
def due_words(value):
    """Say when something is owed as exactly as it was promised: a day, or a time."""
    return moment(value) if isinstance(value, datetime) else day(value)


@register.filter
def is_past(value):
    if isinstance(value, datetime):
        return value < timezone.now()
    return bool(value) and value < timezone.localdate()


@register.filter
def rests(record):
    """Say why nothing is owed on a record now: its deal is paused, or lost."""
    deal = getattr(record, "opportunity", None)
    words = {"paused": "Its deal is paused: resume it to go on.", "lost": "Its deal is lost: reopen it to go on."}
    return words.get(deal.stage, "") if deal and record.label() not in SECOND_TRIES else ""


# What is worked on because a deal is lost.
SECOND_TRIES = (Closing.label(), WinBack.label())

register.filter(money)
register.filter(figure)
register.filter(until)
register.simple_tag(hidden_key, name="once")


@register.filter
def read_only(field):
    """Say what stands in a field that is only read."""
    place, _, value = field.resolved_field or (None, None, None)
    contents = said_number(place, value, field.form.instance) or field.contents()
    return "" if contents in ("-", "None") else contents


@register.filter
def initials(person):
    return "".join(word[0] for word in str(person).split()[:2]).upper()


@register.filter
def plain_words(name):
    """Say a name of the code as people write it: first_report_on, First report on."""
    return capfirst(str(name).replace("_", " "))


@register.filter
def kind_of_row(row):
    """Say what a row of a proposal is: Included, Timeline, Price, Claim."""
    words = {"scopeitem": "Scope", "milestone": "Timeline", "priceline": "Price", "claim": "Claim"}
    return words[row._meta.model_name]


@register.simple_tag
def what_fell(task):
    """Return the evidence that does not count any more, of a task that asks whether what rests on it stands."""
    return evidence.fell_under(task.record) if task.title.startswith(evidence.FELL) else []


@register.simple_tag(takes_context=True)
def where_to_answer(context, record):
    """Return the button to our answer, of what a client asked at the portal, or of the task to answer it."""
    question = answering.question_of(record)
    if question is None:
        return None
    answering.say_where([question], context["request"].user)
    return question.answer_at


# -- The head of a record. ---------------------------------------------------------------------------------------------


@register.inclusion_tag("desk/parts/stage_path.html", takes_context=True)
def stage_path(context, record):
    """Show the stages as a line: past ones with their date, the present one, the way ahead."""
    if not getattr(record, "walks", True):
        return {"steps": []}
    stages = dict(record._meta.get_field("stage").flatchoices)
    reached, why = {}, ""
    # What the page read of the record has them already.
    told = context["timeline"].stages if context.get("timeline") else reads.stages_of(record).order_by("pk")
    for event in told:
        reached[event.stage_to] = event.at
        why = event.reason
    line = path_of(type(record))
    place = getattr(record, "paused_from", "") if record.stage == "paused" else record.stage
    here = line.index(place) if place in line else max((line.index(s) for s in reached if s in line), default=0)
    steps = []
    for number, stage in enumerate(line):
        state = "past" if number < here else "now" if number == here else "next" if number == here + 1 else "later"
        if record.stage not in line and number == here:
            # Where a path has but one stage, nothing waits at a place on it.
            state = "held" if record.stage == "paused" and len(line) > 1 else "past"
        if state == "next" and not record.is_open:
            state = "later"
        if state == "past" and reached and stage not in reached:
            state = "skipped"
        steps.append({"label": stages[stage], "state": state, "at": reached.get(stage)})
    aside = stages[record.stage] if record.stage not in line else ""
    return {
        "steps": steps,
        "aside": aside,
        "at": reached.get(record.stage),
        "why": dict(Closing.Reason.choices).get(why, why) if aside else "",
        "record": record,
    }


def path_of(model) -> list[str]:
    """Return the straight way through a record's stages: from the first, always to the nearest one ahead."""
    order = [stage for stage, _ in model._meta.get_field("stage").flatchoices]
    if hasattr(model, "PATH"):
        return [str(stage) for stage in model.PATH]
    line, edges = [order[0]], model.edges()
    while line[-1] not in model.CLOSED:
        ahead = [
            target for source, target in edges if source == line[-1] and order.index(target) > order.index(line[-1])
        ]
        if not ahead:
            break
        line.append(min(ahead, key=order.index))
    return line


@register.inclusion_tag("desk/parts/next_step.html", takes_context=True)
def next_step(context):
    """Show the moves: ready, not ready and what is missing, or whose they are."""
    request, record = context["request"], context["record"]
    ready, aside, waiting, others, known = [], [], [], [], {}
    # Where a form stands on the same page, a move takes along what was typed there.
    writing = context.get("moves_with_form", {})
    theirs = [move for move in context["moves"] if not is_by_itself(move)]
    for move in theirs:
        if not move.allowed:
            policy = move.step.permission
            key = getattr(policy, "permission", policy)
            if key not in known:
                known[key] = who_may(policy)
            others.append({"label": move.label, "who": known[key]})
        elif move.lacks:
            waiting.append({"move": move, "may_override": may_override(record, move.step, request.user)})
        else:
            (ready if leads_on(move, record) else aside).append({"move": move, "writing": writing.get(move.name)})
    # What ends it stands last.
    aside.sort(key=lambda one: one["move"].step.target in record.CLOSED)
    # On the path the first is the main one. Beside it, where several lead back, somebody has to choose.
    loud = 1 if len(ready) == 1 or record.stage in path_of(type(record)) else 0
    return {
        "record": record,
        "ready": ready[:loud],
        "choices": ready[loud:],
        "goes_by_itself": record.is_open and len(theirs) < len(context["moves"]),
        "waiting": waiting,
        "aside": aside,
        "others": by_who(others),
        "request": request,
    }


@register.filter
def said_along(move):
    """Return the fields of what may be said along with a move, and need not be."""
    return import_string(move.hears)(record=move.record, user=None) if move.hears else ()


def is_by_itself(move) -> bool:
    """Whether nobody ever makes a move: of those a page does not speak."""
    return not move.allowed and move.step.permission is policies.by_itself


def leads_on(move, record) -> bool:
    """Whether a move leads forward on the path, or back onto it; the others are quieter buttons.

    What ends a record and has to say why is not what anybody came for.
    """
    line, target = path_of(type(record)), move.step.target
    if target in record.CLOSED and move.asks == REASON:
        return False
    if record.stage not in line:
        return not isinstance(target, str) or target in line
    here = line.index(record.stage)
    return target in line[here : here + 2]


def by_who(others) -> list:
    """Say who may the rest, each person or role once."""
    groups: dict[str, list] = {}
    for other in others:
        groups.setdefault(other["who"], []).append(other["label"])
    return [{"who": who, "labels": ", ".join(labels)} for who, labels in groups.items()]


PLACE = re.compile(r"/admin/(\w+)/(\w+)/(\d+)/(?:change|edit)/#id_(\w+)")


@register.filter
def in_place(url):
    """Return the address of the small form that mends what a link leads to, a move or a field. Else nothing."""
    if "/move/" in url:
        return url
    if not (found := PLACE.fullmatch(url)):
        return ""
    app, model, pk, name = found.groups()
    page = pages().get(f"{app}.{model}")
    here = page is not None and page.opens_in_place(name)
    return f"{reverse(f'admin:{app}_{model}_fields', args=[pk])}?name={name}" if here else ""


def pages() -> dict:
    return {model._meta.label_lower: page for model, page in admin.site._registry.items() if hasattr(page, "in_place")}


@register.simple_tag(takes_context=True)
def closings_of(context, record):
    """Return each time that a deal, or a client's deals, were won or lost, the newest first, with its second try."""
    mine = {"opportunity": record} if record.label() == Opportunity.label() else {"opportunity__client": record}
    closings = (
        Closing.objects.visible_to(context["request"].user)
        .filter(**mine)
        .select_related("opportunity", "win_back")
        .order_by("-pk")[:20]
    )
    return list(closings.annotate(written_at=Subquery(born_of(Closing))))


@register.simple_tag
def portal_access(contact):
    """Return a contact's access to the portal, and where they are signed in."""
    return publishing.access_of(contact)


def born_of(model):
    """Return the time of the first line about a record, for a query of its kind."""
    return Event.objects.filter(record_type=model.label(), record_id=OuterRef("pk")).order_by("pk").values("at")[:1]


# -- The diary. --------------------------------------------------------------------------------------------------------


@register.simple_tag
def diary_entries(events):
    """Return the entries of a timeline; small edits in a row are folded into one."""
    entries, events = [], list(events)
    told = {(event.record_type, event.record_id) for event in events if event.past == TalkForm.past}
    for event in events:
        if event.verb == "message.receive" and (event.record_type, event.record_id) in told:
            continue  # whoever wrote a talk down said so in one sentence
        facts = facts_of(event)
        words = event.facts.values.get("words", "") if event.verb == "note.create" and event.facts_id else ""
        facts = [fact for fact in facts if not words or fact["new"] != words]
        one = facts.pop() if len(facts) == 1 and "old" not in facts[0] and len(facts[0]["new"]) < 90 else None
        if one and FOR_MACHINES & set(event.facts.values):
            one, facts = None, [one]
        entry = {"event": event, "url": page_of(event), "one": one, "facts": facts, "record": kind_of(event)}
        entry["words"] = words
        small = event.verb.endswith((".edit", ".row_changed", ".rows_ordered")) and not event.reason
        if small and entries and entries[-1].get("small"):
            entries[-1]["small"].append(entry)
        elif small:
            entries.append({"small": [entry], "at": event.at})
        else:
            entries.append(entry)
    return entries


# A proof or a number that says nothing to people: among the particulars.
FOR_MACHINES = {"digest", "attempt", "provider_id"}
# What tells ZartsAlgo which row was let pass: people read it in words, under "overridden".
UNSAID = {"passed"}


def model_of(event):
    try:
        return apps.get_model(event.record_type)
    except LookupError:
        return None


def kind_of(event) -> str:
    model = model_of(event)
    return model._meta.verbose_name if model else ""


def page_of(event) -> str:
    app, _, model = event.record_type.partition(".")
    try:
        return reverse(f"admin:{app}_{model}_change", args=[event.record_id])
    except NoReverseMatch:
        return ""


# What is told with the old and the new value of each fact.
CHANGES = (".edit", ".take_in", ".roles", ".row_changed", ".answer", ".about", ".ask", ".services")


def facts_of(event) -> list:
    """Return the particulars of an event: words, old and new, or words and value."""
    if not event.facts_id:
        return []
    # What was taken out of a proposal is told in its facts, a price with its currency.
    taken_out = event.verb == "proposal.row_removed"
    model = composing.model_told(event) if taken_out else model_of(event)
    currency = event.facts.values.get("currency", "") if taken_out else ""
    rows = []
    for name, value in event.facts.values.items():
        changed = isinstance(value, list) and len(value) == 2 and event.verb.endswith(CHANGES)
        if name in UNSAID or (not changed and value in (None, "", [])):
            continue  # nothing was said
        row = {"name": words_of(model, name)}
        old, new = value if changed else (None, value)
        rows.append(
            row | ({"old": said_of(model, name, old)} if changed else {}) | {"new": said_of(model, name, new, currency)}
        )
    return rows


# What is kept under a word of ours.
SAID = {
    "touch_day": "Counts as their mail of",
    "minutes": "Minutes until the next try",
    "series": "And what would follow",
}


def words_of(model, name) -> str:
    if name in SAID:
        return SAID[name]
    try:
        return str(model._meta.get_field(name).verbose_name).capitalize()
    except (FieldDoesNotExist, AttributeError):
        return plain_words(name)


def said_of(model, name, value, currency="") -> str:
    """Say a value of one field of a model: a choice by its words, a number as people write it."""
    field = next((field for field in model._meta.fields if field.name == name), None) if model else None
    if field is not None and isinstance(value, str | int) and value in dict(field.flatchoices):
        return dict(field.flatchoices)[value]
    if isinstance(field, models.DecimalField) and value not in (None, ""):
        # A fact may have the name of a number and be words.
        with suppress(InvalidOperation, TypeError, ValueError):
            return money(value, currency) if isinstance(field, MoneyField) else figure(value)
    return said(value)


def said(value) -> str:
    """Say a value of the diary as people read it."""
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{plain_words(key)}: {said(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(said(item) for item in value)
    text = re.sub(r" \(#\d+\)$", "", str(value))
    on = read_day(text)
    return day(on) if on else text


# -- The pipeline. -----------------------------------------------------------------------------------------------------


@register.simple_tag
def targets_of(deal, targets):
    return targets.get(deal.stage, [])
