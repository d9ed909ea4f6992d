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
    said = {"text": "Your pages will show in 2 to 3 seconds.", "method": "As we did for others.", "kind": "projection"}
    fields = said | fields
    return proposal.add(Claim(**fields), by=by, evidence=[slow_of(proposal)])


NAMED = {"metric": "Largest page", "low": 2, "high": 3, "unit": "s"}


# -- Guarantees. -------------------------------------------------------------------------------------------------------


def test_a_guarantee_is_always_of_high_sensitivity(proposal, ada):
    claim = add(proposal, ada, kind="guarantee", sensitivity="normal", **NAMED)
    assert again(claim).sensitivity == "high"
    proposal.change(claim, by=ada, sensitivity="normal")
    assert again(claim).sensitivity == "high"


def test_what_becomes_a_guarantee_becomes_sensitive_and_the_diary_says_so(proposal, ada):
    claim = add(proposal, ada)
    proposal.change(claim, by=ada, kind="guarantee")
    assert again(claim).sensitivity == "high"
    facts = Event.objects.filter(verb="proposal.row_changed").latest("pk").facts.values
    assert facts[f"{claim}: sensitivity"] == ["normal", "high"]


def test_the_database_knows_no_guarantee_of_normal_sensitivity(proposal, ada):
    claim = add(proposal, ada, kind="guarantee", **NAMED)
    with pytest.raises(IntegrityError, match="guarantee_is_sensitive"), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(sensitivity="normal")


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ("metric", "Say what is guaranteed: the metric."),
        ("low", "Say from what it is guaranteed."),
        ("high", "Say up to what it is guaranteed."),
    ],
)
def test_a_guarantee_names_its_metric_and_its_range_or_is_refused_at_the_field(proposal, ada, left_out, words):
    named = {name: value for name, value in NAMED.items() if name != left_out}
    with pytest.raises(ValidationError) as refusal:
        add(proposal, ada, kind="guarantee", **named)
    assert refusal.value.message_dict == {left_out: [words]}
    claim = add(proposal, ada, kind="guarantee", **NAMED)
    proposal.change(claim, by=ada, **{left_out: "" if left_out == "metric" else None})
    with pytest.raises(Refused, match="guaranteed"):
        perform(again(proposal).submit, by=ada)


# -- Findings. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (
            {"low": Decimal("0.8"), "high": Decimal("0.8"), "unit": "s"},
            "low",
            "Its evidence says 6.8 s: a finding's range",
        ),
        ({"low": 7, "high": 9}, "low", "Its evidence says 6.8 s: a finding's range"),
        ({"low": 7, "unit": " S "}, "low", "Its evidence says 6.8 s: a finding's range"),
        ({"text": "Your largest page takes 0.8 seconds."}, "text", "Its evidence says 6.8 s: say that"),
        ({"text": "Your largest page takes six seconds."}, "text", "Its evidence says 6.8 s: say that"),
    ],
)
def test_a_finding_says_no_other_number_than_was_measured_or_is_refused_at_the_field(
    proposal, ada, fields, field, words
):
    with pytest.raises(ValidationError) as refusal:
        add(proposal, ada, **{"text": "It is slow.", "kind": "finding"} | fields)
    assert list(refusal.value.message_dict) == [field]
    assert refusal.value.message_dict[field][0].startswith(words)
    proposal.change(proposal.claims.get(), by=ada, **fields)
    with pytest.raises(Refused, match=r"[Ii]ts evidence says 6.8 s"):
        perform(again(proposal).submit, by=ada)


@pytest.mark.parametrize(
    "fields",
    [
        {"low": 6, "high": 7, "unit": "s"},
        {"low": Decimal("6.8")},
        {"text": "Your largest page takes nearly seven seconds, though people wait for three seconds at most."},
        {"text": "Your largest page takes 6.8 s."},
        {"text": "Of ten people nine wait."},
    ],
)
def test_a_finding_that_says_what_was_measured_comes_in(proposal, ada, fields):
    assert not add(proposal, ada, **{"text": "It is slow.", "kind": "finding"} | fields).unsupported_because()
    assert perform(again(proposal).submit, by=ada).stage == "in_review"


def test_the_page_refuses_a_range_that_its_evidence_contradicts_at_its_field(as_user, ada, proposal):
    writer, claim = Writer(as_user(ada), proposal), proposal.claims.get()
    answer = writer.save(writer.open(f"claims-{claim.pk}"), low="0.8", high="0.8")
    assert answer.status_code == 422
    assert "Its evidence says 6.8 s: a finding&#x27;s range holds that" in answer.text
    assert again(claim).low is None


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
    form = writer.open(f"claims-{claim.pk}") | {"low": "6", "high": "7", "text": "It shows late."}
    answer = writer.save(form, unit="ms")
    assert answer.status_code == 422
    assert "Its evidence is in s: say the range in that, not in ms." in answer.text
    assert "It shows late." in answer.text
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


# -- Which way is better. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "way"),
    [
        ({"low": 2, "high": 3, "unit": "s"}, "less"),  # it was 6.8 s
        ({"low": 2, "high": 3, "unit": ""}, "less"),
        ({"low": 8, "high": 9, "unit": "s"}, "more"),
        ({"low": 2, "high": 3, "unit": "%"}, "more"),
        ({"low": -20, "high": -10, "unit": "%"}, "less"),
        ({"low": 2, "high": 3, "unit": "s", "metric": "Another"}, "more"),
        ({"low": 2, "high": 3, "unit": "s", "better": "more"}, "more"),
        ({}, "more"),
    ],
)
def test_less_is_better_where_a_fall_is_promised_or_its_writer_says_so(proposal, fields, way):
    slow = slow_of(proposal)
    assert Claim(**{"metric": slow.metric, **fields}).way_by([slow]) == way


def test_which_way_is_better_is_no_part_of_what_was_vouched_for_until_somebody_says_it(proposal, ada):
    claim = add(proposal, ada, **NAMED)
    assert "better" not in claim.says()
    proposal.change(claim, by=ada, better="less")
    assert again(claim).says()["better"] == "less"


def test_whoever_writes_a_claim_is_asked_which_way_is_better_and_reads_it(proposal, as_user, ada):
    claim = add(proposal, ada, **NAMED)
    form = as_user(ada).get(f"{proposal.staff_url()}?open=claims-{claim.pk}").content.decode()
    assert "Which way is better" in form
    assert "As its numbers tell" in form
    page = as_user(ada).get(proposal.staff_url()).content.decode()
    assert "More is better</span>" in page, "its metric is not the one that was measured"


def test_whoever_approves_a_claim_reads_which_way_is_better(ada, ben, as_user):
    claimed = {"kind": "projection", "method": "As before.", "low": 2, "high": 3}
    offer = a_proposal(ada, approver=ben, stage="in_review", claimed=claimed)
    asked = offer.approvals.get(aspect="claims", stage="pending")
    page = as_user(ben).get(reverse("approval", args=[asked.pk])).content.decode()
    assert "Less is better" in page
