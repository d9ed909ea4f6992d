"""No row comes in twice: joined before, mended, or named by a long reference."""

from io import StringIO
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connection

from opportunities import imports
from opportunities.importing import engine, refused
from opportunities.importing.upload import upload
from opportunities.imports import bring_in
from opportunities.models import Event, Import, ImportMap, Lead
from opportunities.records import perform
from tests import makers
from tests.conftest import person
from tests.opportunities.importers import checked, done, reasons, run, verdicts

pytestmark = pytest.mark.django_db
BO = "Name,Email,Notes\nBo Lee,bo@x.example,hello\n"


def joins():
    return Event.objects.filter(verb="lead.join").count()


def test_a_row_that_was_joined_is_known_when_its_file_comes_again(ada):
    lead = makers.a_lead(ada, email="bo@x.example")
    assert verdicts(done("leads", BO, ada, choices={"alike": "join"})) == ["joined"]
    perform(Lead.objects.get(pk=lead.pk).disqualify, by=ada, reason="No")
    for choice in ("join", "new"):
        again = checked("leads", BO, ada, choices={"alike": choice})
        assert (verdicts(again), joins(), Lead.objects.count()) == (["known"], 1, 1)
        assert reasons(again) == ["Came in before, joined to Bo Larsen"]


def test_a_row_that_was_joined_is_known_when_an_import_that_broke_off_is_checked_again(ada, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 1)
    makers.a_lead(ada, email="bo@x.example")
    record = checked("leads", f"{BO}Cy,cy@x.example,\n", ada, choices={"alike": "join"})
    perform(record.run, by=ada)
    engine.bring_batch(engine.claim(record.pk))
    for _ in range(2):
        perform(Import.objects.get(pk=record.pk).leave, by=ada)
        perform(Import.objects.get(pk=record.pk).check_again, by=ada)
        engine.go_on(30)
        record = Import.objects.get(pk=record.pk)
        assert (verdicts(record), record.row_count) == (["known", "new"], 2)
    run(record)
    assert (joins(), Lead.objects.count()) == (1, 2)


def test_a_mended_row_is_the_same_in_the_list_of_refused_rows_and_in_the_file(ada):
    text = "Name,Email,+Notes\nBo,nope,=1\nCy,cy@x.example,\n"
    first = done("leads", text, ada, "list.csv")
    mended = "".join(refused.lines(first)).replace("nope", "bo@x.example")
    assert "'+Notes" in mended
    again = done("leads", mended, ada, "list refused.csv")
    assert [column["name"] for column in again.header] == ["Name", "Email", "+Notes", "Why it was refused"]
    assert verdicts(again) == ["new"]
    assert verdicts(done("leads", text.replace("nope", "bo@x.example"), ada, "list.csv")) == ["known", "known"]
    assert Lead.objects.count() == 2


def test_long_references_that_begin_alike_are_two(ada):
    long = "u" * 119
    record = checked("leads", f"ID,Name,Email\n{long}1,A,a@x.example\n{long}2,B,b@y.example\n", ada)
    assert verdicts(record) == ["new", "new"]


def test_two_peoples_files_of_one_name_are_two_places_until_somebody_says_so(ada, cem, as_user):
    text = "ID,Name,Email\n1,{},{}\n"
    done("leads", text.format("Al", "al@x.example"), ada, "leads.csv")
    record = checked("leads", text.format("Bea", "bea@y.example"), cem, "leads.csv")
    assert (verdicts(record), record.system) == (["new"], "leads of cem")
    assert checked("leads", text.format("Bea", "bea@y.example"), cem, "leads.csv").system == "leads of cem"
    page = as_user(cem).get(record.staff_url()).text
    assert "Ada brought “leads”, too: write that if this comes from the same place." in page
    done("leads", "Name\nDi\n", cem, "fair.csv")
    page = as_user(cem).get(record.staff_url()).text
    assert "Earlier files of Cem: fair, leads of cem" not in page
    assert "Earlier files of Cem: fair." in page


def test_a_file_is_checked_by_where_its_owner_says_that_it_comes_from(ada, as_user):
    done("leads", "ID,Name\n1,Al\n", ada, "leads.csv")
    record = checked("leads", "ID,Name\n1,Al\n2,Bea\n", ada, "other.csv")
    assert verdicts(record) == ["new", "new"]
    page = f"/admin/opportunities/import/{record.pk}/columns/"
    as_user(ada).post(page, {"map-ref": "ID", "map-name": "Name", "system": "leads"})
    engine.go_on(30)
    assert verdicts(Import.objects.get(pk=record.pk)) == ["known", "new"]


def test_a_command_with_nothing_new_leaves_its_import(ada):
    for stage in ("done", "left"):
        report = bring_in("leads", [("l.csv", [BO.encode()])])
        assert (report.record.stage, Import.objects.latest("pk").stage) == (stage, stage)


@pytest.mark.django_db(transaction=True)
def test_no_worker_takes_an_import_that_a_command_has_moved(monkeypatch):
    person("ada", "Growth ops", team="East")
    real, taken = imports.perform, []

    def a_worker_looks():
        taken.append(engine.claim())
        connection.close()

    def slowly(move, **given):
        record = real(move, **given)
        worker = Thread(target=a_worker_looks)
        worker.start()
        worker.join()
        return record

    monkeypatch.setattr(imports, "perform", slowly)
    assert bring_in("leads", [("l.csv", [BO.encode()])]).added == 1
    assert taken == [None, None]


def test_the_command_says_of_deals_that_they_came_in_though_their_clients_are_here(ada, tmp_path):
    makers.an_opportunity(ada)
    file = tmp_path / "pipeline.csv"
    for number, clients in enumerate(("", ", at clients that are here")):
        out, said = StringIO(), f"1 opportunities came in{clients}, 0 were here already"
        file.write_text(f"Account,Stage,Close Value\nAcme,Won,{number}\n")
        call_command("import_opportunities", file, stdout=out)
        assert said in out.getvalue()


def test_a_map_and_a_client_that_are_named_in_a_form_lose_what_turns_their_letters(ada, as_user):
    browser = as_user(ada)
    record = upload("leads", [("f.csv", [b"Who,Email\nBo,bo@x.example\n"])], owner=ada, by=ada)
    page = f"/admin/opportunities/import/{record.pk}/columns/"
    browser.post(page, {"map-name": "Who", "save_as": "\u202eThe fair\u200b"})
    assert ImportMap.objects.get().name == "The fair"
    deals = checked("opportunities", "Account,Stage\n,Won\n", ada, "d.csv")
    page = f"/admin/opportunities/import/{deals.pk}/choices/"
    assert "Shorten this to 160 letters" in browser.post(page, {"without_client": "x" * 161}).text
    browser.post(page, {"without_client": "Ac\u202eme"})
    assert Import.objects.get(pk=deals.pk).choices["without_client"] == "Acme"
