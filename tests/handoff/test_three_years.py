"""Cadences against dates that were worked out by hand from calendars, for three years and in five time zones.

Nothing here is computed by the product: which day of the week a date is, what is a holiday, and when the clocks change
was looked up. Holidays are those of a whole country: Easter Monday is none in Scotland, and the first Monday of October
is one in Sydney alone, so neither counts.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from handoff.cadence import DAY, is_working_day, periods
from handoff.models import Report, ReportingCadence
from tests.handoff.terms import due_dates, terms

START = date(2027, 1, 1)
# So many reports are due in the three years.
COUNT = {"weekly": 157, "every_two_weeks": 78, "monthly": 36, "quarterly": 12}
ZONES = {
    "US": "America/New_York",
    "GB": "Europe/London",
    "DE": "Europe/Berlin",
    "JP": "Asia/Tokyo",
    "AU": "Australia/Sydney",
}


def written(text) -> list[date]:
    """Return the days of a table: a line for each month, its days behind the colon."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        month, days = line.split(":")
        found += [date.fromisoformat(f"{month}-{int(day):02}") for day in days.split()]
    return found


def by_month(text) -> list[date]:
    """Return the days of a table: a line for each year, its months' days behind the colon, as month/day."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        year, days = line.split(":")
        found += [date(int(year), *map(int, day.split("/"))) for day in days.split()]
    return found


# On day 1 of each month, or on the next working day. New Year of 2027 is a Friday, of 2028 a Saturday.
ON_DAY_1 = {
    # Labor Day is Monday 3 September 2029.
    "US": """
        2027: 1/4 2/1 3/1 4/1 5/3 6/1 7/1 8/2 9/1 10/1 11/1 12/1
        2028: 1/3 2/1 3/1 4/3 5/1 6/1 7/3 8/1 9/1 10/2 11/1 12/1
        2029: 1/2 2/1 3/1 4/2 5/1 6/1 7/2 8/1 9/4 10/1 11/1 12/3
    """,
    # The early May bank holiday is Monday 3 May 2027 and Monday 1 May 2028; Monday 3 January 2028 is New Year's.
    "GB": """
        2027: 1/4 2/1 3/1 4/1 5/4 6/1 7/1 8/2 9/1 10/1 11/1 12/1
        2028: 1/4 2/1 3/1 4/3 5/2 6/1 7/3 8/1 9/1 10/2 11/1 12/1
        2029: 1/2 2/1 3/1 4/2 5/1 6/1 7/2 8/1 9/3 10/1 11/1 12/3
    """,
    # 1 May is a holiday; Easter Monday is 2 April 2029.
    "DE": """
        2027: 1/4 2/1 3/1 4/1 5/3 6/1 7/1 8/2 9/1 10/1 11/1 12/1
        2028: 1/3 2/1 3/1 4/3 5/2 6/1 7/3 8/1 9/1 10/2 11/1 12/1
        2029: 1/2 2/1 3/1 4/3 5/2 6/1 7/2 8/1 9/3 10/1 11/1 12/3
    """,
    # 3, 4 and 5 May are holidays: in 2027 a Monday, a Tuesday and a Wednesday.
    "JP": """
        2027: 1/4 2/1 3/1 4/1 5/6 6/1 7/1 8/2 9/1 10/1 11/1 12/1
        2028: 1/3 2/1 3/1 4/3 5/1 6/1 7/3 8/1 9/1 10/2 11/1 12/1
        2029: 1/2 2/1 3/1 4/2 5/1 6/1 7/2 8/1 9/3 10/1 11/1 12/3
    """,
    # Monday 3 January 2028 is New Year's; Easter Monday is 2 April 2029.
    "AU": """
        2027: 1/4 2/1 3/1 4/1 5/3 6/1 7/1 8/2 9/1 10/1 11/1 12/1
        2028: 1/4 2/1 3/1 4/3 5/1 6/1 7/3 8/1 9/1 10/2 11/1 12/1
        2029: 1/2 2/1 3/1 4/3 5/1 6/1 7/2 8/1 9/3 10/1 11/1 12/3
    """,
}

# On the last working day of each month.
ON_THE_LAST = {
    # Memorial Day is Monday 31 May 2027; New Year of 2028, a Saturday, is off on Friday 31 December 2027.
    "US": """
        2027: 1/29 2/26 3/31 4/30 5/28 6/30 7/30 8/31 9/30 10/29 11/30 12/30
        2028: 1/31 2/29 3/31 4/28 5/31 6/30 7/31 8/31 9/29 10/31 11/30 12/29
        2029: 1/31 2/28 3/30 4/30 5/31 6/29 7/31 8/31 9/28 10/31 11/30 12/31
    """,
    # The spring bank holiday is Monday 31 May 2027; Good Friday is 30 March 2029.
    "GB": """
        2027: 1/29 2/26 3/31 4/30 5/28 6/30 7/30 8/31 9/30 10/29 11/30 12/31
        2028: 1/31 2/29 3/31 4/28 5/31 6/30 7/31 8/31 9/29 10/31 11/30 12/29
        2029: 1/31 2/28 3/29 4/30 5/31 6/29 7/31 8/31 9/28 10/31 11/30 12/31
    """,
    "DE": """
        2027: 1/29 2/26 3/31 4/30 5/31 6/30 7/30 8/31 9/30 10/29 11/30 12/31
        2028: 1/31 2/29 3/31 4/28 5/31 6/30 7/31 8/31 9/29 10/31 11/30 12/29
        2029: 1/31 2/28 3/29 4/30 5/31 6/29 7/31 8/31 9/28 10/31 11/30 12/31
    """,
    # Good Friday is a day like others; Shōwa Day, Sunday 29 April 2029, is off on the Monday.
    "JP": """
        2027: 1/29 2/26 3/31 4/30 5/31 6/30 7/30 8/31 9/30 10/29 11/30 12/31
        2028: 1/31 2/29 3/31 4/28 5/31 6/30 7/31 8/31 9/29 10/31 11/30 12/29
        2029: 1/31 2/28 3/30 4/27 5/31 6/29 7/31 8/31 9/28 10/31 11/30 12/31
    """,
    "AU": """
        2027: 1/29 2/26 3/31 4/30 5/31 6/30 7/30 8/31 9/30 10/29 11/30 12/31
        2028: 1/31 2/29 3/31 4/28 5/31 6/30 7/31 8/31 9/29 10/31 11/30 12/29
        2029: 1/31 2/28 3/29 4/30 5/31 6/29 7/31 8/31 9/28 10/31 11/30 12/31
    """,
}

# Each Monday in the United States, or on the Tuesday: King, Washington, Memorial, Labor and Columbus Day are Mondays.
# In 2027 Independence Day is a Sunday, in 2028 Juneteenth and Christmas are Mondays, in 2029 Veterans Day is a Sunday.
EACH_MONDAY = """
    2027-01: 4 11 19 25
    2027-02: 1 8 16 22
    2027-03: 1 8 15 22 29
    2027-04: 5 12 19 26
    2027-05: 3 10 17 24
    2027-06: 1 7 14 21 28
    2027-07: 6 12 19 26
    2027-08: 2 9 16 23 30
    2027-09: 7 13 20 27
    2027-10: 4 12 18 25
    2027-11: 1 8 15 22 29
    2027-12: 6 13 20 27
    2028-01: 3 10 18 24 31
    2028-02: 7 14 22 28
    2028-03: 6 13 20 27
    2028-04: 3 10 17 24
    2028-05: 1 8 15 22 30
    2028-06: 5 12 20 26
    2028-07: 3 10 17 24 31
    2028-08: 7 14 21 28
    2028-09: 5 11 18 25
    2028-10: 2 10 16 23 30
    2028-11: 6 13 20 27
    2028-12: 4 11 18 26
    2029-01: 2 8 16 22 29
    2029-02: 5 12 20 26
    2029-03: 5 12 19 26
    2029-04: 2 9 16 23 30
    2029-05: 7 14 21 29
    2029-06: 4 11 18 25
    2029-07: 2 9 16 23 30
    2029-08: 6 13 20 27
    2029-09: 4 10 17 24
    2029-10: 1 9 15 22 29
    2029-11: 5 13 19 26
    2029-12: 3 10 17 24 31
"""

# Every second Friday in Germany. Good Friday, and the Monday after it, move two of them to the Tuesday: 18 April 2028
# and 3 April 2029.
EVERY_SECOND_FRIDAY = """
    2027-01: 8 22
    2027-02: 5 19
    2027-03: 5 19
    2027-04: 2 16 30
    2027-05: 14 28
    2027-06: 11 25
    2027-07: 9 23
    2027-08: 6 20
    2027-09: 3 17
    2027-10: 1 15 29
    2027-11: 12 26
    2027-12: 10 24
    2028-01: 7 21
    2028-02: 4 18
    2028-03: 3 17 31
    2028-04: 18 28
    2028-05: 12 26
    2028-06: 9 23
    2028-07: 7 21
    2028-08: 4 18
    2028-09: 1 15 29
    2028-10: 13 27
    2028-11: 10 24
    2028-12: 8 22
    2029-01: 5 19
    2029-02: 2 16
    2029-03: 2 16
    2029-04: 3 13 27
    2029-05: 11 25
    2029-06: 8 22
    2029-07: 6 20
    2029-08: 3 17 31
    2029-09: 14 28
    2029-10: 12 26
    2029-11: 9 23
    2029-12: 7 21
"""

# On day 31 of each month, whatever day that is.
ON_DAY_31 = """
    2027: 1/31 2/28 3/31 4/30 5/31 6/30 7/31 8/31 9/30 10/31 11/30 12/31
    2028: 1/31 2/29 3/31 4/30 5/31 6/30 7/31 8/31 9/30 10/31 11/30 12/31
    2029: 1/31 2/28 3/31 4/30 5/31 6/30 7/31 8/31 9/30 10/31 11/30 12/31
"""

# On day 31 of each quarter that begins in January, or on the next working day in Australia.
EACH_QUARTER = """
    2027: 2/1 4/30 8/2 11/1
    2028: 1/31 5/1 7/31 10/31
    2029: 1/31 4/30 7/31 10/31
"""


@pytest.mark.parametrize("country", ZONES)
def test_day_1_or_the_next_working_day(country):
    assert due_dates(terms("monthly", day=1, skips=True, country=country), START, 36) == by_month(ON_DAY_1[country])


@pytest.mark.parametrize("country", ZONES)
def test_the_last_working_day(country):
    assert due_dates(terms("monthly", last=True, country=country), START, 36) == by_month(ON_THE_LAST[country])


def test_each_monday_or_the_day_after_a_holiday():
    assert due_dates(terms("weekly", weekday=0, skips=True, country="US"), START, 157) == written(EACH_MONDAY)


def test_every_second_friday_or_the_next_working_day():
    days = due_dates(terms("every_two_weeks", weekday=4, skips=True, country="DE"), date(2027, 1, 8), 78)
    assert days == written(EVERY_SECOND_FRIDAY)


@pytest.mark.parametrize("country", ZONES)
def test_day_31_is_the_last_of_each_month_whatever_day_it_is(country):
    assert due_dates(terms("monthly", day=31, country=country), START, 36) == by_month(ON_DAY_31)


def test_each_quarter():
    assert due_dates(terms("quarterly", day=31, skips=True, country="AU"), START, 12) == by_month(EACH_QUARTER)


# The time zone, the day on which a report is due, and when it begins to be late: the midnight after it there, in UTC.
# Around each change of the clocks it is the day before it and the day of it.
LATE_FROM = [
    ("America/New_York", "2027-01-04", "2027-01-05T05:00"),
    ("America/New_York", "2027-03-13", "2027-03-14T05:00"),
    ("America/New_York", "2027-03-14", "2027-03-15T04:00"),
    ("America/New_York", "2027-07-01", "2027-07-02T04:00"),
    ("America/New_York", "2027-11-06", "2027-11-07T04:00"),
    ("America/New_York", "2027-11-07", "2027-11-08T05:00"),
    ("Europe/London", "2027-01-04", "2027-01-05T00:00"),
    ("Europe/London", "2027-03-27", "2027-03-28T00:00"),
    ("Europe/London", "2027-03-28", "2027-03-28T23:00"),
    ("Europe/London", "2027-10-30", "2027-10-30T23:00"),
    ("Europe/London", "2027-10-31", "2027-11-01T00:00"),
    ("Europe/Berlin", "2027-01-04", "2027-01-04T23:00"),
    ("Europe/Berlin", "2027-03-27", "2027-03-27T23:00"),
    ("Europe/Berlin", "2027-03-28", "2027-03-28T22:00"),
    ("Europe/Berlin", "2027-10-30", "2027-10-30T22:00"),
    ("Europe/Berlin", "2027-10-31", "2027-10-31T23:00"),
    ("Asia/Tokyo", "2027-01-04", "2027-01-04T15:00"),
    ("Asia/Tokyo", "2027-07-01", "2027-07-01T15:00"),
    ("Australia/Sydney", "2027-01-04", "2027-01-04T13:00"),
    ("Australia/Sydney", "2027-04-03", "2027-04-03T13:00"),
    ("Australia/Sydney", "2027-04-04", "2027-04-04T14:00"),
    ("Australia/Sydney", "2027-10-02", "2027-10-02T14:00"),
    ("Australia/Sydney", "2027-10-03", "2027-10-03T13:00"),
]


@pytest.mark.parametrize(("zone", "due", "late_from"), LATE_FROM)
def test_a_report_is_late_from_the_midnight_after_its_day_where_the_client_is(zone, due, late_from):
    report = Report(due_on=date.fromisoformat(due), cadence=ReportingCadence(time_zone=zone))
    begins = datetime.fromisoformat(late_from).replace(tzinfo=UTC)
    with time_machine.travel(begins - timedelta(seconds=1), tick=False):
        assert not report.is_late
    with time_machine.travel(begins, tick=False):
        assert report.is_late


# -- Whatever is agreed, and whenever it rests. ------------------------------------------------------------------------

CADENCES = st.builds(
    terms,
    st.sampled_from(sorted(COUNT)),
    weekday=st.integers(0, 6),
    day=st.integers(1, 31),
    skips=st.booleans(),
    country=st.sampled_from(["", *ZONES]),
)
RESTS = st.lists(
    st.tuples(st.dates(date(2027, 1, 1), date(2029, 12, 31)), st.integers(0, 200)).map(
        lambda rest: (rest[0], rest[0] + timedelta(days=rest[1]))
    ),
    max_size=3,
)


@given(CADENCES, st.dates(date(2026, 12, 1), date(2027, 12, 31)), RESTS, st.dates(date(2028, 1, 1), date(2030, 1, 1)))
def test_no_day_is_told_twice_or_never_whenever_reports_rest(cadence, start, rests, ends_on):
    found = periods(cadence, start, 200, rests=rests, ends_on=ends_on)

    assert all(begins <= ends < due for due, begins, ends in found)
    assert [begins for _, begins, _ in found[1:]] == [ends + DAY for _, _, ends in found[:-1]]
    for due, _, _ in found:
        assert due < ends_on
        assert not any(first <= due <= last for first, last in rests)
        assert not cadence.skips_days_off or is_working_day(cadence, due)


@given(CADENCES, st.dates(date(2026, 12, 1), date(2027, 12, 31)), RESTS, st.integers(1, 8))
def test_going_on_after_a_report_owes_the_same_as_looking_ahead(cadence, start, rests, so_many):
    ahead = periods(cadence, start, so_many + 3, rests=rests)
    later = periods(cadence, start, 3, rests=rests, since=ahead[so_many - 1][2] + DAY)
    assert later == ahead[so_many:]
