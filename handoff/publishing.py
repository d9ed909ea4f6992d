"""What delivery shows a client: the onboarding list and the reports, field by field, through the one door."""

from datetime import datetime, time

from django.utils import timezone

from opportunities.repeating import zone_of
from proposals import publishing

# The house's own words for how an access stands.
ACCESS = {
    "requested": "Please grant it",
    "granted": "Granted, we are checking it",
    "verified": "Works",
    "broken": "Stopped working; please grant it again",
}
SAID = "You say it is granted, we are checking it"
NO_WAY_IN = "We could not get in yet; please try once more"
AGAIN = "Open again: something is still missing."


def show_project(project):
    """Show the client how far their onboarding is, and what waits for them. What is shown already stays."""
    contract = project.handoff.contract
    # What staff call the project is theirs: the client reads the title that was approved and signed.
    number, title = contract.number, contract.proposal.title
    publish("onboarding", project, title, onboarding_body(project), f"{number}, signed by both sides")
    needs = needs_of(project) if project.is_open else []
    live = live_since(project) if project.stage == "live" else None
    publishing.publish_status(project.opportunity, live=live, owner=project.owner if live else None, needs=needs)


def needs_of(project) -> list[dict]:
    """Say in one line what of the onboarding waits for the client: what is to be ticked off, and what to be granted."""
    items = accesses = 0
    if project.stage in ("setup", "ready"):
        items = project.items.filter(client_safe="approved", who="client", stage="open").count()
    for connector in project.connectors.filter(stage__in=["requested", "broken"]):
        accesses += connector.waits_for_client
    parts = []
    if items:
        parts.append("one thing on your onboarding list" if items == 1 else f"{items} things on your onboarding list")
    if accesses:
        parts.append("one access to grant" if accesses == 1 else f"{accesses} accesses to grant")
    if not parts:
        return []
    what = " and ".join(parts)
    return [{"what": what[0].upper() + what[1:], "url_kind": "onboarding", "id": project.pk}]


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
    blockers = project.blockers.filter(stage="open").select_related("summary")
    accesses = project.connectors.exclude(stage="revoked").select_related("provider", "said_by")
    return {
        "kickoff_on": day(project.kickoff_on),
        "kickoff_time": project.kickoff_time and f"{project.kickoff_time:%H:%M}",
        "zone": zone_words(project),
        "owner": str(project.owner),
        # What is over takes no ticks any more.
        "open": project.is_open,
        "items": [item_body(item) for item in project.items.filter(client_safe="approved").exclude(stage="waived")],
        "blockers": [
            {"title": blocker.summary.title, "words": blocker.summary.words, "since": day(blocker.since)}
            for blocker in blockers
            if blocker.summary and blocker.summary.stage in blocker.summary.SAFE
        ],
        "accesses": [access_body(connector) for connector in accesses],
        "reports": coming(project),
    }


def coming(project) -> dict:
    """Return when the next report comes, when they rest, and from when on none is owed."""
    terms = project.cadences.first()
    return {name: day(value) for name, value in terms.coming.items()} if terms else {}


def item_body(item) -> dict:
    return {
        "id": item.pk,
        "title": item.title,
        "group": item.group,
        "who": "you" if item.who == "client" else "us",
        "due_on": day(item.due_on),
        "done": item.stage == "done",
        "again": AGAIN if item.reopened_at else "",
    }


def access_body(connector) -> dict:
    """Return an access as the client reads it: the provider, how to let us in, and how it stands."""
    said = bool(connector.said_at) and connector.stage in connector.WAITS
    no_way_in = connector.did_not_work and connector.stage in connector.WAITS
    return {
        "id": connector.pk,
        "provider": connector.provider.name,
        "how": [line.strip() for line in connector.provider.how.splitlines() if line.strip()],
        "state": SAID if said else NO_WAY_IN if no_way_in else ACCESS[connector.stage],
        "works": connector.stage == "verified",
        "broken": connector.stage == "broken",
        # Whether the client can say that it is granted.
        "asks": connector.waits_for_client,
        "said": {"name": connector.said_name, "to": connector.said_to, "at": connector.said_at} if said else None,
    }


def zone_words(project) -> str:
    """Say by whose clock the kickoff is: "CET, the time in Copenhagen"."""
    zone = project.opportunity.client.time_zone
    place = zone.rpartition("/")[2].replace("_", " ")
    if not project.kickoff_on or place in ("", "UTC"):
        return "UTC"
    at = datetime.combine(project.kickoff_on, project.kickoff_time or time(12), tzinfo=zone_of(zone))
    return f"{at:%Z}, the time in {place}"


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
