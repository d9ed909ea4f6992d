"""Words of a report say the numbers of that very report; what is to come stays a promise that needs its claim."""

import pytest
from django.urls import reverse

from opportunities.records import Refused, begin, edit, perform
from proposals.models import Summary
from tests.makers_handoff import a_report
from tests.makers_proposals import a_summary

pytestmark = pytest.mark.django_db
BLANK = {"promised": None, "low": None, "high": None, "before": None, "value": None}
NUMBERS = [
    {
        "metric": "Bounce rate",
        "unit": "%",
        "value": "28",
        "before": "40",
        "promised": "20 to 30",
        "low": "20",
        "high": "30",
    },
    {**BLANK, "metric": "Calls", "unit": "a month", "value": "84", "before": "54"},
    {**BLANK, "metric": "Orders", "unit": "", "value": "45", "before": "50"},
    {**BLANK, "metric": "Sales", "unit": "EUR", "value": "12500.50", "before": "10000"},
    {**BLANK, "metric": "Visits", "unit": "", "value": ""},
]


@pytest.fixture
def report(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="drafting")
    return edit(report, by=dora, numbers=NUMBERS)


def words_about(report, words, **fields):
    return Summary(
        **{"opportunity": report.project.opportunity, "kind": "report", "title": "Your first month", "words": words}
        | {"record_type": report.label(), "record_id": report.pk}
        | fields
    )


def marks(report, words, **fields):
    return outcomes_in(words_about(report, words, **fields))


def outcomes_in(summary):
    return [mark.words for mark in summary.marks_on(summary.title, summary.words) if mark.kind == "outcome"]


@pytest.mark.parametrize(
    "words",
    [
        "The bounce rate was 28 % this month.",
        "The bounce rate is 28%, and was 40 % before we began.",
        "A bounce rate of 20 to 30 % was promised to you in the contract, and 28 % came.",
        "The bounce rate fell by 12 percentage points.",
        "The bounce rate went down by 30 %.",
        "Calls rose by 56 % since we began.",
        "55.6 % more calls came than before.",
        "You had 30 more calls than before.",
        "5 fewer orders came in, 10 % less.",
        "Sales rose by €2,500.50.",
        "Orders: 45 instead of 50.",
    ],
)
def test_a_number_of_the_report_itself_is_supported_by_its_measurement(report, words):
    assert marks(report, words) == []


@pytest.mark.parametrize(
    ("words", "on"),
    [
        ("The bounce rate was 27 %.", "27 %"),
        ("The bounce rate will be 28 % next month.", "28 %"),
        ("Expect a bounce rate of 28 %.", "28 %"),
        ("Calls will rise by 56 %.", "56 %"),
        ("Next month you get 30 more calls.", "30 more calls"),
        ("We guarantee 28 % of bounces.", "guarantee"),
        ("Calls doubled.", "doubled"),
        ("Costs fell by 56 %.", "56 %"),
        ("Calls fell by 56 %.", "56 %"),
        ("Orders rose by 10 %.", "10 %"),
        ("Calls rose by 84 %.", "84 %"),
        ("28 % of the money is saved.", "28 %"),
    ],
    ids=lambda each: each[:30],
)
def test_what_is_to_come_and_what_nobody_measured_is_a_promise_still(report, words, on):
    assert on in marks(report, words)


def test_the_numbers_of_one_report_excuse_nothing_elsewhere(report):
    said = "The bounce rate was 28 % this month."
    assert marks(report, said, record_type="", record_id=None) == ["28 %"]
    other = report.cadence.reports.exclude(pk=report.pk).first()
    assert marks(other, said) == ["28 %"]


def test_the_report_of_another_client_excuses_nothing(report, ada):
    other = a_summary(ada, words="The bounce rate was 28 % this month.")
    other.record_type, other.record_id = report.label(), report.pk
    assert outcomes_in(other) == ["28 %"]


def test_words_with_a_measured_number_are_submitted_and_with_a_promise_are_not(report, dora):
    measured = begin(words_about(report, "The bounce rate was 28 %.", owner=dora, author=dora), by=dora)
    assert perform(measured.submit, by=dora).stage == "in_review"
    promised = begin(words_about(report, "The bounce rate will be 28 %.", owner=dora, author=dora), by=dora)
    with pytest.raises(Refused, match="Make a claim with evidence of “28 %”"):
        perform(promised.submit, by=dora)


def test_the_editor_says_the_same_as_one_types(report, dora, as_user):
    typed = {"deal": report.project.opportunity_id, "title": "Your first month", "words": "The bounce rate was 28 %."}
    address = reverse("admin:proposals_summary_lint")
    assert "28 %" in as_user(dora).post(address, typed).content.decode()
    about = {"about": f"{report.label()}:{report.pk}"}
    assert "28 %" not in as_user(dora).post(address, typed | about).content.decode()
    for wrong in ("handoff.report:999999", "handoff.report:x", "no.such:1", ":", "opportunities.user:1"):
        assert "28 %" in as_user(dora).post(address, typed | {"about": wrong}).content.decode()
