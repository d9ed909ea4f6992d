"""The page on which administrators see whether due work is stuck, and the process that needs no broker."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from opportunities import notices, outbox
from opportunities.models import Heartbeat, Letter, Message, Task
from opportunities.records import perform
from portal.models import StopLink
from tests.conftest import person
from tests.makers import an_opportunity
from tests.opportunities.test_followups import a_follow_up
from tests.opportunities.test_outbox import a_mail
from zarts.desk import due, pulse, pump

pytestmark = pytest.mark.django_db


def an_uncertain_mail(owner):
    message = a_mail(owner)
    outbox.claim()
    return perform(Message.objects.get(pk=message.pk).doubt, by=None, reason="The server hung up.")


def settle(browser, kind, pk, say):
    return browser.post(reverse("due_settle", args=[kind, pk]), {"say": say})


def test_nothing_is_stuck_in_a_quiet_house(eve, as_user):
    due.run(kind="worker")
    page = as_user(eve).get("/admin/due/").content.decode()
    assert "Nothing is stuck" in page
    assert pulse.process() in page


def test_a_command_that_somebody_ran_once_is_not_missed_later():
    due.run()
    assert pulse.is_alive()
    assert not Heartbeat.objects.exclude(kind="").exists()


@pytest.mark.django_db(transaction=True)
def test_what_counts_in_days_is_looked_at_now_and_then_by_one_of_many_processes(monkeypatch):
    ran = []
    monkeypatch.setattr(due, "PARTS", {"each time": lambda: ran.append("each time")})
    monkeypatch.setattr(due, "SLOW_PARTS", {"seldom": lambda: ran.append("seldom")})
    for kind in ("pump", "worker", "pump"):
        due.run(kind=kind)
    assert ran == ["each time", "seldom", "each time", "each time"]
    Heartbeat.objects.filter(name=pulse.SELDOM).update(at=timezone.now() - timedelta(seconds=due.SELDOM + 1))
    due.run(kind="worker")
    due.run()
    assert ran.count("seldom") == 3, "and whoever asks for a round gets a whole one"


def test_it_counts_the_ways_out_that_were_pressed_and_not_yet_seen_to(as_owner, eve, ada, as_user):
    contact = an_opportunity(ada).decision_owner
    who = {"client_id": contact.client_id, "contact_id": contact.pk, "email": contact.email}
    link = StopLink.keep("pressed", purpose="marketing", **who)
    insert = "insert into portal_stop (link_id, address, user_agent, outcome, at) values (%s, '', '', '', %s)"
    as_owner(insert, [link.pk, timezone.now() - timedelta(hours=3)])
    assert "3\xa0hours" in as_user(eve).get("/admin/due/").content.decode()


def test_nobody_else_sees_it(ada, ben, ann, dora, as_user):
    message, letter = an_uncertain_mail(ada), notices.write(ada, "Your day", "Words.", key="day")
    Letter.objects.filter(pk=letter.pk).update(state="uncertain")
    for user in (ada, ben, ann, dora):
        assert as_user(user).get("/admin/due/").status_code == 403
        assert settle(as_user(user), "message", message.pk, "went").status_code == 403
        assert settle(as_user(user), "letter", letter.pk, "went").status_code == 403
    assert Letter.objects.get(pk=letter.pk).state == "uncertain"
    assert Message.objects.get(pk=message.pk).stage == "uncertain"


def test_it_says_since_when_the_oldest_due_thing_waits(eve, ada, as_user):
    a_follow_up(ada, due_at=timezone.now() - timedelta(hours=3))
    assert "3\xa0hours" in as_user(eve).get("/admin/due/").content.decode()
    assert as_user(eve).get("/readyz").json()["oldest due, seconds"] in range(10790, 10900)


def test_a_process_that_fell_silent_says_so(eve, as_user):
    due.run(kind="worker")
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=2))
    page = as_user(eve).get("/admin/due/").content.decode()
    assert "Silent" in page
    assert "No round of due work has ended for a minute" in page
    Heartbeat.objects.exclude(kind="").update(at=timezone.now() - timedelta(days=3))
    due.run(kind="pump")
    assert Heartbeat.objects.exclude(kind="").count() == 1, "who ended days ago is forgotten"


@pytest.mark.parametrize(("say", "stage"), [("went", "sent"), ("send", "queued")])
def test_an_uncertain_mail_is_settled_by_a_person(eve, ada, as_user, say, stage):
    message = an_uncertain_mail(ada)
    answer = as_user(eve).get("/admin/due/").content.decode()
    assert "The server hung up." in answer
    settle(as_user(eve), "message", message.pk, say)
    assert Message.objects.get(pk=message.pk).stage == stage
    again = as_user(eve).post(reverse("due_settle", args=["message", message.pk]), {"say": say}, follow=True)
    assert "is already" in again.content.decode(), "somebody was quicker"


def test_a_press_on_an_old_page_says_nothing_of_the_next_attempt(eve, ada, as_user):
    message = an_uncertain_mail(ada)
    old = as_user(eve).get("/admin/due/").text
    assert 'name="turn" value="1"' in old
    press = {"say": "send", "turn": "1"}
    as_user(eve).post(reverse("due_settle", args=["message", message.pk]), press)
    outbox.claim()
    perform(Message.objects.get(pk=message.pk).doubt, by=None, reason="It hung up again.")
    answer = as_user(eve).post(reverse("due_settle", args=["message", message.pk]), press, follow=True)
    assert "was taken up again since this page was opened" in answer.text
    assert Message.objects.get(pk=message.pk).stage == "uncertain"
    as_user(eve).post(reverse("due_settle", args=["message", message.pk]), {"say": "send", "turn": "2"})
    assert Message.objects.get(pk=message.pk).stage == "queued"


def test_a_press_on_an_old_page_of_the_mail_itself_says_nothing_of_the_next_attempt_either(eve, ada, as_user):
    message = an_uncertain_mail(ada)
    assert 'name="turn" value="1"' in as_user(eve).get(message.staff_url()).text
    perform(Message.objects.get(pk=message.pk).settle_unsent, by=ada)
    outbox.claim()
    perform(Message.objects.get(pk=message.pk).doubt, by=None, reason="It hung up again.")
    answer = as_user(eve).post(message.move_url("settle_unsent"), {"turn": "1"})
    assert answer.status_code == 409
    assert "was taken up again since this page was opened" in answer.text
    assert Message.objects.get(pk=message.pk).stage == "uncertain"


def test_a_press_on_an_old_page_says_nothing_of_the_next_attempt_of_a_letter(eve, ada, as_user):
    letter = notices.write(ada, "Your day", "Words.", key="day")
    Letter.objects.update(state="uncertain", attempt=2)
    url = reverse("due_settle", args=["letter", letter.pk])
    as_user(eve).post(url, {"say": "send", "turn": "1"})
    assert Letter.objects.get().state == "uncertain"
    as_user(eve).post(url, {"say": "send", "turn": "2"})
    assert Letter.objects.get().state == "queued"


def test_a_failed_mail_is_tried_again(eve, ada, as_user, mail_server):
    mail_server("550 No")
    message = a_mail(ada)
    outbox.send()
    mail_server()
    settle(as_user(eve), "message", message.pk, "retry")
    outbox.send()
    assert Message.objects.get(pk=message.pk).stage == "sent"


@pytest.mark.parametrize(
    ("state", "say", "then"),
    [("uncertain", "went", "sent"), ("uncertain", "send", "queued"), ("failed", "retry", "queued")],
)
def test_a_letter_to_one_of_us_is_settled_too(eve, ada, as_user, state, say, then):
    letter = notices.write(ada, "Your day", "Words.", key="day")
    Letter.objects.update(state=state)
    settle(as_user(eve), "letter", letter.pk, say)
    assert Letter.objects.get().state == then
    settle(as_user(eve), "letter", letter.pk, say)
    assert Letter.objects.get().state == then


def test_nonsense_settles_nothing(eve, ada, as_user):
    message = an_uncertain_mail(ada)
    assert settle(as_user(eve), "message", message.pk, "maybe").status_code == 404
    assert settle(as_user(eve), "pigeon", message.pk, "went").status_code == 404
    assert settle(as_user(eve), "message", 10**12, "went").status_code == 404
    assert as_user(eve).get(reverse("due_settle", args=["message", message.pk])).status_code == 405


def test_it_asks_a_bounded_number_of_questions(eve, ada, as_user, django_assert_max_num_queries):
    browser = as_user(eve)
    for _ in range(5):
        an_uncertain_mail(ada)
    with django_assert_max_num_queries(12):
        browser.get("/admin/due/")


@pytest.mark.django_db(transaction=True)
def test_a_pump_does_due_work_by_itself_and_outlives_its_connection(mail_server):
    """There is no broker in this test: nobody is poked."""
    ada = person("ada", "Growth ops", team="East")
    an_opportunity(ada)
    stop, mails = threading.Event(), mail_server()

    def work():
        pump.run(stop)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        first = a_follow_up(ada)
        assert goes(first)
        assert comes_true(cut_while_it_listens)
        assert goes(a_follow_up(ada)), "its connection was cut, and it took another"
        assert Heartbeat.objects.filter(name=pulse.process()).exists()
    finally:
        stop.set()
        worker.join(10)
    # What Ada is told meanwhile goes to Ada.
    assert len([one for one in mails.got if ada.email not in one.rcpt_tos]) == 2
    assert not Heartbeat.objects.filter(name=pulse.process()).exists(), "who ends as they should is not missed"


def goes(task) -> bool:
    return comes_true(lambda: Task.objects.get(pk=task.pk).stage == "done")


def cut_while_it_listens() -> bool:
    """Cut the connection of a pump that waits for a call. False when it is at work just now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and usename = current_user and state = 'idle' and query like 'listen %'"
        )
        return cursor.fetchone() is not None


def comes_true(asked) -> bool:
    until = time.monotonic() + 8
    while time.monotonic() < until:
        if asked():
            return True
        time.sleep(0.05)
    return False
