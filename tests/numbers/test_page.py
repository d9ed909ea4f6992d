"""The page of numbers says what the counters say, to each as far as they see, and in a file the same."""

import csv
import html
import io
import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from handoff import clock as delivery
from handoff.models import Promise
from opportunities import unattended
from opportunities.models import Letter, Task
from opportunities.records import edit, perform
from opportunities.spreadsheets import safe
from tests.makers import an_opportunity
from tests.makers_handoff import a_handoff, a_report
from tests.makers_proposals import a_proposal
from tests.numbers.test_counters import LOSE, SOLD, rows
from tests.test_matrix import browser_of
from zarts.numbers import clock, weekly
from zarts.numbers.asked import Asked
from zarts.numbers.charts import Figures
from zarts.numbers.models import Check

CHARTS = ["forecast", "funnel", "win-rate", "reasons", "speed", "follow-ups", "proof", "claims", "disputes", "reports"]


def charts_of(user, today=None, **given):
    return {chart.name: chart for chart in Figures(Asked(user, given), today).all()}


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
        ["No deadline", "EUR", "1", "5000.00", "2500.00"],
        ["Mar 2027", "USD", "1", "12000.00", "1200.00"],
    ]
    assert "Each bar is measured by the longest of its own currency." in forecast.about
    assert "€2,500.00 weighted, +€2,500.00 since last week" in forecast.changed
    assert (
        "$1,200.00 weighted, +$1,200.00 since last week: 2 new (+$2,400.00), re-valued (−$1,200.00)" in forecast.changed
    )


@pytest.mark.django_db
def test_two_people_of_one_name_are_two_rows(deals, ada, cem, eve):
    unattended_deal = an_opportunity(cem)
    for task in unattended_deal.tasks.open():
        perform(task.finish, by=cem)
    a_proposal(ada)
    a_proposal(cem)
    for person in (ada, cem):
        edit(person, by=eve, first_name="Ana", last_name="Silva")
    clock.look()
    charts = charts_of(eve, by="owner", rate="owner", proof="owner")
    hers, his = "Ana Silva (ada)", "Ana Silva (cem)"
    assert [(row[0], row[1]) for row in plain(charts["forecast"])] == [(hers, "EUR"), (hers, "USD"), (his, "USD")]
    assert [row[0] for row in plain(charts["win-rate"])] == [his]
    assert [(row[0], row[-1]) for row in plain(charts["follow-ups"])] == [(hers, "0"), (his, "1")]
    assert [row[0] for row in plain(charts["proof"])] == [hers, his]


@pytest.mark.django_db
def test_after_history_was_told_nobody_knows_what_a_forecast_was_a_week_ago(deals, ada, as_user):
    perform(deals.lose, by=ada, **LOSE)
    clock.tell_history()
    assert rows("select * from numbers_drift") == []
    changed = charts_of(ada)["forecast"].changed
    assert changed == (
        "€2,500.00 weighted (in the last week 1 new). $0.00 weighted (in the last week 1 new, 1 lost). "
        "What it was a week ago is not known: these numbers were counted anew since."
    )
    edit(an_opportunity(ada), by=ada, value=Decimal(900))
    assert rows("select * from numbers_drift") == []


@pytest.mark.django_db
def test_each_number_of_now_leads_to_exactly_those(deals, ada, cem):
    late = deals.tasks.open().first()
    Task.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=1))
    browser = browser_of(ada)
    page = html.unescape(browser.get("/admin/numbers/").text)
    tasks, promises = re.findall(r'href="([^"]*)">(?:overdue tasks: 1|promises that delivery disputes: 0)<', page)
    listed = browser.get(tasks).text
    assert late.staff_url() in listed
    assert [task.pk for task in deals.tasks.open() if task.staff_url() in listed] == [late.pk]
    assert promises.endswith("/promise/?stage=disputed")
    # What the page that has each deal's words can narrow is handed on.
    page = html.unescape(browser.get(f"/admin/numbers/?owner={ada.pk}&days=30").text)
    assert f'"/admin/won-and-lost/?outcome=lost&owner={ada.pk}"' in page


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
    "given", ["days=7", "owner=x", "service=9999999999999999999", "currency=ZZZ", "by=%00", "rate=a" * 99, "foo=1"]
)
def test_a_filter_that_is_not_there_is_left_out_and_said_and_has_no_file(given, ada):
    browser = browser_of(ada)
    page = browser.get(f"/admin/numbers/?{given}")
    assert page.status_code == 200
    assert "This filter is left out" in page.text
    file = browser.get(f"/admin/numbers/forecast.csv?{given}")
    assert file.status_code == 400
    assert "here. Take the file from the page of numbers" in file.text


@pytest.mark.django_db
def test_the_file_of_each_chart_is_its_table(deals, ben, dora, eve):
    # A name that a spreadsheet would calculate is words in it.
    edit(deals.owner, by=eve, first_name="=cmd()")
    a_proposal(deals.owner)
    report = a_report(deals.owner, manager=ben, delivery=dora, stage="published", claimed=SOLD)
    perform(a_handoff(deals.owner, manager=ben, delivery=dora).promises.first().dispute, by=dora, reason="Too much.")
    clock.look()
    # It may be due only when the weekend is over.
    with time_machine.travel(datetime.combine(report.due_on, timezone.now().time(), UTC)):
        the_files_are_the_tables(browser_of(eve), charts_of(eve))


def the_files_are_the_tables(browser, charts):
    assert list(charts) == CHARTS
    for name, chart in charts.items():
        answer = browser.get(f"/admin/numbers/{name}.csv")
        lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        shown = [[safe(cell) for cell in line] for line in plain(chart)]
        assert lines == [chart.file_heads, *shown], name
        assert chart.rows, name
    assert charts["speed"].file_heads[2:] == ["Half within, minutes", "Nine of ten within, minutes"]
    for name, asked in (("forecast", "by=owner"), ("win-rate", "rate=owner"), ("follow-ups", ""), ("proof", "")):
        words = browser.get(f"/admin/numbers/{name}.csv?{asked}").content.decode("utf-8-sig")
        assert "\r\n=" not in words, name
        assert name == "win-rate" or "\r\n'=cmd()" in words, name
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
def test_what_is_promised_and_proved_is_told_by_owner_service_and_month(ada, cem, eve):
    proposal = a_proposal(ada)
    a_proposal(cem)
    proposal.change(proposal.price_lines.get(optional=True), by=ada, evidence=None)
    clock.look()
    proof = charts_of(eve)["proof"]
    assert plain(proof) == [["Ada", "6", "5", "83"], ["Cem", "6", "6", "100"]]
    assert proof.changed == "11 of 12 rows are proved (91 %)."
    assert [row[0] for row in plain(charts_of(eve, proof="service")["proof"])] == ["Search and speed"]
    # What stood a month ago is what stands now without what came since.
    rows("select numbers_tell_proof()")
    months = plain(charts_of(eve, proof="month", days="30")["proof"])
    assert [month[1:] for month in months] == [["12", "11", "91"]]
    assert plain(charts_of(ada)["proof"]) == [["Ada", "6", "5", "83"]]
    assert plain(charts_of(eve, owner=str(cem.pk))["proof"]) == [["Cem", "6", "6", "100"]]


@pytest.mark.django_db
def test_what_became_of_what_was_sold_is_told_in_three_charts(ada, ben, cem, dora, eve):
    first = a_report(ada, manager=ben, delivery=dora, stage="published", claimed=SOLD)
    late = first.project.reports.filter(stage="scheduled").first()
    promise = a_handoff(ada, manager=ben, delivery=dora).promises.first()
    perform(promise.dispute, by=dora, reason="Nobody can measure it.")
    perform(Promise.objects.get(pk=promise.pk).settle, by=ben, outcome="as_sold", reason="They measure it now.")
    clock.look()
    charts = charts_of(eve, first.due_on)
    assert plain(charts["disputes"])[:2] == [["Disputed", "1"], ["Settled: kept as sold", "1"]]
    assert charts["disputes"].changed == (
        "1 disputed and 1 settled this week, after 0 disputed and 0 settled in the week before."
    )
    assert plain(charts["claims"]) == [["Search and speed", "0", "0", "1", "0", "100"]]
    assert charts["claims"].changed == "1 of 1 claims that were reported came out as promised or better."
    assert plain(charts["reports"]) == [["Dora", "1", "0", "0", "100"]]
    assert charts["reports"].changed == (
        "Of the reports that were due this week 1 came in time and 0 did not, after 0 and 0 in the week before."
    )
    for user, sees in ((ada, False), (dora, True), (ben, True), (cem, False)):
        assert bool(charts_of(user, first.due_on)["reports"].rows) == sees, user
    # One that is due in days to come counts then, even if it came already.
    assert charts_of(eve, first.due_on - timedelta(days=1))["reports"].rows == []
    with time_machine.travel(datetime.combine(late.due_on, time(12), UTC) + timedelta(days=7)):
        delivery.run()
        clock.look()
        [[_, on_time, _, missed, _]] = plain(charts_of(eve)["reports"])
        assert (on_time, missed) == ("1", "1")
    page = html.unescape(browser_of(eve).get(f"/admin/numbers/?owner={dora.pk}&days=30").text)
    assert f'"/admin/reports/reliability/?days=30&owner={dora.pk}"' in page
    assert '"/admin/handoff/promise/?stage=disputed"' in page


@pytest.mark.django_db
def test_a_deal_that_nothing_is_promised_for_is_a_number_until_it_has_a_task(deals, ada, cem):
    clock.look()
    assert charts_of(ada)["follow-ups"].changed.endswith("Every open deal has a next action.")
    for task in deals.tasks.open():
        perform(task.finish, by=ada)
    clock.look()
    assert plain(charts_of(ada)["follow-ups"])[0][-1] == "1"
    assert charts_of(ada)["follow-ups"].changed.endswith("1 open deal has no next action.")
    assert charts_of(cem)["follow-ups"].changed.endswith("Every open deal has a next action.")
    assert "open deals without a next action: 1<" in browser_of(ada).get("/admin/numbers/").text
    unattended.attend(deals.pk)
    clock.look()
    assert charts_of(ada)["follow-ups"].changed.endswith("Every open deal has a next action.")


@pytest.mark.django_db
def test_who_may_not_read_the_numbers_is_left_out_once_and_told_why(deals, ada):
    weekly.choose(ada, True)
    weekly.WeeklyMail.objects.update(sent_on="2026-01-05")
    groups = list(ada.groups.all())
    ada.groups.clear()
    assert weekly.send() == 0
    row = weekly.WeeklyMail.objects.get()
    assert (row.left_out, row.sent_on) == (weekly.NO_RIGHT, weekly.monday_of(timezone.now()))
    with CaptureQueriesContext(connection) as asked:
        assert weekly.send() == 0
    assert len(asked) <= 2
    ada.groups.set(groups)
    assert weekly.NO_RIGHT in html.unescape(browser_of(ada).get("/admin/numbers/").text)
    weekly.WeeklyMail.objects.update(sent_on="2026-01-05")
    assert weekly.send() == 1
    assert weekly.WeeklyMail.objects.get().left_out == ""


@pytest.mark.django_db
def test_a_mail_that_cannot_be_written_is_tried_again_like_other_mail(deals, ada, cem, monkeypatch):
    for user in (ada, cem):
        weekly.choose(user, True)
    weekly.WeeklyMail.objects.update(sent_on="2026-01-05")

    def fails_for_ada(user, body=weekly.body):
        return 1 / 0 if user == ada else body(user)

    with monkeypatch.context() as patch:
        patch.setattr(weekly, "body", fails_for_ada)
        assert (weekly.send(), weekly.send()) == (1, 0)
        mine = weekly.WeeklyMail.objects.filter(user=ada)
        assert mine.get().tries == 1
        assert mine.get().again_at > timezone.now()
        mine.update(tries=len(weekly.AGAIN), again_at=None)
        assert weekly.send() == 0
        assert mine.get().left_out == weekly.NOT_WRITTEN
    mine.update(sent_on="2026-01-05", tries=1, again_at=timezone.now())
    assert weekly.send() == 1
    assert (mine.get().tries, mine.get().left_out) == (0, "")


@pytest.mark.django_db
def test_whoever_chose_it_gets_the_sentences_once_each_monday(deals, ada):
    browser_of(ada).post("/admin/numbers/mail/", {"wanted": "1"})
    assert weekly.send() == 0
    weekly.WeeklyMail.objects.update(sent_on="2026-01-05")
    assert (weekly.send(), weekly.send()) == (1, 0)
    mail = Letter.objects.get(user=ada, subject="The numbers of the week")
    assert all(chart.changed in mail.body for chart in charts_of(ada).values())
    assert "/admin/numbers/" in mail.body
    assert mail.body.startswith("Your own deals.\n\n")
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
