"""The eight outputs of a deal: each with its seven fields, nothing made up, as a page and a file that runs nothing."""

import csv
import io
from datetime import date

import pytest
from django.urls import reverse

from opportunities.models import Audit, Opportunity
from opportunities.records import begin, edit, perform
from tests.makers import an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary, approve_all
from zarts.desk.outputs import FIELDS, OUTPUTS, outputs_of
from zarts.desk.views import outputs as view

pytestmark = pytest.mark.django_db


def again(record):
    return type(record)._base_manager.get(pk=record.pk)


def lines_of(deal):
    """Return the outputs of a deal by their names."""
    return {line.name: line for line in outputs_of([again(deal)])[deal.pk]}


def begun(deal):
    return [name for name, line in lines_of(deal).items() if line.record]


def file_of(browser, name, *args, **query):
    """Return the rows of a file, each a dictionary by its heads."""
    answer = browser.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    raw = b"".join(answer.streaming_content)
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


# -- What is there, and what is not yet. -------------------------------------------------------------------------------


def test_a_just_qualified_deal_has_one_and_says_what_begins_the_others(ada, as_user):
    deal = an_opportunity(ada)

    assert begun(deal) == ["Qualified opportunity"]
    page = as_user(ada).get(reverse("outputs", args=[deal.pk])).text
    assert page.count("Not begun") == 7
    for name in list(OUTPUTS)[1:]:
        assert OUTPUTS[name] in page


def test_a_won_deal_has_all_eight_with_each_of_the_seven_or_why_not(world):
    for line in lines_of(world).values():
        assert line.record, line.name
        assert [name for name, *_ in line.cells] == list(FIELDS)
        for name, _, value, why in line.cells:
            assert value or (name in ("due_on", "next_action") and why), (line.name, name)


def test_each_stage_brings_its_output(ada, ben):
    assert begun(an_opportunity(ada, stage="discovery")) == list(OUTPUTS)[:2]
    assert begun(an_opportunity(ada, stage="audit")) == list(OUTPUTS)[:3]
    assert begun(a_proposal(ada, stage="draft").opportunity) == list(OUTPUTS)[:4]
    assert begun(a_proposal(ada, stage="in_review").opportunity) == list(OUTPUTS)[:5]
    assert begun(a_contract(ada, approver=ben, stage="draft").opportunity) == list(OUTPUTS)[:6]


def test_the_state_of_approval_is_what_still_waits(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    asked = proposal.approvals.order_by("pk")
    perform(asked[0].approve, by=ben, digest=asked[0].digest)

    values = lines_of(proposal.opportunity)["Approval state"].values

    assert values["stage"] == f"Pending, 1 of {asked.count()} given"
    assert values["scope_state"] == again(proposal).get_scope_state_display()


def test_a_lost_deal_tells_its_reason_and_a_reopened_one_goes_on(ada):
    deal = an_opportunity(ada)
    window = {"reactivate_from": date(2027, 3, 1), "reactivate_to": date(2027, 6, 1)}
    deal = perform(deal.lose, by=ada, reason="price", words="Twice what they planned.", **window)

    lost = lines_of(deal)["Won or lost reason"]
    assert lost.record == deal.closings.get()
    assert lost.values["owner"] == str(ada)


def test_what_is_settled_owes_nothing_more(ada):
    deal = an_opportunity(ada, stage="audit")
    values = lines_of(deal)["Discovery notes"].values
    assert (values["due_on"], values["next_action"]) == (None, "")


# -- What is derived: how far the scope and the words for the client have come. -------------------------------------


def standing_of(deal):
    """Return the scope and the words for the client, as the outputs say them."""
    values = lines_of(deal)["Qualified opportunity"].values
    return values["scope_state"], values["client_safe"]


def test_a_deal_says_how_far_its_offer_has_come(ada, ben):
    deal = an_opportunity(ada, stage="proposal")
    assert standing_of(deal) == ("Unscoped", "None yet")

    proposal = a_proposal(ada, opportunity=deal)
    assert standing_of(deal) == ("Drafted", "Drafted")
    proposal = perform(proposal.submit, by=ada)
    assert standing_of(deal) == ("Verified", "In review")
    proposal = approve_all(proposal, ben)
    assert standing_of(deal) == ("Approved", "Approved")
    proposal = perform(proposal.pause, by=ada, reason="They moved house.")
    assert standing_of(deal) == ("Changed", "Approved")
    proposal = perform(proposal.resume, by=ada)
    assert standing_of(deal) == ("Approved", "Approved")
    proposal = perform(proposal.send, by=ada, contact=deal.decision_owner)
    assert standing_of(deal) == ("Approved", "Published")
    perform(proposal.withdraw, by=ada, reason="A wrong price.")
    assert standing_of(deal) == ("Unscoped", "Withdrawn")


def test_the_proof_and_the_notes_say_whether_a_client_reads_what_came_of_them(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    lines = lines_of(proposal.opportunity)
    assert [lines[name].values["client_safe"] for name in ("Discovery notes", "Audit proof")] == ["Approved"] * 2

    perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)

    lines = lines_of(proposal.opportunity)
    assert [lines[name].values["client_safe"] for name in ("Discovery notes", "Audit proof")] == ["Published"] * 2


def test_an_audit_that_no_offer_rests_on_has_said_nothing_to_a_client(ada, ben):
    deal = a_proposal(ada, approver=ben, stage="sent").opportunity
    begin(Audit(opportunity=deal, name="A second look", owner=ada, next_action="Collect the evidence"), by=ada)

    perform(deal.proposals.get().mark_viewed, by=deal.decision_owner)

    assert [audit.client_safe for audit in deal.audits.order_by("pk")] == ["published", "internal"]


def test_what_a_client_finds_of_a_finding_is_said_before_there_is_an_offer(ada, ben):
    deal = an_opportunity(ada, stage="proposal")
    a_summary(ada, approver=ben, stage="approved", opportunity=deal)

    assert deal.audits.get().client_safe == "approved"
    assert standing_of(deal) == ("Unscoped", "Approved")


def test_a_handoff_says_that_its_contract_is_with_the_client(world):
    line = lines_of(world)["Contract handoff"]
    assert line.record == world.handoffs.get()
    assert line.values["client_safe"] == "Published"
    assert standing_of(world) == ("Approved", "Published")


def test_a_lost_deal_keeps_its_scope_and_says_that_its_words_were_taken_back(ada, ben):
    deal = again(a_contract(ada, approver=ben, stage="sent").opportunity)
    window = {"reactivate_from": date(2027, 3, 1), "reactivate_to": date(2027, 6, 1)}

    deal = perform(deal.lose, by=ada, reason="price", words="Twice what they planned.", **window)

    assert standing_of(deal) == ("Approved", "Withdrawn")
    perform(again(deal).reopen, by=ada, reason="They found money.")
    assert standing_of(deal) == ("Unscoped", "Withdrawn")


def test_the_page_of_a_deal_says_it_too(ada, ben, as_user):
    deal = a_proposal(ada, approver=ben, stage="sent").opportunity
    page = as_user(ada).get(deal.staff_url()).text
    assert "<dt>Scope state</dt><dd>Approved</dd>" in page
    assert "<dt>Words for the client</dt><dd>Published</dd>" in page


# -- Files. ------------------------------------------------------------------------------------------------------------


def test_the_file_has_eight_rows_of_seven_fields(world, ada, as_user):
    rows = file_of(as_user(ada), "outputs_csv", world.pk)

    assert [row["Output"] for row in rows] == list(OUTPUTS)
    assert list(rows[0]) == ["Opportunity", "Client", "Output", *FIELDS.values()]
    dates = [row["Due date"] for row in rows if row["Due date"]]
    assert dates
    for text in dates:
        date.fromisoformat(text)


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t=", "\r=", "＝", "\u202e="])
def test_a_spreadsheet_runs_nothing_that_somebody_typed(ada, as_user, begins):
    deal = an_opportunity(ada)
    edit(deal, by=ada, next_action=f'{begins}HYPERLINK("https://evil.example","x")')

    (row, *_) = file_of(as_user(ada), "outputs_csv", deal.pk)

    assert row["Next action"].startswith("'")


def test_the_list_has_eight_rows_for_each_deal_that_one_may_see(ada, cem, ben, as_user):
    mine, theirs = an_opportunity(ada), an_opportunity(cem)

    assert {row["Opportunity"] for row in file_of(as_user(ada), "outputs_list_csv")} == {str(mine)}
    assert len(file_of(as_user(cem), "outputs_list_csv")) == 8
    assert str(theirs) in {row["Opportunity"] for row in file_of(as_user(cem), "outputs_list_csv")}


def test_the_list_is_the_one_that_was_filtered(ada, as_user):
    an_opportunity(ada)
    found = an_opportunity(ada, stage="discovery")

    rows = file_of(as_user(ada), "outputs_list_csv", stage="discovery")

    assert {row["Opportunity"] for row in rows} == {str(found)}
    assert "outputs.csv?stage=discovery" in as_user(ada).get("/admin/opportunities/opportunity/?stage=discovery").text


def test_a_long_list_is_read_some_at_a_time(ada, as_user, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(view, "BATCH", 2)
    deals = [an_opportunity(ada) for _ in range(5)]

    rows = file_of(as_user(ada), "outputs_list_csv")

    assert [row["Opportunity"] for row in rows[::8]] == [str(deal) for deal in reversed(deals)]


@pytest.mark.parametrize("query", ["?q=%00", "?q=%ED%A0%80", "?stage=nowhere", "?stage=%00", "?owner=x", "?e=1"])
def test_a_filter_that_is_not_there_breaks_nothing(ada, as_user, query):
    an_opportunity(ada)
    answer = as_user(ada).get(reverse("outputs_list_csv") + query)
    assert answer.status_code in (200, 302, 400)
    if answer.streaming:
        b"".join(answer.streaming_content)


# -- Who, and at what cost. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["checklist", "outputs", "outputs_csv"])
def test_nobody_reads_a_deal_of_others(ada, cem, as_user, name):
    assert as_user(cem).get(reverse(name, args=[an_opportunity(ada).pk])).status_code == 404


@pytest.mark.parametrize("name", ["checklist", "outputs"])
def test_the_sheet_says_that_it_is_internal(ada, as_user, name):
    assert "Internal: not for clients" in as_user(ada).get(reverse(name, args=[an_opportunity(ada).pk])).text


def test_many_deals_are_read_as_quickly_as_one(ada, ben, world, django_assert_num_queries):
    deals = [world, an_opportunity(ada, stage="audit"), a_proposal(ada, stage="in_review").opportunity]
    deals = list(Opportunity.objects.filter(pk__in=[deal.pk for deal in deals]).select_related("client", "owner"))
    with django_assert_num_queries(8):
        outputs_of(deals[:1])
    with django_assert_num_queries(8):
        list(view.rows_of(deals))


def test_the_page_costs_a_bounded_number_of_queries(ada, world, as_user, django_assert_max_num_queries):
    browser = as_user(ada)
    with django_assert_max_num_queries(15):
        browser.get(reverse("outputs", args=[world.pk]))
