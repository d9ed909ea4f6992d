"""Change orders: begun from a disputed promise, approved and accepted like any offer, and inherited once."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from handoff import changeorders, gates, inherit
from handoff.models import Promise, Receipt
from opportunities.models import Event, Notice, Task
from opportunities.records import Refused, edit, perform
from portal.models import Publication
from proposals import changing
from proposals.models import Claim, Contract, PriceLine, Proposal
from tests.makers_changes import AGREED, SIGNED, a_change, a_dispute, walk
from tests.makers_handoff import a_handoff, a_project, a_report, a_signed_deal
from tests.makers_proposals import a_proposal, approve_all
from zarts.desk.templatetags.zarts_desk import day


def again(record):
    return type(record).objects.get(pk=record.pk)


def reasons(refusal):
    return refusal.value.reasons


# -- Settling. ---------------------------------------------------------------------------------------------------------


def test_a_dispute_is_settled_with_an_outcome_by_whoever_sells(ada, ben, dora):
    promise = a_dispute(ada, manager=ben, delivery=dora)

    promise = perform(promise.settle, by=ada, outcome="as_sold", reason="Six weeks are enough, Bo agreed.")
    assert (promise.get_outcome_display(), promise.settled_as) == ("Kept as sold", "Six weeks are enough, Bo agreed.")
    assert promise.handoff.promises.unanswered().filter(pk=promise.pk).count() == 0


def test_delivery_does_not_settle_what_it_disputes_itself(ada, ben, dora):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    with pytest.raises(PermissionDenied):
        perform(promise.settle, by=dora, outcome="as_sold", reason="Fine.")


def test_whoever_disputed_it_does_not_settle_it_even_as_a_manager(ada, ben, dora):
    promise = a_handoff(ada, manager=ben, delivery=dora).promises.first()
    promise = perform(promise.dispute, by=ben, reason="We never do this.")
    with pytest.raises(PermissionDenied):
        perform(promise.settle, by=ben, outcome="withdrawn", reason="Fine.")


def test_reworded_needs_a_change_order_that_the_client_accepted(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="sent")
    promise = change.rewords.get()

    for named in (None, change):
        with pytest.raises(Refused, match="Have the client accept a change order"):
            perform(promise.settle, by=ada, outcome="reworded", reason="Half of it.", change_order=named)


@pytest.mark.parametrize("outcome", ["withdrawn", "reworded"])
def test_what_was_let_go_is_neither_kept_nor_broken(ada, ben, dora, outcome):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted" if outcome == "reworded" else "draft")
    promise = change.rewords.get()
    if outcome == "withdrawn":
        promise = perform(promise.settle, by=ada, outcome="withdrawn", reason="Bo does not need it.")

    for move, details in ((promise.keep, {}), (promise.give_up, {"reason": "No time."})):
        with pytest.raises(Refused, match="nobody owes it any more"):
            perform(move, by=dora, shown="The site.", **details)


# -- Beginning one. ----------------------------------------------------------------------------------------------------


def test_it_begins_with_the_row_that_was_sold_and_names_its_contract(ada, ben, dora):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    change = changeorders.reword(promise, by=ada)
    contract = promise.handoff.contract

    assert change.title == f"Change order to {contract.number}: Faster pages"
    assert (change.changes, change.stage, change.author, change.currency) == (contract, "draft", ada, "USD")
    (row,) = change.scope_items.all()
    assert (row.kind, row.title, row.text) == ("included", "Faster pages", "We mend the ten slowest pages.")
    assert row.evidence is not None
    assert again(promise).change_order == change
    assert Task.objects.about(change).get(stage="open").owner == ada


def test_whoever_presses_twice_gets_the_one_that_names_it(ada, ben, dora):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    first, second = (changeorders.reword(promise, by=ada) for _ in range(2))
    assert first == second
    assert first.scope_items.count() == 1


def test_a_second_dispute_goes_into_the_one_that_is_written(ada, ben, dora):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    other = perform(promise.handoff.promises.get(kind="milestone").dispute, by=dora, reason="Too short.")
    change = changeorders.reword(promise, by=ada)

    assert changeorders.reword(other, by=ada) == change
    assert change.milestones.get().title == other.title


def test_a_contract_has_one_open_change_order_at_a_time(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="sent")
    with pytest.raises(Refused, match="Wait until the client has answered"):
        changeorders.order(change.changes.handoffs.get(), "More", by=ada)
    with pytest.raises(Refused, match="Finish the change order that is open first"):
        Proposal.begin_change(change.changes, "More", by=ada, author=ada)


def test_only_a_contract_in_force_of_a_deal_that_is_won_is_changed(ada, ben, dora):
    deal = a_signed_deal(ada, manager=ben)
    contract = deal.contracts.get()
    with pytest.raises(Refused, match="Mark the deal as won first"):
        Proposal.begin_change(contract, "More", by=ada, author=ada)

    handoff = perform(deal.win, by=ada, reason="proof", competitor="Nobody").handoffs.get()
    perform(contract.end, by=ben, reason="They went bankrupt.")
    with pytest.raises(Refused, match="Have the contract in force first"):
        changeorders.order(again(handoff), "More", by=ada)


def test_of_whoever_may_not_write_offers_the_seller_writes_it(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora, stage="accepted")
    change = changeorders.order(handoff, "A new design", by=dora)
    assert (change.author, change.owner) == (ada, ada)
    assert Event.objects.get(verb="proposal.create", record_id=change.pk).actor == dora


# -- Its way. ----------------------------------------------------------------------------------------------------------


def test_it_needs_a_row_and_the_same_approvals_as_any_offer(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    change = changeorders.order(handoff, "More", by=ada)
    with pytest.raises(Refused) as refusal:
        perform(change.submit, by=ada)
    assert reasons(refusal) == ["Say what changes: add a row."]

    change = walk(changeorders.reword(a_dispute(ada, manager=ben, delivery=dora), by=ada), ada, ben, "in_review")
    asked = set(change.approvals.filter(stage="pending").values_list("aspect", flat=True))
    assert asked == {"proposal", "pricing", "claims"}
    change = approve_all(change, ben)
    change.change(change.scope_items.get(), by=ada, text="We mend five pages.")
    assert again(change).stage == "in_review"


def test_it_gets_no_contract_of_its_own_and_is_not_taken_back_once_accepted(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    with pytest.raises(Refused, match="needs no contract of its own"):
        Contract.draw_up(change, by=ada)
    with pytest.raises(Refused):
        perform(change.withdraw, by=ada, reason="We changed our minds.")
    with pytest.raises(Refused, match="begin another change order"):
        change.revise(by=ada)
    assert not Task.objects.filter(title__startswith="Start the contract of the accepted", record_id=change.pk).exists()


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"name": " "}, "Say who accepts it"),
        ({"role": ""}, "Say who accepts it"),
        ({"consent": None}, "Agree to the words"),
    ],
)
def test_without_name_role_and_consent_it_is_not_accepted(ada, ben, dora, missing, words):
    change = a_change(ada, manager=ben, delivery=dora, stage="viewed")
    with pytest.raises(Refused, match=words):
        perform(change.accept, by=change.recipient, **{**SIGNED, **missing})
    with pytest.raises(Refused, match="Agree to the words"):
        perform(change.accept, by=change.recipient, **{**SIGNED, "consent": {**AGREED, "text": "Whatever."}})


def test_a_contract_that_ends_takes_its_open_change_order_back(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="viewed")
    perform(change.changes.end, by=ben, reason="They went bankrupt.")
    assert again(change).stage == "withdrawn"


def test_a_declined_one_leaves_the_dispute_open_and_its_next_revision_rewords(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="viewed")
    promise = change.rewords.get()
    change = perform(change.decline, by=change.recipient, reason="Too late for us.")
    assert again(promise).stage == "disputed"

    newer = change.revise(by=ada)
    assert newer.changes == change.changes
    walk(newer, ada, ben, "accepted")
    assert (again(promise).stage, again(promise).change_order) == ("settled", newer)


# -- What follows when it is accepted. ---------------------------------------------------------------------------------


def test_its_rows_become_promises_once_and_stand_on_the_receipt(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    handoff = change.changes.handoffs.get()
    row = change.scope_items.get()

    new = handoff.promises.get(record_type="proposals.scopeitem", record_id=row.pk)
    assert (new.kind, new.title, new.sold_by, new.stage) == ("deliverable", "Faster pages", ada, "offered")
    assert Receipt.objects.filter(handoff=handoff, record_type=Promise.label(), record_id=new.pk).count() == 1
    count = handoff.promises.count()
    inherit.inherit_change(change, by=None)
    assert handoff.promises.count() == count


def test_the_promises_that_named_it_are_settled_as_reworded_and_both_owners_hear(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    promise = change.rewords.get()

    assert (promise.stage, promise.outcome, promise.change_order) == ("settled", "reworded", change)
    assert change.number in promise.settled_as
    for user in (ada, dora):
        assert Notice.objects.filter(user=user, kind="answer", words__contains=change.number).exists()
    assert not Task.objects.about(promise).unfinished().exists()


def test_accepting_the_handoff_waits_for_what_it_adds(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    handoff = again(change.changes.handoffs.get())
    for promise in handoff.promises.filter(stage="offered").exclude(record_id=change.scope_items.get().pk):
        perform(promise.accept, by=dora)
    with pytest.raises(Refused) as refusal:
        perform(handoff.accept, by=dora)
    assert reasons(refusal) == ["Accept or dispute the promise “Faster pages”."]
    asked = Task.objects.about(handoff).filter(title__startswith="Answer what ")
    assert asked.unfinished().exists()
    perform(handoff.promises.unanswered().get().accept, by=dora)
    assert not asked.unfinished().exists()


def test_what_it_costs_is_billed_and_what_it_claims_is_measured_from_the_next_report(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora)
    proof = change.scope_items.get().evidence
    price = PriceLine(title="Five more pages", recurring="once", unit_price=Decimal(700), internal_cost=0)
    change.add(price, by=ada, evidence=[proof])
    claim = Claim(text="The first page shows in 3 to 4 seconds.", metric="First page", low=3, high=4, unit="s")
    claim.kind, claim.method = "projection", "Two sites of the same size."
    change.add(claim, by=ada, evidence=[proof])
    walk(change, ada, ben, "accepted")

    assert Task.objects.get(title__startswith="Bill what it costs").owner == ada
    terms = change.changes.handoffs.get().project.cadences.get()
    assert terms.metrics[-1]["claim"] == claim.pk
    numbers = terms.reports.first().numbers
    assert (numbers[-1]["metric"], numbers[-1]["promised"], numbers[-1]["value"]) == ("First page", "3 to 4", None)


# -- Who assumes one offer a deal. -------------------------------------------------------------------------------------


def test_a_live_client_goes_on_reading_that_they_are_live(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    change = walk_new(project.handoff, ada, ben, "sent")

    status = Publication.objects.filter(kind="status").latest("id").body
    assert status["path"][-1]["state"] == "now"
    assert status["about"] == "Faster pages, more bookings"
    assert status["needs"] == [
        {"what": "Read and answer our change order", "url_kind": "proposal", "id": change.publication_id}
    ]
    change = perform(perform(change.mark_viewed, by=change.recipient).accept, by=change.recipient, **SIGNED)
    status = Publication.objects.filter(kind="status").latest("id").body
    assert (status["needs"], status["path"][-1]["state"]) == ([], "now")
    due = project.reports.filter(stage="scheduled").first().due_on.isoformat()
    assert status["next"] == {"what": "Your next report", "on": due, "who": "Dora"}


def walk_new(handoff, ada, ben, stage):
    change = changeorders.order(
        handoff, "A new design", by=ada, row=changeorders.added_for(handoff.promises.get(kind="exclusion"))
    )
    return walk(change, ada, ben, stage)


def test_it_tells_no_finding_again_and_says_which_contract_it_changes(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="sent")
    body = Publication.objects.get(pk=change.publication_id).body
    assert body["changes"] == {"ref": f"proposals.contract:{change.changes_id}", "number": change.changes.number}
    assert (body["findings"], body["reporting"]) == ([], {})


def test_it_is_not_copied_to_another_deal(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora)
    other = a_proposal(ada).opportunity
    with pytest.raises(Refused, match="belongs to its contract"):
        change.copy_to(other, by=ada)


def test_the_end_of_old_evidence_asks_nobody_about_an_accepted_one(ada, ben, dora):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    audit = change.opportunity.audits.get()
    perform(audit.withdraw, by=ben, reason="Measured on the wrong site.")
    assert not Task.objects.about(change).filter(title__contains="Decide whether to withdraw").exists()


def claims_of(reports):
    return [[number["claim"] for number in report.numbers] for report in reports.order_by("due_on")]


def test_a_claim_that_is_withdrawn_leaves_the_cadence_and_the_reports_that_nobody_approved(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    terms, promise = handoff.project.cadences.get(), handoff.promises.get(kind="claim")
    claim = promise.record_id
    assert claims_of(terms.reports) == [[claim]] * 3
    begun = perform(terms.reports.first().start, by=dora)
    begun = edit(begun, by=dora, numbers=[{**number, "value": "2.1"} for number in begun.numbers])
    promise = perform(promise.dispute, by=dora, reason="Nobody can measure it.")
    perform(promise.settle, by=ada, outcome="withdrawn", reason="Bo does not need it.")

    assert again(terms).metrics == []
    assert claims_of(terms.reports) == [[], [], []]
    assert list(gates.numbers_are_filled.lacks(again(begun))) == []
    left = Event.objects.filter(verb="report.edit", record_id=begun.pk, reason__contains="was withdrawn").get()
    assert left.facts.values["numbers"][0][0]["value"] == "2.1", "what was typed stays in its diary"


def test_a_claim_that_is_withdrawn_stays_in_a_report_that_somebody_approved(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    numbers = report.numbers
    promise = report.project.handoff.promises.get(kind="claim")
    inherit.measure_no_more(promise)

    assert again(report).numbers == numbers
    assert list(gates.is_as_approved.lacks(again(report))) == []


def test_a_claim_that_is_kept_as_sold_stays_in_the_reports(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    terms, promise = handoff.project.cadences.get(), handoff.promises.get(kind="claim")
    promise = perform(promise.dispute, by=dora, reason="Nobody can measure it.")
    perform(promise.settle, by=ada, outcome="as_sold", reason="Bo shows how.")

    assert claims_of(terms.reports) == [[promise.record_id]] * 3


def test_a_claim_that_is_reworded_stands_once_in_the_reports_as_it_is_promised_now(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    terms, promise = handoff.project.cadences.get(), handoff.promises.get(kind="claim")
    promise = perform(promise.dispute, by=dora, reason="Two of ten pages stay slow.")
    change = walk(changeorders.reword(promise, by=ada), ada, ben, "accepted")
    claim = change.claims.get()

    assert again(promise).outcome == "reworded"
    assert [metric["claim"] for metric in again(terms).metrics] == [claim.pk]
    assert claims_of(terms.reports) == [[claim.pk]] * 3
    inherit.inherit_change(change, by=None)
    assert claims_of(terms.reports) == [[claim.pk]] * 3, "asked again, nothing stands twice"


# -- Where they are found again. ---------------------------------------------------------------------------------------


def test_a_contracts_page_lists_what_changed_since_it_was_signed(ada, ben, dora, as_user):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    page = as_user(ada).get(change.changes.staff_url()).content.decode()
    listed = page.split('id="change-orders"')[1].split("</section>")[0]
    approved = change.approvals.filter(stage="approved").latest("decided_at").decided_at
    for words in (
        *(change.staff_url(), change.number, "Accepted", str(change.scope_items.first())),
        *(f"approved {day(approved)}", f"accepted {day(change.answered_at)}"),
    ):
        assert words in listed


def test_a_contract_that_nothing_changed_has_no_list_of_changes(ada, ben, dora, as_user):
    contract = a_handoff(ada, manager=ben, delivery=dora).contract
    assert 'id="change-orders"' not in as_user(ada).get(contract.staff_url()).content.decode()


def test_the_projects_page_leads_to_its_contract_and_to_each_change(ada, ben, dora, as_user):
    change = a_change(ada, manager=ben, delivery=dora, stage="sent")
    project = change.changes.handoffs.get().project
    page = as_user(dora).get(project.staff_url()).content.decode()
    for record in (change, change.changes):
        assert f'href="{record.staff_url()}"' in page


def test_however_many_change_orders_there_are_a_few_queries_list_them(ada, ben, dora, django_assert_num_queries):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    perform(Proposal.begin_change(change.changes, "One page more", by=ada, author=ada).withdraw, by=ada, reason="No.")
    with django_assert_num_queries(5):
        assert len(changing.orders_to(change.changes)) == 2
