"""The lines of the close-ready checklist that the way into delivery can answer."""

from django.db.models import Exists, OuterRef
from django.db.models.functions import Left

from opportunities.checks import (
    MINE,
    MOST,
    Kind,
    Stage,
    add_page,
    check,
    fill,
    later,
    met,
    page,
    person,
    rows,
    said_day,
    unmet,
)
from opportunities.models import Client, Message, Task
from opportunities.records import Lack
from portal.models import Guest
from proposals.checklist import UNWRITTEN
from proposals.models import Contract, Payment, Proposal, Summary

from .models import ChecklistItem, Connector, Handoff, LaunchBlocker, Project, Promise, Report, ReportingCadence

UNINHERITED = "When delivery inherits the deal."
# Words for the client about what was measured, and about what it cannot tell.
OF_PROOF = {Summary.Kind.FINDING, Summary.Kind.REVENUE_PROOF, Summary.Kind.CAVEAT}
OF_PROJECT = {"project": OuterRef("pk")}


def learn(deals):
    """Read what delivery inherited of these deals, in one query."""
    handoffs = Handoff.objects.filter(opportunity=MINE).order_by("-pk")[:1]
    unanswered = Promise.objects.unanswered().filter(handoff=OuterRef("pk")).order_by("pk")[:MOST]
    items = ChecklistItem.objects.filter(**OF_PROJECT, stage=ChecklistItem.Stage.OPEN).order_by("pk")[:MOST]
    accesses = Connector.objects.filter(**OF_PROJECT).exclude(stage__in=Connector.CLOSED).order_by("pk")[:MOST]
    blockers = LaunchBlocker.objects.filter(**OF_PROJECT, stage=LaunchBlocker.Stage.OPEN).order_by("pk")[:MOST]
    fill(
        deals,
        handoff=rows(handoffs, pk="pk", stage="stage", unanswered=rows(unanswered, pk="pk")),
        project=rows(
            Project.objects.filter(opportunity=MINE).order_by("-pk")[:1],
            **{name: name for name in ("pk", "stage", "kickoff_on")},
            leader=person("owner"),
            works_here="owner__is_active",
            items=rows(items, pk="pk"),
            accesses=rows(accesses, pk="pk", provider="provider__name"),
            blockers=rows(blockers, pk="pk", words=Left("words", 100), summary="summary"),
            cadence=rows(ReportingCadence.objects.filter(**OF_PROJECT)[:1], pk="pk", first="first_due_on"),
            reports=Exists(Report.objects.filter(**OF_PROJECT)),
            tasks=Exists(Task.objects.filter(opportunity=OuterRef("opportunity"), kind="onboarding_handoff")),
        ),
        guest=Exists(Guest.objects.filter(client_id=OuterRef("client_id"), revoked_at=None)),
    )
    for deal in deals.values():
        (deal.handoff,) = deal.handoff or [None]
        (deal.project,) = deal.project or [None]


@check(
    "B4",
    "Attach every proposal to a lead, client, service, project, approval, and communication record where possible.",
    kind=Kind.RULE,
    due_from=Stage.PROPOSAL,
    keeper="A proposal points at its deal and its service; submitting asks for approvals, sending leaves a message.",
    names=("proposals.models.Proposal.opportunity", "proposals.approvals.ask", "proposals.publishing.send_proposal"),
    told_by=("proposal.create",),
)
def proposal_is_attached(deal):
    proposal = deal.proposal
    if proposal is None:
        return later(UNWRITTEN)
    lacks, there = [], ["client"]
    if proposal["lead"] or deal.leads:
        there.append("lead")
    if proposal["service"]:
        there.append("service")
    else:
        lacks.append(Lack("Choose the service that the proposal sells.", page(Proposal, proposal["pk"], "id_service")))
    if any(row["proposal"] == proposal["pk"] for row in deal.approvals):
        there.append("approvals")
    if proposal["told"]:
        there.append("message")
    elif proposal["sent_at"]:
        add = add_page(Message, opportunity=deal.opportunity.pk)
        lacks.append(Lack("Write down the message with which the proposal went out.", add))
    if deal.project:
        there.append("project")
    return unmet(*lacks) if lacks else met(f"Attached to its {', '.join(there)}.")


@check(
    "B7",
    "Use client-safe summary language for audit findings, revenue proof, provider caveats, and launch blockers.",
    kind=Kind.RULE,
    due_from=Stage.PROPOSAL,
    keeper="Notes, caveats and blockers stand in other tables than words for clients; only approved ones pass.",
    names=("proposals.models.Summary.Kind", "proposals.publishing.findings", "handoff.publishing.onboarding_body"),
    told_by=("summary.create",),
)
def words_are_written(deal):
    lacks, kinds = [], {row["kind"] for row in deal.summaries}
    caveats = deal.proposal["caveats"] if deal.proposal else []
    if caveats and not kinds & OF_PROOF:
        add = add_page(Summary, opportunity=deal.opportunity.pk, kind=Summary.Kind.FINDING)
        words = "Write words for the client about what was measured"
        lacks.append(Lack(f"{words}: {' and '.join(caveats)} had a caveat, which stays with us.", add))
    for blocker in deal.project["blockers"] if deal.project else []:
        if not blocker["summary"]:
            url = page(LaunchBlocker, blocker["pk"], "id_summary")
            lacks.append(Lack(f"Write words for the client about the blocker “{blocker['words']}”.", url))
    if lacks:
        return unmet(*lacks)
    names = [label.lower() for kind, label in Summary.Kind.choices if kind in kinds]
    return met(f"Words are written: {', '.join(names)}." if names else "Nothing internal needs words for the client.")


@check(
    "B8",
    "Move won deals into project, portal, connector, reporting, and onboarding workflows before delivery starts.",
    kind=Kind.ONBOARDING,
    due_from=Stage.WON,
    keeper="No project goes live before its list is done, its accesses are verified and its first report has a day.",
    names=(
        "handoff.gates.checklist_is_done",
        "handoff.gates.its_promises_are_answered",
        "handoff.gates.connectors_are_verified",
        "handoff.gates.first_report_is_dated",
    ),
    told_by=("project.go_live",),
)
def delivery_is_prepared(deal):
    handoff, project = deal.handoff, deal.project
    if project is None:
        return later(UNINHERITED)
    if project["stage"] in (Project.Stage.LIVE, Project.Stage.CLOSED):
        return met("The project is live.")
    lacks = []
    if handoff["stage"] not in (Handoff.Stage.ACCEPTED, Handoff.Stage.CLOSED):
        count = len(handoff["unanswered"])
        words = f"Answer {count} promise{'' if count == 1 else 's'}, and accept" if count else "Accept"
        lacks.append(Lack(f"{words} the handoff.", page(Handoff, handoff["pk"], "promises" if count else "moves")))
    if count := len(project["items"]) * (project["stage"] == Project.Stage.SETUP):
        words = f"Finish or waive {count} onboarding item{'' if count == 1 else 's'}."
        lacks.append(Lack(words, page(Project, project["pk"], "items-group")))
    for access in project["accesses"]:
        lacks.append(Lack(f"Verify the access to {access['provider']}.", page(Connector, access["pk"])))
    if not any(cadence["first"] for cadence in project["cadence"]):
        lacks.append(Lack("Set the day of the first report.", page(Project, project["pk"], "cadences-group")))
    return unmet(*lacks) if lacks else met("Everything is set up: it can go live.")


@check(
    "C7",
    "Move accepted deals into client, project, task, portal, connector, and reporting records.",
    kind=Kind.ONBOARDING,
    due_from=Stage.WON,
    keeper="Winning makes each of them once, in its own transaction, and leaves a receipt.",
    names=("handoff.reactions.make_what_delivery_inherits", "handoff.inherit.inherit", "handoff.models.Receipt"),
    told_by=("handoff.inherit",),
)
def records_are_made(deal):
    project = deal.project
    if project is None:
        words = "Delivery inherited nothing: draw up and sign the contract of this deal."
        return unmet(Lack(words, deal.opportunity.staff_url("contract")))
    lacks = []
    if not project["tasks"]:
        add = add_page(Task, opportunity=deal.opportunity.pk, kind="onboarding_handoff")
        lacks.append(Lack("Add a task for the onboarding handoff.", add))
    if not deal.guest:
        url = page(Client, deal.opportunity.client_id, "contacts-group")
        lacks.append(Lack("Let somebody at the client into the portal: nobody has access.", url))
    if not project["reports"]:
        lacks.append(Lack("Schedule the reports: set when they come.", page(Project, project["pk"], "cadences-group")))
    return unmet(*lacks) if lacks else met("Client, project, tasks, portal access, accesses and reports are there.")


@check(
    "C8",
    "Record payment state, contract state, kickoff date, onboarding owner, and launch blockers.",
    kind=Kind.ONBOARDING,
    due_from=Stage.WON,
    keeper="No project goes live without them.",
    names=(
        "handoff.gates.its_contract_is_active",
        "handoff.gates.payment_is_as_agreed",
        "handoff.gates.kickoff_is_set",
        "handoff.gates.somebody_leads_it",
        "handoff.gates.no_launch_blocker_is_open",
    ),
    told_by=("project.go_live",),
)
def start_is_agreed(deal):
    project, contract = deal.project, deal.contract
    if project is None:
        return later(UNINHERITED)
    if project["stage"] in (Project.Stage.LIVE, Project.Stage.CLOSED):
        return met("The project is live.")
    lacks = []
    if contract is None or contract["stage"] != Contract.Stage.ACTIVE:
        url = page(Contract, contract["pk"]) if contract else deal.opportunity.staff_url("contract")
        lacks.append(Lack("Get the contract signed by both sides.", url))
    elif contract["before_start"] and contract["payment"] not in (Payment.Stage.PAID, Payment.Stage.WAIVED):
        url = page(Payment, contract["payment_pk"])
        lacks.append(Lack("Have the client pay the first invoice, as the contract asks.", url))
    if not project["kickoff_on"]:
        lacks.append(Lack("Agree the day of the kickoff.", page(Project, project["pk"], "id_kickoff_on")))
    if not project["works_here"]:
        words = "Name somebody who works here as the onboarding owner."
        lacks.append(Lack(words, page(Project, project["pk"], "id_owner")))
    for row in project["blockers"]:
        lacks.append(Lack(f"Clear the launch blocker “{row['words']}”.", page(LaunchBlocker, row["pk"])))
    if lacks:
        return unmet(*lacks)
    payment = Payment.Stage(contract["payment"]).label.lower()
    return met(f"Payment {payment}, kickoff {said_day(project['kickoff_on'])} with {project['leader']}, no blocker.")


CHECKS = (proposal_is_attached, words_are_written, delivery_is_prepared, records_are_made, start_is_agreed)
