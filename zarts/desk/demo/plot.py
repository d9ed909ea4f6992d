"""Who gets how far, and what happens to them there."""

from datetime import timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta
from django.utils import timezone

from handoff.models import CadenceChange, LaunchBlocker
from opportunities.evidence import import_evidence
from opportunities.models import Lead, Note, Objection, SavedView, UnwrittenPromise
from opportunities.records import begin, edit, perform
from proposals import clock as proposals_clock
from proposals.models import Summary

from . import changes, exports, fair, letters, programs
from .clock import real_now
from .story import Story
from .texts import early, offers, won

CLIENTS = {client.name: client for client in [*early.CLIENTS, *offers.CLIENTS, *won.CLIENTS]}


def today():
    return real_now().date()


# -- Leads. ------------------------------------------------------------------------------------------------------------


def half_confirmed(story):
    called_before(story)
    story.confirm("source", "service_fit", "urgency", "decision_owner", "contact_path", "next_action")


def called_before(story):
    """Somebody wrote down their call as one more lead; the two entries became one."""
    who, words = story.client.person, "Called at noon: asks whether we know the software of vets."
    call = Lead(name=who.name, company="Marlow Vets", phone=who.phone, words=words, owner=story.ops)
    perform(begin(call, by=story.ops, past="added").merge, by=story.ops, into=story.lead)


def two_facts(story):
    story.confirm("source", "contact_path")


def too_small(story):
    story.later(2)
    reason = "Eighty a month buys nothing that we would stand behind. Sent our free checklist instead."
    perform(story.lead.disqualify, by=story.ops, reason=reason)


def not_us(story):
    story.later(1)
    perform(story.lead.disqualify, by=story.ops, reason="Wants bought leads by the piece. We do not sell those.")


# -- Discovery and audit. ----------------------------------------------------------------------------------------------


def call_tomorrow(story):
    story.promise(f"Hold the discovery call with {story.client.person.name}", 1, hour=11)


def notes_are_missing(story):
    story.later(1)
    story.promise("Ask which January courses must fill first", 0, hour=16)
    jot(story, "Lucía cannot talk in school hours. After five is good, and she likes a short mail before.", "call")
    note(story, "timing", "In January everybody saves money after Christmas.")


def note(story, kind, words):
    raised = {"opportunity": story.opportunity, "raised_by": story.opportunity.decision_owner}
    return begin(Objection(kind=kind, words=words, owner=story.ops, **raised), by=story.ops, past="noted")


def jot(story, words, kind="note"):
    return Note.take(story.opportunity, words, by=story.ops, kind=kind)


def partner_doubts(story):
    doubt = note(story, "trust", "The last agency promised us the first page and then sent invoices.")
    story.later(1)
    story.promise("Ask Marcus Pike for access to the advertising account", 0, hour=16)
    answer = "We named two firms that they may call, and offered a contract that ends with thirty days' notice."
    perform(doubt.reply, by=story.ops, answer=answer)


def no_access_yet(story):
    story.promise("Get into the advertising account with Carla Dunn", 0, hour=11)


def founders_meet(story):
    jot(story, "Paul thinks in bottles, not in visits. Say what a number means in bottles.", "meeting")
    said = said_aloud(story, "We can write the tasting letters too.", said_by="Cem, on the phone")
    perform(said.withdraw, by=story.ops, reason="Cem told Paul by mail the same day: letters are theirs.")
    story.promise("Send Paul Reyes three lines for the founders' meeting", 2)


def collecting(story):
    """Files of providers came in; a number was a slip, and another was measured on the wrong page."""
    page = story.client.website
    report = exports.lighthouse(f"{page}/probefahrt", load=7420, score=0.34)
    import_evidence(report, story.audit, by=story.ops, name="probefahrt-phone.json")
    period = timezone.now() - timedelta(days=2)
    queries = exports.QUERIES.encode()
    import_evidence(queries, story.audit, by=story.ops, name="Queries.csv", captured_at=period)
    index = story.audit.evidence.get(metric="Speed Index on phones")
    index.correct(by=story.ops, value=Decimal("7.1"), reason="The median of the five runs, not the last one.")
    weight = story.audit.evidence.get(metric="Page weight")
    weight.withdraw(by=story.ops, reason="The page loaded a film that the shop has taken out since.")
    story.promise("Get the numbers of the workshop calendar from Maren Voss", -1)


def grow_old(story):
    """Let the audit's evidence age."""
    audit = story.audit
    story.clock.to((audit.due_on - today()).days + 1, 1, exactly=True)
    return perform(audit.expire, by=None, reason="Its evidence has aged.")


def goes_stale(story):
    """Nobody wrote the proposal, and the numbers grew old."""
    grow_old(story)
    story.next("Measure again before we promise anything", 1)
    story.promise("Tell Ray Osborne why we measure again", 0, hour=14)


# -- Proposals. --------------------------------------------------------------------------------------------------------


def said_aloud(story, words, **fields):
    promise = UnwrittenPromise(opportunity=story.opportunity, words=words, owner=story.ops, **fields)
    return begin(promise, by=story.ops, past="noted")


def draft(story):
    said_aloud(story, "We could look at the restaurant's page as well.", said_by="Ada, in the lobby")


def waits_for_an_answer(story):
    edit(story.opportunity, by=story.ops, close_risk="Greg Novak has not read it yet.")
    story.promise("Call Greg Novak before his Thursday meeting", 1, hour=9)


def has_a_question(story):
    """One question is answered where they asked it; the next one waits for us."""
    story.visitor.answer(story.proposal, "asked", words="Do you write the letters in French, too?")
    story.answer("Yes. Each letter is written in French first and in English after that, both by the same person.")
    story.later(1)
    words = "Can we begin with the letters only, and add the refill page after summer?"
    story.visitor.answer(story.proposal, "asked", words=words)
    doubt = note(story, "price", "My accountant says that the set-up should be paid in three parts.")
    doubt.point_at(story.proposal.price_lines.filter(recurring="once").first(), by=story.ops)
    jot(story, "The accountant is her brother, and reads every line. Send him the price page by itself.", "call")


def says_no(story):
    story.later(3)
    words = "Three of my agents will not answer a phone in turns. Without them it makes no sense."
    story.visitor.answer(story.proposal, "declined", words=words)
    story.later(1)
    story.next("Offer a month with four agents", 2)
    story.promise("Offer Angela a month with four agents only", 2)


def runs_out(story):
    """We ask how it reads, and the last day passes without an answer."""
    story.later(5, 18)
    story.clock.to((story.proposal.valid_until - today()).days + 1, 1, exactly=True)
    proposals_clock.expire()
    story.next("Agree a new last day, or let it go", 1)
    story.promise("Ask Theresa Lang whether February still holds", 1)


def is_paused(story):
    reason = "Wes wants to wait for the prices of the new site before we go on."
    perform(story.proposal.pause, by=story.ops, reason=reason)
    empty = story.audit.evidence.get(metric="Empty units at the new site")
    empty.correct(by=story.ops, value=Decimal(64), reason="Seven were let on the first, Wes counted again.")
    perform(perform(story.audit.submit, by=story.ops).verify, by=story.manager)


def is_lost(story):
    story.later(9)
    words = "The board took the cheaper offer of a former pupil. They liked ours, and said so."
    window = {"reactivate_from": today() + timedelta(days=60), "reactivate_to": today() + timedelta(days=150)}
    change = "The board must have seen one term of the cheaper offer."
    lose(story, reason="price", words=words, must_change=change, competitor="Alto Web Studio", **window)


def lose(story, **fields):
    story.did(story.opportunity, "The deal is closed.")
    opportunity = perform(story.opportunity.lose, by=story.ops, **fields)
    return opportunity.win_backs.get()


def comes_back(story):
    """Lost in summer; the window to ask again is open now."""
    window = {"reactivate_from": today() - timedelta(days=4), "reactivate_to": today() + timedelta(days=40)}
    words = "Declan put it off until the new term."
    win_back = lose(story, reason="timing", words=words, must_change="The term must have begun.", **window)
    story.clock.to(-4, 7)
    perform(win_back.open, by=None)


def rests(story):
    story.later(2)
    until = today() + timedelta(days=35)
    perform(story.opportunity.pause, by=story.ops, reason="His brother decides with him and is at sea.", until=until)
    story.promise("Write to Ante when his brother is ashore", 30)


class Revised(Story):
    """They ask for less before they say yes: a second revision, approved anew."""

    def opened(self):
        super().opened()
        words = "We would stay for a year, if the months cost a little less."
        self.visitor.answer(self.proposal, "asked", words=words)
        self.later(1)
        proposal = self.proposal.revise(by=self.ops)
        monthly = proposal.price_lines.get(recurring="monthly", optional=False)
        proposal.change(monthly, by=self.ops, discount=Decimal(5))
        access = proposal.scope_items.get(kind="dependency")
        proposal.change(access, by=self.ops, text=f"{access.text} You stay with us for a year.")
        perform(self.proposal.submit, by=self.ops)
        self.later(1)
        self.say_yes(self.proposal)
        self.send()
        question = self.opportunity.messages.exclude(portal_action_id=None).latest("pk")
        self.did(question, "The second revision says so.")
        super().opened()


# -- Contracts and delivery. -------------------------------------------------------------------------------------------


def is_signed(story):
    said_aloud(story, "We come to the opening of the showroom with a camera.", said_by="Cem, on the phone")


def is_disputed(story):
    promise = story.handoff.promises.get(kind="milestone", title="Campaigns by night")
    for other in story.handoff.promises.exclude(pk=promise.pk)[:4]:
        perform(other.accept, by=story.delivery)
    reason = "Four weeks are too short: the call tracking has to run for a month before we can tell nights apart."
    promise = perform(promise.dispute, by=story.delivery, reason=reason)
    story.later(1)
    changes.word_anew(story, promise, weeks=6)


def is_blocked(story):
    """Half of the list is done; the till does not give its list."""
    story.later(3)
    changes.sell_more(story)
    for item in list(story.project.items.all())[:2]:
        perform(item.finish, by=story.delivery)
    connectors = list(story.project.connectors.all())
    story.let_in(connectors[0])
    # The client was at the portal: one thing of theirs is done, and one access granted.
    logos = story.project.items.filter(who="client", stage="open").first()
    if logos:
        story.visitor.tick(story.project, logos)
    if connectors[1:]:
        story.visitor.grant(story.project, connectors[1])
    story.got_paid()
    words = "BoulderDesk support wants 400 for the export and says so to nobody but Dai."
    blocker = LaunchBlocker(project=story.project, words=words, severity="high", owner=story.delivery)
    blocker.due_on = today() + timedelta(days=6)
    begin(blocker, by=story.delivery, past="reported")
    text = "Your till does not hand over the list of course guests yet. We need it before the first letter can go out."
    summary = Summary(opportunity=story.opportunity, kind="blocker", title="The list from your till", words=text)
    summary.owner = summary.author = story.delivery
    summary.record_type, summary.record_id = blocker.label(), blocker.pk
    begin(summary, by=story.delivery)
    perform(summary.submit, by=story.delivery)
    story.later(1)
    story.say_yes(Summary.objects.get(pk=summary.pk))


class WithReports(Story):
    """A story with two monthly reports behind it; the second was due some days ago."""

    days_ago = 4

    def terms(self):
        second = today() - timedelta(days=self.days_ago)
        first = second - relativedelta(months=1)
        return {"report_every": "monthly", "report_day": second.day, "first_report_on": first}


class TooLate(WithReports):
    """One access is not checked yet on the day of the fair: the manager lets it go live all the same."""

    days_ago = 3

    def let_in(self, connector):
        if connector != self.project.connectors.last():
            return super().let_in(connector)
        return self.got_access(connector)

    def go_live(self):
        self.did(self.handoff, "It is live.")
        why = (
            "The fair in Munich opens tomorrow and the pages have to be up. The access is there, it is only unchecked."
        )
        perform(self.project.go_live, by=self.manager, override=why)
        self.later(2)
        perform(self.project.connectors.last().verify, by=self.delivery)


def reports_come(story):
    words = (
        "The map shows the right door now, and people notice: more of them call.\n\n"
        "The five new pages are up. The next weeks belong to the pages about backs and necks."
    )
    story.report("Your first month", words, ["71"], "Write the page about backs\nAsk ten patients for a review")
    story.did(grow_old(story), "The reports measure it from now on.")
    words = (
        "Calls from the map are where we said that they would be, a month early.\n\n"
        "One page does not do its part yet: the one about necks. We write it anew."
    )
    story.report("Your second month", words, ["84"], "Write the page about necks anew\nPut prices on the map")
    pause = {"first_on": today() + timedelta(days=20), "last_on": today() + timedelta(days=45)}
    because = "The practice moves house, and nobody there reads a report meanwhile. They asked for it by phone."
    asked = story.asks_for(CadenceChange.Kind.PAUSE, because, **pause)
    perform(asked.approve, by=story.manager)
    changes.look_back(story)


def reports_lag(story):
    words = (
        "The German pages are up, all eight.\n\nVisits grow slowly, as they do in the first weeks. "
        "The form for offers with drawings brought its first four requests."
    )
    because = "The numbers of the first week were missing, and came three days later."
    steps = "Translate the page about building times\nBegin the campaign in Bavaria"
    story.report("The first month in Germany", words, ["2480"], steps, days_late=3, because=because)
    story.did(grow_old(story), "The reports measure it from now on.")
    report = story.project.reports.exclude(stage="published").first()
    story.clock.to(-2, 16)
    words = "More Germans come to the new pages, and they stay longer.\n\nThe campaign in Bavaria has begun."
    report = story.drafted(report, "The second month in Germany", words, ["2790"], "Compare Bavaria and Saxony")
    story.clock.to(-1, 10)
    because = "The account in Bavaria was closed for two days, so its numbers came late."
    story.tell_of_the_delay(report, because, "One of the accounts that we count in was shut for a while.")
    because = "Their board meets on the first Monday, and wants the numbers of the whole month before."
    story.asks_for(CadenceChange.Kind.TERMS, because, on_last_working_day=True, day=None)


class SignedByTwo(Story):
    """The owner signs first, and whoever runs the practice after her."""

    def others(self):
        return [(self.contact(self.client.second[0]), "signs"), *super().others()]

    def terms(self):
        contacts = self.opportunity.client.contacts.order_by("id")
        return {"signatories": sorted(contacts[:2], key=lambda contact: contact.name != self.client.person.name)}


# -- All of them. ------------------------------------------------------------------------------------------------------

# Client, whose, first day, pace, the last step of the path, and what happens then.
PLOT = [
    ("Civic Books", "ada", -118, 1.0, "discover", comes_back),
    ("Oakline Chiropractic", "cem", -117, 0.9, "go_live", reports_come),
    ("Baltic Sauna Works", "ada", -112, 0.9, "go_live", reports_lag),
    ("Lakeside Motors", "cem", -76, 1.0, "verify", goes_stale),
    ("Fairmount Music School", "cem", -88, 1.2, "opened", is_lost),
    ("Kestrel Climbing", "ada", -66, 1.4, "take_over", is_blocked),
    ("Vesper Opticians", "ada", -44, 1.0, "send", runs_out),
    ("Meridian Moving", "cem", -60, 1.7, "win", is_disputed),
    ("Kettle & Crane Tea", "ada", -52, 1.0, "work", too_small),
    ("Larkspur Florists", "ada", -48, 1.4, "win", None),
    ("Stonebridge Kitchens", "cem", -46, 1.4, "sign", is_signed),
    ("Delmare Sailing", "ada", -44, 1.0, "note", rests),
    ("Harbor Dental", "ada", -42, 1.4, "send_contract", None),
    ("Alder & Finch Accountants", "ada", -37, 1.3, "ask_contract", None),
    ("Redwood Realty", "cem", -32, 1.2, "opened", says_no),
    ("Maison Verte", "ada", -34, 1.5, "opened", has_a_question),
    ("Cobalt Self Storage", "cem", -27, 1.5, "write", is_paused),
    ("Solano Wine Club", "cem", -29, 1.6, "verify", founders_meet),
    ("Northwind Heating & Air", "cem", -27, 1.3, "send", waits_for_an_answer),
    ("Peak Orthodontics", "cem", -25, 1.3, "approve", None),
    ("Sunrise Solar Tucson", "cem", -24, 1.0, "work", not_us),
    ("Crumb & Co Bakeries", "ada", -22, 1.25, "submit", None),
    ("Hotel Belvoir", "ada", -20, 1.3, "write", draft),
    ("Brightwater Physiotherapy", "ada", -18, 1.4, "review", None),
    ("Grüne Spur", "ada", -16, 1.4, "collect", collecting),
    ("Tidewater Plumbing", "cem", -12, 1.3, "ask_audit", no_access_yet),
    ("Halvorsen & Pike", "cem", -10, 1.2, "note", partner_doubts),
    ("Casa Lingua", "ada", -9, 1.0, "note", notes_are_missing),
    ("Ostrava Lighting", "ada", -6, 1.0, "arrive", None),
    ("Ridgeview Roofing", "cem", -5, 1.2, "qualify", call_tomorrow),
    ("Marlow Veterinary", "ada", -4, 1.0, "work", half_confirmed),
    ("Fjord & Fell Outfitters", "ada", -3, 1.0, "work", two_facts),
    ("Quarry Street Gym", "cem", -1, 1.0, "arrive", None),
    ("Bluebird Childcare", "cem", 0, 1.0, "arrive", None),
]
KIND = {
    "Alder & Finch Accountants": Revised,
    "Oakline Chiropractic": WithReports,
    "Baltic Sauna Works": TooLate,
    "Harbor Dental": SignedByTwo,
}


def tell(clock, visitor, people, say):
    """Tell every story, the longest first."""
    for number, (name, ops, start, pace, until, then) in enumerate(PLOT, 1):
        story = KIND.get(name, Story)(
            CLIENTS[name], clock=clock, visitor=visitor, people=people, ops=ops, start=start, pace=pace
        )
        story.walk(until)
        if then:
            then(story)
        say(f"  {number:2} of {len(PLOT)}  {name}")
    fair.tell(clock, people)
    letters.tell(clock, people)
    save_views(people)
    programs.tell(people)


def save_views(people):
    """Save what the house looks at each week, and what one person looks at each morning."""
    for name, who, shared, filters in (
        ("Offers to chase", "ben", True, {"stage": "proposal", "look": "table", "sort": "quiet"}),
        ("My dates this week", "ada", False, {"owner": "me", "due": "week"}),
    ):
        begin(SavedView(name=name, owner=people[who], shared=shared, filters=filters), by=people[who])
