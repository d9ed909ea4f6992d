"""Who may move a proposal, an approval, a summary or a contract."""

from django.db.models import Q
from django.utils import timezone

from opportunities.policies import by_itself, only_the_client
from opportunities.records import holds, policy

__all__ = ["by_itself", "may_approve", "may_reassign", "may_recall", "may_send_back", "only_the_client"]


@policy("Whoever is asked, but nobody who wrote or edited it, or let it pass a closed gate")
def may_approve(approval, user):
    """Two people look at everything that is promised, whatever rights the first one has.

    `zarts/desk/queue.py` says the same in SQL.
    """
    if user.pk in approval.subject.hands or user.pk in have_answered(approval.subject, approval):
        return False
    return is_asked(approval, user) or stands_in(approval, user) is not None


def stands_in(approval, user):
    """Return the delegation by which somebody answers for a colleague who is asked and did not write it, or None.

    It lends them whose question it is, not what they may: they hold the right to approve this themselves.
    """
    from .models import Delegation

    if not (user.has_perm(right_for(approval.aspect)) and approval.within_reach(user, "view")):
        return None
    given = Delegation.objects.filter(taker=user, giver__is_active=True).on(timezone.localdate())
    given = given.exclude(giver__in=approval.subject.hands).select_related("giver")
    return next((each for each in given if is_asked(approval, each.giver)), None)


def right_for(aspect) -> str:
    """Return the right to approve an aspect."""
    return f"proposals.approve_{aspect}"


def is_asked(approval, user) -> bool:
    """Whether a question is put to somebody themselves: by a right, a group or by name. They must reach the record."""
    if approval.goes_by_name and approval.owner_id == user.pk:
        asked = True
    elif approval.permission:
        asked = user.has_perm(approval.permission)
    else:
        asked = approval.person_id is None and approval.group_id in user.group_ids
    return asked and approval.within_reach(user, "change")


def have_answered(record, question) -> set[int]:
    """Return the ids of those whose word stands for this already: at another step, or where each is asked for once.

    The question is a need, or an approval. `zarts/desk/queue.py` says the same in SQL.
    """
    stands = ~Q(step=question.step)
    if question.rule and question.person:
        stands |= Q(rule=question.rule)
    given = record.approvals.filter(stands, aspect=question.aspect, stage="approved")
    return set(given.values_list("decided_by", flat=True))


@policy("Whoever manages who approves")
def may_reassign(approval, user):
    return holds(user, "proposals.reassign_approval", approval)


@policy("Whoever asked for it, or wrote it")
def may_recall(approval, user):
    return user.pk in (approval.asked_by_id, approval.subject.author_id)


@policy("Whoever writes it or may approve it")
def may_send_back(record, user):
    rights = [f"proposals.write_{record._meta.model_name}", *(f"proposals.approve_{name}" for name in record.ASPECTS)]
    return any(holds(user, right, record) for right in rights)
