"""What is told at once, and to whom, when something stands between a client and going live."""

from opportunities import clock, followups, notices
from opportunities.models import Notice, Task
from opportunities.records import Opens

from .models import Connector, LaunchBlocker

BATCH = 50
STEP = "onboarding_handoff"
ALARM = Notice.Kind.BREACH


def answer_for(project) -> list:
    """Return who is told of an alarm: whoever leads the onboarding, and whoever has the deal. Each once."""
    return list(dict.fromkeys([project.owner, project.opportunity.owner]))


def tell_of_the_broken(connector, event):
    """Tell them that an access stopped working. The task to mend it opens by the move."""
    words = f"The access to {connector} of {connector.project} stopped working: {event.reason}"
    for user in answer_for(connector.project):
        key = f"broken:{connector.pk}:{event.pk}"
        notices.tell(user, ALARM, words, connector.staff_url(), key=key, about=connector, by=event.actor)


def tell_that_the_holder_left(accesses, *, by=None):
    """Ask for a new holder of each of these accesses: a task for whoever leads the onboarding, and the alarm."""
    people = ("project__owner", "project__opportunity__owner", "provider", "holder_contact", "holder_user")
    for connector in accesses.exclude(stage="revoked").exclude(project__stage="closed").select_related(*people):
        todo = Opens(STEP, "Name a new holder of the access", 1)
        if not Task.objects.about(connector).filter(title__startswith=todo.title).unfinished().exists():
            followups.open_task(connector, todo, by=None)
        words = f"The access to {connector} of {connector.project}: its holder left, {connector.holder}."
        key = f"holder:{connector.pk}:{connector.holder_contact_id or 0}:{connector.holder_user_id or 0}"
        for user in answer_for(connector.project):
            notices.tell(user, ALARM, words, connector.staff_url(), key=key, about=connector, by=by)


def accesses_of(*, contact=None, user=None):
    held = {"holder_contact": contact} if contact else {"holder_user": user}
    return Connector.objects.filter(**held).order_by("pk")


def tell_of_late_blockers() -> int:
    """Tell the owner of each blocker that should be cleared by now, and whoever manages them, once each."""
    late = LaunchBlocker.objects.overdue(clock.today()).exclude(project__stage="closed")
    late = notices.untold(late, ALARM, ":late_blocker").select_related("owner", "project")
    rows = []
    for blocker in late.order_by("due_on", "pk")[:BATCH]:
        words = f"“{blocker}” still blocks {blocker.project}: it was to be cleared by {blocker.due_on:%-d %b %Y}."
        for user in dict.fromkeys([blocker.owner, *blocker.owner.managers()]):
            rows.append((user, ALARM, words, blocker.staff_url(), f"{blocker.pk}:late_blocker", blocker))
    notices.tell_all(rows)
    return len(rows)
