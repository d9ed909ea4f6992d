"""Due work: claimed once, sent once, paused with its reason, never silently dropped."""

import socket
import threading
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from opportunities import followups
from opportunities.models import Message, Task
from opportunities.records import begin, lock, perform
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


class Catcher:
    """A real mail server that counts what it got."""

    def __init__(self, answer="250 OK"):
        self.answer, self.got = answer, []

    async def handle_DATA(self, server, session, envelope):
        self.got.append(envelope)
        return self.answer


@pytest.fixture
def mail_server(settings):
    """Start a mail server on a free port; return the function that starts it with an answer."""
    running = []

    def start(answer="250 OK"):
        catcher = Catcher(answer)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(catcher, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        return catcher

    yield start
    for controller in running:
        controller.stop()


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
def test_a_task_without_a_mail_reminds_its_owner_once(ada, django_capture_on_commit_callbacks):
    a_follow_up(ada, contact=None)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            followups.take_due_tasks()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        ([ada.email], "Due: Ask whether they saw our note")
    ]


def nobody_listens(settings):
    """Let the mail server be one that is down."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = probe.getsockname()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.django_db
def test_a_reminder_waits_for_the_mail_server_and_goes_once(
    ada, settings, mail_server, django_capture_on_commit_callbacks
):
    a_follow_up(ada, contact=None)
    touch = a_follow_up(ada)
    nobody_listens(settings)
    with django_capture_on_commit_callbacks(execute=True):
        assert followups.take_due_tasks() == 1, "what only has to be queued is queued"
    assert Task.objects.get(pk=touch.pk).stage == "done"

    catcher = mail_server()
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            followups.take_due_tasks()
    assert [envelope.rcpt_tos for envelope in catcher.got] == [[ada.email]]


@pytest.mark.django_db
def test_a_reminder_that_the_server_dropped_is_due_again(
    ada, settings, mail_server, django_capture_on_commit_callbacks
):
    """It was there when the task was taken, and gone when the mail was to go."""
    mail_server()
    task = a_follow_up(ada, contact=None)
    with django_capture_on_commit_callbacks() as callbacks:
        followups.take_due_tasks()
    assert Task.objects.get(pk=task.pk).told_at
    nobody_listens(settings)
    followups.remind(task, followups.get_connection())
    assert callbacks
    assert Task.objects.get(pk=task.pk).told_at is None


@pytest.mark.django_db
def test_a_reminder_that_the_server_refuses_is_not_tried_for_ever(ada, mail_server, django_capture_on_commit_callbacks):
    catcher = mail_server("554 We do not like you")
    a_follow_up(ada, contact=None)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            followups.take_due_tasks()
    assert len(catcher.got) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda o: o.decision_owner.consents.update(withdrawn_at=timezone.now()),
            "has not agreed to transactional mail",
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
    a_follow_up(ada)
    followups.take_due_tasks()
    message = followups.claim()
    Message.objects.filter(pk=message.pk).update(claimed_at=timezone.now() - timedelta(minutes=6))
    catcher = mail_server()
    followups.send_due()
    followups.send_due()
    assert Message.objects.get().stage == "uncertain"
    assert catcher.got == []
    perform(Message.objects.get().settle_unsent, by=ada)
    followups.send_due()
    assert len(catcher.got) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_mail_once(mail_server):
    ada = person("ada", "Growth ops", team="East")
    opportunity = an_opportunity(ada)
    for _ in range(6):
        a_follow_up(ada, opportunity)
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
    opportunity = an_opportunity(ada)
    a_follow_up(ada, opportunity)
    a_follow_up(ada, opportunity)
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
    followups.take_due_tasks()
    assert Task.objects.get(pk=task.pk).stage == "open"
    done.set()
    mover.join()
    followups.take_due_tasks()
    assert Task.objects.get(pk=task.pk).stage == "done"


@pytest.mark.django_db
def test_a_task_that_cannot_be_taken_does_not_keep_the_others_waiting(ada, monkeypatch):
    broken, sound = a_follow_up(ada), a_follow_up(ada)
    why_not = followups.why_not

    def fail_for_one(task):
        if task.pk == broken.pk:
            raise KeyError("a row that nobody foresaw")
        return why_not(task)

    monkeypatch.setattr(followups, "why_not", fail_for_one)
    followups.take_due_tasks()
    assert Task.objects.get(pk=broken.pk).stage == "open"
    assert Task.objects.get(pk=sound.pk).stage == "done"
