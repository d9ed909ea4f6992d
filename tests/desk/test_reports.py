"""The calendar of all reports, and how reliably they came."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine

from handoff import clock
from handoff.models import Report
from opportunities.models import Client
from opportunities.records import begin, edit, perform
from tests.conftest import taken_away
from tests.makers_handoff import a_change, a_project, a_report
from zarts.numbers import clock as numbers

CALENDAR, RELIABILITY = "/admin/reports/calendar/", "/admin/reports/reliability/"


@pytest.fixture
def in_january():
    with time_machine.travel("2027-01-11 12:00+00:00"):
        yield


def a_cadence(ada, ben, dora, **terms):
    terms = {"report_every": "monthly", "report_day": 1, "first_report_on": date(2027, 2, 1), **terms}
    return a_project(ada, manager=ben, delivery=dora, stage="live", **terms).cadences.get()


def read(browser, url, **said):
    page = browser.get(url, said)
    assert page.status_code == 200
    return page


def shown(page) -> dict:
    """Return what a calendar shows: the day, and how each report of it stands."""
    days = [day for week in page.context["weeks"] for day in week]
    return {day.on.isoformat(): [report.said for report in day.reports] for day in days if day.reports}


def test_a_month_shows_each_report_on_its_day_and_how_it_stands(ada, ben, dora, as_user, in_january):
    cadence = a_cadence(ada, ben, dora)
    browser = as_user(dora)
    assert shown(read(browser, CALENDAR, month="2027-02")) == {"2027-02-01": ["Scheduled"]}
    perform(cadence.reports.first().start, by=dora)
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 2, 20), last_on=date(2027, 3, 20))
    assert shown(read(browser, CALENDAR, month="2027-02")) == {"2027-02-01": ["Writing"]}
    assert shown(read(browser, CALENDAR, month="2027-03")) == {"2027-03-01": ["Dropped"], "2027-04-01": ["Scheduled"]}

    with time_machine.travel("2027-02-02 12:00+00:00"):
        page = read(as_user(dora), CALENDAR)
        assert shown(page)["2027-02-01"] == ["Late"]
        assert [day.on for week in page.context["weeks"] for day in week if day.is_today] == [date(2027, 2, 2)]
    with time_machine.travel("2027-02-08 12:00+00:00"):
        clock.run()
        assert shown(read(as_user(dora), CALENDAR))["2027-02-01"] == ["Missed"]


def test_a_report_is_late_in_the_calendar_when_its_day_is_over_where_the_client_is(ada, ben, dora, as_user, in_january):
    cadence = a_cadence(ada, ben, dora)
    a_change(cadence, dora, approver=ben, time_zone="America/Los_Angeles")
    with time_machine.travel("2027-02-02 05:00+00:00"):
        page = read(as_user(dora), CALENDAR)
        assert shown(page)["2027-02-01"] == ["Scheduled"]
        assert "America/Los_Angeles" in page.content.decode()
        assert page.content.decode().count("In time") == 0
    with time_machine.travel("2027-02-02 09:00+00:00"):
        assert shown(read(as_user(dora), CALENDAR))["2027-02-01"] == ["Late"]


def test_the_calendar_goes_on_beyond_the_reports_that_exist(ada, ben, dora, as_user, in_january):
    cadence = a_cadence(ada, ben, dora)
    assert shown(read(as_user(dora), CALENDAR, month="2027-05")) == {
        "2027-05-03": ["Planned"],
        "2027-06-01": ["Planned"],
    }
    page = read(as_user(dora), CALENDAR, month="2028-08")
    assert "1 report due in August 2028" in page.content.decode()
    assert cadence.staff_url() in page.content.decode()
    assert shown(read(as_user(dora), CALENDAR, month="2028-08", owner=str(ben.pk))) == {}
    assert "more than two years ahead" in read(as_user(dora), CALENDAR, month="2031-08").content.decode()

    days = {"first_on": date(2027, 6, 1), "last_on": date(2027, 6, 30)}
    a_change(cadence, dora, approver=ben, kind="pause", **days)
    assert shown(read(as_user(dora), CALENDAR, month="2027-06")) == {"2027-07-01": ["Planned"]}
    a_change(cadence, dora, approver=ben, kind="end", first_on=date(2027, 7, 1))
    assert shown(read(as_user(dora), CALENDAR, month="2027-07")) == {}
    assert cadence.reports.count() == 3, "to look writes nothing"


def test_holidays_of_the_clients_country_stand_on_their_day(ada, ben, dora, as_user, in_january):
    a_change(a_cadence(ada, ben, dora), dora, approver=ben, day=20, country="US")
    page = read(as_user(dora), CALENDAR, month="2027-02").content.decode()
    assert "Washington" in page or "Presidents" in page, "the third Monday of February"
    assert "Washington" not in read(as_user(dora), CALENDAR, month="2026-02").content.decode()


def test_whoever_may_not_see_a_client_sees_none_of_its_reports(ada, ben, cem, ann, dora, as_user, in_january):
    a_cadence(ada, ben, dora)
    assert shown(read(as_user(cem), CALENDAR, month="2027-02")) == {}
    filters = {name: rows for name, _, rows, _ in read(as_user(cem), CALENDAR).context["filters"]}
    assert filters["owner"] == []
    assert shown(read(as_user(ann), CALENDAR, month="2027-02"))
    with time_machine.travel("2027-03-20 12:00+00:00"):
        the_clock_looks()
        assert any(lines for _, _, lines in read(as_user(ann), RELIABILITY).context["groups"])
        assert all(not lines for _, _, lines in read(as_user(cem), RELIABILITY).context["groups"])


def test_the_calendar_is_filtered_by_owner_client_and_service(ada, ben, dora, as_user, in_january):
    cadence = a_cadence(ada, ben, dora)
    client, service = cadence.project.client_id, cadence.project.handoff.contract.proposal.service_id
    browser, month = as_user(ben), {"month": "2027-02"}
    assert shown(read(browser, CALENDAR, **month, owner=dora.pk, client=client, service=service))
    for other in ({"owner": ben.pk}, {"client": client + 1}, {"service": (service or 0) + 99}):
        assert shown(read(browser, CALENDAR, **month, **other)) == {}
    assert f"owner={ben.pk}" in read(browser, CALENDAR, **month).context["mine"]


@pytest.mark.parametrize(
    "month", ["", "2027", "2027-13", "0000-00", "9999-12", "1000-01", "2027-02-31", "\0", "x" * 4000]
)
def test_a_month_that_there_is_not_shows_one_that_there_is(dora, as_user, month):
    read(as_user(dora), CALENDAR, month=month, owner="x", client="9" * 30, service="-1")


def test_the_months_lead_to_each_other(dora, as_user):
    page = read(as_user(dora), CALENDAR, month="2027-01", client="3")
    assert page.context["before"] == f"{CALENDAR}?month=2026-12&client=3"
    assert page.context["after"] == f"{CALENDAR}?month=2027-02&client=3"


def test_a_table_and_its_file_tell_what_came_in_time_late_and_not_for_days(ada, ben, cem, dora, as_user):
    first = a_report(ada, manager=ben, delivery=dora, stage="published")
    late, missed = Report.objects.filter(stage="scheduled")[:2]
    with time_machine.travel(day_after(late.due_on, 2)):
        the_clock_looks()
        page = read(as_user(dora), RELIABILITY, days=90)
        assert counted(page, "owner") == [("Dora", 1, 1, 0)]
        assert counted(page, "client") == [(first.project.client.name, 1, 1, 0)]
    with time_machine.travel(day_after(missed.due_on, 7)):
        the_clock_looks()
        page = read(as_user(dora), RELIABILITY, days=90)
        assert counted(page, "owner") == [("Dora", 1, 0, 2)]
        assert counted(page, "service")[0][1:] == (1, 0, 2)
        listed = read(as_user(dora), RELIABILITY, days=90, show="missed", owner=dora.pk).context["listed"]
        assert listed == [missed, late]
        assert counted(read(as_user(dora), RELIABILITY, days=30), "owner")[0][1] == 0
        # The file has each report behind the numbers, or those of one kind.
        taken = taken_away(as_user(dora), RELIABILITY, days=90)
        head = "Client,Service,Answers for it,Due,Time zone,So,Published (UTC),Why it is late"
        assert ",".join(taken[0]) == head
        assert [(line[2], line[3], line[5]) for line in taken[1:]] == [
            ("Dora", f"{missed.due_on}", "Missed"),
            ("Dora", f"{late.due_on}", "Missed"),
            ("Dora", f"{first.due_on}", "Came in time"),
        ]
        assert len(taken_away(as_user(dora), RELIABILITY, days=90, show="missed")) == 3
        assert len(taken_away(as_user(cem), RELIABILITY, days=90)) == 1


def test_a_report_that_came_late_says_so_in_the_calendar(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    with time_machine.travel(day_after(report.due_on, 1)):
        perform(edit(report, by=dora, breach_reason="The provider was down.").publish, by=dora)
        page = read(as_user(dora), CALENDAR, month=f"{report.due_on:%Y-%m}")
        assert shown(page)[report.due_on.isoformat()] == ["Published, late"]


def test_what_was_dropped_in_time_counts_nowhere_and_a_missed_one_stays_missed(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora)
    with time_machine.travel(day_after(report.due_on, 7)):
        clock.run()
        perform(report.project.close, by=dora, reason="They left.")
        the_clock_looks()
        assert counted(read(as_user(dora), RELIABILITY), "owner") == [("Dora", 0, 0, 1)]


def the_clock_looks():
    """Mark what is late, and count what was marked."""
    clock.run()
    numbers.look()


def test_the_client_of_the_reports_is_looked_up_and_stays_chosen(ada, ben, cem, dora, as_user, in_january):
    client = a_cadence(ada, ben, dora).project.client
    chosen = f'<option value="{client.pk}" selected>'
    assert chosen in read(as_user(ben), CALENDAR, client=client.pk).content.decode()
    assert chosen in read(as_user(ben), RELIABILITY, client=client.pk).content.decode()
    for unknown in (client.pk + 1, "9" * 30, "x"):
        assert " selected>" not in read(as_user(ben), CALENDAR, client=unknown).content.decode()
    assert client.name not in read(as_user(cem), CALENDAR, client=client.pk).content.decode()


def day_after(day, days):
    return datetime.combine(day, time(12), UTC) + timedelta(days=days)


def test_reports_are_counted_under_the_client_that_theirs_was_merged_into(ada, ben, dora, eve, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="published")
    numbers.look()
    kept = begin(Client(name="Kept", owner=ada), by=ada)
    edit(report.project, by=eve, client=kept)
    numbers.look()
    with time_machine.travel(day_after(report.due_on, 1)):
        assert counted(read(as_user(dora), RELIABILITY), "client") == [("Kept", 1, 0, 0)]


def counted(page, by):
    lines = next(lines for name, _, lines in page.context["groups"] if name == by)
    return [(line.name, line.on_time, line.late, line.missed) for line, _ in lines]


@pytest.mark.parametrize("url", [CALENDAR, RELIABILITY])
def test_more_reports_cost_no_more_queries(ada, ben, dora, as_user, django_assert_max_num_queries, url):
    browser = as_user(dora)
    cost = []
    for _ in range(3):
        report = a_report(ada, manager=ben, delivery=dora)
        said = {"month": f"{report.due_on:%Y-%m}"} if url == CALENDAR else {"show": "late"}
        numbers.look()
        browser.get(url, said)
        with django_assert_max_num_queries(12) as queries:
            browser.get(url, said)
        cost.append(len(queries))
    assert cost[0] == cost[1] == cost[2]
