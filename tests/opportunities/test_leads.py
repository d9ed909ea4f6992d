"""What becomes of a lead: a new deal, or one more person at a deal that is there."""

import pytest
from django.utils import timezone

from opportunities.models import Contact
from opportunities.records import perform
from tests.makers import a_worked_lead, an_opportunity

pytestmark = pytest.mark.django_db


def a_known_lead(owner, **fields):
    """Return a lead that came through the form and has all seven facts."""
    consent = {"purpose": "transactional", "text_version": "1", "source": "Public form"}
    return a_worked_lead(owner, consent={**consent, "captured_at": timezone.now().isoformat()}, **fields)


def test_a_lead_that_joins_a_deal_adds_its_person_there_with_what_they_agreed_to(ada):
    opportunity = an_opportunity(ada)
    lead = a_known_lead(ada, name="Mia Sato", company="Elsewhere", email="mia@elsewhere.example")
    lead = perform(lead.qualify, by=ada, opportunity=opportunity)
    mia = Contact.objects.get(email="mia@elsewhere.example")
    assert (lead.opportunity, mia.client) == (opportunity, opportunity.client)
    assert mia.agreed_to("transactional")


def test_what_a_known_person_agrees_to_is_kept_too(ada):
    opportunity = an_opportunity(ada)
    known = opportunity.decision_owner
    known.consents.update(withdrawn_at=timezone.now())
    lead = a_known_lead(ada, name=known.name, email=known.email.upper())
    perform(lead.qualify, by=ada, opportunity=opportunity)
    assert Contact.objects.filter(email__iexact=known.email).count() == 1
    assert known.agreed_to("transactional")
