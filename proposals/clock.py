"""What the clock does: proposals expire, payments are late, and late questions go on to somebody else."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from opportunities import notices
from opportunities.followups import open_task
from opportunities.models import Notice, Task
from opportunities.records import Opens, Refused, edit, perform

from . import approvals
from .models import Approval, Payment, Proposal

BATCH = 50


def run() -> dict:
    """Do everything that is due. Return the counts."""
    return {"expired": expire(), "overdue": mark_overdue(), "moved_on": move_on()}


def expire() -> int:
    """Expire the proposals whose last day has passed."""
    due = Proposal.objects.filter(stage__in=Proposal.WITH_CLIENT, valid_until__lt=timezone.localdate())
    return sum(moved(proposal.expire) for proposal in due.order_by("pk")[:BATCH])


def mark_overdue() -> int:
    due = Payment.objects.filter(stage__in=["invoiced", "part_paid"], due_on__lt=timezone.localdate())
    return sum(moved(payment.mark_overdue) for payment in due.order_by("pk")[:BATCH])


def moved(move) -> bool:
    """Make a move by the clock; somebody may have been quicker."""
    try:
        perform(move, by=None)
    except Refused:
        return False
    return True


def move_on() -> int:
    """Give the questions that are late, or whose approver has left, to somebody else who may answer."""
    late = Q(due__lt=timezone.now()) | Q(owner__is_active=False)
    waiting = Approval.objects.filter(late, stage="pending").exclude(opportunity__stage="paused").order_by("due")
    waiting = waiting.select_related("owner", "opportunity")
    return sum(hand_on(approval) for approval in waiting[:BATCH])


@transaction.atomic
def hand_on(approval) -> bool:
    following = approvals.approver(approval.subject, approval.permission, instead_of=approval.owner)
    if following == approval.owner:
        # It is asked once more after the next deadline, and keeps nobody else from being asked.
        reason = "The deadline has passed, and nobody else may answer."
        words = f"You have not decided on {approval} of {approval.opportunity}. {reason}"
        key = f"{approval.pk}:{approval.due:%Y%m%d%H%M}"
        notices.tell(approval.owner, Notice.Kind.BREACH, words, approval.staff_url(), key=key, about=approval)
        edit(approval, by=None, reason=reason, due=approvals.next_deadline())
        return False
    for task in Task.objects.about(approval).exclude(stage__in=Task.CLOSED):
        perform(task.cancel, by=None, reason=f"The question went on to {following}.")
    reason = "The deadline has passed." if approval.owner.is_active else f"{approval.owner} has left."
    approval = edit(approval, by=None, reason=reason, owner=following, due=approvals.next_deadline())
    open_task(approval, Opens("proposal_review", f"Decide on the {approval.get_aspect_display().lower()}", 1), by=None)
    return True
