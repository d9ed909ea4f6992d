"""What an objection is about: a claim, a price or a row of the scope in the proposals of its deal."""

import pytest
from django.urls import reverse
from guardian.shortcuts import assign_perm

from opportunities.models import Event, Objection
from opportunities.records import begin, perform
from proposals import pointing
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal

pytestmark = pytest.mark.django_db


def an_objection(deal, by, words="It is dear."):
    return begin(Objection(opportunity=deal, kind="price", words=words, owner=by), by=by, past="noted")


def now(record):
    return type(record).objects.get(pk=record.pk)


def page_of(objection):
    return reverse("opportunities_objection_about", args=[objection.pk])


@pytest.fixture
def proposal(ada):
    return a_proposal(ada)


@pytest.fixture
def objection(proposal, ada):
    return an_objection(proposal.opportunity, ada)


def offered(browser, objection):
    field = browser.get(page_of(objection)).context["form"].fields["about"]
    return {value: label for _, group in field.choices if isinstance(group, list) for value, label in group}


def test_every_claim_price_and_row_of_the_scope_is_offered_and_the_whole(proposal, objection, ada, as_user):
    rows = [*proposal.claims.all(), *proposal.price_lines.all(), *proposal.scope_items.all()]

    assert set(offered(as_user(ada), objection)) == {pointing.key(row) for row in [proposal, *rows]}


@pytest.mark.parametrize("rows", ["claims", "price_lines", "scope_items"])
def test_what_it_is_about_stands_wherever_the_objection_and_the_row_do(rows, proposal, objection, ada, as_user):
    row, browser = getattr(proposal, rows).first(), as_user(ada)

    answer = browser.post(page_of(objection), {"about": pointing.key(row)})

    assert answer["Location"] == objection.staff_url()
    assert now(objection).record == row
    told = Event.objects.get(verb="objection.about")
    assert (told.actor, told.facts.values["about"][0]) == (ada, None)
    for page in (objection, proposal):
        text = browser.get(page.staff_url()).text
        assert str(row) in text
        assert "It is dear." in text
    panel = browser.get(proposal.opportunity.staff_url("objections")).text
    assert f'href="{row.staff_url()}"' in panel
    assert "Change what it is about" in panel


def test_it_is_taken_back_by_choosing_nothing(proposal, objection, ada, as_user):
    objection.point_at(proposal.claims.first(), by=ada)

    as_user(ada).post(page_of(objection), {"about": ""})

    assert now(objection).record is None
    assert "Objections to it" not in as_user(ada).get(proposal.staff_url()).text


def test_a_row_of_another_deal_is_refused(objection, ada, as_user):
    other = a_proposal(ada)
    for foreign in (other, other.claims.first(), other.price_lines.first()):
        answer = as_user(ada).post(page_of(objection), {"about": pointing.key(foreign)})
        assert answer.context["form"].errors["about"] == ["Choose one from the list."]
    assert now(objection).record is None


@pytest.mark.parametrize(
    "typed", ["\0", "proposals.claim:", "proposals.claim:" + "9" * 40, "x" * 1_000_000, "opportunities.user:1"]
)
def test_what_is_no_row_is_a_sentence_at_the_field(typed, objection, ada, as_user):
    answer = as_user(ada).post(page_of(objection), {"about": typed})

    assert answer.status_code == 200
    assert "about" in answer.context["form"].errors
    assert now(objection).record is None


def test_a_row_that_was_just_taken_out_is_refused_in_words(proposal, objection, ada, as_user, monkeypatch):
    row = proposal.claims.first()
    chosen = pointing.key(row)
    listed = pointing.choices(objection)
    proposal.remove(row, by=ada)
    monkeypatch.setattr(pointing, "choices", lambda objection: listed)

    answer = as_user(ada).post(page_of(objection), {"about": chosen})

    assert answer.context["form"].errors["about"] == ["This row was just taken out. Choose another."]


def test_what_it_was_about_stays_chosen_when_its_proposal_is_taken_back(proposal, objection, ada, as_user):
    row = proposal.price_lines.first()
    objection.point_at(row, by=ada)
    perform(now(proposal).withdraw, by=ada, reason="Another offer.")
    browser = as_user(ada)

    page = browser.get(page_of(objection))

    assert page.context["form"].initial["about"] == pointing.key(row)
    assert f"As before: {row}" in page.text
    browser.post(page_of(objection), {"about": pointing.key(row)})
    assert now(objection).record == row


def test_without_a_proposal_the_page_says_so(ada, as_user):
    page = as_user(ada).get(page_of(an_objection(an_opportunity(ada), ada)))

    assert "This deal has no proposal yet." in page.text


def test_only_whoever_may_change_the_deal_says_what_it_is_about(proposal, objection, ada, ben, cem, ann, as_user):
    typed = {"about": pointing.key(proposal.claims.first())}
    lent = an_objection(proposal.opportunity, ada, "Slow.")
    for somebody, status in ((cem, 404), (ann, 403), (ben, 302)):
        assert as_user(somebody).post(page_of(objection), typed).status_code == status, somebody
    assign_perm("view_opportunity", cem, proposal.opportunity)
    assert as_user(cem).post(page_of(lent), typed).status_code == 403
    assert "it is about…" not in as_user(cem).get(lent.staff_url()).text
    assert now(lent).record is None


def test_the_lists_ask_the_same_of_one_and_of_fifty(proposal, objection, ada, as_user, django_assert_max_num_queries):
    browser, rows = as_user(ada), [*proposal.claims.all(), *proposal.price_lines.all(), *proposal.scope_items.all()]
    # The page of a draft asks for every row of its form besides.
    most = {proposal.opportunity.staff_url("objections"): 15, page_of(objection): 15, proposal.staff_url(): 50}
    objection.point_at(rows[0], by=ada)
    counts = {}
    for page in most:
        browser.get(page)
        with django_assert_max_num_queries(most[page]) as asked:
            browser.get(page)
        counts[page] = len(asked)
    for number in range(49):
        an_objection(proposal.opportunity, ada, f"Dear {number}").point_at(rows[number % len(rows)], by=ada)
    for page, count in counts.items():
        with django_assert_max_num_queries(count):
            browser.get(page)
