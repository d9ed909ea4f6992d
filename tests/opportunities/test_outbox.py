"""The outbox: what becomes of a mail when the server refuses, hangs or dies, and when a worker is frozen or killed."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import get_connection
from django.db import connection
from django.utils import timezone

from opportunities import bounces, followups, notices, outbox
from opportunities.models import Contact, Event, Letter, Message, Notice, Task
from opportunities.records import Refused, edit, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.opportunities.test_followups import a_follow_up

pytestmark = pytest.mark.django_db


def a_mail(owner, opportunity=None, **fields):
    """A mail that somebody wrote and pressed Send for."""
    opportunity = opportunity or an_opportunity(owner)
    contact = opportunity.decision_owner
    return outbox.write(contact, "The offer", "Here it is.", owner=owner, by=owner, opportunity=opportunity, **fields)


def again(record):
    return type(record).objects.get(pk=record.pk)


class Talker:
    """A mail server that speaks line by line, and stops where it is told to: "mail", "data" or "dot"."""

    def __init__(self, stops_at, *, hangs=False, says=b""):
        self.stops_at, self.hangs, self.says, self.got = stops_at, hangs, says, []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                guest, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(guest,), daemon=True).start()

    def talk(self, guest):
        with guest, guest.makefile("rb") as lines:
            guest.sendall(b"220 here\r\n")
            for line in lines:
                word = line[:4].strip().lower().decode()
                if word == self.stops_at:
                    return self.stop()
                if word == "data":
                    guest.sendall(b"354 go on\r\n")
                    words = b"".join(iter(lines.readline, b".\r\n"))
                    self.got.append(words)
                    if self.stops_at == "dot":
                        return guest.sendall(self.stop())
                guest.sendall(b"221 bye\r\n" if word == "quit" else b"250 fine\r\n")

    def got_for(self, contact):
        return [words for words in self.got if f"<{contact.email}>".encode() in words]

    def stop(self):
        if self.hangs:
            time.sleep(3)
        return self.says


@pytest.fixture
def talker(settings):
    """Return the function that starts a server which stops at a word."""
    running = []

    def start(stops_at, **kwargs):
        server = Talker(stops_at, **kwargs)
        running.append(server)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 0.5
        return server

    yield start
    for server in running:
        server.door.close()


# -- What the server does. ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["mail", "rcpt"])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_server_that_goes_before_it_has_the_mail_leaves_no_doubt(ada, talker, word, hangs):
    server, message = talker(word, hangs=hangs), a_mail(ada)
    outbox.send()
    message = again(message)
    assert (message.stage, server.got) == ("queued", [])
    assert message.go_at > timezone.now(), "it is tried again in a while"
    Message.objects.update(go_at=timezone.now())
    talker("never")
    outbox.send()
    assert again(message).stage == "sent"


@pytest.mark.parametrize("says", [b"2", b"25", b"200 taken\r\n", b"taken\r\n", b"5" * 9000 + b"\r\n"])
def test_what_a_server_that_has_the_mail_says_of_it_and_nobody_can_read_leaves_a_doubt(ada, talker, says):
    server, message = talker("dot", says=says), a_mail(ada)
    outbox.send()
    assert again(message).stage == "uncertain"
    talker("never")
    outbox.run()
    assert (again(message).stage, len(server.got)) == ("uncertain", 1)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_server_that_goes_when_it_has_the_mail_leaves_a_doubt_that_a_person_settles(ada, talker, hangs):
    server, message = talker("dot", hangs=hangs), a_mail(ada)
    outbox.send()
    assert again(message).stage == "uncertain"
    outbox.run()
    outbox.run()
    assert len(server.got_for(message.contact)) == 1, "nobody sends it again by themselves"
    other = talker("never")
    perform(again(message).settle_unsent, by=ada)
    outbox.run()
    assert again(message).stage == "sent"
    assert message.message_id.encode() in server.got_for(message.contact)[0]
    assert message.message_id.encode() in other.got_for(message.contact)[0], (
        "one mail has one Message-ID, however often it is tried"
    )


def test_what_a_person_found_to_have_gone_is_not_sent_again(ada, talker):
    talker("dot")
    message = a_mail(ada)
    outbox.send()
    perform(again(message).settle_sent, by=ada)
    server = talker("never")
    outbox.run()
    assert (again(message).stage, server.got_for(message.contact)) == ("sent", [])


def test_a_server_that_never_takes_a_mail_has_it_fail_after_days_and_not_before(ada, mail_server):
    catcher = mail_server("450 Busy")
    message = a_mail(ada)
    for _ in outbox.AGAIN:
        outbox.send()
        assert again(message).stage == "queued"
        Message.objects.update(go_at=timezone.now())
    outbox.send()
    message = again(message)
    assert (message.stage, len(catcher.got_for(message.contact))) == ("failed", len(outbox.AGAIN) + 1)
    assert "Busy" in message.trouble


@pytest.mark.parametrize("broken_by", ["a subject of two lines", "an address that no server can have"])
def test_one_mail_that_cannot_be_written_keeps_no_other_back(ada, mail_server, broken_by):
    catcher = mail_server()
    broken, sound = a_mail(ada), a_mail(ada)
    if "address" in broken_by:
        Contact.objects.filter(pk=broken.contact_id).update(email=f"bo@{'ü' * 60}.de")
    else:
        Message.objects.filter(pk=broken.pk).update(subject="Two\nlines")
    outbox.send()
    assert again(broken).stage == "failed"
    assert "cannot be written as a mail" in again(broken).trouble
    assert (again(sound).stage, len(catcher.got_for(sound.contact))) == ("sent", 1)


@pytest.mark.parametrize("cleared", [{"subject": "", "words": ""}, {"contact": None}])
def test_the_mail_of_a_follow_up_that_mails_nobody_any_more_is_kept_back(ada, mail_server, cleared):
    mail_server("451 Come back later")
    task = a_follow_up(ada)
    followups.send_due()
    (message,) = task.messages.all()
    assert message.stage == "queued"

    again(task).change(by=ada, **cleared)
    message, catcher = again(message), mail_server()
    assert (message.stage, message.body) == ("held", task.words), "it says what it said"
    Message.objects.update(go_at=timezone.now())
    followups.send_due()
    assert (again(message).stage, catcher.got_for(message.contact)) == ("held", [])
    assert Notice.objects.filter(user=ada, words=f"Due: {task.title}").exists(), "it is told of instead"


# -- What befalls a worker. --------------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_between_claim_and_word_leaves_a_doubt(ada, mail_server):
    message = a_mail(ada)
    assert outbox.claim() == message
    outbox.run()
    assert again(message).stage == "sending", "its lease runs"
    Message.objects.update(claimed_at=timezone.now() - outbox.LEASE - timedelta(seconds=1))
    catcher = mail_server()
    outbox.run()
    assert (again(message).stage, catcher.got_for(message.contact)) == ("uncertain", [])


def test_a_worker_that_was_frozen_and_comes_back_is_heard_late(ada, mail_server):
    mail_server()
    message = a_mail(ada)
    frozen = outbox.claim()
    perform(again(message).doubt, by=None, reason="The worker that sent it was never heard of again.")
    assert outbox.deliver(frozen, get_connection())
    assert again(message).stage == "sent"


def test_a_worker_that_was_frozen_before_it_handed_the_mail_over_does_not_do_it_late(ada, mail_server):
    catcher, message = mail_server(), a_mail(ada)
    frozen = outbox.claim()
    frozen.claimed -= outbox.TOO_LATE + 1
    assert not outbox.deliver(frozen, get_connection())
    assert (again(message).stage, catcher.got) == ("queued", [])


def test_a_worker_is_heard_about_its_own_attempt_only(ada, mail_server):
    """It was frozen, a person had the mail sent again, and another worker has it now."""
    mail_server()
    message = a_mail(ada)
    frozen = outbox.claim()
    perform(again(message).doubt, by=None, reason="Lost.")
    perform(again(message).settle_unsent, by=ada)
    second = outbox.claim()
    assert not outbox.heard(frozen, "fail", reason="The server said no.")
    assert again(message).stage == "sending"
    assert Event.objects.filter(verb="message.heard", record_id=message.pk).count() == 1
    assert outbox.heard(second, "confirm_sent")
    with pytest.raises(Refused):
        perform(frozen.confirm_sent, by=None, attempt=1)


def sent_again_after_a_doubt(owner, message):
    """Have a worker freeze after it handed the mail over, and a person say "Send it". Return the frozen worker's."""
    frozen = outbox.claim()
    perform(again(message).doubt, by=None, reason="Lost.")
    perform(again(message).settle_unsent, by=owner)
    return frozen


def test_a_late_word_that_it_went_counts_while_the_second_attempt_is_held_for_a_condition(ada, mail_server):
    catcher, message = mail_server(), a_mail(ada)
    frozen = sent_again_after_a_doubt(ada, message)
    deal = again(message).opportunity
    edit(deal.decision_owner, by=ada, email="")
    outbox.run()
    assert again(message).stage == "held"
    assert outbox.heard(frozen, "confirm_sent")
    assert (again(message).stage, again(message).waits_for) == ("sent", "")
    edit(again(deal.decision_owner), by=ada, email="bo@harbor.example")
    Message.objects.update(again_at=timezone.now() - timedelta(minutes=1))
    followups.send_due()
    assert catcher.got_for(again(message).contact) == [], "nobody sends it a second time"


@pytest.mark.parametrize("then", ["put off", "failed", "handed over", "in doubt"])
def test_a_late_word_that_it_went_counts_whatever_became_of_the_second_attempt(ada, mail_server, then):
    mail_server("451 Later" if then == "put off" else "550 No")
    message = a_mail(ada)
    frozen = sent_again_after_a_doubt(ada, message)
    if then in ("put off", "failed"):
        outbox.run()
        assert (again(message).stage, again(message).attempt) == ("queued" if then == "put off" else "failed", 2)
    else:
        second = outbox.claim()
        if then == "in doubt":
            perform(again(message).doubt, by=None, reason="Lost too.")
    catcher = mail_server()
    assert outbox.heard(frozen, "confirm_sent")
    assert again(message).stage == "sent"
    if then == "handed over":
        assert not outbox.heard(second, "release", reason="451 Later")
    Message.objects.update(go_at=timezone.now() - timedelta(minutes=1))
    outbox.run()
    assert (again(message).stage, catcher.got_for(message.contact)) == ("sent", [])


def test_a_late_word_changes_nothing_of_a_mail_that_came_back(ada, mail_server):
    mail_server()
    message = a_mail(ada)
    frozen = outbox.claim()
    perform(again(message).doubt, by=None, reason="Lost.")
    assert bounces.came_back(again(message), "550 Unknown")
    assert not outbox.heard(frozen, "confirm_sent")
    assert again(message).stage == "failed"


def test_a_mail_that_was_never_handed_over_is_not_called_sent(ada):
    message = a_mail(ada)
    with pytest.raises(Refused):
        perform(message.confirm_sent, by=None)
    message = perform(message.hold, by=ada, reason="Wait.")
    with pytest.raises(Refused):
        perform(message.confirm_sent, by=None)


# -- One touch a day. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"email": "another@harbor.example"}, {"time_zone": "Pacific/Kiritimati"}, {"time_zone": "Pacific/Niue"}]
)
def test_one_touch_a_day_whatever_is_changed_of_the_contact_meanwhile(ada, mail_server, changes, time_machine):
    time_machine.move_to(datetime(2026, 12, 2, 9, 59, tzinfo=UTC))
    catcher, deal = mail_server(), an_opportunity(ada)
    a_follow_up(ada, deal)
    followups.send_due()
    contact = edit(deal.decision_owner, by=ada, **changes)
    time_machine.move_to(datetime(2026, 12, 2, 10, 30, tzinfo=UTC))  # in Kiritimati a day has begun, in Niue none
    second = a_follow_up(ada, deal)
    followups.send_due()
    assert again(second).stage == "paused"
    assert len([one for one in catcher.got if not one.rcpt_tos[0].endswith("@zarts.example")]) == 1
    time_machine.move_to(datetime(2026, 12, 4, 10, 30, tzinfo=UTC))
    followups.send_due()
    assert again(second).stage == "done"
    assert contact.pk == again(second).contact_id


def test_what_went_after_all_counts_as_the_touch_of_its_day(ada, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    a_follow_up(ada, deal)
    followups.take_due()
    message = Message.objects.get()
    frozen = sent_again_after_a_doubt(ada, message)
    assert outbox.heard(frozen, "confirm_sent")
    second = a_follow_up(ada, deal)
    followups.send_due()
    assert again(second).stage == "paused"
    assert catcher.got_for(message.contact) == []


def test_the_clock_of_a_process_is_not_asked(ada, mail_server, monkeypatch):
    """A worker whose clock is an hour ahead takes nothing early, and doubts nothing early."""
    catcher = mail_server()
    a_follow_up(ada, due_at=timezone.now() + timedelta(minutes=30))
    sending = a_mail(ada)
    outbox.claim()
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=1))
    followups.send_due()
    assert (again(sending).stage, catcher.got) == ("sending", [])


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_send_each_mail_once(mail_server):
    ada = person("ada", "Growth ops", team="East")
    deal = an_opportunity(ada)
    for _ in range(12):
        a_mail(ada, deal)
    letters = [notices.write(ada, f"Letter {number}", "Words.", key=f"test:{number}") for number in range(6)]
    catcher, start = mail_server(), threading.Barrier(4)

    def work():
        start.wait()
        for _ in range(5):
            outbox.send()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    outbox.send()
    assert len(catcher.got) == 12 + len(letters)
    assert set(Message.objects.values_list("stage", "attempt")) == {("sent", 1)}
    assert set(Letter.objects.values_list("state", "attempt")) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_two_touches_of_one_person_that_begin_at_once_are_one_touch(mail_server):
    ada = person("ada", "Growth ops", team="East")
    one, other = an_opportunity(ada), an_opportunity(ada)
    type(other.decision_owner).objects.filter(pk=other.decision_owner_id).update(email=one.decision_owner.email)
    a_follow_up(ada, one)
    a_follow_up(ada, other)
    followups.take_touches()
    catcher, start = mail_server(), threading.Barrier(2)

    def work():
        start.wait()
        outbox.send()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    outbox.send()
    assert len(catcher.got) == 1
    assert sorted(Message.objects.values_list("stage", "waits_for")) == [("held", "timing"), ("sent", "")]
    assert Task.objects.filter(stage="paused", waits_for="timing").count() == 1


# -- Letters to ourselves. ---------------------------------------------------------------------------------------------


def test_a_letter_that_nobody_confirmed_asks_an_administrator(ada, talker):
    talker("dot")
    letter = notices.write(ada, "Your day", "Words.", key="day")
    outbox.run()
    outbox.run()
    assert again(letter).state == "uncertain"


def test_a_letter_whose_worker_was_killed_is_in_doubt(ada):
    letter = notices.write(ada, "Your day", "Words.", key="day")
    outbox.claim_letter()
    Letter.objects.update(claimed_at=timezone.now() - outbox.LEASE - timedelta(seconds=1))
    outbox.run()
    assert again(letter).state == "uncertain"


def test_a_late_word_that_a_letter_went_counts_when_the_second_attempt_was_put_off(ada, mail_server):
    mail_server("451 Later")
    notices.write(ada, "Your day", "Words.", key="day")
    frozen = outbox.claim_letter()
    Letter.objects.update(state="queued")  # an administrator had it sent again
    outbox.send()
    assert Letter.objects.get().attempt == 2
    outbox.said(frozen, state=outbox.State.SENT)
    outbox.said(frozen, state=outbox.State.QUEUED)
    assert Letter.objects.get().state == "sent"


def test_nobody_who_left_gets_letters(ada, mail_server):
    catcher = mail_server()
    letter = notices.write(ada, "Your day", "Words.", key="day")
    type(ada).objects.update(is_active=False)
    outbox.run()
    assert (again(letter).state, catcher.got) == ("failed", [])


# -- What somebody sends by hand. --------------------------------------------------------------------------------------


def test_what_somebody_sends_goes_at_any_hour_but_never_to_who_left(ada, mail_server):
    catcher = mail_server()
    deal = an_opportunity(ada)
    message = a_mail(ada, deal)
    type(deal.decision_owner).objects.filter(pk=deal.decision_owner_id).update(left_on=timezone.localdate())
    outbox.send()
    message = again(message)
    assert (message.stage, message.waits_for, catcher.got) == ("held", "path", [])
    type(deal.decision_owner).objects.filter(pk=deal.decision_owner_id).update(left_on=None)
    Message.objects.update(again_at=timezone.now())
    followups.send_due()
    assert again(message).stage == "sent"


def test_marketing_by_hand_wants_its_consent_too(ada, mail_server):
    catcher = mail_server()
    message = a_mail(ada, purpose="marketing")
    outbox.send()
    assert (again(message).waits_for, catcher.got) == ("consent", [])
