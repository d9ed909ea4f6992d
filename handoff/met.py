"""By whom and when each gate before going live was met: the last line of the diary that did it."""

from django.db.models import Q

from opportunities.models import Event

# Of each gate: on whose lines it rests, and which of them met it: a stage that was reached, or a fact that was given.
REACHED = {
    "its_contract_is_active": ("contract", ("active",)),
    "payment_is_as_agreed": ("payment", ("paid", "waived")),
    "checklist_is_done": ("item", ("done", "waived")),
    "its_handoff_is_accepted": ("handoff", ("accepted",)),
    "its_promises_are_answered": ("promise", ("accepted", "settled")),
    "no_launch_blocker_is_open": ("blocker", ("cleared",)),
    "connectors_are_verified": ("connector", ("verified", "revoked")),
}
GIVEN = {
    "kickoff_is_set": ("project", "kickoff_on"),
    "somebody_leads_it": ("project", "owner"),
    "first_report_is_dated": ("cadence", "first_due_on"),
}


def lines_of(project) -> dict:
    """Return the line of the diary that met each gate of a project, by the gate's name. Two queries, however many."""
    contract = project.handoff.contract
    records = {
        "project": type(project).objects.filter(pk=project.pk),
        "handoff": type(project.handoff).objects.filter(pk=project.handoff_id),
        "contract": type(contract).objects.filter(pk=contract.pk),
        "payment": contract._meta.get_field("payment").related_model.objects.filter(contract=contract),
        "item": project.items.order_by(),
        "promise": project.handoff.promises.order_by(),
        "blocker": project.blockers.order_by(),
        "connector": project.connectors.order_by(),
        "cadence": project.cadences.order_by(),
    }
    kinds = {rows.model.label(): kind for kind, rows in records.items()}
    asked = Q()
    for kind, stages in REACHED.values():
        asked |= of(records[kind]) & Q(stage_to__in=stages)
    for kind, name in GIVEN.values():
        born = Q(verb=f"{records[kind].model._meta.model_name}.create")
        asked |= of(records[kind]) & (born | Q(facts__values__has_key=name))
    found: dict = {}
    rows = Event.objects.filter(asked, diary=project.opportunity.diary_id).select_related("facts").order_by("pk")
    for event in rows:
        kind, given = kinds[event.record_type], event.facts.values if event.facts else {}
        for gate, (of_kind, stages) in REACHED.items():
            if kind == of_kind and event.stage_from and event.stage_to in stages:
                found[gate] = event
        for gate, (of_kind, name) in GIVEN.items():
            if kind == of_kind and (name in given or event.verb.endswith(".create")):
                found[gate] = event
    return found


def of(rows) -> Q:
    return Q(record_type=rows.model.label(), record_id__in=rows.values("pk"))
