"""Winning makes everything once: what delivery needs to keep what was sold, in the transaction of the win."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm

from opportunities import followups
from opportunities.conditions import code_of
from opportunities.models import Task, User
from opportunities.records import ClientSafe, Opens, Refused, ScopeState, begin, lock, perform, tell
from portal.models import Guest

from . import cadence, publishing
from .house import CHECKLIST
from .models import (
    ChecklistItem,
    Connector,
    Handoff,
    Project,
    Promise,
    Provider,
    Receipt,
    ReportingCadence,
)
from .models.report import AHEAD

KINDS = {
    "included": Promise.Kind.DELIVERABLE,
    "excluded": Promise.Kind.EXCLUSION,
    "assumption": Promise.Kind.ASSUMPTION,
    "dependency": Promise.Kind.DEPENDENCY,
    "integration": Promise.Kind.INTEGRATION,
}
STEP = "onboarding_handoff"


@transaction.atomic
def inherit(opportunity, *, by):
    """Make everything that delivery inherits from a won opportunity. Return the handoff.

    Once: whoever asks again, or at the same moment, gets the handoff that was made first.
    """
    opportunity = lock(opportunity)
    will = Will(opportunity)
    if made := Handoff.objects.filter(opportunity=opportunity, contract=will.contract).first():
        return made
    if lacks := will.contract.fallen_since_signed():
        raise Refused(lacks)
    return will.execute(by=by)


def preview(opportunity) -> list[str]:
    """Say what winning would make, one line for each record, and make nothing."""
    return [words_for(record) for record in Will(opportunity).records()] if newest_contract(opportunity) else []


def newest_contract(opportunity):
    """Return the contract that is or would be inherited, or None."""
    return opportunity.contracts.exclude(stage__in=["declined", "voided", "ended"]).order_by("-id").first()


def words_for(record) -> str:
    name = str(record._meta.verbose_name)
    return f"{name[0].upper()}{name[1:]}: {record}"[:400]


class Will:
    """What a contract leaves to delivery: each record as it will be, not saved yet."""

    def __init__(self, opportunity):
        self.opportunity = opportunity
        self.client = opportunity.client
        self.contract = newest_contract(opportunity)
        self.proposal = self.contract.proposal
        self.owner = delivery_owner(opportunity)
        self.seller = self.proposal.author if self.proposal.author.is_active else opportunity.owner
        self.handoff = self.the_handoff()
        self.project = self.the_project()
        self.promises = list(self.the_promises())
        self.items = list(self.the_items())
        self.connectors = [Connector(project=self.project, provider=one) for one in self.providers()]
        self.cadence = self.the_cadence()
        self.reports = self.cadence.due_reports(AHEAD)
        self.guests = list(self.the_guests())

    def records(self) -> list:
        """Return everything that will be made, in the order in which it is made."""
        head = [self.handoff, *self.promises, self.project, *self.items, *self.connectors]
        return [*head, self.cadence, *self.reports, *self.guests]

    # -- What each will be. --------------------------------------------------------------------------------------------

    def output(self) -> dict:
        """Return the fields of the record contract that everything inherited shares."""
        return {
            "source": f"Contract {self.contract}"[:200],
            "owner": self.owner,
            "scope_state": ScopeState.APPROVED,
        }

    def the_handoff(self):
        return Handoff(
            opportunity=self.opportunity,
            contract=self.contract,
            next_action="Give it to delivery",
            due_on=timezone.localdate() + timedelta(days=1),
            **self.output(),
        )

    def the_project(self):
        return Project(
            opportunity=self.opportunity,
            client=self.client,
            handoff=self.handoff,
            name=self.proposal.title,
            kickoff_on=self.contract.kickoff_on,
            next_action="Work through the onboarding list",
            due_on=self.contract.kickoff_on or timezone.localdate() + timedelta(days=7),
            **self.output(),
        )

    def the_promises(self):
        """Yield a promise for each row that was sold."""
        for item in self.proposal.scope_items.all():
            # What is optional is sold by its price line, when the client chose it.
            if item.kind in KINDS:
                yield self.promise(KINDS[item.kind], item, item.title, item.text)
        for price in self.proposal.sold_lines().filter(optional=True):
            yield self.promise(Promise.Kind.ADD_ON, price, price.title)
        for milestone in self.proposal.milestones.all():
            yield self.promise(Promise.Kind.MILESTONE, milestone, milestone.title, when(milestone))
        for claim in self.proposal.claims.all():
            yield self.promise(Promise.Kind.CLAIM, claim, claim.text, claim.method)
        title = f"{self.contract.get_report_every_display()} reports"
        if self.contract.first_report_on:
            title += f", the first on {publishing.long_day(self.contract.first_report_on)}"
        yield self.promise(Promise.Kind.CADENCE, self.contract, title)

    def promise(self, kind, row, title, words=""):
        return Promise(
            handoff=self.handoff,
            kind=kind,
            title=title,
            words=words,
            sold_by=self.seller,
            record_type=row._meta.label_lower,
            record_id=row.pk,
        )

    def the_items(self):
        """Yield the onboarding list of the service that was sold, or the usual one of the house."""
        service = self.proposal.service
        for row in (service and service.checklist) or CHECKLIST:
            yield ChecklistItem(
                project=self.project,
                title=row["title"],
                group=row.get("group", ""),
                who=row.get("who", "us"),
                offset_days=row.get("days", 0),
                client_safe=ClientSafe.APPROVED,
                **self.output(),
            )

    def providers(self) -> list:
        """Return the providers that discovery named."""
        return Provider.named_in(" ".join(self.opportunity.discoveries.values_list("provider_stack", flat=True)))

    def the_cadence(self):
        contract = self.contract
        terms = ReportingCadence(
            project=self.project,
            frequency=contract.report_every,
            weekday=contract.report_weekday,
            day=contract.report_day,
            on_last_working_day=contract.report_on_last_working_day,
            skips_days_off=contract.report_skips_days_off,
            country=code_of(self.client.country),
            time_zone=self.client.time_zone,
            metrics=[metric(claim) for claim in self.proposal.claims.exclude(metric="")],
            reviewer=self.owner,
        )
        if contract.first_report_on:
            terms.first_due_on = cadence.first_date(terms, contract.first_report_on)
        return terms

    def the_guests(self):
        """Yield an access to the portal for each contact who has a mail address and none yet, nor had it taken away."""
        taken = Guest.objects.filter(client_id=self.client.pk).exclude(taken_by="").values_list("contact_id", flat=True)
        known = set(Guest.objects.filter(client_id=self.client.pk).values_list("email", flat=True))
        for contact in self.client.contacts.reachable().exclude(pk__in=list(taken)):
            if contact.email.lower() not in known:
                known.add(contact.email.lower())
                who = {"contact_id": contact.pk, "name": contact.name, "email": contact.email.lower()}
                yield Guest(client_id=self.client.pk, client_name=self.client.name, **who)

    # -- Making it. ----------------------------------------------------------------------------------------------------

    def execute(self, *, by):
        """Make all of it, list each on the receipt, and show the client their onboarding."""
        let_work(self.owner, self.opportunity, by=by)
        for record in self.records():
            if isinstance(record, Guest):
                record.save(force_insert=True)
            else:
                begin(record, by=by, past="inherited")
        self.cadence.recipients.set(self.client.contacts.reachable())
        tasks = [task for item in self.items if (task := promise_item(item, by=by))]
        if not self.project.kickoff_on:
            tasks.append(followups.open_task(self.project, Opens(STEP, "Agree the day of the kickoff", 2), by=by))
        self.handoff = perform(self.handoff.make_ready, by=None)
        tasks += Task.objects.about(self.handoff).exclude(stage__in=Task.CLOSED)

        put = [Receipt(handoff=self.handoff, record_type=self.client.label(), record_id=self.client.pk)]
        put[0].words = words_for(self.client)
        for record in [*self.records(), *tasks]:
            kind = record._meta.label_lower
            put.append(Receipt(handoff=self.handoff, record_type=kind, record_id=record.pk, words=words_for(record)))
        Receipt.objects.bulk_create(put)
        tell(self.handoff, "inherit", "wrote the receipt of", by=by, facts={"receipt": [line.words for line in put]})
        publishing.show_project(self.project)
        return self.handoff


def delivery_owner(opportunity):
    """Return whoever of delivery has the least to do, the opportunity's own team first.

    Where nobody is in delivery the seller keeps it: a won deal is never without an owner.
    """
    return User.by_load("Delivery", team=opportunity.team).first() or opportunity.owner


def let_work(user, opportunity, *, by):
    """Let somebody of delivery see and change this one opportunity."""
    if opportunity.within_reach(user, to="change"):
        return
    assign_perm("view_opportunity", user, opportunity)
    assign_perm("change_opportunity", user, opportunity)
    tell(opportunity, "share", "shared", by=by, facts={"with": user})


def promise_item(item, *, by):
    """Open the task of an onboarding item that has a day and none yet. Return it, or None."""
    if item.due_on is None or Task.objects.about(item).exclude(stage__in=Task.CLOSED).exists():
        return None
    title = "Onboarding" if item.who == ChecklistItem.Who.US else "Get from the client"
    days = max(0, (item.due_on - timezone.localdate()).days)
    return followups.open_task(item, Opens(STEP, title, days), by=by)


def when(milestone) -> str:
    """Say in words when a milestone is due."""
    first, last = milestone.start_week + 1, milestone.start_week + milestone.weeks
    weeks = f"Week {first}." if last <= first else f"Weeks {first} to {last}."
    return "\n".join(filter(None, [weeks, milestone.text]))


def metric(claim) -> dict:
    """Return what reports measure for a claim: what was promised, and what its evidence said before."""
    before = claim.evidence.filter(metric__iexact=claim.metric).first() or claim.evidence.first()
    return {
        "metric": claim.metric,
        "unit": claim.unit or (before.unit if before else ""),
        "promised": range_of(claim),
        "low": figure(claim.low),
        "high": figure(claim.high),
        "before": figure(before.value) if before else None,
        "claim": claim.pk,
    }


def range_of(claim):
    """Say the range that a claim promises, or the one number; nothing when it names none."""
    low, high = figure(claim.low), figure(claim.high)
    if low is None and high is not None:
        return f"up to {high}"
    return low if high in (None, low) else f"{low} to {high}"


def figure(number):
    """Return a number without the zeros that say nothing, or None."""
    return None if number is None else f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
