"""Each row shows how its proof stands; the proposal says how much of it is proved, and what it promises unproved."""

from datetime import timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opportunities.models import Evidence
from opportunities.records import Refused, perform
from proposals import coverage, gates
from proposals.models import Claim, Milestone, PriceLine, Proposal, ScopeItem
from tests.makers_proposals import a_proposal

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def slow_of(proposal):
    return Evidence.objects.get(audit__opportunity=proposal.opportunity, metric__startswith="Largest", version=1)


def state_of(row):
    return coverage.of(again(row.proposal)).rows[row]


# -- Badges. -----------------------------------------------------------------------------------------------------------


def test_a_badge_says_who_measured_what_when_and_for_how_long_it_counts(ada):
    proposal = a_proposal(ada)
    badge = state_of(proposal.scope_items.first())
    assert (badge.state, badge.provider, badge.value, badge.words) == ("proven", "Lighthouse", "6.8 s", "58 days left")
    assert badge.url == slow_of(proposal).staff_url()
    proposal.change(proposal.price_lines.get(optional=True), by=ada, evidence=None)
    assert state_of(proposal.price_lines.get(optional=True)).state == "missing"


def withdrawn(proposal, ada, ben):
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")


def corrected(proposal, ada, ben):
    slow_of(proposal).correct(by=ada, value=5, reason="Counted again.")


def unverified(proposal, ada, ben):
    perform(slow_of(proposal).audit.expire, by=None, reason="Measured on the wrong day.")


@pytest.mark.parametrize(
    ("fall", "state", "words"),
    [
        (withdrawn, "withdrawn", "withdrawn"),
        (corrected, "replaced", "replaced by version 2"),
        (unverified, "unverified", "not verified, its audit is stale"),
    ],
)
def test_each_fall_has_its_own_word_and_shape(ada, ben, fall, state, words):
    proposal = a_proposal(ada)
    fall(proposal, ada, ben)
    for row in (proposal.scope_items.first(), proposal.milestones.get(), proposal.claims.get()):
        badge = state_of(row)
        assert (badge.state, badge.words) == (state, words)
        html = render_to_string("proposals/badge.html", {"badge": badge})
        assert f"z-proof-{state}" in html
        assert words in html


def test_what_aged_says_until_when_it_counted(ada, time_machine):
    proposal = a_proposal(ada)
    slow = slow_of(proposal)
    time_machine.move_to(slow.fresh_until - timedelta(days=3), tick=False)
    assert (state_of(proposal.milestones.get()).look, state_of(proposal.milestones.get()).days_left) == ("aging", 3)
    time_machine.move_to(slow.fresh_until)
    badge = state_of(proposal.milestones.get())
    assert badge.state == "stale"
    assert badge.words == f"aged, counted until {coverage.said_day(slow.fresh_until)}"


def test_a_claim_stands_as_its_worst_version_does(ada):
    proposal = a_proposal(ada)
    claim = proposal.claims.get()
    claim.support(Evidence.objects.get(metric__startswith="Bookings"))
    assert (state_of(claim).state, state_of(claim).others) == ("proven", 1)
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")
    assert state_of(claim).state == "withdrawn"


# -- How much. ---------------------------------------------------------------------------------------------------------


def test_it_says_a_hundred_percent_only_when_every_row_is_proved():
    assert (coverage.percent(199, 200), coverage.percent(200, 200), coverage.percent(0, 0)) == (99, 100, 0)


def test_only_rows_that_promise_something_are_counted(ada):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.get(optional=True), by=ada, evidence=None)
    found = coverage.of(proposal)
    assert (found.proven, len(found.rows), found.percent) == (5, 6, 83)
    proposal.add(ScopeItem(kind="optional", title="Photos"), by=ada)
    assert len(coverage.of(proposal).rows) == 7
    assert not any(getattr(row, "kind", "") == "excluded" for row in found.rows)


def spoil_method(proposal, evidence, ada):
    proposal.add(Claim(text="Bookings rise.", kind="projection", low=1, high=2), by=ada, evidence=[evidence])


def spoil_range(proposal, evidence, ada):
    claim = Claim(text="Bookings rise.", kind="projection", method="We counted.", low=1)
    proposal.add(claim, by=ada, evidence=[evidence])


def spoil_unit(proposal, evidence, ada):
    claim = Claim(text="It takes long.", low=1, high=7, unit=" S")
    proposal.add(claim, by=ada, evidence=[evidence])
    proposal.change(claim, by=ada, unit="hours")


def spoil_measure(proposal, evidence, ada):
    claim = Claim(text="It takes long.", low=1, high=7, unit=" S")
    proposal.add(claim, by=ada, evidence=[evidence])
    proposal.change(claim, by=ada, high=2)


def spoil_guarantee(proposal, evidence, ada):
    claim = Claim(text="It is quick.", kind="guarantee", metric="Speed", low=1, high=2, unit="s", method="We counted.")
    proposal.add(claim, by=ada, evidence=[evidence])
    proposal.change(claim, by=ada, metric=" ")


def spoil_evidence(proposal, evidence, ada):
    evidence.withdraw(by=ada, reason="The wrong site.")


def spoil_nothing(proposal, evidence, ada):
    claim = Claim(text="It takes long.", low=1, high=2, unit=" S", kind="projection", method="We counted.")
    proposal.add(claim, by=ada, evidence=[evidence])


@pytest.mark.parametrize(
    "spoil", [spoil_method, spoil_range, spoil_unit, spoil_measure, spoil_guarantee, spoil_evidence, spoil_nothing]
)
def test_the_lists_count_as_the_page_does(ada, spoil):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.get(optional=True), by=ada, evidence=None)
    proposal.add(ScopeItem(kind="optional", title="Photos"), by=ada)
    spoil(proposal, slow_of(proposal), ada)
    counted = coverage.annotated(Proposal.objects.filter(pk=proposal.pk)).get()
    found = coverage.of(again(proposal))
    assert (counted.rows_proven, counted.rows_in_all) == (found.proven, len(found.rows))
    assert (found.percent == 100) is False


def test_it_asks_five_times_however_many_rows_there_are(ada):
    proposal, evidence = a_proposal(ada), Evidence.objects.first()
    for number in range(12):
        proposal.add(ScopeItem(title=f"Row {number}"), by=ada, evidence=[evidence])
        proposal.add(Milestone(title=f"Step {number}"), by=ada, evidence=[evidence])
        proposal.add(PriceLine(title=f"Line {number}", unit_price=1), by=ada, evidence=[evidence])
        proposal.add(Claim(text=f"Claim {number}"), by=ada, evidence=[evidence])
    with CaptureQueriesContext(connection) as seen:
        assert len(coverage.of(proposal).rows) == 6 + 48
    assert len(seen) == 5
    with CaptureQueriesContext(connection) as seen:
        coverage.unclaimed(proposal)
    assert len(seen) == 5


def test_page_list_and_panel_say_it(as_user, ada):
    proposal, browser = a_proposal(ada), as_user(ada)
    proposal.change(proposal.price_lines.get(optional=True), by=ada, evidence=None)
    page = browser.get(proposal.staff_url()).text
    assert 'value="83"' in page
    assert "Lighthouse, 6.8 s" in page
    assert "83%" in browser.get(reverse("admin:proposals_proposal_changelist")).text
    assert "83%, 5 of 6 rows" in browser.get(f"{proposal.opportunity.staff_url()}?tab=proposals").text


def test_the_list_asks_the_same_for_one_and_for_ten(as_user, ada):
    proposal, browser = a_proposal(ada), as_user(ada)
    address = reverse("admin:proposals_proposal_changelist")

    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(address).status_code == 200
        return len(seen)

    queries()
    one = queries()
    for _ in range(9):
        a_proposal(ada, opportunity=proposal.opportunity)
    assert queries() == one <= 12


# -- What no claim makes. ----------------------------------------------------------------------------------------------


def test_each_promise_without_a_claim_is_named_where_it_stands(ada):
    proposal = a_proposal(ada, intro="We double your bookings.")
    row = proposal.scope_items.get(kind="included")
    proposal.change(row, by=ada, text="You win 30 % more calls.")
    found = [mark for mark in coverage.unclaimed(proposal) if mark.blocking]
    assert [(mark.words, mark.row, mark.field) for mark in found] == [("double", None, "intro"), ("30 %", row, "text")]
    with pytest.raises(Refused) as refusal:
        perform(again(proposal).submit, by=ada)
    assert [(lack.words, lack.url) for lack in refusal.value.lacks] == [
        (
            "Make a claim with evidence of “double”, or take it out of the opening words.",
            proposal.staff_url("id_intro"),
        ),
        (
            "Make a claim with evidence of “30 %”, or take it out of the text of “Faster pages”.",
            row.staff_url(),
        ),
    ]


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("You have 40 calls.", ["40"]),
        ("About 1,200 visits, or 7.5 a day.", ["1,200", "7.5"]),
        ("It takes 3 weeks, or 21 days, in 2027.", []),
        ("The 1st of May, page A4, version v2, 24/7.", []),
        ("Your page takes 6.8 seconds to show.", []),
        ("", []),
    ],
)
def test_a_bare_number_is_marked_and_stops_nothing(ada, words, marked):
    proposal = a_proposal(ada, intro=words)
    assert [mark.words for mark in coverage.unclaimed(proposal) if mark.kind == "number"] == marked
    assert perform(proposal.submit, by=ada).stage == "in_review"


def test_the_words_of_evidence_that_a_client_reads_are_read_first_each_with_its_link(ada):
    proposal = a_proposal(ada)
    said = {
        "metric": "Gross margin on implants, internal guess",
        "unit": "% guaranteed",
        "provider": "Tom Reed, +49 170 1234567, tom@rival.example",
    }
    slow = slow_of(proposal)
    shown = Evidence.ready(slow.audit, by=ada, value=38, captured_at=slow.captured_at, **said)
    shown.save()
    assert not again(proposal).unsafe()
    proposal.claims.get().evidence.add(shown)
    marks = again(proposal).unsafe()
    assert [mark.mark.words for mark in marks] == [
        *("Gross margin", "internal"),
        *("+49 170 1234567", "tom@rival.example"),
    ]
    assert {mark.url for mark in marks} == {shown.staff_url()}
    assert marks[0].sentence.endswith(f"It stands in the metric of “{shown}”.")
    assert [(mark.words, mark.url) for mark in coverage.unclaimed(again(proposal)) if mark.blocking] == [
        ("guaranteed", shown.staff_url())
    ]
    with pytest.raises(Refused, match="Gross margin"):
        perform(again(proposal).submit, by=ada)


def test_words_of_a_claim_that_fell_are_unclaimed_again(ada):
    proposal = a_proposal(ada, intro="Only 41 % of visits end well.")
    proposal.add(Claim(text="Of visits, 41 % end well.", method="Counted."), by=ada, evidence=[slow_of(proposal)])
    assert not [mark for mark in coverage.unclaimed(proposal) if mark.blocking]
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")
    assert [mark.words for mark in coverage.unclaimed(again(proposal)) if mark.blocking] == ["41 %"]


# -- Submitting. -------------------------------------------------------------------------------------------------------


def test_every_row_on_proof_that_fell_is_named_with_its_link(ada):
    proposal = a_proposal(ada)
    slow_of(proposal).withdraw(by=ada, reason="The wrong site.")
    lacks = [str(lack) for lack in gates.proof_stands.lacks(again(proposal))]
    for title in ("Faster pages", "Mend the slowest pages", "Mending", "Your largest page takes 6.8 seconds"):
        assert any(f"under “{title}" in words and "it was withdrawn" in words for words in lacks), (title, lacks)
