"""How staff pages say dates, money, people, stages and the diary."""

import re
from datetime import date, datetime
from decimal import Decimal
from difflib import ndiff

from django import template
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone

from opportunities.models import Event, Evidence
from opportunities.records import may_override, who_may
from proposals.admin.approvals import given_before
from zarts.desk.parts import parts_of

register = template.Library()
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


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
def is_past(value):
    if isinstance(value, datetime):
        return value < timezone.now()
    return bool(value) and value < timezone.localdate()


@register.filter
def money(value, currency="USD"):
    """Say an amount with its currency, cents only where there are any."""
    if value is None:
        return ""
    amount = Decimal(value)
    text = f"{amount:,.0f}" if amount == amount.to_integral() else f"{amount:,.2f}"
    return f"{SIGNS[currency]}{text}" if currency in SIGNS else f"{text} {currency}"


@register.filter
def initials(person):
    return "".join(word[0] for word in str(person).split()[:2]).upper()


@register.filter
def plain_words(name):
    """Say a name of the code as people write it: first_report_on, First report on."""
    return str(name).replace("_", " ").capitalize()


# -- The head of a record. ---------------------------------------------------------------------------------------------


@register.inclusion_tag("desk/parts/stage_path.html")
def stage_path(record):
    """Show the stages as a line: past ones with their date, the present one, the way ahead."""
    stages = dict(record._meta.get_field("stage").flatchoices)
    events = Event.objects.filter(record_type=record.label(), record_id=record.pk).exclude(stage_to="")
    reached, why = {}, ""
    for event in events.order_by("pk").only("at", "stage_from", "stage_to", "reason", "verb"):
        if event.stage_from != event.stage_to and (event.stage_from or event.verb.endswith(".create")):
            reached[event.stage_to] = event.at
            why = event.reason
    line = path_of(type(record))
    place = getattr(record, "paused_from", "") if record.stage == "paused" else record.stage
    here = line.index(place) if place in line else max((line.index(s) for s in reached if s in line), default=0)
    steps = []
    for number, stage in enumerate(line):
        state = "past" if number < here else "now" if number == here else "next" if number == here + 1 else "later"
        if record.stage not in line and number == here:
            state = "past" if record.stage != "paused" else "held"
        if state == "next" and not record.is_open:
            state = "later"
        steps.append({"label": stages[stage], "state": state, "at": reached.get(stage)})
    aside = stages[record.stage] if record.stage not in line else ""
    return {"steps": steps, "aside": aside, "at": reached.get(record.stage), "why": why if aside else "", "record": record}


def path_of(model) -> list[str]:
    """Return the straight way through a record's stages: from the first, always to the nearest one ahead."""
    order = [stage for stage, _ in model._meta.get_field("stage").flatchoices]
    if hasattr(model, "PATH"):
        return [str(stage) for stage in model.PATH]
    line, edges = [order[0]], model.edges()
    while line[-1] not in model.CLOSED:
        ahead = [target for source, target in edges if source == line[-1] and order.index(target) > order.index(line[-1])]
        if not ahead:
            break
        line.append(min(ahead, key=order.index))
    return line


@register.inclusion_tag("desk/parts/next_step.html", takes_context=True)
def next_step(context):
    """Show the moves: ready, not ready and what is missing, or whose they are."""
    request, record = context["request"], context["record"]
    ready, aside, waiting, others, known = [], [], [], [], {}
    for move in context["moves"]:
        if not move.allowed:
            policy = move.step.permission
            key = getattr(policy, "permission", policy)
            known.setdefault(key, who_may(policy))
            others.append({"label": move.label, "who": known[key]})
        elif move.lacks:
            waiting.append({"move": move, "may_override": may_override(record, move.step, request.user)})
        else:
            (ready if leads_on(move, record) else aside).append({"move": move})
    return {"record": record, "ready": ready, "waiting": waiting, "aside": aside, "others": by_who(others), "request": request}


def leads_on(move, record) -> bool:
    """Whether a move leads forward on the path, or back onto it; the others are quieter buttons."""
    line, target = path_of(type(record)), move.step.target
    if record.stage not in line:
        return not isinstance(target, str) or target in line
    return target in line[line.index(record.stage) :]


def by_who(others) -> list:
    """Say who may the rest, each person or role once."""
    groups: dict[str, list] = {}
    for other in others:
        groups.setdefault(other["who"], []).append(other["label"])
    return [{"who": who, "labels": ", ".join(labels)} for who, labels in groups.items()]


@register.simple_tag(takes_context=True)
def opportunity_parts(context):
    return parts_of(context["record"], context["request"])


# -- The diary. --------------------------------------------------------------------------------------------------------


@register.simple_tag
def diary_entries(events):
    """Return the entries of a timeline; small edits in a row are folded into one."""
    entries = []
    for event in events:
        facts = facts_of(event)
        one = facts.pop() if len(facts) == 1 and "old" not in facts[0] and len(facts[0]["new"]) < 90 else None
        entry = {"event": event, "url": page_of(event), "one": one, "facts": facts, "record": kind_of(event)}
        small = event.verb.endswith(".edit") and not event.reason
        if small and entries and entries[-1].get("small"):
            entries[-1]["small"].append(entry)
        elif small:
            entries.append({"small": [entry], "at": event.at})
        else:
            entries.append(entry)
    return entries


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


def facts_of(event) -> list:
    """Return the particulars of an event: words, old and new, or words and value."""
    if not event.facts_id:
        return []
    model, rows = model_of(event), []
    for name, value in event.facts.values.items():
        changed = isinstance(value, list) and len(value) == 2 and event.verb.endswith((".edit", ".roles"))
        row = {"name": words_of(model, name)}
        rows.append(row | ({"old": said(value[0]), "new": said(value[1])} if changed else {"new": said(value)}))
    return rows


def words_of(model, name) -> str:
    try:
        return str(model._meta.get_field(name).verbose_name).capitalize()
    except (FieldDoesNotExist, AttributeError):
        return plain_words(name)


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
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return day(date.fromisoformat(text))
    return text


# -- The pipeline and the approvals. -----------------------------------------------------------------------------------


@register.simple_tag
def targets_of(deal, targets):
    return targets.get(deal.stage, [])


# The order in which a person reads; the database keeps its own.
READING = "title intro words kind text scope timeline prices claims clauses recurring quantity unit_price discount tax".split()


def in_order(names) -> list:
    return sorted(names, key=lambda name: (READING.index(name) if name in READING else 99, name == "evidence"))


@register.inclusion_tag("desk/parts/said.html")
def said_content(approval):
    """Show what an approval is about, and what changed since it was last given."""
    last = given_before(approval)
    return {"rows": rows_of(approval.content), "last": last, "changes": differences(last, approval) if last else []}


def differences(last, approval) -> list:
    """Return the lines that went and came since the last approval, each with its sign."""
    old, new = lines_of(rows_of(last.content)), lines_of(rows_of(approval.content))
    found = [line for line in ndiff(old, new) if line[0] in "+-"]
    return [{"sign": line[0], "words": line[2:]} for line in found]


def lines_of(rows) -> list[str]:
    """Say each row of the content on a line of its own, so that lines can be compared."""
    lines = []
    for row in rows:
        for item in [row["words"]] if row["items"] is None else row["items"]:
            words = ", ".join(text for text in item if text) if isinstance(item, list) else item
            lines += [f"{row['name']}: {line}" for line in words.splitlines() if line.strip()]
    return lines


def rows_of(content) -> list[dict]:
    """Return each part of the content with its name: rows as a table, words as words."""
    rows, proof = [], proof_of(content)
    for name in in_order(content):
        value = content[name]
        if name.endswith("_id") or is_digest(value):
            continue
        row = {"name": plain_words(name), "items": None}
        if isinstance(value, list):
            row |= tabled(value, proof)
        elif isinstance(value, dict):
            parts = {key: item for key, item in value.items() if not is_digest(item)}
            if not parts:
                continue
            row |= {"items": [f"{plain_words(key)}: {said(item)}" for key, item in parts.items()]}
        else:
            row["words"] = said(value)
        rows.append(row)
    return rows


def proof_of(content) -> dict:
    """Return the evidence that an approval's rows rest on, by id, in one query."""
    rows = [row for rows in content.values() if isinstance(rows, list) for row in rows if isinstance(row, dict)]
    cited = {pk for row in rows for pk in as_list(row.get("evidence"))}
    return {evidence.pk: evidence for evidence in Evidence.objects.filter(pk__in=cited)} if cited else {}


def as_list(value) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def tabled(values, proof) -> dict:
    """Return rows of the same shape as a table, without the columns that say nothing in any row."""
    if not values or not all(isinstance(value, dict) for value in values):
        return {"items": [said(value) for value in values], "columns": []}
    names = [name for name in in_order(values[0]) if any(value.get(name) not in (None, "", [], False) for value in values)]
    names = [name for name in names if name not in ("id", "position") and not name.endswith("_id")]
    lines = [[cell(name, value.get(name), proof) for name in names] for value in values]
    return {"columns": ["Proof" if name == "evidence" else plain_words(name) for name in names], "items": lines}


def cell(name, value, proof) -> str:
    """Say one value of a row; evidence as what was measured, where, and until when it counts."""
    if name == "evidence":
        found = [proof[pk] for pk in as_list(value) if pk in proof]
        return "\n".join(f"{it}, {it.provider}, counts until {day(it.fresh_until)}" for it in found) or "no proof"
    return "" if value in (None, "", []) else said(value)


def is_digest(value) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9a-f]{64}", value))
