"""Money by its currency: yen have no decimals, euros two, and no amount anywhere says more than can be paid."""

import json
import re
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pycountry
import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.currencies import CURRENCIES, FINER, NO_MONEY, WHOLE, decimals, known_currency, rounded
from opportunities.models import Event, Message, Opportunity
from opportunities.money import money
from opportunities.records import Refused, edit, perform
from portal import offer
from portal.models import Paper
from portal.templatetags.portal import money as client_money
from proposals import composing, difference, papers, publishing, totals
from proposals.models import BookPrice, PriceLine, Proposal
from tests import database
from tests.desk.test_workspace import fields_of
from tests.makers import an_opportunity
from tests.makers_proposals import SHOWN, a_contract, a_proposal, approve_all
from tests.opportunities.importers import checked, reasons
from tests.pdfs import text_of
from tests.proposals.test_composer import Writer, sent_by
from tests.proposals.test_inbox import token_of
from tests.proposals.test_rules import a_rule
from zarts.desk.templatetags.zarts_desk import facts_of

NONE = "Yen have no decimals. Write 1201."
PAYABLE = sorted(CURRENCIES - NO_MONEY - FINER.keys())
CURRENCY = st.sampled_from(["JPY", "EUR"]) | st.sampled_from(PAYABLE)
PERCENT = st.decimals(0, 100, places=2)
ROW = st.fixed_dictionaries(
    {
        "quantity": st.decimals(0, 999, places=2),
        "unit_price": st.decimals(0, 999_999, places=2),
        "discount": PERCENT,
        "tax": PERCENT,
        "recurring": st.sampled_from(["once", "monthly"]),
        "optional": st.booleans(),
    }
)


def lines_of(rows, currency):
    """Return price lines as they may be typed in a currency."""
    return [
        PriceLine(pk=pk, title=f"Line {pk}", **row | {"unit_price": rounded(row["unit_price"], currency)})
        for pk, row in enumerate(rows, 1)
    ]


def body_of(lines, currency, discount):
    """Return the body of an offer of these lines, as it is published."""
    nothing = SimpleNamespace(all=list, select_related=lambda *names: [])
    proposal = SimpleNamespace(currency=currency, discount=discount, chosen=[], scope_items=nothing, milestones=nothing)
    for line in lines:
        line._state.fields_cache["proposal"] = proposal
    return publishing.plain_body({"currency": currency} | publishing.offer_body(proposal, lines))


def number_in(text) -> Decimal:
    return Decimal(re.sub(r"[^\d.]", "", text))


def places_of(text) -> int:
    return len(text.partition(".")[2])


# -- Whatever is typed. ------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(rows=st.lists(ROW, max_size=6), currency=CURRENCY, discount=PERCENT)
def test_the_total_is_the_sum_of_its_lines_and_no_amount_is_finer_than_its_currency(rows, currency, discount):
    lines = lines_of(rows, currency)
    of = {often: [line for line in lines if line.recurring == often] for often in ("once", "monthly")}
    found, tax = totals.of(lines, currency, discount), totals.tax_of(lines, currency, discount)
    for often in of:
        assert getattr(found, often) == sum(totals.line(line, currency, discount) for line in of[often])
    assert found.first_year == found.once + 12 * found.monthly
    for amount in (found.once, found.monthly, found.first_year, tax.once, tax.monthly):
        assert amount == rounded(amount, currency)
        assert places_of(money(amount, currency).split(" ")[0]) == decimals(currency)


@settings(max_examples=200)
@given(rows=st.lists(ROW, max_size=6), currency=CURRENCY, discount=PERCENT, data=st.data())
def test_what_the_clients_page_says_is_what_is_stored(rows, currency, discount, data):
    lines = lines_of(rows, currency)
    chosen = {line.pk for line in lines if line.optional and data.draw(st.booleans())}
    body = body_of(lines, currency, discount)
    shown = offer.shown_offer(body, chosen)
    ours = totals.of([line for line in lines if not line.optional or line.pk in chosen], currency, discount)
    assert shown["totals"] == {"once": ours.once, "monthly": ours.monthly, "first_year": ours.first_year}
    said = [
        (line["total"], totals.line(its, currency, discount)) for line, its in zip(body["prices"], lines, strict=True)
    ]
    said += [(line["unit_price"], its.unit_price) for line, its in zip(body["prices"], lines, strict=True)]
    said += [(total, getattr(ours, key)) for key, total in shown["totals"].items()]
    for published, stored in said:
        for words in (client_money(published, currency, shown["cents"]), papers.amount_of(published, shown)):
            assert number_in(words) == stored
            assert places_of(words) in (0, decimals(currency))


@settings(max_examples=200)
@given(value=st.decimals(0, 10**9, places=6), currency=CURRENCY)
def test_an_amount_is_rounded_half_up_to_what_can_be_paid(value, currency):
    found, unit = rounded(value, currency), Decimal(10) ** -decimals(currency)
    assert found % unit == 0
    assert -unit / 2 < value - found <= unit / 2 or found - value == unit / 2


# -- Which currencies there are. ---------------------------------------------------------------------------------------


def test_the_table_names_only_codes_that_there_are_each_once():
    assert WHOLE.keys() | FINER.keys() | NO_MONEY <= {currency.alpha_3 for currency in pycountry.currencies}
    assert not WHOLE.keys() & FINER.keys()
    assert not (WHOLE.keys() | FINER.keys()) & NO_MONEY


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("KWD", "KWD has 3 decimals, and amounts here have two. Choose another currency."),
        ("CLF", "CLF has 4 decimals, and amounts here have two. Choose another currency."),
        ("XAU", "“XAU” is no currency."),
        ("ZZZ", "“ZZZ” is no currency."),
    ],
)
def test_what_our_amounts_cannot_hold_is_not_chosen(code, words):
    for refuse in (known_currency, *Opportunity._meta.get_field("currency").validators[:1]):
        with pytest.raises(ValidationError, match=re.escape(words)):
            refuse(code)


@pytest.mark.django_db
def test_the_database_counts_the_same_decimals():
    with database.login("owner") as connection:
        for code in PAYABLE:
            assert connection.execute("select zarts_decimals(%s)", [code]).fetchone() == (decimals(code),)


# -- What people read. -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "currency", "ours", "theirs"),
    [
        ("1000.00", "JPY", "¥1,000", "¥1,000"),
        ("1000.00", "KRW", "1,000 KRW", "KRW 1,000"),
        ("1000.50", "EUR", "€1,000.50", "€1,000.50"),
        # What was published before stays readable as it is, and what others wrote is said as they wrote it.
        ("1000.50", "JPY", "¥1,000.50", "¥1,000.50"),
    ],
)
def test_yen_are_written_without_cents(value, currency, ours, theirs):
    assert money(value, currency) == ours
    assert client_money(value, currency) == theirs


def test_what_an_approval_of_euros_was_given_for_is_told_apart_as_before():
    line = PriceLine(quantity=Decimal("1"), unit_price=Decimal("99.99"), discount=Decimal("12.5"), tax=Decimal("19"))
    assert str(totals.line(line, "EUR")) == "104.11"
    # Yen are kept with the two zeros that they always had: what was published of them says the same again.
    assert str(totals.line(line, "JPY")) == "104.00"


CENTS = re.compile(r"¥\s?[\d,]+\.\d|\d\.\d+ JPY")


def in_yen(ada):
    """A draft in yen with a line that comes to half a yen: 2.5 × ¥1,111 is ¥2,777.5."""
    proposal = a_proposal(ada, currency="JPY")
    line = proposal.price_lines.get(title="Mending")
    proposal.change(line, by=ada, quantity=Decimal("2.5"), unit_price=Decimal(1111), internal_cost=100)
    return Proposal.objects.get(pk=proposal.pk)


def sent(proposal, ada, ben):
    proposal = approve_all(perform(proposal.submit, by=ada), ben)
    return perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)


@pytest.mark.django_db(transaction=True)
def test_an_offer_in_yen_says_whole_yen_to_everybody(ada, ben, as_user, portal_client):
    proposal = in_yen(ada)
    browser = as_user(ada)
    composer = browser.get(proposal.staff_url()).content.decode()
    for words in ("¥2,778", "2.5 × ¥1,111", "¥13,578"):
        assert words in composer
    proposal = perform(proposal.submit, by=ada)
    pages = [composer, as_user(ben).get("/admin/approvals/").content.decode()]
    pages += [as_user(ben).get(f"/admin/approvals/{each.pk}/").content.decode() for each in proposal.approvals.all()]
    assert any("¥13,578" in page for page in pages[1:])
    approve_all(proposal, ben)
    proposal = Proposal.objects.get(pk=proposal.pk)
    proposal = perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)
    token = token_of(proposal)
    portal_client.post(f"/p/{token}/open", {})
    page = portal_client.get(f"/p/{token}/").content.decode()
    paper = text_of(bytes(Paper.objects.get(publication_id=proposal.publication_id).bytes))
    for words in ("¥2,778", "¥1,111", "¥900", "¥13,578"):
        assert words in page
        assert words in paper
    pages += [page, paper, *Message.objects.values_list("body", flat=True)]
    pages.append(as_user(ada).get(proposal.opportunity.staff_url()).content.decode())
    pages.append(as_user(ada).get(proposal.staff_url()).content.decode())
    for page in pages:
        assert not CENTS.search(page)


@pytest.mark.django_db
def test_the_difference_between_two_revisions_says_whole_yen(ada, ben):
    first = sent(in_yen(ada), ada, ben)
    second = first.revise(by=ada)
    second.change(second.price_lines.get(title="Mending"), by=ada, unit_price=Decimal(2222))
    said = [f"{change.old} {change.new}" for part in difference.of_revisions(first, second) for change in part.changes]
    assert any("¥1,111" in words and "¥2,222" in words for words in said)
    assert not any(CENTS.search(words) for words in said)


@pytest.mark.django_db
def test_the_first_payment_over_yen_takes_whole_yen_alone(ada, ben, as_user):
    proposal = sent(in_yen(ada), ada, ben)
    proposal = perform(perform(proposal.mark_viewed, by=proposal.recipient).accept, by=proposal.recipient)
    payment = a_contract(ada, approver=ben, stage="sent", proposal=proposal).payment
    assert (payment.amount, payment.currency) == (2778 + 900, "JPY")
    payment = perform(payment.send_invoice, by=ada, invoice="2026-17", due_on=date(2026, 12, 12))
    answer = as_user(ada).post(payment.move_url("pay_part"), SHOWN | {"paid": "1200.5"})
    assert NONE in answer.content.decode()
    # What a payment provider says comes by no form.
    with pytest.raises(Refused, match="Yen have no decimals"):
        perform(payment.pay_part, by=None, paid=Decimal("1200.50"), **SHOWN)
    assert perform(payment.pay_part, by=ada, paid=Decimal(1200), **SHOWN).paid == 1200


# -- What is refused. --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("scripts", [False, True])
@pytest.mark.parametrize("field", ["unit_price", "internal_cost"])
def test_yen_with_decimals_are_refused_where_they_are_typed(ada, as_user, scripts, field):
    writer = Writer(as_user(ada), a_proposal(ada, currency="JPY"))
    row = composing.key_of(writer.proposal.price_lines.first())
    opened = writer.open(row)
    assert str(opened["unit_price"]) == "3000"  # and no zeros that yen do not have
    answer = writer.save(opened, scripts=scripts, **{field: "1200.5"})
    assert answer.status_code == 422
    html = answer.json()["form"] if scripts else answer.content.decode()
    at = html[html.index(f'id="{row}-{field}"') :]
    assert NONE in at[: at.index("</div>")]
    assert writer.save(opened, **{field: "1200.00"}).status_code == 302


@pytest.mark.django_db
def test_yen_with_decimals_are_refused_in_the_price_book_and_in_a_rule(ada):
    price = BookPrice(service=a_proposal(ada).service, title="Care", currency="JPY", unit_price=Decimal("1200.5"))
    with pytest.raises(ValidationError) as refusal:
        price.full_clean()
    assert refusal.value.message_dict == {"unit_price": [NONE]}
    with pytest.raises(ValidationError) as refusal:
        a_rule(currency="JPY", min_amount=Decimal("1200.5"))
    assert refusal.value.message_dict == {"min_amount": [NONE]}


@pytest.mark.django_db
def test_a_deal_goes_into_yen_only_with_a_value_that_yen_can_hold(ada, as_user):
    deal, browser = edit(an_opportunity(ada), by=ada, value=Decimal("1200.50")), as_user(ada)
    address = reverse("admin:opportunities_opportunity_edit", args=[deal.pk])
    typed = sent_by(browser.get(address).context["adminform"].form)

    def wrong(**changes):
        answer = browser.post(address, typed | changes)
        return dict(answer.context["adminform"].form.errors) if answer.context else {}

    assert wrong(currency="JPY") == {"value": [NONE]}
    assert wrong(currency="KWD") == {
        "currency": ["KWD has 3 decimals, and amounts here have two. Choose another currency."]
    }
    assert wrong(currency="JPY", value="1201") == {}
    answer = browser.post(fields_of(deal, "value"), {"value": "1200.5"})
    assert answer.context["form"].errors["value"] == [NONE]
    deal = Opportunity.objects.get(pk=deal.pk)
    assert (deal.currency, deal.value, deal.probability, deal.weighted) == ("JPY", 1201, 10, 120)
    for page in (deal.staff_url(), "/admin/pipeline/"):
        page = browser.get(page).content.decode()
        assert "¥1,201" in page
        assert not CENTS.search(page)


@pytest.mark.django_db
def test_the_diary_tells_a_price_that_was_taken_out_in_whole_yen(ada):
    proposal = in_yen(ada)
    proposal.remove(proposal.price_lines.get(title="Mending"), by=ada)
    facts = facts_of(Event.objects.get(verb="proposal.row_removed"))
    assert {"name": "Unit price", "new": "¥1,111"} in facts


@pytest.mark.django_db
def test_prices_that_were_there_before_are_named_before_anybody_is_asked(ada):
    proposal = a_proposal(ada, currency="JPY")
    line = proposal.price_lines.first()
    PriceLine.objects.filter(pk=line.pk).update(unit_price=Decimal("1200.50"))
    with pytest.raises(Refused, match="“Mending”: Yen have no decimals. Write 1201."):
        perform(Proposal.objects.get(pk=proposal.pk).submit, by=ada)


@pytest.mark.django_db
def test_a_file_with_cents_of_yen_or_with_dinars_is_refused_line_by_line(ada):
    rows = ["JPY,1200.50", "JPY,1200.00", "KWD,5", ",¥1201.50", "CNY,¥1201.50"]
    text = "\n".join(["client,currency,value", *(f"Client {n},{row}" for n, row in enumerate(rows))])
    found = reasons(checked("opportunities", text, ada))
    assert "Write 1201." in found[0]
    assert "KWD has 3 decimals" in found[2]
    assert "Write 1202." in found[3]
    assert "decimals" not in found[1] + found[4]


# -- What an approval on a condition stands for. -----------------------------------------------------------------------


@pytest.mark.django_db
def test_the_database_counts_whole_yen_as_the_page_does():
    said = {
        "currency": "JPY",
        "discount": "0",
        "prices": [
            {"optional": False, "recurring": "once", "quantity": "3", "unit_price": "1111.00", "discount": "50",
             "tax": "0", "internal_cost": None},
        ],
    }  # fmt: skip

    def keeps(said, number):
        with database.login("owner") as connection:
            asked = "select zarts_keeps_within(%s, 'first_year', %s)"
            return connection.execute(asked, [json.dumps(said), number]).fetchone()[0]

    assert keeps(said, 1667)
    assert not keeps(said | {"currency": "EUR"}, 1667)
    assert keeps(said | {"currency": "EUR"}, Decimal("1666.50"))


@pytest.mark.django_db
def test_a_condition_on_yen_names_whole_yen(ada, ben, as_user):
    proposal = perform(in_yen(ada).submit, by=ada)
    pricing = proposal.approvals.get(aspect="pricing")
    typed = {"measure": "first_year", "number": "1200.5", "digest": pricing.digest}
    answer = as_user(ben).post(pricing.move_url("approve_on"), typed)
    assert NONE in answer.content.decode()
    assert proposal.approvals.get(pk=pricing.pk).stage == "pending"
