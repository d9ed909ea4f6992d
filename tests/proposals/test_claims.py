"""What a claim must say, and on what it may rest."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from opportunities.models import Event, Evidence
from opportunities.records import Refused, perform
from proposals.models import Claim
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from tests.proposals.test_composer import Writer

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def slow_of(proposal):
    return Evidence.objects.get(audit__opportunity=proposal.opportunity, metric__startswith="Largest")


@pytest.fixture
def proposal(ada):
    return a_proposal(ada)


def add(proposal, by, **fields):
    fields = {"text": "Your pages show in 2 to 3 seconds.", "method": "As we did for others."} | fields
    return proposal.add(Claim(**fields), by=by, evidence=[slow_of(proposal)])


# -- Guarantees. -------------------------------------------------------------------------------------------------------


def test_a_guarantee_is_always_of_high_sensitivity(proposal, ada):
    claim = add(proposal, ada, kind="guarantee", sensitivity="normal")
    assert again(claim).sensitivity == "high"
    proposal.change(claim, by=ada, sensitivity="normal")
    assert again(claim).sensitivity == "high"


def test_what_becomes_a_guarantee_becomes_sensitive_and_the_diary_says_so(proposal, ada):
    claim = add(proposal, ada, kind="finding")
    proposal.change(claim, by=ada, kind="guarantee")
    assert again(claim).sensitivity == "high"
    facts = Event.objects.filter(verb="proposal.row_changed").latest("pk").facts.values
    assert facts[f"{claim}: sensitivity"] == ["normal", "high"]


def test_the_database_knows_no_guarantee_of_normal_sensitivity(proposal, ada):
    claim = add(proposal, ada, kind="guarantee")
    with pytest.raises(IntegrityError, match="guarantee_is_sensitive"), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(sensitivity="normal")


# -- Projections. ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"low": 2, "high": 3, "method": " "}, "say how the number was reached"),
        ({"low": 2}, "say from what to what it reaches"),
        ({"high": 3}, "say from what to what it reaches"),
        ({}, "say from what to what it reaches"),
    ],
)
def test_a_projection_needs_a_method_and_a_range(proposal, ada, fields, reason):
    claim = add(proposal, ada, kind="projection", **fields)
    with pytest.raises(Refused) as refusal:
        perform(again(proposal).submit, by=ada)
    (lack,) = refusal.value.lacks
    assert reason in lack.words
    assert lack.url == claim.staff_url()


def test_a_projection_with_both_is_submitted(proposal, ada):
    add(proposal, ada, kind="projection", low=2, high=3, unit="s")
    assert perform(again(proposal).submit, by=ada).stage == "in_review"


def test_a_range_from_nothing_is_a_range(proposal, ada):
    add(proposal, ada, kind="projection", low=Decimal(0), high=Decimal(0))
    assert perform(again(proposal).submit, by=ada).stage == "in_review"


def test_a_range_runs_upwards(proposal, ada):
    with pytest.raises(ValidationError, match="must run upwards"):
        add(proposal, ada, low=3, high=2)


# -- Units. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["s", " S ", ""])
def test_a_range_in_the_unit_of_its_evidence_is_taken(proposal, ada, unit):
    assert not add(proposal, ada, low=2, high=3, unit=unit).unsupported_because()


def test_a_range_in_another_unit_is_refused_at_its_field(proposal, ada):
    with pytest.raises(ValidationError) as refusal:
        add(proposal, ada, low=2, high=3, unit="ms")
    assert refusal.value.message_dict == {"unit": ["Its evidence is in s: say the range in that, not in ms."]}
    assert proposal.claims.count() == 1


def test_a_unit_that_is_changed_afterwards_is_refused_on_submitting(proposal, ada):
    claim = add(proposal, ada, low=2, high=3, unit="s")
    proposal.change(claim, by=ada, unit="ms")
    with pytest.raises(Refused, match="say the range in that"):
        perform(again(proposal).submit, by=ada)


def test_of_several_pieces_one_has_to_agree(proposal, ada):
    claim = add(proposal, ada, low=2, high=3, unit="s")
    claim.support(Evidence.objects.get(metric__startswith="Bookings"))
    assert not again(claim).unsupported_because()


def test_the_page_refuses_another_unit_at_its_field_and_keeps_what_was_typed(as_user, ada, proposal):
    writer, claim = Writer(as_user(ada), proposal), proposal.claims.get()
    form = writer.open(f"claims-{claim.pk}") | {"low": "2", "high": "3", "text": "It shows soon."}
    answer = writer.save(form, unit="ms")
    assert answer.status_code == 422
    assert "Its evidence is in s: say the range in that, not in ms." in answer.text
    assert "It shows soon." in answer.text
    assert again(claim).unit == "s"
    assert writer.save(form, unit="s").status_code == 302


# -- Whose evidence. ---------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(ada):
    there = an_opportunity(ada, stage="proposal")
    return Evidence.objects.filter(audit__opportunity=there).first()


def test_a_claim_on_another_clients_evidence_is_refused_at_its_field(proposal, ada, foreign):
    with pytest.raises(ValidationError) as refusal:
        proposal.add(Claim(text="They are slow."), by=ada, evidence=[foreign])
    assert refusal.value.message_dict == {"evidence": ["Choose evidence of this opportunity."]}
    assert proposal.claims.count() == 1


def test_so_does_the_page_whatever_is_posted(as_user, ada, proposal, foreign):
    writer, claim = Writer(as_user(ada), proposal), proposal.claims.get()
    answer = writer.save(writer.open(f"claims-{claim.pk}"), evidence=[foreign.pk])
    assert answer.status_code == 422
    assert "Choose evidence of this opportunity." in answer.text
    assert foreign not in proposal.claims.get().evidence.all()


def test_a_claim_rests_on_a_version_and_stays_there(proposal, ada, ben):
    old = slow_of(proposal)
    new = old.correct(by=ada, value=5, reason="Counted again.")
    assert list(proposal.claims.get().evidence.all()) == [old]
    assert proposal.claims.get().unsupported_because() == "a newer version stands in for it."
    assert new not in proposal.evidence()


def test_the_proposals_page_leads_to_what_rests_on_each_claim(as_user, ada, proposal):
    address = reverse("proposals_claim_rests", args=[proposal.claims.get().pk])
    assert address in as_user(ada).get(proposal.staff_url()).text
