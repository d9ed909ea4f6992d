"""A person's tasks in their calendar: by a secret address, and nothing that is not theirs."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from django.test import Client
from django.utils import timezone

from opportunities.models import Event, Task, User
from opportunities.records import begin, perform
from portal.logs import TOKEN
from tests.makers import a_lead, an_opportunity
from zarts.desk import calendar

pytestmark = pytest.mark.django_db
MINE = "/admin/my/calendar/"


def a_task(owner, **fields):
    fields.setdefault("due_at", timezone.now() + timedelta(days=1))
    if "lead" not in fields:
        fields.setdefault("opportunity", an_opportunity(owner))
    return begin(Task(title="Call them", owner=owner, **fields), by=owner)


def read(token, **headers):
    return Client(headers={"host": "localhost"}).get(f"/calendar/{token}.ics", headers=headers)


def events(token):
    answer = read(token)
    assert answer.status_code == 200
    return {str(event["summary"]): event for event in icalendar.Calendar.from_ical(answer.content).walk("VEVENT")}


def test_a_task_stands_there_when_it_is_due_for_a_quarter_of_an_hour(ada, settings):
    task = a_task(ada, due_at=datetime(2030, 7, 1, 7, tzinfo=UTC), time_zone="Europe/Berlin")
    answer = read(ada.open_feed())
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    for line in (b"DTSTART:20300701T070000Z", b"DURATION:PT15M", b"STATUS:CONFIRMED"):
        assert line in answer.content
    event = events(ada.open_feed())["Call them"]
    assert str(event["description"]) == f"{task.opportunity}\n{settings.SITE_URL}{task.staff_url()}"


def test_an_event_keeps_its_name_and_counts_its_changes(ada):
    task, token = a_task(ada), ada.open_feed()
    before = events(token)["Call them"]
    task.snooze(task.due_at + timedelta(days=1), by=ada, reason="They are away.")
    after = events(token)["Call them"]
    assert before["uid"] == after["uid"]
    assert after["sequence"] == before["sequence"] + 1
    assert after["last-modified"].dt >= before["last-modified"].dt
    assert after["dtstart"].dt - before["dtstart"].dt == timedelta(days=1)


def test_what_is_closed_leaves_and_what_waits_is_tentative(ada):
    task, token = a_task(ada), ada.open_feed()
    task = perform(task.pause, by=ada, reason="Wait.")
    assert str(events(token)["Call them"]["status"]) == "TENTATIVE"
    perform(task.finish, by=ada)
    assert "Call them" not in events(token)


def test_nothing_stands_there_that_is_not_theirs_or_that_a_client_wrote(ada, cem):
    deal = an_opportunity(ada)
    a_task(ada, opportunity=deal, contact=deal.decision_owner, subject="Our secret note", words="Dear Bo, 4,000.")
    a_task(cem)
    answer = read(ada.open_feed())
    assert answer.content.count(b"SUMMARY:Call them") == 1
    for private in ("secret note", "Dear Bo", deal.decision_owner.email, deal.decision_owner.name):
        assert private.encode() not in answer.content


def test_a_task_of_a_lead_stands_there_too(ada):
    lead = a_lead(ada)
    a_task(ada, lead=lead)
    assert str(events(ada.open_feed())["Call them"]["description"]).startswith(str(lead))


def test_words_that_would_break_out_of_their_line_do_not(ada):
    task = a_task(ada)
    Task.objects.filter(pk=task.pk).update(title="Call; them, now\r\nBEGIN:VEVENT\r\nSUMMARY:No")
    parsed = icalendar.Calendar.from_ical(read(ada.open_feed()).content)
    assert not [event for event in parsed.walk("VEVENT") if str(event["summary"]) == "No"]


def test_no_more_than_five_hundred_stand_there_and_all_cost_the_same(ada, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(calendar, "MOST", 2)
    deal, token = an_opportunity(ada), ada.open_feed()
    for _ in range(3):
        a_task(ada, opportunity=deal)
    with django_assert_max_num_queries(6):
        assert read(token).content.count(b"BEGIN:VEVENT") == 2


# -- The address. ------------------------------------------------------------------------------------------------------


def test_the_address_is_shown_once_and_only_its_digest_is_kept(as_user, ada):
    browser = as_user(ada)
    made = browser.post(MINE, {"do": "make"})
    token = made.context["address"].rpartition("/")[2].removesuffix(".ics")
    assert token in made.text
    assert token not in browser.get(MINE).text
    ada = User.objects.get(pk=ada.pk)
    assert token not in ada.feed_digest
    assert len(ada.feed_digest) == 64
    assert read(token).status_code == 200
    told = Event.objects.filter(verb="user.feed")
    assert [(event.past, event.facts) for event in told] == [("made a calendar address as", None)]


def test_a_new_address_ends_the_old_one_and_a_revoked_one_is_gone(as_user, ada):
    old, new = ada.open_feed(), ada.open_feed()
    assert [read(token).status_code for token in (old, new)] == [404, 200]
    as_user(ada).post(MINE, {"do": "revoke"})
    assert read(new).status_code == 404


@pytest.mark.parametrize("token", ["x", "", "A" * 43, "%00", "..%2f..%2fetc", "a" * 5000])
def test_an_address_that_nobody_made_is_not_found(ada, token):
    assert read(token).status_code == 404


def test_whoever_left_or_lost_their_role_reads_nothing(ada, cem):
    mine, theirs = ada.open_feed(), cem.open_feed()
    User.objects.filter(pk=ada.pk).update(is_active=False)
    cem.groups.clear()
    assert [read(token).status_code for token in (mine, theirs)] == [404, 404]


def test_a_calendar_that_has_it_already_gets_nothing_again(ada):
    task, token = a_task(ada), ada.open_feed()
    first = read(token)
    assert "private" in first["Cache-Control"]
    assert read(token, if_none_match=first["ETag"]).status_code == 304
    task.change(by=ada, title="Call them today")
    assert read(token, if_none_match=first["ETag"]).status_code == 200


def test_nobody_writes_to_it(ada):
    token = ada.open_feed()
    assert Client(headers={"host": "localhost"}).post(f"/calendar/{token}.ics").status_code == 405


def test_the_log_does_not_say_the_token():
    assert TOKEN.sub(r"\1…", "Not Found: /calendar/abc123.ics") == "Not Found: /calendar/…"


def test_a_post_that_asks_for_nothing_makes_nothing(as_user, ada):
    assert as_user(ada).post(MINE, {"do": "burn"}).status_code == 422
    assert User.objects.get(pk=ada.pk).feed_digest == ""
