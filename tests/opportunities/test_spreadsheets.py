"""What we write into a CSV is never a formula, in whichever spreadsheet it is opened."""

import time

import pytest

from opportunities.importing.refused import safe as of_refused_rows
from opportunities.spreadsheets import safe, unmarked
from zarts.desk.views.outputs import safe as of_outputs


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" \u200b=1+1", "' \u200b=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        # Split where decimals have commas, this is two cells.
        ("a;=1+1", "a;'=1+1"),
        ("a; \u202e+1", "a;' \u202e+1"),
        ("a\t=1+1", "a\t'=1+1"),
        ("a\n=1+1", "a\n'=1+1"),
        (";=1", ";'=1"),
        # What looks like a mark of ours and is none.
        ("'=x", "''=x"),
        ("a;'=x", "a;''=x"),
    ],
)
def test_a_cell_that_would_calculate_is_marked_and_read_again_without_its_mark(cell, written):
    assert safe(cell) == written
    assert unmarked(written) == cell


@pytest.mark.parametrize("cell", ["", "Bo’s", "a; b", "1;2", "2-1", "well-known", "bo@x.example", "It's = 4"])
def test_what_calculates_nothing_is_written_as_it_is(cell):
    assert safe(cell) == unmarked(cell) == cell


@pytest.mark.parametrize("cell", ["\x0b" * 100_000, "\n" * 100_000, ";" * 100_000, "'" * 100_000, ";'" * 50_000])
def test_a_long_cell_takes_no_time(cell):
    began = time.monotonic()
    unmarked(safe(cell))
    assert time.monotonic() - began < 2


def test_every_csv_of_ours_is_written_by_the_same_rule():
    assert of_refused_rows is of_outputs is safe
