"""What delivery shows a client: the onboarding list and the reports, field by field, through the one door."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from opportunities import notices
from opportunities.models import Message, Notice
from opportunities.records import Lack, perform
from opportunities.repeating import zone_of
from portal.models import Guest, Publication
from proposals import papers, publishing

from . import cadence, figures

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
    live, ended = moved_on(project, "go_live"), moved_on(project, "close")
    owner = project.owner if live else None
    report_on = coming(project).get("next_on")
    told = {"live": live, "ended": ended, "owner": owner, "needs": needs, "report_on": report_on}
    publishing.publish_status(project.opportunity, **told)


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


def moved_on(project, move):
    """Return the day on which a project went live or ended, as its diary says; None where it did not."""
    moves = project.opportunity.diary.events.filter(record_type=project.label(), record_id=project.pk)
    event = moves.filter(verb=f"project.{move}").order_by("pk").last()
    return event and timezone.localdate(event.at)


def publish(kind, record, title, body, approved_by):
    """Send approved words of a project or a report through the one door. Return the publication."""
    opportunity = getattr(record, "project", record).opportunity
    ref = publishing.ref(record)
    return publishing.publish(kind, ref, opportunity.client_id, opportunity.pk, title, body, approved_by)


# -- What each guest hears when the deal is won. -----------------------------------------------------------------------

WHAT_WE_NEED = "onboarding"


def what_we_need(project) -> tuple[str, str]:
    """Return the subject and the words that tell a guest what we need from them, once the work begins."""
    title = project.handoff.contract.proposal.title
    rows = project.items.filter(client_safe="approved", who="client", stage="open")
    lines = [f"- {row.title}" + (f", by {long_day(row.due_on)}" if row.due_on else "") for row in rows]
    lines += [
        f"- Access to {connector.provider.name}"
        for connector in project.connectors.filter(stage__in=["requested", "broken"]).select_related("provider")
    ]
    words = f"We begin with the work on “{title}”. "
    if lines:
        listed = "\n".join(lines)
        words += f"This is what we need from you:\n\n{listed}\n\nWhoever of you does one of these ticks it off for all."
    else:
        words += "We need nothing from you just now: your list shows how far we are."
    return subject_of_need(title), words


def subject_of_need(title) -> str:
    return f"What we need from you: {title}"[:200]


def mail_what_we_need(project, contacts) -> list:
    """Mail each of them once what we need from them, and where they do it. Return the mails."""
    subject, words = what_we_need(project)
    link = (
        "Tick it off here, and read how to let us in. Sign in with the address that this mail came to:\n"
        f"{settings.PORTAL_URL}/portal/onboarding/"
    )
    told = Message.objects.filter(template=WHAT_WE_NEED, record_type=project.label(), record_id=project.pk)
    told = set(told.values_list("contact_id", flat=True))
    return [
        publishing.mail(project, contact, by=None, subject=subject, template=WHAT_WE_NEED, words=words, link=link)
        for contact in contacts
        if contact.pk not in told
    ]


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
        "open": project.goes_on,
        "ended_on": day(moved_on(project, "close")),
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


# -- Reports. ----------------------------------------------------------------------------------------------------------


def publish_report(report):
    """Freeze an approved report for the client, in place of the notice that it was late. Return the publication."""
    withdraw_notices(report, "The report is there.")
    publication = publish("report", report, report.summary.title, report_body(report), str(report.approved_by))
    papers.keep(publication)
    return publication


def report_body(report) -> dict:
    later = report.cadence.reports.filter(due_on__gt=report.due_on, stage__in=report.UNPUBLISHED).first()
    kept = ("metric", "value", "unit", "promised", "low", "high", "better", "before")
    history = report.history()
    return {
        "client": report.project.client.name,
        "period": f"{long_day(report.period_from)} to {long_day(report.period_to)}",
        "from_day": day(report.period_from),
        "to_day": day(report.period_to),
        "title": report.summary.title,
        "numbers": [
            {name: number.get(name) for name in kept}
            | {"history": [periods_value(*row) for row in history.get(figures.key(number), ())]}
            for number in report.numbers
        ],
        "words": paragraphs(report.summary.words),
        "next": report.steps_ahead,
        "next_report_on": day(later.due_on) if later else None,
    }


def periods_value(begins, ends, value) -> dict:
    return {"from": day(begins), "to": day(ends), "value": value}


def publish_notice(report, summary):
    """Show approved words about a report that is late where the report will stand. Return the publication."""
    approved_by = publishing.approvers(summary)
    return publish("notice", report, summary.title, notice_body(report, summary), approved_by)


def notice_body(report, summary) -> dict:
    return {
        "client": report.project.client.name,
        "period": f"{long_day(report.period_from)} to {long_day(report.period_to)}",
        "due_on": day(report.due_on),
        "title": summary.title,
        "words": paragraphs(summary.words),
        "from": {"name": str(summary.owner)},
    }


def withdraw_notices(report, reason):
    """Take what says that a report is late off the client's pages."""
    for publication in Publication.objects.filter(kind="notice", ref=publishing.ref(report), withdrawn_at=None):
        publication.withdraw(reason)


def paragraphs(words) -> list[str]:
    return [part.strip() for part in words.split("\n\n") if part.strip()]


# -- Who reads reports, and their mail. --------------------------------------------------------------------------------

LEFT, NO_MAIL, TAKEN = "left", "has no mail address", "has no access to the portal any more"


def readers(report) -> tuple[list, list]:
    """Return the contacts who get the reports, each address once, and (contact, why) of those who are named and do not.

    Nobody gets one by mail who may not read it at the portal.
    """
    named = list(report.cadence.recipients.filter(client_id=report.project.client_id).order_by("pk"))
    guests = Guest.objects.filter(client_id=report.project.client_id, contact_id__in=[each.pk for each in named])
    taken = set(guests.exclude(taken_by="").values_list("contact_id", flat=True))
    to: dict = {}
    without = []
    for contact in named:
        if contact.left_on or contact.merged_into_id:
            without.append((contact, LEFT))
        elif not contact.email:
            without.append((contact, NO_MAIL))
        elif contact.pk in taken:
            without.append((contact, TAKEN))
        else:
            to.setdefault(contact.email.strip().lower(), contact)
    return list(to.values()), without


def mend_reader(contact, why, at) -> Lack:
    """Say what to do so that somebody gets the reports again, with the page where it is done."""
    if why == NO_MAIL:
        return Lack(f"Write down the mail address of {contact}, who reads the reports.", contact.staff_url("id_email"))
    if why == TAKEN:
        return Lack(f"Give {contact} access to the portal again, or name somebody else.", contact.staff_url())
    return Lack(f"Name who reads the reports instead of {contact}, who left.", at)


def mail_report(report):
    """Mail everybody who reads the reports where the new one stands."""
    words = f"Your report for {report.covers} is here: “{report.summary.title}”."
    if report.breach:
        words += "\n\nIt comes later than we promised. Thank you for your patience."
    where = f"{settings.PORTAL_URL}/portal/reports/{report.publication_id}/"
    link = f"Read it here, with the address that this mail came to:\n{where}"
    mail_readers(report, subject=f"Your report: {report.summary.title}", template="report", words=words, link=link)


def mail_notice(report, summary):
    """Mail everybody who reads the reports that one is late, in the approved words."""
    where = f"{settings.PORTAL_URL}/portal/reports/"
    promised = f"We promised it for {long_day(report.due_on)}."
    link = f"{promised} It will stand here, with all your reports:\n{where}"
    mail_readers(report, subject=summary.title, template="report_notice", words=summary.words, link=link)


def mail_readers(report, **mailed):
    """Mail everybody who reads the reports, each once, and let them in; tell its owner of whoever gets none."""
    to, without = readers(report)
    for contact in to:
        publishing.admit(contact)
        publishing.mail(report, contact, by=None, **mailed)
    for contact, why in without:
        words = f"{contact} got no mail about {report}: {contact} {why}. Name who reads the reports."
        key = f"{report.pk}:{mailed['template']}:{contact.pk}"
        url = report.cadence.staff_url("id_recipients")
        notices.tell(report.owner, Notice.Kind.MAIL, words, url, key=key, about=report)


def hold_mails(report, template, why):
    """Keep mails about a report from going, as far as they have not gone."""
    for message in Message.objects.filter(record_type=report.label(), record_id=report.pk, template=template):
        if message.stage == Message.Stage.QUEUED:
            perform(message.hold, by=None, reason=why)


def span(begins, ends) -> str:
    """Say days as the client reads them: October 2026, or 5 October to 11 October 2026."""
    if (
        begins.day == 1
        and (ends + timedelta(days=1)).day == 1
        and (begins.year, begins.month) == (ends.year, ends.month)
    ):
        return f"{begins:%B} {begins.year}"
    first = f"{begins.day} {begins:%B}" if begins.year == ends.year else long_day(begins)
    return f"{first} to {long_day(ends)}"


def day(date):
    return date.isoformat() if date else None


def long_day(date) -> str:
    return f"{date.day} {date:%B %Y}"


def next_day_for(report):
    """Return the day that a notice offers first: two working days from now, or from its day, where the client is."""
    terms = report.cadence
    since = max(report.due_on, cadence.today(terms.time_zone))
    soon = cadence.next_working_day(terms, since + cadence.DAY)
    return cadence.next_working_day(terms, soon + cadence.DAY)
