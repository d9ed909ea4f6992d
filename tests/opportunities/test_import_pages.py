"""Who sees which import, and what its pages do."""

import io
import zipfile
from threading import Barrier

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from opportunities import records
from opportunities.admin.imports import ImportAdmin
from opportunities.importing import engine
from opportunities.importing import upload as upload_of
from opportunities.importing.upload import upload
from opportunities.models import Event, Import, ImportMap, Lead
from opportunities.records import perform
from tests.aside import Aside
from tests.conftest import person

pytestmark = pytest.mark.django_db
ADD = reverse("admin:opportunities_import_add")
ASKED = ("import.map_columns", "import.check_again", "import.run")
LIST = reverse("admin:opportunities_import_changelist")
PEOPLE = b"Name,Email,Notes\nBo Lee,bo@x.example,=1+1\n=Cy,no address,-2\nDi,di@x.example,\n"


def checked(owner, raw=PEOPLE, name="people.csv"):
    record = perform(upload("leads", [(name, [raw])], owner=owner, by=owner).map_columns, by=owner)
    engine.go_on()
    return Import.objects.get(pk=record.pk)


def done(owner, raw=PEOPLE, name="people.csv"):
    record = perform(checked(owner, raw, name).run, by=owner)
    engine.go_on()
    return Import.objects.get(pk=record.pk)


def given(client, raw, name="people.csv", **more):
    return client.post(ADD, {"file": SimpleUploadedFile(name, raw), "kind": "leads", **more})


def pages_of(record):
    return [record.staff_url(), *(at(record, page) for page in ("progress", "refused"))]


def at(record, page):
    return reverse(f"admin:opportunities_import_{page}", args=[record.pk])


# -- Whose it is. ------------------------------------------------------------------------------------------------------


def test_an_import_is_seen_by_its_owner_by_their_manager_and_by_who_sees_all(as_user, ada, ben, cem, ann):
    record = checked(ada)
    wes = person("wes", "Manager", team="West", sees="team")
    for user, sees in ((ada, True), (ben, True), (ann, True), (cem, False), (wes, False)):
        client = as_user(user)
        assert (b"people.csv" in client.get(LIST).content) is sees, user
        for page in pages_of(record):
            assert (client.get(page).status_code == 200) is sees, (user, page)


def test_only_who_may_change_it_brings_it_in(as_user, ada, cem, ann):
    record = checked(ada)
    for user in (cem, ann):
        client = as_user(user)
        assert client.post(at(record, "choices"), {"alike": "new"}).status_code in (403, 404)
        assert client.post(at(record, "columns"), {}).status_code in (403, 404)
    record.refresh_from_db()
    assert record.stage == "checked"


def test_a_manager_maps_checks_and_brings_in_what_somebody_of_the_team_uploaded(as_user, ada, ben):
    record = upload("leads", [("people.csv", [PEOPLE])], owner=ada, by=ada)
    browser = as_user(ben)
    browser.post(at(record, "columns"), {"map-name": "Name", "map-email": "Email"})
    engine.go_on()
    assert Import.objects.get().stage == "checked"
    browser.post(at(record, "choices"), {"alike": "join"})
    engine.go_on()
    assert browser.post(Import.objects.get().move_url("run")).status_code == 302
    engine.go_on()
    record = Import.objects.get()
    assert (record.stage, record.counts["new"], record.runner, record.owner) == ("done", 2, ben, ada)
    moves = Event.objects.filter(record_type=record.label(), record_id=record.pk, verb__in=ASKED)
    assert {event.actor for event in moves} == {ben}


def test_nobody_of_another_team_maps_checks_or_brings_in(as_user, ada):
    wes = person("wes", "Manager", team="West", sees="team")
    fresh = upload("leads", [("people.csv", [PEOPLE])], owner=ada, by=ada)
    ready = checked(ada)
    browser = as_user(wes)
    posts = [
        (at(fresh, "columns"), {"map-name": "Name", "map-email": "Email"}),
        (at(ready, "choices"), {"alike": "join"}),
        *((record.move_url(move), {}) for record in (fresh, ready) for move in ("map_columns", "check_again", "run")),
        *((record.move_url("leave"), {}) for record in (fresh, ready)),
    ]
    for address, sent in posts:
        assert browser.post(address, sent).status_code in (403, 404), address
    assert [record.stage for record in Import.objects.order_by("pk")] == ["uploaded", "checked"]


# -- Upload. -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"", "empty.csv"),
        (b"\0\0\0", "nul.csv"),
        (b"PK\x03\x04 no workbook", "broken.xlsx"),
        ((",".join(f"c{n}" for n in range(100_000)) + "\n").encode(), "wide.csv"),
        (b"\xff\xfe\x00", "half.csv"),
        (b"Name,Email\n", "header.csv"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_in_a_sentence_and_nothing_is_kept(as_user, ada, raw, name):
    answer = given(as_user(ada), raw, name)
    assert answer.status_code == 200
    assert answer.context["form"].errors["file"][0].endswith(".")
    assert not Import.objects.exists()


def test_a_zip_that_unpacks_to_more_than_fits_is_refused_before_it_is_unpacked(as_user, ada):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "<Types/>")
        with bomb.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(1100):
                sheet.write(b"0" * 1024**2)
    answer = given(as_user(ada), raw.getvalue(), "bomb.xlsx")
    assert answer.status_code == 200
    assert answer.context["form"].errors["file"]
    assert not Import.objects.exists()


def test_a_workbook_brings_its_dates_as_dates(ada):
    from datetime import datetime

    book, raw = Workbook(), io.BytesIO()
    for row in (["Name", "Email", "Created"], ["Bo", "bo@x.example", datetime(2025, 3, 4)]):
        book.active.append(row)
    book.save(raw)
    assert done(ada, raw.getvalue(), "people.xlsx").counts == {"new": 1}
    assert f"{Lead.objects.get().arrived_at:%Y-%m-%d}" == "2025-03-04"


@pytest.mark.parametrize("cell", ["x" * 1024**2, "a\0b", "\u202eevil\u202c", "=HYPERLINK(1)", "9" * 400])
def test_no_cell_breaks_an_import(as_user, ada, cell):
    record = done(ada, f'Name,Email,Notes\n"{cell}",bo@x.example,"{cell}"\nDi,di@x.example,\n'.encode())
    assert record.stage == "done"
    assert sum(record.counts.values()) == record.row_count == 2
    client = as_user(ada)
    for page in (*pages_of(record), f"{record.staff_url()}?rows=new"):
        assert client.get(page).status_code == 200


# -- What was refused. -------------------------------------------------------------------------------------------------


def test_refused_rows_are_handed_out_mended_and_brought_in_and_nothing_comes_twice(as_user, ada):
    record = done(ada)
    assert record.counts == {"new": 2, "refused": 1}
    text = b"".join(as_user(ada).get(at(record, "refused")).streaming_content).decode()
    assert text.startswith("\ufeffName,Email,Notes,Why it was refused")
    # Nothing in it calculates.
    assert "'=Cy,no address,'-2," in text
    mended = text.replace("no address", "cy@x.example")
    again = done(ada, mended.encode(), "people refused.csv")
    assert again.counts == {"new": 1}
    assert set(Lead.objects.values_list("name", flat=True)) == {"Bo Lee", "=Cy", "Di"}
    assert checked(ada, mended.encode(), "people refused.csv").counts == {"known": 1}


def test_a_refused_row_calculates_nothing_where_cells_end_with_a_semicolon(as_user, ada):
    record = checked(ada, b"Name,Email\na;=1+1,none\n")
    text = b"".join(as_user(ada).get(at(record, "refused")).streaming_content).decode()
    assert "a;'=1+1,none," in text
    done(ada, text.replace("none", "a@x.example").encode(), "people refused.csv")
    assert Lead.objects.get().name == "a;=1+1"


def test_a_row_leads_to_what_it_became_and_a_refused_one_nowhere(as_user, ada):
    client, record = as_user(ada), checked(ada)
    lead = "/admin/opportunities/lead/"
    rows = f"{record.staff_url()}?rows="

    def links(verdict):
        page = client.get(rows + verdict).content.decode()
        return [part.split('"')[0] for part in page.split(f'<a href="{lead}')[1:] if part[:1].isdigit()]

    assert links("new") == links("refused") == []
    perform(record.run, by=ada)
    engine.go_on()
    assert links("refused") == []
    assert len(links("new")) == 2
    for link in links("new"):
        assert client.get(lead + link).status_code == 200


def test_a_file_that_may_be_left_out_says_so_plainly(as_user, ada):
    page = " ".join(as_user(ada).get(ADD).text.split())
    assert 'Files that its rows point into <span class="z-quiet">optional</span>' in page


def test_columns_are_known_by_the_words_that_people_and_we_use(as_user, ada):
    given(as_user(ada), b"Name,Email,Came on\nBo,bo@x.example,2026-01-05\n")
    assert Import.objects.get().columns["created"] == "Came on"
    given(as_user(ada), b"Name,Email,Arrived on\nBo,bo@x.example,2026-01-05\n", "other.csv")
    assert Import.objects.latest("pk").columns["created"] == "Arrived on"


# -- Maps and choices. -------------------------------------------------------------------------------------------------


def test_a_saved_map_is_offered_again_for_the_same_columns(as_user, ada):
    client = as_user(ada)
    odd = b"Who,Where to\nBo,bo@x.example\n"
    given(client, odd)
    first = Import.objects.get()
    client.post(at(first, "columns"), {"map-name": "Who", "map-email": "Where to", "save_as": "The fair"})
    assert ImportMap.objects.get().columns == {"name": "Who", "email": "Where to"}
    given(client, odd.replace(b"Bo", b"Di"), "other.csv")
    assert Import.objects.latest("pk").columns == {"name": "Who", "email": "Where to"}


def test_what_was_chosen_is_kept_and_asked_with_its_answer(as_user, ada):
    client, record = as_user(ada), checked(ada)
    client.post(at(record, "choices"), {"alike": "join", "owner_default": "ada"})
    engine.go_on()
    record = Import.objects.get()
    assert (record.stage, record.choices["alike"], record.choices["owner_default"]) == ("checked", "join", "ada")
    form = client.get(record.staff_url()).context["form"]
    assert (form["alike"].value(), form["owner_default"].value()) == ("join", "ada")


# -- What the pages cost. ----------------------------------------------------------------------------------------------


def test_an_imports_pages_ask_the_same_of_the_database_for_one_row_and_for_fifty(
    as_user, ada, django_assert_max_num_queries
):
    client = as_user(ada)
    for rows in (1, 50):
        raw = "Name,Email\n" + "".join(f"P{n},p{rows}-{n}@x.example\n" for n in range(rows))
        record = checked(ada, raw.encode(), f"people-{rows}.csv")
        client.get(record.staff_url())
        with django_assert_max_num_queries(15):
            client.get(record.staff_url())
        with django_assert_max_num_queries(12):
            client.get(LIST)


def test_a_page_that_asks_everything_costs_no_more(as_user, ada, cem, django_assert_max_num_queries):
    text = b"ID,Name,Email,Status,Owner\n1,Bo,bo@x.example,New,bob\n2,Cy,cy@y.example,Asleep,bea\n"
    done(cem, text)
    done(ada, text)
    record = checked(ada, text)
    client = as_user(ada)
    for page in ("", "?rows=known", "?rows=refused"):
        client.get(record.staff_url() + page)
        with django_assert_max_num_queries(15):
            client.get(record.staff_url() + page)


@pytest.mark.parametrize("place", ["choices", "columns"])
def test_what_is_said_of_a_file_that_goes_on_in_another_tab_is_not_kept(ada, client, monkeypatch, place):
    client.force_login(ada)
    record = checked(ada)
    theirs = ImportAdmin.theirs

    def theirs_until_now(page, request, pk, *stages):
        found = theirs(page, request, pk, *stages)
        perform(Import.objects.get(pk=pk).run, by=ada)
        return found

    monkeypatch.setattr(ImportAdmin, "theirs", theirs_until_now)
    said = {"alike": "join", "map-name": "Name", "map-company": "Email", "system": "other"}
    assert client.post(at(record, place), said).status_code == 404
    now = Import.objects.get(pk=record.pk)
    assert (now.stage, now.choices, now.columns, now.system) == (
        "running",
        record.choices,
        record.columns,
        record.system,
    )


@pytest.mark.django_db(transaction=True)
def test_two_who_save_a_map_under_one_name_at_once_have_one(ada, monkeypatch):
    record, both, begin = checked(ada), Barrier(2, timeout=5), records.begin

    def begin_at_once(*given, **said):
        both.wait()
        return begin(*given, **said)

    monkeypatch.setattr(records, "begin", begin_at_once)
    saving = [Aside(lambda: upload_of.save_map(record, "Mine", by=ada)) for _ in range(2)]
    assert len({each.ends().pk for each in saving}) == 1
