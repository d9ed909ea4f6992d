"""The composer: the one page on which a proposal is written, row by row."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Event, Evidence
from opportunities.records import Refused, edit, perform
from proposals import composing
from proposals.models import Block, Claim, Milestone, OfferTemplate, PriceLine, Proposal, ScopeItem, Summary
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal, a_summary

pytestmark = pytest.mark.django_db
SCRIPT = {"X-Requested-With": "composer.js"}


class Writer:
    """Somebody at the page, without scripts or with them."""

    def __init__(self, browser, proposal):
        self.browser, self.proposal, self.url = browser, proposal, proposal.staff_url()

    def open(self, name):
        """Open a part, and return what its form would send."""
        page = self.browser.get(self.url, {"open": name})
        opened = page.context["open"]
        return sent_by(opened["form"]) | {"row": name, "seen": opened["seen"]}

    def save(self, fields, *, scripts=False, do="save", **changes):
        headers = SCRIPT if scripts else {}
        return self.browser.post(self.url, fields | changes | {"do": do}, headers=headers)

    def do(self, what, *, scripts=False):
        return self.browser.post(self.url, {"do": what}, headers=SCRIPT if scripts else {})


def sent_by(form) -> dict:
    fields = {name: form[name].value() for name in form.fields}
    fields = {
        name: [key_of(it) for it in value] if isinstance(value, list) else value for name, value in fields.items()
    }
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def key_of(it):
    return getattr(it, "pk", it)


@pytest.fixture
def writer(as_user, ada):
    return Writer(as_user(ada), a_proposal(ada))


def key(proposal, name, **only) -> str:
    return composing.key_of(getattr(proposal, name).filter(**only).first())


def test_a_row_is_text_until_it_is_opened(writer):
    page = writer.browser.get(writer.url).content.decode()
    assert "We mend the ten slowest pages." in page
    assert 'name="unit_price"' not in page
    price = key(writer.proposal, "price_lines")
    assert 'name="unit_price"' in writer.browser.get(writer.url, {"open": price}).content.decode()


def test_every_row_shows_its_proof_or_says_that_it_needs_none(writer, ada):
    excluded = writer.proposal.scope_items.get(kind="excluded")
    proven = Evidence.objects.filter(audit__opportunity=writer.proposal.opportunity).first()
    claim = writer.proposal.add(Claim(text="It is slow."), by=ada)
    writer.proposal.change(writer.proposal.scope_items.get(kind="assumption"), by=ada, evidence=proven)
    shown = {
        row: badge
        for _, sections in writer.browser.get(writer.url).context["groups"]
        for each in sections
        for _, row, badge in each["rows"]
    }
    assert len(shown) == sum(getattr(writer.proposal, name).count() for name in Proposal.row_models())
    assert shown[excluded].words == "needs no proof"
    assert shown[writer.proposal.scope_items.get(kind="assumption")].proof
    assert shown[claim].words == "no proof"
    for row in [*writer.proposal.milestones.all(), *writer.proposal.price_lines.all()]:
        assert shown[row].words != "needs no proof"


def test_a_box_to_tick_is_not_called_optional_twice(writer):
    page = writer.browser.get(writer.url, {"open": "new-pricing"}).content.decode()
    label = re.search(r'<label for="new-pricing-optional">(.*?)</label>', page)[1]
    assert label == "Optional"


def test_a_row_is_changed_in_place_and_told(writer, ada):
    row = key(writer.proposal, "scope_items")
    answer = writer.save(writer.open(row), title="Faster pages everywhere")
    assert (answer.status_code, answer["Location"]) == (302, f"{writer.url}#{row}")
    assert writer.proposal.scope_items.first().title == "Faster pages everywhere"
    told = Event.objects.filter(verb="proposal.row_changed").latest("pk")
    assert told.actor == ada
    assert told.facts.values == {"Faster pages everywhere: title": ["Faster pages", "Faster pages everywhere"]}


def test_a_save_that_changes_nothing_tells_nothing(writer):
    before = Event.objects.count()
    row = key(writer.proposal, "claims")
    assert writer.save(writer.open(row)).status_code == 302
    assert writer.save(writer.open("terms")).status_code == 302
    assert Event.objects.count() == before


def test_with_scripts_a_save_brings_back_all_that_follows_from_it(writer):
    price = key(writer.proposal, "price_lines")
    answer = writer.save(writer.open(price), scripts=True, unit_price="3100.55")
    said = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"Saved \d\d:\d\d", said["said"])
    assert "$3,100.55" in said["parts"]["top"]
    assert "$3,100.55" in said["parts"]["rows"]
    line = PriceLine.objects.get(pk=composing.pk_of(price))
    assert said["seen"] == composing.seen(line)
    again = writer.save(writer.open(price) | {"seen": said["seen"]}, scripts=True, unit_price="3100.56")
    assert again.status_code == 200


def test_a_row_is_added_in_its_section_and_comes_last(writer):
    answer = writer.save(writer.open("new-excluded"), title="Hosting")
    row = writer.proposal.scope_items.get(title="Hosting")
    assert answer["Location"].endswith(f"#{composing.key_of(row)}")
    assert (row.kind, row.position) == ("excluded", 2)
    claim = Evidence.objects.filter(audit__opportunity=writer.proposal.opportunity).first()
    writer.save(writer.open("new-claims"), text="The page is slow.", evidence=[claim.pk])
    assert list(Claim.objects.get(text="The page is slow.").evidence.all()) == [claim]


def test_the_same_new_row_sent_twice_comes_in_once(writer):
    fields = writer.open("new-excluded") | {"once": "a-key", "title": "Hosting"}
    first, second = writer.save(fields), writer.save(fields)
    assert first["Location"] == second["Location"]
    assert writer.proposal.scope_items.filter(title="Hosting").count() == 1


def test_a_save_by_script_sent_twice_is_done_once_and_answered_twice(writer):
    fields = writer.open("new-pricing") | {"once": "a-key", "title": "Audit", "unit_price": "500"}
    first, second = (writer.save(fields, scripts=True).json() for _ in range(2))
    line = writer.proposal.price_lines.get(title="Audit")
    assert first["key"] == second["key"] == composing.key_of(line)
    assert first["seen"] == second["seen"] == composing.seen(line)
    assert "Audit" in second["parts"]["rows"]
    assert writer.save(fields | {"once": "next"}, scripts=True, title="Audits").json()["key"] != first["key"]


def test_whoever_goes_on_in_a_new_row_does_not_clash_with_themselves(writer):
    fields = writer.open("new-pricing") | {"title": "Audit", "unit_price": "500"}
    said = writer.save(fields, scripts=True).json()
    later = fields | {"row": said["key"], "seen": said["seen"]}
    assert writer.save(later, scripts=True, title="Audit of calls").status_code == 200


def test_a_save_whose_answer_was_lost_hides_nothing_that_somebody_wrote_since(writer, ben):
    row = writer.proposal.scope_items.first()
    fields = writer.open(composing.key_of(row)) | {"once": "a-key", "title": "Fast pages"}
    writer.save(fields, scripts=True)
    row.refresh_from_db()
    writer.proposal.change(row, by=ben, title="Much faster pages")
    answered = writer.save(fields, scripts=True)
    assert answered.status_code == 200
    later = writer.save(fields | {"once": "next", "seen": answered.json()["seen"]}, scripts=True, title="Fastest pages")
    assert later.status_code == 409
    assert "Much faster pages" in later.json()["clash"]


def test_a_save_by_script_that_was_refused_may_be_sent_again_under_its_key(writer):
    fields = writer.open("new-pricing") | {"once": "a-key", "title": "Audit", "unit_price": "-1"}
    assert [writer.save(fields, scripts=True).status_code for _ in range(2)] == [422, 422]
    assert not writer.proposal.price_lines.filter(title="Audit").exists()


def test_a_row_moves_to_another_kind_and_stands_last_there(writer):
    row = writer.proposal.scope_items.get(kind="assumption")
    writer.save(writer.open(composing.key_of(row)), kind="included")
    row.refresh_from_db()
    assert (row.kind, row.position) == ("included", 1)


def test_the_proposal_itself_is_written_in_parts(writer):
    day = timezone.localdate() + timedelta(days=40)
    writer.save(writer.open("words"), title="More bookings", intro="Hello Mia.")
    writer.save(writer.open("terms"), valid_until=day.isoformat(), discount="7.5")
    writer.save(writer.open("about"), next_action="Ask Ben")
    it = Proposal.objects.get()
    assert (it.title, it.intro, it.valid_until, it.next_action) == ("More bookings", "Hello Mia.", day, "Ask Ben")
    assert it.discount == Decimal("7.5")


# -- Order, out and back. ----------------------------------------------------------------------------------------------


def titles(proposal):
    return [line.title for line in proposal.price_lines.all()]


def test_rows_are_put_in_order_by_a_step_or_by_a_place(writer):
    mending, care, calls = titles(writer.proposal)
    writer.do(f"down:{key(writer.proposal, 'price_lines', title=mending)}")
    assert titles(writer.proposal) == [care, mending, calls]
    writer.do(f"up:{key(writer.proposal, 'price_lines', title=calls)}")
    assert titles(writer.proposal) == [care, calls, mending]
    writer.do(f"place:{key(writer.proposal, 'price_lines', title=mending)}:0", scripts=True)
    assert titles(writer.proposal) == [mending, care, calls]
    before = Event.objects.count()
    writer.do(f"up:{key(writer.proposal, 'price_lines', title=mending)}")
    assert titles(writer.proposal) == [mending, care, calls]
    assert Event.objects.count() == before


def test_another_order_is_no_clash_with_words_that_are_being_written(writer):
    row = key(writer.proposal, "price_lines", title="Mending")
    fields = writer.open(row)
    writer.do(f"down:{row}")
    assert writer.save(fields, title="Mending it").status_code == 302
    assert titles(writer.proposal)[1] == "Mending it"


@pytest.mark.parametrize("name", ["scope_items", "milestones", "price_lines", "claims"])
def test_a_row_that_was_taken_out_is_put_back_as_it_was(writer, name):
    row = getattr(writer.proposal, name).first()
    said = row.says()
    writer.do(f"remove:{composing.key_of(row)}")
    assert not getattr(writer.proposal, name).filter(pk=row.pk).exists()
    assert "Put it back" in writer.browser.get(writer.url).content.decode()
    event = Event.objects.get(verb="proposal.row_removed")
    for _ in range(2):  # a second press puts nothing in twice
        writer.do(f"back:{event.pk}")
    (back,) = [each for each in getattr(writer.proposal, name).all() if str(each) == str(row)]
    assert back.says() == said
    assert "Put it back" not in writer.browser.get(writer.url).content.decode()


def test_a_price_is_not_put_back_into_another_currency(writer):
    for row in list(writer.proposal.price_lines.all()):
        writer.do(f"remove:{composing.key_of(row)}")
    edit(writer.proposal, by=writer.proposal.owner, currency="JPY")
    for event in Event.objects.filter(verb="proposal.row_removed"):
        with pytest.raises(Refused, match="It was a price in USD, and the prices are in JPY now"):
            composing.put_back(writer.proposal, event.pk, by=writer.proposal.owner)
    writer.do(f"back:{event.pk}")
    assert "It was a price in USD" in writer.browser.get(writer.url).content.decode()
    assert not writer.proposal.price_lines.exists()


# -- What no row may say: at its field, with what was typed. -----------------------------------------------------------


@pytest.mark.parametrize("scripts", [False, True])
@pytest.mark.parametrize(
    ("rows", "changes", "field", "words"),
    [
        ("price_lines", {"quantity": str(10**12)}, "quantity", "Write a smaller number"),
        ("price_lines", {"discount": "120"}, "discount", "Write 100 or less."),
        ("price_lines", {"unit_price": "-1"}, "unit_price", "0 or more"),
        ("price_lines", {"unit_price": "abc"}, "unit_price", "Write a number"),
        ("price_lines", {"evidence": "999999"}, "evidence", "Choose evidence of this opportunity"),
        ("scope_items", {"title": "<b>Faster</b>"}, "title", "take out “&lt;b&gt;”"),
        ("scope_items", {"title": " "}, "title", "Fill this in."),
        ("milestones", {"weeks": "9999"}, "weeks", "520"),
        ("claims", {"text": "See <script>alert(1)</script>"}, "text", "take out"),
        ("claims", {"low": "5", "high": "3"}, "high", "The range must run upwards."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(writer, rows, changes, field, words, scripts):
    row = key(writer.proposal, rows)
    before = Event.objects.count()
    answer = writer.save(writer.open(row), scripts=scripts, **changes)
    assert answer.status_code == 422
    html = answer.json()["form"] if scripts else answer.content.decode()
    at = html[html.index(f'id="{row}-{field}"') :]
    assert words in at[: at.index("</div>")]
    if not scripts:
        form = answer.context["open"]["form"]
        assert {name: form[name].value() for name in changes} == changes
    assert Event.objects.count() == before


def test_a_step_that_waits_for_itself_or_in_a_round_is_refused_at_its_field(writer, ada):
    first = writer.proposal.milestones.get()
    second = writer.proposal.add(Milestone(title="Look again", start_week=3, depends_on=first), by=ada)
    answer = writer.save(writer.open(composing.key_of(first)), depends_on=second.pk)
    assert answer.status_code == 422
    assert "wait for each other" in answer.content.decode()
    answer = writer.save(writer.open(composing.key_of(first)), depends_on=first.pk)
    assert answer.context["open"]["form"].errors["depends_on"] == ["A step cannot wait for itself."]


def test_evidence_of_another_client_is_no_choice(writer, ada):
    other = an_opportunity(ada, stage="proposal")
    foreign = Evidence.objects.filter(audit__opportunity=other).first()
    for rows in ("price_lines", "claims"):
        answer = writer.save(writer.open(key(writer.proposal, rows)), evidence=[foreign.pk])
        assert answer.status_code == 422
        assert "evidence" in answer.context["open"]["form"].errors


def test_the_currency_does_not_change_half_way(writer):
    answer = writer.save(writer.open("terms"), currency="EUR")
    assert answer.status_code == 422
    assert "Its prices are in USD" in str(answer.context["open"]["form"].errors["currency"])


@pytest.mark.parametrize("name", ["", "users-1", "scope_items-", "scope_items-0", "new-nothing", "x" * 300, "terms\0"])
def test_a_part_that_there_is_not_breaks_nothing(writer, name):
    assert writer.browser.get(writer.url, {"open": name}).status_code == 200
    assert writer.save({"row": name, "title": "x"}).status_code in (404, 409)
    assert writer.do(f"up:{name}").status_code in (302, 404)
    assert writer.do(f"place:{name}:zero").status_code in (302, 404)
    assert writer.do(f"back:{name}").status_code in (302, 404)
    assert writer.do(name).status_code == 404


# -- Two people. -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [False, True])
def test_two_people_who_write_in_one_row_lose_no_words(writer, ben, scripts):
    row = writer.proposal.scope_items.first()
    fields = writer.open(composing.key_of(row))
    writer.proposal.change(row, by=ben, title="Much faster pages")
    answer = writer.save(fields, scripts=scripts, title="Fast pages")
    html = answer.json()["clash"] if scripts else answer.content.decode()
    assert answer.status_code == 409
    assert "Much faster pages" in html
    assert "Fast pages" in html
    assert "Ben changed this" in html
    row.refresh_from_db()
    assert row.title == "Much faster pages"
    again = re.search(r'name="seen" value="([^"]+)"', html)[1]
    assert writer.save(fields | {"seen": again}, title="Fast pages").status_code == 302  # keep mine
    row.refresh_from_db()
    assert row.title == "Fast pages"


def test_two_people_who_write_in_the_terms_are_told(writer, ben):
    fields = writer.open("terms")
    edit(writer.proposal, by=ben, decide_on=timezone.localdate() + timedelta(days=9))
    answer = writer.save(fields, discount="5")
    assert answer.status_code == 409
    assert "Ben changed this" in answer.content.decode()
    assert Proposal.objects.get().discount == 0


def test_words_in_a_row_that_was_taken_out_meanwhile_become_a_new_one(writer, ben):
    row = writer.proposal.scope_items.get(kind="excluded")
    fields = writer.open(composing.key_of(row))
    writer.proposal.remove(row, by=ben)
    answer = writer.save(fields, title="A new logo")
    assert answer.status_code == 409
    assert "Ben took this row out" in answer.content.decode()
    assert 'value="new-excluded"' in answer.content.decode()
    writer.save(fields | {"row": "new-excluded"}, title="A new logo")
    assert writer.proposal.scope_items.get(kind="excluded").title == "A new logo"


def test_whoever_looks_on_sees_who_writes_and_what_changed(writer, ben):
    now = reverse("admin:proposals_proposal_now", args=[writer.proposal.pk])
    at = writer.browser.get(writer.url).context["at"]
    quiet = writer.browser.get(now, {"since": at}).json()
    assert quiet == {"at": at, "writers": []}
    writer.proposal.change(writer.proposal.price_lines.first(), by=ben, title="All the mending")
    told = writer.browser.get(now, {"since": at}).json()
    assert told["writers"] == ["Ben"]
    assert "All the mending" in told["parts"]["rows"]
    assert told["at"] > at


# -- Who may, and until when. ------------------------------------------------------------------------------------------


def test_whoever_may_read_gets_no_forms_and_no_answer_to_a_post(writer, as_user, ann):
    row = key(writer.proposal, "scope_items")
    reader = Writer(as_user(ann), writer.proposal)
    page = reader.browser.get(reader.url, {"open": row})
    assert page.status_code == 200
    assert page.context["open"] is None
    assert 'form="act"' not in page.content.decode()
    assert 'name="row"' not in page.content.decode()
    assert reader.save({"row": row, "title": "Mine"}).status_code == 403
    assert reader.do(f"remove:{row}").status_code == 403
    for name in ("now", "insert"):
        args = [writer.proposal.pk, *(["included"] if name == "insert" else [])]
        url = reverse(f"admin:proposals_proposal_{name}", args=args)
        assert reader.browser.get(url, {"open": row}).status_code == 403


def test_one_that_the_client_has_is_read_only(as_user, ada, ben):
    frozen = Writer(as_user(ada), a_proposal(ada, approver=ben, stage="sent"))
    row = key(frozen.proposal, "scope_items")
    page = frozen.browser.get(frozen.url, {"open": row})
    assert page.status_code == 200
    assert "It does not change any more." in page.content.decode()
    assert page.context["open"] is None
    for answer in (frozen.save({"row": row, "title": "x"}), frozen.do(f"remove:{row}")):
        assert answer.status_code == 403


def test_one_that_leaves_while_it_is_written_refuses_in_words(writer, ada, ben, monkeypatch):
    sent = a_proposal(ada, approver=ben, stage="sent")
    late = Writer(writer.browser, sent)
    monkeypatch.setattr(Proposal, "WRITABLE", (*Proposal.WRITABLE, "sent"))
    row = key(sent, "scope_items")
    fields = late.open(row)
    monkeypatch.undo()
    answer = late.save(fields, title="Late")
    assert answer.status_code == 403
    assert sent.scope_items.first().title != "Late"


def test_a_changed_price_lapses_the_approval_of_the_pricing_alone(as_user, ada, ben):
    writer = Writer(as_user(ada), a_proposal(ada, approver=ben, stage="approved"))
    writer.save(writer.open(key(writer.proposal, "price_lines")), unit_price="3100")
    lapsed = writer.proposal.approvals.filter(stage="lapsed")
    assert [approval.aspect for approval in lapsed] == ["pricing"]


# -- Money. ------------------------------------------------------------------------------------------------------------


def test_totals_are_exact_and_margin_is_marked_as_internal(writer, ada):
    proposal = writer.proposal
    proposal.price_lines.all().delete()
    proposal.add(PriceLine(title="A", recurring="once", unit_price=Decimal("33.33"), quantity=3, tax=19), by=ada)
    line = PriceLine(title="B", unit_price=Decimal("10.05"), discount=5, tax=7, internal_cost=Decimal("4"))
    proposal.add(line, by=ada)
    proposal.add(PriceLine(title="C", unit_price=Decimal("1.01"), optional=True), by=ada)
    sums = writer.browser.get(writer.url).context["sums"]
    rows = {label: (total.once, total.monthly, total.first_year) for label, total in sums["rows"]}
    assert rows["As it stands"] == (Decimal("118.99"), Decimal("10.22"), Decimal("241.63"))
    assert rows["With every option"] == (Decimal("118.99"), Decimal("11.23"), Decimal("253.75"))
    assert rows["Tax in it"] == (Decimal("19.00"), Decimal("0.67"), Decimal("27.04"))
    assert "Internal: margin" in writer.browser.get(writer.url).content.decode()


# -- The client's page. ------------------------------------------------------------------------------------------------


def test_the_preview_is_the_clients_page_and_takes_no_answer(writer):
    url = reverse("admin:proposals_proposal_preview", args=[writer.proposal.pk])
    answer = writer.browser.get(url)
    html = answer.content.decode()
    assert "What you get" in html
    assert "Preview: nobody at the client sees it yet" in html
    assert "Two people for a week" not in html  # internal
    assert all(" inert" in form for form in re.findall(r"<form[^>]*>", html))
    assert "form-action 'none'" in answer["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert writer.browser.post(url).status_code == 405


def test_the_preview_has_the_agencys_colour_and_logo_as_the_client_sees_them(writer, settings):
    url = reverse("admin:proposals_proposal_preview", args=[writer.proposal.pk])
    assert "brand.css" not in writer.browser.get(url).content.decode(), "the house's own stands in the sheet itself"
    settings.AGENCY_COLOUR, settings.AGENCY_LOGO = "#7a1f5c", "favicon.svg"
    html = writer.browser.get(url).content.decode()
    assert '<link rel="stylesheet" href="/brand.css">' in html
    assert re.search(r'<img src="[^"]+/favicon[^"]*\.svg" alt="Zarts"', html)
    sheet = writer.browser.get("/brand.css")
    assert sheet["Content-Type"].startswith("text/css")
    assert "--accent: #7a1f5c" in sheet.content.decode()


def test_once_sent_the_preview_is_the_page_that_the_client_has(ada, ben, as_user):
    opportunity = an_opportunity(ada, stage="proposal")
    said = {"approver": ben, "stage": "approved", "opportunity": opportunity}
    old = a_summary(ada, title="Few pages are found", **said)
    proposal = a_proposal(ada, approver=ben, stage="sent", opportunity=opportunity)
    perform(Summary.objects.get(pk=old.pk).withdraw, by=ben, reason="It was another site.")
    a_summary(ada, title="Calls go unanswered", words="Many people who call are not answered.", **said)
    url = reverse("admin:proposals_proposal_preview", args=[proposal.pk])
    page = as_user(ada).get(url).text
    assert "Few pages are found" in page
    assert "Calls go unanswered" not in page
    draft = as_user(ada).get(reverse("admin:proposals_proposal_preview", args=[proposal.revise(by=ada).pk])).text
    assert "Few pages are found" not in draft
    assert "Calls go unanswered" in draft


def test_other_pages_of_staff_are_shown_in_no_frame(writer):
    answer = writer.browser.get(writer.url)
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


# -- Words to use again, the book, templates. --------------------------------------------------------------------------


def test_words_are_kept_as_a_block_and_put_into_another_proposal(writer, ada):
    row = key(writer.proposal, "scope_items", kind="excluded")
    writer.save(writer.open(row), do="keep", title="No new design")
    writer.save(writer.open("words"), do="keep")
    block, words = Block.objects.get(kind="excluded"), Block.objects.get(kind="intro")
    other = Writer(writer.browser, a_proposal(ada, opportunity=writer.proposal.opportunity, intro=""))
    for name, chosen in (("excluded", block), ("words", words)):
        url = reverse("admin:proposals_proposal_insert", args=[other.proposal.pk, name])
        assert chosen.title in other.browser.get(url).content.decode()
        assert other.browser.post(url, {"picks": [f"block-{chosen.pk}"]}).status_code == 302
    other.proposal.refresh_from_db()
    assert other.proposal.scope_items.filter(kind="excluded").last().title == "No new design"
    assert other.proposal.intro == writer.proposal.intro


@pytest.mark.parametrize(
    ("name", "rows"), [("included", "scope_items"), ("timeline", "milestones"), ("pricing", "price_lines")]
)
def test_the_book_of_the_service_is_put_in_by_choice(writer, name, rows):
    url = reverse("admin:proposals_proposal_insert", args=[writer.proposal.pk, name])
    page = writer.browser.get(url)
    value, words = page.context["groups"][-1][1][0]
    before = getattr(writer.proposal, rows).count()
    assert writer.browser.post(url, {"picks": [value]}).status_code == 302
    assert getattr(writer.proposal, rows).count() == before + 1
    assert words.startswith(getattr(writer.proposal, rows).latest("pk").title)
    for picks in ([], ["book-999999"], ["x"]):
        assert writer.browser.post(url, {"picks": picks}).status_code == 422


def test_a_proposal_is_kept_as_a_template_and_another_begins_with_it(writer, ada):
    keep = reverse("admin:proposals_proposal_keep", args=[writer.proposal.pk])
    assert writer.browser.post(keep, {"name": ""}).status_code == 422
    assert writer.browser.post(keep, {"name": "Dentists"}).status_code == 302
    assert writer.browser.post(keep, {"name": "Dentists"}).status_code == 422
    template = OfferTemplate.objects.get(name="Dentists")
    fields = {"opportunity": writer.proposal.opportunity_id, "title": "For another", "template": template.pk}
    fields |= {"currency": "EUR", "valid_until": "2031-01-31", "owner": ada.pk, "service": "", "lead": ""}
    add = reverse("admin:proposals_proposal_add")
    refused = writer.browser.post(add, fields)
    assert "The prices of this template are in USD" in refused.content.decode()
    answer = writer.browser.post(add, fields | {"currency": "USD"})
    assert answer.status_code == 302
    made = Proposal.objects.latest("pk")
    assert titles(made) == titles(writer.proposal)
    assert made.intro == writer.proposal.intro
    assert not any(row.has_evidence for row in made.rows())


# -- What it costs. ----------------------------------------------------------------------------------------------------

MOST = 20


def with_rows(ada, count):
    proposal = a_proposal(ada)
    proof = list(Evidence.objects.filter(audit__opportunity=proposal.opportunity)[:2])
    for number in range(count):
        proposal.add(ScopeItem(title=f"Row {number}"), by=ada, evidence=proof[:1])
        proposal.add(Claim(text=f"Claim {number}"), by=ada, evidence=proof)
    before = proposal.milestones.get()
    for number in range(count):
        before = proposal.add(Milestone(title=f"Step {number}", start_week=number + 3, depends_on=before), by=ada)
    return proposal


def questions(ask) -> list:
    with CaptureQueriesContext(connection) as asked:
        assert ask().status_code == 200
    return [query["sql"] for query in asked]


def test_the_page_and_a_save_ask_the_same_questions_for_few_rows_as_for_many(as_user, ada):
    pages, saves = [], []
    for count in (2, 20):
        writer = Writer(as_user(ada), with_rows(ada, count))
        writer.browser.get(writer.url)
        pages.append(questions(lambda writer=writer: writer.browser.get(writer.url)))
        fields = writer.open(key(writer.proposal, "scope_items"))
        saves.append(questions(lambda: writer.save(fields, scripts=True, title="Other words")))  # noqa: B023
    assert len(pages[0]) == len(pages[1]) <= MOST, "\n".join(pages[1])
    assert len(saves[0]) == len(saves[1]) <= 50, "\n".join(saves[1])
