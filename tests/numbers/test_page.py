"""The page of numbers says what the counters say, to each as far as they see, and in a file the same."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opportunities.models import Letter
from opportunities.records import edit, perform
from tests.makers import an_opportunity
from tests.numbers.test_counters import LOSE
from tests.test_matrix import browser_of
from zarts.numbers import clock, weekly
from zarts.numbers.asked import Asked
from zarts.numbers.charts import Figures
from zarts.numbers.models import Check

CHARTS = ["forecast", "funnel", "win-rate", "reasons", "speed", "follow-ups"]


def charts_of(user, **given):
    return {chart.name: chart for chart in Figures(Asked(user, given)).all()}


def plain(chart):
    return [[row.label, *(str(cell) for _, cell in row.cells)] for row in chart.rows]


@pytest.fixture
def deals(ada, cem):
    """Two open deals of Ada's in two currencies, one of Cem's that was lost."""
    dollars = an_opportunity(ada, decision_on="2027-03-12")
    edit(an_opportunity(ada), by=ada, currency="EUR", value=Decimal(5000), probability=50)
    perform(an_opportunity(cem).lose, by=cem, **LOSE)
    return dollars


@pytest.mark.django_db
def test_the_forecast_never_adds_two_currencies(deals, ada):
    forecast = charts_of(ada)["forecast"]
    assert plain(forecast) == [
        ["Mar 2027", "USD", "1", "12000.00", "1200.00"],
        ["No deadline", "EUR", "1", "5000.00", "2500.00"],
    ]
    assert "€2,500.00 weighted, +€2,500.00 since last week" in forecast.changed
    assert (
        "$1,200.00 weighted, +$1,200.00 since last week: 2 new (+$2,400.00), re-valued (−$1,200.00)" in forecast.changed
    )


@pytest.mark.django_db
def test_each_sees_their_own_their_teams_or_all(deals, ada, ben, cem, eve):
    def ended(user):
        return sum(int(row[2]) for row in plain(charts_of(user)["win-rate"]))

    def opened(user):
        return sum(int(row[2]) for row in plain(charts_of(user)["forecast"]))

    seen = {user.username: (opened(user), ended(user)) for user in (ada, ben, cem, eve)}
    assert seen == {"ada": (2, 0), "ben": (2, 0), "cem": (0, 1), "eve": (2, 1)}
    # Nor does the address widen it.
    asked = Asked(ada, {"owner": str(cem.pk)})
    assert asked.chosen == {}
    assert "there is no" in asked.left_out[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given", ["days=7", "owner=x", "service=9999999999999999999", "currency=ZZZ", "by=%00", "rate=a" * 99]
)
def test_a_filter_that_is_not_there_is_left_out_and_said(given, ada):
    page = browser_of(ada).get(f"/admin/numbers/?{given}")
    assert page.status_code == 200
    assert "This filter is left out" in page.content.decode()


@pytest.mark.django_db
def test_the_file_of_each_chart_is_its_table(deals, eve):
    browser, charts = browser_of(eve), charts_of(eve)
    assert list(charts) == CHARTS
    for name, chart in charts.items():
        answer = browser.get(f"/admin/numbers/{name}.csv")
        lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert lines == [chart.heads, *plain(chart)], name
        assert chart.rows, name
    assert browser.get("/admin/numbers/nothing.csv").status_code == 404


@pytest.mark.django_db
def test_a_page_asks_the_same_of_one_deal_as_of_many(deals, ada, eve):
    browser, counts = browser_of(eve), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            assert browser.get("/admin/numbers/?by=owner&rate=service&days=365").status_code == 200
        counts.append(len(asked))
        for _ in range(3):
            an_opportunity(ada)
    assert counts[0] == counts[1]
    assert counts[0] <= 15


@pytest.mark.django_db
def test_whoever_chose_it_gets_the_sentences_once_each_monday(deals, ada):
    browser_of(ada).post("/admin/numbers/mail/", {"wanted": "1"})
    assert weekly.send() == 0
    weekly.WeeklyMail.objects.update(sent_on="2026-01-05")
    assert (weekly.send(), weekly.send()) == (1, 0)
    mail = Letter.objects.get(user=ada, subject="The numbers of the week")
    assert all(chart.changed in mail.body for chart in charts_of(ada).values())
    assert "/admin/numbers/" in mail.body
    browser_of(ada).post("/admin/numbers/mail/", {"wanted": "0"})
    weekly.WeeklyMail.objects.update(sent_on="2026-01-05")
    assert weekly.send() == 0


def test_a_week_begins_on_monday_morning_where_the_agency_is(settings):
    assert str(weekly.monday_of(datetime(2026, 11, 30, 6, tzinfo=UTC))) == "2026-11-23"
    assert str(weekly.monday_of(datetime(2026, 11, 30, 8, tzinfo=UTC))) == "2026-11-30"


@pytest.mark.django_db
def test_counters_are_counted_anew_once_a_day_and_nothing_is_off(deals, ada):
    assert clock.nightly() == 0
    assert clock.nightly() == 0
    assert Check.objects.count() == 1
    assert "nothing was off" in browser_of(ada).get("/admin/numbers/").content.decode()
    assert clock.add_up() > 0
    assert clock.add_up() == 0
    assert clock.reconcile(datetime.now(UTC)) == 0
