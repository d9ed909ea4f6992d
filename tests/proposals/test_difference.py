"""A difference is readable, in the words of the screens, and whole: nothing in it is invented, nothing is lost."""

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from opportunities.models import Evidence
from opportunities.records import Refused, edit, perform
from proposals import approvals, difference
from proposals.models import Approval, Claim, Milestone, Proposal, ScopeItem
from tests.makers import an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary, approve_all


def again(record):
    return type(record).objects.get(pk=record.pk)


# -- Whole. ------------------------------------------------------------------------------------------------------------

WORDS = ["fast", "slow", "pages", "we", "mend", "your", "ten", "home", "<b>", "5", "%", "–"]
PHRASES = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
SCOPE = st.fixed_dictionaries(
    {"title": PHRASES, "text": PHRASES, "kind": st.sampled_from(["included", "excluded", "optional"])}
)
STEPS = st.fixed_dictionaries({"title": PHRASES, "start_week": st.integers(0, 9), "weeks": st.integers(1, 3)})


def placed(rows):
    return [row | {"position": place} for place, row in enumerate(rows)]


def rows_of(row):
    """Rows that differ from each other: of two that say the same nobody could tell which one went."""
    return st.lists(row, max_size=6, unique_by=lambda one: tuple(one.items()))


CONTENTS = st.builds(
    lambda title, intro, scope, timeline, day: {
        "title": title,
        "intro": intro,
        "valid_until": day,
        "scope": placed(scope),
        "timeline": placed(timeline),
    },
    PHRASES,
    PHRASES,
    rows_of(SCOPE),
    rows_of(STEPS),
    st.sampled_from([None, "2026-12-04", "2027-01-31"]),
)


def bare(row):
    return {name: value for name, value in row.items() if name != "position"}


def applied(old, parts) -> dict:
    """Make the new content of the old one and what the difference says, and nothing else."""
    made = {name: value for name, value in old.items() if not isinstance(value, list)}
    made |= {part.key: part.now for part in parts if not part.title}
    for name in ("scope", "timeline"):
        rows = sorted(map(bare, old[name]), key=difference.kind_first)
        mine = [part for part in parts if part.key == name]
        for part in mine:
            if part.was is not None:
                rows.remove(bare(part.was))
        for part in sorted(mine, key=lambda part: part.place):
            if part.now is not None:
                rows.insert(part.place - 1, bare(part.now))
        made[name] = rows
    return made


@given(CONTENTS, CONTENTS)
def test_the_difference_applied_to_the_old_gives_the_new(old, new):
    parts = difference.between("proposal", old, new)
    wanted = new | {name: sorted(map(bare, new[name]), key=difference.kind_first) for name in ("scope", "timeline")}
    assert without_nothing(applied(old, parts)) == without_nothing(wanted)


def without_nothing(content):
    return {name: value for name, value in content.items() if value}


@given(CONTENTS, CONTENTS)
def test_the_pieces_of_each_field_are_what_it_said_and_what_it_says(old, new):
    for part in difference.between("proposal", old, new):
        for change in part.changes:
            assert "".join(words for _, words in change.before) == change.old
            assert "".join(words for _, words in change.after) == change.new


@given(CONTENTS)
def test_what_says_the_same_has_no_difference(content):
    assert difference.between("proposal", content, json.loads(json.dumps(content))) == []


@given(CONTENTS, CONTENTS)
def test_no_row_is_told_twice(old, new):
    for name in ("scope", "timeline"):
        parts = [part for part in difference.between("proposal", old, new) if part.key == name]
        was = Counter(json.dumps(part.was, sort_keys=True) for part in parts if part.was is not None)
        assert not was - Counter(json.dumps(row, sort_keys=True) for row in old[name])


def rows(*titles):
    return {"timeline": placed([{"title": title, "weeks": 1} for title in titles])}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (["A", "B"], ["A", "B", "C"], [("added", "C", "")]),
        (["A", "B"], ["B"], [("removed", "A", "")]),
        (["A", "B", "C"], ["C", "A", "B"], [("moved", "C", "from place 3 to place 1")]),
        (["A", "B"], ["X", "A", "B"], [("added", "X", "")]),
        (["A", "A"], ["A"], [("removed", "A", "")]),
        (["Mend the ten slow pages"], ["Mend the six slow pages"], [("changed", "Mend the six slow pages", "")]),
        (["Measure"], ["Write"], [("removed", "Measure", ""), ("added", "Write", "")]),
    ],
)
def test_rows_are_added_removed_changed_or_moved(old, new, told):
    parts = difference.between("proposal", rows(*old), rows(*new))
    assert [(part.how, part.title, part.moved) for part in parts] == told


# -- In words. ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def revised(ada, ben):
    """A sent proposal and its next revision, in which one thing of each kind is different."""
    first = a_proposal(ada, approver=ben, stage="sent")
    second = first.revise(by=ada)
    second.change(second.scope_items.get(kind="included"), by=ada, text="We mend the twelve slowest pages.")
    second.change(second.price_lines.first(), by=ada, unit_price=Decimal("2500"), evidence=None)
    second.remove(second.scope_items.get(kind="excluded"), by=ada)
    second.add(Milestone(title="Measure again", start_week=3, weeks=1), by=ada)
    second = edit(again(second), by=ada, valid_until=first.valid_until + timedelta(days=7))
    return first, second


@pytest.mark.django_db
def test_it_speaks_as_the_screens_do_and_never_in_json(revised):
    first, second = revised
    parts = {(part.how, part.title or part.what): part for part in difference.of_revisions(first, second)}
    assert set(parts) == {
        ("changed", "Faster pages"),
        ("removed", "A new design"),
        ("added", "Measure again"),
        ("changed", "Mending"),
        ("changed", "Valid until"),
    }
    words = parts["changed", "Faster pages"].changes[0]
    assert [piece for piece in words.pieces if piece[0] != "="] == [("-", "ten"), ("+", "twelve")]
    price, proof = parts["changed", "Mending"].changes
    assert (price.old, price.new) == ("$3,000.00", "$2,500.00")
    assert proof.old.startswith("Largest Contentful Paint 6.8 s, Lighthouse, version 1")
    assert proof.new == "no proof"
    day = parts["changed", "Valid until"].changes[0]
    assert str(first.valid_until.year) in day.old
    assert "-" not in day.old
    for line in difference.changes(difference.whole(first), difference.whole(second)):
        assert line["sign"] in "+-"
        assert not set("{}[]") & set(line["words"])


@pytest.mark.django_db
def test_what_a_contract_points_to_is_named(ada, ben):
    contract = a_contract(ada, approver=ben)
    old = approvals.content("contract", contract)
    new = json.loads(json.dumps(old)) | {"signer_id": None, "report_weekday": 4, "payment_before_start": False}
    new["clauses"][0][1] += " And more."
    told = {part.title or part.what: part.changes[0] for part in difference.between("contract", old, new)}
    assert told["Who signs for the client"].old == str(contract.signer)
    assert (told["On weekday"].old, told["On weekday"].new) == ("Monday", "Friday")
    assert told["The first invoice is paid before the start"].new == "no"
    clause = contract.contract_clauses.first().clause
    assert told[str(clause)].pieces[-1][0] == "+"


@pytest.mark.django_db
def test_it_costs_the_same_for_many_rows(ada, ben, revised):
    def queries(first, second):
        with CaptureQueriesContext(connection) as seen:
            difference.of_revisions(first, second)
        return len(seen)

    few = queries(*revised)
    first, second = revised
    evidence = Evidence.objects.first()
    for number in range(20):
        second.add(ScopeItem(title=f"Row {number}"), by=ada, evidence=[evidence])
        second.add(Claim(text=f"Claim {number}"), by=ada, evidence=[evidence])
    assert queries(first, second) == few <= 9


# -- Since my last approval. -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_approver_sees_what_changed_since_their_own_last_approval(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    proposal.change(proposal.price_lines.first(), by=ada, unit_price=Decimal("2500"))
    asked = Approval.objects.get(proposal=proposal, aspect="pricing", stage="pending")
    page = as_user(ben).get(reverse("approval", args=[asked.pk])).text
    assert "Changed since you approved it" in page
    assert "$3,000.00" in page
    assert "<ins>" in page
    assert "<del>" in page


@pytest.mark.django_db
def test_an_earlier_revision_counts_and_another_proposal_does_not(ada, ben):
    first = a_proposal(ada, approver=ben, stage="sent")
    second = perform(first.revise(by=ada).submit, by=ada)
    asked = second.approvals.get(aspect="pricing")
    assert difference.given_before(asked, ben).proposal == first
    other = a_proposal(ada, stage="in_review", opportunity=first.opportunity)
    assert difference.given_before(other.approvals.get(aspect="pricing"), ben) is None


@pytest.mark.django_db
def test_one_summary_is_no_earlier_revision_of_another(ada, ben):
    one = a_summary(ada, approver=ben, stage="approved")
    two = a_summary(ada, stage="in_review", opportunity=one.opportunity, title="Another finding")
    assert difference.given_before(two.approvals.get(), ben) is None


@pytest.mark.django_db
def test_ones_own_approval_comes_before_a_later_one_of_somebody_else(ada, ben, eve):
    first = a_proposal(ada, approver=ben, stage="sent")
    second = first.revise(by=ada)
    second = perform(second.submit, by=ada)
    ann = type(ben).objects.create(username="ann2", first_name="Ann", is_staff=True, is_superuser=True)
    second = approve_all(second, ann)
    second = perform(second.send, by=ada, contact=second.opportunity.decision_owner)
    third = perform(second.revise(by=ada).submit, by=ada)
    asked = third.approvals.get(aspect="pricing")
    assert difference.given_before(asked, ben).proposal == first
    assert difference.given_before(asked, ann).proposal == second
    assert difference.given_before(asked, eve).proposal == second


# -- The page. ---------------------------------------------------------------------------------------------------------


def page_of(proposal, **asked):
    return reverse("proposals_proposal_difference", args=[proposal.pk], query=asked)


@pytest.mark.django_db
def test_two_revisions_can_be_compared_from_either_side(as_user, ada, revised):
    first, second = revised
    browser = as_user(ada)
    for address in (page_of(second), page_of(second, **{"with": 1}), page_of(first, **{"with": 2})):
        answer = browser.get(address)
        assert "From revision 1 to revision 2" in answer.text
        assert "$2,500.00" in answer.text
    other = browser.get(page_of(second, of=1, **{"with": 2}))
    assert other.url == page_of(first, **{"with": 2})


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["9", "abc", "", "-1", "2", "999999999999999999999"])
def test_a_revision_that_is_not_there_or_is_this_one_is_asked_for(as_user, ada, revised, asked):
    answer = as_user(ada).get(page_of(revised[1], **{"with": asked}))
    assert answer.status_code == 200
    assert "Choose two different revisions." in answer.text


@pytest.mark.django_db
def test_one_revision_has_nothing_to_be_compared_with(as_user, ada, cem):
    proposal = a_proposal(ada)
    assert "There is one revision so far." in as_user(ada).get(page_of(proposal)).text
    assert as_user(cem).get(page_of(proposal)).status_code == 404


@pytest.mark.django_db
def test_the_page_asks_little(as_user, ada, revised, django_assert_max_num_queries):
    browser = as_user(ada)
    browser.get(page_of(revised[1]))
    with django_assert_max_num_queries(20):
        browser.get(page_of(revised[1]))


@pytest.mark.django_db
def test_the_proposals_page_lists_every_revision(as_user, ada, ben, revised):
    first, second = revised
    proof = second.claims.get().evidence.get()
    for rows in (second.milestones, second.price_lines):
        for row in rows.filter(evidence=None):
            second.change(row, by=ada, evidence=proof)
    second = approve_all(perform(again(second).submit, by=ada), ben)
    perform(second.send, by=ada, contact=second.opportunity.decision_owner)
    page = as_user(ada).get(first.staff_url()).text
    assert "stood in for by revision 2" in page
    assert page_of(first, **{"with": 2}) in page
    assert second.staff_url() in page


# -- Copies. -----------------------------------------------------------------------------------------------------------


def copied(browser, proposal, opportunity):
    address = reverse("proposals_proposal_copy", args=[proposal.pk])
    assert browser.get(address).status_code == 200
    return browser.post(address, {"opportunity": opportunity if isinstance(opportunity, str) else opportunity.pk})


@pytest.mark.django_db
def test_a_copy_has_a_number_of_its_own_no_evidence_and_no_approval(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    there = an_opportunity(ada, stage="proposal")
    answer = copied(as_user(ada), proposal, there)
    copy = Proposal.objects.get(opportunity=there)
    assert answer.url == copy.staff_url()
    assert (copy.stage, copy.revision) == ("draft", 1)
    assert copy.number != proposal.number
    assert not copy.approvals.exists()
    assert not copy.evidence().exists()
    assert copy.source == f"Copy of {proposal.number}, revision 1"
    assert (copy.author, copy.owner) == (ada, ada)
    assert copy.kept_rows() == proposal.kept_rows()
    assert copy.chosen == []
    with pytest.raises(Refused, match="none is attached"):
        perform(copy.submit, by=ada)


@pytest.mark.django_db
def test_a_copy_that_would_be_over_already_is_valid_again(ada, ben, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    time_machine.move_to(timezone.now() + timedelta(days=40))
    copy = proposal.copy_to(an_opportunity(ada, stage="proposal"), by=ada)
    assert copy.valid_until > timezone.localdate()


@pytest.mark.django_db
@pytest.mark.parametrize("chosen", ["", "0", "abc", "99999999999999999999", "their own", "theirs", "lost"])
def test_it_is_copied_into_an_open_opportunity_of_ones_own_only(as_user, ada, ben, cem, chosen):
    proposal = a_proposal(ada)
    place = {"their own": lambda: proposal.opportunity, "theirs": lambda: an_opportunity(cem)}
    there = place[chosen]() if chosen in place else chosen
    if chosen == "lost":
        day = timezone.localdate()
        window = {"reactivate_from": day + timedelta(days=90), "reactivate_to": day + timedelta(days=180)}
        there = perform(an_opportunity(ada).lose, by=ada, reason="price", words="Too dear.", **window)
    answer = copied(as_user(ada), proposal, there)
    assert answer.status_code == 422
    assert "z-wrong" in answer.text
    assert Proposal.objects.count() == 1


@pytest.mark.django_db
def test_who_may_not_write_copies_nothing(as_user, dora, ada, ben, cem):
    proposal = a_proposal(ada)
    address = reverse("proposals_proposal_copy", args=[proposal.pk])
    assert as_user(dora).post(address, {"opportunity": 1}).status_code == 403
    assert as_user(cem).get(address).status_code == 404
    with pytest.raises(Refused, match="Choose another opportunity"):
        proposal.copy_to(proposal.opportunity, by=ada)
