"""What clients and strangers do at the portal becomes moves here. They act through the public login's own doors."""

import json
import re
from datetime import date, timedelta
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone

from opportunities import records
from opportunities.models import Event, Lead, Message, Notice, Objection, SequenceRun, Task, User
from opportunities.records import begin, edit, perform
from portal.consent import ACCEPT, ACCEPT_VERSION
from portal.models import (
    ClientAction,
    Guest,
    Inquiry,
    IntakeToken,
    ProposalLink,
    Publication,
    Session,
    SignInLink,
    SignInRequest,
)
from portal.tokens import new_token, token_hash
from proposals import clock, inbox, publishing
from proposals.models import Contract, Proposal
from proposals.publishing import CONSENT
from tests import database
from tests.aside import Aside
from tests.conftest import person
from tests.makers_proposals import a_contract, a_proposal, approve_all
from tests.makers_series import a_sequence

pytestmark = pytest.mark.django_db(transaction=True)

AGREED = {"consent": {"version": ACCEPT_VERSION, "text": ACCEPT}}


def token_of(proposal):
    """Read the link out of the mail, as the client does."""
    message = Message.objects.filter(template="proposal", record_id=proposal.pk).get()
    return re.search(r"/p/([\w-]{43})/", message.mailed_words)[1]


def press_open(cursor, proposal, name=""):
    call = "select portal_open(%s, %s, %s, %s, false, '10.0.0.1', 'test')"
    return cursor.execute(call, [token_of(proposal), new_token(), name, new_token()]).fetchone()[0]


def answer(cursor, proposal, verb, words="", name="Bo Larsen", **data):
    digest = Publication.objects.get(pk=proposal.publication_id).digest
    typed = [verb, name, "Owner", words, json.dumps(data), digest]
    values = [token_of(proposal), new_token(), *typed, "10.0.0.1", "test"]
    return cursor.execute("select portal_answer(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)", values).fetchone()[0]


def test_opening_marks_the_proposal_as_viewed_by_the_contact(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    assert press_open(portal_cursor, proposal) == "open"
    assert inbox.read()["actions"] == 1
    proposal.refresh_from_db()
    assert proposal.stage == "viewed"
    assert Event.objects.get(verb="proposal.mark_viewed").contact == proposal.recipient
    assert inbox.read()["actions"] == 0


def test_accepting_keeps_who_what_and_the_options(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    option = proposal.price_lines.get(optional=True)
    assert answer(portal_cursor, proposal, "accepted", options=[option.pk], **AGREED) == "accepted"
    inbox.read()
    proposal.refresh_from_db()
    assert (proposal.stage, proposal.chosen) == ("accepted", [option.pk])
    event = Event.objects.get(verb="proposal.accept")
    assert event.facts.values["consent"] == AGREED["consent"]
    assert event.facts.values["name"] == "Bo Larsen"
    assert {action.outcome for action in ClientAction.objects.all()} == {"Marked as viewed.", "Accepted."}


def told(user):
    """Return what somebody was told of clients' answers."""
    return [notice.words for notice in Notice.objects.filter(user=user, kind="answer").order_by("pk")]


def test_words_that_we_never_showed_are_agreed_to_by_nobody(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    forged = {"consent": {"version": ACCEPT_VERSION, "text": "I accept whatever comes."}}
    assert answer(portal_cursor, proposal, "accepted", **forged) == "accepted"
    inbox.read()
    proposal.refresh_from_db()
    assert proposal.stage == "viewed"
    assert "words that we never showed" in ClientAction.objects.get(verb="accepted").outcome
    assert Task.objects.open().filter(owner=ada, title__startswith="Bo Larsen accepted at the portal").exists()


def test_an_acceptance_says_through_whose_link_and_in_which_colleagues_browser_it_came(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    key, token = new_token(), token_of(proposal)
    call = "select portal_open(%s, %s, 'Bob Stone', %s, false, '10.0.0.1', 'test')"
    portal_cursor.execute(call, [token, key, new_token()])
    digest = Publication.objects.get(pk=proposal.publication_id).digest
    # A name that they put there themselves counts for nothing.
    data = json.dumps({**AGREED, "reader": "Bo Larsen"})
    call = "select portal_answer(%s, %s, 'accepted', 'Dr. Alan Cho', 'Owner', '', %s::jsonb, %s, '', '')"
    assert portal_cursor.execute(call, [token, key, data, digest]).fetchone()[0] == "accepted"
    inbox.read()
    facts = Event.objects.get(verb="proposal.accept").facts.values
    assert (facts["name"], facts["link"], facts["reader"]) == ("Dr. Alan Cho", "Link for Bo Larsen", "Bob Stone")
    assert told(ada) == [
        f"Bob Stone, whom Bo Larsen passed it on to, accepted {Proposal.objects.get()} as “Dr. Alan Cho”"
    ]


def test_another_name_typed_at_somebodys_own_link_is_told_beside_theirs(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    answer(portal_cursor, proposal, "accepted", name="Dr. Alan Cho", **AGREED)
    inbox.read()
    assert told(ada) == [f"Bo Larsen accepted {Proposal.objects.get()} as “Dr. Alan Cho”"]


# -- The day by which they were asked to decide. -----------------------------------------------------------------------


def test_an_acceptance_after_the_day_to_decide_is_marked_late_and_told(
    ada, ben, portal_cursor, portal_client, as_owner
):
    proposal = a_proposal(ada, approver=ben, stage="sent", decide_on=timezone.localdate() + timedelta(days=3))
    as_owner("update portal_proposallink set decide_by = %s", [date(2026, 11, 2)])
    token = token_of(proposal)
    cover = portal_client.get(f"/p/{token}/").content.decode()
    assert "We asked you to decide by <strong>Monday 2 November 2026</strong>. You can still answer until" in cover
    assert "Please decide by" not in cover
    portal_client.post(f"/p/{token}/open", {})
    page = portal_client.get(f"/p/{token}/").content.decode()
    assert "We asked you to decide by Monday 2 November 2026. You can still answer until" in page
    assert "<span>Decide by</span>" not in page

    assert answer(portal_cursor, proposal, "accepted", **AGREED) == "accepted"
    inbox.read()
    late = "after Monday 2 November 2026, by which we asked for the decision"
    assert Event.objects.get(verb="proposal.accept").facts.values["late"] == late
    assert told(ada) == [f"Bo Larsen accepted {Proposal.objects.get()}, {late}"]


def test_an_acceptance_in_time_is_not_marked(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent", decide_on=timezone.localdate())
    answer(portal_cursor, proposal, "accepted", **AGREED)
    inbox.read()
    assert "late" not in Event.objects.get(verb="proposal.accept").facts.values


def undecided_tasks():
    return Task.objects.filter(title__startswith="The day to decide passed")


def test_the_owner_gets_one_task_when_the_day_to_decide_passes_unanswered(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="sent", decide_on=timezone.localdate() + timedelta(days=3))
    assert clock.ask_about_the_decision() == 0
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert [clock.ask_about_the_decision() for _ in range(3)] == [1, 0, 0]
    task = undecided_tasks().get()
    assert (task.owner, task.record) == (ada, proposal)
    perform(task.finish, by=ada, outcome="They decide on Friday.")
    assert clock.ask_about_the_decision() == 0
    assert Event.objects.filter(verb="proposal.pass_decision").count() == 1


def test_a_decision_that_waits_to_be_read_is_no_missing_one(ada, ben, portal_cursor, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="sent", decide_on=timezone.localdate() + timedelta(days=3))
    answer(portal_cursor, proposal, "accepted", **AGREED)
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert clock.ask_about_the_decision() == 0
    inbox.read()
    assert clock.ask_about_the_decision() == 0
    assert not undecided_tasks().exists()


def test_nobody_is_asked_about_a_deal_that_rests(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="sent", decide_on=timezone.localdate() + timedelta(days=3))
    perform(proposal.opportunity.pause, by=ada, reason="They are away.")
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert clock.ask_about_the_decision() == 0


def test_declining_keeps_the_reason(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    answer(portal_cursor, proposal, "declined", "We wait until spring.")
    inbox.read()
    proposal.refresh_from_db()
    assert proposal.stage == "declined"
    assert Objection.objects.get().words == "We wait until spring."
    assert told(ada) == [f"Bo Larsen declined {proposal}: “We wait until spring.”"]


def test_a_question_is_filed_answered_by_a_task_and_ends_the_follow_up(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    answer(portal_cursor, proposal, "asked", "Who does the work?")
    inbox.read()
    assert Message.objects.get(stage="received").body == "Who does the work?"
    assert Task.objects.open().filter(owner=ada, title__contains="Who does the work?").exists()
    assert not Task.objects.about(proposal).open().filter(contact__isnull=False).exists()
    assert told(ada) == [f"Bo Larsen wrote: “Question about {proposal.number}”"]
    proposal.refresh_from_db()
    assert proposal.stage == "viewed"


def test_each_person_who_opens_it_is_told_of_and_a_colleague_by_their_name(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    for name in ("", "Jonas Weber", "Jonas Weber"):
        press_open(portal_cursor, proposal, name)
    inbox.read()
    assert Event.objects.get(verb="proposal.mark_viewed").facts is None
    event = Event.objects.get(verb="proposal.open")
    assert (event.contact, event.facts.values) == (proposal.recipient, {"name": "Jonas Weber"})


def test_who_reads_it_is_told_to_its_owner_once_and_starts_what_waits_for_it(ada, ben, portal_cursor):
    sequence = a_sequence(ben, starts_with="proposal.engage")
    proposal = a_proposal(ada, approver=ben, stage="sent")
    key = new_token()
    call = "select portal_open(%s, %s, '', '', false, '10.0.0.1', 'test')"
    portal_cursor.execute(call, [token_of(proposal), key])
    for _ in range(2):
        with database.login("owner") as own:
            own.execute("update portal_reader set seen_at = seen_at - interval '1 minute'")
        portal_cursor.execute("select portal_read(%s, %s, '{\"price\": 30}', '', '')", [token_of(proposal), key])
        inbox.read()
    assert told(ada) == [f"Bo Larsen reads {proposal}. Now is a good time to talk."]
    assert SequenceRun.objects.get().sequence == sequence


def test_that_something_fetched_the_page_is_told_to_nobody_and_starts_nothing(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    events = Event.objects.count()
    for _ in range(5):
        portal_cursor.execute("select portal_fetched(%s)", [token_of(proposal)])
    assert inbox.read()["actions"] == 0
    proposal.refresh_from_db()
    assert (proposal.stage, proposal.viewed_at, Event.objects.count(), told(ada)) == ("sent", None, events, [])


def test_what_they_would_take_is_told_and_agrees_to_nothing(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    option = proposal.price_lines.get(optional=True)
    key = new_token()
    portal_cursor.execute("select portal_open(%s, %s, '', '', false, '10.0.0.1', 'test')", [token_of(proposal), key])
    with database.login("owner") as own:
        own.execute("update portal_reader set opened_at = opened_at - interval '1 minute'")
    portal_cursor.execute("select portal_choose(%s, %s, %s, '', '')", [token_of(proposal), key, f"[{option.pk}]"])
    inbox.read()
    assert Event.objects.get(verb="proposal.choose").facts.values == {"options": ["Call tracking"]}
    proposal.refresh_from_db()
    assert (proposal.stage, proposal.chosen) == ("viewed", [])


@pytest.mark.parametrize("kind", ["price", "scope", "claim", "timeline"])
def test_an_objection_is_kept_with_the_line_that_it_is_about(ada, ben, portal_cursor, kind):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    row = inbox.ROWS[kind].objects.filter(proposal=proposal).order_by("pk").first()
    answer(portal_cursor, proposal, "objected", "Not for that.", about=f"{kind}-{row.pk}", title=str(row))
    inbox.read()
    objection = Objection.objects.get()
    assert objection.raised_by == proposal.recipient
    if kind == "timeline":
        assert (objection.record, objection.words) == (proposal, f"About “{row}”: Not for that.")
    else:
        assert (objection.record, objection.words) == (row, "Not for that.")
    assert Task.objects.open().filter(owner=ada, title__startswith="Answer the objection of Bo Larsen").exists()


def test_an_objection_to_another_offers_line_is_about_this_offer(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    theirs = a_proposal(ada, approver=ben).price_lines.first()
    answer(portal_cursor, proposal, "objected", "Not for that.", about=f"price-{theirs.pk}")
    inbox.read()
    assert Objection.objects.get().record == proposal


def test_an_answer_that_came_first_stops_a_withdrawal(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    answer(portal_cursor, proposal, "accepted", **AGREED)
    with pytest.raises(publishing.Refused, match="The client has just answered"):
        perform(proposal.withdraw, by=ada, reason="Too late.")
    inbox.read()
    proposal.refresh_from_db()
    assert proposal.stage == "accepted"


def pressed_late(browser, record, move, meanwhile, **typed):
    """Open the page of a move, let something happen, and press its button. Return the answer."""
    turn = re.search(r'name="turn" value="(\w+)"', browser.get(record.move_url(move)).text)[1]
    meanwhile()
    inbox.read()
    return browser.post(record.move_url(move), {"turn": turn, **typed})


def test_a_page_that_is_older_than_the_answer_withdraws_and_replaces_nothing(as_user, ada, ben, portal_cursor):
    """The inbox is read within a second: whoever presses a minute later did not see the answer either."""
    proposal = a_proposal(ada, approver=ben, stage="sent")
    second = approve_all(perform(proposal.revise(by=ada).submit, by=ada), ben)
    browser, typed = as_user(ada), {"contact": proposal.recipient.pk, "reason": "A price was wrong."}
    turn = re.search(r'name="turn" value="(\w+)"', browser.get(second.move_url("send")).text)[1]
    accept = partial(answer, portal_cursor, proposal, "accepted", **AGREED)
    assert pressed_late(browser, proposal, "withdraw", accept, **typed).status_code == 409
    late = browser.post(second.move_url("send"), {"turn": turn, **typed})
    assert (late.status_code, "was taken up again since this page was opened" in late.text) == (409, True)
    assert Proposal.objects.get(pk=proposal.pk).stage == "accepted"
    assert Proposal.objects.get(pk=second.pk).stage == "approved"


def test_a_refused_answer_says_why_and_asks_the_owner(ada, ben, portal_cursor, monkeypatch):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    answer(portal_cursor, proposal, "accepted", **AGREED)
    # Somebody at the agency was told by phone in the same minute, and the clock was quicker than the inbox.
    perform(perform(proposal.mark_viewed, by=proposal.recipient).expire, by=None)
    inbox.read()
    accepted = ClientAction.objects.get(verb="accepted")
    assert accepted.handled_at
    assert accepted.outcome.startswith("Refused: ")
    assert Task.objects.open().filter(owner=ada, title__startswith="Bo Larsen accepted at the portal").exists()
    (words,) = told(ada)
    assert words.startswith("Bo Larsen accepted at the portal, and it was not taken. ")


def test_one_answer_that_cannot_be_read_does_not_keep_the_others_waiting(ada, ben, portal_cursor, monkeypatch):
    first, second = (a_proposal(ada, approver=ben, stage="sent") for _ in range(2))
    press_open(portal_cursor, first)
    press_open(portal_cursor, second)
    real = inbox.opened

    def breaks_on_the_first(action):
        if action.publication_id == first.publication_id:
            raise KeyError("broken")
        return real(action)

    monkeypatch.setitem(inbox.ANSWERS, "opened", breaks_on_the_first)
    assert inbox.read()["actions"] == 2
    second.refresh_from_db()
    assert second.stage == "viewed"


def sign(cursor, contract, token):
    publication = Publication.objects.get(pk=contract.publication_id)
    version = publication.body["consent"]["version"]
    values = [token, publication.pk, "Bo Larsen", "Owner", version, publication.digest, "10.0.0.1", "test"]
    return cursor.execute("select portal_sign(%s, %s, %s, %s, %s, %s, %s, %s)", values).fetchone()[0]


def signed_in(cursor, address):
    """Ask for a link, read the mail, use the link. Return the session's token."""
    cursor.execute("select portal_request_sign_in(%s, '10.0.0.1')", [address])
    inbox.read()
    token = re.search(r"/portal/enter/([\w-]{43})\n", mail.outbox[-1].body)[1]
    session = "s" * 43
    assert cursor.execute("select portal_sign_in(%s, %s)", [token, token_hash(session)]).fetchone()[0]
    return session


def test_the_signer_signs_in_and_signs_exactly_what_was_published(ada, ben, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    assert sign(portal_cursor, contract, session) == "signed"
    inbox.read()
    contract.refresh_from_db()
    signature = contract.signatures.get()
    assert contract.stage == "signed"
    assert signature.contact == contract.signer
    assert signature.digest == Publication.objects.get(pk=contract.publication_id).digest
    assert signature.consent_text == publishing.CONSENT["text"]
    assert signature.address == "10.0.0.1"
    assert perform(contract.countersign, by=ben, role="Managing director").stage == "active"
    assert Contract.objects.get().signatures.count() == 2


@pytest.mark.django_db(transaction=True)
def test_whoever_asks_for_their_link_again_gets_one_that_takes_its_place(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    before = token_of(proposal)
    session = signed_in(portal_cursor, proposal.recipient.email)
    asking = "select portal_ask_for_link(%s, %s, '10.0.0.1', 'test')"
    assert portal_cursor.execute(asking, [session, proposal.publication_id]).fetchone() == ("wants_link",)
    inbox.read()
    assert ClientAction.objects.get(verb="wants_link").outcome == "Mailed."
    message = Message.objects.filter(record_id=proposal.pk, subject__startswith="Our proposal again").get()
    assert (message.contact, message.stage) == (proposal.recipient, "queued")
    older = ProposalLink.objects.get(token_hash=token_hash(before))
    newer = older.replaced_by
    assert (newer.contact_id, newer.role, newer.expires_at) == (older.contact_id, older.role, older.expires_at)
    assert newer.token_hash == token_hash(re.search(r"/p/([\w-]{43})/", message.mailed_words)[1])


def test_an_unknown_or_revoked_address_gets_no_mail(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    portal_cursor.execute("select portal_request_sign_in('nobody@nowhere.example', '10.0.0.1')")
    Guest.objects.update(revoked_at=proposal.sent_at)
    portal_cursor.execute("select portal_request_sign_in(%s, '10.0.0.1')", [proposal.recipient.email])
    assert inbox.read()["sign_ins"] == 2
    assert mail.outbox == []
    assert not SignInRequest.objects.unhandled().exists()


def test_a_sign_in_link_waits_for_the_mail_server(ada, ben, portal_cursor, settings, nobody_listens):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    backend = settings.EMAIL_BACKEND
    nobody_listens()
    portal_cursor.execute("select portal_request_sign_in(%s, '10.0.0.1')", [proposal.recipient.email])
    assert inbox.read()["sign_ins"] == 0
    assert SignInRequest.objects.unhandled().count() == 1

    settings.EMAIL_BACKEND = backend
    assert [inbox.read()["sign_ins"] for _ in range(2)] == [1, 0]
    (sent,) = mail.outbox
    token = re.search(r"/portal/enter/([\w-]{43})\n", sent.body)[1]
    assert portal_cursor.execute("select portal_sign_in(%s, %s)", [token, "a" * 64]).fetchone()[0]


def test_whoever_leaves_the_company_is_out_at_once_and_in_again_when_they_come_back(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    contact = proposal.recipient
    guest = Guest.objects.get(contact_id=contact.pk)
    portal_cursor.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(guest), "a" * 64])
    session = Session.objects.get(guest=guest)
    contact = edit(contact, by=ada, left_on=date(2026, 11, 20))
    assert Guest.objects.get(pk=guest.pk).revoked_at
    assert Session.objects.get(pk=session.pk).revoked_at
    portal_cursor.execute("select portal_request_sign_in(%s, '10.0.0.1')", [contact.email])
    inbox.read()
    assert mail.outbox == []
    edit(contact, by=ada, left_on=None)
    assert Guest.objects.get(pk=guest.pk).revoked_at is None
    assert Session.objects.get(pk=session.pk).revoked_at, "an old session does not come back with them"


def test_an_old_address_lets_nobody_in_any_more(ada, ben, portal_cursor):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    edit(proposal.recipient, by=ada, email="new@harbor-dental.example")
    assert Guest.objects.get(contact_id=proposal.recipient_id).revoked_at


def inquire(cursor, name="Ina Berg", email="ina@berg.example", doubtful=False):
    values = [uuid4(), name, email, "", "Berg Dental", "berg.example", "We lose calls.", "{}", doubtful]
    cursor.execute(
        "select portal_inquire(%s, %s, %s, %s, %s, %s, %s, true, 'inquiry-2026-11', %s::jsonb, '10.0.0.1', %s)", values
    )


def test_an_inquiry_becomes_a_lead_of_whoever_has_the_fewest(ada, portal_cursor):
    gus = person("gus", "Growth ops", team="East")
    inquire(portal_cursor)
    inquire(portal_cursor, name="Olaf Lind", email="olaf@lind.example")
    assert inbox.read()["inquiries"] == 2
    first, second = Lead.objects.order_by("pk")
    assert {first.owner, second.owner} == {ada, gus}
    assert first.source.name == "Public form"
    assert first.website == "https://berg.example"
    assert first.consent["text_version"] == "inquiry-2026-11"
    assert Inquiry.objects.order_by("pk").first().lead_id == first.pk
    assert Task.objects.open().filter(lead=first, owner=first.owner).exists()


def test_a_doubtful_inquiry_is_a_lead_that_says_so(ada, portal_cursor):
    inquire(portal_cursor, doubtful=True)
    inquire(portal_cursor, name="Olaf Lind", email="olaf@lind.example")
    inbox.read()
    doubted, other = Lead.objects.order_by("pk")
    assert doubted.next_action == "Sent very quickly: look whether a person wrote it"
    assert Event.objects.get(verb="lead.create", record_id=doubted.pk).reason == doubted.next_action
    assert Task.objects.open().get(lead=doubted).title.startswith("Look whether a person wrote this")
    assert other.next_action == "Answer and find out what they need"


def test_an_inquiry_waits_while_nobody_is_there_to_own_it(ben, portal_cursor):
    inquire(portal_cursor)
    assert inbox.read()["inquiries"] == 0
    gus = person("gus", "Growth ops", team="East")
    assert inbox.read()["inquiries"] == 1
    assert Lead.objects.get().owner == gus


def test_the_client_sees_where_we_are_in_the_houses_own_words(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    edit(proposal.opportunity, by=ada, next_action="Squeeze them for more")
    status = Publication.objects.filter(kind="status").order_by("-id").first()
    assert [step["name"] for step in status.body["path"] if step["state"] == "now"] == ["Proposal"]
    today = timezone.localdate().isoformat()
    assert [step["on"] for step in status.body["path"]] == [today, today, today, None, None, None]
    assert status.body["needs"][0]["id"] == proposal.publication_id
    assert "Squeeze" not in str(status.body)
    before = Publication.objects.filter(kind="status").count()
    publishing.publish_status(proposal.opportunity)
    assert Publication.objects.filter(kind="status").count() == before


def what_is_next():
    """Return what the client reads of what comes next, and who has to do it."""
    next_one = Publication.objects.filter(kind="status").order_by("-id").first().body["next"]
    return next_one["what"], next_one["who"]


def test_what_comes_next_is_said_by_the_offer_and_the_contract(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    assert what_is_next() == ("Read and answer our proposal", "You")
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    assert what_is_next() == ("We prepare the contract", "Ada")
    contract = a_contract(ada, approver=ben, proposal=proposal)
    assert what_is_next() == ("We prepare the contract", "Ada")
    contract = approve_all(perform(contract.submit, by=ada), ben)
    contract = perform(contract.send, by=ada)
    assert what_is_next() == ("Read and sign the contract", "You")
    digest = Publication.objects.get(pk=contract.publication_id).digest
    contract = perform(contract.sign, by=contract.signer, name="Bo", role="", consent=CONSENT, digest=digest)
    assert what_is_next() == ("We sign the contract, too", "Ada")
    perform(contract.countersign, by=ben)
    assert what_is_next() == ("We get everything ready to start", "Ada")


def test_what_a_clients_move_makes_us_owe_is_promised_by_us(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    told = Event.objects.filter(verb="task.create", subject__startswith="Countersign the contract").get()
    assert (told.actor_kind, told.actor_name) == ("system", "ZartsAlgo")
    assert Event.objects.get(verb="contract.sign").actor_name == str(contract.signer)


def test_what_comes_next_after_a_no_is_a_talk_and_then_the_next_offer(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    proposal = perform(proposal.decline, by=proposal.recipient, reason="Too dear.")
    assert what_is_next() == ("We talk about what you told us", "Ada")
    proposal.revise(by=ada)
    assert what_is_next() == ("We write our proposal", "Ada")


def test_words_that_we_never_showed_were_agreed_to_by_nobody(ada, portal_cursor):
    inquire(portal_cursor)
    portal_cursor.execute(
        "select portal_inquire(%s, 'Eva', 'eva@x.example', '', '', '', '', true, %s, '{}'::jsonb, '10.0.0.1')",
        [uuid4(), "made-up-" + "x" * 32],
    )
    inbox.read()
    asked, injected = Lead.objects.order_by("pk")
    assert (asked.consent["text_version"], injected.consent) == ("inquiry-2026-11", {})
    told = Event.objects.get(verb="lead.create", record_id=injected.pk)
    assert told.facts.values["consent"]["text_version"] == "made-up-" + "x" * 32


def test_a_programs_inquiry_is_of_its_source_and_a_links_campaign_comes_first(ada, portal_cursor):
    token = IntakeToken.mint(name="Partner page", source_name="Partner", created_by="Eve")[1]
    for key, source in (("a", "{}"), ("b", '{"utm_source": "News", "utm_campaign": "June"}')):
        portal_cursor.execute(
            "select portal_inquire_by_token(%s, %s, 'Eva', 'e@x.example', '', '', '', '', true, 'v', %s::jsonb, '')",
            [token, key, source],
        )
    inbox.read()
    plain, linked = Lead.objects.order_by("pk")
    assert (plain.source.name, linked.source.name) == ("Partner", "June (News)")
    assert Event.objects.get(verb="lead.create", record_id=plain.pk).past == "came in through the program Partner page:"


# -- What cannot be taken. ---------------------------------------------------------------------------------------------


def a_question_that(monkeypatch, does, ada, ben, portal_cursor):
    """A client asks something, and taking it does this."""
    proposal = a_proposal(ada, approver=ben, stage="sent")
    assert answer(portal_cursor, proposal, "asked", words="Is swordfish all you need?") == "asked"
    ClientAction.objects.exclude(verb="asked").update(handled_at=timezone.now())
    monkeypatch.setitem(inbox.ANSWERS, "asked", does)
    return ClientAction.objects.get(verb="asked")


def refused_by_the_database(action):
    with connection.cursor() as cursor:
        cursor.execute("insert into opportunities_lead (name) values (%s)", [action.words])


def refused_at_commit(action):
    owner = User.objects.get(username="ada")
    task = begin(Task(opportunity_id=action.opportunity_id, title="A", owner=owner, due_at=timezone.now()), by=None)
    Task.objects.filter(pk=task.pk).update(owner_id=1)


def no_number(action):
    return int(action.words)


@pytest.mark.parametrize("does", [refused_by_the_database, refused_at_commit, no_number])
def test_what_cannot_be_taken_is_written_off_once_with_a_task_and_its_words_reach_no_log(
    does, monkeypatch, ada, ben, portal_cursor, caplog
):
    action = a_question_that(monkeypatch, does, ada, ben, portal_cursor)
    assert inbox.read()["actions"] == 1
    assert inbox.read()["actions"] == 0

    action = ClientAction.objects.get(pk=action.pk)
    assert (action.written_off, action.outcome) == (True, "It could not be taken. The log says where it failed.")
    assert Task.objects.filter(title__contains="asked at the portal, and it was not taken").count() == 1
    assert f"Action {action.pk} could not be taken" in caplog.text
    assert "swordfish" not in caplog.text


def test_what_a_database_that_is_away_did_not_take_waits_and_is_taken_when_it_is_back(
    monkeypatch, ada, ben, portal_cursor, caplog
):
    away = [OperationalError("the server closed the connection: swordfish")]

    def does(action):
        if away:
            raise away.pop()
        return "Filed."

    action = a_question_that(monkeypatch, does, ada, ben, portal_cursor)
    assert inbox.read()["actions"] == 0
    assert "swordfish" not in caplog.text
    assert inbox.read()["actions"] == 1
    assert ClientAction.objects.get(pk=action.pk).outcome == "Filed."


@pytest.mark.django_db(transaction=True)
def test_two_first_leads_of_one_program_have_one_source(db, monkeypatch):
    both, begin = Barrier(2, timeout=5), records.begin

    def begin_at_once(*given, **said):
        both.wait()
        return begin(*given, **said)

    monkeypatch.setattr(records, "begin", begin_at_once)
    made = [Aside(lambda: inbox.a_source("A new program", "other")) for _ in range(2)]
    assert len({each.ends().pk for each in made}) == 1
