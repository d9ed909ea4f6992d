"""The client's report: its numbers beside what was promised, their picture, and the notice of one that is late."""

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import charts
from tests.database import as_portal
from tests.portal.portal_makers import PIER, a_publication, signed_in

LCP = {"metric": "Calls", "unit": "a month", "promised": "80 to 100", "low": "80", "high": "100", "before": "54"}
SEP = {"from": "2026-09-24", "to": "2026-10-23", "value": "71"}


def number(value="84", **fields):
    return {**LCP, "history": [SEP], "value": value, **fields}


def test_a_picture_goes_from_before_over_each_period_to_now():
    chart = charts.of(number())

    assert [(point.when, point.value) for point in chart.points] == [
        ("Before", "54"),
        ("24 Sep to 23 Oct", "71"),
        ("This report", "84"),
    ]
    heights = [point.y for point in chart.points]
    assert heights == sorted(heights, reverse=True)
    assert chart.band["y"] < heights[-1] < chart.band["y"] + chart.band["height"]


@pytest.mark.parametrize(
    "fields",
    [
        {"value": None, "history": []},
        {"value": "about 84", "history": []},
        {"before": None, "history": []},
        {"before": "?", "history": [{"value": "NaN"}]},
    ],
)
def test_what_cannot_be_compared_has_no_picture(fields):
    assert charts.of(number(**fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"value": "-3"},
        {"value": "54", "history": [], "low": None, "high": None},
        {"value": "0", "before": "0", "history": [], "low": "0", "high": "0"},
        {"value": "999999999999999", "before": "0.000001"},
        {"low": None, "high": "60"},
        {"low": "80", "high": None},
    ],
)
def test_every_picture_stays_inside_its_frame(fields):
    chart = charts.of(number(**fields))

    for point in chart.points:
        assert 0 <= point.x <= charts.WIDTH
        assert 0 <= point.y <= charts.HEIGHT
    if chart.band:
        assert chart.band["y"] >= 0
        assert chart.band["height"] >= 2
        assert chart.band["y"] + chart.band["height"] <= charts.HEIGHT


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "inside what we promised"),
        ({"value": "79.9"}, "below what we promised"),
        ({"value": "100.1"}, "above what we promised"),
        ({"low": None, "high": None}, ""),
        ({"value": None}, ""),
        ({"low": None, "value": "12"}, "inside what we promised"),
        ({"low": "80", "high": "80", "value": "80"}, ""),
        ({"better": "more", "value": "79.9"}, "short of what we promised"),
        ({"better": "less", "value": "79.9"}, "better than we promised"),
        ({"better": "less", "value": "100.1"}, "short of what we promised"),
        ({"better": "less", "value": "90"}, "inside what we promised"),
    ],
)
def test_a_number_says_where_it_lies_beside_what_was_promised(fields, said):
    assert charts.kept(number(**fields)) == said


def test_what_a_name_holds_is_no_markup_in_a_picture():
    shown = number(metric="<script>x</script>", unit="<b>")
    page = render_to_string("portal/parts/chart.html", {"chart": charts.of(shown), "number": shown})

    assert "<script>" not in page
    assert "<b>" not in page


# -- The pages. --------------------------------------------------------------------------------------------------------

REPORT = {
    "title": "Your second month",
    "period": "24 October 2026 to 23 November 2026",
    "numbers": [number(), number("12", metric="Visits", promised=None, low=None, high=None, history=[])],
    "words": ["Calls came early."],
    "next": ["Put prices on the map"],
    "next_report_on": "2026-12-24",
}
NOTICE = {"title": "Your report comes on 1 December", "period": "October 2026", "words": ["A provider was down."]}
REF = "handoff.report:7"
# The session, the wall's own and what the page reads, its paper among it.
MOST_QUERIES = 13


@pytest.mark.django_db(transaction=True)
def test_a_report_is_read_with_its_numbers_pictures_next_steps_and_the_way_to_the_others(portal_client):
    for ref in ("handoff.report:5", "handoff.report:6"):
        a_publication(kind="report", ref=ref, title="Your first month", body={"numbers": []})
    shown = a_publication(kind="report", ref=REF, title="Your second month", body=REPORT)
    browser = Client()
    browser.cookies = signed_in(portal_client).cookies
    with as_portal(), CaptureQueriesContext(connection) as asked:
        page = browser.get(f"/portal/reports/{shown.pk}/").content.decode()
        # Counted here: outside, the connection is another one.
        number_of_queries = len(asked.connection.queries_log)

    assert 0 < number_of_queries <= MOST_QUERIES
    for words in ("inside what we promised", "promised 80 to 100", "Calls came early.", "Put prices on the map"):
        assert words in page
    assert "24 Sep to 23 Oct" in page
    assert "Thursday 24 December 2026" in page
    assert page.count("<svg") == 2
    assert page.count("Your first month") == 2


@pytest.mark.django_db(transaction=True)
def test_a_notice_stands_where_the_report_will_stand_until_it_does(portal_client):
    notice = a_publication(kind="notice", ref=REF, title=NOTICE["title"], body=NOTICE)
    browser = signed_in(portal_client)
    for path in ("/portal/", "/portal/reports/"):
        page = browser.get(path).content.decode()
        assert NOTICE["title"] in page
        assert "A provider was down." in page
        assert "Your reports appear here" not in page
    assert "a notice:" in browser.get("/portal/history/").content.decode()

    notice.withdraw("The report is there.")
    assert NOTICE["title"] not in browser.get("/portal/reports/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_nobody_reads_the_notice_or_the_report_of_another_client(portal_client):
    a_publication(kind="notice", ref=REF, title=NOTICE["title"], body=NOTICE, client_id=PIER)
    theirs = a_publication(kind="report", ref=REF, title="Theirs", body=REPORT, client_id=PIER)
    browser = signed_in(portal_client)

    assert NOTICE["title"] not in browser.get("/portal/reports/").content.decode()
    assert browser.get(f"/portal/reports/{theirs.pk}/").status_code == 404
