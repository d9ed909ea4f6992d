"""While a row is open in the composer what changes lapses at once, and is asked anew once, when its writer is done."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from opportunities.models import Letter
from opportunities.records import Refused, perform
from proposals import clock
from proposals.models import PriceLine, Proposal
from tests.makers_proposals import a_proposal, approve_all, decide
from tests.proposals.test_composer import Writer

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


@pytest.fixture
def proposal(ada, ben):
    return a_proposal(ada, approver=ben, stage="approved")


@pytest.fixture
def writer(as_user, ada, proposal):
    return Writer(as_user(ada), proposal)


def types(writer, *prices):
    """Type prices into the open row of a price line, each saved by itself as the script does."""
    line = PriceLine.objects.filter(proposal=writer.proposal).order_by("pk").first()
    fields = writer.open(f"price_lines-{line.pk}")
    for price in prices:
        answer = writer.save(fields, scripts=True, unit_price=price, stays_open="1")
        assert answer.status_code == 200
        fields["seen"] = answer.json()["seen"]
    return fields


def asked(proposal):
    return proposal.approvals.filter(stage="pending")


def test_what_changes_in_an_open_row_lapses_at_once_and_asks_nobody_yet(proposal, writer):
    letters = Letter.objects.count()
    types(writer, "3100", "3150", "3200")
    assert proposal.approvals.get(aspect="pricing").stage == "lapsed"
    assert again(proposal).stage == "in_review"
    assert not asked(proposal).exists()
    assert Letter.objects.count() == letters
    assert not mail.outbox
    text = writer.browser.get(writer.url).text
    assert "Being changed by Ada." in text
    with pytest.raises(Refused, match="Being changed by Ada. The approval of pricing is asked when that is done."):
        perform(again(proposal).approve, by=None)


def test_it_is_asked_once_when_the_row_is_shut(ada, ben, proposal, writer):
    letters = Letter.objects.count()
    types(writer, "3100", "3150", "3200")
    assert writer.do("shut", scripts=True).status_code == 200
    question = asked(proposal).get()
    assert (question.aspect, question.digest, question.asked_by) == ("pricing", question.now(), ada)
    assert Letter.objects.count() == letters + 1
    assert "Being changed" not in writer.browser.get(writer.url).text
    assert approve_all(again(proposal), ben).stage == "approved"


def test_it_is_asked_when_the_last_save_shuts_the_row(proposal, writer):
    fields = types(writer, "3100")
    writer.save(fields, scripts=True, unit_price="3200")
    assert asked(proposal).get().aspect == "pricing"


def test_whoever_writes_without_scripts_asks_at_once(proposal, writer):
    line = PriceLine.objects.filter(proposal=proposal).order_by("pk").first()
    writer.save(writer.open(f"price_lines-{line.pk}"), unit_price="3100")
    assert asked(proposal).get().aspect == "pricing"


def test_it_is_asked_after_two_quiet_minutes_and_not_before(proposal, writer, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    fields = types(writer, "3100")
    time_machine.shift(timedelta(seconds=119))
    assert clock.ask_what_was_written() == 0
    writer.save(fields, scripts=True, unit_price="3150", stays_open="1")
    time_machine.shift(timedelta(seconds=119))
    assert clock.ask_what_was_written() == 0
    time_machine.shift(timedelta(seconds=1))
    assert clock.ask_what_was_written() == 1
    assert asked(proposal).get().aspect == "pricing"
    assert clock.ask_what_was_written() == 0


def test_a_question_that_is_open_lapses_at_once_too(ada, ben, as_user):
    proposal = a_proposal(ada, stage="in_review")
    question = proposal.approvals.get(aspect="pricing")
    types(Writer(as_user(ada), proposal), "3100")
    assert again(question).stage == "lapsed"
    with pytest.raises(Refused):
        decide(again(question), by=ben)
    # What did not change may be decided meanwhile; it settles nothing until the writer is done.
    for other in asked(proposal):
        decide(other, by=ben)
    assert again(proposal).stage == "in_review"
    assert not asked(proposal).exists()
    again(proposal).stop_writing(by=ada)
    assert asked(proposal).get().aspect == "pricing"


def test_somebody_else_who_shuts_a_row_does_not_ask_what_is_still_written(ben, proposal, writer, as_user):
    types(writer, "3100")
    other = Writer(as_user(ben), proposal)
    other.do("shut", scripts=True)
    assert not asked(proposal).exists()


def test_only_what_is_reviewed_waits_for_whoever_writes(ada, as_user):
    draft = a_proposal(ada)
    types(Writer(as_user(ada), draft), "3100")
    assert again(draft).writing is None


def test_the_page_says_to_whoever_looks_on_that_it_is_being_changed(proposal, writer, ben, as_user):
    types(writer, "3100")
    claims = proposal.approvals.filter(aspect="claims").first()
    assert "Being changed by Ada." in as_user(ben).get(claims.staff_url()).text
    assert Proposal.objects.filter(writing__isnull=False).count() == 1
