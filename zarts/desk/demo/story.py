"""How one client's story is told: step by step, each a real move on its own day."""

from datetime import datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from handoff import publishing
from handoff.models import CadenceChange, Report, ReportNote
from opportunities import followups
from opportunities.models import Audit, Consent, Contact, Evidence, Lead, LeadFact, Message, Opportunity, Source, Task
from opportunities.records import Opens, begin, edit, perform
from proposals import answering
from proposals.models import Claim, Contract, Milestone, PriceLine, Proposal, ScopeItem, Service, Summary

from . import rules
from .brief import answers
from .clock import real_now

ANSWER = Opens("follow_up", "Answer and find out what they need", 2)
# Each step of the path, and the day on which it comes when nothing hurries or hinders it.
DAYS = {
    "arrive": 0, "work": 1, "qualify": 3, "discover": 4, "note": 7, "ask_audit": 8, "collect": 10, "review": 12,
    "verify": 13, "write": 15, "submit": 17, "approve": 18, "send": 19, "opened": 21, "accept": 25, "draw_up": 26,
    "ask_contract": 27, "approve_contract": 28, "send_contract": 28, "sign": 31, "countersign": 32, "win": 33,
    "take_over": 36, "set_up": 46, "go_live": 49,
}  # fmt: skip
# What the owner writes down as the next action where a story stops, and the days until it is due.
NEXT = {
    "qualify": ("Hold the discovery call", 1),
    "note": ("Ask for access and start the audit", 1),
    "ask_audit": ("Collect the evidence", 2),
    "collect": ("Collect what the client still owes us", 1),
    "review": ("Have the audit verified", 1),
    "verify": ("Write the proposal while the numbers are fresh", 2),
    "write": ("Finish the proposal and send it to review", 1),
    "submit": ("Wait for the approvals", 1),
    "approve": ("Send the approved proposal", 0),
    "send": ("Ask how the proposal reads", 1),
    "opened": ("Talk about the proposal that they opened", 1),
    "ask_contract": ("Wait for the approval of the contract", 1),
    "send_contract": ("Get the contract signed", 2),
    "sign": ("Countersign the contract", 0),
    "win": ("Hand over to delivery", 1),
}


class Story:
    """One client, from the first word to wherever the story stops."""

    def __init__(self, client, *, clock, visitor, people, ops, start, pace=1.0):
        self.client, self.clock, self.visitor, self.people = client, clock, visitor, people
        self.start, self.pace = start, pace
        self.take_care(people[ops])
        clock.begin_again()

    def take_care(self, ops):
        """Say whose client this is: the manager of their team approves."""
        self.ops = ops
        self.manager = self.people["ben" if ops.team.name == "East" else "mia"]

    def walk(self, until):
        """Go every step up to and with this one."""
        for number, (step, day) in enumerate(DAYS.items()):
            self.clock.to(self.start + round(day * self.pace), 8 + (number * 3 + len(self.client.name)) % 9)
            getattr(self, step)()
            followups.send_due()
            if step == until:
                if step in NEXT:
                    self.next(*NEXT[step])
                return self
        raise ValueError(f"There is no step “{until}”.")

    def later(self, days, hour=10):
        """Let days pass, and let what fell due meanwhile be done."""
        self.clock.to((timezone.localdate() - real_now().date()).days + days, hour)
        followups.send_due()

    @property
    def opportunity(self):
        return Opportunity.objects.get(client__name=self.client.name)

    def did(self, record, outcome=""):
        """Tick off what was promised about a record."""
        for task in Task.objects.about(record).unfinished():
            perform(task.finish, by=task.owner, outcome=outcome)

    def next(self, action, days):
        """Write down what happens next, due on a day counted from today."""
        due = real_now().date() + timedelta(days=days)
        edit(self.opportunity, by=self.opportunity.owner, next_action=action, due_on=due)

    def promise(self, title, days, *, hour=15, kind="follow_up", **fields):
        """Promise something for a day counted from today; a day before today is overdue."""
        due = timezone.make_aware(datetime.combine(real_now().date() + timedelta(days=days), time(hour)))
        task = Task(opportunity=self.opportunity, kind=kind, title=title, owner=self.ops, due_at=due, **fields)
        return begin(task, by=self.ops, past="promised")

    def talked(self, subject, body, channel="call", opportunity=True):
        """File a talk with the contact."""
        contact = self.opportunity.decision_owner
        where = {"client": contact.client, "opportunity": self.opportunity if opportunity else None}
        words = {"contact": contact, "owner": self.ops, "channel": channel, "subject": subject, "body": body}
        return perform(begin(Message(**where, **words), by=self.ops, past="wrote down").receive, by=None)

    # -- From the first word to proof. ---------------------------------------------------------------------------------

    def arrive(self):
        client, who = self.client, self.client.person
        if client.source == "Public form":
            self.visitor.inquire(client)
            self.lead = Lead.objects.get(company=client.name)
            if self.lead.owner != self.ops:
                self.pass_on()
            return
        kind = {"Autumn campaign": "campaign", "Referred by a client": "referral"}.get(client.source, "event")
        source = Source.objects.filter(name=client.source).first()
        source = source or begin(Source(name=client.source, kind=kind), by=self.ops, past="added")
        fields = {"email": who.email, "phone": who.phone, "website": client.website, "country": client.country}
        lead = Lead(name=who.name, company=client.name, words=client.words, source=source, owner=self.ops, **fields)
        lead.due_on = timezone.localdate() + timedelta(days=2)
        self.lead = begin(lead, by=self.ops, past="added")
        followups.open_task(self.lead, ANSWER, by=self.ops)

    def pass_on(self):
        """The inbox gave it to whoever had the least to do; the director gives it to whoever knows the region."""
        changes = {"by": self.people["priya"], "owner": self.ops, "reason": f"{self.ops.team} knows the region."}
        self.lead = edit(self.lead, **changes)
        for task in self.lead.tasks.all():
            edit(task, **changes)

    def work(self):
        self.lead = perform(self.lead.work, by=self.ops)

    def confirm(self, *kinds):
        client = self.client
        facts = {
            "source": client.source,
            "service_fit": client.offer.service if client.offer else "Search and speed",
            "urgency": client.urgency or "This half year",
            "decision_owner": f"{client.person.name}, {client.person.title.lower()}",
            "contact_path": "Mail, and a call in the morning" if client.person.phone else "Mail",
            "budget_signal": client.budget or "Asked; no number yet",
            "next_action": "Book the discovery call",
        }
        for kind in kinds:
            self.lead.confirm(kind, facts[kind], by=self.ops)

    def qualify(self):
        client, who = self.client, self.client.person
        self.confirm(*LeadFact.Kind.values)
        self.lead = perform(self.lead.qualify, by=self.ops, value=Decimal(client.value))
        opportunity, contact = self.opportunity, self.opportunity.decision_owner
        edit(contact, by=self.ops, title=who.title, time_zone=client.zone)
        company = {"industry": client.industry, "time_zone": client.zone, "country": client.country}
        edit(opportunity.client, by=self.ops, website=client.website, **company)
        for purpose, basis in (("transactional", "interest"), ("contractual", "contract"), ("marketing", "consent")):
            fields = {"purpose": purpose, "basis": basis, "text_version": "talk-2026-07", "source": "Said on the phone"}
            begin(Consent(contact=contact, recorded_by=self.ops, **fields), by=self.ops, past="kept")
        others = [client.second] if client.second else []
        others += [(client.books, "billing")] if client.books else []
        for person, role in others:
            fields = {"title": person.title, "decision_role": role, "time_zone": client.zone}
            other = Contact(client=opportunity.client, name=person.name, email=person.email, **fields)
            begin(other, by=self.ops, past="added")
        name = client.offer.title if client.offer else f"Growth audit for {client.name}"
        decide = timezone.localdate() + timedelta(days=round(40 * self.pace))
        edit(opportunity, by=self.ops, name=name, currency=client.currency, decision_on=decide)
        self.talked("First call", f"{who.name} said: “{client.words}” Budget: {client.budget.lower()}.")

    def discover(self):
        wanted = self.client.offer.service if self.client.offer else "Search and speed"
        Service.want(self.opportunity, Service.objects.filter(name=wanted), by=self.ops)
        perform(self.opportunity.start_discovery, by=self.ops)

    def note(self):
        discovery, said = self.opportunity.discoveries.get(), answers(self.client)
        given = {question.field: said[question.words] for question in discovery.questions if question.words in said}
        discovery = discovery.write({**self.client.discovery, **given}, by=self.ops, seen={})
        if all(getattr(discovery, part) for part in discovery.PARTS):
            perform(discovery.complete, by=self.ops)
            self.did(self.opportunity, "The call took place; the notes are written.")

    def ask_audit(self):
        perform(self.opportunity.start_audit, by=self.ops)

    @property
    def audit(self):
        return Audit.objects.get(opportunity=self.opportunity)

    def collect(self):
        audit = perform(self.audit.collect, by=self.ops)
        measured_at = timezone.now() - timedelta(hours=3)
        for row in self.client.measured:
            fields = {"metric": row.metric, "value": Decimal(row.value), "unit": row.unit, "provider": row.provider}
            inner = {"raw_note": row.note, "provider_caveat": row.caveat, "confidence": row.confidence}
            Evidence.record(audit, by=self.ops, captured_at=measured_at, **fields, **inner)

    def review(self):
        perform(self.audit.submit, by=self.ops)

    def verify(self):
        perform(self.audit.verify, by=self.manager)

    # -- The offer. ----------------------------------------------------------------------------------------------------

    @property
    def proposal(self):
        return Proposal.objects.filter(opportunity=self.opportunity).latest("id")

    def write(self):
        offer, opportunity = self.client.offer, perform(self.opportunity.start_proposal, by=self.ops)
        found = Summary(opportunity=opportunity, kind="finding", title=offer.summary[0], words=offer.summary[1])
        found.owner = found.author = self.ops
        found.source, found.next_action = f"Audit of {self.client.name}", "Submit it for review"
        begin(found, by=self.ops)
        begin(
            Proposal(
                opportunity=opportunity,
                lead=self.lead,
                service=Service.objects.get(name=offer.service),
                title=offer.title,
                intro=offer.intro,
                currency=self.client.currency,
                valid_until=timezone.localdate() + timedelta(days=25),
                decide_on=timezone.localdate() + timedelta(days=18),
                owner=self.ops,
                author=self.ops,
                source=f"Audit of {self.client.name}",
                due_on=timezone.localdate() + timedelta(days=3),
            ),
            by=self.ops,
        )
        proposal = self.proposal
        for position, (row, evidence) in enumerate(self.rows()):
            row.position = position
            proposal.add(row, by=self.ops, evidence=evidence)

    def rows(self):
        """Yield the rows of the offer, each with its evidence."""
        offer = self.client.offer
        first, second = Evidence.objects.filter(audit=self.audit).order_by("id")
        for (title, text), proof in zip(offer.included, (first, second), strict=True):
            yield ScopeItem(kind="included", title=title, text=text), [proof]
        for kind in ("excluded", "assumption", "dependency"):
            title, text = getattr(offer, kind)
            yield ScopeItem(kind=kind, title=title, text=text), []
        for title, start, weeks, who in offer.steps:
            yield Milestone(title=title, start_week=start, weeks=weeks, who=who), [first]
        for recurring, proof in (("once", first), ("monthly", second)):
            title, price, cost, assumption = getattr(offer, recurring)
            inner = {"internal_cost": Decimal(cost), "pricing_assumption": assumption}
            yield PriceLine(title=title, recurring=recurring, unit_price=Decimal(price), **inner), [proof]
        title, price = offer.optional
        yield ScopeItem(kind="optional", title=title, text="In addition to the rest."), [second]
        yield PriceLine(title=title, unit_price=Decimal(price), optional=True), [second]
        yield Claim(text=offer.finding, metric="", unit=first.unit), [first]
        text, low, high, method = offer.projection
        numbers = {
            "metric": second.metric,
            "low": Decimal(low),
            "high": Decimal(high),
            "unit": second.unit,
            "better": offer.better,
        }
        yield Claim(text=text, kind="projection", method=method, **numbers), [second]

    def submit(self):
        perform(self.opportunity.summaries.get().submit, by=self.ops)
        perform(self.proposal.submit, by=self.ops)
        self.did(self.opportunity, "It is written and in review.")

    def approve(self):
        self.say_yes(self.opportunity.summaries.get(), self.proposal)

    def say_yes(self, *records):
        for record in records:
            while approval := record.approvals.filter(stage="pending").order_by("id").first():
                perform(approval.approve, by=self.manager, digest=approval.digest)

    def answer(self, words):
        """Answer what they asked last, on the page where they asked it."""
        question = self.opportunity.messages.exclude(portal_action_id=None).latest("pk")
        answer = Summary(opportunity=self.opportunity, kind="answer", title=answering.title_for(question), words=words)
        answer.owner = answer.author = self.ops
        answer.record_type, answer.record_id = question.label(), question.pk
        begin(answer, by=self.ops)
        self.say_yes(perform(answer.submit, by=self.ops))

    def send(self):
        perform(self.proposal.send, by=self.ops, contact=self.opportunity.decision_owner, others=self.others())

    def others(self) -> list:
        """Return who gets a link beside whoever decides, and for what: whoever keeps their books reads along."""
        return [(self.contact(self.client.books), "reads")] if self.client.books else []

    def contact(self, person) -> Contact:
        return self.opportunity.client.contacts.get(email=person.email)

    def opened(self):
        self.visitor.open(self.proposal)

    def accept(self, *, with_option=True):
        chosen = self.proposal.price_lines.filter(optional=with_option).values_list("pk", flat=True)
        self.visitor.answer(self.proposal, "accepted", options=chosen if with_option else ())

    # -- The contract. -------------------------------------------------------------------------------------------------

    @property
    def contract(self):
        return Contract.objects.get(opportunity=self.opportunity)

    def draw_up(self, **terms):
        self.did(self.proposal, "The contract is on its way.")
        perform(self.opportunity.start_contract, by=self.ops)
        about = timezone.localdate() + timedelta(days=round(18 * self.pace))
        terms.setdefault("kickoff_on", about - timedelta(days=about.weekday()))  # a Monday
        Contract.draw_up(self.proposal, by=self.ops, **self.terms() | terms)

    def terms(self) -> dict:
        """Return what this contract says about reports; a story with reports says more."""
        return {}

    def ask_contract(self):
        perform(self.contract.submit, by=self.ops)

    def approve_contract(self):
        self.say_yes(self.contract)

    def send_contract(self):
        perform(self.contract.send, by=self.ops)

    def sign(self):
        self.visitor.sign(self.contract)
        self.did(self.opportunity, "They signed.")
        words = f"{self.client.person.name} gave us the address for the invoices, and copied in whoever pays them."
        rules.confirm(self.opportunity, words, by=self.ops)

    def countersign(self):
        contract = perform(self.contract.countersign, by=self.manager, role=self.manager.title)
        due = timezone.localdate() + timedelta(days=14)
        perform(contract.payment.send_invoice, by=self.ops, invoice=f"2026-{100 + contract.pk}", due_on=due)

    def win(self):
        self.did(self.contract, "Marked as won.")
        words = f"{self.client.person.name} said that the numbers decided it."
        perform(self.opportunity.win, by=self.ops, reason="proof", competitor="Nobody", words=words)

    # -- Delivery. -----------------------------------------------------------------------------------------------------

    @property
    def handoff(self):
        return self.opportunity.handoffs.get()

    @property
    def project(self):
        return self.handoff.project

    @property
    def delivery(self):
        return self.handoff.owner

    def take_over(self):
        self.did(self.opportunity, "Handed over.")
        for promise in self.handoff.promises.filter(stage="offered"):
            perform(promise.accept, by=self.delivery)
        perform(self.handoff.accept, by=self.delivery)

    def got_paid(self):
        payment = self.contract.payment
        reference = f"Transfer {payment.invoice}"
        link = f"https://bank.zarts.example/statements/{payment.invoice}"
        perform(payment.pay, by=self.ops, reference=reference, happened_on=timezone.localdate(), link=link)

    def set_up(self):
        self.got_paid()
        for item in self.project.items.all():
            perform(item.finish, by=self.delivery)
        for connector in self.project.connectors.all():
            self.let_in(connector)
        perform(self.project.make_ready, by=self.delivery)

    def let_in(self, connector):
        perform(self.got_access(connector).verify, by=self.delivery)

    def got_access(self, connector):
        kept = f"Team vault, {self.client.name}"[:60]
        holder = self.project.client.contacts.reachable().first()
        return perform(connector.grant, by=self.delivery, holder=holder, secret_kept_at=kept)

    def go_live(self):
        self.did(self.handoff, "It is live.")
        perform(self.project.go_live, by=self.delivery)

    # -- Reports. ------------------------------------------------------------------------------------------------------

    def report(self, title, words, values, steps, *, days_late=0, because=""):
        """Write the report that is owed next, have it approved, and publish it."""
        report = self.project.reports.exclude(stage="published").first()
        day = (report.due_on - real_now().date()).days
        self.clock.to(day - 3, 11)
        report = self.drafted(report, title, words, values, steps)
        report = perform(report.submit, by=self.delivery)
        self.clock.to(day - 1 + days_late, 15)
        self.say_yes(report.summary)
        report = perform(Report.objects.get(pk=report.pk).approve, by=self.manager)
        self.clock.to(day + days_late, 9, exactly=True)
        if because:
            report = edit(report, by=self.delivery, breach_reason=because)
        perform(report.publish, by=self.delivery)
        followups.send_due()

    def tell_of_the_delay(self, report, because, words):
        """Note why a report is late, and tell the client in words that somebody else approved."""
        note = ReportNote(
            report=report, words="Ask them for a second login before the next month.", author=self.delivery
        )
        begin(note, by=self.delivery)
        report = edit(report, by=self.delivery, breach_reason=because)
        comes = publishing.next_day_for(report)
        title = f"Your report for {report.covers} comes on {comes:%A} {comes.day} {comes:%B}"
        words = f"We promised it for {publishing.long_day(report.due_on)}, and we are sorry.\n\n{words}"
        notice = Summary(
            opportunity=self.opportunity, kind="notice", title=title, words=words, source=str(report)[:200]
        )
        notice.owner = notice.author = self.delivery
        notice.record_type, notice.record_id = report.label(), report.pk
        self.say_yes(perform(begin(notice, by=self.delivery).submit, by=self.delivery))
        followups.send_due()

    def drafted(self, report, title, words, values, steps):
        """Begin a report: its words go to review, its numbers are filled in."""
        report = perform(report.start, by=self.delivery)
        text = Summary(opportunity=self.opportunity, kind="report", title=title, words=words, source=str(report)[:200])
        text.owner = text.author = self.delivery
        text.record_type, text.record_id = report.label(), report.pk
        begin(text, by=self.delivery)
        perform(text.submit, by=self.delivery)
        numbers = [{**number, "value": value} for number, value in zip(report.numbers, values, strict=True)]
        return edit(report, by=self.delivery, summary=text, numbers=numbers, next_steps=steps)

    def asks_for(self, kind, reason, **said):
        """Ask for other days of the reports, a pause or an end, which a manager has to approve. Return it."""
        terms = self.project.cadences.get()
        days = {**terms.terms, **said} if kind == CadenceChange.Kind.TERMS else said
        change = CadenceChange(cadence=terms, kind=kind, reason=reason, asked_by=self.delivery, **days)
        change.clean()
        return begin(change, by=self.delivery, past="asked for:")
