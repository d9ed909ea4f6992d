"""No open deal is left to itself: each has an open task, or one that waits and says why. What has neither gets a task.

The moves open and close tasks in one transaction, so a deal that has none in between has none for good only when
somebody finished or cancelled its last one. The rounds find it, some hundred deals at a time; nothing has to stand in
anybody's way.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef

from .followups import open_task
from .models import Opportunity, Task
from .records import Opens, is_free, lock

WHAT_NEXT = Opens("follow_up", "Decide what happens next", 1)
# So many open deals are looked at in a round, and so many get a task at once.
LOOK, BATCH = 500, 50


def unattended(rows=None):
    """Return the open deals for which nothing is promised, and that wait for nothing that is said."""
    promised = Task.objects.promised().filter(opportunity=OuterRef("pk"))
    rows = Opportunity.objects.all() if rows is None else rows
    return rows.filter(~Exists(promised), stage__in=Opportunity.OPEN)


class Walk:
    """How far this process has walked through the open deals. It goes on there in its next round, and begins anew."""

    def __init__(self):
        self.at = 0

    def step(self) -> list[int]:
        """Return the deals among the next ones that are left to themselves."""
        ahead = Opportunity.objects.filter(stage__in=Opportunity.OPEN, pk__gt=self.at).order_by("pk")
        pks = list(ahead.values_list("pk", flat=True)[:LOOK])
        lacking = list(unattended().filter(pk__in=pks).order_by("pk").values_list("pk", flat=True)[: BATCH + 1])
        if len(lacking) > BATCH:
            self.at = lacking[BATCH - 1]
        else:
            self.at = pks[-1] if len(pks) == LOOK else 0
        return lacking[:BATCH]


WALK = Walk()


def mend() -> int:
    """Open a task for the owner of each deal of the next ones that is left to itself. Return how many."""
    return sum(attend(pk) for pk in WALK.step())


def mend_all(told=lambda count: None) -> int:
    """Do it for every deal, a batch at a time; `told` hears how many were mended so far."""
    mended, at = 0, 0
    while pks := list(unattended().filter(pk__gt=at).order_by("pk").values_list("pk", flat=True)[: BATCH * 10]):
        mended += sum(attend(pk, wait=True) for pk in pks)
        at = pks[-1]
        told(mended)
    return mended


@transaction.atomic
def attend(pk, wait=False) -> bool:
    """Open the task for one deal. False when somebody promised something meanwhile, or is at the deal just now."""
    deal = Opportunity.objects.get(pk=pk)
    if wait:
        lock(deal)
    elif not is_free(deal.diary_id):
        return False
    found = unattended().select_related("owner").filter(pk=pk).first()
    if found is None:
        return False
    open_task(found, WHAT_NEXT, by=None)
    return True
