"""What was signed is what is countersigned, won and handed over: anything else is refused by name."""

import pytest
from django.db import connection

from handoff.inherit import inherit
from handoff.models import Handoff
from opportunities.records import Refused, perform
from portal.models import Publication
from proposals.models import Contract, Proposal, Service
from tests.makers_handoff import a_handoff, a_signed_deal
from tests.makers_proposals import CONSENT, a_contract

pytestmark = pytest.mark.django_db
CHANGED = "Bring back what was signed in C-[0-9]+: “proposal” changed."


def rewrite(contract):
    """Change what was sold, past every page and move, and past the walls of the database as only its owner can."""
    other = Service.objects.exclude(pk=contract.proposal.service_id).first()
    row = "to_jsonb(p) || jsonb_build_object('service_id', %s::bigint)"
    put = f"select put_back(jsonb_build_object('proposals_proposal', jsonb_build_array({row})))"
    with connection.cursor() as cursor:
        cursor.execute(f"{put} from proposals_proposal p where id = %s", [other.pk, contract.proposal_id])
    assert Proposal.objects.get(pk=contract.proposal_id).service == other


def test_a_contract_that_says_something_else_by_now_is_not_countersigned(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    rewrite(contract)
    with pytest.raises(Refused, match=CHANGED):
        perform(contract.countersign, by=ben)


def test_a_signature_under_something_that_we_did_not_publish_is_not_countersigned(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    typed = {"name": "Bo Larsen", "role": "Owner", "consent": CONSENT, "digest": "0" * 64}
    contract = perform(contract.sign, by=contract.signer, **typed)
    with pytest.raises(Refused, match="Bo Larsen signed something else than we published as C-"):
        perform(contract.countersign, by=ben)


def test_a_deal_is_not_won_on_something_else_than_was_signed(ada, ben):
    opportunity = a_signed_deal(ada, manager=ben)
    rewrite(opportunity.contracts.get())
    with pytest.raises(Refused, match=CHANGED):
        perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")


def test_delivery_inherits_nothing_else_than_was_signed(ada, ben):
    opportunity = a_signed_deal(ada, manager=ben)
    rewrite(opportunity.contracts.get())
    with pytest.raises(Refused, match=CHANGED):
        inherit(opportunity, by=ada)
    assert not Handoff.objects.exists()


def test_delivery_accepts_nothing_else_than_was_signed(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    for promise in handoff.promises.all():
        perform(promise.accept, by=dora)
    rewrite(handoff.contract)
    with pytest.raises(Refused, match=CHANGED):
        perform(handoff.accept, by=dora)


def test_terms_are_named_as_the_page_names_them(ada, ben):
    contract = a_contract(ada, approver=ben, stage="approved")
    Contract.objects.filter(pk=contract.pk).update(kickoff_on=None, report_day=2)
    reasons = {str(lack) for lack in Contract.objects.get(pk=contract.pk).fallen_since_signed()}
    assert reasons == {
        f"Bring back what was signed in {contract.number}: “on day of the month” changed.",
        f"Bring back what was signed in {contract.number}: “kickoff on” changed.",
    }


@pytest.mark.django_db(transaction=True)
def test_a_page_that_was_rewritten_after_it_was_signed_is_not_countersigned(ada, ben, as_owner):
    contract = a_contract(ada, approver=ben, stage="signed")
    as_owner("update portal_publication set body = body || '{\"currency\": \"EUR\"}' where kind = 'contract'")
    assert Publication.objects.get(pk=contract.publication_id).body["currency"] == "EUR"
    with pytest.raises(Refused, match="signed something else than we published"):
        perform(contract.countersign, by=ben)
