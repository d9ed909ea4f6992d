"""Which approvals wait for a person, and why with them. Each part is one query, the most urgent first."""

from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone

from opportunities.admin.base import whole_number
from opportunities.models import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
from proposals import coverage
from proposals.models import Approval, Delegation, Proposal

from .table import read_time

# A page of the list, as many as a count tells, and how many are decided at once.
PAGE, MOST_TOLD, AT_ONCE = 50, 99, 10

SUBJECTS = ("proposal", "contract", "summary")
EDITORS = Proposal._meta.get_field("editors")
NOTHING = Q(pk=None)
# What is its owner's alone: `Approval.goes_by_name`.
BY_NAME = Q(person__isnull=False, permission="") | Q(escalated_at__isnull=False)


def pending(user):
    """Return every question that is open and that this person may see, the most urgent first. A paused deal waits."""
    rows = Approval.objects.visible_to(user).filter(stage=Approval.Stage.PENDING)
    rows = rows.exclude(opportunity__stage="paused")
    about = ("proposal", "contract__proposal", "summary")
    rows = rows.select_related("opportunity__client", "owner", "asked_by", "looked_at_by", "rule", *about)
    # The lines of the price say what each is worth.
    return rows.prefetch_related("proposal__price_lines", "contract__proposal__price_lines").order_by("due", "pk")


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


# The parts of the queue: in the address, in words, its rows, and what an empty one says.
PARTS = {
    "mine": ("Mine", mine, "Nothing stands with you."),
    "groups": ("My groups’", my_groups, "Nothing that you may decide stands with a colleague."),
    "lent": ("Delegated to me", delegated, "Nothing comes to you because you stand in for somebody."),
    "all": ("All open", pending, "Nothing is in review."),
}


def told(rows) -> str:
    """Say how many there are, as far as anybody counts: "7", or "99+"."""
    found = len(rows.order_by().values_list("pk")[: MOST_TOLD + 1])
    return str(found) if found <= MOST_TOLD else f"{MOST_TOLD}+"


def page(rows, after: str):
    """Return a page of questions that begins behind a mark, and the mark of the next one. A strange mark is none."""
    due, _, number = after[:60].rpartition("~")
    try:
        due, pk = read_time(due), whole_number(number)
    except ValueError:
        pk = None
    if pk is not None:
        # Said twice, so that the database begins at the mark instead of walking up to it.
        rows = rows.filter(Q(due__gt=due) | Q(pk__gt=pk), due__gte=due)
    found = list(rows[: PAGE + 1])
    more = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], f"{more.due.isoformat()}~{more.pk}" if more else ""


def covered(rows):
    """Note on each question how much of its proposal rests on proof, in one query for all of them."""
    about = {row.pk: row.proposal_id or (row.contract and row.contract.proposal_id) for row in rows}
    offers = coverage.annotated(Proposal.objects.filter(pk__in={pk for pk in about.values() if pk})).in_bulk()
    for row in rows:
        offer = offers.get(about[row.pk])
        row.coverage = coverage.percent(offer.rows_proven, offer.rows_in_all) if offer else None


def alike(user, asked):
    """Return what this person may answer and is asked as this is: of the same aspect, by the same rule."""
    rows = waiting_for(user).filter(aspect=asked.aspect, rule=asked.rule_id)
    return rows.filter(summary__kind=asked.summary.kind) if asked.summary_id else rows


def at_once(user, asked) -> list:
    """Return as many alike as are decided at once, the one that somebody came from among them, while it is theirs."""
    found = list(alike(user, asked)[:AT_ONCE])
    if asked not in found:
        own = list(alike(user, asked).filter(pk=asked.pk))
        found = [*own, *found][:AT_ONCE]
    return found


def answerable(user):
    """Return the open questions that this person did not write, and for which their word does not stand already."""
    return pending(user).exclude(pk__in=Approval.objects.filter(written_by(user)).values("pk")).exclude(answered(user))


def written_by(user) -> Q:
    """Say of a question whether this person wrote or ever edited what it is about."""
    own = NOTHING
    for subject in SUBJECTS:
        own |= Q(**{f"{subject}__author": user}) | Q(**{f"{subject}__editors__contains": [user.pk]})
    return own


def answered(user) -> Q:
    """Say of a question whether this person's word stands for it already: `policies.has_answered`."""
    given = Approval.objects.filter(stage="approved", decided_by=user, aspect=OuterRef("aspect"))
    another_step, each_for_once = NOTHING, NOTHING
    for subject in SUBJECTS:
        of_it = given.filter(**{subject: OuterRef(subject)})
        another_step |= Exists(of_it.exclude(step=OuterRef("step")))
        each_for_once |= Exists(of_it.filter(rule=OuterRef("rule")))
    return another_step | (Q(person__isnull=False, rule__isnull=False) & each_for_once)


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
    for subject in SUBJECTS:
        editors = Coalesce(OuterRef(f"{subject}__editors"), Value([], EDITORS))
        place = Func(editors, F("giver"), function="array_position", output_field=IntegerField())
        giver = (
            giver.exclude(giver=Coalesce(OuterRef(f"{subject}__author"), 0)).annotate(place=place).filter(place=None)
        )
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
