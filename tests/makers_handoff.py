"""Makers of what delivery inherits. Each walks the real moves: a deal is won, and the win makes the rest."""

from functools import wraps
from types import SimpleNamespace

import time_machine
from django.utils import timezone

from handoff.cadence import periods
from handoff.house import furnish
from handoff.models import CadenceChange
from opportunities.records import begin, edit, perform
from proposals.models import Summary
from proposals.reportdays import first_date
from tests.kept import kept
from tests.makers_proposals import a_contract, a_proposal, a_summary, approve_all

PROJECT_PATH = ["setup", "ready", "live"]
REPORT_PATH = ["scheduled", "drafting", "in_review", "approved", "published"]


def in_time(make):
    """Make a deal so early that its first report, where a test names its day, has a whole period to tell of."""

    @wraps(make)
    def made(*args, **terms):
        first = terms.get("first_report_on")
        begins = first and periods(days_of(terms), first_date(days_of(terms), first), 1)[0][1]
        if not begins or begins >= timezone.localdate():
            return make(*args, **terms)
        with time_machine.travel(f"{begins} 12:00+00:00"):
            return make(*args, **{"kickoff_on": begins, **terms})

    return made


def days_of(terms):
    """Return the days that these terms of a contract name."""
    names = {"weekday": None, "day": None, "on_last_working_day": False, "skips_days_off": True}
    days = {name: terms.get(f"report_{name}", usual) for name, usual in names.items()}
    return SimpleNamespace(frequency=terms.get("report_every", "monthly"), country="", **days)


@in_time
@kept
def a_signed_deal(
    owner, *, manager, stack="They use GA4, HubSpot and the Google Search Console.", options=(), claimed=None, **terms
):
    """An opportunity in contract whose contract both sides have signed. `options` are titles of price lines."""
    furnish()
    proposal = a_proposal(owner, approver=manager, stage="viewed", claimed=claimed)
    opportunity = proposal.opportunity
    edit(opportunity.discoveries.get(), by=owner, provider_stack=stack)
    chosen = list(proposal.price_lines.filter(title__in=options).values_list("pk", flat=True))
    proposal = perform(proposal.accept, by=proposal.recipient, name="Bo Larsen", role="Owner", options=chosen)
    contract = a_contract(owner, approver=manager, stage="active", proposal=proposal, **terms)
    return type(opportunity).objects.get(pk=contract.opportunity_id)


@in_time
@kept
def a_won_deal(owner, *, manager, **terms):
    """A won opportunity, with everything that delivery inherits. Somebody must be in delivery."""
    opportunity = a_signed_deal(owner, manager=manager, **terms)
    return perform(opportunity.win, by=owner, reason="proof", competitor="Nobody", words="The numbers convinced them.")


@in_time
@kept
def a_handoff(owner, *, manager, delivery, stage="ready", **terms):
    handoff = a_won_deal(owner, manager=manager, **terms).handoffs.get()
    if stage == "accepted":
        for promise in handoff.promises.all():
            perform(promise.accept, by=delivery)
        handoff = perform(handoff.accept, by=delivery)
    return handoff


@in_time
@kept
def a_project(owner, *, manager, delivery, stage="setup", **terms):
    project = a_handoff(owner, manager=manager, delivery=delivery, stage="accepted", **terms).project
    reached = PROJECT_PATH.index(stage)
    if reached >= 1:
        for item in project.items.all():
            perform(item.finish, by=delivery)
        project = perform(project.make_ready, by=delivery)
    if reached >= 2:
        for connector in project.connectors.all():
            connect(connector, delivery)
        pay(project, manager)
        project = perform(project.go_live, by=delivery)
    return project


def connect(connector, by):
    """Get the access, and see that it works."""
    holder = connector.project.client.contacts.reachable().first()
    granted = perform(connector.grant, by=by, holder=holder, secret_kept_at="Team vault, Harbor Dental")
    return perform(granted.verify, by=by)


def pay(project, by):
    return perform(project.handoff.contract.payment.waive, by=by, reason="The first month is a present.")


@kept
def a_report(owner, *, manager, delivery, stage="scheduled", **terms):
    """The first report of a live project, written by delivery and approved by the manager.

    One that is approved is due today: its period has ended.
    """
    if stage in ("approved", "published"):
        today = timezone.localdate()
        terms = {"report_day": today.day, "first_report_on": today, **terms}
    report = a_project(owner, manager=manager, delivery=delivery, stage="live", **terms).reports.first()
    reached = REPORT_PATH.index(stage)
    if reached >= 1:
        report = perform(report.start, by=delivery)
    if reached >= 2:
        summary = report_words(report, delivery)
        numbers = [{**number, "value": "2.1"} for number in report.numbers]
        report = edit(
            report, by=delivery, summary=summary, numbers=numbers, next_steps="Mend the booking page\nMeasure"
        )
        report = perform(report.submit, by=delivery)
    if reached >= 3:
        approve_all(report.summary, manager)
        report = perform(type(report).objects.get(pk=report.pk).approve, by=manager)
    if reached >= 4:
        report = perform(report.publish, by=delivery)
    return report


def report_words(report, by):
    """Words about a report that a second person still has to approve."""
    words = a_summary(
        by,
        opportunity=report.project.opportunity,
        kind=Summary.Kind.REPORT,
        title="Your first month",
        words="Your slowest pages are mended.\n\nThe booking page is next.",
        record_type=report.label(),
        record_id=report.pk,
    )
    return perform(words.submit, by=by)


def a_change(cadence, asked_by, *, approver=None, kind="terms", reason="The client asked for it.", **asked):
    """A change of the days of reports; one that is approved holds. What it does not name stays as it is."""
    days = {**cadence.terms, **asked} if kind == "terms" else asked
    change = begin(CadenceChange(cadence=cadence, kind=kind, reason=reason, asked_by=asked_by, **days), by=asked_by)
    return perform(change.approve, by=approver) if approver else change
