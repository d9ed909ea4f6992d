"""A small agency with at least one row of every kind of record, made by the real moves."""

from datetime import timedelta

from django.utils import timezone

from handoff.models import CadenceChange, LaunchBlocker, ReportingCadence
from opportunities import followups, notices
from opportunities.importing.upload import upload
from opportunities.models import (
    Campaign,
    Checkpoint,
    Closing,
    Confirmation,
    InboundMail,
    Message,
    MessageTemplate,
    Note,
    Objection,
    QuietDate,
    SavedView,
    Sequence,
    SequenceRun,
    Task,
    UnwrittenPromise,
    WinBack,
)
from opportunities.records import begin, perform
from proposals.models import Block, OfferTemplate
from tests.kept import kept
from tests.makers_handoff import a_won_deal
from tests.makers_proposals import a_summary
from zarts.hooks.models import Delivery, Endpoint


@kept
def a_world(owner, *, manager):
    """Win one deal, and hang on it what a deal need not have. Return its opportunity."""
    opportunity = a_won_deal(owner, manager=manager)
    mine = {"opportunity": opportunity, "owner": owner}
    begin(Objection(kind="price", words="The first year is more than we planned.", **mine), by=owner)
    begin(UnwrittenPromise(words="We look at the newsletter as well.", said_by="Ada", **mine), by=owner)
    Note.take(opportunity, "Their own developer is leaving in spring.", by=owner, kind="call")
    begin(WinBack(closing=Closing.objects.get(opportunity=opportunity), **mine), by=None)
    # Its exclusion is “A new design”.
    begin(Task(title="Design the pages anew", due_at=followups.end_of_day(timezone.localdate()), **mine), by=owner)
    begin(LaunchBlocker(project=opportunity.projects.get(), words="Nobody knows the password.", owner=owner), by=owner)
    terms = ReportingCadence.objects.get(project__opportunity=opportunity)
    asked = {"kind": "end", "first_on": timezone.localdate() + timedelta(days=90), "reason": "They found somebody."}
    begin(CadenceChange(cadence=terms, asked_by=owner, **asked), by=owner)
    a_summary(owner, opportunity=opportunity)
    asked = begin(Checkpoint(sentence="Do they know what a holiday costs them?", due_from="won"), by=manager)
    Confirmation.give(opportunity, asked, by=owner, words="We counted it with them.")
    begin(SavedView(name="Quiet ones", shared=True, filters={"stale": "1"}, owner=owner), by=owner)
    upload("leads", [("people.csv", [b"Name,Email\nBo,bo@x.example\n"])], owner=owner, by=owner)
    contact = opportunity.decision_owner
    draft = {"client": opportunity.client, "contact": contact, "subject": "The kickoff", "body": "Shall we say nine?"}
    message = begin(Message(**draft, **mine), by=owner)
    mail = InboundMail(digest="0" * 64, via="imap", from_address=contact.email, subject="Nine it is")
    perform(begin(mail, by=None).match, by=None, message=message)
    template = begin(MessageTemplate(name="How did it go?"), by=manager)
    template.revise("How did it go?", "Hello, how did it go?", by=manager)
    sequence = begin(Sequence(name="Three letters"), by=manager)
    begin(SequenceRun(sequence=sequence, contact=contact, **mine), by=owner)
    begin(QuietDate(words="Trade fair", first_on="2026-12-01", last_on="2026-12-02"), by=manager)
    begin(Campaign(name="Spring", template=template, owner=owner), by=owner)
    begin(Block(title="Access", text="You give us access before the start.", kind="dependency"), by=manager)
    begin(OfferTemplate(name="Search and speed", content=opportunity.proposals.get().kept_rows()), by=manager)
    hook = begin(Endpoint(name="Warehouse", url="https://x.example/", kinds=["deal.*"], owner=manager), by=manager)
    at = timezone.now()
    Delivery.objects.create(endpoint=hook, verb="hook.test", happened_at=at, go_at=at, settled_at=at, state="given_up")
    notices.tell(owner, "breach", "A report is late.", "/admin/today/", key="world")
    return opportunity


def a_row_of(model, world):
    """Return the newest row of this kind of record."""
    row = model._base_manager.order_by("-pk").first()
    assert row is not None, f"The world holds no {model._meta.verbose_name}: make one in tests/world.py."
    return row
