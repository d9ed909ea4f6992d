"""The days on which reports are due."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handoff.cadence import periods
from tests.handoff.terms import due_dates, terms


def test_day_31_is_the_last_day_of_a_short_month():
    assert due_dates(terms("monthly", day=31), date(2027, 1, 1), 5) == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
        date(2027, 5, 31),
    ]


def test_february_has_29_days_in_a_leap_year():
    assert due_dates(terms("monthly", day=30), date(2028, 2, 1), 2) == [date(2028, 2, 29), date(2028, 3, 30)]


def test_a_day_that_has_passed_is_due_next_month():
    assert due_dates(terms("monthly", day=5), date(2026, 12, 6), 2) == [date(2027, 1, 5), date(2027, 2, 5)]


def test_a_start_on_the_day_is_the_first_day():
    assert due_dates(terms("monthly", day=5), date(2026, 12, 5), 1) == [date(2026, 12, 5)]


def test_a_quarter_is_three_months():
    assert due_dates(terms("quarterly", day=31), date(2026, 11, 1), 3) == [
        date(2026, 11, 30),
        date(2027, 2, 28),
        date(2027, 5, 31),
    ]


def test_weeks_keep_their_weekday_when_the_clocks_change():
    # In Berlin the clocks go back on 25 October 2026: the days do not care.
    assert due_dates(terms("weekly", weekday=0), date(2026, 10, 20), 3) == [
        date(2026, 10, 26),
        date(2026, 11, 2),
        date(2026, 11, 9),
    ]


def test_every_two_weeks_skips_one():
    assert due_dates(terms("every_two_weeks", weekday=4), date(2026, 12, 23), 3) == [
        date(2026, 12, 25),
        date(2027, 1, 8),
        date(2027, 1, 22),
    ]


def test_the_last_working_day_is_none_of_the_weekend_and_no_holiday():
    # Monday 31 May 2027 is Memorial Day in the United States, and a day like others in Germany.
    assert due_dates(terms("monthly", last=True, country="US"), date(2027, 5, 1), 3) == [
        date(2027, 5, 28),
        date(2027, 6, 30),
        date(2027, 7, 30),
    ]
    assert due_dates(terms("monthly", last=True, country="DE"), date(2027, 5, 1), 1) == [date(2027, 5, 31)]


def test_a_day_off_moves_a_report_to_the_next_working_day_and_its_period_stays():
    cadence = terms("monthly", day=1, skips=True, country="DE")
    assert periods(cadence, date(2027, 1, 1), 2) == [
        (date(2027, 1, 4), date(2026, 11, 28), date(2026, 12, 28)),  # New Year is a Friday
        (date(2027, 2, 1), date(2026, 12, 29), date(2027, 1, 28)),
    ]
    assert due_dates(terms("monthly", day=1), date(2027, 1, 1), 1) == [date(2027, 1, 1)], "unless it was agreed so"


def test_days_off_longer_than_a_week_lose_no_report():
    # The spring festival of 2027 is off from Saturday to Saturday.
    cadence = terms("weekly", weekday=5, skips=True, country="CN")
    found = periods(cadence, date(2027, 1, 30), 4)
    assert [end - begin for _, begin, end in found] == [timedelta(days=6)] * 4
    later = periods(cadence, date(2027, 1, 30), 3, since=found[1][1])
    assert later == found[1:]


def test_each_period_leaves_three_days_to_write_its_report_and_begins_where_the_last_one_ended():
    assert periods(terms("monthly", day=31), date(2027, 1, 31), 3) == [
        (date(2027, 1, 31), date(2026, 12, 28), date(2027, 1, 27)),
        (date(2027, 2, 28), date(2027, 1, 28), date(2027, 2, 24)),
        (date(2027, 3, 31), date(2027, 2, 25), date(2027, 3, 27)),
    ]


@given(
    st.sampled_from(["weekly", "every_two_weeks", "monthly", "quarterly"]),
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.integers(0, 6),
    st.integers(1, 31),
)
def test_days_only_go_forward_and_going_on_gives_the_same_days(frequency, start, weekday, day):
    cadence = terms(frequency, weekday=weekday, day=day)
    days = due_dates(cadence, start, 6)

    assert days == sorted(set(days))
    assert days[0] >= start
    ahead = periods(cadence, start, 6)
    assert periods(cadence, start, 3, since=ahead[3][1]) == ahead[3:]


@given(
    st.sampled_from(["weekly", "monthly", "quarterly"]),
    st.dates(date(2027, 1, 1), date(2028, 1, 1)),
    st.sets(st.integers(0, 30), max_size=6),
    st.integers(1, 40),
)
def test_beside_days_that_others_tell_of_each_day_is_told_of_once(frequency, start, places, long):
    since = date(2026, 12, 1)
    firsts = [since + timedelta(days=41 * place) for place in sorted(places)]
    others = [(first, first + timedelta(days=long - 1)) for first in firsts]
    cadence = terms(frequency, weekday=2, day=20)
    found = [(begins, ends) for _, begins, ends in periods(cadence, start, 40, since=since, told=others)]

    days = sorted([*found, *(other for other in others if other[0] <= found[-1][1])])
    assert days[0][0] == since
    assert [begins for begins, _ in days[1:]] == [ends + timedelta(days=1) for _, ends in days[:-1]]


def told(cadence, start):
    return [(begins, ends) for _, begins, ends in periods(cadence, start, 2)]


def test_a_monthly_report_of_the_first_half_of_a_month_tells_of_the_month_before():
    december, january = (date(2026, 12, 1), date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 1, 31))
    for day in (4, 5, 15):
        assert told(terms("monthly", day=day), date(2027, 1, day)) == [december, january]


def test_a_quarterly_report_of_the_first_half_of_a_month_tells_of_the_three_months_before():
    quarter, next_one = (date(2026, 10, 1), date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 3, 31))
    assert told(terms("quarterly", day=10), date(2027, 1, 10)) == [quarter, next_one]


def test_a_report_of_another_day_tells_of_all_days_up_to_three_whole_days_before_it():
    assert told(terms("monthly", day=1), date(2027, 1, 1)) == [
        (date(2026, 11, 28), date(2026, 12, 28)),
        (date(2026, 12, 29), date(2027, 1, 28)),
    ]
    assert told(terms("weekly", weekday=0), date(2027, 1, 4)) == [
        (date(2026, 12, 25), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 7)),
    ]
