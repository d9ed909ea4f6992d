"""Who may move what delivery inherits, where holding a permission is not the whole answer."""

from opportunities.records import holds, policy


@policy("Whoever may publish reports, but not the one who wrote this one")
def may_approve_report(report, user):
    return report.written_by_id != user.pk and holds(user, "handoff.publish_report", report)
