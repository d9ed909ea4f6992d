"""Which of the house's own checkpoints a deal has met: by a field, by a task, or by somebody's word."""

from functools import cache

from django.db import models
from django.db.models import Q, Subquery
from django.urls import reverse

from .checks import MINE, add_page, known_of, met, moment, page, person, place_of, rows, unmet
from .models import Checkpoint, Confirmation, Opportunity, Task
from .records import Lack

By = Checkpoint.By
# Where a field can stand: the deal itself, whom it points at, and the newest of what hangs on it. The apps above hang
# theirs on by the name of the relation, so that nothing here imports them.
PARTS = ("", "client", "decision_owner", "discoveries", "audits", "proposals", "contracts", "projects")
# The place of a part on the deal's page, where it is begun when there is none.
PLACES = {"discoveries": "discovery", "audits": "audit", "contracts": "contract", "projects": "project"}
PLAIN = (models.CharField, models.TextField, models.DateField, models.DecimalField, models.ForeignKey)


def model_of(part):
    return Opportunity._meta.get_field(part).related_model if part else Opportunity


@cache
def fields() -> dict[str, str]:
    """Return the fields that a checkpoint can ask for: the place and the name, and the words for people."""
    found = {}
    for part in PARTS:
        model = model_of(part)
        for field in model._meta.concrete_fields:
            if isinstance(field, PLAIN) and field.editable and (field.blank or field.null) and not field.choices:
                name = "Decision owner" if part == "decision_owner" else str(model._meta.verbose_name).capitalize()
                found[f"{part}.{field.name}"] = f"{name}: {field.verbose_name}"
    return found


def in_use() -> list[Checkpoint]:
    """Return what the house says of the checklist: its own lines, and the guide's that it ever spoke of."""
    return list(Checkpoint.objects.filter(stage__in=Checkpoint.IN_USE).order_by("pk"))


def learn(deals, own):
    """Read what these checkpoints need to know of these deals, in one query; none, when there are no checkpoints."""
    if not own or not deals:
        return
    given = Confirmation.objects.filter(opportunity=MINE, stage=Confirmation.Stage.GIVEN)
    given = given.filter(checkpoint__in=[checkpoint.pk for checkpoint in own])
    word = {name: name for name in ("pk", "checkpoint", "asked", "words")}
    columns = {"words_given": rows(given, **word, by=person("confirmed_by"), at="confirmed_at")}
    for checkpoint in own:
        if checkpoint.met_by == By.TASK:
            for stage in ("done", "open"):
                tasks = tasks_of(checkpoint).filter(opportunity=MINE, stage=stage).order_by("-pk")
                columns[f"{stage}_{checkpoint.pk}"] = Subquery(tasks.values("pk")[:1])
        elif checkpoint.met_by == By.FIELD and checkpoint.field in fields():
            part, _, name = checkpoint.field.partition(".")
            columns[f"value_{checkpoint.pk}"] = column(part, name)
            columns[f"part_{part}"] = column(part, "pk")
    found = Opportunity.objects.filter(pk__in=deals)
    for row in found.annotate(**{f"own_{key}": value for key, value in columns.items()}).values(
        "pk", *(f"own_{key}" for key in columns)
    ):
        deals[row["pk"]].own = {key: row[f"own_{key}"] for key in columns}


def tasks_of(checkpoint):
    """Return the tasks that would meet a checkpoint."""
    wanted = Q(kind=checkpoint.task_kind) if checkpoint.task_kind else Q()
    return Task.objects.filter(wanted, title__icontains=checkpoint.task_title.strip())


def column(part, name):
    """Return the value of a field of the deal, or of a part of it; of many parts, of the newest."""
    if not part or Opportunity._meta.get_field(part).many_to_one:
        return models.F(f"{part}__{name}" if part else name)
    newest = model_of(part)._base_manager.filter(opportunity=MINE).order_by("-pk")
    return Subquery(newest.values(name)[:1])


def answer(checkpoint, deal):
    """Say whether a deal has met one of the house's own checkpoints; `learn` read what it takes."""
    todo = {By.FIELD: field_is_filled, By.TASK: task_is_done, By.QUESTION: word_is_given}
    return todo[checkpoint.met_by](checkpoint, deal)


def field_is_filled(checkpoint, deal):
    label = fields().get(checkpoint.field)
    if label is None:
        return unmet(Lack("Choose another field for this checkpoint: this one is gone.", checkpoint.staff_url()))
    part, _, name = checkpoint.field.partition(".")
    value, pk = deal.own[f"value_{checkpoint.pk}"], deal.own[f"part_{part}"]
    if value is not None and str(value).strip():
        return met(f"{label} is filled in.")
    anchor = "id_decision_owner" if part == "decision_owner" else PLACES.get(part, part)
    url = page(model_of(part), pk, f"id_{name}") if pk else deal.opportunity.staff_url(anchor)
    return unmet(Lack(f"Fill in {label}.", url))


def task_is_done(checkpoint, deal):
    title = checkpoint.task_title.strip() or Task.Kind(checkpoint.task_kind).label
    if deal.own[f"done_{checkpoint.pk}"]:
        return met(f"The task “{title}” is done.")
    if pk := deal.own[f"open_{checkpoint.pk}"]:
        return unmet(Lack(f"Finish the task “{title}”.", page(Task, pk)))
    fields = {"opportunity": deal.opportunity.pk, "title": title, "kind": checkpoint.task_kind or "other"}
    return unmet(Lack(f"Add the task “{title}”, and do it.", add_page(Task, **fields)))


def word_is_given(checkpoint, deal):
    if word := word_of(checkpoint, deal):
        return met(f"“{word['words']}”", by=word["by"], at=moment(word["at"]))
    return unmet(Lack("Confirm it, in words.", place_to_confirm(deal.opportunity, checkpoint)))


def word_of(checkpoint, deal):
    """Return the word that was given for exactly this question, or None: another question is not answered by it."""
    words = (word for word in deal.own["words_given"] if word["checkpoint"] == checkpoint.pk)
    return next((word for word in words if word["asked"] == checkpoint.sentence), None)


def place_to_confirm(opportunity, checkpoint):
    return f"{reverse('checklist', args=[opportunity.pk])}#checkpoint-{checkpoint.pk}"


def lacks(opportunity):
    """Yield what keeps a deal in its stage: each mandatory checkpoint of ours that is due by now and not met."""
    place = place_of(opportunity)
    reached = Opportunity.PATH[: Opportunity.PATH.index(place) + 1] if place else []
    mandatory = Checkpoint.objects.filter(guide="", stage=Checkpoint.Stage.MANDATORY, due_from__in=reached)
    own = list(mandatory.order_by("pk"))
    if not own:
        return
    deals = known_of([opportunity])
    learn(deals, own)
    for checkpoint in own:
        for lack in answer(checkpoint, deals[opportunity.pk]).lacks:
            yield Lack(f"{lack.words.rstrip('.')}: “{checkpoint}”", lack.url)
