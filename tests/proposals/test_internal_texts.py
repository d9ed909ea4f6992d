"""Every field of words is one of three: written for us alone, read by clients, or no secret to anybody."""

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from opportunities.models import Lead, Message, Note, Objection, Task, UnwrittenPromise
from opportunities.records import begin, perform
from proposals import lint
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal

SECRET = "The owner drinks and we must never say this to anybody at all there."
# Words that clients get to read, or that came from them and go back to them.
READ_BY_CLIENTS = {
    "handoff.checklistitem": {"title", "group"},
    "handoff.connector": {"said_name", "said_to"},
    "handoff.promise": {"title", "words"},
    "handoff.provider": {"how", "called"},
    "handoff.report": {"next_steps"},
    "opportunities.evidence": {"metric", "provider", "link", "subject", "key"},
    "opportunities.inboundmail": {"subject", "words"},
    "opportunities.letter": {"subject", "body"},
    "opportunities.message": {"subject", "body"},
    "opportunities.templateversion": {"subject", "body"},
    "proposals.block": {"title", "text"},
    "proposals.bookprice": {"title"},
    "proposals.claim": {"text", "metric", "method"},
    "proposals.clause": {"title", "text"},
    "proposals.contractclause": {"text"},
    "proposals.milestone": {"title", "text", "who"},
    "proposals.priceline": {"title"},
    "proposals.proposal": {"title", "intro"},
    "proposals.scopeitem": {"title", "text"},
    "proposals.signature": {"name", "role", "consent_text"},
    "proposals.summary": {"title", "words"},
    "proposals.usualscope": {"title", "text"},
    "proposals.usualstep": {"title", "text", "who"},
}
# Names, addresses and marks; the house's own words, which belong to no deal; what the program says by itself.
NO_SECRET = {
    *("source", "next_action", "name", "external_ref", "website", "industry", "company", "email", "title", "password"),
    *("username", "first_name", "last_name", "campaign", "key", "trouble", "mail_trouble", "permission", "why", "url"),
    *("provider_id", "message_id", "in_reply_to", "sent_to", "secret_link", "stopped_because", "left_out_because"),
    *("mail_id", "from_address", "from_name", "to_addresses", "subject", "task_title", "advisory_because", "asked"),
    *("file_name", "read_as", "sheet", "reference", "column", "said_by", "led_to", "competitor", "mended_at", "past"),
    *("actor_name", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "sentence", "help", "term"),
    *("suggestion", "description"),
}
# The same of fields whose name says too little. A piece's reason and its withdrawal's stand in the diary, too.
NO_SECRET_THERE = {
    ("handoff.cadencechange", "days_before"),
    ("opportunities.bulkchange", "words"),
    ("opportunities.bulkchange", "back"),
    ("opportunities.bulkrow", "reason"),
    ("opportunities.confirmation", "words"),
    ("opportunities.evidence", "reason"),
    ("opportunities.evidencewithdrawal", "reason"),
    ("opportunities.importrow", "reason"),
    ("opportunities.leadfact", "value"),
    ("opportunities.notice", "words"),
    ("opportunities.question", "words"),
    ("opportunities.quietdate", "words"),
    ("opportunities.task", "words"),
    ("opportunities.task", "paused_because"),
    ("proposals.approval", "decision"),
    ("proposals.bookprice", "pricing_assumption"),
    ("proposals.paymentproof", "link"),
    ("handoff.receipt", "words"),
    ("handoff.outofscope", "words"),
}


def fields_of_words():
    for app in ("opportunities", "proposals", "handoff"):
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:
                long = isinstance(field, models.TextField) or (field.max_length or 0) >= 80
                if isinstance(field, models.CharField | models.TextField) and long and not field.choices:
                    yield model._meta.label_lower, field.name


def test_of_every_field_of_words_it_is_said_who_reads_it():
    internal = {(place.label, name) for place in lint.INTERNAL for name in place.names}
    read = {(label, name) for label, names in READ_BY_CLIENTS.items() for name in names}
    unsaid = [
        f"{label}.{name}"
        for label, name in fields_of_words()
        if (label, name) not in internal | read | NO_SECRET_THERE and name not in NO_SECRET
    ]
    assert unsaid == [], "Say in lint.INTERNAL that it is ours alone, or here who may read it."


@pytest.fixture
def deal(ada):
    return an_opportunity(ada, stage="proposal")


def copied_from(deal):
    """Return where the lint says that the secret was copied from."""
    return [mark.why for mark in lint.check(deal, "What we found", SECRET) if mark.kind == "copied"]


def test_nothing_is_marked_while_nobody_wrote_it_down(deal):
    assert copied_from(deal) == []


def test_an_objection_is_ours(deal, ada):
    begin(Objection(opportunity=deal, kind="price", words=SECRET, owner=ada), by=ada)
    assert copied_from(deal) == ["It is copied from what we wrote for ourselves: objection."]


def test_a_promise_that_was_not_written_is_ours(deal, ada):
    begin(UnwrittenPromise(opportunity=deal, words=SECRET, said_by="Ada", owner=ada), by=ada)
    assert copied_from(deal) == ["It is copied from what we wrote for ourselves: unwritten promise."]


def test_what_a_lead_is_noted_as_is_ours(deal, ada):
    Lead.objects.filter(opportunity=deal).update(words=SECRET)
    assert "lead" in copied_from(deal)[0]
    Lead.objects.filter(opportunity=deal).update(words="")
    lead = Lead.objects.get(opportunity=deal)
    begin(Note(diary=lead.diary, lead=lead, words=SECRET, author=ada), by=ada)
    assert copied_from(deal)


def test_the_reason_of_a_decision_is_ours(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    asked = proposal.approvals.first()
    perform(asked.reject, by=ben, reason=SECRET, digest=asked.digest)
    assert "reason" in copied_from(proposal.opportunity)[0]


def test_what_was_said_on_the_telephone_is_ours_and_what_was_mailed_is_not(deal, ada):
    contact = deal.decision_owner
    said = {"client": deal.client, "opportunity": deal, "contact": contact, "owner": ada, "body": SECRET}
    begin(Message(channel="email", subject="Hello", **said), by=ada)
    assert copied_from(deal) == []
    begin(Message(channel="call", subject="We talked", **said), by=ada)
    assert copied_from(deal)


def test_what_somebody_says_of_a_task_that_they_did_is_ours(deal, ada):
    task = begin(Task(opportunity=deal, kind="other", title="Call Bo", owner=ada, due_at=timezone.now()), by=ada)
    perform(task.finish, by=ada, outcome=SECRET)
    assert "task" in copied_from(deal)[0]


def test_what_a_move_did_is_no_secret(deal):
    assert not any(source.record_type == "opportunities.task" for source in lint.internal_of(deal))
