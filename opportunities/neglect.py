"""Which deals are neglected: stale, because nothing happened for days, or without a next action."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from .models import Opportunity, Task
from .scope import there_is


def is_stale() -> Q:
    """Return the condition for deals in which nothing happened for longer than their stage allows."""
    now, found = timezone.now(), Q()
    for stage, days in Opportunity.STALE_AFTER.items():
        found |= Q(stage=stage, diary__last_at__lt=now - timedelta(days=days))
    return found & ~Opportunity.was_won()


def quiet_days(deal) -> int:
    """Return the whole days since the last line in a deal's diary."""
    return (timezone.now() - deal.diary.last_at).days if deal.diary.last_at else 0


def stale_days(deal) -> int:
    """Return how long nothing happened in a deal that is stale, in days; nothing for one that is not."""
    if deal.stage == Opportunity.Stage.WON and deal.external_ref and deal.due_on is None:
        return 0  # it was won before it came in
    limit = Opportunity.STALE_AFTER.get(deal.stage)
    days = quiet_days(deal)
    return days if limit is not None and days >= limit else 0


def is_adrift(*, each=False) -> Q:
    """Return the condition for open deals without a next action: none is promised, or the one that is, is overdue."""
    late = Q(due_on__lt=timezone.localdate())
    return Q(stage__in=Opportunity.OPEN) & (late | nothing_promised(each=each))


def nothing_promised(*, each=False) -> Q:
    """Return the condition for deals that no task goes on with.

    It reads all tasks once; with `each`, those of one deal after the other, which is quicker for a list that is short.
    """
    promised = Task.objects.promised().filter(opportunity=OuterRef("pk"))
    return ~(there_is(promised) if each else Q(Exists(promised)))
