"""Due work: claimed once, sent once, paused with its reason, never silently dropped."""

import threading
from datetime import time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from opportunities import bounces, followups, incoming, outbox
from opportunities.models import Consent, Contact, Letter, Message, Notice, Task
from opportunities.records import begin, edit, lock, perform
from tests.conftest import person
from tests.makers import an_opportunity


def a_follow_up(owner, opportunity=None, **fields):
    opportunity = opportunity or an_opportunity(owner)
    fields.setdefault("due_at", timezone.now() - timedelta(minutes=1))
    fields.setdefault("contact", opportunity.decision_owner)
    task = Task(
        opportunity=opportunity,
        kind="follow_up",
        title="Ask whether they saw our note",
        subject="One question about our note",
        words="Good morning.",
        owner=owner,
        **fields,
    )
    return begin(task, by=owner)


@pytest.mark.django_db
def test_a_due_follow_up_goes_out_once_through_the_mail_server(ada, mail_server):
    catcher = mail_server()
    task = a_follow_up(ada)
    followups.send_due()
    followups.send_due()
    assert [envelope.rcpt_tos for envelope in catcher.got] == [[task.contact.email]]
    message = Message.objects.get()
    assert (message.stage, message.attempt) == ("sent", 1)
    assert message.subject == "One question about our note"
    assert message.message_id.encode() in catcher.got[0].content
    assert Task.objects.get(pk=task.pk).stage == "done"


@pytest.mark.django_db
def test_a_mail_to_a_client_needs_a_subject_of_its_own(ada):
    task = a_follow_up(ada)
    task.subject = " "
    with pytest.raises(ValidationError, match="Write the subject"):
        task.clean()


@pytest.mark.django_db
def test_what_is_not_due_waits(ada):
    a_follow_up(ada, due_at=timezone.now() + timedelta(hours=1))
    followups.send_due()
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_task_of_ours_is_told_to_its_owner_once_and_mailed_once(ada, mail_server):
    catcher = mail_server()
    task = a_follow_up(ada, contact=None)
    followups.send_due()
    followups.send_due()
    notice = Notice.objects.get()
    assert (notice.user, notice.words, notice.url) == (ada, f"Due: {task.title}", task.staff_url())
    assert [envelope.rcpt_tos for envelope in catcher.got] == [[ada.email]]
    assert Letter.objects.get().state == "sent"


@pytest.mark.django_db
def test_what_we_are_told_waits_for_the_mail_server_and_goes_once(ada, nobody_listens, mail_server):
    a_follow_up(ada, contact=None)
    touch = a_follow_up(ada)
    nobody_listens()
    followups.send_due()
    assert Notice.objects.filter(user=ada).exists(), "it is told in the app at once"
    assert Message.objects.get(task=touch).stage == "queued"

    catcher = mail_server()
    followups.send_due()
    followups.send_due()
    assert sorted(envelope.rcpt_tos[0] for envelope in catcher.got) == sorted([ada.email, touch.contact.email])


@pytest.mark.django_db
def test_a_letter_that_the_server_refuses_is_not_tried_for_ever(ada, mail_server):
    catcher = mail_server("554 We do not like you")
    a_follow_up(ada, contact=None)
    followups.send_due()
    followups.send_due()
    assert len(catcher.got) == 1
    assert Letter.objects.get().state == "failed"


@pytest.mark.django_db
def test_a_mail_that_the_server_will_not_take_yet_is_tried_again_by_itself(ada, mail_server):
    catcher = mail_server("451 Come back later")
    a_follow_up(ada)
    followups.send_due()
    message = Message.objects.get()
    assert (message.stage, len(catcher.got)) == ("queued", 1)
    assert message.go_at > timezone.now()
    catcher.answer = "250 OK"
    Message.objects.update(go_at=timezone.now() - timedelta(seconds=1))
    followups.send_due()
    assert Message.objects.get().stage == "sent"


@pytest.mark.django_db
def test_a_follow_up_is_done_when_its_mail_has_gone_and_not_before(ada, mail_server):
    mail_server("554 We do not like you")
    task = a_follow_up(ada)
    followups.send_due()
    assert Task.objects.get(pk=task.pk).stage == "open"
    perform(Message.objects.get().retry, by=ada)
    mail_server()
    followups.send_due()
    assert Task.objects.get(pk=task.pk).stage == "done"


@pytest.mark.django_db
def test_the_mail_of_a_follow_up_that_somebody_closed_goes_no_more(ada, mail_server):
    task = a_follow_up(ada)
    followups.take_touches()
    perform(Task.objects.get(pk=task.pk).cancel, by=ada, reason="They called.")
    catcher = mail_server()
    followups.send_due()
    assert (Message.objects.get().stage, catcher.got) == ("held", [])


@pytest.mark.django_db
def test_a_follow_up_that_is_resumed_by_hand_never_has_a_second_mail(ada, mail_server):
    catcher = mail_server()
    task = a_follow_up(ada)
    followups.take_touches()
    task = perform(Task.objects.get(pk=task.pk).pause, by=ada, reason="Wait.")
    perform(task.resume, by=ada)
    followups.send_due()
    followups.send_due()
    assert (Message.objects.count(), len(catcher.got)) == (1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda o: o.decision_owner.consents.update(withdrawn_at=timezone.now()),
            "stopped transactional mail",
        ),
        (lambda o: type(o.decision_owner).objects.update(left_on=timezone.localdate()), "cannot be reached"),
        (lambda o: perform(o.pause, by=None, reason="Holiday"), "The opportunity is paused"),
        (lambda o: type(o).objects.update(decision_owner=None), "Nobody is known to decide"),
    ],
)
def test_a_follow_up_that_may_not_go_out_pauses_and_says_why(ada, spoil, reason):
    task = a_follow_up(ada)
    spoil(task.opportunity)
    followups.send_due()
    task = Task.objects.get(pk=task.pk)
    assert task.stage == "paused"
    assert reason in task.paused_because
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_mail_that_the_server_refuses_has_failed_and_says_why(ada, mail_server):
    mail_server("554 We do not like you")
    a_follow_up(ada)
    followups.send_due()
    message = Message.objects.get()
    assert message.stage == "failed"
    assert "We do not like you" in message.trouble


@pytest.mark.django_db
def test_a_mail_that_nobody_confirmed_asks_a_person_and_is_never_sent_by_itself(ada, mail_server):
    contact = a_follow_up(ada).contact
    followups.take_touches()
    message = outbox.claim()
    Message.objects.filter(pk=message.pk).update(claimed_at=timezone.now() - timedelta(minutes=6))
    catcher = mail_server()
    followups.send_due()
    followups.send_due()
    assert Message.objects.get().stage == "uncertain"
    assert catcher.got_for(contact) == []
    perform(Message.objects.get().settle_unsent, by=ada)
    followups.send_due()
    assert len(catcher.got_for(contact)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_mail_once(mail_server):
    ada = person("ada", "Growth ops", team="East")
    for _ in range(6):
        a_follow_up(ada)
    catcher = mail_server()

    def work():
        followups.send_due()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    followups.send_due()
    assert len(catcher.got) == 6
    assert set(Message.objects.values_list("stage", flat=True)) == {"sent"}


@pytest.mark.django_db
def test_while_the_mail_server_is_down_what_is_queued_stays_queued(ada, mail_server, settings):
    a_follow_up(ada)
    mail_server()
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    followups.send_due()
    assert Message.objects.get().stage == "queued"
    settings.EMAIL_PORT = port
    followups.send_due()
    assert Message.objects.get().stage == "sent"


@pytest.mark.django_db
def test_a_server_that_hangs_up_without_an_answer_leaves_a_doubt_and_keeps_nobody_else_waiting(ada, mail_server):
    catcher = mail_server()
    a_follow_up(ada)
    a_follow_up(ada)
    hang_up_once(catcher)
    followups.send_due()
    assert list(Message.objects.order_by("id").values_list("stage", flat=True)) == ["uncertain", "sent"]


def hang_up_once(catcher):
    """Let the server take the first mail and hang up before it says so."""
    answer = catcher.handle_DATA

    async def hang_up(server, session, envelope):
        catcher.handle_DATA = answer
        server.transport.abort()
        return "250 OK"

    catcher.handle_DATA = hang_up


@pytest.mark.django_db(transaction=True)
def test_the_round_leaves_a_deal_that_somebody_moves_for_later():
    """A move holds the diary and then takes the rows; a round that took the rows first would lock both out."""
    ada = person("ada", "Growth ops", team="East")
    task = a_follow_up(ada)
    held, done = threading.Event(), threading.Event()

    def move():
        with transaction.atomic():
            lock(task.opportunity)
            held.set()
            done.wait(10)
        connection.close()

    mover = threading.Thread(target=move)
    mover.start()
    held.wait(10)
    followups.take_touches()
    assert not Message.objects.exists()
    done.set()
    mover.join()
    followups.take_touches()
    assert Message.objects.get().task == task


@pytest.mark.django_db
def test_a_task_that_cannot_be_taken_does_not_keep_the_others_waiting(ada, monkeypatch):
    broken, sound = a_follow_up(ada), a_follow_up(ada)
    why_not = followups.why_not

    def fail_for_one(task):
        if task.pk == broken.pk:
            raise KeyError("a row that nobody foresaw")
        return why_not(task)

    monkeypatch.setattr(followups, "why_not", fail_for_one)
    followups.take_touches()
    assert [message.task for message in Message.objects.all()] == [sound]


# -- What cures it, and what ends it. ----------------------------------------------------------------------------------


def now(record):
    return type(record).objects.get(pk=record.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("cure", ["contact", "not_after"])
def test_what_is_mended_on_a_follow_up_itself_lets_it_go_on_in_the_next_round(ada, mail_server, cure):
    mail_server()
    deal = an_opportunity(ada)
    if cure == "contact":
        task = a_follow_up(ada, deal)
        edit(deal.decision_owner, by=ada, email="")
    else:
        task = a_follow_up(ada, deal, not_after=timezone.now() - timedelta(hours=1))
    followups.send_due()
    task = now(task)
    assert (task.stage, task.again_at > timezone.now()) == ("paused", True)
    if cure == "contact":
        other = begin(Contact(client=deal.client, name="Ann", email="ann@harbor.example", works_on="1234567"), by=ada)
        other = edit(other, by=ada, works_from=time(0), works_to=time(0))
        given = {"text_version": "1", "source": "Form", "purpose": "transactional"}
        begin(Consent(contact=other, **given), by=ada)
        edit(deal, by=ada, decision_owner=other)
        Task.objects.update(again_at=timezone.now() + timedelta(hours=6))
        task.change(by=ada, contact=other)
    else:
        task.change(by=ada, not_after=timezone.now() + timedelta(hours=2))
    followups.send_due()
    assert now(task).stage == "done"


@pytest.mark.django_db
@pytest.mark.parametrize("heard", ["mail", "meeting"])
def test_a_reply_or_a_meeting_ends_a_follow_up_by_hand_and_its_series(ada, heard):
    deal = an_opportunity(ada)
    task = a_follow_up(ada, deal, repeats="weekly", due_at=timezone.now() + timedelta(days=1))
    words = {"subject": "Yes", "body": "Let us talk.", "channel": heard}
    about = {"client": deal.client, "opportunity": deal, "contact": deal.decision_owner, "owner": ada}
    message = perform(begin(Message(**about, **words), by=ada).receive, by=None)
    if heard == "mail":
        incoming.end_waiting(message)  # as mail that comes in does
    assert now(task).stage == "done"
    assert not Task.objects.filter(follows=task).exists()


@pytest.mark.django_db
def test_a_follow_up_that_a_person_did_is_followed_by_the_next_of_its_series(ada):
    task = a_follow_up(ada, repeats="weekly")
    perform(task.finish, by=ada, outcome="They liked it.")
    assert Task.objects.filter(follows=task).exists()


# -- Its mail, when it is over. ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("stage", "say"), [("uncertain", "send"), ("failed", "retry")])
def test_the_mail_of_a_follow_up_that_was_cancelled_is_not_sent_by_who_does_not_know(
    ada, eve, as_user, mail_server, stage, say
):
    catcher, task = mail_server(), a_follow_up(ada)
    followups.take_due()
    message = perform(Message.objects.get().start_sending, by=None)
    message = perform(message.doubt if stage == "uncertain" else message.fail, by=None, reason="No answer.")
    perform(now(task).cancel, by=ada, reason="They said no.")
    assert "Its follow-up was closed: They said no." in as_user(eve).get("/admin/due/").text
    url = reverse("due_settle", args=["message", message.pk])
    answer = as_user(eve).post(url, {"say": say}, follow=True)
    assert "It is kept back" in answer.text
    assert (now(message).stage, now(message).trouble) == ("held", "Its follow-up was closed: They said no.")
    outbox.run()
    assert catcher.got_for(message.contact) == []
    perform(now(message).queue, by=ada)  # whoever has read it may
    outbox.run()
    assert len(catcher.got_for(message.contact)) == 1


@pytest.mark.django_db
def test_a_mail_that_came_back_is_sent_again_though_its_follow_up_is_done(ada, mail_server):
    mail_server()
    a_follow_up(ada)
    followups.send_due()
    message = Message.objects.get()
    bounces.came_back(message, "550 Unknown")
    edit(now(message.contact), by=ada, email="new@harbor.example")
    assert perform(now(message).retry, by=ada).stage == "queued"
    assert now(message).stage == "queued"


@pytest.mark.django_db
def test_a_follow_up_whose_mail_failed_says_so_where_it_is_looked_for(ada, as_user, mail_server):
    mail_server("550 No such user")
    task = a_follow_up(ada)
    followups.send_due()
    message = Message.objects.get()
    for page in ("/admin/today/", task.staff_url()):
        answer = as_user(ada).get(page).text
        assert "It did not arrive" in answer
        assert "No such user" in answer
        assert message.staff_url() in answer
