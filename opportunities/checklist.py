"""The lines of the close-ready checklist that the floor can answer."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Left, NullIf
from django.utils import timezone

from .checks import (
    MINE,
    MOST,
    Kind,
    Stage,
    add_page,
    check,
    fill,
    later,
    met,
    moment,
    page,
    person,
    place_of,
    rows,
    said_day,
    unmet,
    whether,
)
from .models import Audit, Closing, Consent, Contact, Discovery, Event, Evidence, Lead, LeadFact, Opportunity, Task
from .records import Lack


def learn(deals):
    """Read what the floor knows of these deals, in one query."""
    today = timezone.localdate()
    leads = Lead.objects.filter(opportunity=MINE).order_by("pk")
    facts = LeadFact.objects.filter(lead__opportunity=MINE, confirmed_at__isnull=False)
    parts = {part: whether(Q(**{f"{part}__regex": r"\S"})) for part in Discovery.PARTS}
    aged = Evidence.objects.aged().filter(audit=OuterRef("pk")).order_by("pk")[:MOST]
    audits = Audit.objects.filter(opportunity=MINE).exclude(stage="withdrawn").order_by("-pk")[:MOST]
    tasks = Task.objects.filter(opportunity=MINE).unfinished()
    touches = tasks.filter(contact__isnull=False).exclude(words="").order_by("pk")
    touches = touches.annotate(agreed_for=Coalesce(NullIf("purpose", Value("")), Value("transactional")))[:MOST]
    consent = Consent.objects.valid().filter(contact=OuterRef("contact"), purpose=OuterRef("agreed_for"))
    closing = Closing.objects.filter(opportunity=MINE).order_by("-pk")[:1]
    # The move that lost it: what is changed of a lost deal later is written with the stage that it has.
    losing = Event.objects.filter(record_type=Opportunity.label(), record_id=MINE, stage_to=Stage.LOST)
    losing = losing.exclude(stage_from__in=["", Stage.LOST])
    fill(
        deals,
        leads=rows(leads[:MOST], pk="pk"),
        facts=rows(facts, kind="kind", lead="lead_id", by=person("confirmed_by"), at="confirmed_at"),
        discovery=rows(Discovery.objects.filter(opportunity=MINE).order_by("-pk")[:1], pk="pk", stage="stage", **parts),
        audits=rows(audits, pk="pk", name="name", stage="stage", aged=rows(aged, metric="metric", until="fresh_until")),
        task_kinds=ArraySubquery(tasks.order_by("kind").values("kind").distinct()),
        touches=rows(
            touches,
            pk="pk",
            title="title",
            stage="stage",
            because="paused_because",
            contact="contact__name",
            reachable=whether(Q(contact__left_on=None) & ~Q(contact__email="")),
            purpose="agreed_for",
            agreed=Exists(consent),
        ),
        old_source=Exists(leads.filter(source__valid_until__lt=today)),
        decider=rows(
            Contact.objects.filter(pk=OuterRef("decision_owner")),
            pk="pk",
            name="name",
            left=whether(Q(left_on__isnull=False)),
            reachable=whether(Q(left_on=None) & ~Q(email="", phone="")),
        ),
        closing=rows(
            closing,
            outcome="outcome",
            reason="reason",
            words=Left("words", 160),
            since="reactivate_from",
            until="reactivate_to",
        ),
        losing=rows(losing.order_by("-pk")[:1], stage="stage_from"),
    )
    for deal in deals.values():
        # How far a lost deal came; one that was lost while it rested came as far as where it rested.
        came = deal.losing[0]["stage"] if deal.losing else Stage.QUALIFIED
        deal.reached = deal.opportunity.paused_from if came == Stage.PAUSED else came


@check(
    "B1",
    "Confirm source, service fit, urgency, decision owner, contact path, budget signal, and next action.",
    kind=Kind.FIELD,
    due_from=Stage.QUALIFIED,
    keeper="No lead is qualified before all seven are confirmed.",
    names=("opportunities.gates.seven_facts_are_confirmed",),
)
def seven_facts(deal):
    confirmed = {fact["kind"]: fact for fact in deal.facts}
    missing = [label for kind, label in LeadFact.Kind.choices if kind not in confirmed]
    if not deal.leads:
        add = add_page(Lead, company=deal.opportunity.client)
        return unmet(Lack("No lead stands behind this deal: add one, confirm its seven facts and join it here.", add))
    if missing:
        return unmet(
            *(Lack(f"Confirm the {label.lower()}.", page(Lead, deal.leads[0]["pk"], "facts")) for label in missing)
        )
    last = max(confirmed.values(), key=lambda fact: fact["at"])
    return met("All seven are confirmed.", by=last["by"], at=moment(last["at"]))


# What has to be promised at which stage; before that any open task will do.
OWED = {Stage.CONTRACT: Task.Kind.CONTRACT_STEP, Stage.WON: Task.Kind.ONBOARDING_HANDOFF}


@check(
    "B2",
    "Create a task for every promised follow-up, proposal review, contract step, or onboarding handoff.",
    kind=Kind.TASK,
    due_from=Stage.QUALIFIED,
    keeper="Each move opens the task that it promises, and closes the one before.",
    names=("opportunities.followups.after_move",),
    told_by=("task.create",),
)
def tasks_are_open(deal):
    place = place_of(deal.opportunity)
    if place in (None, Stage.HANDED_OFF):
        return met("Sales owes nothing more.")
    if (kind := OWED.get(place)) and kind not in deal.task_kinds:
        add = add_page(Task, opportunity=deal.opportunity.pk, kind=kind)
        return unmet(Lack(f"Add a task for the {Task.Kind(kind).label.lower()}.", add))
    if not deal.task_kinds:
        add = add_page(Task, opportunity=deal.opportunity.pk, kind="follow_up")
        return unmet(Lack("Add a task: nothing is promised to anybody.", add))
    names = ", ".join(Task.Kind(kind).label.lower() for kind in deal.task_kinds)
    return met(f"Open tasks: {names}.")


@check(
    "B9",
    "Track lost reason and reactivation window instead of deleting stale opportunities.",
    kind=Kind.FIELD,
    due_from=Stage.QUALIFIED,
    keeper="“Mark as lost” asks for both, the database takes no lost closing without them, and nothing is deleted.",
    names=("opportunities.forms.LoseForm", "constraint:lost_closing_has_a_window", "trigger:frozen"),
    told_by=("opportunity.lose",),
)
def loss_is_tracked(deal):
    if deal.opportunity.stage != Stage.LOST:
        return later("When the deal is lost.")
    (closing,) = deal.closing or [{}]
    if closing.get("outcome") != "lost" or not closing["since"]:
        return unmet(Lack("Reopen the deal and mark it as lost with its reason.", deal.opportunity.staff_url("moves")))
    reason = Closing.Reason(closing["reason"]).label
    return met(f"{reason}. Try again from {said_day(closing['since'])} to {said_day(closing['until'])}.")


@check(
    "C1",
    "Capture discovery notes, pain points, current lead flow, provider stack, and decision criteria.",
    kind=Kind.NOTE,
    due_from=Stage.DISCOVERY,
    keeper="No audit starts before the discovery is complete.",
    names=("opportunities.gates.five_parts_are_written", "opportunities.gates.discovery_is_complete"),
    told_by=("discovery.complete",),
)
def discovery_is_captured(deal):
    (notes,) = deal.discovery or [None]
    if notes is None:
        return unmet(
            Lack("Begin a discovery for this opportunity.", add_page(Discovery, opportunity=deal.opportunity.pk))
        )
    if notes["stage"] == Discovery.Stage.COMPLETE:
        return met("The discovery is complete.")
    names = {part: Discovery._meta.get_field(part).verbose_name for part in Discovery.PARTS if not notes[part]}
    lacks = [Lack(f"Write the {name}.", page(Discovery, notes["pk"], f"id_{part}")) for part, name in names.items()]
    return unmet(*lacks or [Lack("Complete discovery: all five parts are written.", page(Discovery, notes["pk"]))])


@check(
    "C6",
    "Pause follow-up when consent, timing, source context, or decision path is not valid.",
    kind=Kind.TASK,
    due_from=Stage.QUALIFIED,
    keeper="All four are asked at the moment of sending; a follow-up that fails one pauses and says why.",
    names=("opportunities.followups.why_not", "opportunities.followups.touch"),
    told_by=("task.pause",),
)
def follow_ups_may_go(deal):
    if not deal.touches:
        return later("When a follow-up by mail is promised.")
    lacks, waiting = [], []
    for touch in deal.touches:
        reason = why_it_waits(touch, deal)
        if touch["stage"] == Task.Stage.PAUSED:
            waiting.append(touch["because"] or reason)
        elif reason:
            lacks.append(
                Lack(f"Pause the follow-up “{touch['title']}”, or mend this: {reason}", page(Task, touch["pk"]))
            )
    if lacks:
        return unmet(*lacks)
    return met(f"Waits: {waiting[0]}" if waiting else "Whoever it goes to agreed, and somebody is known to decide.")


def why_it_waits(touch, deal) -> str:
    """Return why a follow-up must not go out, as `followups.why_not` finds at the moment of sending; or nothing."""
    if not touch["reachable"]:
        return f"{touch['contact']} cannot be reached."
    if not touch["agreed"]:
        return f"{touch['contact']} has not agreed to {touch['purpose']} mail."
    if deal.opportunity.stage == Stage.PAUSED:
        return "the opportunity is paused."
    if not deal.decider or deal.decider[0]["left"]:
        return "nobody is known to decide."
    return "the source that it came from is no longer valid." if deal.old_source else ""


CHECKS = (seven_facts, tasks_are_open, loss_is_tracked, discovery_is_captured, follow_ups_may_go)
