"""The PDF of what was published says exactly that, is fit for an archive, and can be made of any letters."""

from datetime import UTC, datetime

import pypdfium2
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from opportunities.records import perform
from portal.models import Paper, Publication
from proposals import lint, papers, publishing
from tests.database import login
from tests.makers_proposals import INTERNAL, a_contract, a_proposal, approve_all
from tests.pdfs import faults_of, pages_of, plain, text_of

pytestmark = pytest.mark.django_db
CANARY = "canary7131"
# The words of a publication that are no words to read: keys of the page, and what the form of a signature needs.
UNREAD = {"currency", "kind", "recurring", "id", "contact_id", "consent", "captured_on", "valid_until", "decide_by"}


def words_in(body):
    """Yield every word to read of a published body."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key not in UNREAD:
                yield from words_in(value)
    elif isinstance(body, list):
        for value in body:
            yield from words_in(value)
    elif isinstance(body, str) and not body.replace(".", "").isdigit() and body[:2] != "20":
        yield body


def a_publication(title="Clients in June", kind="proposal", **body):
    """A publication as it stands in memory: nothing of it is in the database."""
    return Publication(
        kind=kind,
        ref="proposals.proposal:1",
        title=title,
        body=body,
        digest="a" * 64,
        published_at=datetime(2026, 11, 20, 10, 10, 1, tzinfo=UTC),
    )


def test_every_published_proposal_and_contract_has_its_paper(ada, ben):
    a_contract(ada, approver=ben, stage="sent")
    published = Publication.objects.filter(kind__in=["proposal", "contract"])
    assert {(one.kind, one.papers.get().kind) for one in published} == {("proposal", "read"), ("contract", "read")}


def test_it_says_what_was_published_and_its_fingerprint_on_every_page(ada, ben):
    a_contract(ada, approver=ben, stage="sent")
    for publication in Publication.objects.filter(kind__in=["proposal", "contract"]):
        pages = pages_of(papers.of(publication))
        said = " ".join(pages)
        missing = [words for words in words_in(publication.body) if plain(words).strip() not in said]
        assert missing == []
        assert publication.title in said
        for place, page in enumerate(pages, start=1):
            assert publication.digest in page
            assert f"{place} of {len(pages)}" in page


def test_it_is_made_of_the_snapshot_and_of_nothing_else(ada, ben, django_assert_num_queries):
    a_proposal(ada, approver=ben, stage="sent")
    publication = Publication.objects.get(kind="proposal")
    with django_assert_num_queries(0):
        again = papers.of(publication)
    assert again == bytes(publication.papers.get().bytes)


def test_another_time_and_another_zone_make_the_same_bytes(ada, ben):
    a_proposal(ada, approver=ben, stage="sent")
    publication = Publication.objects.get(kind="proposal")
    with timezone.override("Asia/Tokyo"):
        assert papers.of(publication) == bytes(publication.papers.get().bytes)


def test_a_paper_is_fit_for_an_archive(ada, ben):
    a_contract(ada, approver=ben, stage="active")
    assert Paper.objects.count() == 3
    for paper in Paper.objects.all():
        assert faults_of(bytes(paper.bytes)) == [], paper


def colours_of(file):
    """Return the colours in which the first page is drawn, as a picture of it shows them."""
    picture = pypdfium2.PdfDocument(file)[0].render(scale=1).to_pil()
    return {f"#{red:02x}{green:02x}{blue:02x}" for _, (red, green, blue) in picture.getcolors(1 << 20)}


def test_it_is_in_the_agencys_colour_with_its_logo(settings):
    of_the_house = papers.of(a_publication(claims=[{"text": "Twice as many."}]))
    assert "#1c5d4c" in colours_of(of_the_house)
    settings.AGENCY_COLOUR, settings.AGENCY_LOGO = "#7a1f5c", "favicon.svg"
    file = papers.of(a_publication(claims=[{"text": "Twice as many."}]))
    assert {"#7a1f5c", "#1c6451"} <= colours_of(file), "the colour, and the ground of the logo"
    assert "#1c5d4c" not in colours_of(file)
    assert faults_of(file) == []
    assert "Zarts" not in pages_of(file)[0].split("Proposal")[0], "the logo stands for the name"


@pytest.mark.parametrize("name", ["none.svg", "portal/portal.css", "../manage.py"])
def test_a_logo_that_cannot_be_set_is_the_agencys_name(settings, name):
    settings.AGENCY_LOGO = name
    file = papers.of(a_publication())
    assert pages_of(file)[0].startswith("Zarts")


def test_what_is_published_twice_has_one_paper(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    publication = Publication.objects.get(kind="proposal")
    papers.keep(publication)
    assert publication.papers.count() == 1
    assert proposal.publication_id == publication.pk


@pytest.mark.parametrize(
    "typed",
    [
        '#set page(width: 1pt) #panic("no")',
        "*bold* _slanted_ `raw` $x^2$ = heading @ref <label> \\ // /* ~ -- [x] {y}",
        "\u202egnp.exe\u2066 turned \u200bround\ufeff",
        "x" * 4000,
        "界" * 400,
        "Ünïcödé, Ελληνικά, Кириллица, עברית, العربية, ไทย, हिन्दी, 漢字, 한국어",
        "👩‍👩‍👧‍👦 🎉 ✂️ 🇩🇪",
        "a\u0301\u0302\u0303\u0304 \x00 \x07 \ud800 \ue000 \U000e0041",
        "\r\n\r\n \t \n\n\n",
        "",
    ],
    ids=range(10),
)
def test_any_letters_can_be_set_and_none_is_read_as_markup(typed):
    row = {"title": typed, "text": typed}
    publication = a_publication(
        title=typed[:200],
        client=typed,
        number="P-0001",
        intro=typed,
        **{"from": {"name": typed, "role": typed, "email": typed}},
        findings=[row],
        claims=[{"text": typed, "kind": "projection", "proof": [{"metric": typed, "value": "1", "provider": typed}]}],
        scope={"included": [row], "excluded": [row]},
        timeline=[{"title": typed, "text": typed, "start_week": "0", "weeks": "2", "who": typed, "after": typed}],
        prices=[{"title": typed, "quantity": "1", "unit_price": "1", "total": "1", "recurring": "once"}],
        totals={"once": "1", "monthly": "0", "first_year": "1"},
        reporting={"words": typed, "first_on": None},
    )
    for kind in ("proposal", "contract"):
        publication.kind = kind
        assert faults_of(papers.of(publication)) == []


def test_marks_of_markup_are_letters_like_others():
    typed = '#let x = 1; *not bold* _not slanted_ $5 & "so"'
    assert typed in text_of(papers.of(a_publication(intro=typed)))


def test_letters_that_nobody_sees_or_that_our_type_has_not_stand_by_their_numbers():
    said = text_of(papers.of(a_publication(intro="Pay\u202e 1 to 界.")))
    assert "Pay[U+202E] 1 to [U+754C]." in said
    assert "Letters that our type does not have" in said
    assert "Letters that our type does not have" not in text_of(papers.of(a_publication(intro="Pay 1 – to “Zoë”.")))


@pytest.mark.parametrize("typed", ["W" * 4000, "many words " * 400], ids=["one word", "many"])
def test_however_long_it_is_it_stays_on_the_page(typed):
    row = {"title": typed[:200], "text": typed}
    file = papers.of(
        a_publication(
            title=typed[:200],
            client=typed[:300],
            intro=typed,
            claims=[{"text": typed, "proof": [{"metric": typed[:200], "value": "1", "provider": typed[:80]}]}],
            scope={"included": [row]},
            timeline=[{**row, "start_week": "0", "weeks": "2", "who": typed[:80]}],
            prices=[{**row, "quantity": "1", "unit_price": "1234567890", "total": "1234567890", "discount": "5"}],
            totals={"once": "1234567890", "monthly": "0", "first_year": "1234567890"},
        )
    )
    for page in pypdfium2.PdfDocument(file):
        text, width = page.get_textpage(), page.get_width()
        boxes = [text.get_charbox(place) for place in range(text.count_chars())]
        assert max(right for _, _, right, _ in boxes) < width - 60
        assert min(bottom for _, bottom, _, _ in boxes) > 40


@pytest.mark.parametrize("body", [{}, {"scope": None, "timeline": None, "prices": None, "totals": None, "from": None}])
def test_an_empty_body_makes_a_paper_too(body):
    for kind in ("proposal", "contract"):
        assert faults_of(papers.of(a_publication(kind=kind, **body))) == []


def test_a_long_contract_goes_over_its_pages_and_counts_them():
    clauses = [{"title": f"Clause {number}", "text": "Each side keeps what it said. " * 30} for number in range(40)]
    pages = pages_of(papers.of(a_publication(kind="contract", clauses=clauses)))
    assert len(pages) > 5
    assert f"2 of {len(pages)}" in pages[1]


# -- The wall. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["update", "delete"])
def test_nobody_changes_a_paper(ada, ben, how):
    a_proposal(ada, approver=ben, stage="sent")
    act = {"update": lambda: Paper.objects.update(sha256="0" * 64), "delete": lambda: Paper.objects.all().delete()}
    with pytest.raises(DatabaseError), transaction.atomic():
        act[how]()


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_changes_a_paper(ada, ben):
    a_proposal(ada, approver=ben, stage="sent")
    for statement in ("update portal_paper set sha256 = ''", "delete from portal_paper", "truncate portal_paper"):
        with pytest.raises(Exception, match="never changed"), login("owner") as connection:
            connection.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_nothing_internal_gets_into_a_paper(ada, ben, as_owner):
    """Every field of words that is ours alone says one word, when the contract is sealed."""
    contract = a_contract(ada, approver=ben, stage="signed")
    # What is internal of a price is a part of what was approved: it stays as the maker wrote it.
    for place in (place for place in lint.INTERNAL if place.label != "proposals.priceline"):
        model = apps.get_model(place.label)
        for name in place.names:
            as_owner(f'update {model._meta.db_table} set "{model._meta.get_field(name).column}" = %s', [CANARY])
    as_owner("update opportunities_event set next_action = %s, reason = %s", [CANARY, CANARY])
    as_owner("update proposals_approval set decision = %s", [CANARY])
    as_owner("update portal_publication set approved_by = %s", [CANARY])
    perform(contract.countersign, by=ben, role="Managing director")
    sealed = bytes(Paper.objects.get(kind="sealed").bytes)
    assert CANARY not in text_of(sealed)
    assert INTERNAL["pricing_assumption"] not in text_of(sealed)
    assert CANARY.encode() not in sealed
    assert CANARY not in text_of(papers.of(Publication.objects.get(kind="proposal")))


# -- For staff. --------------------------------------------------------------------------------------------------------


def test_staff_download_what_the_client_has_and_nobody_else_does(ada, ben, cem, as_user):
    contract = a_contract(ada, approver=ben, stage="sent")
    for name, record in (("contract", contract), ("proposal", contract.proposal)):
        address = reverse(f"admin:proposals_{name}_paper", args=[record.pk])
        answer = as_user(ada).get(address)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/pdf"
        assert "no-store" in answer["Cache-Control"]
        assert answer.content == bytes(Publication.objects.get(kind=name).papers.get().bytes)
        assert address in as_user(ada).get(record.staff_url()).content.decode()
        assert as_user(cem).get(address).status_code in (403, 404)


def test_before_it_is_sent_there_is_no_paper(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    address = reverse("admin:proposals_proposal_paper", args=[proposal.pk])
    assert as_user(ada).get(address).status_code == 404
    assert address not in as_user(ada).get(proposal.staff_url()).content.decode()


def test_a_second_revision_says_so_in_its_name(ada, ben, as_user):
    revision = a_proposal(ada, approver=ben, stage="sent").revise(by=ada)
    revision = approve_all(perform(revision.submit, by=ada), ben)
    perform(revision.send, by=ada, contact=revision.opportunity.decision_owner)
    answer = as_user(ada).get(reverse("admin:proposals_proposal_paper", args=[revision.pk]))
    assert f'filename="Zarts-{revision.number}-revision-2.pdf"' in answer["Content-Disposition"]


def test_what_was_published_before_there_were_papers_gets_one_by_a_command(ada, ben, capsys):
    publication = Publication.publish(
        kind="proposal", ref="old:1", title="An old one", body={}, client_id=1, approved_by="Ben"
    )
    call_command("make_papers")
    assert publication.papers.count() == 1
    call_command("make_papers")
    assert capsys.readouterr().out.splitlines() == [
        "1 papers made.",
        "Every proposal, contract and report has its paper.",
    ]


# -- How it looks. -----------------------------------------------------------------------------------------------------


def priced_at(*amounts):
    prices = [
        {"title": f"Part {place} of it", "quantity": "1", "total": amount} for place, amount in enumerate(amounts)
    ]
    return a_publication(currency="EUR", prices=prices, totals={"once": amounts[0], "monthly": "0", "first_year": "1"})


def test_amounts_align_on_the_point_where_one_of_them_has_cents():
    said = text_of(papers.of(priced_at("4800.00", "99.90")))
    assert "€4,800.00" in said
    assert "€99.90" in said
    assert "First year €1.00" in said
    assert "€4,800 " in text_of(papers.of(priced_at("4800.00", "99.00")))


@pytest.mark.parametrize("lines", range(1, 40, 3))
def test_the_totals_stand_with_the_last_line_of_the_prices(lines):
    *_, page = (page for page in pages_of(papers.of(priced_at(*["150.00"] * lines))) if "First year" in page)
    assert f"Part {lines - 1} of it" in page


def test_a_short_offer_is_not_torn():
    for paragraphs in range(0, 45, 4):
        publication = priced_at(*["150.00"] * 8)
        publication.body["intro"] = "It is so.\n\n" * paragraphs
        (page,) = (page for page in pages_of(papers.of(publication)) if "of it" in page)
        assert all(words in page for words in ("What it costs", "Part 0 of it", "Part 7 of it", "First year"))


def test_long_names_part_at_their_hyphens_and_nowhere_else():
    name = "Dr. Annegret Müller-Lüdenscheidt-Schöneweiß-Großaltenstädten"
    assert papers.spread(name) == name
    for typed in ("x" * 25, "1-" * 20, "a/b" * 20):
        assert "\u200b" in papers.spread(typed)


def test_the_first_report_moves_off_a_day_off_like_every_other(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    said = publishing.contract_body(contract)["reporting"]
    assert said["first_may_move"] is ("or on the next working day" in said["words"])
    for moves, words in ((True, "1 January 2027, or the next working day."), (False, "1 January 2027.")):
        (line,) = papers.reporting_of({"reporting": {"first_on": "2027-01-01", "first_may_move": moves}})
        assert line.endswith(words)
