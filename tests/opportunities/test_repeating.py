"""A rhythm keeps its hour where it was said, whatever the clocks and the months do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from opportunities.models import Task
from opportunities.records import Refused, begin, perform
from opportunities.repeating import RHYTHMS, following, zone_of
from tests.makers import a_lead, an_opportunity

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def rhythm(first, repeats, zone, times):
    """Return the local times of the next ones, each counted from the one before."""
    after, found = first, []
    for _ in range(times):
        after = following(first, repeats, zone, after)
        found.append(f"{after.astimezone(zone):%Y-%m-%d %H:%M %Z}")
    return found


# -- The hour. ---------------------------------------------------------------------------------------------------------


def test_a_daily_hour_stays_when_summer_time_begins():
    first = datetime(2027, 3, 27, 9, tzinfo=BERLIN)
    assert rhythm(first, "daily", BERLIN, 2) == ["2027-03-28 09:00 CEST", "2027-03-29 09:00 CEST"]
    assert following(first, "daily", BERLIN, first) - first.astimezone(UTC) == timedelta(hours=23)


def test_a_weekly_hour_stays_when_summer_time_ends():
    first = datetime(2027, 10, 27, 9, tzinfo=NEW_YORK)
    assert rhythm(first, "weekly", NEW_YORK, 2) == ["2027-11-03 09:00 EDT", "2027-11-10 09:00 EST"]


def test_an_hour_that_does_not_exist_moves_forward_and_only_that_day():
    first = datetime(2027, 3, 27, 2, 30, tzinfo=BERLIN)
    assert rhythm(first, "daily", BERLIN, 2) == ["2027-03-28 03:30 CEST", "2027-03-29 02:30 CEST"]


def test_of_an_hour_that_comes_twice_it_is_the_first_and_only_that():
    first = datetime(2027, 10, 30, 2, 30, tzinfo=BERLIN)
    assert rhythm(first, "daily", BERLIN, 2) == ["2027-10-31 02:30 CEST", "2027-11-01 02:30 CET"]


def test_a_rhythm_that_began_in_the_second_of_two_hours_goes_on_in_the_first():
    first = datetime(2027, 10, 31, 2, 30, fold=1, tzinfo=BERLIN)
    assert rhythm(first, "weekly", BERLIN, 1) == ["2027-11-07 02:30 CET"]


# -- The day. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "days"),
    [
        (date(2027, 1, 31), ["2027-02-28", "2027-03-31", "2027-04-30"]),
        (date(2028, 1, 31), ["2028-02-29", "2028-03-31", "2028-04-30"]),
        # The last of a short month is a month's end, too.
        (date(2027, 4, 30), ["2027-05-31", "2027-06-30", "2027-07-31"]),
        # What is no month's end does not become one in February.
        (date(2027, 1, 30), ["2027-02-28", "2027-03-30", "2027-04-30"]),
        (date(2027, 1, 15), ["2027-02-15", "2027-03-15", "2027-04-15"]),
    ],
)
def test_a_months_end_stays_a_months_end_and_a_day_its_day(first, days):
    at = datetime.combine(first, datetime.min.time().replace(hour=9), tzinfo=BERLIN)
    assert [text[:10] for text in rhythm(at, "monthly", BERLIN, 3)] == days


def test_workdays_leave_out_the_weekend():
    friday = datetime(2026, 12, 4, 9, tzinfo=BERLIN)
    assert [text[:10] for text in rhythm(friday, "workdays", BERLIN, 2)] == ["2026-12-07", "2026-12-08"]


def test_the_day_is_that_of_the_place_and_not_ours():
    """At nine in the evening in New York it is the next day in London, and still their Monday."""
    monday = datetime(2026, 12, 7, 21, tzinfo=NEW_YORK)
    assert rhythm(monday.astimezone(UTC), "weekly", NEW_YORK, 1) == ["2026-12-14 21:00 EST"]


@given(
    first=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]),
    repeats=st.sampled_from(list(RHYTHMS)),
    late=st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_the_next_one_is_always_later_and_the_nearest_of_its_rhythm(first, zone, repeats, late):
    place, after = ZoneInfo(zone), first + late
    found = following(first, repeats, place, after)
    assert after < found <= after + timedelta(days=33)
    assert following(first, repeats, place, found - timedelta(seconds=1)) == found


def test_a_time_zone_that_is_nonsense_is_the_agencys():
    for name in ("", "Europe/Nowhere", "../etc/passwd", "Europe"):
        assert zone_of(name).key == "UTC"


# -- The tasks of a series. --------------------------------------------------------------------------------------------


def a_weekly_task(owner, **fields):
    deal = fields.pop("opportunity", None) or an_opportunity(owner)
    fields.setdefault("due_at", timezone.now() + timedelta(hours=1))
    fields.setdefault("repeats", "weekly")
    return begin(Task(opportunity=deal, title="Call them", owner=owner, time_zone="Europe/Berlin", **fields), by=owner)


@pytest.mark.django_db
def test_the_next_one_opens_when_one_is_done_and_says_what_the_one_before_said(ada):
    task = a_weekly_task(ada, kind="follow_up")
    task = perform(task.finish, by=ada, outcome="They like it.")
    follower = task.followed_by
    assert (follower.stage, follower.title, follower.owner, follower.kind) == ("open", "Call them", ada, "follow_up")
    assert (follower.outcome, follower.told_at, follower.repeats) == ("", None, "weekly")
    assert follower.due_at == following(task.due_at, "weekly", BERLIN, task.due_at)


@pytest.mark.django_db
def test_it_opens_once_however_often_it_is_said_to_be_done(ada):
    task = a_weekly_task(ada)
    perform(task.finish, by=ada)
    with pytest.raises(Refused):
        perform(task.finish, by=ada)
    assert Task.objects.filter(title="Call them").count() == 2


@pytest.mark.django_db
def test_what_was_missed_meanwhile_is_not_owed(ada):
    task = a_weekly_task(ada, due_at=timezone.now() - timedelta(days=30), repeats="daily")
    follower = perform(task.finish, by=ada).followed_by
    assert timezone.now() < follower.due_at <= timezone.now() + timedelta(days=1, hours=1)


@pytest.mark.django_db
def test_only_this_one_is_cancelled_or_the_whole_series(ada):
    task = perform(a_weekly_task(ada).cancel, by=ada, reason="They are away.", series=False)
    follower = task.followed_by
    perform(follower.cancel, by=ada, reason="They left.")
    assert not Task.objects.filter(follows=follower).exists()


@pytest.mark.django_db
def test_a_series_ends_on_its_day(ada):
    task = a_weekly_task(ada, repeats_until=timezone.localdate() + timedelta(days=2))
    perform(task.finish, by=ada)
    assert not Task.objects.filter(follows=task).exists()


@pytest.mark.django_db
def test_putting_one_off_does_not_move_those_that_follow(ada):
    task = a_weekly_task(ada)
    first = task.due_at
    task = task.snooze(first + timedelta(days=2), by=ada, reason="They are ill.")
    follower = perform(task.finish, by=ada).followed_by
    assert follower.due_at == following(first, "weekly", BERLIN, first)
    assert perform(follower.finish, by=ada).followed_by.due_at == following(first, "weekly", BERLIN, follower.due_at)


@pytest.mark.django_db
def test_changing_when_it_is_due_moves_the_rhythm(ada):
    task = a_weekly_task(ada)
    task = task.snooze(task.due_at + timedelta(days=2), by=ada, reason="They are ill.")
    task = task.change(by=ada, due_at=task.due_at + timedelta(days=1))
    follower = perform(task.finish, by=ada).followed_by
    assert follower.due_at - task.due_at in [timedelta(days=7, hours=hours) for hours in (-1, 0, 1)]


@pytest.mark.django_db
def test_nothing_follows_on_a_deal_that_is_lost(ada):
    task = a_weekly_task(ada)
    day = timezone.localdate() + timedelta(days=90)
    perform(task.opportunity.lose, by=ada, reason="price", words="Too dear.", reactivate_from=day, reactivate_to=day)
    assert Task.objects.get(pk=task.pk).stage == "cancelled"
    assert not Task.objects.filter(follows=task).exists()


@pytest.mark.django_db
def test_on_a_deal_that_rests_the_next_one_waits(ada):
    task = a_weekly_task(ada)
    perform(task.opportunity.pause, by=ada, reason="They move offices.")
    perform(Task.objects.get(pk=task.pk).finish, by=ada)
    follower = Task.objects.get(follows=task)
    assert (follower.stage, follower.waits_for_deal) == ("paused", True)


@pytest.mark.django_db
def test_a_series_goes_on_with_whoever_has_the_deal_when_its_owner_left(ada, ben, eve):
    task = a_weekly_task(ben, opportunity=an_opportunity(ada))
    ben.is_active = False
    ben.save()
    assert perform(task.finish, by=ada).followed_by.owner == ada


@pytest.mark.django_db
def test_a_lead_that_is_closed_has_no_series(ada):
    lead = a_lead(ada)
    task = begin(Task(lead=lead, title="Call them", owner=ada, due_at=timezone.now(), repeats="daily"), by=ada)
    perform(lead.disqualify, by=ada, reason="Too small.")
    task = Task.objects.get(pk=task.pk)
    if task.is_open:
        perform(task.finish, by=ada)
    assert not Task.objects.filter(follows=task).exists()
