"""Which approvals wait for a person, and why with them. Each part is one query, the most urgent first."""

from collections import Counter
from functools import cached_property

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, CharField, Exists, Func, OuterRef, Q, Value
from django.utils import timezone

from handoff.models import CadenceChange
from handoff.policies import APPROVE_CHANGE
from opportunities.admin.base import whole_number
from opportunities.models import Opportunity
from proposals import coverage
from proposals.measures import Measured
from proposals.models import Approval, Aspect, Delegation, Proposal
from proposals.policies import right_for

from .table import read_time

# A page of the list, as many as a count tells, how many are decided at once, and among how many those are looked for.
PAGE, MOST_TOLD, AT_ONCE, AMONG = 50, 99, 10, 100

SUBJECTS = ("proposal", "contract", "summary")
NOTHING = Q(pk=None)
# What is its owner's alone: `Approval.goes_by_name`.
BY_NAME = Q(person__isnull=False, permission="") | Q(escalated_at__isnull=False)


def pending():
    """Return every question that somebody is to answer now, the most urgent first."""
    about = ("proposal", "contract__proposal", "summary")
    rows = Approval.objects.waiting().select_related(
        "opportunity__client", "owner", "asked_by", "looked_at_by", "rule", *about
    )
    # The lines of the price say what each is worth.
    return rows.prefetch_related("proposal__price_lines", "contract__proposal__price_lines").order_by("due", "pk")


class AnyOf(Func):
    """Say in SQL "one of these", as one parameter: somebody has hundreds of rights."""

    template, arg_joiner, output_field = "(%(expressions)s))", " = ANY (", BooleanField()


class Queue:
    """What waits for one person. Who lends to them is read once."""

    def __init__(self, user):
        self.user = user

    @cached_property
    def asked(self) -> Q:
        return asked_of(self.user)

    @cached_property
    def lent(self) -> Q:
        return lent_to(self.user)

    def waiting(self):
        """Return the questions that they may answer: theirs by right, role, name or delegation, not their own work.

        It says in SQL what `may_approve` says of one; the page of each asks the policy itself.
        """
        return answerable(self.user).filter(self.asked | self.lent)

    def mine(self):
        """Return the questions that stand with them, and that they may answer."""
        return self.waiting().filter(owner=self.user)

    def my_groups(self):
        """Return the questions that stand with a colleague, and that they may answer by a right or a role too."""
        return answerable(self.user).filter(self.asked).exclude(owner=self.user)

    def delegated(self):
        """Return the questions that they may answer only because they stand in for somebody today."""
        own = Approval.objects.filter(self.asked, stage=Approval.Stage.PENDING).order_by()
        return answerable(self.user).filter(self.lent).exclude(pk__in=own.values("pk")).exclude(owner=self.user)

    def all_open(self):
        return pending().visible_to(self.user)

    def alike(self, asked) -> list:
        """Return what they may answer and are asked as this is, of the most urgent that may be.

        Of the same aspect, by the same rule, for the same service, in one currency, and worth at most twice or half as
        much; of words for clients, those of the same kind.
        """
        rows = self.waiting().filter(aspect=asked.aspect, rule=asked.rule_id)
        if asked.summary_id:
            return list(rows.filter(summary__kind=asked.summary.kind)[:AMONG])
        way = "proposal" if asked.proposal_id else "contract__proposal"
        offer, measured = asked.proposal or asked.contract.proposal, Measured(asked.subject)
        same = {f"{way}__service": offer.service_id, f"{way}__currency": offer.currency}
        return [row for row in rows.filter(**same)[:AMONG] if are_near(measured, Measured(row.subject))]

    def at_once(self, asked) -> list:
        """Return as many alike as are decided at once, the one that they came from among them, while it is theirs."""
        found = self.alike(asked)[:AT_ONCE]
        if asked not in found:
            found = [*self.waiting().filter(pk=asked.pk), *found][:AT_ONCE]
        return found


def are_near(one, other) -> bool:
    """Whether neither of two is worth more than twice the other, as it stands and with every option."""
    pairs = zip(one.first_year, other.first_year, strict=True)
    return all(max(pair) <= 2 * min(pair) for pair in pairs)


def waiting_for(user):
    """Return the questions that this person may answer, the most urgent first."""
    return Queue(user).waiting()


# The parts of the queue: in the address, in words, its rows, and what an empty one says.
PARTS = {
    "mine": ("Mine", Queue.mine, "Nothing stands with you."),
    "groups": ("My groups’", Queue.my_groups, "Nothing that you may decide stands with a colleague."),
    "lent": ("Delegated to me", Queue.delegated, "Nothing comes to you because you stand in for somebody."),
    "all": ("All open", Queue.all_open, "Nothing is in review."),
}
# How many those hold is told: what somebody may answer.
TOLD = ("mine", "groups", "lent")


def how_many(**lists) -> dict[str, str]:
    """Say of each list how many it holds, as far as anybody counts: "7", or "99+". One query for all of them."""
    counted = [
        rows.order_by().annotate(part=Value(name)).values_list("part", flat=True)[: MOST_TOLD + 1]
        for name, rows in lists.items()
    ]
    found = Counter(counted[0].union(*counted[1:], all=True))
    return {name: str(found[name]) if found[name] <= MOST_TOLD else f"{MOST_TOLD}+" for name in lists}


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


def changes_of_days(user) -> list:
    """Return the changes of the days of reports that wait for this person: `policies.may_decide_on_days` in SQL."""
    if not user.has_perm(APPROVE_CHANGE):
        return []
    reached = Opportunity.reached_by(user, "change")
    rows = CadenceChange.objects.filter(stage="requested", cadence__project__opportunity__in=reached)
    # Asked by nobody is asked by none of us.
    rows = rows.filter(~Q(asked_by=user) | Q(asked_by=None))
    about = ("cadence__project__client", "cadence__project__handoff", "asked_by")
    return list(rows.select_related(*about).order_by("pk")[: MOST_TOLD + 1])


def covered(rows):
    """Note on each question how much of its proposal rests on proof, in one query for all of them."""
    about = {row.pk: row.proposal_id or (row.contract and row.contract.proposal_id) for row in rows}
    offers = coverage.annotated(Proposal.objects.filter(pk__in={pk for pk in about.values() if pk})).in_bulk()
    for row in rows:
        offer = offers.get(about[row.pk])
        row.coverage = coverage.percent(offer.rows_proven, offer.rows_in_all) if offer else None


def answerable(user):
    """Return the open questions that this person did not write, and for which their word does not stand already."""
    return pending().exclude(written_by(user)).exclude(answered(user))


def written_by(user) -> Q:
    """Say of a question whether this person wrote or ever edited what it is about."""
    own = NOTHING
    for subject in SUBJECTS:
        own |= Q(**{f"{subject}__author": user}) | Q(**{f"{subject}__editors__contains": [user.pk]})
    return own


def answered(user) -> Q:
    """Say of a question whether this person's word stands for it already: `policies.have_answered`."""
    same = NOTHING
    for subject in SUBJECTS:
        same |= Q(**{subject: OuterRef(subject)})
    given = Approval.objects.filter(same, stage="approved", decided_by=user, aspect=OuterRef("aspect"))
    each_for_once = Q(person__isnull=False) & Exists(given.filter(rule=OuterRef("rule")))
    return Exists(given.exclude(step=OuterRef("step"))) | each_for_once


def asked_of(user) -> Q:
    """Say of a question whether it is put to this person themselves."""
    by_name = Q(owner=user) & BY_NAME
    by_right = ~Q(permission="")
    if not user.is_superuser:
        by_right &= Q(AnyOf("permission", Value(sorted(user.get_all_permissions()), ArrayField(CharField()))))
    # Their numbers, not a query of them: the database then knows whether anything at all waits for these groups.
    by_role = Q(permission="", person=None, group__in=user.group_ids)
    reached = Opportunity.reached_by(user, "change")
    theirs = by_name | by_right | by_role
    return theirs if user.sees_all else theirs & Q(opportunity__in=reached)


def lent_to(user) -> Q:
    """Say of a question whether this person stands in today for somebody who is asked and did not write it."""
    lent = NOTHING
    standing_in = Delegation.objects.filter(taker=user, giver__is_active=True).on(timezone.localdate())
    for giver in {each.giver for each in standing_in.select_related("giver")}:
        lent |= asked_of(giver) & ~written_by(giver)
    return lent & may_approve_its_aspect(user) & Approval.reach(user)


def may_approve_its_aspect(user) -> Q:
    """Say of a question whether this person holds the right to approve what it is about: nobody lends that."""
    return Q(aspect__in=[aspect for aspect in Aspect.values if user.has_perm(right_for(aspect))])
