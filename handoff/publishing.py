"""What delivery shows a client: the onboarding list and the reports, field by field, through the one door."""

from django.utils import timezone

from proposals import publishing

from .house import OTHER, PROVIDERS

ACCESS = {
    "requested": "Please grant it",
    "granted": "Granted, we are checking it",
    "verified": "Works",
    "broken": "Stopped working",
}


def show_project(project):
    """Show the client how far their onboarding is, and what waits for them. What is shown already stays."""
    contract = project.handoff.contract
    # What staff call the project is theirs: the client reads the title that was approved and signed.
    number, title = contract.number, contract.proposal.title
    publish("onboarding", project, title, onboarding_body(project), f"{number}, signed by both sides")
    waiting = project.items.filter(client_safe="approved", who="client", stage="open").count()
    needs = []
    if waiting and project.stage in ("setup", "ready"):
        what = "One thing on your onboarding list" if waiting == 1 else f"{waiting} things on your onboarding list"
        needs = [{"what": what, "url_kind": "onboarding", "id": project.pk}]
    live = live_since(project) if project.stage == "live" else None
    publishing.publish_status(project.opportunity, live=live, owner=project.owner if live else None, needs=needs)


def live_since(project):
    """Return the day on which a project went live, as its diary says."""
    moves = project.opportunity.diary.events.filter(record_type=project.label(), record_id=project.pk)
    return timezone.localdate(moves.filter(verb="project.go_live").latest("pk").at)


def publish(kind, record, title, body, approved_by):
    """Send approved words of a project or a report through the one door. Return the publication."""
    opportunity = getattr(record, "project", record).opportunity
    ref = publishing.ref(record)
    return publishing.publish(kind, ref, opportunity.client_id, opportunity.pk, title, body, approved_by)


def onboarding_body(project) -> dict:
    """Return the onboarding page. An item or a blocker without approved words is not on it."""
    items = [
        {
            "title": item.title,
            "who": "you" if item.who == "client" else "us",
            "due_on": day(item.due_on),
            "done": item.stage == "done",
        }
        for item in project.items.filter(client_safe="approved").exclude(stage="waived")
    ]
    blockers = [
        {"words": blocker.summary.words, "since": day(blocker.since)}
        for blocker in project.blockers.filter(stage="open").select_related("summary")
        if blocker.summary and blocker.summary.stage in blocker.summary.SAFE
    ]
    accesses = [
        {"provider": connector.provider if connector.provider in PROVIDERS else OTHER, "state": ACCESS[connector.stage]}
        for connector in project.connectors.exclude(stage="revoked")
    ]
    return {
        "kickoff_on": day(project.kickoff_on),
        "owner": str(project.owner),
        "items": items,
        "blockers": blockers,
        "accesses": accesses,
        "reports": coming(project),
    }


def coming(project) -> dict:
    """Return when the next report comes, when they rest, and from when on none is owed."""
    terms = project.cadences.first()
    return {name: day(value) for name, value in terms.coming.items()} if terms else {}


def publish_report(report):
    """Freeze an approved report for the client. Return the publication."""
    return publish("report", report, report.summary.title, report_body(report), str(report.approved_by))


def report_body(report) -> dict:
    later = report.cadence.reports.filter(due_on__gt=report.due_on, stage__in=report.UNPUBLISHED).first()
    kept = ("metric", "value", "unit", "promised", "low", "high", "before")
    return {
        "client": report.project.client.name,
        "period": f"{long_day(report.period_from)} to {long_day(report.period_to)}",
        "title": report.summary.title,
        "numbers": [{name: number.get(name) for name in kept} for number in report.numbers],
        "words": [part.strip() for part in report.summary.words.split("\n\n") if part.strip()],
        "next": report.steps_ahead,
        "next_report_on": day(later.due_on) if later else None,
    }


def day(date):
    return date.isoformat() if date else None


def long_day(date) -> str:
    return f"{date.day} {date:%B %Y}"
