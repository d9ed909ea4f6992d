"""What the values of a file mean: told by the whole column, asked where they do not tell, and never guessed."""

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities.importing import engine, values
from opportunities.importing.amounts import Amounts
from opportunities.importing.columns import Dates, guess
from opportunities.importing.upload import upload
from opportunities.models import Import, Lead, Opportunity
from tests.opportunities.importers import checked, done, reasons, verdicts

POINT, COMMA = ".", ","


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        (["1.054", "2.300"], "?"),
        (["1,054"], "?"),
        (["1.054", "1.054,50"], COMMA),
        (["€ 12.500", "€ 1.000.000"], COMMA),
        (["12.500", "0.25"], POINT),
        (["1,054", "1,054.50"], POINT),
        (["1.054", "12.5", "12,5"], "?"),
        (["1054", "20"], ""),
        (["Acme", "1.054"], "?"),
        ([*["n/a"] * 50, "1.054"], "?"),
        (["Acme, Inc.", "v. 2"], ""),
    ],
)
def test_all_values_of_a_column_tell_which_sign_begins_the_cents(texts, sign):
    found = Amounts()
    for text in texts:
        found.meet(text)
    assert found.sign == sign


@pytest.mark.parametrize(
    ("text", "sign", "amount", "currency"),
    [
        ("1.054", COMMA, "1054.00", ""),
        ("1.054", POINT, "1.05", ""),
        ("1,054", POINT, "1054.00", ""),
        ("1.054,50", POINT, "1054.50", ""),
        ("12,5", "", "12.50", ""),
        ("€ 12.500", COMMA, "12500.00", "EUR"),
        ("1\u00a0054 €", "", "1054.00", "EUR"),
        ("£500", "", "500.00", "GBP"),
        ("$0", "", "0.00", "USD"),
        ("CHF 1'054.50", "", "1054.50", "CHF"),
        ("100 usd", "", "100.00", "USD"),
        ("-0", "", "0.00", ""),
    ],
)
def test_an_amount_says_its_currency_and_every_cent(text, sign, amount, currency):
    found, beside = values.amount("value", text, sign)
    assert (str(found), beside) == (amount, currency)


@pytest.mark.parametrize("text", ["100k", "(100)", "$-5", "1.05.4", "€ 5 USD", "1,2,3", "-" + " " * 50_000, "9" * 20])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(values.Bad):
        values.amount("value", text)


@pytest.mark.django_db
def test_amounts_that_can_be_read_two_ways_are_asked_about(ada, as_user):
    text = "Account;Stage;Amount\nA;Won;1.054\nB;Won;€ 12.500\n"
    record = checked("opportunities", text, ada)
    assert verdicts(record) == ["refused", "refused"]
    assert reasons(record)[0] == "“1.054” can be read two ways; choose how its amounts are written"
    page = reverse("admin:opportunities_import_columns", args=[record.pk])
    sent = {"map-client": "Account", "map-status": "Stage", "map-value": "Amount"}
    browser = as_user(ada)
    assert "Choose how they are written" in browser.post(page, sent).text
    assert browser.post(page, {**sent, "numbers-2": ","}).status_code == 302
    engine.go_on(30)
    said = Import.objects.get(pk=record.pk).lines_of_file.order_by("id").values_list("said", flat=True)
    assert [(row["value"], row["currency"]) for row in said] == [("1054.00", "USD"), ("12500.00", "EUR")]


@pytest.mark.django_db
def test_a_currency_that_stands_in_two_ways_is_refused(ada):
    text = "Account,Stage,Amount,Currency\nA,Won,£5,GBP\nB,Won,£5,EUR\nC,Won,$5,CAD\nD,Won,5,\n"
    record = done("opportunities", text, ada)
    assert verdicts(record) == ["new", "refused", "new", "new"]
    assert reasons(record)[1] == "says EUR where the amount says GBP"
    assert list(Opportunity.objects.order_by("pk").values_list("currency", flat=True)) == ["GBP", "CAD", "USD"]


@pytest.mark.parametrize("text", ["23. Nov. 2026", "23. November 2026", "23 Nov 2026", "23.11.2026"])
def test_a_day_is_read_as_people_write_it(text):
    dates = Dates()
    dates.meet(text)
    assert dates.order == "dmy"
    assert f"{values.day('closed', text, 'dmy'):%Y-%m-%d}" == "2026-11-23"


def test_a_month_of_other_letters_is_none():
    for text in ("23. ²²² 2026", "²-1-2026", "1-²-2026"):
        with pytest.raises(values.Bad):
            values.day("closed", text, "dmy")


@pytest.mark.django_db
def test_an_expected_close_is_up_to_ten_years_ahead(ada):
    year = timezone.localdate().year
    text = f"Account,Stage,Close Date\nA,Prospecting,{year + 10}-05-01\nB,Prospecting,{year + 11}-05-01\n"
    record = done("opportunities", text, ada)
    assert reasons(record) == ["", f"“{year + 11}-05-01” is too far away; check the year"]
    assert Opportunity.objects.get().decision_on.year == year + 10


@pytest.mark.parametrize(
    ("kind", "header", "found"),
    [
        ("leads", "First Name,Last Name,E-Mail,Mobil,Firma", "first,last,email,phone,company"),
        ("leads", "Ansprechpartner,Firma,E-Mail,Telefon", "name,company,email,phone"),
        ("leads", "Lead Owner,Lead Status,Lead Source,Create Date", "owner,status,source,created"),
        ("opportunities", "Deal Name,Deal Stage,Deal owner,Associated Company", "name,status,owner,client"),
        ("opportunities", "Opportunity Owner,Account Name,Close Date,Created Date", "owner,client,closed,opened"),
    ],
)
def test_the_names_of_common_exports_are_known(kind, header, found):
    names = header.split(",")
    assert guess(kind, [{"name": name} for name in names]) == dict(zip(found.split(","), names, strict=True))


@pytest.mark.django_db
def test_a_first_and_a_last_name_are_one_name(ada):
    done("leads", "First Name,Last Name,Email\nBo,Lee,bo@x.example\n,Ott,ott@y.example\n", ada)
    assert list(Lead.objects.order_by("pk").values_list("name", flat=True)) == ["Bo Lee", "Ott"]


@pytest.mark.django_db
def test_all_faults_of_a_row_are_told_at_once(ada):
    text = "Name,Email,Status,Created,Website\nBo,nope,Asleep,2025-02-30,::\n"
    [row] = checked("leads", text, ada).lines_of_file.all()
    assert row.column == "Status"
    for fault in ("“Asleep” is no status", "Email: “nope” is", "Created: “2025-02-30” is", "Website: “::” is"):
        assert fault in row.reason
    text = "Account,Stage,Amount,Close Date,Owner\n,Asleep,x,2025-02-30,\n"
    [row] = checked("opportunities", text, ada).lines_of_file.all()
    for fault in ("“Asleep” is no stage that we know", "Account: is empty", "Amount: “x”", "Close Date: “2025-02-30”"):
        assert fault in row.reason


@pytest.mark.django_db
def test_a_row_shows_what_becomes_of_its_status_when_the_file_calls_it_otherwise(ada):
    text = "Name,Email,Status\nA,a@x.example,Qualified\nB,b@y.example,New\nC,c@z.example,Lost\nD,d@w.example,\n"
    rows = checked("leads", text, ada).lines_of_file.order_by("id")
    assert [row.what.split(" · ")[1:] for row in rows] == [
        ["Qualified → Working"],
        ["New"],
        ["Lost → Disqualified"],
        [],
    ]


@pytest.mark.django_db
def test_a_file_that_would_make_more_than_fifty_sources_is_asked_about(ada, as_user):
    rows = "".join(f"N{n},n{n}@x{n}.example,src {n}\n" for n in range(51))
    record = checked("leads", f"Name,Email,Lead Source\n{rows}", ada)
    assert record.stage == "failed"
    assert record.trouble.startswith("Is “Lead Source” the source column? It would make 51 new sources.")
    browser, page = as_user(ada), reverse("admin:opportunities_import_columns", args=[record.pk])
    assert "What the columns hold" in browser.get(record.staff_url()).text
    browser.post(page, {"map-name": "Name", "map-email": "Email"})
    engine.go_on(30)
    assert Import.objects.get(pk=record.pk).counts == {"new": 51}


@pytest.mark.django_db
@pytest.mark.parametrize("move", ["", "leave"])
def test_the_columns_are_corrected_after_the_check(ada, as_user, move):
    record = checked("leads", "Who,Name,Email,Created\nBo,x,bo@x.example,2026-01-05\n", ada)
    browser = as_user(ada)
    if move:
        browser.post(record.move_url(move))
    page = browser.get(record.staff_url()).text
    assert '<details class="z-anew">' in page
    browser.post(
        reverse("admin:opportunities_import_columns", args=[record.pk]), {"map-name": "Who", "map-email": "Email"}
    )
    engine.go_on(30)
    record = Import.objects.get(pk=record.pk)
    assert (record.stage, record.lines_of_file.get().said["name"]) == ("checked", "Bo")


@pytest.mark.django_db
def test_another_sheet_of_a_checked_file_is_checked_anew(ada, as_user):
    import io

    from openpyxl import Workbook

    book, raw = Workbook(), io.BytesIO()
    for row in (["Name", "Email"], ["Bo", "bo@x.example"]):
        book.active.append(row)
    for row in (["Name", "Email"], ["Cy", "cy@y.example"], ["Di", "di@z.example"]):
        (book["Two"] if "Two" in book.sheetnames else book.create_sheet("Two")).append(row)
    for row in (["Colour"], ["red"]):
        (book["Odd"] if "Odd" in book.sheetnames else book.create_sheet("Odd")).append(row)
    book.save(raw)
    record = upload("leads", [("w.xlsx", [raw.getvalue()])], owner=ada, by=ada)
    browser, page = as_user(ada), reverse("admin:opportunities_import_columns", args=[record.pk])
    sent = {"map-name": "Name", "map-email": "Email"}
    browser.post(page, sent)
    engine.go_on(30)
    browser.post(page, {**sent, "sheet": "Two"})
    engine.go_on(30)
    record = Import.objects.get(pk=record.pk)
    assert (record.sheet, record.stage, record.counts) == ("Two", "checked", {"new": 2})
    answer = browser.post(page, {**sent, "sheet": "Odd"})
    assert (answer.status_code, "Say which column holds the name" in answer.text) == (422, True)
    assert Import.objects.get(pk=record.pk).sheet == "Two"


@pytest.mark.django_db
def test_what_was_made_along_the_way_is_told_in_whole_pieces(ada, as_user):
    record = done("opportunities", "Account,Stage\nA,Won\n", ada)
    assert "Made along the way: 1 clients." in as_user(ada).get(record.staff_url()).text


@pytest.mark.django_db
def test_the_tab_of_deals_at_known_clients_says_so(ada, as_user):
    done("opportunities", "Account,Stage\nA,Won\n", ada, "a.csv")
    record = done("opportunities", "Account,Stage,Amount\nA,Won,5\n", ada, "b.csv")
    assert 'At clients that are here <span class="z-count">1</span>' in as_user(ada).get(record.staff_url()).text
