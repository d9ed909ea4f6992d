"""Winning makes everything once: what delivery needs to keep what was sold, in the transaction of the win."""

from datetime import timedelta
from itertools import islice

from django.db import IntegrityError, transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm

from opportunities import followups
from opportunities.models import Message, Task, User
from opportunities.records import ClientSafe, Lack, Opens, Refused, ScopeState, begin, edit, lock, perform, tell
from portal.models import Guest
from proposals.publishing import agency_day

from . import cadence, changeorders, publishing
from .house import CHECKLIST
from .models import (
    ChecklistItem,
    Connector,
    Handoff,
    Project,
    Promise,
    Provider,
    Receipt,
    Report,
    ReportingCadence,
)
from .models.days import agreed
from .models.report import AHEAD

KINDS = {
    "included": Promise.Kind.DELIVERABLE,
    "excluded": Promise.Kind.EXCLUSION,
    "assumption": Promise.Kind.ASSUMPTION,
    "dependency": Promise.Kind.DEPENDENCY,
    "integration": Promise.Kind.INTEGRATION,
}
STEP = "onboarding_handoff"
AGREE = "Agree the day of the kickoff"
AGREE_AGAIN = "Agree a new day for the kickoff"
# What winning does, in this order: each is a method of `Will`, and all of them are one transaction.
STEPS = (
    "let_delivery_in",
    "make_the_handoff",
    "make_the_promises",
    "make_the_project",
    "make_the_list",
    "make_the_accesses",
    "make_the_cadence",
    "make_the_reports",
    "let_the_guests_in",
    "open_the_tasks",
    "give_it_to_delivery",
    "tell_the_guests",
    "write_the_receipt",
    "show_the_client",
)


@transaction.atomic
def inherit(opportunity, *, by):
    """Make everything that delivery inherits from a won opportunity. Return the handoff.

    Once: whoever asks again, or at the same moment, gets the handoff that was made first.
    """
    opportunity = lock(opportunity)
    if made := inherited(opportunity):
        return made
    will = Will(opportunity)
    if lacks := will.contract.fallen_since_signed():
        raise Refused(lacks)
    return will.execute(by=by)


def preview(opportunity) -> list[str]:
    """Say what winning would make, one line for each record, and make nothing."""
    return [words_for(record) for record in Will(opportunity).lines()] if newest_contract(opportunity) else []


def newest_contract(opportunity):
    """Return the contract that is or would be inherited, or None."""
    return opportunity.contracts.exclude(stage__in=["declined", "voided", "ended"]).order_by("-id").first()


def inherited(opportunity):
    """Return the handoff that was made of the newest contract, or of the one that has ended; None before the win."""
    made, contract = opportunity.handoffs.order_by("-pk"), newest_contract(opportunity)
    return made.filter(contract=contract).first() if contract else made.first()


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
        self.seller = changeorders.seller_of(self.proposal)
        # Nobody works by a day that has passed: delivery agrees a new one before anything is dated from it.
        kickoff = self.contract.kickoff_on
        self.kickoff_passed = kickoff is not None and kickoff < agency_day()
        self.kickoff_on = None if self.kickoff_passed else kickoff
        self.handoff = self.the_handoff()
        self.project = self.the_project()
        self.promises = list(self.the_promises())
        self.items = list(self.the_items())
        self.connectors = [Connector(project=self.project, provider=one) for one in self.providers()]
        self.cadence = self.the_cadence()
        self.cadence.tells_from = self.cadence.first_day
        self.reports = list(islice(self.cadence.due_reports(), AHEAD))
        self.guests = list(self.the_guests())
        self.told = list(self.the_told())

    def records(self) -> list:
        """Return everything that will be made, in the order in which it is made."""
        head = [self.handoff, *self.promises, self.project, *self.items, *self.connectors]
        return [*head, self.cadence, *self.reports, *self.guests]

    def lines(self) -> list:
        """Return all that the receipt will list: the client, what is made, and the tasks that it promises."""
        return [self.client, *self.records(), *self.the_tasks(), *self.the_mails()]

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
            kickoff_on=self.kickoff_on,
            next_action="Work through the onboarding list" if self.kickoff_on else self.to_agree(),
            due_on=self.kickoff_on or timezone.localdate() + timedelta(days=2),
            **self.output(),
        )

    def the_promises(self):
        """Yield a promise for each row that was sold."""
        yield from (promise_of(self.handoff, self.seller, *sold) for sold in sold_rows(self.proposal))
        title = f"{self.contract.get_report_every_display()} reports"
        if self.contract.first_report_on:
            title += f", the first on {publishing.long_day(self.contract.first_report_on)}"
        yield promise_of(self.handoff, self.seller, Promise.Kind.CADENCE, self.contract, title)

    def the_items(self):
        """Yield the onboarding list of the service that was sold, or the usual one of the house."""
        listed: list = self.its_list() or CHECKLIST
        rows = {row["title"][:160]: row for row in listed}  # one of each title
        for title, row in rows.items():
            yield ChecklistItem(
                project=self.project,
                title=title,
                group=row.get("group", ""),
                who=row.get("who", "us"),
                offset_days=row.get("days", 0),
                client_safe=ClientSafe.APPROVED,
                **self.output(),
            )

    def its_list(self) -> list:
        """Return the onboarding list of the service that was sold."""
        return self.proposal.service.checklist if self.proposal.service else []

    def providers(self) -> list:
        """Return the providers that discovery named."""
        return Provider.named_in(" ".join(self.opportunity.discoveries.values_list("provider_stack", flat=True)))

    def the_cadence(self):
        return ReportingCadence(
            project=self.project,
            **agreed(self.contract, self.client),
            metrics=[metric(claim) for claim in self.proposal.claims.exclude(metric="")],
            reviewer=self.the_reviewer(),
        )

    def the_reviewer(self):
        """Return who approves the reports: a manager of whoever writes them, or nobody in particular."""
        return self.owner.managers().filter(pk__in=Report.approvers().values("pk")).order_by("pk").first()

    def the_guests(self):
        """Yield an access to the portal for each contact who has a mail address and none yet, nor had it taken away."""
        here = list(Guest.objects.filter(client_id=self.client.pk).values_list("contact_id", "email", "taken_by"))
        taken, known = {pk for pk, _, by in here if by}, {email for _, email, _ in here}
        for contact in self.client.contacts.reachable():
            if contact.pk not in taken and contact.email.lower() not in known:
                known.add(contact.email.lower())
                who = {"contact_id": contact.pk, "name": contact.name, "email": contact.email.lower()}
                yield Guest(client_id=self.client.pk, client_name=self.client.name, **who)

    def the_tasks(self):
        """Yield the tasks that it promises, with the words that they will have."""
        for item in self.items:
            if day := item.planned_for(self.kickoff_on):
                yield Task(title=f"{opens_for(item, day).title}: {item}"[:200])
        if self.kickoff_on is None:
            yield Task(title=f"{self.to_agree()}: {self.project}"[:200])
        opens = next(step for step in Handoff.steps() if step.name == "make_ready").custom["opens"]
        yield Task(title=f"{opens.title}: {self.handoff}"[:200])

    def the_told(self):
        """Yield each contact who is a guest, or becomes one: they hear what we need from them."""
        here = Guest.objects.filter(client_id=self.client.pk, revoked_at=None).values_list("contact_id", flat=True)
        let_in = {*here, *(guest.contact_id for guest in self.guests)}
        return (contact for contact in self.client.contacts.reachable() if contact.pk in let_in)

    def the_mails(self):
        """Yield the mail that each of them gets, with the name that it will have."""
        subject = publishing.subject_of_need(self.proposal.title)
        for contact in self.told:
            yield Message(subject=subject, contact=contact)

    def to_agree(self) -> str:
        return AGREE_AGAIN if self.kickoff_passed else AGREE

    # -- What whoever wins it should know before. ----------------------------------------------------------------------

    def warnings(self):
        """Yield what delivery will have to live with, each with the page that mends it now."""
        contract, client = self.contract, self.client
        if self.kickoff_passed:
            words = f"The kickoff was to be on {publishing.long_day(contract.kickoff_on)}, and that day has passed."
            yield Lack(f"{words} Delivery agrees a new one first; until then nothing has a day.", contract.staff_url())
        elif contract.kickoff_on is None:
            words = "The contract names no day for the kickoff. Delivery agrees it first."
            yield Lack(words, contract.staff_url("id_kickoff_on"))
        if contract.first_report_on is None:
            words = "The contract names no day for the first report: none is scheduled."
            yield Lack(words, contract.staff_url("id_first_report_on"))
        elif self.reports and self.reports[0].due_on > cadence.due_on(self.cadence, self.cadence.first_due_on):
            named, comes = map(publishing.long_day, (contract.first_report_on, self.reports[0].due_on))
            words = (
                f"On {named} no report could tell of a day since the contract was signed: the first comes on {comes}."
            )
            yield Lack(words, contract.staff_url())
        elif self.reports and self.reports[0].due_on < agency_day():
            words = f"The first report was owed on {publishing.long_day(self.reports[0].due_on)}: it is late already."
            yield Lack(words, contract.staff_url())
        yield from self.warnings_of_guests()
        if not self.its_list():
            words = (
                "The proposal names no service that has an onboarding list. Delivery gets the usual one of the house."
            )
            url = (
                self.proposal.service.staff_url("id_checklist") if self.proposal.service else self.proposal.staff_url()
            )
            yield Lack(words, url)
        if not self.connectors:
            words = "Discovery names no provider that we connect: no access is asked for."
            yield Lack(words, self.opportunity.staff_url("discovery"))
        if not self.owner.groups.filter(name="Delivery").exists():
            yield Lack(f"Nobody is in delivery: {self.owner} keeps {client}.")

    def warnings_of_guests(self):
        """Yield who of the client gets no access, and who is a guest of another client already."""
        here = Guest.objects.filter(client_id=self.client.pk).exclude(taken_by="")
        away = set(here.values_list("contact_id", flat=True))
        others = Guest.objects.exclude(client_id=self.client.pk).filter(revoked_at=None)
        both = set(others.filter(email__in=[guest.email for guest in self.guests]).values_list("email", flat=True))
        let_in = {guest.contact_id: guest.email for guest in self.guests}
        for contact in self.client.contacts.here().order_by("pk"):
            url = contact.staff_url("id_email")
            if not contact.email:
                yield Lack(f"{contact} has no mail address, and gets no access to the portal.", url)
            elif contact.pk in away:
                yield Lack(f"The access of {contact} was taken away, and winning does not give it back.", url)
            elif let_in.get(contact.pk) in both:
                words = f"{contact.email} is a guest of another client already: {contact} becomes a guest of both."
                yield Lack(f"{words} Each room shows its own client alone.", url)

    # -- Making it. ----------------------------------------------------------------------------------------------------

    def execute(self, *, by):
        """Make all of it, list each on the receipt, and show the client their onboarding. Return the handoff."""
        for step in STEPS:
            getattr(self, step)(by=by)
        return self.handoff

    def let_delivery_in(self, *, by):
        let_work(self.owner, self.opportunity, by=by)

    def make_the_handoff(self, *, by):
        make([self.handoff], by=by)

    def make_the_promises(self, *, by):
        make(self.promises, by=by)

    def make_the_project(self, *, by):
        make([self.project], by=by)

    def make_the_list(self, *, by):
        make(self.items, by=by)

    def make_the_accesses(self, *, by):
        make(self.connectors, by=by)

    def make_the_cadence(self, *, by):
        make([self.cadence], by=by)
        self.cadence.recipients.set(self.client.contacts.reachable())

    def make_the_reports(self, *, by):
        make(self.reports, by=by)

    def let_the_guests_in(self, *, by):
        """The portal's own rows have no diary: the receipt says who was let in.

        Whom somebody lets in at the same moment is in already, and the win does not fall over them.
        """
        self.guests = [guest for guest in self.guests if let_in(guest)]

    def open_the_tasks(self, *, by):
        """What the list asks for by a day, and the day itself where there is none."""
        self.tasks = [task for item in self.items if (task := promise_item(item, by=by))]
        if self.kickoff_on is None:
            self.tasks.append(followups.open_task(self.project, Opens(STEP, self.to_agree(), 2), by=by))

    def give_it_to_delivery(self, *, by):
        self.handoff = perform(self.handoff.make_ready, by=None)
        self.tasks += Task.objects.about(self.handoff).unfinished()

    def tell_the_guests(self, *, by):
        self.mails = publishing.mail_what_we_need(self.project, self.told)

    def write_the_receipt(self, *, by):
        """List each record that is there now, and tell the same once in the diary."""
        put = [
            Receipt(
                handoff=self.handoff,
                record_type=record._meta.label_lower,
                record_id=record.pk,
                words=words_for(record),
            )
            for record in [self.client, *self.records(), *self.tasks, *self.mails]
        ]
        Receipt.objects.bulk_create(put)
        tell(self.handoff, "inherit", "wrote the receipt of", by=by, facts={"receipt": [line.words for line in put]})

    def show_the_client(self, *, by):
        publishing.show_project(self.project)


def make(records, *, by):
    for record in records:
        begin(record, by=by, past="inherited")


def let_in(guest) -> bool:
    """Let somebody into the portal. False when somebody else was quicker."""
    try:
        with transaction.atomic():
            guest.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def sold_rows(proposal):
    """Yield (kind, row, title, words) of each row that a client bought with a proposal."""
    for item in proposal.scope_items.all():
        # What is optional is sold by its price line, when the client chose it.
        if item.kind in KINDS:
            yield KINDS[item.kind], item, item.title, item.text
    for price in proposal.sold_lines().filter(optional=True):
        yield Promise.Kind.ADD_ON, price, price.title
    for milestone in proposal.milestones.all():
        yield Promise.Kind.MILESTONE, milestone, milestone.title, when(milestone)
    for claim in proposal.claims.all():
        yield Promise.Kind.CLAIM, claim, claim.text, claim.method


def promise_of(handoff, seller, kind, row, title, words="") -> Promise:
    about = {"record_type": row._meta.label_lower, "record_id": row.pk}
    return Promise(handoff=handoff, kind=kind, title=title, words=words, sold_by=seller, **about)


@transaction.atomic
def inherit_change(change, *, by):
    """Make of an accepted change order what delivery inherits: its promises, once, each listed on the receipt.

    The promises that named it are reworded by it. What is to be measured anew stands in the reports from the next one
    that nobody began. Return the handoff, or None where there is none.
    """
    handoff = Handoff.objects.filter(contract=change.changes).first()
    if handoff is None:
        return None
    handoff, seller = lock(handoff), changeorders.seller_of(change)
    known = set(handoff.promises.values_list("record_type", "record_id", "kind"))
    new = [promise_of(handoff, seller, *sold) for sold in sold_rows(change)]
    new = [each for each in new if (each.record_type, each.record_id, each.kind) not in known]
    for promise in new:
        begin(promise, by=None, past="inherited")
    Receipt.objects.bulk_create(
        Receipt(handoff=handoff, record_type=each.label(), record_id=each.pk, words=words_for(each)) for each in new
    )
    tell(handoff, "inherit", f"added what {change.number} changes to", by=by, facts={"promises": [*map(str, new)]})
    words = f"{change.number}, which the client accepted, says it anew."
    for promise in handoff.promises.filter(stage="disputed", change_order__number=change.number):
        perform(promise.settle, by=None, outcome=Promise.Outcome.REWORDED, reason=words, change_order=change)
    measure(handoff.project.cadences.first(), change)
    if new:
        followups.open_task(handoff, Opens(STEP, f"Answer what {change.number} adds", 2), by=None)
    return handoff


def measure(terms, change):
    """Have the reports that nobody began measure what a change order claims, too."""
    known = {each.get("claim") for each in terms.metrics} if terms else set()
    added = [metric(claim) for claim in change.claims.exclude(metric="").exclude(pk__in=known)]
    if terms is None or not added:
        return
    edit(terms, by=None, metrics=[*terms.metrics, *added], reason=f"{change.number} was accepted.")
    for report in terms.reports.filter(stage="scheduled"):
        numbers = [*report.numbers, *({**each, "value": None} for each in added)]
        edit(report, by=None, numbers=numbers, reason=f"{change.number} was accepted.")


def measure_no_more(promise):
    """Leave out of the reports that nobody approved yet what a promise let go was measured by.

    What was typed there stays in their diaries. What was approved stays as it was approved.
    """
    because = f"“{promise}” was {promise.get_outcome_display().lower()}."[:400]

    def left(numbers):
        return [each for each in numbers if each.get("claim") != promise.claim_id]

    for terms in ReportingCadence.objects.filter(project__handoff=promise.handoff_id):
        if (metrics := left(terms.metrics)) != terms.metrics:
            edit(terms, by=None, metrics=metrics, reason=because)
        for report in terms.reports.filter(stage__in=Report.UNAPPROVED):
            if (numbers := left(report.numbers)) != report.numbers:
                edit(report, by=None, numbers=numbers, reason=because)


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
    if item.due_on is None or Task.objects.about(item).unfinished().exists():
        return None
    return followups.open_task(item, opens_for(item, item.due_on), by=by)


def opens_for(item, day) -> Opens:
    """Return the task of an onboarding item that is due on a day."""
    title = "Onboarding" if item.who == ChecklistItem.Who.US else "Get from the client"
    return Opens(STEP, title, max(0, (day - timezone.localdate()).days))


def when(milestone) -> str:
    """Say in words when a milestone is due."""
    first, last = milestone.start_week + 1, milestone.start_week + milestone.weeks
    weeks = f"Week {first}." if last <= first else f"Weeks {first} to {last}."
    return "\n".join(filter(None, [weeks, milestone.text]))


def metric(claim) -> dict:
    """Return what reports measure for a claim: what was promised, and what its evidence said before."""
    before = claim.measured_by(claim.versions)
    return {
        "metric": claim.metric,
        "unit": claim.unit or (before.unit if before else ""),
        "promised": range_of(claim),
        "low": figure(claim.low),
        "high": figure(claim.high),
        "better": claim.which_way,
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
