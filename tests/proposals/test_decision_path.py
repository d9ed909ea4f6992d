"""Work on a proposal waits while nobody is known to decide; and clients that hold something stay apart."""

import pytest
from django.utils import timezone

from opportunities import merging
from opportunities.models import Client, Contact, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import Guest
from tests.makers_proposals import a_contract, a_proposal

pytestmark = pytest.mark.django_db


def a_colleague(client, by, **fields):
    return begin(Contact(client=client, name="Lee Park", email="lee@harbor.example", **fields), by=by)


def now(record):
    return type(record).objects.get(pk=record.pk)


@pytest.mark.parametrize("stage", ["draft", "in_review", "approved"])
def test_it_pauses_when_who_decides_leaves_and_goes_on_when_somebody_is_named(ada, ben, stage):
    proposal = a_proposal(ada, approver=ben, stage=stage)
    opportunity = proposal.opportunity
    opportunity.decision_owner.leave(timezone.localdate(), by=ada)
    paused = now(proposal)
    assert (paused.stage, paused.paused_from, paused.paused_by_itself) == ("paused", stage, True)
    assert paused.paused_because == "The decision path is lost. Name the decision owner of this opportunity."
    assert Task.objects.about(proposal).open().filter(owner=ada, title__startswith="Cure").exists()
    with pytest.raises(Refused, match="Name the decision owner"):
        perform(paused.resume, by=ada)
    edit(opportunity, by=ada, decision_owner=a_colleague(opportunity.client, ada))
    assert now(proposal).stage == stage


def test_a_successor_keeps_the_path_and_nothing_pauses(ada):
    proposal = a_proposal(ada)
    lee = a_colleague(proposal.opportunity.client, ada)
    proposal.opportunity.decision_owner.leave(timezone.localdate(), by=ada, successor=lee)
    assert (now(proposal).stage, now(proposal.opportunity).decision_owner) == ("draft", lee)


def test_a_person_whom_nothing_reaches_is_no_path_until_something_does(ada):
    proposal = a_proposal(ada)
    decides = edit(proposal.opportunity.decision_owner, by=ada, email="", phone="")
    assert now(proposal).stage == "paused"
    assert f"Find a way to {decides}" in now(proposal).paused_because
    edit(decides, by=ada, phone="+1 555 010 0100")
    assert now(proposal).stage == "draft"


def test_what_a_person_paused_does_not_go_on_by_itself(ada):
    proposal = a_proposal(ada)
    perform(proposal.pause, by=ada, reason="They are on holiday.")
    opportunity = proposal.opportunity
    edit(opportunity, by=ada, decision_owner=a_colleague(opportunity.client, ada))
    assert now(proposal).stage == "paused"


def test_a_second_cause_keeps_it_paused_until_both_are_cured(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="in_review")
    opportunity = proposal.opportunity
    audit = perform(opportunity.audits.get().expire, by=None, reason="Aged.")
    opportunity.decision_owner.leave(timezone.localdate(), by=ada)
    audit = perform(audit.collect, by=ada)
    perform(perform(audit.submit, by=ada).verify, by=ben)
    assert now(proposal).stage == "paused"
    edit(opportunity, by=ada, decision_owner=a_colleague(opportunity.client, ada))
    assert now(proposal).stage == "in_review"


def test_what_is_with_the_client_stays_there_and_its_owner_is_asked(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    proposal.opportunity.decision_owner.leave(timezone.localdate(), by=ada)
    assert now(proposal).stage == "sent"
    assert Task.objects.open().filter(owner=ada, title__startswith="Find out who decides after").exists()


def test_a_client_with_a_contract_or_a_guest_goes_on_and_is_never_the_one_that_goes(ada, ben):
    holds = Client.objects.get(pk=a_contract(ada, approver=ben).opportunity.client_id)
    second = begin(Client(name="Harbour Dental", owner=ada), by=ada)
    with pytest.raises(Refused, match="has contracts .*which keep its name: merge the other one into it"):
        merging.merge_clients(holds, second, by=ada)
    assert now(holds).merged_into is None
    assert merging.merge_clients(second, holds, by=ada) == holds


def test_a_client_whose_people_may_come_in_is_not_merged_away(ada):
    one, other = (begin(Client(name=name, owner=ada), by=ada) for name in ("Harbor", "Harbour"))
    Guest.objects.create(client_id=one.pk, contact_id=1, name="Lee", email="lee@harbor.example")
    with pytest.raises(Refused, match="guests of the portal"):
        merging.merge_clients(one, other, by=ada)
