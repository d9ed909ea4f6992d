"""Winning makes everything that delivery needs: once, together, and with a receipt."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from handoff.inherit import inherit, preview, range_of
from handoff.models import Handoff, Project, Promise, Receipt
from opportunities.models import Event, Message, Task
from opportunities.records import Refused, edit, perform
from portal.models import Guest, Publication
from proposals import publishing
from proposals.models import Claim
from tests.makers_handoff import a_project, a_signed_deal, a_won_deal


def test_winning_makes_everything_in_one_go(ada, ben, dora):
    opportunity = a_won_deal(ada, manager=ben)

    handoff = opportunity.handoffs.get()
    project = handoff.project
    assert handoff.stage == "ready"
    assert (handoff.owner, project.owner) == (dora, dora)
    assert project.kickoff_on == handoff.contract.kickoff_on
    assert project.items.count() > 3
    assert all(item.due_on for item in project.items.all())
    assert project.cadences.get().first_due_on is not None
    assert project.reports.count() == 3
    assert set(project.connectors.values_list("provider__name", flat=True)) == {
        "Google Analytics",
        "Google Search Console",
        "HubSpot",
    }
    assert Guest.objects.filter(client_id=opportunity.client_id, email=opportunity.decision_owner.email).exists()


def test_winning_gives_nobody_access_back_that_was_taken_away(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    contact = opportunity.decision_owner
    publishing.take_access(contact, by=ada)
    edit(contact, by=ada, email="new@harbor-dental.example")
    perform(opportunity.win, by=ada, reason="proof", competitor="Nobody", words="The numbers convinced them.")
    assert not Guest.objects.filter(contact_id=contact.pk, revoked_at=None).exists()


def test_the_onboarding_list_is_the_services_counted_from_the_kickoff(ada, ben, dora):
    project = a_won_deal(ada, manager=ben).projects.get()
    usual = project.handoff.contract.proposal.service.checklist

    assert {(item.title, item.who) for item in project.items.all()} == {(row["title"], row["who"]) for row in usual}
    days = {row["title"]: row["days"] for row in usual}
    for item in project.items.all():
        assert item.due_on == project.kickoff_on + timedelta(days=days[item.title])


def test_every_sold_row_becomes_a_promise(ada, ben, dora):
    handoff = a_won_deal(ada, manager=ben, options=["Call tracking"]).handoffs.get()
    proposal = handoff.contract.proposal

    kinds = dict.fromkeys(Promise.Kind.values, 0)
    for promise in handoff.promises.all():
        kinds[promise.kind] += 1
        assert promise.record is not None
        assert promise.sold_by == ada
    assert kinds["deliverable"] == proposal.scope_items.filter(kind="included").count()
    assert kinds["exclusion"] == proposal.scope_items.filter(kind="excluded").count()
    assert kinds["assumption"] == proposal.scope_items.filter(kind="assumption").count()
    assert kinds["dependency"] == proposal.scope_items.filter(kind="dependency").count()
    assert kinds["milestone"] == proposal.milestones.count()
    assert kinds["claim"] == proposal.claims.count()
    assert (kinds["add_on"], kinds["cadence"]) == (1, 1)


def test_an_add_on_that_nobody_chose_is_no_promise(ada, ben, dora):
    handoff = a_won_deal(ada, manager=ben).handoffs.get()

    assert not handoff.promises.filter(kind="add_on").exists()


def test_the_receipt_lists_each_record_that_was_made(ada, ben, dora):
    opportunity = a_won_deal(ada, manager=ben)
    handoff = opportunity.handoffs.get()

    listed = set(handoff.receipts.values_list("record_type", "record_id"))
    made = {("opportunities.client", opportunity.client_id)}
    for kind in ["handoff", "project", "promise", "checklistitem", "connector", "reportingcadence", "report"]:
        model = apps.get_model("handoff", kind)
        made |= {(model._meta.label_lower, pk) for pk in model.objects.values_list("pk", flat=True)}
    for promised in (handoff, *handoff.project.items.all()):
        made |= {("opportunities.task", task.pk) for task in Task.objects.about(promised)}
    made |= {("opportunities.message", mail.pk) for mail in Message.objects.filter(template="onboarding")}
    assert listed - {row for row in listed if row[0] == "portal.guest"} == made
    assert all(line.record for line in handoff.receipts.all())


def test_nobody_changes_a_receipt(ada, ben, dora):
    a_won_deal(ada, manager=ben)

    with pytest.raises(Exception, match="never changed"), transaction.atomic():
        Receipt.objects.update(words="Something else")


def test_the_preview_says_what_the_win_will_make_and_makes_nothing(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)

    lines = preview(opportunity)
    assert not Handoff.objects.exists()
    perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    receipt = set(Receipt.objects.values_list("words", flat=True))
    assert set(lines) <= receipt


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [("80", "100.5000", "80 to 100.5"), ("5", "5", "5"), ("5", None, "5"), (None, "3.5000", "up to 3.5"), (None,) * 3],
)
def test_a_report_measures_what_the_claim_promised(low, high, words):
    ends = [end and Decimal(end) for end in (low, high)]
    assert range_of(Claim(low=ends[0], high=ends[1])) == words


def test_the_preview_of_a_deal_without_a_contract_is_empty(ada):
    from tests.makers import an_opportunity

    assert preview(an_opportunity(ada)) == []


def test_inheriting_again_returns_what_was_made_first(ada, ben, dora):
    opportunity = a_won_deal(ada, manager=ben)
    events = Event.objects.count()

    assert inherit(opportunity, by=ada) == opportunity.handoffs.get()
    assert Event.objects.count() == events


def test_winning_twice_is_refused_and_makes_nothing_twice(ada, ben, dora):
    opportunity = a_won_deal(ada, manager=ben)

    with pytest.raises(Refused, match="already won"):
        perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    assert (Handoff.objects.count(), Project.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_who_win_at_the_same_moment_make_everything_once(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    start, outcomes = Barrier(2), []

    def win():
        start.wait()
        try:
            perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
            outcomes.append("won")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=win) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(outcomes) == ["refused", "won"]
    assert (Handoff.objects.count(), Project.objects.count()) == (1, 1)
    rows = list(Receipt.objects.values_list("record_type", "record_id"))
    assert len(rows) == len(set(rows))


@pytest.mark.django_db(transaction=True)
def test_two_who_inherit_at_the_same_moment_get_one_handoff(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    start, made = Barrier(2), []

    def take():
        start.wait()
        try:
            made.append(inherit(opportunity, by=None).pk)
        finally:
            connection.close()

    threads = [Thread(target=take) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(made) == 2
    assert len(set(made)) == 1
    assert Project.objects.count() == 1


def test_a_win_that_cannot_be_inherited_is_no_win(ada, ben, dora, monkeypatch):
    opportunity = a_signed_deal(ada, manager=ben)
    monkeypatch.setattr("handoff.publishing.show_project", lambda project: 1 / 0)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    assert type(opportunity).objects.get(pk=opportunity.pk).stage == "contract"
    assert not Handoff.objects.exists()


def test_delivery_reaches_the_deal_that_it_inherits(ada, ben, dora, cem):
    opportunity = a_signed_deal(ada, manager=ben)
    assert not opportunity.within_reach(dora, to="view")

    opportunity = perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    assert opportunity.within_reach(dora, to="change")
    assert not opportunity.within_reach(cem, to="view")
    assert opportunity.handoffs.get().within_reach(dora, to="change")


def test_the_deal_goes_to_whoever_of_the_team_has_the_least_to_do(ada, ben, dora):
    from tests.conftest import person

    finn, gus = person("finn", "Delivery", team="West"), person("gus", "Delivery", team="East")
    first = a_won_deal(ada, manager=ben).handoffs.get()
    second = a_won_deal(ada, manager=ben).handoffs.get()

    assert {first.owner, second.owner} == {dora, gus}
    assert finn not in (first.owner, second.owner)


def test_without_delivery_the_seller_keeps_the_handoff(ada, ben):
    assert a_won_deal(ada, manager=ben).handoffs.get().owner == ada


def test_the_client_sees_the_onboarding_list_at_once(ada, ben, dora):
    opportunity = a_won_deal(ada, manager=ben)

    shown = Publication.objects.get(kind="onboarding", client_id=opportunity.client_id)
    assert shown.body["owner"] == "Dora"
    assert len(shown.body["items"]) == opportunity.projects.get().items.count()
    assert {access["state"] for access in shown.body["accesses"]} == {"Please grant it"}
    status = Publication.objects.filter(kind="status").latest("id").body
    assert status["needs"][0]["url_kind"] == "onboarding"


def test_whoever_takes_over_a_project_reaches_it(ada, ben, dora):
    from tests.conftest import person

    gus = person("gus", "Delivery", team="West")
    project = a_won_deal(ada, manager=ben).projects.get()
    assert not project.within_reach(gus, to="change")

    edit(project, by=ben, owner=gus)
    assert Project.objects.get(pk=project.pk).within_reach(gus, to="change")


def test_a_won_deal_leaves_its_contract_to_delivery(ada, ben, dora):
    contract = a_won_deal(ada, manager=ben).contracts.get()
    assert (contract.next_action, contract.due_on) == ("Deliver what was signed", None)


def test_the_receipt_is_told_once_and_its_lines_lead_to_what_was_made(ada, ben, dora, as_user):
    handoff = a_won_deal(ada, manager=ben).handoffs.get()
    told = Event.objects.filter(record_type=handoff.label(), record_id=handoff.pk).values_list("past", flat=True)
    assert list(told).count("inherited") == 1
    assert "wrote the receipt of" in told

    text = as_user(dora).get(handoff.staff_url()).text
    assert f'<a href="{handoff.project.staff_url()}">Project: {handoff.project}</a>' in text
    for line in handoff.receipts.filter(record_type="portal.guest"):
        assert line.words in text, "what has no page is said all the same"


def test_the_clients_path_says_since_when_it_is_live(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    path = Publication.objects.filter(kind="status").latest("id").body["path"]
    today = timezone.localdate().isoformat()
    assert path[-1] == {"name": "Live", "state": "now", "on": today}
    assert (path[-2]["state"], path[-2]["on"]) == ("done", today)
    assert project.stage == "live"


def test_asked_again_after_its_contract_ended_it_is_the_handoff_that_was_made(ada, ben, dora, as_user):
    won = a_won_deal(ada, manager=ben)
    handoff = won.handoffs.get()
    perform(handoff.contract.end, by=ben, reason="They withdrew.")

    assert inherit(won, by=ada) == handoff
    page = as_user(ada).get(reverse("opportunities_opportunity_inherits", args=[won.pk]))
    assert page.status_code == 302
    assert page["Location"] == reverse("handoff_handoff_handover", args=[handoff.pk])
