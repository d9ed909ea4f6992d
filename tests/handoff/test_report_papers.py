"""The PDF of a report says what its page says, with each picture, and is sealed like a contract's."""

import io

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from opportunities.records import perform
from portal import seals
from portal.models import Paper, Publication
from proposals import papers
from tests.makers_handoff import a_report
from tests.pdfs import dictionaries, faults_of, pages_of, plain, text_of
from tests.portal.portal_makers import HARBOR, PIER, TOM, a_guest, a_publication, signed_in
from tests.portal.test_portal_reports import REPORT

pytestmark = pytest.mark.django_db


@pytest.fixture
def report(ada, ben, dora):
    return a_report(ada, manager=ben, delivery=dora, stage="published")


def shown_as(**body):
    return a_publication(kind="report", ref="handoff.report:7", title=REPORT["title"], body=REPORT | body)


def test_a_published_report_has_its_paper_sealed_and_known(report):
    publication = Publication.objects.get(pk=report.publication_id)
    file = bytes(publication.papers.get().bytes)

    assert faults_of(file) == []
    assert seals.seal_of(file).on == papers.label("report", publication.body)
    assert seals.verdict(file).words.startswith("This is the report, ")
    for page in pages_of(file):
        assert publication.digest in page


def test_an_installation_without_a_seal_publishes_reports_all_the_same(ada, ben, dora, settings):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    settings.SEAL_KEY = ""
    publication = Publication.objects.get(pk=perform(report.publish, by=dora).publication_id)
    assert faults_of(bytes(publication.papers.get().bytes)) == []


def test_it_says_every_word_and_number_of_its_report():
    said = text_of(papers.of(shown_as()))
    for words in (
        *(REPORT["title"], REPORT["period"], *REPORT["words"], *REPORT["next"]),
        *("84 a month", "promised 80 to 100", "inside what we promised", "24 Sep to 23 Oct", "71", "54", "Visits"),
        "Thursday 24 December 2026",
    ):
        assert plain(words) in said


def test_each_picture_is_drawn_and_said_in_words_to_whoever_cannot_see_it():
    with pikepdf.open(io.BytesIO(papers.of(shown_as()))) as pdf:
        assert "/StructTreeRoot" in pdf.Root
        figures = [one for one in dictionaries(pdf) if one.get("/S") == "/Figure"]
        said = [str(one["/Alt"]) for one in figures]
        pictures = [one for one in dictionaries(pdf) if one.get("/Subtype") == "/Image"]
    assert "Calls, a month: Before 54, 24 Sep to 23 Oct 71, This report 84. Promised: 80 to 100." in said
    assert len(said) == len(REPORT["numbers"])
    assert pictures == [], "drawn, and sharp at any size"


@pytest.mark.parametrize(
    "body",
    [
        {"numbers": [], "words": [], "next": [], "next_report_on": None},
        {"numbers": [{"metric": "Calls", "value": "12", "unit": "", "history": []}]},
        {"numbers": [{"metric": "#panic()", "value": "about 12", "unit": "*", "before": "-3"}]},
        {"numbers": [{**REPORT["numbers"][0], "metric": "x" * 120}] * 40},
        {"words": ["a word " * 4000]},
        {"numbers": [{**REPORT["numbers"][0], "history": REPORT["numbers"][0]["history"] * 11, "high": None}]},
    ],
    ids=["nothing", "a number", "markup", "many", "long", "no end"],
)
def test_any_report_can_be_set(body):
    assert faults_of(papers.of(shown_as(**body))) == []


def test_the_same_report_gives_the_same_bytes():
    publication = shown_as()
    assert papers.of(publication) == papers.of(publication)


def test_what_was_published_before_reports_had_papers_gets_one_by_the_command(capsys):
    publication = shown_as()
    call_command("make_papers")
    assert publication.papers.count() == 1
    call_command("make_papers")
    assert capsys.readouterr().out.splitlines()[-1] == "Every proposal, contract and report has its paper."


# -- For the client. ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_guest_downloads_it_from_its_page_from_the_list_and_from_documents(portal_client):
    publication = shown_as()
    papers.keep(publication)
    address = f"/portal/reports/{publication.pk}/report.pdf"
    assert portal_client.get(address).status_code == 302

    signed_in(portal_client)
    for path in (f"/portal/reports/{publication.pk}/", "/portal/reports/", "/portal/"):
        assert f'href="{address}"' in portal_client.get(path).content.decode(), path
    answer = portal_client.get(address)
    assert answer.content == bytes(publication.papers.get().bytes)
    assert answer["Cache-Control"] == "no-store"
    assert 'filename="Zarts-report-24-October-2026-to-23-November-2026.pdf"' in answer["Content-Disposition"]

    given = SimpleUploadedFile("report.pdf", answer.content, "application/pdf")
    words = "This is the report, as Zarts published it on"
    assert words in portal_client.post("/verify", {"file": given}).content.decode()


@pytest.mark.django_db(transaction=True)
def test_nobody_downloads_the_report_of_another_client_or_one_that_was_taken_back(portal_client):
    publication = shown_as()
    papers.keep(publication)
    address = f"/portal/reports/{publication.pk}/report.pdf"
    signed_in(portal_client, a_guest(client_id=PIER, contact_id=TOM))
    assert portal_client.get(address).status_code == 404
    portal_client.cookies.clear()
    publication.withdraw("A number was wrong.")
    signed_in(portal_client, a_guest(client_id=HARBOR))
    assert portal_client.get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_an_old_report_without_a_paper_offers_none(portal_client):
    publication = shown_as()
    signed_in(portal_client)
    for path in (f"/portal/reports/{publication.pk}/", "/portal/reports/", "/portal/"):
        assert ".pdf" not in portal_client.get(path).content.decode()
    assert portal_client.get(f"/portal/reports/{publication.pk}/report.pdf").status_code == 404


# -- For staff. --------------------------------------------------------------------------------------------------------


def test_staff_download_what_the_client_has(report, dora, cem, as_user):
    file = bytes(Paper.objects.get(publication_id=report.publication_id).bytes)
    address = report.staff_url().replace("/change/", "/paper.pdf")
    assert address in as_user(dora).get(report.staff_url()).content.decode()
    assert as_user(dora).get(address).content == file
    assert as_user(cem).get(address).status_code in (403, 404)
