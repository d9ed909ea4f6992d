"""The two ends of onboarding: live only once delivery took it over, and nothing left standing of what was closed."""

import pytest

from opportunities.models import Task
from opportunities.records import Refused, perform
from portal.models import Publication
from tests.makers_handoff import a_project, a_won_deal, connect, pay


def again(record):
    return type(record).objects.get(pk=record.pk)


def almost_live(owner, manager, delivery):
    """A project that lacks nothing but what delivery says to its handoff."""
    project = a_won_deal(owner, manager=manager).projects.get()
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
