"""Makers of sound records. Each walks the real moves: the walls leave no other way, so every test record is true."""

import os
from datetime import time, timedelta
from decimal import Decimal

import factory
from django.utils import timezone

from opportunities.models import Discovery, Evidence, Lead, LeadFact
from opportunities.records import begin, edit, perform
from tests.kept import kept

FACTS = {
    "source": "Referred by Bright Smiles",
    "service_fit": "Search and speed",
    "urgency": "Before the summer season",
    "decision_owner": "Bo Larsen decides",
    "contact_path": "Mail and phone",
    "budget_signal": "2,000 a month is fine",
    "next_action": "Book the discovery call",
}


class Born(factory.Factory):
    """A factory whose records are born as the product's are: through `begin`, with their line in the diary."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model, *args, **fields):
        return begin(model(*args, **fields), by=fields["owner"])


class LeadFactory(Born):
    class Meta:
        model = Lead

    name = "Bo Larsen"
    company = factory.Sequence("Harbor Dental {}".format)
    email = factory.Sequence("bo{}@harbor-dental.example".format)

    @classmethod
    def _setup_next_sequence(cls):
        """Count apart from the other workers: what one made is put back by another, whose next company is a new one."""
        return 10_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def a_lead(owner, **fields):
    return LeadFactory(owner=owner, **fields)


@kept
def a_worked_lead(owner, **fields):
    """A lead with all seven facts confirmed."""
    lead = perform(a_lead(owner, **fields).work, by=owner)
    for kind in LeadFact.Kind.values:
        lead.confirm(kind, FACTS[kind], by=owner)
    return lead


@kept
def an_opportunity(owner, *, stage="qualified", reviewer=None, **fields):
    """An opportunity with nothing wrong with it, at one of the stages from qualified to proposal."""
    lead = perform(a_worked_lead(owner).qualify, by=owner, value=Decimal("12000"))
    opportunity = lead.opportunity
    # Whenever the tests run: this one works round the clock.
    contact = edit(opportunity.decision_owner, by=owner, works_from=time(0), works_to=time(0), works_on="1234567")
    opportunity.decision_owner = contact
    for purpose in ("transactional", "contractual"):
        consent = contact.consents.model(
            contact=contact, purpose=purpose, text_version="2026-01", source="Said on the phone"
        )
        begin(consent, by=owner)
    if fields:
        opportunity = edit(opportunity, by=owner, **fields)
    if stage == "qualified":
        return opportunity
    opportunity = perform(opportunity.start_discovery, by=owner)
    if stage == "discovery":
        return opportunity
    perform(a_written_discovery(opportunity, owner).complete, by=owner)
    opportunity = perform(opportunity.start_audit, by=owner)
    if stage == "audit":
        return opportunity
    a_verified_audit(opportunity, collector=owner, reviewer=reviewer)
    return perform(opportunity.start_proposal, by=owner)


def a_written_discovery(opportunity, by):
    """The discovery of an opportunity, with its five parts written and every question answered."""
    discovery = opportunity.discoveries.get()
    names = [*Discovery.PARTS, *(question.field for question in discovery.questions)]
    return discovery.write(dict.fromkeys(names, "They lose bookings on phones."), by=by, seen={})


def an_audit(opportunity, collector):
    """An audit that is being collected, with two pieces of evidence."""
    audit = perform(opportunity.audits.get().collect, by=collector)
    some_evidence(audit, collector)
    some_evidence(
        audit, collector, metric="Bookings from phones", value=Decimal(41), unit="a month", provider="Interview"
    )
    return audit


def some_evidence(audit, by, **fields):
    fields.setdefault("metric", "Largest Contentful Paint")
    fields.setdefault("value", Decimal("6.8"))
    fields.setdefault("unit", "s" if fields["metric"].startswith("Largest") else "")
    fields.setdefault("provider", "Lighthouse")
    fields.setdefault("captured_at", timezone.now() - timedelta(days=1))
    return Evidence.record(audit, by=by, **fields)


def a_verified_audit(opportunity, *, collector, reviewer=None):
    """`reviewer` is the second person; without one the clock vouches, as it does for set-up only."""
    audit = perform(an_audit(opportunity, collector).submit, by=collector)
    return perform(audit.verify, by=reviewer)
