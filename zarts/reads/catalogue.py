"""What can be read: each source, each view and each column, with its sentence. A name means the same everywhere.

The comments in the database, the pages of the catalogue and the OpenAPI come from here; the SQL stands in `sql/`.
"""

from dataclasses import dataclass, field
from functools import cached_property

# How a column is called in the database, and what can be asked of it.
COMPARED = ("", "__gt", "__gte", "__lt", "__lte", "__in", "__null")
NAMED = ("", "__in", "__null")
ASKED = {
    "bigint": COMPARED,
    "integer": COMPARED,
    "numeric": COMPARED,
    "date": COMPARED,
    "timestamp": COMPARED,
    "text": NAMED,
    "boolean": ("", "__null"),
    "time": (),
    "json": (),
}
# How each is called in `information_schema`.
TYPES = {
    "character varying": "text",
    "smallint": "integer",
    "timestamp with time zone": "timestamp",
    "time without time zone": "time",
    "jsonb": "json",
}

# Each column's type and its sentence.
COLUMNS = {
    "id": ("bigint", "The number of the row. It stays the same, and the pages go by it."),
    # Who answers for it, and how far it has come.
    "owner_id": ("bigint", "The number of whoever is accountable."),
    "owner_name": ("text", "Who is accountable."),
    "team_id": ("bigint", "The number of the team that it belongs to."),
    "team_name": ("text", "The team that it belongs to."),
    "stage": ("text", "How far it has come."),
    "next_action": ("text", "What happens next, in words."),
    "due_on": ("date", "The day by which the next step is owed."),
    "source": ("text", "Where it came from."),
    "scope_state": ("text", "How far the scope is settled."),
    "client_safe": ("text", "How far the words for the client have come."),
    "merged_into_id": ("bigint", "The number of the entry that it was joined with. Empty while it stands for itself."),
    "record_type": ("text", "The kind of record that it is about, such as proposals.proposal."),
    "record_id": ("bigint", "The number of the record that it is about."),
    # People and companies.
    "name": ("text", "What it is called. Of a lead, the person who asked."),
    "company": ("text", "The company of the lead."),
    "email": ("text", "The mail address of the lead."),
    "phone": ("text", "The phone number of the lead."),
    "website": ("text", "The address of the website."),
    "industry": ("text", "What the client does."),
    "country": ("text", "The country."),
    "time_zone": ("text", "The time zone, such as Europe/Berlin."),
    "arrived_at": ("timestamp", "When the lead came in."),
    "answered_at": ("timestamp", "When the lead heard from us for the first time."),
    "source_id": ("bigint", "The number of the source of the lead."),
    "source_name": ("text", "The source of the lead."),
    "campaign": ("text", "The campaign of the source."),
    "contact_id": ("bigint", "The number of the contact."),
    "contact_name": ("text", "The contact."),
    "client_id": ("bigint", "The number of the client."),
    "client_name": ("text", "The client."),
    "lead_id": ("bigint", "The number of the lead."),
    "lead_name": ("text", "The lead: who asked, and of which company."),
    "external_ref": ("text", "What the file called it that brought it in. Empty for all others."),
    # The deal.
    "opportunity_id": ("bigint", "The number of the opportunity."),
    "opportunity_name": ("text", "The opportunity."),
    "opportunity_stage": ("text", "How far the opportunity has come."),
    "value": ("numeric", "What the opportunity is worth, in its currency."),
    "currency": ("text", "The currency, by its three letters."),
    # The offer, the approval and the contract that a row belongs to.
    "proposal_id": ("bigint", "The number of the proposal that it belongs to."),
    "proposal_number": ("text", "The proposal’s own number, as the client reads it."),
    "proposal_revision": ("integer", "Which revision of the proposal it is."),
    "proposal_title": ("text", "The title of the proposal."),
    "proposal_stage": ("text", "How far the proposal has come."),
    "proposal_sent_at": ("timestamp", "When the proposal was sent."),
    "proposal_valid_until": ("date", "The last day on which the proposal can be accepted."),
    "decide_on": ("date", "The day by which the client should decide."),
    "approval_id": ("bigint", "The number of the approval that it belongs to."),
    "approval_aspect": ("text", "What is approved: the proposal, its prices, its claims, a contract or a summary."),
    "approval_stage": ("text", "How far the approval has come."),
    "approval_asked_at": ("timestamp", "When the approval was asked for."),
    "approval_due_at": ("timestamp", "By when the approval is owed."),
    "approval_decided_at": ("timestamp", "When the approval was decided."),
    "contract_id": ("bigint", "The number of the contract that it belongs to."),
    "contract_number": ("text", "The contract’s own number, as the client reads it."),
    "contract_stage": ("text", "How far the contract has come."),
    "sign_by": ("date", "The last day on which the contract can be signed."),
    "contract_signed_at": ("timestamp", "When the client signed."),
    "contract_active_at": ("timestamp", "When the contract came into force."),
    "payment_stage": ("text", "How far the payment that the contract asks for has come."),
    "payment_due_on": ("date", "The day by which that payment is owed."),
    # Work.
    "kind": ("text", "Which kind it is."),
    "title": ("text", "Its title."),
    "words": ("text", "What it says."),
    "due_at": ("timestamp", "When the task is due."),
    "promised_to_id": ("bigint", "The number of the contact to whom it was promised."),
    "repeats": ("text", "How often the task repeats."),
    "paused_because": ("text", "Why the task rests."),
    "outcome": ("text", "What came of the task."),
    "waits_for": ("text", "Which condition a task waits for that rests by itself."),
    "waits_for_deal": ("boolean", "Whether the task rests because its opportunity does."),
    "mended_at": ("text", "The page on which what it waits for is mended."),
    "is_touch": ("boolean", "Whether the contact gets a mail by itself when the task falls due."),
    "told_at": ("timestamp", "When its owner was reminded, or its mail was written."),
    "task_id": ("bigint", "The number of the task that it came of."),
    "handoff_id": ("bigint", "The number of the handoff."),
    "kickoff_on": ("date", "The day of the kickoff."),
    "project_id": ("bigint", "The number of the project."),
    "project_name": ("text", "The project."),
    "project_stage": ("text", "How far the project has come."),
    "service_id": ("bigint", "The number of the service that was sold."),
    # Proof and reports.
    "counts_until": ("timestamp", "Until when its evidence counts."),
    "raw_notes": ("text", "What was noted while measuring. Internal."),
    "collected_by_id": ("bigint", "The number of whoever measured."),
    "period_from": ("date", "The first day that the report tells of."),
    "period_to": ("date", "The last day that the report tells of."),
    "numbers": ("json", "The figures: each with its metric, its value and what was promised."),
    "breach": ("text", "Whether the report was late or missed."),
    "breach_reason": ("text", "Why the report was late or missed."),
    "owed_by_id": ("bigint", "The number of whoever owed it when it was late."),
    "report_id": ("bigint", "The number of the report."),
    "report_stage": ("text", "How far the report has come."),
    "at": ("timestamp", "When it was written."),
    "author_id": ("bigint", "The number of whoever wrote it."),
    # Mail.
    "channel": ("text", "By which way it went or came."),
    "purpose": ("text", "What it is for: marketing, transactional or contractual."),
    "subject": ("text", "The subject."),
    "body": ("text", "The words of the message."),
    "template": ("text", "What it was made of."),
    "sent_to": ("text", "The address that it went to."),
    "sent_at": ("timestamp", "When it went."),
    "happened_at": ("timestamp", "When a talk took place, or when a mail came in."),
    "trouble": ("text", "Why it did not go."),
    # What only clients are shown.
    "published_at": ("timestamp", "When the client could read it."),
    "number": ("text", "The proposal’s own number."),
    "valid_until": ("date", "The last day on which it can be accepted."),
    "place": ("text", "Where on the way to live work the client stands."),
    "next_step": ("text", "What happens next, as the client reads it."),
    "next_by": ("text", "Who does that."),
    "is_over": ("boolean", "Whether nothing is open any more."),
    "zone": ("text", "By whose clock the kickoff is."),
    "lead_by": ("text", "Who of us leads the work."),
    "is_open": ("boolean", "Whether the work goes on."),
    "ended_on": ("date", "The day on which the work ended."),
    "next_report_on": ("date", "The day on which the next report comes."),
    "part": ("text", "The part of the list in which it stands."),
    "done_by": ("text", "Who does it, as the client reads it: you or us."),
    "is_done": ("boolean", "Whether it is done."),
    "said_by": ("text", "Who of us says it."),
    "next_steps": ("json", "What we do next, one step after the other."),
}
# The same name with another type in one view.
OTHERWISE = {
    ("projects", "admin", "kickoff_time"): ("time", "The hour of the kickoff."),
    ("projects", "portal", "kickoff_time"): ("text", "The hour of the kickoff."),
    ("reports", "admin", "time_zone"): ("text", "The time zone in which the day of the report counts."),
    ("reports", "admin", "country"): ("text", "The country, by its two letters, whose holidays no report falls on."),
    ("reports", "admin", "next_steps"): ("text", "What we do next, one step a line."),
}

OWNED = "owner_id owner_name team_id team_name"
DEAL = "opportunity_id opportunity_name opportunity_stage client_id client_name value currency"
BESIDE = {
    "proposal": f"{DEAL} proposal_id proposal_number proposal_revision proposal_title proposal_stage proposal_sent_at "
    "proposal_valid_until decide_on",
    "approval": f"{DEAL} approval_id approval_aspect approval_stage approval_asked_at approval_due_at "
    "approval_decided_at",
    "contract": f"{DEAL} contract_id contract_number contract_stage sign_by contract_signed_at contract_active_at "
    "payment_stage payment_due_on",
}
KINDS = ("admin", "proposal", "approval", "contract", "portal")
NAMES = {
    "admin": "Admin",
    "proposal": "Proposal",
    "approval": "Approval",
    "contract": "Contract",
    "portal": "Portal-safe handoff",
}


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    words: str

    @property
    def endings(self) -> tuple[str, ...]:
        """Return what can stand behind its name in the address, where rows are filtered by it."""
        return ASKED[self.type]

    @property
    def filters(self) -> list[str]:
        """Return what can be asked of it in the address."""
        return [self.name + ending for ending in self.endings]


@dataclass(frozen=True)
class View:
    """One prepared read: a view in the database, and one address."""

    source: str
    kind: str
    words: str
    names: str
    # The kind of record that an id is of, by which scope is known. It needs the right to view those.
    of: str
    # What else one must be allowed to view.
    rights: tuple = ()

    def __str__(self):
        return f"{self.source}.{self.kind}"

    @property
    def table(self) -> str:
        return f"{self.source}_{self.kind}"

    @property
    def address(self) -> str:
        return f"/reads/{self.source}/{self.kind}"

    @property
    def title(self) -> str:
        return NAMES[self.kind]

    @property
    def is_internal(self) -> bool:
        return self.kind != "portal"

    @property
    def scope(self) -> str:
        """Return the scope that a token needs for it."""
        return f"read:{self}"

    @cached_property
    def columns(self) -> dict[str, Column]:
        found = {}
        for name in self.names.split():
            kind, words = OTHERWISE.get((self.source, self.kind, name)) or COLUMNS[name]
            found[name] = Column(name, kind, words)
        return found


@dataclass(frozen=True)
class Source:
    """One of the guide's eight sources, with its five views."""

    name: str
    title: str
    of: str
    admin: str
    own: str
    portal: str
    words: dict = field(hash=False)
    # Of which records the ids of its portal-safe view are.
    shown: str = "portal.publication"

    @cached_property
    def views(self) -> dict[str, View]:
        found = {}
        for kind in KINDS:
            names = {"admin": self.admin, "portal": self.portal}.get(kind) or f"{self.own} {BESIDE[kind]}"
            of = self.of if kind != "portal" else self.shown
            rights = (f"proposals.view_{kind}",) if kind in BESIDE else ()
            found[kind] = View(self.name, kind, self.words[kind], names, of, (right_of(self.of), *rights))
        return found


def right_of(label: str) -> str:
    app, model = label.split(".")
    return f"{app}.view_{model}"


SOURCES = {
    source.name: source
    for source in (
        Source(
            "report_notes",
            "Report notes",
            "handoff.reportnote",
            admin="id words at author_id report_id period_from period_to report_stage project_id project_name "
            f"client_id opportunity_id {OWNED}",
            own="id words at report_id report_stage owner_id team_id",
            portal="id client_id title period_from period_to words published_at",
            words={
                "admin": "Every note on a report, with the report and the project that it is about.",
                "proposal": "Notes on reports, each with the proposal that was sold.",
                "approval": "Notes on reports, each with the approval of the words that the client reads instead.",
                "contract": "Notes on reports, each with the contract that promises the report.",
                "portal": "The approved words that clients read in the place of notes, as published with a report.",
            },
        ),
        Source(
            "leads",
            "Leads",
            "opportunities.lead",
            admin="id name company email phone website country words stage arrived_at answered_at source_id "
            f"source_name campaign {OWNED} next_action due_on opportunity_id merged_into_id external_ref",
            own="id name company stage arrived_at owner_id team_id",
            portal="id client_id title number words valid_until published_at",
            words={
                "admin": "Every lead: who asked, what they said, where they came from, and how far it has come.",
                "proposal": "Leads that became a deal, each with its newest proposal.",
                "approval": "Leads that became a deal, each with the approval that was asked for last.",
                "contract": "Leads that became a deal, each with its newest contract.",
                "portal": "What came of leads, as clients read it: the proposals that they were sent.",
            },
        ),
        Source(
            "clients",
            "Clients",
            "opportunities.client",
            admin=f"id name website industry country time_zone {OWNED} merged_into_id",
            own="id name owner_id team_id",
            portal="id client_id title place next_step next_by is_over published_at",
            words={
                "admin": "Every client, with who is accountable.",
                "proposal": "Clients, each with their newest proposal, of the deals that the reader sees.",
                "approval": "Clients, each with their last approval, of the deals that the reader sees.",
                "contract": "Clients, each with their newest contract, of the deals that the reader sees.",
                "portal": "Where clients stand, as they read it on the portal’s first page: a row for each deal.",
            },
        ),
        Source(
            "projects",
            "Projects",
            "handoff.project",
            admin="id name stage kickoff_on kickoff_time client_id client_name opportunity_id handoff_id "
            f"{OWNED} source scope_state client_safe next_action due_on",
            own="id name stage kickoff_on owner_id team_id",
            portal="id client_id title kickoff_on kickoff_time zone lead_by is_open ended_on next_report_on "
            "published_at",
            words={
                "admin": "Every project, with its kickoff and who leads it.",
                "proposal": "Projects, each with the proposal that was sold.",
                "approval": "Projects, each with the approval of its contract that was asked for last.",
                "contract": "Projects, each with the contract that it keeps.",
                "portal": "Projects as clients read them on their onboarding page.",
            },
        ),
        Source(
            "tasks",
            "Tasks",
            "opportunities.task",
            admin=f"id kind title stage due_at time_zone {OWNED} opportunity_id lead_id contact_id promised_to_id "
            "record_type record_id repeats paused_because outcome opportunity_name client_name lead_name waits_for "
            "waits_for_deal mended_at is_touch told_at",
            own="id kind title stage due_at owner_id team_id",
            portal="id client_id title part done_by due_on is_done published_at",
            words={
                "admin": "Every task: what is to be done, by whom and until when.",
                "proposal": "Tasks about a proposal, each with that proposal.",
                "approval": "Tasks to decide about an approval, each with that approval.",
                "contract": "Tasks about a contract, each with that contract.",
                "portal": "The onboarding list as clients read it: what is to be done by them and by us.",
            },
            shown="handoff.checklistitem",
        ),
        Source(
            "audits",
            "Audits",
            "opportunities.audit",
            admin="id name stage counts_until raw_notes collected_by_id opportunity_id client_id client_name "
            f"{OWNED} source scope_state client_safe next_action due_on",
            own="id name stage counts_until owner_id team_id",
            portal="id client_id title words published_at",
            words={
                "admin": "Every audit, with its notes and until when it counts.",
                "proposal": "Audits, each with the newest proposal of its deal.",
                "approval": "Audits, each with the approval of its deal that was asked for last.",
                "contract": "Audits, each with the newest contract of its deal.",
                "portal": "What audits found, in the approved words that clients read in a proposal.",
            },
            shown="proposals.summary",
        ),
        Source(
            "reports",
            "Reports",
            "handoff.report",
            admin="id period_from period_to stage project_id project_name client_id opportunity_id numbers next_steps "
            f"published_at breach breach_reason owed_by_id {OWNED} source scope_state client_safe next_action due_on "
            "client_name project_stage service_id time_zone country",
            own="id period_from period_to stage due_on owner_id team_id",
            portal="id client_id title client_name period_from period_to words numbers next_steps next_report_on "
            "published_at",
            words={
                "admin": "Every report that is owed or was published, and whether it came in time.",
                "proposal": "Reports, each with the proposal that was sold.",
                "approval": "Reports, each with the approval of its words that was asked for last.",
                "contract": "Reports, each with the contract that promises it.",
                "portal": "Reports as they were published, with their figures and words.",
            },
        ),
        Source(
            "messages",
            "Messages",
            "opportunities.message",
            admin="id channel purpose stage subject body template sent_to sent_at happened_at trouble contact_id "
            f"contact_name client_id client_name opportunity_id task_id record_type record_id {OWNED}",
            own="id channel stage subject contact_id sent_at owner_id team_id",
            portal="id client_id kind title words said_by published_at",
            words={
                "admin": "Every message to a client or from one.",
                "proposal": "Messages about a proposal, each with that proposal.",
                "approval": "Messages that carry an answer, each with the approval of its words.",
                "contract": "Messages about a contract, each with that contract.",
                "portal": "Answers and notices as clients read them on the portal.",
            },
        ),
    )
}
VIEWS = {str(view): view for source in SOURCES.values() for view in source.views.values()}
