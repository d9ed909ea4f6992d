"""Files as people really have them: one row's trouble is its own, and a copy of a file is the same file."""

import io

import pytest

from opportunities.importing.files import open_sheet
from opportunities.imports import bring_in
from opportunities.models import Import, Lead


def rows_of(text):
    return [(line, values[0] if values and not wrong else "refused") for line, values, wrong in sheet(text).rows]


def sheet(text):
    return open_sheet(io.BytesIO(text if isinstance(text, bytes) else text.encode()))


@pytest.mark.parametrize(
    "broken",
    ['Cy,"cy@x.example', 'Cy,"cy" stray', f"Cy,{'x' * 200_000}", f'Cy,"{"x" * 1_100_000}"', "Cy", 'Cy,"cy\nXx,",x'],
    ids=["unclosed", "stray", "long", "long and quoted", "short", "closed by the next"],
)
def test_a_broken_row_swallows_none_of_those_after_it(broken):
    found = rows_of(f"Name,Email\nBo,b@x.example\n{broken}\nDi,d@x.example\nEd,e@x.example\n")
    assert [name for _, name in found if name != "refused"] == ["Bo", "Di", "Ed"]
    assert [line for line, name in found if name == "refused"][0] == 3


def test_a_value_over_lines_stays_one_and_the_lines_after_it_keep_their_numbers():
    found = rows_of('Name,Notes\nBo,"one\ntwo"\nCy,"oh\nDi,fine\n')
    assert found == [(2, "Bo"), (4, "refused"), (5, "Di")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_letters_and_marks_are_found_out(encoding, mark):
    raw = f"Name{mark}City\nJosé{mark}Köln\n".encode(encoding)
    assert [values for _, values, _ in sheet(raw).rows] == [["José", "Köln"]]


def bring(name, text="Name,Email\nBo,bo@x.example\nCy,cy@x.example\n", **options):
    return bring_in("leads", [(name, [text.encode()])], **options)


@pytest.mark.django_db
@pytest.mark.parametrize("copy", ["Leads (1).csv", "leads - Copy.csv", "quite other.csv"])
def test_a_renamed_copy_of_a_file_adds_nothing(ada, copy):
    bring("Leads.csv")
    report = bring(copy)
    assert (report.added, report.known, Lead.objects.count()) == (0, 2, 2)
    assert Import.objects.filter(stage="done").count() == 1
