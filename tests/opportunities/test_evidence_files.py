"""Files of providers: recognised by what is in them, each row with what it says, the same file twice adds nothing."""

import sys
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from opportunities import evidence as package
from opportunities.evidence import BadFile, import_evidence, importers, plan, read
from opportunities.evidence.base import at_noon
from opportunities.models import Event, EvidenceFile
from opportunities.records import perform
from tests.makers import an_opportunity
from tests.opportunities.evidence_makers import METRICS, PAGES, QUERIES, a_report, a_zip, an_audit_to_fill, raw

pytestmark = pytest.mark.django_db
OCTOBER = at_noon(date(2026, 10, 31))


@pytest.fixture
def audit(ada):
    return an_audit_to_fill(ada)


@pytest.fixture(autouse=True)
def november(time_machine):
    time_machine.move_to("2026-11-23T10:00:00Z")


def rows_of(value, name="", captured_at=None):
    return {(row["metric"], row["subject"]): row for row in read(raw(value), name, captured_at)[1].rows}


def values_of(value, **given):
    return {metric: f"{row['value'].normalize():f}" for (metric, _), row in rows_of(value, **given).items()}


# -- Lighthouse. -------------------------------------------------------------------------------------------------------


def test_a_lighthouse_report_becomes_evidence_with_value_unit_provider_and_time(ada, audit):
    report = import_evidence(raw(a_report()), audit, by=ada, name="report.json")
    assert str(report) == "Read as Lighthouse report: 5 came in."
    rows = {row.metric: row for row in audit.evidence.all()}
    assert rows["Largest Contentful Paint"].shown_value == "10.8847 s"
    assert rows["Total Blocking Time"].shown_value == "1,055.198 ms"
    assert rows["Performance score"].shown_value == "32 of 100"
    index = rows["Speed Index"]
    assert (index.provider, index.kind, index.subject) == (
        "Lighthouse",
        "lab",
        "https://harbor-dental.example/, mobile",
    )
    assert index.fresh_until - index.captured_at == timedelta(days=60)
    assert "field data" in index.provider_caveat
    assert index.collected_by == ada


@pytest.mark.parametrize(
    ("version", "told", "device"),
    [
        ("6.5.0", {"finalUrl": "https://a.example/", "configSettings": {"emulatedFormFactor": "desktop"}}, "desktop"),
        ("9.6.8", {"finalUrl": "https://a.example/", "configSettings": {"formFactor": "mobile"}}, "mobile"),
        ("12.0.0", {"finalDisplayedUrl": "https://a.example/", "configSettings": {"formFactor": "mobile"}}, "mobile"),
        ("13.0.0", {"mainDocumentUrl": "https://a.example/", "configSettings": 7}, "unknown device"),
    ],
)
def test_each_version_names_the_page_and_the_device_in_its_own_way(version, told, device):
    report = a_report(lighthouseVersion=version)
    del report["finalDisplayedUrl"]
    assert {subject for _, subject in rows_of({**report, **told})} == {f"https://a.example/, {device}"}


def test_the_servers_answer_is_found_where_the_version_tells_it():
    old = values_of(a_report(lighthouseVersion="10.4.0", audits={"server-response-time": {"numericValue": 412.3}}))
    told = {"details": {"debugData": {"serverResponseTime": 412.3}}}
    new = values_of(a_report(audits={"document-latency-insight": told}))
    assert old["Server response time"] == new["Server response time"] == "412.3"


def test_a_metric_that_a_version_has_not_is_left_out():
    assert "Time to Interactive" not in values_of(a_report())
    assert values_of(a_report(audits={"interactive": {"numericValue": 8012.46}}))["Time to Interactive"] == "8.0125"


def test_a_phone_and_a_desktop_are_two_things_in_one_audit(ada, audit):
    import_evidence(raw(a_report()), audit, by=ada, name="phone.json")
    desktop = a_report(configSettings={"formFactor": "desktop"})
    assert import_evidence(raw(desktop), audit, by=ada, name="desktop.json").added == 5
    assert audit.evidence.current().count() == 10


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "The file is empty."),
        ("{", "Nobody here knows this file. Bring a "),
        ('{"lighthouseVersion": ', "The file is not JSON that can be read."),
        (a_report(lighthouseVersion="99.0.0"), "This report is of Lighthouse 99.0.0; versions 6 to 13 can be read."),
        (a_report(lighthouseVersion="2.3"), "versions 6 to 13"),
        (a_report(lighthouseVersion=13), "no Lighthouse report"),
        (a_report(categories=None), "lacks its audits, categories or time"),
        (a_report(fetchTime="yesterday"), "lacks its audits, categories or time"),
        (a_report(fetchTime="2099-01-01T00:00:00Z"), "in the future"),
        (a_report(categories={}, audits={}), "no scores and no metrics"),
        (a_report(runtimeError={"code": "NO_FCP"}), r"could not load the page (NO_FCP)"),
        ({"kind": "pagespeedonline#result"}, "holds no lighthouseResult"),
        ("\x89PNG\r\n", "Nobody here knows this file."),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence_with_nothing_written(ada, audit, value, sentence):
    with pytest.raises(BadFile) as refusal:
        import_evidence(raw(value), audit, by=ada, name="report.json")
    assert sentence in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert not audit.evidence.exists()
    assert not EvidenceFile.objects.exists()


def test_odd_values_inside_a_report_are_left_out():
    odd = {
        "speed-index": {"numericValue": "fast"},
        "interactive": {"numericValue": float("nan")},
        "largest-contentful-paint": {"numericValue": 1e300},
        "cumulative-layout-shift": {"numericValue": True},
        "total-blocking-time": 7,
    }
    assert values_of(a_report(audits=odd)) == {"Performance score": "32"}


# -- PageSpeed Insights. -----------------------------------------------------------------------------------------------


def an_answer(**changes):
    metrics = {
        "LARGEST_CONTENTFUL_PAINT_MS": {"percentile": 3120, "category": "AVERAGE"},
        "CUMULATIVE_LAYOUT_SHIFT_SCORE": {"percentile": 12, "category": "AVERAGE"},
        "INTERACTION_TO_NEXT_PAINT": {"percentile": 240, "category": "AVERAGE"},
    }
    answer = {
        "kind": "pagespeedonline#result",
        "id": "https://harbor-dental.example/",
        "analysisUTCTimestamp": "2026-11-20T08:00:00.000Z",
        "loadingExperience": {"id": "https://harbor-dental.example/", "metrics": metrics},
        "lighthouseResult": a_report(),
    }
    return {**answer, **changes}


def test_an_answer_of_pagespeed_holds_the_report_and_what_real_visitors_met():
    rows = rows_of(an_answer())
    visits = {metric: row for (metric, _), row in rows.items() if row["provider"] == "Chrome UX Report"}
    assert {metric: f"{row['value'].normalize():f}" for metric, row in visits.items()} == {
        "Largest Contentful Paint of real visits": "3.12",
        "Cumulative Layout Shift of real visits": "0.12",
        "Interaction to Next Paint of real visits": "240",
    }
    assert {row["kind"] for row in visits.values()} == {"analytics"}
    assert len(rows) == 8


def test_a_page_with_too_few_visits_says_so():
    importer, found = read(raw(an_answer(loadingExperience={})))
    assert importer.name == "PageSpeed Insights answer"
    assert found.notes == ["Google knows too few visits of this page to say what real visitors meet."]


# -- Search Console. ---------------------------------------------------------------------------------------------------


def test_the_queries_become_totals_and_their_first_rows():
    rows = rows_of(QUERIES, captured_at=OCTOBER)
    total = {
        metric: row["value"] for (metric, of), row in rows.items() if of == "Google search, the queries in the list"
    }
    # (1.4 * 400 + 8.3 * 2100 + 21.9 * 500) / 3000
    assert total == {
        "Clicks": 134,
        "Impressions": 3000,
        "Click-through rate": Decimal("4.4667"),
        "Average position": Decimal("9.6467"),
    }
    assert rows["Clicks", "Query dentist, near me"]["value"] == 14
    assert rows["Impressions", "Query dentist, near me"]["value"] == 2100
    assert {row["captured_at"] for row in rows.values()} == {OCTOBER}


def test_pages_lead_to_their_pages():
    rows = rows_of(PAGES, captured_at=OCTOBER)
    assert rows["Clicks", "Page https://harbor-dental.example/prices"]["link"] == "https://harbor-dental.example/prices"


@pytest.mark.parametrize(
    "table",
    [
        "\ufeff" + QUERIES,
        QUERIES.replace("\n", "\r\n"),
        "Häufigste Suchanfragen;Klicks;Impressionen;CTR;Position\nzahnarzt;134;3.000;4,47 %;9,6\n",
        "Requêtes les plus fréquentes\tClics\tImpressions\tCTR\tPosition\ndentiste\t134\t3000\t4,47%\t9,6\n",
        "Query,Clicks,Impressions,CTR,Position\ndentist,134,3000,4.47%,9.6\n",
    ],
)
def test_the_list_is_read_in_the_ways_in_which_people_have_it(table):
    total = {
        row["metric"]: row["value"] for row in rows_of(table, captured_at=OCTOBER).values() if "list" in row["subject"]
    }
    assert (total["Clicks"], total["Impressions"]) == (134, 3000)


def test_the_zip_knows_the_end_of_its_period_and_the_sites_own_totals():
    days = "Date,Clicks,Impressions,CTR,Position\n2026-10-30,70,1600,4.4%,9\n2026-10-31,71,1700,4.2%,9.2\n"
    zipped = a_zip(Queries=QUERIES, Pages=PAGES, Chart=days, Filters="Filter,Value\nSearch type,Web\n")
    importer, found = read(zipped, "harbor-dental.example-Performance.zip")
    rows = {(row["metric"], row["subject"]): row for row in found.rows}
    assert rows["Clicks", "Google search, the site"]["value"] == 141
    assert {row["captured_at"] for row in found.rows} == {OCTOBER}
    assert len(rows) == 4 + 3 * 4 + 2 * 4


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (QUERIES, "Say on which day the exported period ends"),
        ("Top queries,Clicks,Impressions,CTR,Position\n", "holds no rows that can be read"),
        (
            "Top queries,10/1/26 - 10/31/26 Clicks,9/1/26 - 9/30/26 Clicks,Clicks,Impressions\na,1,2,3,4\n",
            "compares two periods",
        ),
    ],
)
def test_an_export_that_cannot_be_used_says_what_to_do(value, sentence):
    with pytest.raises(BadFile, match=sentence):
        read(raw(value))


def test_a_zip_without_lists_or_that_is_none_is_refused():
    for zipped in (a_zip(Other="a,b\n1,2\n"), a_zip(Queries=QUERIES)[:-30], b"PK\x03\x04 Queries.csv"):
        with pytest.raises(BadFile, match=r"zip"):
            read(zipped, "export.zip", OCTOBER)


def test_a_line_that_makes_no_sense_is_told_and_the_others_come_in():
    importer, found = read(raw(QUERIES + "x,many,10,1%,2\ny,9,3,1%,2\nz,1,10,900%,2\n"), "", OCTOBER)
    assert [str(line) for line in found.bad] == [
        "line 5, clicks: “many” is not a number",
        "line 6, clicks: has more clicks than impressions",
        "line 7, ctr: “900” cannot be",
    ]
    assert any(row["subject"] == "Query harbor dental" for row in found.rows)


# -- Lists of metrics. -------------------------------------------------------------------------------------------------


def test_a_list_of_metrics_comes_in_row_by_row(ada, audit):
    report = import_evidence(raw(METRICS), audit, by=ada, name="numbers.csv")
    assert (report.added, report.bad) == (2, [])
    lead = audit.evidence.get(metric="Cost of a lead")
    assert (lead.shown_value, lead.kind, lead.confidence) == ("38.5 USD", "ads", "medium")
    assert lead.captured_at == OCTOBER
    assert audit.evidence.get(metric="Bookings from phones").raw_note == "Bo counted them"


@pytest.mark.parametrize(
    ("written", "separator", "value"),
    [
        ("6.8", ",", "6.8"),
        ("6,8", ";", "6.8"),
        ("1.234,5", ";", "1234.5"),
        ('"1,234.5"', ",", "1234.5"),
        ("1 234,5", "\t", "1234.5"),
        ("-3", ",", "-3"),
    ],
)
def test_a_number_is_read_as_its_writer_means_it(written, separator, value):
    head, row = ["metric", "value", "captured_at", "provider"], ["Calls", written, "31.10.2026", "HubSpot"]
    assert values_of(separator.join(head) + "\n" + separator.join(row) + "\n") == {"Calls": value}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",1,2026-10-31,HubSpot", "line 3, metric: is empty; write what was measured"),
        ("Calls,1,2026-10-31,", "line 3, provider: is empty; write who measured it"),
        ("Calls,,2026-10-31,HubSpot", "line 3, value: is empty; write a number"),
        ("Calls,abc,2026-10-31,HubSpot", "line 3, value: “abc” is not a number"),
        ('Calls,"1,234",2026-10-31,HubSpot', "line 3, value: “1,234” can mean two numbers; write it without the comma"),
        ("Calls,1e9999,2026-10-31,HubSpot", "line 3, value: “1e9999” is not a number"),
        ("Calls,999999999999999,2026-10-31,HubSpot", "line 3, value: “999999999999999” is larger than evidence can be"),
        ("Calls,1,,HubSpot", "line 3, captured_at: is empty; write the day"),
        ("Calls,1,10/31/2026,HubSpot", "line 3, captured_at: “10/31/2026” is not a day such as 2026-11-23"),
        (
            "Calls,1,2099-01-01,HubSpot",
            "line 3, captured_at: “2099-01-01” is still to come; give the day on which it was measured",
        ),
        ("Good,2,2026-10-31,HubSpot", "line 3, metric: stands in line 2 already; remove one of the two"),
        ("Calls,1,2026-10-31,HubSpot,5,6", "line 3, row: has 6 values, the header names 4"),
        (f"{'x' * 200},1,2026-10-31,HubSpot", "line 3, metric: is longer than 120 letters"),
    ],
)
def test_each_bad_row_is_told_with_its_line_its_column_and_why(row, told):
    importer, found = read(raw(f"metric,value,captured_at,provider\nGood,1,2026-10-31,HubSpot\n{row}\n"))
    assert [str(line) for line in found.bad] == [told]
    assert [line["metric"] for line in found.rows] == ["Good"]


def test_a_day_for_the_whole_list_is_enough(ada, audit):
    found = read(raw("metric;value;provider\nCalls;12;Interview\n"), "", OCTOBER)[1]
    assert [row["captured_at"] for row in found.rows] == [OCTOBER]


# -- All of them. ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name"),
    [(a_report(fetchTime="2026-11-20T10:00:00Z"), "r.json"), (QUERIES, "Queries.csv"), (METRICS, "m.csv")],
)
def test_the_same_file_twice_adds_nothing(ada, audit, value, name):
    first = import_evidence(raw(value), audit, by=ada, name=name, captured_at=OCTOBER)
    again = import_evidence(raw(value), audit, by=ada, name=name, captured_at=OCTOBER)
    assert first.added > 0
    assert (again.added, again.again, again.known) == (0, 0, first.added)
    assert audit.evidence.count() == first.added
    assert EvidenceFile.objects.count() == 1


def test_a_newer_measurement_is_a_new_version_and_an_older_one_stays_out(ada, audit):
    import_evidence(raw(a_report(fetchTime="2026-11-10T10:00:00Z")), audit, by=ada, name="r.json")
    newer = import_evidence(raw(a_report(fetchTime="2026-11-20T10:00:00Z")), audit, by=ada, name="r.json")
    older = import_evidence(raw(a_report(fetchTime="2026-11-01T10:00:00Z")), audit, by=ada, name="r.json")
    assert str(newer) == "Read as Lighthouse report: 5 came in, 5 of them as new versions."
    assert str(older) == "Read as Lighthouse report: 0 came in, 5 are older than what is here."
    assert {evidence.version for evidence in audit.evidence.current()} == {2}
    assert {evidence.reason for evidence in audit.evidence.current()} == {"Measured again."}


def test_what_was_corrected_or_withdrawn_does_not_come_back_with_its_file(ada, audit):
    import_evidence(raw(a_report()), audit, by=ada, name="r.json")
    slow, index = (audit.evidence.get(metric=name) for name in ("Largest Contentful Paint", "Speed Index"))
    slow.correct(by=ada, value=9, reason="A typing error.")
    index.withdraw(by=ada, reason="Measured on the wrong page.")
    assert import_evidence(raw(a_report()), audit, by=ada, name="r.json").known == 5
    assert audit.evidence.current().get(metric="Largest Contentful Paint").value == 9


def test_the_file_is_kept_as_the_evidences_own_and_the_diary_names_it(ada, audit):
    value = raw(a_report())
    import_evidence(value, audit, by=ada, name="../../etc/re:port.json")
    file = audit.files.get()
    assert (file.name, file.size, file.file.read()) == ("re_port.json", len(value), value)
    assert {evidence.file for evidence in audit.evidence.all()} == {file}
    event = Event.objects.filter(verb="audit.import_evidence").get()
    assert event.facts.values["file"] == f"re_port.json ({file.digest[:12]})"


def test_only_what_was_chosen_comes_in(ada, audit):
    rows = read(raw(a_report()))[1].rows
    import_evidence(raw(a_report()), audit, by=ada, name="r.json", only=[rows[0]["key"]])
    assert [evidence.metric for evidence in audit.evidence.all()] == [rows[0]["metric"]]
    assert [planned.fate for planned in plan(audit, rows)] == ["known", "new", "new", "new", "new"]


def test_evidence_comes_in_only_while_it_is_collected(ada):
    requested = an_opportunity(ada, stage="audit").audits.get()
    with pytest.raises(BadFile, match="Start collecting"):
        import_evidence(raw(a_report()), requested, by=ada)


def test_whoever_imported_cannot_verify(ada, ben, audit):
    import_evidence(raw(METRICS), audit, by=ben, name="m.csv")
    audit = perform(audit.submit, by=ada)
    move = next(move for move in audit.moves_for(ben) if move.name == "verify")
    assert not move.allowed


def test_a_developer_adds_an_importer_by_adding_one_file(tmp_path, monkeypatch, ada, audit):
    (tmp_path / "calls.py").write_text(
        "from opportunities.evidence.base import Found, Importer, when\n\n\n"
        "class Calls(Importer):\n"
        "    name, reads = 'list of calls', 'a list of calls'\n\n"
        "    def recognises(self, head, name):\n"
        "        return head.startswith(b'CALLS ')\n\n"
        "    def rows(self, raw, captured_at=None):\n"
        "        row = {'key': 'calls', 'metric': 'Calls', 'value': int(raw.split()[1]), 'unit': '', 'subject': ''}\n"
        "        return Found([{**row, 'provider': 'Telephone', 'captured_at': when('2026-11-01')}])\n"
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        assert str(import_evidence(b"CALLS 12", audit, by=ada, name="calls.txt")) == "Read as list of calls: 1 came in."
        assert audit.evidence.get().shown_value == "12"
    finally:
        made = sys.modules.pop("opportunities.evidence.calls")
        monkeypatch.undo()
        del made, package.calls
        import gc

        gc.collect()
    assert [importer.name for importer in importers()] == [
        "Lighthouse report",
        "PageSpeed Insights answer",
        "Search Console export",
        "list of metrics",
    ]


# -- The command. ------------------------------------------------------------------------------------------------------


def command(audit, file, **options):
    out, err = StringIO(), StringIO()
    call_command("import_evidence", str(file), audit=audit.pk, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_command_recognises_the_file_and_says_which_importer_read_it(audit, tmp_path):
    file = tmp_path / "Queries.csv"
    file.write_text(QUERIES)
    with pytest.raises(CommandError, match="Say on which day"):
        command(audit, file)
    assert command(audit, file, captured_at=date(2026, 10, 31)) == ("Read as Search Console export: 16 came in.\n", "")


def test_the_command_tells_each_bad_line(audit, tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(METRICS + "Calls,abc,,2026-10-31,HubSpot,,\n")
    assert command(audit, file) == (
        "Read as list of metrics: 2 came in, 1 could not be read.\n",
        "line 4, value: “abc” is not a number\n",
    )


@pytest.mark.parametrize("number", [999_999, 10**30])
def test_the_command_says_what_is_wrong(number, tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(METRICS)
    with pytest.raises(CommandError, match=f"There is no audit {number}"):
        call_command("import_evidence", str(file), audit=number)


def test_the_command_says_which_file_cannot_be_read(audit, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        command(audit, tmp_path / "none.csv")


def test_today_counts_as_measured_now_and_not_later():
    assert at_noon(timezone.localdate()) <= timezone.now()
