"""Contract language: clauses in versions, pinned where they were drawn up, and what of them a contract changed."""

import re

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opportunities.difference import changes
from opportunities.records import Refused, edit, perform
from proposals import house
from proposals.house import furnish
from proposals.models import Clause, GlossaryTerm
from proposals.papers import SCOPE
from tests.makers_proposals import a_contract, approve_all

pytestmark = pytest.mark.django_db
LIST = reverse("admin:proposals_clause_changelist")


@pytest.fixture
def payment(db):
    furnish()
    return Clause.objects.get(key="2-payment")


def revise_url(clause):
    return reverse("admin:proposals_clause_revise", args=[clause.pk])


def standard_url(contract, row):
    return reverse("admin:proposals_contract_standard", args=[contract.pk, row.pk])


def test_the_list_holds_the_newest_of_each_with_the_contracts_that_pin_it(as_user, ada, ben):
    contract = a_contract(ada, approver=ben)
    old = contract.contract_clauses.get(clause__key="2-payment").clause
    new = old.revise(by=ben, title=old.title, text="All at once.")
    page = as_user(ben).get(LIST)
    rows = {pk: {cell["name"]: cell["value"] for cell in cells} for _, cells, pk in page.context["rows"]}
    assert old.pk not in rows
    assert (rows[new.pk]["contracts"], rows[new.pk]["earlier"]) == ("0", "1")
    other = Clause.objects.get(key="5-term")
    assert (rows[other.pk]["contracts"], rows[other.pk]["earlier"]) == ("1", "0")


def test_the_list_asks_no_more_for_many_clauses(as_user, ben, payment):
    browser = as_user(ben)
    with CaptureQueriesContext(connection) as few:
        browser.get(LIST)
    for number in range(2, 12):
        payment = payment.revise(by=ben, title="Payment", text=f"Way {number}.")
    with CaptureQueriesContext(connection) as many:
        browser.get(LIST)
    assert len(few) == len(many) <= 12


def test_a_change_is_a_new_version_and_a_contract_keeps_the_one_that_it_pins(as_user, ada, ben):
    contract = a_contract(ada, approver=ben)
    row = contract.contract_clauses.get(clause__key="2-payment")
    browser = as_user(ben)
    asked = browser.get(revise_url(row.clause))
    assert asked.context["form"]["text"].value() == row.clause.text
    answer = browser.post(revise_url(row.clause), {"title": "Payment", "text": "All at once."})
    new = Clause.objects.get(key="2-payment", version=2)
    assert answer["Location"] == new.staff_url()
    assert new.is_standard
    row.refresh_from_db()
    assert (row.clause.version, row.edited) == (1, False)
    text = browser.get(new.staff_url()).content.decode()
    assert "<del>" in text
    assert "<ins>" in text
    assert "1 contract pins it" in text


def test_the_next_contract_pins_the_newest_version_and_none_of_what_is_not_standard_any_more(ada, ben, payment):
    payment.revise(by=ben, title="Payment", text="All at once.")
    term = Clause.objects.get(key="5-term").revise(by=ben, title="Term", text="For ever.")
    edit(term, by=ben, is_standard=False)
    pinned = a_contract(ada, approver=ben).contract_clauses.values_list("clause__key", "clause__version")
    assert ("2-payment", 2) in pinned
    assert "5-term" not in dict(pinned)


@pytest.mark.parametrize("fields", [{"text": "Other."}, {"title": "Other"}, {"key": "other"}, {"version": 9}])
def test_the_words_of_a_version_never_change(payment, fields):
    with pytest.raises(DatabaseError), transaction.atomic():
        Clause.objects.filter(pk=payment.pk).update(**fields)
    Clause.objects.filter(pk=payment.pk).update(is_standard=False)


def test_of_two_who_revise_the_same_version_the_second_reads_the_first(as_user, ben, payment):
    payment.revise(by=ben, title="Payment", text="All at once.")
    answer = as_user(ben).post(revise_url(payment), {"title": "Payment", "text": "In ten parts."})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Somebody wrote version 2 meanwhile" in text
    assert "In ten parts." in text
    assert Clause.versions_of("2-payment").count() == 2


def test_a_revision_changes_something(ben, payment):
    with pytest.raises(Refused, match="Change the words first"):
        payment.revise(by=ben, title=payment.title, text=payment.text)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"title": "", "text": "Words."}, "title"),
        ({"title": "Payment", "text": " "}, "text"),
        ({"title": "x" * 161, "text": "Words."}, "title"),
    ],
)
def test_a_revision_without_words_is_refused_at_its_field(as_user, ben, payment, typed, field):
    answer = as_user(ben).post(revise_url(payment), typed)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Clause.versions_of("2-payment").count() == 1


def test_only_whoever_keeps_the_house_revises(as_user, ada, ann, payment):
    for user in (ada, ann):
        assert as_user(user).post(revise_url(payment), {"title": "P", "text": "Free."}).status_code == 403
        assert "Revise</a>" not in as_user(user).get(payment.staff_url()).content.decode()
    assert Clause.versions_of("2-payment").count() == 1


def test_an_old_version_leads_to_the_newest_and_is_not_revised(as_user, ben, payment):
    new = payment.revise(by=ben, title="Payment", text="All at once.")
    text = as_user(ben).get(payment.staff_url()).content.decode()
    assert f'href="{new.staff_url()}"' in text
    assert "Revise</a>" not in text


def test_a_clause_whose_key_there_is_already_is_refused(as_user, ben, payment):
    typed = {"key": "2-payment", "title": "Payment", "text": "Other.", "is_standard": "on"}
    answer = as_user(ben).post(reverse("admin:proposals_clause_add"), typed)
    assert answer.status_code == 200
    assert "revise it" in answer.content.decode()
    assert Clause.versions_of("2-payment").count() == 1


# -- In a contract. ----------------------------------------------------------------------------------------------------


def an_edited(contract, by):
    row = contract.contract_clauses.select_related("clause").get(clause__key="2-payment")
    row = edit(row, by=by, text=row.text.replace("each month", "each quarter"))
    contract.was_edited(by=by)
    return row


def test_a_contract_marks_what_differs_from_its_standard_and_whose_approval_it_needs(as_user, ada, ben):
    contract = a_contract(ada, approver=ben)
    assert "Each says what the standard says." in as_user(ada).get(contract.staff_url()).content.decode()
    an_edited(contract, ada)
    text = as_user(ada).get(contract.staff_url()).content.decode()
    assert "1 of 6 differs from the standard." in text
    assert "approval is asked for exactly these words" in text
    assert '<del><span class="z-hidden">taken out: </span>month.' in text
    assert '<ins><span class="z-hidden">put in: </span>quarter.' in text


def test_back_to_the_standard_words_asks_for_the_approval_again(as_user, ada, ben, fay):
    contract = a_contract(ada, approver=ben)
    row = an_edited(contract, ada)
    contract = approve_all(perform(contract.submit, by=ada), ben, fay)
    assert contract.stage == "approved"
    as_user(ada).post(standard_url(contract, row))
    row.refresh_from_db()
    contract.refresh_from_db()
    assert (row.text, row.edited) == (row.clause.text, False)
    assert (contract.stage, contract.editors) == ("in_review", [])
    again = contract.approvals.get(stage="pending")
    as_user(ada).post(standard_url(contract, row))
    again.refresh_from_db()
    assert again.stage == "pending"


def test_the_standard_words_come_back_only_while_the_contract_is_written_and_by_whoever_writes_it(
    as_user, ada, ben, cem, dora, fay
):
    contract = a_contract(ada, approver=ben)
    row = an_edited(contract, ada)
    assert as_user(ada).get(standard_url(contract, row)).status_code == 405
    assert as_user(cem).post(standard_url(contract, row)).status_code in (302, 404)
    other = a_contract(ada, approver=ben)
    assert as_user(ada).post(standard_url(other, row)).status_code == 404
    contract = perform(approve_all(perform(contract.submit, by=ada), ben, fay).send, by=ada)
    assert as_user(ada).post(standard_url(contract, row)).status_code == 403
    row.refresh_from_db()
    assert row.edited


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("a b c", "a b c", [("=", "a b c")]),
        ("a b c", "a x c", [("=", "a "), ("-", "b"), ("+", "x"), ("=", " c")]),
        ("", "a", [("+", "a")]),
        ("a", "", [("-", "a")]),
        ("", "", []),
    ],
)
def test_what_changed_is_told_word_by_word(old, new, pieces):
    assert changes(old, new) == pieces


# -- Words of ours. ----------------------------------------------------------------------------------------------------


def test_a_manager_and_an_administrator_keep_the_list_of_words_and_nobody_else(as_user, ada, ben, eve):
    furnish()
    add = reverse("admin:proposals_glossaryterm_add")
    typed = {"term": "  mark  down ", "why": "Ours.", "suggestion": "discount", "blocking": "on", "is_used": "on"}
    assert as_user(ada).post(add, typed).status_code == 403
    assert as_user(ben).post(add, typed).status_code == 302
    term = GlossaryTerm.objects.get(term="mark down")
    assert as_user(eve).post(term.staff_url(), typed | {"why": "Ours alone."}).status_code == 302
    term.refresh_from_db()
    assert term.why == "Ours alone."
    for wrong, said in (({"term": "MARK DOWN"}, "in the list already"), ({"term": "--"}, "Write a word.")):
        answer = as_user(ben).post(add, typed | wrong)
        assert answer.status_code == 200
        assert said in answer.content.decode()


@pytest.mark.parametrize("clause", house.CLAUSES.values(), ids=list(house.CLAUSES))
def test_what_a_clause_of_the_house_names_stands_on_the_page_and_on_the_paper_of_a_contract(clause):
    portal, paper = (settings.BASE_DIR / "templates" / name for name in ("portal/parts", "papers"))
    page = " ".join(file.read_text() for file in portal.glob("*.html"))
    printed = " ".join(file.read_text() for file in paper.glob("*.typ")) + " ".join(SCOPE.values())
    for heading in re.findall("“(.+?)”", clause[1]):
        assert f">{heading}<" in page
        assert heading in printed
