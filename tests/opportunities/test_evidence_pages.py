"""The pages of evidence: add, correct, withdraw, bring a file, send it; who may, and what a refusal says."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Event, Evidence, EvidenceFile
from opportunities.records import perform
from tests.makers import some_evidence
from tests.opportunities.evidence_makers import METRICS, QUERIES, a_report, a_zip, an_audit_to_fill, raw

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def audit(ada):
    return an_audit_to_fill(ada)


def upload(value, name="report.json"):
    return SimpleUploadedFile(name, value if isinstance(value, bytes) else raw(value))


def url_of(record, word):
    return reverse(f"admin:opportunities_{record._meta.model_name}_{word}", args=[record.pk])


def fields(**changes):
    said = {
        "metric": "Bookings from phones",
        "value": "41",
        "unit": "a month",
        "subject": "",
        "kind": "interview",
        "provider": "Interview",
        "captured_at": (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "confidence": "high",
        "link": "",
        "raw_note": "Bo counted them.",
        "provider_caveat": "",
    }
    return said | changes


# -- By hand. ----------------------------------------------------------------------------------------------------------


def add(browser, audit, **changes):
    return browser.post(reverse("admin:opportunities_evidence_add"), fields(audit=audit.pk, **changes))


def test_evidence_written_by_hand_comes_in_with_its_file(ada, as_user, audit):
    answer = add(as_user(ada), audit, file=upload(PNG, "shot.png"))
    assert answer.url == audit.staff_url("evidence-group")
    evidence = audit.evidence.get()
    assert (str(evidence), evidence.kind, evidence.file.name) == (
        "Bookings from phones 41 a month",
        "interview",
        "shot.png",
    )
    assert evidence.fresh_until - evidence.captured_at == timedelta(days=180)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"captured_at": "2099-01-01T10:00"}, "Evidence cannot come from the future."),
        ({"captured_at": "0001-01-01T00:00"}, "Check the year."),
        ({"captured_at": "9999-12-31T23:59"}, "Check the year."),
        ({"value": "NaN"}, "Write a number, such as 40."),
        ({"value": "9" * 30}, "Write a smaller number."),
        ({"metric": "a\0b"}, "Remove what is no letter here"),
        ({"metric": "\u202e\u200f"}, "Write what was measured."),
        ({"link": "javascript:alert(1)"}, "Write the whole address"),
        ({"raw_note": "x" * 1_000_000}, "Shorten this to 20000 letters"),
        ({"kind": "rumour"}, "Choose one from the list."),
        ({"metric": " "}, "Write what was measured."),
        ({"audit": "9" * 40}, "Choose one from the list."),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field_and_nothing_is_lost(ada, as_user, audit, changes, sentence):
    answer = as_user(ada).post(reverse("admin:opportunities_evidence_add"), {**fields(audit=audit.pk), **changes})
    assert answer.status_code == 200
    assert sentence in answer.text
    assert "a month" in answer.text
    assert not audit.evidence.exists()


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (upload(b"<script>alert(1)</script>", "page.html"), "Files like this are not kept."),
        (upload(b"MZ\x90\x00", "photo.png"), "This is no png file, whatever its name says."),
        (upload(b"a\0b", "numbers.csv"), "This is no csv file, whatever its name says."),
        (upload(b"", "empty.pdf"), "The submitted file is empty."),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_and_nothing_is_written(ada, as_user, audit, file, sentence):
    file.seek(0)
    answer = add(as_user(ada), audit, file=file)
    assert sentence in answer.text
    assert not audit.evidence.exists()
    assert not EvidenceFile.objects.exists()


def test_the_same_thing_twice_is_corrected_not_added(ada, as_user, audit):
    browser = as_user(ada)
    add(browser, audit)
    assert "This is here already. Correct that one" in add(browser, audit, value="43").text
    assert add(browser, audit, value="43", subject="Weekends").status_code == 302


def test_only_an_audit_that_is_collected_and_theirs_is_offered(ada, cem, as_user, audit):
    assert "Choose one from the list" in add(as_user(cem), audit).text
    some_evidence(audit, ada)
    perform(audit.submit, by=ada)
    assert "Choose one from the list" in add(as_user(ada), audit).text


# -- Correcting. -------------------------------------------------------------------------------------------------------


def correct(browser, evidence, **changes):
    return browser.post(url_of(evidence, "correct"), changes)


def test_a_correction_is_prefilled_asks_why_and_is_told_as_one_story(ada, as_user, audit):
    browser = as_user(ada)
    add(browser, audit)
    first = audit.evidence.get()
    form = browser.get(url_of(first, "correct"))
    assert form.context["form"].initial["value"] == "41"
    assert "Say why: others will read it" in correct(browser, first, **fields(value="43")).text
    answer = correct(browser, first, **fields(value="43", reason="Bo forgot two."))
    second = first.corrected_by
    assert answer.url == second.staff_url()
    page = browser.get(answer.url).text
    assert "Bo forgot two." in page
    assert "Replaced by version 2" in page
    assert Event.objects.get(verb="audit.correct").facts.values["Bookings from phones"] == "41 a month → 43 a month"
    again = correct(browser, first, **fields(value="44", reason="Late."))
    assert "Correct the newest one." in again.text


def test_a_correction_that_changes_nothing_is_no_version(ada, as_user, audit):
    evidence = some_evidence(audit, ada)
    same = fields(**{name: getattr(evidence, name) for name in Evidence.SAYS}, reason="Just so.")
    same["captured_at"] = evidence.captured_at.strftime("%Y-%m-%dT%H:%M")
    assert "Nothing is different yet." in correct(as_user(ada), evidence, **same).text
    assert audit.evidence.count() == 1


def test_whoever_may_only_read_corrects_and_withdraws_nothing(ada, ann, cem, as_user, audit):
    evidence = some_evidence(audit, ada)
    for word in ("correct", "withdraw"):
        assert as_user(ann).post(url_of(evidence, word), fields(reason="x")).status_code == 403
        assert as_user(cem).post(url_of(evidence, word), fields(reason="x")).status_code == 404


def test_a_withdrawal_says_why_and_stays_in_the_table(ada, as_user, audit):
    evidence = some_evidence(audit, ada)
    browser = as_user(ada)
    assert "Say why: others work from this." in browser.post(url_of(evidence, "withdraw"), {"reason": ""}).text
    browser.post(url_of(evidence, "withdraw"), {"reason": "The wrong site."})
    page = browser.get(audit.staff_url()).text
    assert "The wrong site." in page
    assert "Withdrawn" in page
    assert not audit.evidence.current().exists()


# -- Files. ------------------------------------------------------------------------------------------------------------


def bring(browser, audit, **fields):
    return browser.post(url_of(audit, "import"), fields)


def test_a_file_is_shown_first_and_only_what_is_ticked_comes_in(ada, as_user, audit):
    browser = as_user(ada)
    shown = bring(browser, audit, file=upload(METRICS, "numbers.csv"))
    assert shown.status_code == 200
    assert not audit.evidence.exists()
    rows = shown.context["rows"]
    assert [(row.row["metric"], row.fate) for row in rows] == [
        ("Bookings from phones", "new"),
        ("Cost of a lead", "new"),
    ]
    done = bring(browser, audit, waiting=shown.context["waiting"], row=rows[1].row["key"], bring="1")
    assert done.url == audit.staff_url("evidence-group")
    assert [evidence.metric for evidence in audit.evidence.all()] == ["Cost of a lead"]
    again = bring(browser, audit, file=upload(METRICS, "numbers.csv"))
    assert [row.fate for row in again.context["rows"]] == ["new", "known"]


def test_what_has_aged_already_is_not_ticked(ada, as_user, audit, time_machine):
    time_machine.move_to("2026-11-23T10:00:00Z")
    old, new = a_report(fetchTime="2026-01-01T10:00:00Z"), a_report(fetchTime="2026-11-20T10:00:00Z")
    shown = bring(as_user(ada), audit, file=upload(old)).text
    assert " checked" not in shown
    assert "5 rows aged already and prove nothing any more: tick what you want to keep all the same." in shown
    shown = bring(as_user(ada), audit, file=upload(new)).text
    assert shown.count(" checked") == 5
    assert "aged already" not in shown


@pytest.mark.parametrize(
    ("raw", "name", "sentence"),
    [
        (a_zip(Queries=QUERIES)[:-30], "export.zip", "This zip cannot be unpacked."),
        (a_zip(Other="a,b\n1,2\n"), "export.zip", "This zip holds no Queries.csv"),
        (b"Top queries,Clicks,Impressions,CTR,Position\n", "Queries.csv", "holds no rows that can be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_before_anybody_is_asked_for_its_day(
    ada, as_user, audit, raw, name, sentence
):
    answer = bring(as_user(ada), audit, file=upload(raw, name))
    assert answer.status_code == 302
    assert sentence in as_user(ada).get(answer.url).text


def test_an_export_without_a_day_asks_for_it_and_keeps_the_file(ada, as_user, audit):
    browser = as_user(ada)
    asked = bring(browser, audit, file=upload(QUERIES, "Queries.csv"))
    assert asked.context["rows"] == []
    assert "Last day of the period" in asked.text
    waiting = asked.context["waiting"]
    late = bring(browser, audit, waiting=waiting, day="2099-01-01", bring="1")
    assert "The period cannot end in the future." in late.text
    shown = bring(browser, audit, waiting=waiting, day="2026-10-31")
    keys = [row.row["key"] for row in shown.context["rows"]]
    assert len(keys) == 16
    bring(browser, audit, waiting=waiting, day="2026-10-31", row=keys, bring="1")
    assert audit.evidence.count() == 16


def test_bad_lines_are_told_beside_the_good_rows(ada, as_user, audit):
    shown = bring(as_user(ada), audit, file=upload(METRICS + "Calls,abc,,2026-10-31,HubSpot,,\n", "numbers.csv"))
    assert "line 4, value: “abc” is not a number" in shown.text
    assert shown.context["coming"] == 2


@pytest.mark.parametrize("value", [b"", b"\0\1\2", b"{", b"PK\x03\x04", "ü".encode("cp1252")])
def test_an_unknown_file_is_refused_in_a_sentence(ada, as_user, audit, value):
    browser = as_user(ada)
    answer = bring(browser, audit, file=SimpleUploadedFile("what.bin", value))
    assert answer.status_code == 302
    assert "z-wrong" not in browser.get(answer.url).text
    assert not audit.evidence.exists()


def test_a_file_that_waits_is_only_for_whoever_brought_it_and_for_this_audit(ada, ben, as_user, audit):
    waiting = bring(as_user(ada), audit, file=upload(METRICS, "n.csv")).context["waiting"]
    for token in (waiting, "x" * 50, "a\0b"):
        assert bring(as_user(ben), audit, waiting=token, bring="1").status_code == 302
    assert bring(as_user(ada), an_audit_to_fill(ada), waiting=waiting, bring="1").status_code == 302
    assert not Evidence.objects.exists()


def test_a_file_is_sent_to_be_kept_and_never_to_be_run(ada, ann, cem, as_user, audit):
    browser = as_user(ada)
    add(browser, audit, file=upload(PNG, "shot.png"))
    url = url_of(audit.evidence.get(), "file")
    for person in (ada, ann):
        answer = as_user(person).get(url)
        assert b"".join(answer.streaming_content) == PNG
        assert answer["Content-Disposition"] == 'attachment; filename="shot.png"'
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert as_user(cem).get(url).status_code == 404
    assert as_user(ada).get(url_of(some_evidence(audit, ada), "file")).status_code == 404


# -- Reading. ----------------------------------------------------------------------------------------------------------


def queries_of(browser, url):
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(url).status_code == 200
    return len(seen)


def test_the_audits_page_costs_the_same_with_one_piece_and_with_fifty(ada, as_user, audit):
    browser = as_user(ada)
    some_evidence(audit, ada, metric="Metric 0").correct(by=ada, value=1, reason="Again.")
    browser.get(audit.staff_url())
    one = queries_of(browser, audit.staff_url())
    for number in range(1, 50):
        some_evidence(audit, ada, metric=f"Metric {number}").correct(by=ada, value=number, reason="Again.")
    assert queries_of(browser, audit.staff_url()) == one <= 15


def test_an_audit_without_evidence_says_what_to_do_first(ada, as_user, audit):
    page = as_user(ada).get(audit.staff_url()).text
    assert "Nothing is measured yet." in page
    assert f"/admin/opportunities/evidence/add/?audit={audit.pk}" in page


def test_each_standing_has_its_own_words(ada, as_user, audit, time_machine):
    some_evidence(audit, ada, metric="Fresh")
    some_evidence(audit, ada, metric="Aging", captured_at=timezone.now() - timedelta(days=50))
    some_evidence(audit, ada, metric="Aged", captured_at=timezone.now() - timedelta(days=61))
    page = as_user(ada).get(audit.staff_url()).text
    for words in ("58 days left", "9 days left", "Aged, counted until"):
        assert words in page


def test_a_report_of_lighthouse_goes_the_whole_way(ada, as_user, audit, time_machine):
    time_machine.move_to("2026-11-23T10:00:00Z")
    browser = as_user(ada)
    shown = bring(browser, audit, file=upload(a_report()))
    keys = [row.row["key"] for row in shown.context["rows"]]
    bring(browser, audit, waiting=shown.context["waiting"], row=keys, bring="1")
    page = browser.get(audit.staff_url()).text
    assert "10.8847 s" in page
    assert "field data of real visitors may differ" in page
