"""What stands in the files of a take-out, column by column: the same that an import of that kind reads.

A column is named as the import names it, so that a file comes back in as it is. What an import does not read, because a
move or the law stands behind it, follows under names of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery, Value

from opportunities.importing.columns import FIELDS
from opportunities.importing.home import house, known_as, offer_known_as
from opportunities.models import Client, Closing, Contact, Event, Import, Lead, Opportunity, Task
from proposals.models import Claim, Milestone, PriceLine, Proposal, ScopeItem

Kind = Import.Kind
README = """{of}, taken out on {at:%-d %B %Y} at {at:%H:%M %Z}.

Each file is a list in CSV. Its columns have the names that Import a file knows: bring them in in this order: leads,
clients, contacts, opportunities, tasks, proposals, scope_items, milestones, price_lines, claims. No row comes in twice.

What an import does not read is here to be read by you: a deal beyond discovery comes back to discovery, a proposal
comes in as a draft without its evidence, a task does not mail by itself, and consents are written down by whoever gets
them. Second entries that were merged are left out: what was theirs stands with the one that goes on.

A mark (') before a value keeps a spreadsheet from calculating it; an import takes it off.
"""


def iso(value) -> str:
    return value.isoformat() if value else ""


def number(value) -> str:
    return "" if value is None else format(value.normalize(), "f")


@dataclass(frozen=True)
class File:
    """One file: of which records, whose they are, and what each column says of one."""

    name: str
    kind: Any
    model: Any
    columns: dict[str, Callable]
    more: dict[str, Callable] = field(default_factory=dict)
    owner: str = "owner"
    only: Q = field(default_factory=Q)
    joins: tuple[str, ...] = ()
    adds: dict = field(default_factory=dict)

    @property
    def header(self) -> list[str]:
        labels = FIELDS[self.kind].by_name
        return [*(labels[name].label for name in self.columns), *self.more]

    def is_open_to(self, user) -> bool:
        return user.has_perm(f"{self.model._meta.app_label}.view_{self.model._meta.model_name}")

    def rows(self, user, whose):
        """Return the records, within the reach of whoever asks."""
        found = self.model._base_manager.filter(self.only, self.model.reach(user))
        return found.filter(**{self.owner: whose}) if whose else found

    def batch(self, user, whose, after: int, most: int) -> list:
        rows = self.rows(user, whose).filter(pk__gt=after).order_by("pk").select_related(*self.joins)
        return list(rows.annotate(house=Value(house()), **self.adds)[:most])

    def values(self, row) -> list[str]:
        return [str(say(row)) for say in (*self.columns.values(), *self.more.values())]


def events(model, **conditions):
    """Return the time of the newest event of a record that meets conditions."""
    found = Event.objects.filter(record_type=model.label(), record_id=OuterRef("pk"), **conditions)
    return Subquery(found.order_by("-pk").values("at")[:1])


def stage_of(deal) -> str:
    """Return the word for where a deal is on its path; of one that is paused, where it rests."""
    stage = deal.paused_from if deal.stage == Opportunity.Stage.PAUSED else deal.stage
    return str(Opportunity.Stage(stage).label)


def closed_of(deal) -> str:
    ended = deal.stage in ("won", "handed_off", "lost")
    return iso(deal.ended_at) if ended else iso(deal.decision_on)


def deal_of(path: str = "") -> dict[str, Callable]:
    """Return the three columns by which a record says of which deal it is."""

    def deal(row):
        for name in filter(None, path.split(".")):
            row = getattr(row, name)
        return row.opportunity

    return {
        "deal_known": lambda row: known_as(deal(row), row.house) if deal(row) else "",
        "client": lambda row: deal(row).client.name if deal(row) else "",
        "deal": lambda row: deal(row).name if deal(row) else "",
    }


def newer(path: str = ""):
    """Return the revisions that go on where this one stood: later ones that were neither replaced nor withdrawn."""
    later = {"number": OuterRef(f"{path}number"), "revision__gt": OuterRef(f"{path}revision")}
    return Proposal.objects.filter(**later, superseded_by=None).exclude(stage="withdrawn").order_by("-revision")


def offered(name: str, model, columns: dict, joins=()) -> File:
    """Return the file of one kind of row of proposals."""
    return File(
        name,
        Kind.PROPOSAL_ROWS,
        model,
        {
            **deal_of("proposal"),
            "offer_known": lambda row: offer_known_as(row.proposal, row.house),
            "proposal": lambda row: row.proposal.title,
            "row": lambda row: str(model._meta.verbose_name),
            "place": lambda row: row.position,
            **columns,
        },
        owner="proposal__owner",
        only=Q(proposal__superseded_by=None) & ~Q(proposal__stage="withdrawn") & ~Exists(newer("proposal__")),
        joins=("proposal__opportunity__client", *joins),
    )


STANDS = Q(merged_into=None)
FILES = [
    File(
        "leads",
        Kind.LEADS,
        Lead,
        {
            "known": lambda record: known_as(record, record.house),
            "name": lambda lead: lead.name,
            "company": lambda lead: lead.company,
            "email": lambda lead: lead.email,
            "phone": lambda lead: lead.phone,
            "website": lambda lead: lead.website,
            "country": lambda lead: lead.country,
            "source": lambda lead: lead.source or "",
            "status": lambda lead: lead.get_stage_display(),
            "created": lambda lead: iso(lead.arrived_at),
            "owner": lambda lead: lead.owner.username,
            "words": lambda lead: lead.words,
        },
        {"Next action": lambda lead: lead.next_action, "Next action due": lambda lead: iso(lead.due_on)},
        only=STANDS,
        joins=("source", "owner"),
    ),
    File(
        "clients",
        Kind.CLIENTS,
        Client,
        {
            "name": lambda client: client.name,
            "website": lambda client: client.website,
            "industry": lambda client: client.industry,
            "country": lambda client: client.country,
            "zone": lambda client: client.time_zone,
            "owner": lambda client: client.owner.username,
        },
        only=STANDS,
        joins=("owner",),
    ),
    File(
        "contacts",
        Kind.CONTACTS,
        Contact,
        {
            "client": lambda contact: contact.client.name,
            "name": lambda contact: contact.name,
            "email": lambda contact: contact.email,
            "phone": lambda contact: contact.phone,
            "title": lambda contact: contact.title,
            "role": lambda contact: contact.get_decision_role_display(),
            "zone": lambda contact: contact.time_zone,
            "country": lambda contact: contact.country,
            "works_on": lambda contact: contact.works_on,
            "works_from": lambda contact: f"{contact.works_from:%H:%M}",
            "works_to": lambda contact: f"{contact.works_to:%H:%M}",
            "left": lambda contact: iso(contact.left_on),
        },
        {"Mail comes back since": lambda contact: iso(contact.mail_failed_at)},
        owner="client__owner",
        only=STANDS,
        joins=("client",),
    ),
    File(
        "opportunities",
        Kind.OPPORTUNITIES,
        Opportunity,
        {
            "known": lambda record: known_as(record, record.house),
            "client": lambda deal: deal.client.name,
            "name": lambda deal: deal.name,
            "status": stage_of,
            "value": lambda deal: "" if deal.value is None else deal.value,
            "currency": lambda deal: deal.currency,
            "product": lambda deal: deal.first_service or "",
            "owner": lambda deal: deal.owner.username,
            "opened": lambda deal: iso(deal.began_at),
            "closed": closed_of,
            "contact": lambda deal: deal.decision_owner or "",
            "email": lambda deal: deal.decision_owner.email if deal.decision_owner else "",
            "source": lambda deal: deal.source,
            "reason": lambda deal: deal.why or "",
        },
        {
            "Rests": lambda deal: "yes" if deal.stage == Opportunity.Stage.PAUSED else "",
            "Probability, percent": lambda deal: deal.probability,
            "Close risk": lambda deal: deal.close_risk,
            "Next action": lambda deal: deal.next_action,
            "Next action due": lambda deal: iso(deal.due_on),
        },
        joins=("client", "owner", "decision_owner"),
        adds={
            "began_at": events(Opportunity, verb="opportunity.create"),
            "ended_at": events(Opportunity, stage_to__in=["won", "lost"]),
            "why": Subquery(Closing.objects.filter(opportunity=OuterRef("pk")).order_by("-pk").values("words")[:1]),
            "first_service": Subquery(
                Opportunity.services.rel.related_model.objects.filter(opportunities=OuterRef("pk"))
                .order_by("pk")
                .values("name")[:1]
            ),
        },
    ),
    File(
        "tasks",
        Kind.TASKS,
        Task,
        {
            **deal_of(),
            "lead_known": lambda task: known_as(task.lead, task.house) if task.lead and not task.opportunity else "",
            "title": lambda task: task.title,
            "kind": lambda task: task.get_kind_display(),
            "due": lambda task: iso(task.due_at),
            "zone": lambda task: task.time_zone,
            "owner": lambda task: task.owner.username,
            "status": lambda task: task.get_stage_display(),
            "promised": lambda task: (task.promised_to.email or task.promised_to.name) if task.promised_to else "",
            "repeats": lambda task: task.get_repeats_display(),
            "until": lambda task: iso(task.repeats_until),
            "reason": lambda task: task.paused_because or task.why or "",
            "outcome": lambda task: task.outcome,
        },
        {
            "Mails": lambda task: (task.contact.email or task.contact.name) if task.contact else "",
            "Subject of the mail": lambda task: task.subject,
            "Words of the mail": lambda task: task.words,
        },
        joins=("opportunity__client", "lead", "owner", "promised_to", "contact"),
        adds={
            "why": Subquery(
                Event.objects.filter(
                    record_type=Task.label(), record_id=OuterRef("pk"), verb="task.cancel", stage_to="cancelled"
                )
                .order_by("-pk")
                .values("reason")[:1]
            )
        },
    ),
    File(
        "proposals",
        Kind.PROPOSALS,
        Proposal,
        {
            **deal_of(),
            "offer_known": lambda proposal: offer_known_as(proposal, proposal.house),
            "newer": lambda proposal: proposal.newer or "",
            "title": lambda proposal: proposal.title,
            "intro": lambda proposal: proposal.intro,
            "product": lambda proposal: proposal.service or "",
            "currency": lambda proposal: proposal.currency,
            "discount": lambda proposal: number(proposal.discount),
            "every": lambda proposal: proposal.get_report_every_display(),
            "valid": lambda proposal: iso(proposal.valid_until),
            "decide": lambda proposal: iso(proposal.decide_on),
            "owner": lambda proposal: proposal.owner.username,
            "status": lambda proposal: proposal.get_stage_display(),
        },
        {
            "Number": lambda proposal: proposal.number,
            "Revision": lambda proposal: proposal.revision,
            "Sent": lambda proposal: iso(proposal.sent_at),
            "Answered": lambda proposal: iso(proposal.answered_at),
        },
        joins=("opportunity__client", "service", "owner"),
        adds={"newer": Subquery(newer().values("revision")[:1])},
    ),
    offered(
        "scope_items",
        ScopeItem,
        {
            "kind": lambda row: row.get_kind_display(),
            "title": lambda row: row.title,
            "text": lambda row: row.text,
        },
    ),
    offered(
        "milestones",
        Milestone,
        {
            "title": lambda row: row.title,
            "text": lambda row: row.text,
            "start": lambda row: row.start_week,
            "weeks": lambda row: row.weeks,
            "who": lambda row: row.who,
            "waits": lambda row: row.depends_on or "",
        },
        joins=("depends_on",),
    ),
    offered(
        "price_lines",
        PriceLine,
        {
            "kind": lambda row: row.get_recurring_display(),
            "title": lambda row: row.title,
            "quantity": lambda row: number(row.quantity),
            "price": lambda row: row.unit_price,
            "discount": lambda row: number(row.discount),
            "tax": lambda row: number(row.tax),
            "optional": lambda row: "yes" if row.optional else "no",
            "cost": lambda row: "" if row.internal_cost is None else row.internal_cost,
            "assumption": lambda row: row.pricing_assumption,
        },
    ),
    offered(
        "claims",
        Claim,
        {
            "kind": lambda row: row.get_kind_display(),
            "title": lambda row: row.text,
            "metric": lambda row: row.metric,
            "low": lambda row: number(row.low),
            "high": lambda row: number(row.high),
            "unit": lambda row: row.unit,
            "better": lambda row: row.better,
            "method": lambda row: row.method,
            "sensitivity": lambda row: row.get_sensitivity_display(),
        },
    ),
]
