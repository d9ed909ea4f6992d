"""What delivery asks of a deal that was won, answered on one screen and on one paper: internal, all of it.

Each part is read by a function of its own in a bounded number of questions, and says the same on both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import Case, Prefetch, Q, When
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.functional import cached_property
from django.utils.text import Truncator, capfirst

from handoff import met
from handoff.models import Handoff, Project, Promise
from opportunities.models import Contact, Discovery, Event, Evidence, Message
from opportunities.money import money
from opportunities.panels import MOST
from portal.models import Guest
from proposals import pointing
from proposals.models import Claim
from zarts.reads import rows as reads

# What is shown of a talk or a mail.
OF_TALK = ("channel", "contact_name", "subject", "happened_at", "body")
# So much of a long mail or note stands here; the rest is on its own page.
LONG = 1200
GROUPS: dict[str, list] = {
    "What they get": [Promise.Kind.DELIVERABLE],
    "What they added": [Promise.Kind.ADD_ON],
    "What it connects to": [Promise.Kind.INTEGRATION],
    "What is not included": [Promise.Kind.EXCLUSION],
    "What we assume": [Promise.Kind.ASSUMPTION],
    "What depends on them": [Promise.Kind.DEPENDENCY],
    "When": [Promise.Kind.MILESTONE],
    "What we said it brings": [Promise.Kind.CLAIM],
    "Reports": [Promise.Kind.CADENCE],
}
STANDS = {
    "withdrawn": "withdrawn",
    "replaced": "measured again since",
    "stale": "counts no more",
    "aging": "ages soon",
    "fresh": "still counts",
}


@dataclass
class Entry:
    """One thing that delivery should know."""

    title: str
    url: str = ""
    tag: str = ""
    # What is said of it beside, in short.
    said: list[str] = field(default_factory=list)
    words: str = ""
    # What the client said, as they said it.
    quote: str = ""
    # What no client may ever read: the kind of it, and the words.
    internal: list[tuple[str, str]] = field(default_factory=list)
    # Of a gate: whether it is open, and what opens it.
    met: bool | None = None
    lacks: list = field(default_factory=list)
    moves: list = field(default_factory=list)


@dataclass
class Part:
    """One part of the page: groups of entries, and facts."""

    name: str
    heading: str
    groups: list[tuple[str, list[Entry]]] = field(default_factory=list)
    # What it is, how it stands, and the page of it.
    facts: list[tuple[str, str, str]] = field(default_factory=list)
    empty: str = ""
    # What is said of all of it, once.
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.facts and not any(entries for _, entries in self.groups)


@dataclass
class Handover:
    """The whole of it, as one person sees it."""

    handoff: Handoff
    project: Project
    parts: list[Part]
    promises: list[Promise]
    # The line of the diary that says past which gates a manager let it go live.
    passed: Event | None
    subject: Any

    @property
    def offered(self) -> list[Promise]:
        return [promise for promise in self.promises if promise.stage == Promise.Stage.OFFERED]

    @property
    def disputed(self) -> list[Promise]:
        return [promise for promise in self.promises if promise.stage == Promise.Stage.DISPUTED]


def read(handoff, user, *, to_print=False) -> Handover:
    """Return what this person may read of a handoff. On paper nobody moves anything."""
    project = handoff.project
    project.handoff, project.opportunity = handoff, handoff.opportunity  # read once
    promises = list(handoff.promises.select_related("sold_by", "shown_report", "shown_evidence"))
    deal = Deal(handoff, project, promises, user, to_print)
    parts = [part(deal) for part, right in PARTS if user.has_perm(right)]
    before = (Handoff.Stage.PREPARING, Handoff.Stage.READY, Handoff.Stage.BLOCKED)
    subject = handoff if handoff.stage in before or not project.is_open else project
    return Handover(handoff, project, parts, promises, project.passed, subject)


@dataclass
class Deal:
    """What the parts are read from."""

    handoff: Handoff
    project: Project
    promises: list[Promise]
    user: Any
    to_print: bool

    @property
    def opportunity(self):
        return self.handoff.opportunity

    @property
    def contract(self):
        return self.handoff.contract

    @cached_property
    def seller(self):
        """Return who sold all of it, or None when several did."""
        sellers = {promise.sold_by_id: promise.sold_by for promise in self.promises}
        return next(iter(sellers.values())) if len(sellers) == 1 else None

    @cached_property
    def messages(self) -> list:
        """Return the newest talks, and mails that came in."""
        talked = Q(channel__in=[Message.Channel.CALL, Message.Channel.MEETING]) | Q(stage=Message.Stage.RECEIVED)
        rows = reads.messages.filter(talked, opportunity_id=self.opportunity.pk).only(*OF_TALK)
        return list(rows.order_by("-pk")[:MOST])

    @cached_property
    def discovery(self):
        return self.opportunity.discoveries.order_by("-pk").first()

    def moves_of(self, record) -> list:
        return [] if self.to_print else [move for move in record.moves_for(self.user) if move.allowed]


# -- What was promised. ------------------------------------------------------------------------------------------------


def promised(deal) -> Part:
    """What was sold, what was not, and what both rely on: each with what delivery says to it."""
    about = {"record_type": Promise.label(), "record_id__in": [promise.pk for promise in deal.promises]}
    said = Event.objects.filter(**about, verb__in=["promise.dispute", "promise.give_up"]).order_by("pk")
    why = {(event.verb, event.record_id): event for event in said}

    def of(promise):
        disputed, broken = (why.get((f"promise.{verb}", promise.pk)) for verb in ("dispute", "give_up"))
        return of_promise(deal, promise, disputed, broken)

    groups = [(heading, [of(row) for row in deal.promises if row.kind in kinds]) for heading, kinds in GROUPS.items()]
    note = f"Sold by {deal.seller}." if deal.seller else ""
    return Part("promises", "What was promised", groups, empty="No promise was made.", note=note)


def of_promise(deal, promise, dispute, why_broken) -> Entry:
    said = [] if deal.seller else [f"Sold by {promise.sold_by}"]
    if dispute is not None:
        said.append(f"{dispute.actor_name} disputed it: “{dispute.reason}”")
    if promise.settled_as:
        said.append(f"What was agreed: “{promise.settled_as}”")
    if why_broken is not None:
        said.append(f"{why_broken.actor_name} marked it as broken: “{why_broken.reason}”")
    if shown := promise.shown or promise.shown_report or promise.shown_evidence:
        said.append(f"What shows it: {shown}")
    settled = promise.stage == Promise.Stage.SETTLED and promise.outcome
    return Entry(
        promise.title,
        promise.staff_url(),
        promise.get_outcome_display() if settled else promise.get_stage_display(),
        said,
        promise.words,
        # How it ended is said later, on its own page: here it is answered.
        moves=deal.moves_of(promise) if promise.stage in (Promise.Stage.OFFERED, Promise.Stage.DISPUTED) else [],
    )


# -- Who decides. ------------------------------------------------------------------------------------------------------


def deciding(deal) -> Part:
    """Who is there and decides what, whether we reach them, and how they decide."""
    roles = list(Contact.Role.values)
    first = Case(When(pk=deal.opportunity.decision_owner_id, then=0), When(left_on=None, then=1), default=2)
    people = list(Contact.objects.filter(client=deal.project.client_id, merged_into=None).order_by(first, "pk")[:MOST])
    people.sort(key=lambda it: (it.pk != deal.opportunity.decision_owner_id, roles.index(it.decision_role)))
    guests = {guest.contact_id: guest for guest in Guest.objects.filter(client_id=deal.project.client_id)}
    entries = []
    for contact in people:
        decides = "Decides" if contact.pk == deal.opportunity.decision_owner_id else contact.get_decision_role_display()
        hours = f"{contact.works_from:%H:%M} to {contact.works_to:%H:%M} {contact.time_zone}"
        said = [contact.title, contact.email, contact.phone, f"Works {hours}", reach(contact, guests.get(contact.pk))]
        entries.append(Entry(contact.name, contact.staff_url(), decides, list(filter(None, said))))
    return Part("people", "Who decides", [("", entries)], empty="Nobody at the client is known.")


def reach(contact, guest) -> str:
    """Say whether we reach somebody, and whether they get into the portal."""
    if contact.left_on:
        return f"Left on {day(contact.left_on)}"
    reached = "We reach them" if contact.is_reachable else "We do not reach them: no address that takes mail, no phone"
    if guest is None:
        return f"{reached}; no access to the portal"
    return f"{reached}; access to the portal {'was taken away' if guest.revoked_at else 'was given'}"


# -- What was said. ----------------------------------------------------------------------------------------------------


def said_aloud(deal) -> Part:
    """What no document held when it was said, and what we wrote down of talks."""
    promises = [
        Entry(
            said.words,
            said.staff_url(),
            said.get_stage_display(),
            list(filter(None, [said.said_by and f"Said by {said.said_by}", said.settled_as])),
        )
        for said in deal.opportunity.unwritten_promises.order_by("pk")[:MOST]
    ]
    talks = [
        Entry(
            f"{talk.get_channel_display()} with {talk.contact_name}: {talk.subject}",
            talk.staff_url(),
            said=[moment(talk.happened_at)] if talk.happened_at else [],
            words=short(talk.body),
        )
        for talk in deal.messages
        if talk.channel != Message.Channel.MAIL
    ]
    notes = [
        Entry(str(note), note.staff_url(), said=[f"Written by {note.written_by}"], words=short(note.words))
        for note in deal.opportunity.notes.current().with_programs().select_related("author").order_by("-pk")[:MOST]
    ]
    groups = [("Promised aloud", promises), ("Calls and meetings", talks), ("Notes", notes)]
    return Part("said", "What was said aloud", groups, empty="Nothing was said beside what is written.")


def objected(deal) -> Part:
    """What the client doubted, and what we answered."""
    doubts = list(deal.opportunity.objections.select_related("raised_by").order_by("pk")[:MOST])
    pointing.say_about(doubts)
    entries = [
        Entry(
            doubt.get_kind_display(),
            doubt.staff_url(),
            doubt.get_stage_display(),
            list(filter(None, [doubt.raised_by and str(doubt.raised_by), pointed_at(doubt.about)])),
            words=answer_to(doubt),
            quote=doubt.words,
        )
        for doubt in doubts
    ]
    return Part("objections", "Objections and our answers", [("", entries)], empty="The client raised no objection.")


def pointed_at(about) -> str:
    return f"About: {about['kind'].lower()} “{pointing.short(about['words'])}”" if about else ""


def answer_to(doubt) -> str:
    if doubt.is_open:
        return "Nobody answered it yet."
    return f"{'We answered' if doubt.stage == doubt.Stage.ANSWERED else 'What follows from it'}: {doubt.answer}"


def measured(deal) -> Part:
    """What we measured, how it stands, what was said on it, and what must be known beside it."""
    claims = Prefetch("claims", Claim.objects.filter(proposal=deal.contract.proposal_id), to_attr="ours")
    rows = Evidence.objects.newest().filter(audit__opportunity=deal.opportunity)
    rows = rows.select_related("withdrawal", "corrected_by", "audit").prefetch_related(claims)
    entries = []
    for evidence in rows.order_by("metric", "pk")[:MOST]:
        said = [f"{evidence.provider}, {day(timezone.localtime(evidence.captured_at))}"]
        said.append(f"Confidence {evidence.get_confidence_display().lower()}, {STANDS[evidence.standing]}")
        said += [f"Behind the claim “{claim}”" for claim in evidence.ours]
        inside = [("Provider caveat", evidence.provider_caveat), ("Raw note", evidence.raw_note)]
        entries.append(
            Entry(
                str(evidence),
                evidence.staff_url(),
                said=said,
                internal=[(kind, short(words)) for kind, words in inside if words],
            )
        )
    return Part("evidence", "Evidence, with its caveats", [("", entries)], empty="Nothing was measured.")


# -- What was agreed. --------------------------------------------------------------------------------------------------


def agreed(deal) -> Part:
    """Payment, contract, kickoff, who leads the onboarding, and when the first report is owed."""
    contract, project, payment = deal.contract, deal.project, deal.contract.payment
    currency, totals = contract.proposal.currency, contract.proposal.totals
    cadence = project.cadences.first()
    closing = deal.opportunity.closings.filter(outcome="won").order_by("-pk").first()
    paid = f"{payment.get_stage_display()}, {money(payment.paid, currency)} of {money(payment.amount, currency)}"
    before = "before the start" if contract.payment_before_start else "not before the start"
    kickoff = day(project.kickoff_on) if project.kickoff_on else "Not agreed yet"
    if contract.kickoff_on and contract.kickoff_on != project.kickoff_on:
        kickoff += f" (the contract says {day(contract.kickoff_on)})"
    won = " ".join(filter(None, [closing.get_reason_display() + ".", closing.words])) if closing else ""
    if closing and closing.competitor:
        won += f" Against {closing.competitor}."
    first = day(cadence.first_due_on) if cadence and cadence.first_due_on else "No day yet"
    facts = [
        ("Contract", f"{contract.number}, {contract.get_stage_display().lower()}", contract.staff_url()),
        ("Signed by both sides", day(contract.active_at), ""),
        ("Price", f"{money(totals.once, currency)} once, {money(totals.monthly, currency)} each month", ""),
        ("First payment", f"{paid}, asked for {before}", payment.staff_url()),
        ("Kickoff", kickoff, project.staff_url("id_kickoff_on")),
        ("Onboarding owner", str(project.owner), project.staff_url("id_owner")),
        ("First report", f"{first}, {cadence.get_frequency_display().lower()}" if cadence else first, ""),
        ("Why they chose us", won, closing.staff_url() if closing else ""),
    ]
    return Part("agreed", "Payment, contract, kickoff", facts=[fact for fact in facts if fact[1]])


def gates(deal) -> Part:
    """What must be true before the client is live, each unmet reason with its link."""
    project = deal.project
    part = Part("gates", "Before it goes live")
    if project.stage not in (Project.Stage.SETUP, Project.Stage.READY):
        part.empty = since_when(project)
        return part
    steps = {step.name: step for step in Project.steps() if step.name in ("make_ready", "go_live")}
    needed = dict.fromkeys([*steps["make_ready"].custom["gates"], *steps["go_live"].custom["gates"]])
    entries, lines = [], met.lines_of(project)
    for gate in needed:
        lacks = gate.lacks(project)
        line = None if lacks else lines.get(gate.__name__)
        said = [f"{line.actor_name}, {moment(line.at)}"] if line else []
        entries.append(Entry(gate.sentence, tag="To do" if lacks else "Met", said=said, met=not lacks, lacks=lacks))
    part.groups = [("", entries)]
    return part


def since_when(project) -> str:
    lines = Event.objects.filter(record_type=Project.label(), record_id=project.pk, verb="project.go_live")
    event = lines.order_by("pk").last()
    live = f"It went live on {day(timezone.localtime(event.at))}." if event else "It never went live."
    return live if project.is_open else f"{live} It is closed."


def blocked(deal) -> Part:
    """What stands in the way of going live."""
    blockers = deal.project.blockers.select_related("owner", "summary").order_by("stage", "-pk")[:MOST]
    entries = []
    for blocker in blockers:
        blocker.project = deal.project
        days = (timezone.localdate() - blocker.since).days
        age = f"Since {day(blocker.since)}" + (f", {days} day{'' if days == 1 else 's'}" if blocker.is_open else "")
        due = blocker.due_on and f"To be cleared by {day(blocker.due_on)}"
        told = blocker.summary
        words = (
            f"Words for the client: {told.get_stage_display().lower()}" if told else "The client reads nothing of it"
        )
        tag = blocker.get_severity_display() if blocker.is_open else blocker.get_stage_display()
        said = list(filter(None, [str(blocker.owner), age, due, words]))
        entries.append(Entry(blocker.words, blocker.staff_url(), tag, said, moves=deal.moves_of(blocker)))
    return Part("blockers", "Launch blockers", [("", entries)], empty="Nothing blocks the launch.")


# -- The client's own words, and the receipt. --------------------------------------------------------------------------


def noted(deal) -> Part:
    """What we wrote down of what they told us in discovery, in words of ours."""
    entries, discovery = [], deal.discovery
    for name in Discovery.PARTS if discovery else ():
        if words := getattr(discovery, name).strip():
            label = Discovery._meta.get_field(name).verbose_name
            entries.append(Entry(label.capitalize(), discovery.staff_url(f"id_{name}"), words=short(words)))
    return Part("discovery", "What we noted in discovery", [("", entries)], empty="Discovery holds no notes.")


def in_their_words(deal) -> Part:
    """What the client told us: in answers to our questions, and in mail."""
    discovery, answered = deal.discovery, []
    if discovery is not None:
        for answer in discovery.answers.exclude(words="").select_related("question").order_by("question_id")[:MOST]:
            answered.append(Entry(str(answer.question), discovery.staff_url(), quote=short(answer.words)))
    mails = [
        Entry(f"{mail.contact_name}: {mail.subject}", mail.staff_url(), said=when(mail), quote=short(mail.body))
        for mail in deal.messages
        if mail.channel == Message.Channel.MAIL
    ]
    groups = [("What they answered", answered), ("What they wrote", mails)]
    return Part("words", "In the client’s own words", groups, empty="Nothing of theirs is written down.")


def made(deal) -> Part:
    """The receipt: everything that winning made, once."""
    kinds: dict[str, list] = {}
    for line in deal.handoff.receipts.all():
        kinds.setdefault(plural(apps.get_model(line.record_type)), []).append(Entry(bare(line.words), page_of(line)))
    return Part("receipt", "Receipt: what winning made", list(kinds.items()), empty="Winning made nothing.")


PARTS: tuple[tuple[Callable, str], ...] = (
    (promised, "handoff.view_promise"),
    (deciding, "opportunities.view_contact"),
    (said_aloud, "opportunities.view_note"),
    (objected, "opportunities.view_objection"),
    (measured, "opportunities.view_evidence"),
    (agreed, "proposals.view_contract"),
    (gates, "handoff.view_project"),
    (blocked, "handoff.view_launchblocker"),
    (noted, "opportunities.view_discovery"),
    (in_their_words, "opportunities.view_discovery"),
    (made, "handoff.view_receipt"),
)

# -- Small things. -----------------------------------------------------------------------------------------------------


def plural(model) -> str:
    """Return the heading that records of one kind stand under."""
    return capfirst(str(model._meta.verbose_name_plural))


def bare(words) -> str:
    """Return the words of a line of the receipt, without its kind, which stands above it."""
    return words.partition(": ")[2]


def page_of(line) -> str:
    """Return the page of what a line of the receipt names, where it has one."""
    try:
        return reverse(f"admin:{line.record_type.replace('.', '_')}_change", args=[line.record_id])
    except NoReverseMatch:
        return ""


def when(mail) -> list[str]:
    return [moment(mail.happened_at)] if mail.happened_at else []


def short(words) -> str:
    return Truncator(words.strip()).chars(LONG)


def day(value) -> str:
    return formats.date_format(value, "D j M Y") if value else ""


def moment(at) -> str:
    return formats.date_format(timezone.localtime(at), "D j M Y, H:i T")
