"""Sequences at work: how a run begins, takes its next step, and ends.

A step is a follow-up task like any other: the pump takes it when it is due, under the four conditions. When it is done
the next one opens, in the same transaction. What ends a run early is said in `reactions.py`.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count

from . import clock, conditions, filling
from .models import Opportunity, Sequence, SequenceRun, Task, TemplateVersion
from .records import Lack, Refused, begin, edit, lock, perform, tell

Ended = SequenceRun.Ended
WORKS_ON = (SequenceRun.Stage.RUNNING,)


# -- It begins. --------------------------------------------------------------------------------------------------------


@transaction.atomic
def start(sequence, opportunity, contact, *, by) -> SequenceRun:
    """Begin a sequence for one contact of a deal, and open its first step. Raises Refused with every reason."""
    opportunity = lock(opportunity)
    if lacks := why_not(sequence, opportunity, contact):
        raise Refused(lacks)
    run = SequenceRun(sequence=sequence, opportunity=opportunity, contact=contact, owner=opportunity.owner)
    return take_next_step(begin(run, by=by, past="started"))


def why_not(sequence, opportunity, contact) -> list[Lack]:
    """Return why a sequence cannot begin for this contact of a deal. What may be cured later only lets it wait."""
    steps = sequence.plan
    return [
        *of_sequence(sequence, steps),
        *of_deal(opportunity),
        *of_contact(sequence, steps, opportunity, contact),
    ]


def of_sequence(sequence, steps):
    if sequence.stage == Sequence.Stage.RETIRED:
        yield Lack(f"Choose another sequence: {sequence} is out of use.", sequence.staff_url())
    if not steps:
        yield Lack(f"Write the first step of {sequence}: it has none.", sequence.staff_url("rows-group"))


def of_deal(opportunity):
    if opportunity.stage == Opportunity.Stage.PAUSED:
        yield Lack("Resume the opportunity first: it is paused.", opportunity.staff_url("moves"))
    elif opportunity.stage == Opportunity.Stage.LOST and not is_tried_again(opportunity):
        yield Lack("Reopen the opportunity first: it is lost, and its win-back is not open.", opportunity.staff_url())
    elif opportunity.stage == Opportunity.Stage.HANDED_OFF:
        yield Lack("The opportunity is handed off: delivery writes to the client now.", opportunity.staff_url())


def is_tried_again(opportunity) -> bool:
    return opportunity.win_backs.filter(stage__in=["open", "contacted"]).exists()


def of_contact(sequence, steps, opportunity, contact):
    if contact is None:
        yield Lack("Name the decision owner: nobody is known to write to.", opportunity.staff_url("people"))
        return
    if contact.merged_into_id:
        yield Lack(f"Choose {contact.merged_into}: {contact} is the same person.", contact.merged_into.staff_url())
    elif contact.client_id != opportunity.client_id:
        yield Lack(f"Choose somebody at {opportunity.client}: this deal is theirs.", opportunity.staff_url("people"))
    elif any(step.is_mail for step in steps):
        yield from (Lack(wait.words, wait.url) for wait in conditions.way_to(contact))
    elif not contact.is_reachable:
        yield Lack(f"{contact} cannot be reached: find a new contact path.", contact.staff_url())
    if running := opportunity.sequence_runs.filter(sequence=sequence, contact=contact, stage__in=WORKS_ON).first():
        words = f"Stop the one that runs, or choose another: {sequence} runs for {contact} already."
        yield Lack(words, running.staff_url("moves"))


def start_with(move, opportunity, contact) -> list[SequenceRun]:
    """Begin every sequence that this move starts ("proposal.send"). The move stands, whatever hinders one of them."""
    runs = []
    for sequence in Sequence.objects.filter(starts_with=move, stage=Sequence.Stage.IN_USE):
        try:
            runs.append(start(sequence, opportunity, contact, by=None))
        except Refused as refusal:
            past = f"did not start the sequence “{sequence.name[:40]}” for"
            tell(opportunity, "start_no_sequence", past, by=None, reason=str(refusal))
    return runs


# -- It goes on. -------------------------------------------------------------------------------------------------------


def take_next_step(run) -> SequenceRun:
    """Open the task of the step that comes now, or finish the run after its last. Return the run."""
    step = next(iter(run.coming), None)
    if step is None:
        return perform(run.finish, by=None)
    run = edit(run, by=None, reason=f"Step {step}"[:300], position=step.position, begun=[*run.begun, step.pk])
    task = begin(task_of(run, step), by=None, past="promised")
    if run.opportunity.stage == Opportunity.Stage.PAUSED:
        perform(task.pause, by=None, reason="The opportunity is paused.")
    return run


def task_of(run, step) -> Task:
    """Return the task of a step. A mail goes by itself when it is due; anything else waits for its owner."""
    lost = run.opportunity.stage == Opportunity.Stage.LOST
    mail = {"contact": run.contact, "template": step.template, "purpose": run.sequence.purpose}
    return Task(
        opportunity=run.opportunity,
        run=run,
        kind=Task.Kind.WIN_BACK if lost else Task.Kind.FOLLOW_UP,
        title=f"{step.what}: {run}"[:200],
        owner=run.owner,
        due_at=due_at(run.contact, step.wait_days),
        promised_to=run.contact,
        **(mail if step.is_mail else {}),
    )


def due_at(contact, days, *, since=None):
    """Return the first moment, so many days from now or from then, at which this contact works."""
    at = (since or clock.now()) + timedelta(days=days)
    try:
        opens, _ = conditions.opening(contact, at, ZoneInfo(contact.time_zone))
    except (KeyError, ValueError, OSError):  # no time zone: when it is due, the conditions say what to do
        opens = None
    return opens or at


# -- It ends early. ----------------------------------------------------------------------------------------------------


@transaction.atomic
def stop(opportunity=None, contact=None, *, reason, by=None, ended=Ended.BY_HAND, purpose="") -> int:
    """Stop what runs for a deal, for a contact, or for one contact of one deal. Return how many runs that were.

    Each tells its reason. Its open task is cancelled, and mail that has not gone yet is held: it never goes by itself.
    """
    if opportunity is None and contact is None:
        raise ValueError("Say for which deal or for which contact.")
    runs = SequenceRun.objects.filter(stage__in=WORKS_ON)
    runs = runs.filter(opportunity=opportunity) if opportunity is not None else runs
    runs = runs.filter(contact=contact) if contact is not None else runs
    runs = runs.filter(sequence__purpose=purpose) if purpose else runs
    # By their diaries, as everybody locks them who locks several.
    stopped = 0
    for run in runs.select_related("opportunity").order_by("opportunity__diary_id", "pk"):
        lock(run.opportunity)
        if SequenceRun.objects.filter(pk=run.pk, stage__in=WORKS_ON).exists():  # else it ended a moment ago
            perform(run.stop, by=by, reason=reason, ended=ended)
            stopped += 1
    return stopped


# -- What its pages show. ----------------------------------------------------------------------------------------------


@dataclass
class Shown:
    """One step as a page shows it: what it does and when, in which words, and what will keep it waiting."""

    step: Any
    due: Any = None
    subject: str = ""
    words: str = ""
    lacks: list = field(default_factory=list)


def shown(sequence) -> list[Shown]:
    """Return the plan of a sequence with the newest words of its templates."""
    steps = sequence.plan
    words = newest_words(steps)
    return [Shown(step, **spoken(words.get(step.template_id))) for step in steps]


def spoken(version) -> dict:
    return {"subject": version.subject, "words": version.body} if version else {}


def newest_words(steps) -> dict:
    templates = [step.template_id for step in steps if step.is_mail]
    versions = TemplateVersion.objects.filter(template__in=templates).order_by("template_id", "-number")
    return {version.template_id: version for version in versions.distinct("template_id")}


def foreseen(sequence, opportunity, contact, *, owner) -> list[Shown]:
    """Return what a sequence would do for this contact: each step with its day and its very words."""
    plan, at = shown(sequence), clock.now()
    words = newest_words([one.step for one in plan])
    for one in plan:
        one.due = at = due_at(contact, one.step.wait_days, since=at)
        if version := words.get(one.step.template_id):
            try:
                one.subject, one.words = filling.fill(version, contact=contact, owner=owner, opportunity=opportunity)
            except Refused as refusal:
                one.lacks = refusal.lacks
    return plan


def path_of(run) -> list[dict]:
    """Return the steps of a run: those that were taken, each with its task, and those that are still to come."""
    plan = {step.pk: step for step in run.sequence.plan}
    tasks = run.tasks.order_by("pk").prefetch_related("messages")
    taken = [{"what": str(task), "task": task} for task in tasks]
    for row, pk in zip(taken, run.begun, strict=False):
        row["what"] = plan[pk].what if pk in plan else row["what"]
    return taken + [{"what": step.what, "step": step} for step in (run.coming if run.is_open else [])]


def endings(sequence) -> list[tuple[str, int]]:
    """Return how the runs of a sequence stand or ended, each with how many."""
    found = {(row["stage"], row["ended"]): row["count"] for row in counted(sequence)}
    rows = [("Running now", found.get(("running", ""), 0)), ("Finished", found.get(("finished", ""), 0))]
    return rows + [(label, found[("stopped", how)]) for how, label in Ended.choices if ("stopped", how) in found]


def counted(sequence):
    return sequence.runs.values("stage", "ended").annotate(count=Count("pk"))
