"""Files that people really have: the good rows come in, each bad one is told, a second run adds nothing."""

import random
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from opportunities.imports import BadFile, import_leads
from opportunities.models import Event, Lead

LEADS = """LeadID,ContactID,LeadSource,LeadStatus,CreatedDate,Notes
L1,C1,Referral,New,2025-02-05,Wants more bookings
L2,C2,Event,Working,2025-04-18,"Said: ""call me"", twice"
L3,C1,Website,Lost,2025-07-05,Too small
"""
CONTACTS = """ContactID,FullName,Email,Phone,City,State,Country
C1,Brooke Brown,brooke@example.com,+1-395-557-1028,North Jeffery,Texas,USA
C2,Daniel Hoffman,daniel@example.net,957.962.1534,Hamilton,California,USA
"""
pytestmark = pytest.mark.django_db


def bring(text, contacts=CONTACTS, **options):
    raw = text if isinstance(text, bytes) else text.encode()
    return import_leads(raw, contacts=contacts.encode() if contacts else None, system="crm", **options)


def test_leads_come_in_joined_with_their_contacts_by_the_moves_that_a_person_would_make(ada):
    report = bring(LEADS)
    assert (report.added, report.known, report.bad) == (3, 0, [])
    lead = Lead.objects.get(external_ref="crm:L2")
    assert (lead.name, lead.email, lead.stage, lead.source.name) == (
        "Daniel Hoffman",
        "daniel@example.net",
        "working",
        "Event",
    )
    assert lead.words == 'Said: "call me", twice'
    assert Lead.objects.get(external_ref="crm:L3").stage == "disqualified"
    assert set(Event.objects.filter(record_type="opportunities.lead").values_list("verb", flat=True)) == {
        "lead.create",
        "lead.work",
        "lead.disqualify",
    }


def test_a_second_run_adds_nothing(ada):
    bring(LEADS)
    report = bring(LEADS)
    assert (report.added, report.known, Lead.objects.count()) == (0, 3, 3)


def test_a_dry_run_writes_nothing(ada):
    assert bring(LEADS, dry_run=True).added == 3
    assert not Lead.objects.exists()


def test_each_bad_row_is_told_with_its_line_its_column_and_what_is_wrong(ada):
    text = (
        LEADS
        + "L4,C9,Event,New,2025-01-01,\nL5,C1,Event,New,2025-02-30,\nL6,C1,Event,Sleeping,2025-01-01,\n"
        + "L1,C1,Event,New,2025-01-01,\nL7,C1\n"
    )
    report = bring(text)
    assert report.added == 3
    assert [str(row) for row in report.bad] == [
        "line 5, ContactID: “C9” is not in the file of contacts",
        "line 6, CreatedDate: “2025-02-30” is not a date such as 2026-11-23",
        "line 7, LeadStatus: “Sleeping” is no status that we know "
        "(closed, contacted, disqualified, lost, new, open, qualified, unqualified, working)",
        "line 8, LeadID: stands in line 2 already; remove one of the two",
        "line 9, row: has 2 values where the header names 6; check its quotes and commas",
    ]


def test_a_wrong_encoding_costs_its_own_row_only(ada):
    raw = LEADS.replace("more bookings", "mehr Gäste").encode().replace(b"Too small", "für uns".encode("cp1252"))
    report = bring(raw)
    assert report.added == 2
    assert [str(row) for row in report.bad] == [
        "line 4, Notes: holds bytes that are no UTF-8 letters; save the file as UTF-8"
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(ada, encoding):
    assert bring(LEADS.encode(encoding)).added == 3


def test_semicolons_and_tabs_split_as_well(ada):
    assert bring("Name;Email\nBo;bo@x.example\n", contacts=None).added == 1
    assert bring("Name\tEmail\nCy\tcy@x.example\n", contacts=None).added == 1


@pytest.mark.parametrize("seed", range(8))
def test_what_is_no_text_at_all_is_refused(ada, seed):
    with pytest.raises(BadFile, match="is no text and no workbook. Save it as CSV or .xlsx"):
        bring(random.Random(seed).randbytes(3000), contacts=None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty. Export it again, with its header line."),
        (
            "Colour,Size\nred,4\n",
            "The file has no column with a name or a mail address (it has: Colour, Size). Name it with --map.",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_in_one_sentence(ada, text, sentence):
    with pytest.raises(BadFile) as trouble:
        bring(text, contacts=None)
    assert str(trouble.value) == sentence
    assert not Lead.objects.exists()


def test_an_open_quote_costs_its_own_line_only(ada):
    report = bring('Name,Email\nBo,bo@x.example\nCy,"cy@x.example\nDi,di@x.example\n', contacts=None)
    assert (report.added, [row.line for row in report.bad]) == (2, [3])


def test_marks_that_hide_or_turn_text_are_left_out(ada):
    bring("Name,Email\nB\u202eo\u0000 Larsen,bo@x.example\n", contacts=None)
    assert Lead.objects.get().name == "Bo Larsen"


def test_the_command_says_so_with_its_exit_status(ada, tmp_path):
    (tmp_path / "Leads.csv").write_text(LEADS + "L4,C9,Event,New,2025-01-01,\n")
    (tmp_path / "Contacts.csv").write_text(CONTACTS)
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="Mend the rows above"):
        call_command("import_leads", tmp_path / "Leads.csv", stdout=out, stderr=err)
    assert "3 leads came in, 0 were here already, 1 rows are bad." in out.getvalue()
    assert "line 5, ContactID" in err.getvalue()
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_leads", tmp_path / "none.csv")


def test_without_anybody_to_own_them_leads_are_refused():
    with pytest.raises(BadFile, match="Nobody has the role Growth ops"):
        bring(LEADS)
