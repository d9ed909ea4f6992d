"""Words that are withdrawn stay where a client has them: whoever withdraws is told where, and so is the owner."""

import pytest

from opportunities.models import Task
from opportunities.records import perform
from tests.makers_proposals import a_proposal, a_summary, approve_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def summary(ada, ben):
    return a_summary(ada, approver=ben, stage="approved")


@pytest.fixture
def proposal(ada, ben, summary):
    """An offer that the client has, with these words under what we found."""
    proposal = a_proposal(ada, opportunity=summary.opportunity)
    proposal = approve_all(perform(proposal.submit, by=ada), ben)
    return perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner)


def again(record):
    return type(record).objects.get(pk=record.pk)


def dialog(browser, summary):
    return browser.get(summary.move_url("withdraw")).text


def test_the_dialog_says_before_the_button_where_they_stay(ben, summary, proposal, as_user):
    text = dialog(as_user(ben), summary)
    said = f"It stays readable in {proposal.number}, revision 1, which the client has."
    assert f'<a href="{proposal.staff_url()}">{said}</a>' in text
    assert "Send a new revision, or withdraw that one." in text
    assert text.index(said) < text.index('<form class="z-card')


def test_the_task_of_the_owner_names_them(ben, summary, proposal):
    withdrawn = perform(again(summary).withdraw, by=ben, reason="It was measured wrongly.")
    task = Task.objects.about(withdrawn).open().get()
    assert task.title == (
        f"Send a new revision or withdraw: {proposal.number}, revision 1, still says “{summary.title}”"
    )


def test_what_no_client_has_is_withdrawn_without_a_word(ada, ben, summary, proposal, as_user):
    perform(again(proposal).withdraw, by=ben, reason="Another offer.")
    assert "stays readable" not in dialog(as_user(ben), summary)
    withdrawn = perform(again(summary).withdraw, by=ben, reason="It was measured wrongly.")
    assert "Check which pages" in Task.objects.about(withdrawn).open().get().title
    draft = a_summary(ada)
    assert "stays readable" not in dialog(as_user(ben), draft)
