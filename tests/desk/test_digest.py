"""The mail of the day: when somebody's own day begins, once, and only when there is something to say."""

import threading
from datetime import time, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from opportunities import notices
from opportunities.models import Letter, Notice, NoticeChoice, Task, User
from opportunities.records import begin
from tests.conftest import person
from tests.makers import an_opportunity
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
