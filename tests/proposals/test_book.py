"""The price book, usual rows, words to use again and templates: what a proposal begins with."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Event
from opportunities.records import Refused, begin, edit, perform
from proposals import approvals, composing, totals
from proposals.house import furnish
from proposals.models import BookPrice, Milestone, PriceLine, Proposal, ScopeItem, Service, UsualScope
from proposals.publishing import proposal_body
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal

pytestmark = pytest.mark.django_db
FORMS = ("prices", "usual_scope", "usual_steps")


@pytest.fixture
def service(db):
    furnish()
    return Service.objects.get(name="Search and speed")


def a_draft(ada, service, **fields):
    opportunity = an_opportunity(ada, stage="proposal")
    proposal = Proposal(opportunity=opportunity, owner=ada, author=ada, service=service, title="Pages", **fields)
    proposal = begin(proposal, by=ada)
    proposal.take_usual_rows(by=ada)
    return proposal


def test_a_proposal_begins_with_what_its_service_usually_has(ada, service):
    proposal = a_draft(ada, service)
    assert [row.title for row in proposal.scope_items.filter(kind="included")] == ["Technical mending", "Search pages"]
    assert [row.title for row in proposal.milestones.all()] == ["Measure and plan", "Mend the slowest pages"]
    assert [(line.title, line.unit_price) for line in proposal.price_lines.all()] == [
        ("Search and speed", Decimal("2400"))
    ]
    assert Event.objects.filter(verb="proposal.rows_taken").count() == 1


def test_the_book_gives_the_price_of_the_day_in_the_currency_of_the_proposal(ada, service):
    today = timezone.localdate()
    for day, currency, price in [
        (today - timedelta(days=2), "USD", "2600"),
        (today + timedelta(days=1), "USD", "2900"),
        (today, "EUR", "2500"),
    ]:
        BookPrice.objects.create(
            service=service, title=service.name, currency=currency, valid_from=day, unit_price=Decimal(price)
        )
    assert a_draft(ada, service).price_lines.get().unit_price == Decimal("2600")
    assert a_draft(ada, service, currency="EUR").price_lines.get().unit_price == Decimal("2500")
    assert not a_draft(ada, service, currency="GBP").price_lines.exists()


def test_what_is_not_usual_any_more_is_left_out(ada, service):
    UsualScope.objects.filter(title="Search pages").update(is_usual=False)
    assert not a_draft(ada, service).scope_items.filter(title="Search pages").exists()


def test_a_price_that_is_taken_off_the_book_brings_no_older_one_back_and_the_composer_says_so(ada, service, as_user):
    old = BookPrice.objects.get(service=service)
    BookPrice.objects.filter(pk=old.pk).update(valid_from=timezone.localdate() - timedelta(days=900))
    BookPrice.objects.create(service=service, title=old.title, unit_price=Decimal(2900), is_usual=False)
    proposal = a_draft(ada, service)
    assert not proposal.price_lines.exists()
    assert "book-" not in str(composing.choices_for(proposal, "pricing"))
    said, browser = f"The price book has no price of {service} in USD now.", as_user(ada)
    assert said in browser.get(proposal.staff_url()).text
    assert said in browser.get(reverse("admin:proposals_proposal_insert", args=[proposal.pk, "pricing"])).text


def test_prices_are_put_in_in_the_currency_of_now_or_not_at_all(ada, service):
    stale = a_draft(ada, service, currency="EUR")
    book = BookPrice.objects.create(service=service, title="Care", currency="EUR", unit_price=Decimal(2400))
    edit(Proposal.objects.get(pk=stale.pk), by=ada, currency="JPY")
    with pytest.raises(Refused, match="Choose again"):
        composing.put_in(stale, "pricing", [f"book-{book.pk}"], by=ada)
    assert not Proposal.objects.get(pk=stale.pk).price_lines.exists()


def test_a_change_of_the_book_changes_no_proposal(ada, service):
    proposal = a_draft(ada, service)
    before = {aspect: approvals.digest(aspect, proposal) for aspect in proposal.ASPECTS}
    BookPrice.objects.update(unit_price=Decimal("1"))
    UsualScope.objects.update(text="Something else.")
    assert before == {aspect: approvals.digest(aspect, Proposal.objects.get()) for aspect in proposal.ASPECTS}


def test_a_price_is_in_the_book_once_from_a_day(ben, service, as_user):
    first = BookPrice.objects.get(service=service)
    again = BookPrice(service=service, title=first.title, valid_from=first.valid_from, unit_price=1)
    with pytest.raises(ValidationError, match="Choose another day"):
        again.full_clean()


def test_a_manager_adds_a_price_on_the_page_of_the_service(ben, service, as_user):
    price = BookPrice.objects.get(service=service)
    fields = {"name": service.name, "description": "", "cadence": "monthly", "is_sold": "on", "checklist": "[]"}
    for name in FORMS:
        fields |= {f"{name}-TOTAL_FORMS": 0, f"{name}-INITIAL_FORMS": 0}
    said = {"title": "Care", "currency": "USD", "valid_from": "2026-01-01", "recurring": "monthly", "tax": "0"}
    said |= {"unit_price": "400", "quantity": "1", "position": "1", "is_usual": "on"}
    fields |= {"prices-TOTAL_FORMS": 2, "prices-INITIAL_FORMS": 1, "prices-0-id": price.pk}
    fields |= {f"prices-0-{name}": getattr(price, name) or "" for name in ("title", "currency", "valid_from", "tax")}
    fields |= {"prices-0-recurring": "monthly", "prices-0-unit_price": "2400", "prices-0-quantity": "1"}
    fields |= {"prices-0-position": "0", "prices-0-is_usual": "on", "prices-0-tax": "0"}
    fields |= {f"prices-1-{name}": value for name, value in said.items()}
    answer = as_user(ben).post(service.staff_url(), fields)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    assert service.prices.get(title="Care").unit_price == Decimal("400")


# -- What no row may say. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (PriceLine(title="Care", unit_price=1, discount=Decimal("120")), "discount", "from 0 to 100"),
        (PriceLine(title="Care", unit_price=1, quantity=Decimal(10**12)), "quantity", "digits"),
        (PriceLine(title="Care", unit_price=-1), "unit_price", "0 or more"),
        (ScopeItem(title="<b>Faster</b> pages"), "title", "take out “<b>”"),
        (ScopeItem(title="Pages", text="See <script>alert(1)</script>"), "text", "take out “<script>”"),
        (Milestone(title="Plan", weeks=1000), "weeks", "520"),
    ],
)
def test_a_row_that_no_client_could_be_shown_is_refused_where_it_was_typed(ada, row, field, words):
    proposal = a_proposal(ada)
    count = type(row).objects.count()
    with pytest.raises(ValidationError) as refused:
        proposal.add(row, by=ada)
    assert words in str(refused.value.message_dict[field])
    assert type(row).objects.count() == count


@pytest.mark.parametrize("words", ["Visits < 100 & rising", "I <3 this", "5 > 3", "From 3 <- 4"])
def test_signs_that_are_no_mark_up_stay(ada, words):
    assert a_proposal(ada).add(ScopeItem(title=words), by=ada).title == words


def test_two_rows_never_stand_in_one_place(ada):
    proposal = a_proposal(ada)
    first = proposal.milestones.get()
    with pytest.raises(ValidationError, match="Choose another place"):
        proposal.add(Milestone(title="Another", position=first.position), by=ada)
    with pytest.raises(DatabaseError), transaction.atomic():
        Milestone.objects.create(proposal=proposal, title="Another", position=first.position)
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("set constraints all immediate")


def test_a_row_without_a_place_comes_last(ada):
    proposal = a_proposal(ada)
    last = proposal.price_lines.last().position
    assert proposal.add(PriceLine(title="Care", unit_price=1), by=ada).position == last + 1


def test_the_currency_does_not_change_under_prices(ada):
    proposal = a_proposal(ada)
    proposal.currency = "EUR"
    with pytest.raises(ValidationError, match="in USD. Take them out first"):
        proposal.clean()
    proposal.price_lines.all().delete()
    proposal.clean()


def test_a_currency_that_there_is_not_is_refused(ada):
    with pytest.raises(ValidationError, match="no currency"):
        Proposal(title="Pages", currency="XYZ").clean_fields(exclude=["stage"])


# -- Steps that wait for each other. -----------------------------------------------------------------------------------


def test_a_step_waits_for_another_of_its_proposal_and_begins_after_it(ada):
    proposal = a_proposal(ada)
    first = proposal.milestones.get()
    with pytest.raises(ValidationError, match="ends after week 3"):
        proposal.add(Milestone(title="Measure", start_week=1, depends_on=first), by=ada)
    second = proposal.add(Milestone(title="Measure", start_week=3, depends_on=first), by=ada)
    assert proposal_body(proposal)["timeline"][1]["after"] == first.title
    assert second.says()["depends_on"] == first.title


def test_steps_do_not_wait_for_each_other_in_a_round(ada):
    proposal = a_proposal(ada)
    first = proposal.milestones.get()
    second = proposal.add(Milestone(title="Measure", start_week=3, depends_on=first), by=ada)
    for step, waits_for in ((first, first), (first, second)):
        with pytest.raises(ValidationError, match="wait for each other|wait for itself"):
            proposal.change(step, by=ada, depends_on=waits_for, start_week=99)
        step.refresh_from_db()


def test_a_step_does_not_wait_for_one_of_another_proposal(ada):
    other = a_proposal(ada).milestones.get()
    proposal = a_proposal(ada)
    with pytest.raises(ValidationError, match="of this proposal"):
        proposal.add(Milestone(title="Measure", start_week=9, depends_on=other), by=ada)


def test_what_waited_for_a_step_that_is_taken_out_waits_for_nothing(ada):
    proposal = a_proposal(ada)
    first = proposal.milestones.get()
    second = proposal.add(Milestone(title="Measure", start_week=3, depends_on=first), by=ada)
    proposal.remove(first, by=ada)
    second.refresh_from_db()
    assert second.depends_on is None


def test_in_the_next_revision_a_step_waits_for_the_step_of_that_revision(ada, ben):
    proposal = a_proposal(ada)
    first = proposal.milestones.get()
    proposal.add(Milestone(title="Measure", start_week=3, depends_on=first), by=ada)
    perform(proposal.withdraw, by=ada, reason="Too early.")
    revision = Proposal.objects.get(pk=proposal.pk).revise(by=ada)
    waits = revision.milestones.get(title="Measure").depends_on
    assert (waits.title, waits.proposal) == (first.title, revision)


# -- Money. ------------------------------------------------------------------------------------------------------------


def test_a_discount_on_everything_comes_off_each_line_before_tax_and_is_rounded_once():
    price = PriceLine(recurring="once", unit_price=Decimal("99.99"), discount=Decimal("12.5"), tax=Decimal("19"))
    assert totals.line(price, "EUR", Decimal("10")) == Decimal("93.70")
    assert totals.of([price, price], "EUR", Decimal("10")).once == Decimal("187.40")
    assert totals.deepest_discount([price], Decimal("10")) == Decimal("21.25")


def test_the_margin_is_of_a_first_year_before_tax(ada):
    once = PriceLine(quantity=1, unit_price=3000, recurring="once", tax=20, internal_cost=1200)
    monthly = PriceLine(quantity=1, unit_price=900, recurring="monthly", internal_cost=300)
    assert totals.shown_margin(totals.margin_of([once, monthly])) == Decimal("65.21")
    assert totals.margin_of([PriceLine(quantity=1, unit_price=1)]) is None


def test_a_discount_on_everything_is_part_of_the_pricing_and_of_no_other_aspect(ada):
    proposal = a_proposal(ada)
    before = {aspect: approvals.digest(aspect, proposal) for aspect in proposal.ASPECTS}
    proposal.discount = Decimal("5")
    after = {aspect: approvals.digest(aspect, proposal) for aspect in proposal.ASPECTS}
    assert [aspect for aspect in before if before[aspect] != after[aspect]] == ["pricing"]


def test_the_client_reads_the_discount_and_pays_less(ada, ben):
    proposal = a_proposal(ada)
    proposal.discount = Decimal("10")
    body = proposal_body(proposal)
    assert body["discount"] == Decimal("10")
    assert body["totals"]["once"] == Decimal("2700.00")


def test_no_more_is_taken_off_once_it_was_sent(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(discount=Decimal("50"))


def test_rows_come_in_together_or_not_at_all(ada):
    proposal = a_proposal(ada)
    rows = {"scope_items": [{"title": "Good"}, {"title": "<i>Bad</i>"}]}
    with pytest.raises(ValidationError), transaction.atomic():
        proposal.take_rows(rows, by=ada, past="took rows for")
    assert not proposal.scope_items.filter(title="Good").exists()


def test_no_rows_come_into_a_proposal_that_was_sent(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    with pytest.raises(Refused, match="new revision"):
        proposal.take_rows({"scope_items": [{"title": "More"}]}, by=ada, past="took rows for")
