"""Damaged files of providers: each is good rows and told lines, or one sentence, and never breaks us."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opportunities.evidence import BadFile, read
from opportunities.evidence.base import Found, page_link
from opportunities.models import Audit, Evidence
from opportunities.models.shelf_life import USUAL
from tests.opportunities.evidence_makers import METRICS, PAGES, QUERIES, a_report, a_zip

damaged = settings(max_examples=150)
OCTOBER = datetime(2026, 10, 31, 12, tzinfo=UTC)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=12), inside, max_size=3),
    max_leaves=8,
)


def outcome(raw, name):
    """Return what was found and no words, or nothing and the sentence of the refusal."""
    try:
        return read(raw, name, OCTOBER)[1], ""
    except BadFile as refusal:
        return Found(), str(refusal)


def stands(raw, name="file"):
    """Read a file. Whatever comes out of it can be kept as it is; a refusal is a sentence."""
    found, refusal = outcome(raw, name)
    assert found.rows or found.bad or refusal.endswith(".")
    for row in found.rows:
        Evidence.ready(Audit(pk=1), by=None, shelf_lives=USUAL, **row)
    assert all(line.line > 0 and line.column and line.reason for line in found.bad)


@damaged
@given(st.dictionaries(st.sampled_from([*a_report(), "finalUrl", "runtimeError"]), values))
def test_a_report_with_anything_in_it(changes):
    stands(json.dumps({**a_report(), **changes}).encode())


@damaged
@given(
    st.dictionaries(st.sampled_from(["loadingExperience", "originLoadingExperience", "analysisUTCTimestamp"]), values)
)
@example({"loadingExperience": {"id": "x" * 5000, "metrics": {"INTERACTION_TO_NEXT_PAINT": {"percentile": 10**40}}}})
def test_an_answer_with_anything_in_it(changes):
    stands(json.dumps({"lighthouseResult": a_report(), **changes}).encode())


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x85", "\u2028", '"\n"'])
def test_a_mark_that_breaks_lines_elsewhere_breaks_no_header(mark):
    stands(PAGES.replace("Impressions,CTR", f"Impressions{mark}CTR").encode())
    stands(PAGES.replace("Position", f"Position,{mark},").encode())
    stands(f"  {mark}\n{PAGES}".encode())


@damaged
@given(st.sampled_from([QUERIES, PAGES, METRICS]), st.data())
def test_a_list_that_lost_or_gained_some_bytes(text, data):
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    stands(bytes(raw) or b"\n")


@pytest.mark.parametrize("address", ["https://harbor:dental.example/", "https://", "https://[::1", "https://a b/"])
def test_a_page_whose_address_lost_its_sense_stands_without_a_link(address):
    stands(PAGES.replace("https://harbor-dental.example/,", f"{address},").encode())
    assert page_link(address) == ""


@damaged
@given(st.sampled_from([QUERIES, METRICS]), st.text(max_size=200))
@example(METRICS, '"' * 7)
@example(METRICS, "Calls,1,<a month,2026-10-31,HubSpot,,\n")
@example(METRICS, "\ud800,1,,2026-10-31,HubSpot,,\n")
@example(METRICS, "=cmd|' /C calc'!A0,1,,2026-10-31,HubSpot,,\n")
@example(QUERIES, "x," + "9" * 200 + ",1,1%,1\n")
def test_a_list_with_any_further_lines(text, more):
    stands((text + more).encode("utf-8", "surrogatepass"))


@damaged
@given(st.data())
def test_a_zip_that_lost_or_gained_some_bytes(data):
    raw = bytearray(a_zip(Queries=QUERIES, Pages=PAGES))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    stands(bytes(raw), "export.zip")


@damaged
@given(st.binary(max_size=300), st.sampled_from(["a.json", "Queries.csv", "e.zip", ""]))
def test_any_bytes(raw, name):
    stands(raw, name)


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b'{"lighthouseVersion":' * 50_000, b'{"lighthouseVersion": ' + b"9" * 10_000 + b"}"]
)
def test_what_is_deep_or_long(raw):
    stands(raw)


def test_a_zip_that_unpacks_to_more_than_it_may_is_refused():
    with pytest.raises(BadFile, match="unpacks to more"):
        read(a_zip(Queries="a" * 31 * 1024 * 1024), "bomb.zip", OCTOBER)
