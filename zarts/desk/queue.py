"""Which approvals wait for a person, and why with them. Each question is one query, the most urgent first."""

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from opportunities.models import Opportunity
from proposals.models import Approval, Delegation

# Who wrote or last edited what a question is about.
HANDS = [f"{subject}__{hand}" for subject in ("proposal", "contract", "summary") for hand in ("author", "last_editor")]
SUBJECTS = ("proposal", "contract", "summary")
NOTHING = Q(pk=None)


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
    by_name = Q(owner=user) & (Q(person__isnull=False, permission="") | Q(escalated_at__isnull=False))
    by_right = Q(permission__in=rights)
    if user.is_superuser:
        by_right = ~Q(permission="")
    by_role = Q(permission="", person=None, group__in=[group.pk for group in user.groups.all()])
    reached = Opportunity.objects.filter(Opportunity.reach(user, to="change")).values("pk")
    theirs = by_name | by_right | by_role
    return theirs if user.sees_all else theirs & Q(opportunity__in=reached)


def lent_to(user) -> Q:
    """Say of a question whether this person stands in today for somebody who is asked and did not write it."""
    today = Delegation.objects.filter(taker=user, giver__is_active=True).on(timezone.localdate())
    rights = ("giver__groups__permissions__content_type", "giver__user_permissions__content_type")
    lent = NOTHING
    for giver in {row.giver for row in today.select_related("giver").prefetch_related(*rights)}:
        held = [
            *giver.user_permissions.all(),
            *(right for role in giver.groups.all() for right in role.permissions.all()),
        ]
        asked = asked_of(giver, {f"{right.content_type.app_label}.{right.codename}" for right in held})
        written = Approval.objects.filter(written_by(giver)).values("pk")
        lent |= asked & ~Q(pk__in=written)
    return lent
