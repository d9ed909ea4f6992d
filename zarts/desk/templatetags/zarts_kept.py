"""What templates show of promises: how they were settled and shown, what changed, what is out of scope, the scores."""

from django import template

from handoff import changeorders, endings, scorecard
from handoff.models import Handoff, OutOfScope, Promise
from opportunities.models import Task
from proposals import changing

register = template.Library()
FEW = 20


def handoff_of(record):
    return record if isinstance(record, Handoff) else record.handoff


@register.simple_tag(takes_context=True)
def changes_of(context, record):
    """Return the change orders to the contract of a handoff or a project, and whether this person may begin one."""
    handoff, user = handoff_of(record), context["request"].user
    running = handoff.contract.stage == "active" and handoff.is_open
    return {
        "handoff": handoff,
        "rows": changing.orders_to(handoff.contract),
        "may": running and changeorders.may_order(handoff, user),
    }


@register.simple_tag(takes_context=True)
def reworded_by(context, promise):
    """Whether this person may begin the change order that rewords a promise."""
    return promise.stage == "disputed" and changeorders.may_reword(promise, context["request"].user)


@register.simple_tag
def out_of_scope_of(record):
    """Return what was found out of scope about a task, an onboarding item, or all of a handoff or a project."""
    rows = OutOfScope.objects.select_related("exclusion", "task", "item", "change_order").order_by("-pk")
    if isinstance(record, Task):
        return list(rows.filter(task=record)[:FEW])
    if hasattr(record, "handoff_id") or isinstance(record, Handoff):
        return list(rows.filter(handoff=handoff_of(record))[:FEW])
    return list(rows.filter(item=record)[:FEW])


@register.simple_tag(takes_context=True)
def scores_of(context, record):
    """Return how the claims of a handoff or a project came out so far."""
    promises = Promise.objects.visible_to(context["request"].user)
    return scorecard.scores(promises.filter(handoff=handoff_of(record)))


@register.simple_tag
def not_as_sold(opportunity):
    """Return what delivery disputed of a deal, and what was broken."""
    return endings.promises_of(opportunity)
