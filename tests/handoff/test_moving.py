"""What delivery says to the promises, and what a project needs before it goes live."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from handoff.models import ChecklistItem, Connector, LaunchBlocker, Project, Provider
from opportunities.models import Event, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import Publication
from tests.makers_handoff import a_handoff, a_project, a_won_deal, connect, pay
from tests.makers_proposals import a_summary, decide


def again(record):
    return type(record).objects.get(pk=record.pk)


def onboarding():
    return Publication.objects.filter(kind="onboarding").latest("id").body


def test_a_handoff_is_refused_while_a_promise_is_unanswered(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    promises = list(handoff.promises.all())

    with pytest.raises(Refused) as refusal:
        perform(handoff.accept, by=dora)
    assert refusal.value.reasons == [f"Accept or dispute the promise “{promise}”." for promise in promises]


def test_accepting_hands_the_deal_off(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora, stage="accepted")

    assert again(handoff.opportunity).stage == "handed_off"
    assert Event.objects.get(verb="opportunity.hand_off").actor_name == "ZartsAlgo"


def test_a_dispute_is_the_task_of_whoever_sold_it_until_it_is_settled(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    promise = perform(handoff.promises.first().dispute, by=dora, reason="Ten pages do not fit into three weeks.")
    task = Task.objects.about(promise).get(stage="open")
    assert task.owner == ada

    with pytest.raises(Refused, match="Settle the disputed promise"):
        perform(handoff.accept, by=dora)
    promise = perform(promise.settle, by=ada, outcome="as_sold", reason="Six weeks, agreed with Bo on the phone.")
    assert promise.settled_as == "Six weeks, agreed with Bo on the phone."
    assert again(task).stage == "done"


def test_sales_cannot_accept_for_delivery(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)

    with pytest.raises(PermissionDenied):
        perform(handoff.promises.first().accept, by=ada)
    with pytest.raises(PermissionDenied):
        perform(handoff.accept, by=ada)


def test_another_team_neither_sees_nor_settles(ada, ben, dora, cem):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    promise = perform(handoff.promises.first().dispute, by=dora, reason="It does not fit.")

    assert not type(promise).objects.visible_to(cem).exists()
    with pytest.raises(PermissionDenied):
        perform(promise.settle, by=cem, outcome="as_sold", reason="Fine.")


def test_a_blocked_handoff_goes_back_to_where_it_was(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    blocked = perform(handoff.block, by=dora, reason="Nobody answers the phone.")

    assert perform(blocked.unblock, by=dora).stage == "ready"


def test_going_live_is_refused_with_each_reason_that_is_unmet(ada, ben, dora):
    project = a_won_deal(ada, manager=ben).projects.get()
    for item in project.items.all():
        perform(item.finish, by=dora)
    project = perform(project.make_ready, by=dora)
    begin(LaunchBlocker(project=project, words="Their domain expired.", owner=dora), by=dora)
    edit(project, by=dora, kickoff_on=None)
    promise = project.handoff.promises.first()
    for other in project.handoff.promises.exclude(pk=promise.pk):
        perform(other.accept, by=dora)
    dora.is_active = False
    dora.save()

    with pytest.raises(Refused) as refusal:
        perform(again(project).go_live, by=ben)
    assert refusal.value.reasons == [
        "Have the client pay the first invoice, as the contract asks.",
        "Agree the day of the kickoff.",
        "Name somebody who works here as the onboarding owner.",
        f"Accept or dispute the promise “{promise}”.",
        "Accept the handoff.",
        "Clear the launch blocker “Their domain expired.”.",
        "Verify the access to Google Analytics.",
        "Verify the access to Google Search Console.",
        "Verify the access to HubSpot.",
    ]
    assert all(lack.url for lack in refusal.value.lacks)


def test_nothing_goes_live_whose_contract_ended(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="ready")
    perform(project.handoff.contract.end, by=ben, reason="They went bankrupt.")

    with pytest.raises(Refused, match="Get the contract signed by both sides."):
        perform(again(project).go_live, by=ben, override="They open on Monday.")


def test_a_sound_project_goes_live_and_owes_its_first_report(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    first = project.reports.first()

    assert (project.stage, project.due_on) == ("live", first.due_on)
    assert Task.objects.about(first).get().owner == dora
    status = Publication.objects.filter(kind="status").latest("id").body
    assert status["path"][-1] == {"name": "Live", "state": "now", "on": timezone.localdate().isoformat()}
    assert status["next"]["who"] == "Dora"


def test_only_a_manager_goes_live_past_a_reason_and_writes_why(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="ready")

    with pytest.raises(Refused):
        perform(project.go_live, by=dora, override="They cannot wait.")
    live = perform(project.go_live, by=ben, override="They cannot wait.")
    assert live.stage == "live"
    event = Event.objects.get(verb="project.go_live")
    assert event.reason == "They cannot wait."
    assert "Verify the access to HubSpot." in event.facts.values["overridden"]


def test_setup_is_not_done_while_an_item_is_open(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    first, *others = project.items.all()
    for item in others:
        perform(item.waive, by=dora, reason="They have it.")

    with pytest.raises(Refused) as refusal:
        perform(project.make_ready, by=dora)
    assert refusal.value.reasons == [f"Finish or waive “{first}”."]


def test_finishing_an_item_ticks_it_for_the_client_and_ends_its_task(ada, ben, dora):
    item = a_project(ada, manager=ben, delivery=dora).items.first()
    task = Task.objects.about(item).get()
    assert not any(shown["done"] for shown in onboarding()["items"])

    perform(item.finish, by=dora)
    assert again(task).stage == "done"
    assert [shown["title"] for shown in onboarding()["items"] if shown["done"]] == [item.title]


def test_an_item_without_approved_words_stays_inside(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    item = ChecklistItem(project=project, title="Find out who is really in charge there", owner=dora)
    begin(item, by=dora)
    perform(project.items.exclude(pk=item.pk).first().finish, by=dora)

    assert "in charge" not in str(onboarding())


def test_a_new_kickoff_moves_the_open_items_and_their_tasks(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    done, item, *_ = project.items.all()
    perform(done.finish, by=dora)
    kickoff = project.kickoff_on + timedelta(days=10)
    edit(project, by=dora, kickoff_on=kickoff)

    assert again(done).due_on == done.due_on
    assert again(item).due_on == item.due_on + timedelta(days=10)
    assert Task.objects.about(item).get().due_at.date() == again(item).due_on
    assert onboarding()["kickoff_on"] == kickoff.isoformat()


def test_a_client_reads_of_a_blocker_only_in_approved_words(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    words = a_summary(dora, opportunity=project.opportunity, kind="blocker", words="Your domain has to be renewed.")
    blocker = LaunchBlocker(project=project, words="Bo forgot to pay again.", owner=dora, summary=words)
    begin(blocker, by=dora)
    perform(project.items.first().finish, by=dora)
    assert onboarding()["blockers"] == []

    perform(words.submit, by=dora)
    decide(words.approvals.get(), by=ben)
    assert [shown["words"] for shown in onboarding()["blockers"]] == ["Your domain has to be renewed."]
    assert "Bo forgot" not in str(onboarding())

    perform(again(words).withdraw, by=ben, reason="Wrong domain.")
    assert onboarding()["blockers"] == []


def test_a_cleared_blocker_is_gone_from_the_page(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    words = a_summary(dora, opportunity=project.opportunity, kind="blocker", approver=ben, stage="approved")
    blocker = begin(LaunchBlocker(project=project, words="Domain.", owner=dora, summary=words), by=dora)
    perform(project.items.first().finish, by=dora)
    assert onboarding()["blockers"]

    perform(blocker.clear, by=dora, reason="They renewed it.")
    assert onboarding()["blockers"] == []


def test_an_access_never_holds_the_secret(ada, ben, dora):
    connector = a_project(ada, manager=ben, delivery=dora).connectors.first()

    with pytest.raises(Refused, match="not the secret itself"):
        perform(connector.grant, by=dora, holder=dora, secret_kept_at="sk4f9a8b7c6d5e4f3a2b1c0d9e8f")
    assert again(connector).stage == "requested"


def test_a_broken_access_is_mended_and_a_revoked_one_asked_for_again(ada, ben, dora):
    connector = connect(a_project(ada, manager=ben, delivery=dora).connectors.first(), dora)
    broken = perform(connector.fail, by=dora, reason="Their password changed.")
    assert Task.objects.about(connector).get(stage="open").title.startswith("Mend the broken access")

    revoked = perform(connect(broken, dora).revoke, by=dora, reason="They moved away from it.")
    assert perform(revoked.request, by=dora).stage == "requested"


def test_a_project_ends_with_its_reason_and_then_the_handoff(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    with pytest.raises(Refused, match="Close the project"):
        perform(project.handoff.close, by=dora, reason="Over.")

    perform(project.close, by=dora, reason="The contract ended.")
    assert perform(project.handoff.close, by=dora, reason="Over.").stage == "closed"
    assert Project.objects.get().next_action == ""


def test_one_provider_is_connected_once_a_project(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)

    with pytest.raises(ValidationError):
        Connector(project=project, provider=Provider.objects.get(name="HubSpot")).validate_constraints()


def test_a_client_reads_the_provider_from_our_list_and_not_which_account(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    other = Provider.objects.get(name="Another account")
    begin(Connector(project=project, provider=other, account="Their awful old CRM"), by=dora)

    read = [access["provider"] for access in onboarding()["accesses"]]
    assert sorted(read) == ["Another account", "Google Analytics", "Google Search Console", "HubSpot"]
    assert "awful" not in str(onboarding())
    with pytest.raises(ValidationError, match="Say which account it is"):
        Connector(project=project, provider=other).clean()


def test_a_client_reads_the_signed_title_whatever_we_call_the_project(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    edit(project, by=dora, name="Harbor, the difficult ones")

    shown = Publication.objects.filter(kind="onboarding").latest("id")
    assert shown.title == project.handoff.contract.proposal.title
    assert "difficult" not in str(list(Publication.objects.values_list("title", "body")))


def test_a_paid_invoice_is_what_the_contract_asks(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="ready")
    for connector in project.connectors.all():
        connect(connector, dora)
    with pytest.raises(Refused, match="pay the first invoice"):
        perform(project.go_live, by=dora)

    pay(project, ben)
    assert perform(project.go_live, by=dora).stage == "live"
