"""How promises end: kept or broken, with what shows it; how claims came out; why deals were won and lost."""

from decimal import Decimal

import pytest
from django.urls import reverse

from handoff import scorecard
from handoff.models import Promise
from opportunities.models import Event, Evidence, Notice, Task
from opportunities.records import Refused, perform
from proposals.models import Claim
from tests.conftest import taken_away
from tests.makers import an_opportunity
from tests.makers_changes import a_change, a_dispute
from tests.makers_handoff import a_handoff, a_report
from tests.makers_proposals import a_proposal


def again(record):
    return type(record).objects.get(pk=record.pk)


def held(ada, ben, dora, kind="deliverable"):
    return a_handoff(ada, manager=ben, delivery=dora, stage="accepted").promises.get(kind=kind)


# -- Kept and broken. --------------------------------------------------------------------------------------------------


def test_nothing_is_kept_or_broken_without_what_shows_it(ada, ben, dora):
    promise = held(ada, ben, dora)
    for move, details in ((promise.keep, {}), (promise.give_up, {"reason": "No time."})):
        with pytest.raises(Refused, match="Say what shows it"):
            perform(move, by=dora, shown="  ", **details)


def test_what_shows_it_stays_on_the_promise_in_words_a_report_and_evidence(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="published")
    proof = Evidence.objects.filter(audit__opportunity=report.project.opportunity).first()
    promise = report.project.handoff.promises.get(kind="deliverable")
    promise = perform(promise.keep, by=dora, shown="Bo looked at it on Monday.", report=report, evidence=proof)

    assert (promise.shown, promise.shown_report, promise.shown_evidence) == (
        "Bo looked at it on Monday.",
        report,
        proof,
    )
    page = as_user(dora).get(promise.staff_url()).content.decode()
    assert "Bo looked at it on Monday." in page
    assert report.staff_url() in page
    assert proof.staff_url() in page


def test_what_shows_it_is_of_this_deal(ada, ben, dora):
    promise = held(ada, ben, dora)
    foreign = Evidence.objects.filter(audit__opportunity=an_opportunity(ada, stage="proposal")).first()
    with pytest.raises(Refused, match="of this deal"):
        perform(promise.keep, by=dora, evidence=foreign)


@pytest.mark.parametrize("kind", ["assumption", "dependency"])
def test_what_we_relied_on_and_did_not_hold_is_told_to_both_owners_and_the_client_is_to_hear(ada, ben, dora, kind):
    promise = held(ada, ben, dora, kind)
    perform(promise.give_up, by=ben, reason="They moved the site.", shown="It answers from elsewhere.")

    for user in (ada, dora):
        assert Notice.objects.get(user=user, kind="breach").words.startswith(f"It did not hold: {kind}")
    task = Task.objects.get(title__startswith="Tell the client")
    assert (task.owner, task.record) == (dora, promise.handoff)


def test_a_broken_deliverable_tells_of_no_assumption(ada, ben, dora):
    perform(held(ada, ben, dora).give_up, by=ben, reason="No time.", shown="The list of pages.")
    assert not Task.objects.filter(title__startswith="Tell the client").exists()


# -- The pages. --------------------------------------------------------------------------------------------------------


def move(promise, name):
    return reverse("admin:handoff_promise_move", args=[promise.pk, name])


def test_settling_asks_for_an_outcome_and_says_what_reworded_needs(ada, ben, dora, as_user):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    client = as_user(ada)
    answer = client.post(move(promise, "settle"), {"outcome": "reworded", "reason": "Half of it."})
    assert answer.status_code == 200
    assert "There is none yet: begin one" in answer.content.decode()
    assert client.post(move(promise, "settle"), {"outcome": "as_sold", "reason": ""}).status_code == 200

    client.post(move(promise, "settle"), {"outcome": "withdrawn", "reason": "Bo does not need it."})
    assert (again(promise).stage, again(promise).outcome) == ("settled", "withdrawn")


def test_a_seller_begins_the_change_order_on_the_promise_and_goes_on_where_it_is_written(ada, ben, dora, as_user):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    page = as_user(ada).get(promise.staff_url()).content.decode()
    url = reverse("admin:handoff_promise_reword", args=[promise.pk])
    assert url in page

    answer = as_user(ada).post(url)
    assert answer.url == again(promise).change_order.staff_url()
    assert as_user(dora).post(url).status_code == 403


def test_a_change_order_is_begun_on_the_page_of_the_handoff_and_says_what_it_changes(ada, ben, dora, as_user):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    url = reverse("admin:handoff_handoff_order_change", args=[handoff.pk])
    for record in (handoff, handoff.project):
        assert url in as_user(dora).get(record.staff_url()).content.decode()
    assert as_user(ada).post(url, {"about": " "}).url == handoff.staff_url("changes")
    assert as_user(ada).post(url, {"about": "<b>Loud</b>"}).url == handoff.staff_url()
    assert not handoff.contract.change_orders.exists()

    as_user(ada).post(url, {"about": "A sixth page"})
    change = handoff.contract.change_orders.get()
    assert change.title == f"Change order to {handoff.contract.number}: A sixth page"
    assert change.number in as_user(dora).get(handoff.staff_url()).content.decode()


def test_a_change_order_offers_no_contract_and_no_copy(ada, ben, dora, as_user):
    change = a_change(ada, manager=ben, delivery=dora, stage="accepted")
    page = as_user(ada).get(change.staff_url()).content.decode()
    assert reverse("admin:proposals_proposal_contract", args=[change.pk]) not in page
    assert reverse("proposals_proposal_copy", args=[change.pk]) not in page


# -- How claims came out. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [
        ("10", "20", "8 %", "short"),
        ("10", "20", "15", "met"),
        ("10", "20", "10", "met"),
        ("10", "20", "25", "over"),
        ("900", None, "1,200 visits", "met"),
        (None, "3", "3.5", "over"),
        ("900", "900", "950", "met"),
        ("10", "20", "", "unknown"),
        ("10", "20", "more", "unknown"),
        ("-5", "0", "-3", "met"),
    ],
)
def test_a_value_is_held_against_the_range_that_was_promised(low, high, value, verdict):
    low, high = (end and Decimal(end) for end in (low, high))
    claim = Claim(text="More", metric="Bookings", low=low, high=high, unit="%", better="more")
    assert scorecard.Score(Promise(), claim, value).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [
        ("2", "2.5", "1.6", "over"),
        ("2", "2.5", "2.2", "met"),
        ("2", "2.5", "6.0", "short"),
        ("2.5", None, "1.6", "met"),
        ("2.5", "2.5", "6.0", "short"),
        (None, "3", "3.5", "short"),
        (None, "3", "0", "met"),
        ("-20", "-10", "-25", "over"),
        ("-20", "-10", "-5", "short"),
    ],
)
def test_where_less_is_better_the_range_is_read_from_its_other_end(low, high, value, verdict):
    low, high = (end and Decimal(end) for end in (low, high))
    claim = Claim(text="Faster", metric="Largest page", low=low, high=high, unit="s", better="less")
    assert scorecard.Score(Promise(), claim, value).verdict == verdict


def test_what_fell_short_in_a_report_shows_no_promise_that_was_kept(ada, ben, dora):
    claimed = {"kind": "projection", "method": "Five pages.", "low": Decimal(1), "high": Decimal(2)}
    report = a_report(ada, manager=ben, delivery=dora, stage="published", claimed=claimed)
    promise = report.project.handoff.promises.get(kind="claim")

    with pytest.raises(Refused, match="fell short of what was promised"):
        perform(promise.keep, by=dora, report=report)
    assert perform(promise.give_up, by=dora, reason="Two pages stay slow.", report=report).stage == "broken"


@pytest.mark.parametrize(
    ("low", "high", "said"), [("10.0000", "20", "10–20 %"), ("10", None, "10 %"), (None, "100", "up to 100 %")]
)
def test_a_range_is_said_as_people_say_it(low, high, said):
    low, high = (end and Decimal(end) for end in (low, high))
    assert scorecard.Score(Promise(), Claim(low=low, high=high, unit="%")).promised == said


@pytest.fixture
def reported(ada, ben, dora):
    """The published report of a deal that promised 3 to 5 seconds. It says 2.1."""
    return a_report(
        ada,
        manager=ben,
        delivery=dora,
        stage="published",
        claimed={"kind": "projection", "method": "Five pages, measured anew.", "low": Decimal(3), "high": Decimal(5)},
    )


def test_the_scorecard_stands_on_the_handoff_and_the_project_with_the_report(reported, dora, as_user):
    for record in (reported.project, reported.project.handoff):
        page = as_user(dora).get(record.staff_url()).content.decode()
        assert "What was claimed, and what came" in page
        assert all(
            words in page
            for words in ("3–5 s", "Less is better", "2.1 s", "Better than promised", reported.staff_url())
        )


def test_the_page_of_all_counts_by_service_and_metric_what_somebody_may_see(reported, ada, cem, as_user):
    page = as_user(ada).get(reverse("claims"))
    (line,) = page.context["lines"]
    assert [(verdict, count) for verdict, _, count in line.counts] == [
        ("met", 0), ("short", 0), ("over", 1), ("unknown", 0),
    ]  # fmt: skip
    assert as_user(cem).get(reverse("claims")).context["lines"] == []
    head, told = taken_away(as_user(ada), reverse("claims"))
    told = dict(zip(head, told, strict=True))
    assert (told["Promised"], told["Reported last"], told["So"]) == ("3–5 s", "2.1 s", "Better than promised")
    assert len(taken_away(as_user(cem), reverse("claims"))) == 1
    nothing = as_user(ada).get(f"{reverse('claims')}export/", {"as": "csv", "service": "zz"}, follow=True)
    assert "No file was made." in nothing.text
    assert len(taken_away(as_user(ada), reverse("claims"), service="999999")) == 1


def test_the_page_of_all_asks_the_same_number_of_questions_for_many(
    reported, ada, as_user, django_assert_max_num_queries
):
    client = as_user(ada)
    client.get(reverse("claims"))
    with django_assert_max_num_queries(14):
        client.get(reverse("claims"))


def test_the_next_approver_of_such_a_claim_reads_how_the_last_came_out(reported, ada, ben, cem, as_user):
    asked = a_proposal(ada, stage="in_review").approvals.get(aspect="claims", stage="pending")
    page = as_user(ben).get(reverse("approval", args=[asked.pk])).content.decode()
    assert "One such claim was reported: better than promised; last: promised 3–5 s, reported 2.1 s." in page
    assert reported.staff_url() in page
    assert scorecard.of_such(asked.proposal, cem) == []


# -- Why deals were won and lost. --------------------------------------------------------------------------------------


def test_a_won_deal_shows_what_delivery_disputed_and_what_was_broken(ada, ben, dora, as_user):
    promise = a_dispute(ada, manager=ben, delivery=dora)
    perform(promise.settle, by=ada, outcome="as_sold", reason="Six weeks.")
    handoff = promise.handoff
    for other in handoff.promises.filter(stage="offered"):
        perform(other.accept, by=dora)
    perform(handoff.accept, by=dora)
    perform(handoff.promises.get(kind="milestone").give_up, by=dora, reason="Late.", shown="The calendar.")

    page = as_user(ada).get(handoff.opportunity.staff_url()).content.decode()
    assert "What delivery disputed" in page
    assert "Ten pages do not fit into three weeks." in page
    assert "What was broken" in page
    (row,) = as_user(ada).get(reverse("won_and_lost")).context["rows"]
    assert (row.outcome, row.disputed, row.broken) == ("won", 1, 1)


def test_the_list_is_filtered_and_shows_nobody_what_they_may_not_see(ada, ben, dora, cem, as_user):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    service = handoff.contract.proposal.service
    url = reverse("won_and_lost")
    for asked, count in (
        ({"outcome": "won"}, 1),
        ({"outcome": "lost"}, 0),
        ({"service": service.pk}, 1),
        ({"owner": ada.pk}, 1),
        ({}, 1),
    ):
        assert len(as_user(ada).get(url, asked).context["rows"]) == count, asked
        assert len(taken_away(as_user(ada), url, **asked)) == count + 1, asked
    nonsense = {"owner": "x", "service": "9" * 30, "before": "-1", "outcome": "?"}
    assert len(as_user(ada).get(url, nonsense).context["rows"]) == 1
    assert (
        "“owner=x” means nothing here."
        in as_user(ada).get(f"{url}export/", {"as": "csv", **nonsense}, follow=True).text
    )
    assert as_user(cem).get(url).context["rows"] == []
    assert len(taken_away(as_user(cem), url)) == 1
    (*_, told) = Event.objects.filter(verb="user.export", actor=ada).select_related("facts").order_by("pk")
    assert (told.facts.values["list"], told.facts.values["filters"]) == ("won and lost", {})
    assert "Choose CSV or Excel." in as_user(ada).get(f"{url}export/", {"as": "pdf"}, follow=True).text
