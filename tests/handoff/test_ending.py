"""The two ends of onboarding: live only once delivery took it over, and nothing left standing of what was closed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from handoff import changeorders
from handoff.models import Provider
from opportunities.models import Task
from opportunities.records import Refused, edit, perform
from portal.models import Publication
from tests.makers_handoff import a_change, a_project, a_won_deal, connect, pay, report_words
from tests.makers_proposals import approve_all


def again(record):
    return type(record).objects.get(pk=record.pk)


def almost_live(owner, manager, delivery, **terms):
    """A project that lacks nothing but what delivery says to its handoff."""
    project = a_won_deal(owner, manager=manager, **terms).projects.get()
    for item in project.items.all():
        perform(item.finish, by=delivery)
    for promise in project.handoff.promises.all():
        perform(promise.accept, by=delivery)
    for connector in project.connectors.all():
        connect(connector, delivery)
    pay(project, manager)
    return perform(again(project).make_ready, by=delivery)


def test_nothing_goes_live_before_delivery_accepted_the_handoff(ada, ben, dora):
    project = almost_live(ada, ben, dora)
    with pytest.raises(Refused) as refusal:
        perform(project.go_live, by=dora)
    assert refusal.value.reasons == ["Accept the handoff."]

    handoff = perform(project.handoff.block, by=dora, reason="Legal says no.")
    with pytest.raises(Refused, match="Cure what blocks the handoff, and accept it."):
        perform(again(project).go_live, by=dora)

    perform(perform(handoff.unblock, by=dora).accept, by=dora)
    assert perform(again(project).go_live, by=dora).stage == "live"
    assert again(project.opportunity).stage == "handed_off"


def test_no_manager_lets_a_project_go_live_past_a_handoff_that_waits(ada, ben, dora):
    project = almost_live(ada, ben, dora)
    with pytest.raises(Refused, match="Accept the handoff"):
        perform(project.go_live, by=ben, override="They open on Monday.")


def test_what_waited_for_a_project_ends_with_it(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    works = connect(project.connectors.first(), dora)
    perform(project.close, by=dora, reason="They sold the practice.")

    assert not project.items.filter(stage="open").exists()
    assert again(works).stage == "verified"
    assert set(project.connectors.exclude(pk=works.pk).values_list("stage", flat=True)) == {"revoked"}
    left = Task.objects.filter(opportunity=project.opportunity, kind="onboarding_handoff", stage="open")
    assert sorted(left.values_list("title", flat=True)) == [
        f"Close the handoff: {project.handoff}",
        f"Give back the access: {works}",
    ]
    assert again(project.handoff).next_action == "Close the handoff"


def test_a_handoff_whose_project_was_closed_before_it_was_accepted_is_closed_and_not_accepted(ada, ben, dora):
    project = a_won_deal(ada, manager=ben).projects.get()
    for promise in project.handoff.promises.all():
        perform(promise.accept, by=dora)
    perform(project.close, by=dora, reason="They sold the practice.")

    handoff = again(project.handoff)
    assert (handoff.stage, handoff.next_action) == ("ready", "Close the handoff")
    assert [task.title for task in Task.objects.about(handoff).unfinished()] == [f"Close the handoff: {handoff}"]
    with pytest.raises(Refused) as refusal:
        perform(handoff.accept, by=dora)
    assert refusal.value.reasons == ["Close it: its project was closed."]
    assert perform(handoff.close, by=dora, reason="They sold the practice.").stage == "closed"


def test_a_handoff_is_not_closed_before_its_project_whether_it_was_accepted_or_not(ada, ben, dora):
    handoff = a_won_deal(ada, manager=ben).handoffs.get()
    with pytest.raises(Refused, match="Close the project"):
        perform(handoff.close, by=dora, reason="Over.")


def test_the_client_reads_that_their_project_ended_and_is_asked_for_nothing(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    shown = Publication.objects.filter(kind="onboarding").count()
    perform(project.close, by=dora, reason="They sold the practice.")

    status = Publication.objects.filter(kind="status").latest("id").body
    assert [step["name"] for step in status["path"]][-2:] == ["Contract", "Ended"]
    assert (status["needs"], status["over"]) == ([], True)
    assert status["next"] == {"what": "Your project has ended", "on": None, "who": ""}
    body = Publication.objects.filter(kind="onboarding").latest("id").body
    assert body["ended_on"]
    assert not body["open"]
    assert not any(access["asks"] for access in body["accesses"])
    assert "sold the practice" not in str(body) + str(status)
    # It is shown once for each access that ended, and once for all the rest.
    assert Publication.objects.filter(kind="onboarding").count() <= shown + 4


def test_a_project_that_was_live_was_live_when_it_ended(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    perform(project.close, by=dora, reason="The work is done.")
    path = Publication.objects.filter(kind="status").latest("id").body["path"]
    assert [(step["name"], step["state"]) for step in path[-2:]] == [("Live", "done"), ("Ended", "now")]


def test_a_handoff_whose_project_is_live_waits_for_nothing_but_its_end(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    handoff = again(project.handoff)
    assert (handoff.next_action, handoff.due_on) == ("Keep what was promised", None)
    assert not Task.objects.about(handoff).unfinished().exists()


@pytest.mark.parametrize("name", ["checklistitem", "launchblocker", "connector"])
def test_nothing_is_added_to_a_project_that_is_closed(ada, ben, dora, as_user, name):
    project = a_project(ada, manager=ben, delivery=dora)
    perform(project.close, by=dora, reason="They sold the practice.")
    assert f"handoff/{name}/add" not in as_user(dora).get(project.staff_url()).content.decode()

    form = {"project": project.pk, "title": "Thank them", "who": "us", "owner": dora.pk, "offset_days": 0}
    form |= {"words": "They left.", "severity": "low", "provider": Provider.objects.get(name="Stripe").pk}
    page = as_user(dora).post(reverse(f"admin:handoff_{name}_add"), form)
    assert "This project is over: nothing is added to it any more." in page.content.decode()


def test_an_ended_client_is_asked_for_no_access(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    works = connect(project.connectors.first(), dora)
    perform(project.close, by=dora, reason="They sold the practice.")
    with pytest.raises(Refused, match="the client is asked for nothing any more"):
        perform(again(works).fail, by=dora, reason="No data came.")
    revoked = perform(again(works).revoke, by=dora, reason="We gave it back.")
    with pytest.raises(Refused, match="the client is asked for nothing any more"):
        perform(revoked.request, by=dora)


def test_no_change_is_ordered_for_a_project_that_is_closed(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    perform(project.close, by=dora, reason="They sold the practice.")
    with pytest.raises(Refused, match="what comes next is a new opportunity"):
        changeorders.order(again(project.handoff), "A second language", by=ada)


def test_a_project_that_goes_live_after_its_first_report_came_owes_the_next_one(ada, ben, dora):
    today = timezone.localdate()
    project = almost_live(ada, ben, dora, report_day=today.day, first_report_on=today, report_skips_days_off=False)
    perform(project.handoff.accept, by=dora)
    report, following = project.reports.all()[:2]
    report = perform(report.start, by=dora)
    words = report_words(report, dora)
    approve_all(words, ben)
    numbers = [{**number, "value": "2.1"} for number in report.numbers]
    report = perform(edit(report, by=dora, summary=words, numbers=numbers).submit, by=dora)
    perform(perform(again(report).approve, by=ben).publish, by=dora)
    project = perform(again(project).go_live, by=dora)

    project = again(project)
    assert (project.next_action, project.due_on) == ("Send the next report", following.due_on)


# -- The end of reports, and of the contract. --------------------------------------------------------------------------


def test_a_live_project_whose_reports_ended_owes_no_report_next(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    a_change(project.cadences.get(), dora, approver=ben, kind="end", first_on=timezone.localdate())

    assert again(project).next_action == "Close the project once its work is done: no report is owed"
    assert again(project).due_on is None


def test_a_live_project_whose_contract_ended_is_to_be_closed(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    perform(project.handoff.contract.end, by=ben, reason="The client left us.")

    project = again(project)
    assert (project.next_action, project.due_on) == ("Close the project", timezone.localdate() + timedelta(days=3))
    assert Task.objects.about(project).unfinished().get().title.startswith("Close the project")


def test_a_client_whose_contract_ended_during_setup_is_asked_for_nothing_and_somebody_closes_it(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    works = connect(project.connectors.first(), dora)
    perform(project.handoff.contract.end, by=ben, reason="The client left us.")

    body = Publication.objects.filter(kind="onboarding").latest("id").body
    assert not body["open"]
    assert not any(access["asks"] for access in body["accesses"])
    assert [access["provider"] for access in body["accesses"]] == [works.provider.name]
    left = Task.objects.unfinished().filter(opportunity=project.opportunity, kind="onboarding_handoff")
    assert list(left.values_list("title", flat=True)) == [f"Close the project: {project}"]
    assert again(project).next_action == "Close the project"
    assert Publication.objects.filter(kind="status").latest("id").body["needs"] == []
    assert perform(again(project).close, by=dora, reason="The client left us.").stage == "closed"
