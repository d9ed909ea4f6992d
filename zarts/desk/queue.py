"""Which approvals wait for a person, and why with them. Each question is one query, the most urgent first."""

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone

from opportunities.models import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
from proposals.models import Approval, Delegation

# Who wrote or last edited what a question is about.
HANDS = [f"{subject}__{hand}" for subject in ("proposal", "contract", "summary") for hand in ("author", "last_editor")]
SUBJECTS = ("proposal", "contract", "summary")
NOTHING = Q(pk=None)
# What is its owner's alone: `Approval.goes_by_name`.
BY_NAME = Q(person__isnull=False, permission="") | Q(escalated_at__isnull=False)


def pending(user):
    """Return every question that is open and that this person may see, the most urgent first. A paused deal waits."""
    rows = Approval.objects.visible_to(user).filter(stage=Approval.Stage.PENDING)
    rows = rows.exclude(opportunity__stage="paused")
    rows = rows.select_related("opportunity__client", "owner", "asked_by", "proposal", "contract__proposal", "summary")
    # The lines of the price say what each is worth.
    return rows.prefetch_related("proposal__price_lines", "contract__proposal__price_lines").order_by("due", "pk")


everything = pending


def waiting_for(user):
    """Return the questions that this person may answer: theirs by right, role, name or delegation, not their own work.

    It says in SQL what `may_approve` says of one; the page of each asks the policy itself.
    """
    return answerable(user).filter(asked_of(user, user.get_all_permissions()) | lent_to(user))


def mine(user):
    """Return the questions that stand with this person, and that they may answer."""
    return waiting_for(user).filter(owner=user)


def my_groups(user):
    """Return the questions that stand with a colleague, and that this person may answer by a right or a role too."""
    return answerable(user).filter(asked_of(user, user.get_all_permissions())).exclude(owner=user)


def delegated(user):
    """Return the questions that this person may answer only because they stand in for somebody today."""
    own = answerable(user).filter(asked_of(user, user.get_all_permissions()))
    return answerable(user).filter(lent_to(user)).exclude(pk__in=own.order_by().values("pk")).exclude(owner=user)


def answerable(user):
    """Return the open questions that this person did not write, nor answer already for the same rule."""
    return pending(user).exclude(pk__in=Approval.objects.filter(written_by(user)).values("pk")).exclude(answered(user))


def written_by(user) -> Q:
    """Say of a question whether this person wrote or last edited what it is about."""
    own = NOTHING
    for hand in HANDS:
        own |= Q(**{hand: user})
    return own


def answered(user) -> Q:
    """Say of a question to everybody of a role whether this person has given their word for its rule already."""
    given = Approval.objects.filter(stage="approved", decided_by=user, aspect=OuterRef("aspect"), rule=OuterRef("rule"))
    found = NOTHING
    for subject in SUBJECTS:
        found |= Exists(given.filter(**{subject: OuterRef(subject)}))
    return Q(person__isnull=False, rule__isnull=False) & found


def asked_of(user, rights) -> Q:
    """Say of a question whether it is put to this person themselves."""
    by_name = Q(owner=user) & BY_NAME
    by_right = Q(permission__in=rights)
    if user.is_superuser:
        by_right = ~Q(permission="")
    by_role = Q(permission="", person=None, group__in=user.groups.values("pk"))
    reached = Opportunity.objects.filter(Opportunity.reach(user, to="change")).values("pk")
    theirs = by_name | by_right | by_role
    return theirs if user.sees_all else theirs & Q(opportunity__in=reached)


def lent_to(user) -> Q:
    """Say of a question whether this person stands in today for somebody who is asked and did not write it."""
    giver = Delegation.objects.filter(taker=user, giver__is_active=True).on(timezone.localdate())
    for hand in HANDS:
        giver = giver.exclude(giver=Coalesce(OuterRef(hand), 0))
    giver = giver.filter(reached_by_giver())
    by_right = Exists(giver.filter(giver__is_superuser=True)) & ~Q(permission="")
    for held in ("giver__groups__permissions", "giver__user_permissions"):
        right = Concat(f"{held}__content_type__app_label", Value("."), f"{held}__codename")
        by_right |= Exists(giver.annotate(right=right).filter(right=OuterRef("permission")))
    by_role = Q(permission="", person=None) & Exists(giver.filter(giver__groups=OuterRef("group")))
    return by_right | by_role | (BY_NAME & Exists(giver.filter(giver=OuterRef("owner"))))


def reached_by_giver() -> Q:
    """Say of a delegation whether its giver may change the deal of the question around it: `Opportunity.reach`."""
    team = Q(giver__reach_of="team", giver__team=OuterRef("opportunity__team"))
    found = Q(giver__is_superuser=True) | Q(giver__reach_of="all") | Q(giver=OuterRef("opportunity__owner")) | team
    deal = {"permission__codename": "change_opportunity", "content_object": OuterRef(OuterRef("opportunity_id"))}
    found |= Exists(OpportunityUserPermission.objects.filter(user=OuterRef("giver"), **deal))
    return found | Exists(OpportunityGroupPermission.objects.filter(group__user=OuterRef("giver"), **deal))
