"""What one person, or a manager's team, owes now. One bounded query for each part of the page."""

from datetime import datetime, time, timedelta

from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, When
from django.urls import reverse
from django.utils import timezone

from handoff.models import Project, Report
from opportunities import firstresponse
from opportunities.models import Event, InboundMail, Lead, Message, Opportunity, Task
from opportunities.neglect import nothing_promised
from opportunities.panels import standing_of
from portal.models import ClientAction
from proposals.models import Approval
from zarts.reads import rows as reads

from . import queue

# The most rows that one part shows; the list behind it has the rest.
MOST = 30
RECENT = timedelta(days=3)
# What the parts show of the prepared reads.
OF_TASK = (
    *("title", "kind", "stage", "due_at", "repeats", "owner_name", "opportunity_id", "client_name", "lead_id"),
    *("lead_name", "record_type", "record_id", "is_touch", "told_at"),
)
OF_WAITING = ("title", "paused_because", "waits_for", "mended_at", "due_at", "opportunity_id", "lead_id")
OF_LEAD = (
    *("name", "company", "stage", "next_action", "due_on", "arrived_at", "answered_at", "external_ref"),
    "owner_name",
)
OF_REPORT = ("client_name", "period_from", "period_to", "due_on", "breach", "breach_reason", "owner_name")


class Rows(list):
    """The first rows of a part, and whether there are more behind them."""

    more = False


def first(rows, most=MOST) -> Rows:
    found = Rows(rows[: most + 1])
    found.more = len(found) > most
    del found[most:]
    return found


def end_of_today():
    return timezone.make_aware(datetime.combine(timezone.localdate(), time.max))


def is_overdue(task) -> bool:
    return task.due_at < timezone.now()


def people(rows, user, team: bool):
    """Narrow rows with an owner to this person's, or to all that they may see of their team."""
    return rows.visible_to(user) if team else rows.filter(owner_id=user.pk)


def tasks(user, team, asked=()) -> Rows:
    """Return what is due next, the oldest first: what is owed until tonight, and a little of what comes.

    The questions that are `asked` stand in a part of their own. What else is to be decided leads there.
    """
    rows = people(reads.tasks.filter(stage=Task.Stage.OPEN), user, team).knowing_questions()
    rows = rows.exclude(record_type=Approval.label(), record_id__in=[question.pk for question in asked])
    found = first(rows.only(*OF_TASK).order_by("due_at", "pk"), MOST * 2)
    for task in found:
        of_desk = task.is_question and task.record_type == Approval.label()
        lacks = [] if of_desk else task.undecided()
        task.decide_at = reverse("approval", args=[task.record_id]) if of_desk else lacks[0].url if lacks else ""
    say_which_mail_failed(found)
    return found


def say_which_mail_failed(tasks):
    """Have each follow-up whose mail did not arrive, or may not have, say so with the mail server's reason."""
    written = [task.pk for task in tasks if task.is_touch and task.told_at]
    troubled = Message.objects.filter(task__in=written, stage__in=[Message.Stage.FAILED, Message.Stage.UNCERTAIN])
    mails = {message.task_id: message for message in troubled} if written else {}
    for task in tasks:
        task.mail = mails.get(task.pk)
        task.mail_standing = standing_of(task.mail) if task.mail else ""


def approvals(user) -> Rows:
    return first(queue.waiting_for(user))


def answers(user, team) -> Rows:
    """Return what clients said that nobody has handled, and what they decided or asked in the last days."""
    deals = people(Opportunity.objects.all(), user, team)
    said = ClientAction.objects.exclude(verb=ClientAction.Verb.OPENED).filter(opportunity_id__in=deals.values("pk"))
    deal = Subquery(Opportunity.objects.filter(pk=OuterRef("opportunity_id")).values("name"))
    said = said.filter(Q(handled_at=None) | Q(at__gt=timezone.now() - RECENT)).annotate(deal=deal)
    return first(said.order_by(F("handled_at").asc(nulls_first=True), "-at"))


def paused(user, team) -> Rows:
    """Return the deals that rest, each with the reason that its last pause gave."""
    why = Event.objects.filter(
        record_type=Opportunity.label(), record_id=OuterRef("pk"), verb="opportunity.pause"
    ).order_by("-pk")
    rows = people(Opportunity.objects.filter(stage=Opportunity.Stage.PAUSED), user, team)
    rows = rows.annotate(why=Subquery(why.values("reason")[:1]), since=Subquery(why.values("at")[:1]))
    return first(rows.select_related("client", "owner").order_by("due_on", "pk"))


def waiting_tasks(user, team) -> Rows:
    """Return the tasks that wait: for which condition, since when, and where it is mended; none of paused deals."""
    told = Event.objects.filter(record_type=Task.label(), record_id=OuterRef("pk"), verb="task.pause").order_by("-pk")
    rows = people(reads.tasks.filter(stage=Task.Stage.PAUSED, waits_for_deal=False), user, team)
    rows = rows.annotate(since=Subquery(told.values("at")[:1]))
    return first(rows.only(*OF_WAITING).order_by("due_at", "pk"))


def adrift(user, team) -> Rows:
    """Return open deals that nothing is promised for, or whose next action is late."""
    # The place says it once more, for the index of those that are open.
    open_ones = people(
        Opportunity.objects.filter(stage__in=Opportunity.OPEN, place__lte=len(Opportunity.OPEN)), user, team
    )
    today = timezone.localdate()
    # In the order in which they are shown. Each part ends by itself, so they are read one after another, and what comes
    # later only while the page is not full.
    parts = [
        open_ones.filter(nothing_promised(each=True), due_on=None),
        open_ones.filter(due_on__lt=today),
        open_ones.filter(nothing_promised(), due_on__gte=today),
    ]
    undated, late, others = (part.order_by("due_on", "pk").values("pk")[: MOST + 1] for part in parts)
    found = Opportunity.objects.filter(pk__in=undated.union(late, others, all=True)[: MOST + 1])
    return first(found.select_related("client", "owner").order_by(F("due_on").asc(nulls_first=True), "pk"), MOST)


def unanswered(user, team) -> Rows:
    """Return the leads that nobody has answered or taken up, or whose next action is late. Late answers stand first."""
    rows = people(reads.leads.filter(stage__in=[Lead.Stage.NEW, Lead.Stage.WORKING]), user, team)
    rows = rows.filter(Q(stage=Lead.Stage.NEW) | Q(due_on__lt=timezone.localdate()))
    late = Case(
        When(firstresponse.UNANSWERED, arrived_at__lt=timezone.now() - firstresponse.within(), then=0), default=1
    )
    leads = first(rows.annotate(late=late).only(*OF_LEAD).order_by("late", "arrived_at", "pk"))
    for lead in leads:
        lead.owed_by = firstresponse.owed_by(lead)
    return leads


def late_reports(user, team) -> Rows:
    """Return the reports that have not come on their day, and whether their clients were told. The oldest first."""
    owed = reads.reports.filter(stage__in=Report.UNPUBLISHED).exclude(project_stage=Project.Stage.CLOSED)
    rows = people(owed.filter(due_on__lt=timezone.localdate()), user, team)
    told = Exists(Report.with_notice().filter(record_id=OuterRef("pk")))
    return first(rows.annotate(told=told).only(*OF_REPORT).order_by("due_on", "pk"))


def unmatched_mail(user) -> int:
    """Return how many mails came in that nobody could match, for those who may file them; at most a hundred."""
    if not user.has_perm("opportunities.move_inboundmail"):
        return 0
    return len(InboundMail.objects.visible_to(user).filter(stage=InboundMail.Stage.UNMATCHED).values_list("pk")[:100])
