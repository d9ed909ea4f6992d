"""The writer of reports: numbers by hand and from a file, words, notes, and what stands before the client."""

import re

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from handoff import figures, writing
from handoff.models import Report, ReportNote
from opportunities.records import Refused, edit, perform
from proposals.models import Claim, Summary
from tests.handoff.test_reports import noon_after
from tests.makers_handoff import a_report, report_words
from tests.makers_proposals import a_summary, approve_all

LCP = "Largest Contentful Paint"


def again(record):
    return type(record).objects.get(pk=record.pk)


@pytest.fixture
def report(ada, ben, dora):
    return a_report(ada, manager=ben, delivery=dora, stage="drafting")


def address(report, name):
    return reverse(f"admin:handoff_report_{name}", args=[report.pk])


def field_of(report, metric=LCP):
    return writing.name_of(next(number for number in report.numbers if number["metric"] == metric))


def values(report):
    return {number["metric"]: number["value"] for number in again(report).numbers}


# -- Numbers by hand. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2.1", "2.1"),
        ("2,1", "2.1"),
        ("2 480", "2480"),
        ("1,054,000.50", "1054000.5"),
        ("1.054.000,50", "1054000.5"),
        ("007", "7"),
        ("−3.10", "-3.1"),
        ("-0", "0"),
        ("3.1 s", "3.1"),
        ("0.1", "0.1"),
        ("999999999999999.123456", "999999999999999.123456"),
    ],
)
def test_a_number_is_kept_exactly_however_it_is_written(said, kept):
    assert figures.exact(said, unit="s") == kept


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("many", "such as 2480 or 2.1"),
        ("1e30", "such as 2480 or 2.1"),
        ("=1+1", "such as 2480 or 2.1"),
        ("NaN", "such as 2480 or 2.1"),
        ("1,2,3", "such as 2480 or 2.1"),
        ("--1", "such as 2480 or 2.1"),
        ("١٢", "such as 2480 or 2.1"),
        (f"1{'0' * 30}", "such as 2480 or 2.1"),
        (f"1{'0' * 15}", "at most 15 digits"),
        ("0.1234567", "at most 6 digits after the point"),
    ],
)
def test_what_is_no_number_says_what_to_write_instead(said, words):
    with pytest.raises(figures.NotExact, match=words):
        figures.exact(said)


def test_a_writer_types_each_number_in_its_field_and_adds_another(report, dora, as_user):
    browser = as_user(dora)
    more = {"more_metric": "Calls", "more_value": "1,200", "more_unit": "calls"}
    page = browser.post(report.staff_url(), {field_of(report): "2,1", "next_steps": "Measure again", **more})

    assert page.status_code == 302
    report = again(report)
    assert values(report) == {LCP: "2.1", "Calls": "1200"}
    assert report.numbers[0]["before"] == "6.8"
    assert report.numbers[0]["claim"]
    assert set(report.numbers[1]) == {"metric", "unit", "promised", "low", "high", "better", "before", "value"}
    assert report.next_steps == "Measure again"


def test_a_number_that_is_none_is_refused_at_its_place_and_nothing_is_written(report, dora, as_user):
    page = as_user(dora).post(report.staff_url(), {field_of(report): "a lot", "next_steps": "Measure again"})

    assert page.status_code == 422
    words = page.content.decode()
    assert "Write a number, such as 2480 or 2.1." in words
    assert "a lot" in words
    assert "Measure again" in words
    assert values(report) == {LCP: None}


def test_what_was_promised_cannot_be_taken_out_and_what_was_added_can(report, dora, as_user):
    browser = as_user(dora)
    browser.post(report.staff_url(), {"more_metric": "Calls", "more_value": "3"})
    for metric in (LCP, "Calls"):
        browser.post(report.staff_url(), {"take_out": field_of(again(report), metric)})
    assert list(values(report)) == [LCP] or pytest.fail(str(values(report)))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"more_value": "3"}, "Say what this number measures."),
        ({"more_metric": "largest contentful paint", "more_value": "3"}, "stands already"),
        ({"more_metric": "<b>Calls</b>", "more_value": "3"}, "plain words"),
        ({"more_metric": "Calls", "more_value": "10^30"}, "such as 2480"),
    ],
)
def test_another_number_has_a_name_of_its_own_and_a_value(report, dora, as_user, typed, words):
    page = as_user(dora).post(report.staff_url(), typed)

    assert page.status_code == 422
    assert words in page.content.decode()
    assert list(values(report)) == [LCP]


def test_two_writers_lose_nothing_of_each_other(report, dora, ben, as_user):
    name = field_of(report)
    marks = re.search(r'name="seen" value="([^"]*)"', as_user(dora).get(report.staff_url()).content.decode())[1]
    seen = marks.replace("&quot;", '"')
    as_user(ben).post(report.staff_url(), {name: "3.3"})
    page = as_user(dora).post(report.staff_url(), {name: "2.2", "next_steps": "Measure", "seen": seen})
    assert page.status_code == 409
    assert "changed this meanwhile. It says now: “3.3”." in page.content.decode()

    page = as_user(dora).post(report.staff_url(), {name: "", "next_steps": "Measure", "seen": seen})
    assert page.status_code == 302
    assert (values(report), again(report).next_steps) == ({LCP: "3.3"}, "Measure")


@pytest.mark.parametrize("stage", ["in_review", "published"])
def test_a_report_that_is_out_of_the_writers_hands_is_only_read(ada, ben, dora, as_user, stage):
    report = a_report(ada, manager=ben, delivery=dora, stage=stage)
    page = as_user(dora).post(report.staff_url(), {field_of(report): "1.0", "next_steps": "Nothing"})

    assert page.status_code == 409
    assert "copy what you need" in page.content.decode()
    assert (again(report).numbers, again(report).next_steps) == (report.numbers, report.next_steps)


def test_whoever_writes_in_a_scheduled_report_has_begun_it(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora)
    as_user(dora).post(report.staff_url(), {field_of(report): "2.2"})

    report = again(report)
    assert (report.stage, report.written_by, values(report)) == ("drafting", dora, {LCP: "2.2"})


def test_what_looks_like_a_slip_is_marked_and_not_refused(report):
    number = report.numbers[0]
    assert figures.doubts({**number, "value": "-2"}) == ["It is below zero, and never was before: look again."]
    assert figures.doubts({**number, "value": "250"})[0].startswith("It is more than ten times")
    assert figures.doubts({**number, "value": "2.1"}, "2.4") == []
    promised = {**number, "low": "2", "high": "2.5", "better": "less"}
    assert figures.doubts({**promised, "value": "1.6"}) == []
    assert figures.doubts({**promised, "value": "6"}) == [
        "It falls short of what was promised: say so in the words for the client."
    ]


def test_a_number_whose_promise_lost_its_proof_says_so_to_us_and_is_reported_all_the_same(report, ada, dora, as_user):
    claim = Claim.objects.get(pk=report.numbers[0]["claim"])
    for evidence in claim.evidence.all():
        evidence.withdraw(by=ada, reason="It was of another page.")
    browser = as_user(dora)
    assert "rests on proof that fell" in browser.get(report.staff_url()).content.decode()

    browser.post(report.staff_url(), {field_of(report): "2.1"})
    assert values(report) == {LCP: "2.1"}


# -- Numbers from a file. ----------------------------------------------------------------------------------------------


def a_file(words, name="numbers.csv"):
    return SimpleUploadedFile(name, words if isinstance(words, bytes) else words.encode(), "text/csv")


def sent(browser, report, words):
    return browser.post(address(report, "numbers"), {"file": a_file(words)})


def token_in(page):
    return re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (f"metric,value\n{LCP},2.1\n", "2.1"),
        (f"Metric;Value;Unit\r\n{LCP};2,1;s\r\n", "2.1"),
        (f"value\tmetric\n2.1\t{LCP.upper()}\n", "2.1"),
        (f"metric;value\n{LCP};1.054\n".encode("utf-16"), "1054"),
        (f"metric,value\n{LCP},1.054\n", "1.054"),
        (f"\ufeffmetric,value\n{LCP},-3\n", "-3"),
        (f"métric,metric,value\nx,{LCP},2.1\n".encode("cp1252"), "2.1"),
    ],
)
def test_a_file_is_shown_before_it_is_taken_over(report, dora, as_user, words, kept):
    browser = as_user(dora)
    page = sent(browser, report, words)
    assert page.status_code == 200
    assert "Nothing is written yet" in page.content.decode()
    assert values(report) == {LCP: None}

    browser.post(address(report, "numbers"), {"token": token_in(page)})
    assert values(report) == {LCP: kept}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "is empty"),
        ("metric,value\n", "There is no number in it"),
        ("what,much\nCalls,1\n", "Name the columns metric, value"),
        ("metric,value\nVisits,1\n", f"This report has no such number. It has: {LCP}"),
        (f"metric,value\n{LCP},2.1\n{LCP},2.2\n", "It stands in line 2 already"),
        (f"metric,value\n{LCP},=1+1\n", "Write a number, such as 2480 or 2.1."),
        (f"metric,value\n{LCP},1{'0' * 30}\n", "Write a number"),
        (f"metric,value\n{LCP},10^30\n", "Write a number"),
        (f"metric,value\n{LCP},\n", "Write a number"),
        (f"metric,value,unit\n{LCP},2.1,=cmd\n", "It is measured in s, not in =cmd"),
        (f"metric,value\n{LCP},2.1,7\n", "has 3 values where the header names 2"),
        (b"%PDF-1.7", "is a PDF"),
        (b"metric,value\n\xff\xfe\x81,1\n", "This report has no such number"),
        ("metric,value\n" + "x,1\n" * 201, "Keep at most 200 lines"),
        (f"metric,value\n{LCP},2\0.5\n", "This line hides a sign within its value: type the number anew."),
        (f"metric,value,Value\n{LCP},2.1,2.2\n", "Keep one column for the value: its first line names value, Value."),
        (f"metric,value,value\n{LCP},2.1,2.2\n", "Keep one column for the value: its first line names value, value 2."),
        (
            f"metric,number,value\n{LCP},2.1,2.2\n",
            "Keep one column for the metric: its first line names metric, number.",
        ),
    ],
)
def test_a_file_with_anything_wrong_writes_nothing(report, dora, as_user, words, said):
    page = sent(as_user(dora), report, words)

    assert page.status_code == 422
    assert said in page.content.decode()
    assert 'name="token"' not in page.content.decode()
    assert values(report) == {LCP: None}


def test_of_a_file_with_one_wrong_line_no_line_is_written(report, dora, as_user):
    browser = as_user(dora)
    browser.post(report.staff_url(), {"more_metric": "Calls", "more_value": ""})
    page = sent(browser, report, f"metric,value\n{LCP},2.1\nCalls,many\n").content.decode()

    assert "Mend 1 line in the file" in page
    assert values(report) == {LCP: None, "Calls": None}


def test_a_file_of_five_megabytes_says_how_large_it_may_be(report, dora, as_user):
    page = sent(as_user(dora), report, b"metric,value\n" + b"x,1\n" * 1_300_000)

    assert page.status_code == 422
    assert "keep it below 1 MB" in page.content.decode()


def test_a_file_that_was_read_before_others_wrote_is_read_again(report, dora, ben, as_user):
    token = token_in(sent(as_user(dora), report, f"metric,value\n{LCP},2.1\n"))
    as_user(ben).post(report.staff_url(), {field_of(report): "3.3"})
    page = as_user(dora).post(address(report, "numbers"), {"token": token})

    assert page.status_code == 409
    assert "somebody changed the numbers since it was read" in page.content.decode()
    assert values(report) == {LCP: "3.3"}


@pytest.mark.parametrize("token", ["made:up", "x" * 5000])
def test_what_nobody_read_is_not_taken_over(report, dora, as_user, token):
    page = as_user(dora).post(address(report, "numbers"), {"token": token})

    assert page.status_code == 409
    assert values(report) == {LCP: None}


def test_what_was_read_for_one_report_is_not_taken_over_for_another(report, dora, as_user):
    token = token_in(sent(as_user(dora), report, f"metric,value\n{LCP},2.1\n"))
    other = Report.objects.exclude(pk=report.pk).first()

    assert as_user(dora).post(address(other, "numbers"), {"token": token}).status_code == 409
    assert values(other) == {LCP: None}


def test_a_file_for_a_report_in_review_changes_nothing(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")

    assert sent(as_user(dora), report, f"metric,value\n{LCP},9\n").status_code == 409
    assert values(report) == {LCP: "2.1"}


def test_the_list_to_fill_in_comes_back_as_it_is_and_calculates_nothing(report, dora, as_user):
    browser = as_user(dora)
    browser.post(report.staff_url(), {"more_metric": "=Calls", "more_value": "4", field_of(report): "2.1"})
    file = browser.get(address(report, "numbers")).content

    assert file.decode() == f"metric,value,unit\r\n{LCP},2.1,s\r\n'=Calls,4,\r\n"
    assert sent(browser, report, file).status_code == 200


def twins(report, by, **other):
    """Have a second claim promise another range of the same name, as when two services were sold."""
    first = {**report.numbers[0], "promised": "2 to 2.5"}
    return edit(report, by=by, numbers=[first, {**first, "promised": "3 to 4", **other}])


@pytest.mark.parametrize("marked", ["unit", "promised"])
def test_numbers_of_one_name_are_told_apart_by_their_unit_or_by_what_was_promised(report, dora, as_user, marked):
    said = {"unit": ("s", "%"), "promised": ("2 to 2.5", "3 TO  4")}[marked]
    report = twins(report, dora, claim=7, **({"unit": "%"} if marked == "unit" else {}))
    browser = as_user(dora)
    page = sent(browser, report, f"metric,value,{marked}\n{LCP},3.1,{said[1]}\n{LCP},2.1,{said[0]}\n")
    browser.post(address(report, "numbers"), {"token": token_in(page)})

    assert [number["value"] for number in again(report).numbers] == ["2.1", "3.1"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, "2 numbers have this name: say which in a column named promised. It is 2 to 2.5 or 3 to 4."),
        ({"unit": "%"}, "2 numbers have this name: say which in a column named unit. It is s or %."),
        ({"promised": "2 to 2.5"}, "2 numbers have this name and promise the same: write them by hand above."),
    ],
)
def test_a_line_that_could_be_two_numbers_is_refused_and_says_how_to_tell_them_apart(
    report, dora, as_user, other, words
):
    report = twins(report, dora, claim=7, **other)
    page = sent(as_user(dora), report, f"metric,value\n{LCP},2.1\n{LCP},2.2\n")

    assert page.status_code == 422
    assert page.content.decode().count(words) == 2
    assert [number["value"] for number in again(report).numbers] == [None, None]


def test_the_list_to_fill_in_tells_numbers_of_one_name_apart_and_comes_back_as_it_is(report, dora, as_user):
    report = twins(report, dora, claim=7, value="3.1")
    browser = as_user(dora)
    file = browser.get(address(report, "numbers")).content

    assert file.decode() == f"metric,value,unit,promised\r\n{LCP},,s,2 to 2.5\r\n{LCP},3.1,s,3 to 4\r\n"
    assert sent(browser, report, file.replace(b",,", b",2.1,")).status_code == 200


# -- Words and notes. --------------------------------------------------------------------------------------------------


def test_words_begun_on_the_page_are_the_reports_and_begin_with_what_is_known(report, dora, as_user):
    browser = as_user(dora)
    asked = writing.words_url(report)
    page = browser.get(asked).content.decode()
    assert f"Your report for {report.covers}" in page

    typed = {"opportunity": report.project.opportunity_id, "kind": "report", "owner": dora.pk, "due_on": ""}
    typed |= {"title": "Your first month", "words": "It is faster.", "about": f"handoff.report:{report.pk}"}
    assert browser.post(asked, typed | {"next_action": "Submit them"}).status_code == 302
    assert again(report).summary == Summary.objects.get(title="Your first month")


def test_an_address_cannot_make_words_about_another_clients_report(report, ada, ben, dora, as_user):
    other = a_report(ada, manager=ben, delivery=dora)
    asked = writing.words_url(report).replace(f"opportunity={report.project.opportunity_id}", "opportunity=")
    asked = asked.replace("opportunity=", f"opportunity={other.project.opportunity_id}")
    page = as_user(dora).get(asked).content.decode()

    assert str(report) not in page


@pytest.mark.parametrize("move", ["submit", "approve", "publish"])
def test_words_of_another_report_are_not_sent_with_this_one(ada, ben, dora, move):
    """Whether they were written about another report, or stand in one already."""
    stage = {"submit": "drafting", "approve": "in_review", "publish": "approved"}[move]
    report = a_report(ada, manager=ben, delivery=dora, stage=stage)
    other = report.cadence.reports.exclude(pk=report.pk).first()
    words = approve_all(report_words(other, dora), ben)
    report = edit(report, by=dora, summary=words, numbers=[{**each, "value": "2"} for each in report.numbers])

    with pytest.raises(Refused, match="Write words for this report: “Your first month” was written for something else"):
        perform(getattr(report, move), by=ben)


def test_words_about_the_whole_deal_serve_one_report_only(report, ada, ben, dora):
    words = a_summary(dora, opportunity=report.project.opportunity, kind="report", title="All of it", words="Well.")
    other = report.cadence.reports.exclude(pk=report.pk).first()
    offered = writing.report_form(report).fields["summary"].queryset
    assert words in offered

    edit(other, by=dora, summary=words)
    assert words not in writing.report_form(report).fields["summary"].queryset


def test_a_note_is_added_on_the_page_and_stays_there(report, dora, as_user):
    browser = as_user(dora)
    assert browser.post(address(report, "note"), {"words": " "}).status_code == 422
    browser.post(address(report, "note"), {"words": "Their developer broke it."})

    assert ReportNote.objects.get().author == dora
    assert "Their developer broke it." in browser.get(report.staff_url()).content.decode()


def test_saving_and_submitting_is_one_press(report, dora, as_user):
    edit(report, by=dora, summary=report_words(report, dora))
    page = as_user(dora).post(report.staff_url(), {field_of(report): "2.1", "then": "submit"})

    assert page.status_code == 302
    assert again(report).stage == "in_review"


def test_what_is_typed_is_saved_when_submitting_is_refused(report, dora, as_user):
    page = as_user(dora).post(report.staff_url(), {field_of(report): "2.1", "then": "submit"})

    assert page.status_code == 409
    assert "Write the words for the client." in page.content.decode()
    assert (values(report), again(report).stage) == ({LCP: "2.1"}, "drafting")


# -- Who may, and what it costs. ---------------------------------------------------------------------------------------


def test_who_may_only_read_it_writes_nothing(report, ada, cem, as_user):
    for name, data in (("numbers", {}), ("note", {"words": "Hello"}), ("change", {field_of(report): "1"})):
        assert as_user(ada).post(address(report, name), data).status_code == 403
        assert as_user(cem).post(address(report, name), data).status_code == 404
    assert as_user(ada).get(report.staff_url()).status_code == 200
    assert values(report) == {LCP: None}


def test_the_writer_shows_the_periods_before_and_asks_a_bounded_number_of_questions(
    ada, ben, dora, as_user, django_assert_max_num_queries
):
    first = a_report(ada, manager=ben, delivery=dora, stage="published")
    browser = as_user(dora)
    second = first.cadence.reports.filter(stage="scheduled").first()
    with time_machine.travel(noon_after(second.due_on, 0)):
        second = perform(second.start, by=dora)
        edit(second, by=dora, numbers=[{**each, "value": "2.4"} for each in second.numbers])
        browser.force_login(dora)
        browser.get(second.staff_url())
        with django_assert_max_num_queries(MOST_QUERIES):
            page = browser.get(second.staff_url()).content.decode()
    assert "<dt>Last period</dt><dd>2.1</dd>" in page
    assert "<svg" in page
    assert "2.4" in page


MOST_QUERIES = 24
