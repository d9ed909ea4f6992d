"""Questions of clients, and our answers below them: written, approved, shown, mailed, taken back."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities import followups
from opportunities.models import Contact, Message, Note, Objection, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import ClientAction, Guest, ProposalLink, Publication, SignInLink
from portal.tokens import new_token, token_hash
from proposals import answering, inbox, publishing
from proposals.models import Summary
from tests import database
from tests.makers_handoff import a_won_deal
from tests.makers_proposals import a_proposal, approve_all

pytestmark = pytest.mark.django_db(transaction=True)
ADD = reverse("admin:proposals_summary_add")
YES = "Yes. It is one person from the first day on, and you have their number."


@pytest.fixture
def offer(ada, ben):
    return a_proposal(ada, approver=ben, stage="sent")


def token_of(proposal, template="proposal"):
    message = Message.objects.filter(template=template, record_id=proposal.pk).latest("pk")
    return re.search(r"/p/([\w-]{43})/", message.mailed_words)[1]


def ask(cursor, proposal, words="Who does the work?", verb="asked", token="", name="", **data):
    values = [token or token_of(proposal), new_token(), verb, name, "", words, json.dumps(data), "", "10.0.0.1", "test"]
    done = cursor.execute("select portal_answer(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)", values).fetchone()[0]
    assert done == verb
    inbox.read()
    model = Message if verb == "asked" else Objection
    return model.objects.exclude(portal_action_id=None).latest("pk")


def an_answer(question, by, words=YES, **fields):
    """Write the answer to a question, as the editor does."""
    fields = {"title": answering.title_for(question), "kind": "answer", "words": words, **fields}
    about = {"record_type": question.label(), "record_id": question.pk}
    answer = Summary(opportunity=question.opportunity, owner=by, author=by, source="The portal", **fields, **about)
    return begin(answer, by=by)


def answered(question, by, approver, words=YES):
    return approve_all(perform(an_answer(question, by, words).submit, by=by), approver)


def read_by_link(cursor, token):
    """Return what whoever holds a link reads of questions."""
    row = cursor.execute("select asked from portal_link_state(%s, '')", [token]).fetchone()
    return row[0]


def guest_of(contact):
    browser, guest = database.PortalClient(), Guest.objects.get(contact_id=contact.pk)
    assert browser.post(f"/portal/enter/{SignInLink.mint(guest)}").status_code == 302
    return browser


def again(record):
    return type(record).objects.get(pk=record.pk)


# -- The way of an answer. ---------------------------------------------------------------------------------------------


def test_an_approved_answer_stands_below_its_question_and_whoever_asked_is_mailed_it(ada, ben, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    task = Task.objects.about(question).open().get()
    assert (task.owner, task.title) == (ada, f"Answer Bo Larsen: Who does the work?: {offer}")
    assert [row["answer"] for row in read_by_link(portal_cursor, token_of(offer))] == [None]

    answer = answered(question, ada, ben)

    assert answer.stage == "published"
    shown = Publication.objects.get(kind="answer")
    assert (shown.question_id, shown.body) == (question.portal_action_id, {"words": YES, "from": {"name": "Ada"}})
    (row,) = read_by_link(portal_cursor, token_of(offer))
    assert (row["words"], row["answer"]["words"], row["answer"]["name"]) == ("Who does the work?", YES, "Ada")
    assert (again(task).stage, again(task).outcome) == ("done", "Answered where they asked.")

    followups.send_due()
    letter = next(one for one in mail.outbox if one.subject.startswith("Our answer"))
    assert offer.recipient.email in letter.to[0]
    assert f"You asked: “Who does the work?”\n\nAda answers:\n\n{YES}" in letter.body
    link = re.search(r"/p/([\w-]{43})/", letter.body)[1]
    assert [row["answer"]["words"] for row in read_by_link(portal_cursor, link)] == [YES]
    assert YES in letter.alternatives[0][0]
    assert not Message.objects.get(template="answer").secret_link


def test_the_link_of_the_answers_mail_is_the_askers_own_and_the_earlier_one_leads_on_to_it(
    ada, ben, offer, portal_cursor
):
    first = ProposalLink.objects.get()
    answered(ask(portal_cursor, offer), ada, ben)
    first.refresh_from_db()
    newer = first.replaced_by
    kept = ("publication_id", "contact_id", "contact_name", "sender_name", "role", "expires_at", "decide_by", "chosen")
    assert [getattr(newer, name) for name in kept] == [getattr(first, name) for name in kept]
    assert token_hash(token_of(offer, "answer")) == newer.token_hash
    # Whoever asks again by the old mail does so at the new link.
    question = ask(portal_cursor, offer, "And who pays the tools?")
    assert ClientAction.objects.get(pk=question.portal_action_id).link_id == newer.pk
    assert [bool(row["answer"]) for row in read_by_link(portal_cursor, token_of(offer))] == [True, False]


def test_an_answer_is_read_for_internal_words_and_approved_by_somebody_else(ada, ben, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    words = "The owner's nephew built the booking form and nobody there dares to touch it."
    begin(Note(diary=offer.opportunity.diary, opportunity=offer.opportunity, author=ada, words=words), by=ada)
    answer = an_answer(question, ada, f"Well: {words}")
    with pytest.raises(Refused, match="in words of your own"):
        perform(answer.submit, by=ada)
    edit(answer, by=ada, words=YES)
    answer = perform(again(answer).submit, by=ada)
    assert not Publication.objects.filter(kind="answer").exists(), "nothing is shown that nobody approved"
    assert ada not in [approval.owner for approval in answer.approvals.all()]
    assert not Message.objects.filter(template="answer").exists()


@pytest.mark.parametrize("about", ["", "opportunities.message", "proposals.proposal"])
def test_an_answer_to_no_question_goes_nowhere(ada, ben, offer, portal_cursor, about):
    pk = Message.objects.filter(template="proposal").get().pk if about.endswith("message") else offer.pk
    answer = Summary(opportunity=offer.opportunity, owner=ada, author=ada, kind="answer", title="Yes", words=YES)
    answer.record_type, answer.record_id = about, pk if about else None
    with pytest.raises(Refused, match="Say which question it answers."):
        perform(begin(answer, by=ada).submit, by=ada)


def test_a_question_of_another_deal_is_not_answered_here(ada, ben, offer, portal_cursor):
    other = a_proposal(ada, approver=ben, stage="sent")
    answer = an_answer(ask(portal_cursor, other), ada)
    edit(answer, by=ada, opportunity=offer.opportunity)
    with pytest.raises(Refused, match="Say which question it answers."):
        perform(again(answer).submit, by=ada)


def test_a_newer_answer_takes_the_place_of_the_first(ada, ben, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    first, second = answered(question, ada, ben), answered(question, ada, ben, "No. Two people share it.")
    assert [again(each).stage for each in (first, second)] == ["superseded", "published"]
    assert [row["answer"]["words"] for row in read_by_link(portal_cursor, token_of(offer))] == [second.words]
    held = Message.objects.get(template="answer", body__contains=YES)
    assert held.stage == "held"


def test_the_database_keeps_one_answer_in_force_and_none_without_its_question(ada, ben, offer, portal_cursor):
    answered(ask(portal_cursor, offer), ada, ben)
    shown = Publication.objects.get(kind="answer")
    same = {"client_id": shown.client_id, "opportunity_id": shown.opportunity_id, "title": "T", "body": {}}
    for kind, question in (("answer", shown.question), ("answer", None), ("report", shown.question)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Publication.publish(kind=kind, ref="x:1", approved_by="Ben", question=question, **same)


def test_a_withdrawn_answer_is_off_the_page_its_mail_held_and_its_owner_asked_to_answer_again(
    ada, ben, offer, portal_cursor
):
    question = ask(portal_cursor, offer)
    answer = answered(question, ada, ben)
    perform(answer.withdraw, by=ben, reason="It is two people.")
    shown = Publication.objects.get(kind="answer")
    assert (shown.withdrawn_reason, shown.body["words"]) == ("It is two people.", YES), "a new fact, not an edit"
    assert [row["answer"] for row in read_by_link(portal_cursor, token_of(offer))] == [None]
    assert Message.objects.get(template="answer").stage == "held"
    task = Task.objects.about(answer).open().get()
    assert task.title.startswith("Answer again, or tell them why not:")
    assert answering.question_of(task) == question


def test_an_answer_by_mail_and_a_task_ticked_off_by_hand_work_as_ever(ada, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    perform(Task.objects.about(question).get().finish, by=ada, outcome="I rang them.")
    assert not Publication.objects.filter(kind="answer").exists()
    assert not Task.objects.about(question).open().exists()


def test_an_objection_is_answered_where_it_was_raised_and_is_answered_with_that(ada, ben, offer, portal_cursor):
    line = offer.price_lines.get(title="Mending")
    said = {"verb": "objected", "about": f"price-{line.pk}", "title": "Mending"}
    doubt = ask(portal_cursor, offer, "More than we can spend.", **said)
    assert answering.title_for(doubt) == "What you said about “Mending”"
    answered(doubt, ada, ben, "Then let us begin with half of the pages, at half of the price.")
    assert (again(doubt).stage, again(doubt).answer) == ("answered", "Answered where they asked.")
    assert not Task.objects.about(doubt).open().exists()
    (row,) = read_by_link(portal_cursor, token_of(offer))
    assert (row["verb"], row["about"]) == ("objected", "Mending")
    assert row["answer"]["words"].startswith("Then let us begin")
    assert "You said: “More than we can spend.”" in Message.objects.get(template="answer").body


def test_an_objection_answered_by_hand_closes_its_task(ada, offer, portal_cursor):
    doubt = ask(portal_cursor, offer, "Too dear.", verb="objected")
    perform(doubt.reply, by=ada, answer="We spoke about it.")
    assert not Task.objects.about(doubt).open().exists()


@pytest.mark.parametrize("spoil", ["expired", "closed"])
def test_where_the_askers_link_is_closed_the_mail_leads_to_the_portal(ada, ben, offer, portal_cursor, spoil):
    question = ask(portal_cursor, offer)
    if spoil == "expired":
        ProposalLink.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    else:
        ProposalLink.objects.get().revoke()
    answered(question, ada, ben)
    message = Message.objects.get(template="answer")
    assert message.secret_link == ""
    assert "/portal/questions/" in message.body
    assert YES in guest_of(offer.recipient).get("/portal/questions/").content.decode()


def test_whoever_left_gets_no_mail_and_the_answer_stands_all_the_same(ada, ben, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    edit(offer.recipient, by=ada, left_on=timezone.localdate())
    answered(question, ada, ben)
    assert not Message.objects.filter(template="answer").exists()
    assert Publication.objects.filter(kind="answer", withdrawn_at=None).exists()


def test_what_they_asked_makes_no_link_and_no_field_of_our_mail(ada, ben, offer, portal_cursor):
    answered(ask(portal_cursor, offer, "Look:\n\nhttps://evil.example/"), ada, ben)
    answered(ask(portal_cursor, offer, "What is\n\n{contact}?"), ada, ben)
    followups.send_due()
    letters = [one for one in mail.outbox if one.subject.startswith("Our answer")]
    assert "You asked: “Look: https: //evil. example/”" in letters[0].body
    assert "You asked: “What is (contact)?”" in letters[1].body
    assert "evil.example" not in letters[0].body + letters[0].alternatives[0][0]


def test_a_colleagues_name_makes_no_link_of_our_mail_either(ada, ben, offer, portal_cursor):
    answered(ask(portal_cursor, offer, name="Stella: urgent, see http://evil.example/pay"), ada, ben)
    followups.send_due()
    (letter,) = [one for one in mail.outbox if one.subject.startswith("Our answer")]
    assert "Stella: urgent, see http: //evil. example/pay asked: “" in letter.body
    assert "evil.example" not in letter.body + letter.alternatives[0][0]


def test_a_new_revision_keeps_what_its_reader_asked_of_the_one_before(ada, ben, offer, portal_cursor):
    answered(ask(portal_cursor, offer), ada, ben)
    newer = perform(again(offer).revise(by=ada).submit, by=ada)
    newer = perform(approve_all(newer, ben).send, by=ada, contact=offer.recipient)
    assert [row["answer"]["words"] for row in read_by_link(portal_cursor, token_of(newer))] == [YES]


# -- Who reads it. -----------------------------------------------------------------------------------------------------


def test_a_question_is_its_askers_until_it_is_answered_then_everybody_of_theirs_reads_it(
    ada, ben, offer, portal_cursor
):
    tom = begin(Contact(client=offer.opportunity.client, name="Tom Reyes", email="tom@harbor.example"), by=ada)
    with transaction.atomic():
        publishing.mail_link(again(offer), tom, "reads", by=ada)
    toms = token_of(offer)
    bos = Message.objects.filter(template="proposal", contact=offer.recipient).get().secret_link.split("/")[-2]
    question = ask(portal_cursor, offer, token=bos)
    assert len(read_by_link(portal_cursor, bos)) == 1
    assert read_by_link(portal_cursor, toms) == []
    assert "Who does the work?" not in guest_of(tom).get("/portal/questions/").content.decode()
    answered(question, ada, ben)
    assert [row["answer"]["words"] for row in read_by_link(portal_cursor, toms)] == [YES]
    page = guest_of(tom).get("/portal/questions/").content.decode()
    assert "Who does the work?" in page
    assert YES in page


def test_another_client_reads_nothing_of_it_by_link_or_as_a_guest(ada, ben, offer, portal_cursor):
    other = a_proposal(ada, approver=ben, stage="sent")
    answered(ask(portal_cursor, offer), ada, ben)
    assert read_by_link(portal_cursor, token_of(other)) == []
    browser = guest_of(other.recipient)
    for page in ("/portal/questions/", "/portal/history/", "/portal/"):
        assert YES not in browser.get(page).content.decode()


def test_the_question_page_says_who_answered_when_and_where_that_time_is(ada, ben, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    browser = guest_of(offer.recipient)
    page = browser.get("/portal/questions/").content.decode()
    assert re.search(r"Bo Larsen asked on \w+ \d+ \w+ \d{4}, \d\d:\d\d [A-Z]+\.\s+Ada answers\.", page)
    answered(question, ada, ben)
    page = browser.get("/portal/questions/").content.decode()
    assert re.search(r"<strong>Ada</strong> answered on \w+ \d+ \w+ \d{4}, \d\d:\d\d [A-Z]+\.", page)
    assert "Ada answers." not in page
    history = browser.get("/portal/history/").content.decode()
    assert "published an answer: " in history


# -- A guest asks. -----------------------------------------------------------------------------------------------------


def test_a_guest_asks_about_an_offer_and_it_is_filed_like_one_at_a_link(ada, ben, offer):
    browser = guest_of(offer.recipient)
    assert browser.post("/portal/questions/ask", {"words": "Who does the work?"}).status_code == 302
    inbox.read()
    question = Message.objects.get(template="question")
    assert (question.body, question.opportunity, question.owner) == ("Who does the work?", offer.opportunity, ada)
    assert question.subject == f"Question about {offer.number}"
    assert Task.objects.about(question).open().get().owner == ada
    answered(question, ada, ben)
    message = Message.objects.get(template="answer")
    assert "/portal/questions/" in message.body
    assert not message.secret_link
    assert YES in browser.get("/portal/questions/").content.decode()


def test_a_guest_of_running_work_asks_whoever_leads_it(ada, ben, dora):
    deal = a_won_deal(ada, manager=ben)
    project = deal.projects.get()
    edit(project, by=ben, owner=dora)
    from handoff.publishing import show_project

    show_project(project)
    contact = deal.decision_owner
    publishing.admit(contact)
    assert guest_of(contact).post("/portal/questions/ask", {"words": "When do we start?"}).status_code == 302
    inbox.read()
    question = Message.objects.get(template="question")
    assert (question.owner, question.record) == (dora, project)
    answered(question, dora, ben, "On Monday, at nine.")
    assert "On Monday, at nine." in guest_of(contact).get("/portal/questions/").content.decode()


# -- Where staff answer. -----------------------------------------------------------------------------------------------


def test_one_button_opens_the_editor_with_the_question_beside_it(ada, ben, offer, portal_cursor, as_user):
    question = ask(portal_cursor, offer)
    doubt = ask(portal_cursor, offer, "Too dear.", verb="objected")
    browser, deal = as_user(ada), offer.opportunity
    for asked in (question, doubt):
        query = f"opportunity={deal.pk}&amp;kind=answer&amp;about={asked.label()}%3A{asked.pk}"
        task = Task.objects.about(asked).get()
        tab = "messages" if asked is question else "objections"
        pages = [asked.staff_url(), task.staff_url(), f"{deal.staff_url()}?tab={tab}", f"{deal.staff_url()}?tab=tasks"]
        for page in pages:
            text = browser.get(page).content.decode()
            assert f'href="{ADD}?{query}">Answer where they asked' in text, page
    page = browser.get(f"{ADD}?opportunity={deal.pk}&kind=answer&about={question.label()}:{question.pk}")
    text = page.content.decode()
    assert text.index("Who does the work?") < text.index("What the client reads")
    assert page.context["form"]["title"].value() == answering.title_for(question)
    assert page.context["form"]["about"].value() == answering.key(question)


def test_what_is_sent_of_the_editor_is_an_answer_and_a_second_click_goes_on_with_it(
    ada, ben, offer, portal_cursor, as_user
):
    question, browser = ask(portal_cursor, offer), as_user(ada)
    address = f"{ADD}?opportunity={offer.opportunity_id}&kind=answer&about={answering.key(question)}"
    form = browser.get(address).context["form"]
    sent = {name: form[name].value() for name in form.fields} | {"words": YES, "opportunity": offer.opportunity_id}
    sent = {name: getattr(value, "pk", value) for name, value in sent.items() if value is not None}
    assert browser.post(address, sent | {"about": ""}).status_code == 422
    assert browser.post(address, sent).status_code == 302
    answer = Summary.objects.get(kind="answer")
    assert (answer.record, answer.words) == (question, YES)
    assert browser.get(address).url == answer.staff_url()
    assert "Go on with the answer" in browser.get(question.staff_url()).content.decode()
    approve_all(perform(answer.submit, by=ada), ben)
    assert "Read our answer" in browser.get(question.staff_url()).content.decode()
    asked = answer.approvals.get()
    assert "Who does the work?" in as_user(ben).get(asked.staff_url()).content.decode()


def test_whoever_may_not_write_for_clients_is_shown_no_button(ann, ada, offer, portal_cursor, as_user):
    question = ask(portal_cursor, offer)
    assert "Answer where they asked" not in as_user(ann).get(question.staff_url()).content.decode()


def test_a_mail_that_came_in_otherwise_has_no_place_to_answer(ada, offer, as_user):
    letter = Message.objects.get(template="proposal")
    assert "Answer where they asked" not in as_user(ada).get(letter.staff_url()).content.decode()
    assert answering.question_of(letter) is None


def test_the_lists_ask_no_more_for_many_questions_than_for_two(ada, ben, offer, portal_cursor, as_user):
    browser, deal = as_user(ada), offer.opportunity

    def queries(page):
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(page).status_code == 200
        return len(caught)

    pages = [f"{deal.staff_url()}?tab={tab}" for tab in ("messages", "tasks", "objections")]
    for number in range(2):
        ask(portal_cursor, offer, f"Question {number}?")
        ask(portal_cursor, offer, f"Doubt {number}.", verb="objected")
    answered(Message.objects.filter(template="question").first(), ada, ben)
    before = [queries(page) for page in pages]
    for number in range(2, 9):
        ask(portal_cursor, offer, f"Question {number}?")
        ask(portal_cursor, offer, f"Doubt {number}.", verb="objected")
    assert [queries(page) for page in pages] == before


# -- At once. ----------------------------------------------------------------------------------------------------------


def test_of_two_answers_approved_at_once_one_is_in_force(ada, ben, offer, portal_cursor):
    question = ask(portal_cursor, offer)
    answers = [perform(an_answer(question, ada, words).submit, by=ada) for words in (YES, "No, it is two people.")]

    def approve(answer):
        try:
            return approve_all(answer, ben).stage
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(approve, answers))
    assert Publication.objects.filter(kind="answer", withdrawn_at=None).count() == 1
    assert sorted(Summary.objects.filter(kind="answer").values_list("stage", flat=True)) == ["published", "superseded"]


def test_taking_a_short_answer_back_holds_its_own_mail_alone(ada, ben, offer, portal_cursor):
    token = token_of(offer)
    first, second = (ask(portal_cursor, offer, words, token=token) for words in ("Is it May?", "Is it one person?"))
    # Both go out in the same round; the first link leads on to whichever came last.
    taken = answered(first, ada, ben, "Yes.")
    answered(second, ada, ben, "Yes.")
    perform(taken.withdraw, by=ben, reason="It is June.")
    mails = Message.objects.filter(template="answer").order_by("pk")
    held = {"“Is it May?”" in mail.body: mail.stage for mail in mails}
    assert held == {True: "held", False: "queued"}
