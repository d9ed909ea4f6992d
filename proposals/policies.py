"""Who may move a proposal, an approval, a summary or a contract."""

from django.utils import timezone

from opportunities.policies import by_itself, only_the_client
from opportunities.records import holds, policy

__all__ = ["by_itself", "may_approve", "may_recall", "may_send_back", "only_the_client"]


@policy("Whoever may approve this, but neither its author nor its last editor")
def may_approve(approval, user):
    """Two people look at everything that is promised, whatever rights the first one has."""
    hands = approval.subject.hands
    if user.pk in hands:
        return False
    if holds(user, approval.permission, approval):
        return True
    from .models import Delegation

    standing_in = Delegation.objects.filter(taker=user).on(timezone.localdate()).exclude(giver__in=hands)
    return any(
        giver.is_active and holds(giver, approval.permission, approval)
        for giver in (delegation.giver for delegation in standing_in.select_related("giver"))
    )


@policy("Whoever asked for it")
def may_recall(approval, user):
    return approval.asked_by_id == user.pk


@policy("Whoever writes it or may approve it")
def may_send_back(record, user):
    rights = [f"proposals.write_{record._meta.model_name}", *(f"proposals.approve_{name}" for name in record.ASPECTS)]
    return any(holds(user, right, record) for right in rights)
