"""Which approvals wait for a person."""

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils import timezone

from proposals.models import Approval, Delegation


def pending(user):
    """Return every question that is open and that this person may see, the most urgent first. A paused deal waits."""
    rows = Approval.objects.visible_to(user).filter(stage=Approval.Stage.PENDING)
    rows = rows.exclude(opportunity__stage="paused")
    rows = rows.select_related("opportunity__client", "owner", "asked_by", "proposal", "contract__proposal", "summary")
    # The lines of the price say what each is worth.
    return rows.prefetch_related("proposal__price_lines", "contract__proposal__price_lines").order_by("due", "pk")


def waiting_for(user):
    """Return the questions that this person may answer: theirs by right or by delegation, and not their own work.

    It says in SQL what `may_approve` says of one; the page of each asks the policy itself.
    """
    own = Q(pk=None)
    for subject in ("proposal", "contract", "summary"):
        own |= Q(**{f"{subject}__author": user}) | Q(**{f"{subject}__last_editor": user})
    return pending(user).filter(permission__in=rights(user)).exclude(pk__in=Approval.objects.filter(own).values("pk"))


def rights(user) -> set[str]:
    """Return what this person may approve, for themselves and for whomever they stand in for today."""
    mine = set(user.get_all_permissions())
    givers = Delegation.objects.filter(taker=user).on(timezone.localdate()).values("giver")
    for giver in get_user_model().objects.filter(pk__in=givers, is_active=True):
        mine |= giver.get_all_permissions()
    return {right for right in mine if right.startswith("proposals.approve_")}
