"""What an opportunity's page shows of what delivery inherits, one function a panel."""

from django.db.models import Count, Q

from opportunities.panels import FEW, newest

from .models import Promise


def handoff(opportunity, user) -> dict:
    """How far delivery has taken over: promises by what became of them, the project and what blocks it."""
    states = {f"promises_{stage}": Count("promises", filter=Q(promises__stage=stage)) for stage in Promise.Stage.values}
    shown = newest(opportunity.handoffs.select_related("owner").annotate(**states), FEW)
    for handoff in shown["rows"]:
        counts = [(label, getattr(handoff, f"promises_{stage}")) for stage, label in Promise.Stage.choices]
        handoff.promise_counts = [(label, count) for label, count in counts if count]
    projects = opportunity.projects.select_related("owner").annotate(
        steps=Count("items", distinct=True),
        steps_open=Count("items", filter=Q(items__stage="open"), distinct=True),
        blockers_open=Count("blockers", filter=Q(blockers__stage="open"), distinct=True),
    )
    return shown | {"projects": newest(projects, FEW)["rows"]}
