"""Who may move what delivery inherits, where holding a permission is not the whole answer."""

from django.db.models import Q

from opportunities.models import Event
from opportunities.records import holds, policy

APPROVE_CHANGE = "handoff.approve_cadence_change"

# What the client reads of a report: whoever wrote some of it is one of its hands.
WORDS = ["numbers", "summary", "next_steps"]


@policy("Whoever sells and may settle promises, but not who disputed it")
def may_settle_promise(promise, user):
    """It is settled by those who sold: delivery does not answer its own doubt."""
    sells = user.has_perm("proposals.write_proposal") and holds(user, "handoff.settle_promise", promise)
    doubts = Event.objects.filter(verb="promise.dispute", record_type=promise.label(), record_id=promise.pk)
    return sells and not doubts.filter(actor=user).exists()


@policy("Whoever may publish reports, but nobody who wrote this one")
def may_approve_report(report, user):
    wrote_words = report.summary and user.pk in report.summary.hands
    if report.written_by_id == user.pk or wrote_words or not holds(user, "handoff.publish_report", report):
        return False
    wrote = Q(verb="report.start") | Q(verb="report.edit", facts__values__has_any_keys=WORDS)
    return not Event.objects.filter(wrote, record_type=report.label(), record_id=report.pk, actor=user).exists()


@policy("The reviewer whom the cadence names, while they may approve the report")
def reviews_report(report, user):
    return report.cadence.reviewer_id == user.pk and may_approve_report(report, user)


@policy("Whoever may approve changes of the days of reports, but nobody who asked for this one")
def may_decide_on_days(change, user):
    return change.asked_by_id != user.pk and holds(user, APPROVE_CHANGE, change)


@policy("Whoever asked for it")
def asked_for_days(change, user):
    return change.asked_by_id == user.pk
