"""The mail of the day: when somebody's own day begins, once, and only when there is something to say."""

import threading
from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opportunities import notices
from opportunities.models import Letter, Notice, NoticeChoice, Task, User
from opportunities.records import begin, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from zarts.desk import digest

pytestmark = pytest.mark.django_db


def at(time_machine, text):
    time_machine.move_to(text, tick=False)


def a_task(owner, due_at, deal=None, **fields):
    deal = deal or an_opportunity(owner)
    return begin(Task(opportunity=deal, title="Call them", owner=owner, due_at=due_at, **fields), by=owner)


def live_in(user, zone, hour=time(7, 30)):
    User.objects.filter(pk=user.pk).update(time_zone=zone, digest_at=hour, digest_on=None)


@pytest.mark.parametrize(
    ("zone", "before", "after", "day"),
    [
        ("UTC", "2026-11-26T07:29Z", "2026-11-26T07:30Z", "Thursday 26 November"),
        ("Pacific/Kiritimati", "2026-11-25T17:29Z", "2026-11-25T17:30Z", "Thursday 26 November"),
        ("America/Los_Angeles", "2026-11-26T15:29Z", "2026-11-26T15:30Z", "Thursday 26 November"),
        ("Europe/Berlin", "2026-03-29T05:29Z", "2026-03-29T05:30Z", "Sunday 29 March"),  # the clocks went forward
        ("Europe/Berlin", "2026-10-25T06:29Z", "2026-10-25T06:30Z", "Sunday 25 October"),  # and back
    ],
)
def test_it_comes_at_their_own_hour(ada, time_machine, zone, before, after, day):
    at(time_machine, before)
    a_task(ada, timezone.now() - timedelta(days=1))
    live_in(ada, zone)
    assert digest.send() == 0
    at(time_machine, after)
    assert digest.send() == 1
    assert digest.send() == 0
    letter = Letter.objects.get()
    assert letter.subject == f"Your day, {day}"
    assert f"Times are in {zone}." in letter.body


def test_a_worker_that_was_down_writes_it_later_the_same_day_and_not_for_yesterday(ada, time_machine):
    at(time_machine, "2026-11-26T20:00Z")
    a_task(ada, timezone.now() - timedelta(days=1))
    assert digest.send() == 1
    at(time_machine, "2026-11-28T09:00Z")
    assert digest.send() == 1
    assert list(Letter.objects.order_by("pk").values_list("key", flat=True)) == [
        f"digest:{ada.pk}:2026-11-26",
        f"digest:{ada.pk}:2026-11-28",
    ]


def test_it_says_what_is_owed_what_waits_and_what_they_wanted_to_be_told_here(ada, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    deal = an_opportunity(ada)
    Task.objects.all().update(due_at=timezone.now() + timedelta(days=9))
    a_task(ada, timezone.now() - timedelta(days=1), deal)
    a_task(ada, timezone.now() + timedelta(hours=2), deal)
    a_task(ada, timezone.now() + timedelta(days=1), deal)
    NoticeChoice.objects.create(user=ada, kind="breach", how="digest")
    notices.tell(ada, Notice.Kind.BREACH, "A report is late.", "/admin/", key="1")
    digest.send()
    words = Letter.objects.get().body
    assert f"Overdue\n- Call them, {deal.client}, Wed 25 Nov 10:00" in words
    assert f"Due today\n- Call them, {deal.client}, Thu 26 Nov 12:00" in words
    assert words.count("Call them") == 2, "tomorrow's is tomorrow's"
    assert "Told\n- A report is late." in words
    assert not Notice.objects.filter(in_digest=True).exists(), "it is told once"


def test_nothing_to_say_is_no_mail(ada, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    assert digest.send() == 0
    assert not Letter.objects.exists()


def test_whoever_wants_none_or_left_gets_none(ada, ben, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    for user in (ada, ben):
        a_task(user, timezone.now() - timedelta(days=1))
    User.objects.filter(pk=ada.pk).update(digest_at=None)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert digest.send() == 0


def test_a_time_zone_that_there_is_not_keeps_nobody_waiting(ada, cem, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    for user in (ada, cem):
        a_task(user, timezone.now() - timedelta(days=1))
    live_in(ada, "Middle/Earth")
    assert digest.send() == 2
    assert "Times are in UTC." in Letter.objects.get(user=ada).body


def test_it_is_right_in_any_hour_that_the_clocks_leave_out_or_say_twice(ada, time_machine):
    at(time_machine, "2026-03-28T12:00Z")
    a_task(ada, timezone.now() - timedelta(days=1))
    live_in(ada, "Europe/Berlin", time(2, 30))
    User.objects.update(digest_on="2026-03-28")
    at(time_machine, "2026-03-29T00:59Z")  # 1:59; there is no 2:30 on this day
    assert digest.send() == 0
    at(time_machine, "2026-03-29T01:00Z")  # 3:00
    assert digest.send() == 1
    User.objects.update(digest_on="2026-10-24")
    written = []
    for hour in ("2026-10-25T00:29Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z"):  # 2:29, 2:30, and 2:30 again
        at(time_machine, hour)
        written.append(digest.send())
    assert written == [0, 1, 0]


def test_it_names_what_waits_for_approval_and_why_a_task_waits(ada, ben, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    deal = an_opportunity(ada)
    proposal = perform(a_proposal(ada).submit, by=ada)
    task = a_task(ada, timezone.now() + timedelta(days=3), deal)
    perform(task.pause, by=ada, reason="They are on holiday.")
    digest.send()
    mails = {letter.user: letter.body for letter in Letter.objects.filter(key__startswith="digest")}
    assert "Waits\n- Call them: They are on holiday." in mails[ada]
    assert "Waiting for your approval\n- " in mails[ben]
    assert str(proposal.opportunity) in mails[ben]


def test_many_notices_are_told_by_one_mail_and_it_says_that_there_are_more(ada, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    NoticeChoice.objects.create(user=ada, kind="breach", how="digest")
    for number in range(30):
        notices.tell(ada, Notice.Kind.BREACH, f"Number {number}.", "/admin/", key=str(number))
    assert digest.send() == 1
    words = Letter.objects.get().body
    assert words.count("Number") == digest.MOST
    assert "and more" in words
    assert not Notice.objects.filter(in_digest=True).exists()


def test_it_asks_a_bounded_number_of_questions(ada, time_machine):
    at(time_machine, "2026-11-26T10:00Z")
    counts = []
    for day in ("2026-11-26T10:00Z", "2026-11-27T10:00Z"):
        at(time_machine, day)
        for _ in range(5):
            a_task(ada, timezone.now() - timedelta(days=1))
        with CaptureQueriesContext(connection) as asked:
            digest.send()
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 20


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_one():
    ada = person("ada", "Growth ops", team="East")
    a_task(ada, timezone.now() - timedelta(days=1))
    User.objects.update(digest_at=time(0))
    start = threading.Barrier(3)

    def work():
        start.wait()
        digest.send()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Letter.objects.filter(key__startswith="digest").count() == 1
