"""Tasks: put off, given away, done with a word; and what the page says of when and whose."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities import followups
from opportunities.models import Event, Message, Notice, Task
from opportunities.records import Refused, begin, edit, perform
from opportunities.task_forms import SnoozeForm
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_task(owner, **fields):
    deal = fields.pop("opportunity", None) or an_opportunity(owner)
    fields.setdefault("due_at", timezone.now() - HOUR)
    return begin(Task(opportunity=deal, title="Call them", owner=owner, **fields), by=owner)


def again(record):
    return type(record).objects.get(pk=record.pk)


def url_of(task, page):
    return reverse(f"admin:opportunities_task_{page}", args=[task.pk])


# -- Done, with a word about it. ---------------------------------------------------------------------------------------


def test_done_is_one_click(as_user, ada):
    task = a_task(ada)
    assert as_user(ada).post(task.move_url("finish")).status_code == 302
    assert (again(task).stage, again(task).outcome) == ("done", "")


def test_what_came_of_it_may_be_said_along(as_user, ada):
    task = a_task(ada)
    browser = as_user(ada)
    assert 'name="outcome"' in browser.get(task.staff_url()).text
    browser.post(task.move_url("finish"), {"outcome": "They want a call on Monday."})
    assert again(task).outcome == "They want a call on Monday."
    assert "They want a call on Monday." in browser.get(task.staff_url()).text


def test_too_long_an_outcome_is_said_at_the_field_and_nothing_is_done(as_user, ada):
    task = a_task(ada)
    answer = as_user(ada).post(task.move_url("finish"), {"outcome": "x" * 301})
    assert "Shorten this to 300 letters" in answer.text
    assert again(task).is_open


# -- Put off. ----------------------------------------------------------------------------------------------------------


def test_a_task_is_put_off_with_its_reason_and_its_owner_is_told_anew(ada):
    task = a_task(ada)
    followups.tell_owners()
    task = task.snooze(timezone.now() + HOUR, by=ada, reason="They are in a meeting.")
    event = Event.objects.filter(record_id=task.pk, record_type="opportunities.task").first()
    assert (event.past, event.reason, list(event.facts.values)) == ("snoozed", "They are in a meeting.", ["due_at"])
    assert task.told_at is None
    Task.objects.filter(pk=task.pk).update(due_at=timezone.now())
    followups.tell_owners()
    assert Notice.objects.filter(user=ada, record_id=task.pk).count() == 2


def test_nothing_is_put_off_into_the_past_nor_earlier_than_it_is_due(ada):
    task = a_task(ada, due_at=timezone.now() + DAY)
    for until, why in ((timezone.now() - HOUR, "still to come"), (timezone.now() + HOUR, "bring it forward")):
        with pytest.raises(Refused, match=why):
            task.snooze(until, by=ada, reason="Later.")


def test_what_is_closed_is_not_put_off(ada):
    task = perform(a_task(ada).finish, by=ada)
    with pytest.raises(Refused, match="done already"):
        task.snooze(timezone.now() + DAY, by=ada, reason="Later.")


def test_a_task_is_not_put_off_past_the_window_in_which_it_was_promised(ada):
    task = a_task(ada, not_after=timezone.now() + DAY)
    task.snooze(timezone.now() + HOUR, by=ada, reason="Later.")
    with pytest.raises(Refused, match="It was promised until"):
        task.snooze(timezone.now() + 2 * DAY, by=ada, reason="Later.")


def test_the_mail_of_a_follow_up_that_is_put_off_waits_with_it(ada, mail_server):
    deal = an_opportunity(ada)
    touch = a_task(ada, opportunity=deal, contact=deal.decision_owner, subject="Our note", words="Good morning.")
    followups.take_touches()
    touch = again(touch).snooze(timezone.now() + HOUR, by=ada, reason="They asked us to.")
    catcher = mail_server()
    followups.send_due()
    assert (Message.objects.get(task=touch).stage, catcher.got) == ("held", [])
    Task.objects.filter(pk=touch.pk).update(due_at=timezone.now())
    followups.send_due()
    assert Message.objects.get(task=touch).stage == "sent"
    assert again(touch).stage == "done"


def test_the_page_puts_off_in_one_click_or_to_a_time_by_ones_own_clock(as_user, ada):
    edit(ada, by=ada, time_zone="America/New_York")
    with timezone.override("America/New_York"):
        clicks = {name: until for name, (_, until) in SnoozeForm(now=timezone.now()).ways.items()}
    clicks.pop("later", None)  # an hour may begin meanwhile
    typed = datetime(2030, 1, 7, 15, 30, tzinfo=UTC)
    asked = [({"when": name}, until) for name, until in clicks.items()] + [({"at": "2030-01-07T10:30"}, typed)]
    for data, until in asked:
        task = a_task(ada)
        said = {"reason": "They are away.", **data, "back": "/admin/today/"}
        assert as_user(ada).post(url_of(task, "snooze"), said).url == "/admin/today/"
        assert again(task).due_at == until, data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"when": "tomorrow"}, "Say why: others work from this."),
        ({"reason": "Later."}, "Choose until when."),
        ({"reason": "Later.", "when": "never"}, "Choose one from the list."),
        ({"reason": "Later.", "at": "soon"}, "Choose a day and a time that there are"),
        ({"reason": "Later.", "at": "2020-01-01T10:00"}, "Choose a time that is still to come."),
        ({"reason": "Later.", "at": "9999-12-31T10:00"}, "Check the year."),
    ],
)
def test_what_is_missing_is_said_at_its_field(as_user, ada, data, said):
    task = a_task(ada)
    answer = as_user(ada).post(url_of(task, "snooze"), data)
    assert answer.status_code == 200
    assert said in answer.text
    assert again(task).due_at == task.due_at


def test_what_is_offered_is_still_to_come_and_no_two_are_the_same():
    assert "later" in SnoozeForm(now=datetime(2026, 12, 4, 12, 10, tzinfo=UTC)).ways
    assert "later" not in SnoozeForm(now=datetime(2026, 12, 4, 22, 10, tzinfo=UTC)).ways
    week = SnoozeForm(now=datetime(2026, 12, 4, 12, 10, tzinfo=UTC)).ways["week"][1]
    assert (week.weekday(), week.hour) == (0, 9)
    sunday = SnoozeForm(now=datetime(2026, 12, 6, 12, 10, tzinfo=UTC)).ways
    assert list(sunday) == ["later", "tomorrow"], "tomorrow is next week"


# -- Given away. -------------------------------------------------------------------------------------------------------


def test_whoever_gets_a_task_is_told_each_time(as_user, ada, ben):
    task = a_task(ada)
    browser = as_user(ada)
    for _ in range(2):
        browser.post(url_of(task, "give"), {"owner": ben.pk, "reason": "I am away."})
        assert again(task).owner == ben
        again(task).change(by=ben, owner=ada)
    told = Notice.objects.filter(user=ben, kind="due")
    assert [notice.words.startswith("Ada gave you: Call them, due ") for notice in told] == [True, True]


def test_nobody_is_told_of_what_they_took_themselves(ada, ben):
    a_task(ada).change(by=ben, owner=ben)
    assert not Notice.objects.filter(user=ben).exists()


def test_a_task_is_given_only_to_whoever_may_do_it(as_user, ada, ann):
    task = a_task(ada)
    answer = as_user(ada).post(url_of(task, "give"), {"owner": ann.pk})
    assert "Choose somebody from the list." in answer.text
    assert again(task).owner == ada


@pytest.mark.parametrize("page", ["snooze", "give"])
def test_whoever_may_not_change_a_task_neither_puts_it_off_nor_gives_it_away(as_user, ada, cem, ann, page):
    task = a_task(ada)
    assert as_user(cem).post(url_of(task, page)).status_code == 404
    assert as_user(ann).post(url_of(task, page)).status_code == 403


# -- The page. ---------------------------------------------------------------------------------------------------------


def new_task(deal, owner, **data):
    return {
        "title": "Send the plan",
        "kind": "other",
        "opportunity": deal.pk,
        "owner": owner.pk,
        "due_at_0": "2030-07-01",
        "due_at_1": "09:00",
        **data,
    }


def test_the_time_is_typed_by_ones_own_clock_and_the_task_keeps_the_zone(as_user, ada):
    edit(ada, by=ada, time_zone="Europe/Berlin")
    deal = an_opportunity(ada)
    browser = as_user(ada)
    add = reverse("admin:opportunities_task_add")
    assert "By your clock: Europe/Berlin." in browser.get(add).text
    browser.post(add, new_task(deal, ada, promised_to=deal.decision_owner.pk, repeats="weekly"))
    task = Task.objects.get(title="Send the plan")
    assert task.due_at == datetime(2030, 7, 1, 7, tzinfo=UTC)
    assert (task.time_zone, task.promised_to, task.repeats) == ("Europe/Berlin", deal.decision_owner, "weekly")


def test_the_page_says_the_time_where_it_was_said_to_whoever_is_elsewhere(as_user, ada):
    edit(ada, by=ada, time_zone="America/New_York")
    task = a_task(ada, due_at=datetime(2030, 7, 1, 7, tzinfo=UTC), time_zone="Europe/Berlin")
    text = as_user(ada).get(task.staff_url()).text
    assert "Mon 1 Jul 2030, 03:00 EDT" in text
    assert "Mon 1 Jul 2030, 09:00 CEST where it was said (Europe/Berlin)" in text


def test_a_series_with_an_end_says_how_often(as_user, ada):
    deal = an_opportunity(ada)
    add = reverse("admin:opportunities_task_add")
    answer = as_user(ada).post(add, new_task(deal, ada, repeats_until="2030-08-01"))
    assert "Choose how often it repeats" in answer.text
    answer = as_user(ada).post(add, new_task(deal, ada, repeats="daily", repeats_until="2030-06-01"))
    assert "Choose a day after it is due" in answer.text
    assert not Task.objects.filter(title="Send the plan").exists()


def test_nobody_of_another_client_was_promised_anything_here(as_user, ada):
    deal, other = an_opportunity(ada), an_opportunity(ada)
    add = reverse("admin:opportunities_task_add")
    answer = as_user(ada).post(add, new_task(deal, ada, promised_to=other.decision_owner.pk))
    assert "this deal is theirs" in answer.text


def test_cancelling_a_task_that_repeats_asks_which(as_user, ada):
    task = a_task(ada, repeats="daily", due_at=timezone.now() + DAY)
    browser = as_user(ada)
    assert "Only this one" in browser.get(task.move_url("cancel")).text
    browser.post(task.move_url("cancel"), {"reason": "They are away.", "series": ""})
    follower = Task.objects.get(follows=task)
    browser.post(follower.move_url("cancel"), {"reason": "They left.", "series": "all"})
    assert not Task.objects.filter(follows=follower).exists()


@pytest.mark.parametrize("waits_for", ["consent", "path", "timing", "source"])
def test_a_task_that_waits_says_for_what_since_when_and_leads_to_what_mends_it(as_user, ada, waits_for):
    deal = an_opportunity(ada)
    task = a_task(ada, opportunity=deal, contact=deal.decision_owner)
    perform(task.pause, by=None, reason="Because.", waits_for=waits_for, again_at=timezone.now() + DAY)
    text = as_user(ada).get(task.staff_url()).text
    assert "Because." in text
    assert "Mend it" in text
