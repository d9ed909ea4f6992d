"""Which approvals wait for a person."""

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone

from proposals.models import Approval, Delegation

# Who wrote or last edited what a question is about.
HANDS = [f"{subject}__{hand}" for subject in ("proposal", "contract", "summary") for hand in ("author", "last_editor")]


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
    for hand in HANDS:
        own |= Q(**{hand: user})
    theirs = Q(permission__in=user.get_all_permissions()) | stands_in(user)
    return pending(user).filter(theirs).exclude(pk__in=Approval.objects.filter(own).values("pk"))


def stands_in(user):
    """Say of a question whether this person stands in today for somebody who may answer it."""
    giver = Delegation.objects.filter(taker=user, giver__is_active=True).on(timezone.localdate())
    for hand in HANDS:
        giver = giver.exclude(giver=Coalesce(OuterRef(hand), 0))
    rights = giver.annotate(
        right=Concat(
            "giver__groups__permissions__content_type__app_label", Value("."), "giver__groups__permissions__codename"
        )
    )
    return Exists(rights.filter(right=OuterRef("permission"))) | Exists(giver.filter(giver__is_superuser=True))
