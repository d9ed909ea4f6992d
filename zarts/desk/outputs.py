"""The eight outputs of a deal, each with the seven fields of the record contract: what is there, and what is not yet.

A field is the record's own where it has one. What it has not is taken from the record that it hangs on, as the
functions below say; nothing is made up, and an empty one says why.
"""

from dataclasses import dataclass, field
from datetime import date

from django.db.models import Case, F, TextField, When

from handoff.models import ChecklistItem, Handoff
from handoff.standing import ACCEPTED_FIRST
from opportunities.models import Audit, Closing, Discovery, Opportunity
from opportunities.records import Output
from proposals.models import Approval, Contract, Proposal

FIELDS = {
    "source": "Source",
    "owner": "Owner",
    "stage": "Stage",
    "due_on": "Due date",
    "scope_state": "Scope state",
    "client_safe": "Client-safe status",
    "next_action": "Next action",
}
# Each output, and what begins it.
OUTPUTS = {
    "Qualified opportunity": "Qualifying a lead begins it.",
    "Discovery notes": "“Start discovery” begins them.",
    "Audit proof": "“Start audit” begins it, once the discovery is complete.",
    "Proposal draft": "Writing a proposal begins it, once an audit is verified.",
    "Approval state": "Submitting the proposal for review begins it.",
    "Contract handoff": "Drawing up the contract begins it, once a proposal is accepted.",
    "Onboarding checklist": "Winning the deal begins it.",
    "Won or lost reason": "Winning or losing the deal begins it.",
}


PAST = {"due_on": None, "next_action": ""}


@dataclass
class Line:
    """One output of one deal: its seven fields as people read them, or what begins it."""

    name: str
    record: Output | None = None
    values: dict = field(default_factory=dict)

    @property
    def begins(self) -> str:
        return OUTPUTS[self.name]

    @property
    def cells(self) -> list[tuple]:
        """Return the seven fields: the name, the value or nothing, and why there is nothing."""
        return [(name, label, self.values.get(name) or None, self.why_empty(name)) for name, label in FIELDS.items()]

    def why_empty(self, name) -> str:
        """Say why a field has no value."""
        if name in ("due_on", "next_action"):
            return "Somebody has to set it." if self.record and self.record.is_open else "Nothing more is owed."
        return "Nobody wrote it down."


def line(name, record, deal, **derived) -> Line:
    """Return one output. `derived` stands in where the record has no value of its own."""
    if record is None:
        return Line(name)
    own = {
        "source": record.source or deal.source,
        "owner": str(record.owner),
        "stage": record.get_stage_display(),
        "due_on": record.due_on or (deal.due_on if record.is_open else None),
        "scope_state": record.get_scope_state_display(),
        "client_safe": record.get_client_safe_display(),
        "next_action": record.next_action,
    }
    return Line(name, record, own | derived)


# -- What some of them take from the record that they hang on. ---------------------------------------------------------


def settled(name, record, deal) -> Line:
    """Once it is settled nothing more is owed on it: the day and the action that it still carries are past."""
    return line(name, record, deal, **({} if record is None or record.is_open else PAST))


def outcome(closing, deal) -> Line:
    """A lost deal waits as its closing says; a won or reopened one goes on by itself."""
    goes_on = {"next_action": deal.next_action, "due_on": deal.due_on}
    return line("Won or lost reason", closing, deal, **({} if deal.stage == Opportunity.Stage.LOST else goes_on))


def approval_state(approvals, deal) -> Line:
    """The question that is due first speaks for all of a subject; whether it is scoped and safe, its subject knows."""
    if not approvals:
        return Line("Approval state")
    first = approvals[0]
    count = sum(approval.stage == Approval.Stage.APPROVED for approval in approvals)
    subject = first.subject
    return line(
        "Approval state",
        first,
        deal,
        stage=f"{first.get_stage_display()}, {count} of {len(approvals)} given",
        scope_state=subject.get_scope_state_display(),
        client_safe=subject.get_client_safe_display(),
        **({} if first.is_open else PAST),
    )


def onboarding(items, deal) -> Line:
    """The item that is due first speaks for the list: its owner, its day and what happens next."""
    if not items:
        return Line("Onboarding checklist")
    done = sum(not item.is_open for item in items)
    item = min(items, key=lambda item: (not item.is_open, item.due_on or date.max, item.pk))
    project = item.project
    return line(
        "Onboarding checklist",
        item,
        deal,
        stage=f"{project.get_stage_display()}, {done} of {len(items)} done",
        source=project.source,
        due_on=item.due_on if item.is_open else project.due_on,
        next_action=item.next_action or project.next_action,
    )


# -- Reading them. -----------------------------------------------------------------------------------------------------


WITHDRAWN_LAST = Case(When(stage="withdrawn", then=1), default=0)


def newest(rows, deals, *related, first=()):
    """Return the newest row of each deal by the deal's id, in one query."""
    long = [field.name for field in rows.model._meta.fields if isinstance(field, TextField)]
    found = rows.filter(opportunity__in=deals).select_related("owner", *related).defer(*long)
    found = found.order_by("opportunity_id", *first, "-pk").distinct("opportunity_id")
    return {row.opportunity_id: row for row in found}


def outputs_of(deals) -> dict[int, list[Line]]:
    """Return the eight outputs of each of these deals, by its id. A fixed number of queries for all of them."""
    pks = [deal.pk for deal in deals]
    discoveries = newest(Discovery.objects, pks)
    audits = newest(Audit.objects, pks, first=(WITHDRAWN_LAST,))
    proposals = newest(Proposal.objects.filter(changes=None), pks, first=(ACCEPTED_FIRST,))
    contracts = newest(Contract.objects, pks, "proposal")
    handoffs = newest(Handoff.objects, pks)
    closings = newest(Closing.objects, pks)
    approvals, items = approvals_of(pks), items_of(pks)
    return {
        deal.pk: [
            line("Qualified opportunity", deal, deal),
            settled("Discovery notes", discoveries.get(deal.pk), deal),
            line("Audit proof", audits.get(deal.pk), deal),
            settled("Proposal draft", proposals.get(deal.pk), deal),
            approval_state(approvals.get(deal.pk), deal),
            line("Contract handoff", handoffs.get(deal.pk) or contracts.get(deal.pk), deal),
            onboarding(items.get(deal.pk), deal),
            outcome(closings.get(deal.pk), deal),
        ]
        for deal in deals
    }


def approvals_of(pks) -> dict[int, list]:
    """Return the approvals of the newest contract or proposal that was ever submitted, what waits first."""
    found = Approval.objects.filter(opportunity__in=pks, summary=None).exclude(stage__in=["lapsed", "recalled"])
    found = found.select_related("owner", "proposal", "contract__proposal").defer("content", "decision")
    by_deal: dict[int, list] = {}
    for approval in found.order_by(F("contract_id").desc(nulls_last=True), "-proposal_id", "due", "pk"):
        asked = by_deal.setdefault(approval.opportunity_id, [])
        if not asked or (asked[0].contract_id, asked[0].proposal_id) == (approval.contract_id, approval.proposal_id):
            asked.append(approval)
    for asked in by_deal.values():
        asked.sort(key=lambda approval: not approval.is_open)
    return by_deal


def items_of(pks) -> dict[int, list]:
    """Return the onboarding items of each deal's newest project."""
    found = ChecklistItem.objects.filter(project__opportunity__in=pks).select_related("owner", "project")
    by_deal: dict[int, list] = {}
    for item in found.order_by("-project_id", "pk"):
        items = by_deal.setdefault(item.project.opportunity_id, [])
        if not items or items[0].project_id == item.project_id:
            items.append(item)
    return by_deal
