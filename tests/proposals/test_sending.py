"""Who gets a proposal and for what, sending again, closing a link, and what staff see of each reader."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from opportunities.models import Contact, Event, Message, MessageTemplate
from opportunities.records import Refused, begin, edit, perform
from portal.models import Guest, ProposalLink
from portal.tokens import token_hash
from proposals.forms import CloseLinkForm, SendForm, ShareForm
from tests.makers_proposals import a_proposal, approve_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer(ada, ben):
    return a_proposal(ada, approver=ben, stage="approved")


@pytest.fixture
def bo(offer):
    return offer.opportunity.decision_owner


@pytest.fixture
def tom(offer, ada):
    return begin(Contact(client=offer.opportunity.client, name="Tom Reyes", email="tom@two.example"), by=ada)


@pytest.fixture
def template(ben):
    made = begin(MessageTemplate(name="The offer", purpose="contractual"), by=ben)
    body = "Dear {contact.first_name}, as {contact.title}, read it."
    made.revise("For {contact.first_name}: {proposal.title}", body, by=ben)
    return made


def links_of(proposal):
    return ProposalLink.objects.filter(publication=proposal.publication_id).order_by("pk")


def mails_of(proposal):
    return Message.objects.filter(template="proposal", record_id=proposal.pk).order_by("pk")


def typed(proposal, user, **said):
    return SendForm(said, record=proposal, user=user)


# -- Sending. ----------------------------------------------------------------------------------------------------------


def test_each_recipient_gets_a_link_and_a_mail_of_their_own_for_their_part(ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo, others=[(tom, "reads")])
    assert list(links_of(sent).values_list("contact_id", "role")) == [(bo.pk, "decides"), (tom.pk, "reads")]
    first, second = mails_of(sent)
    assert (first.contact, second.contact) == (bo, tom)
    assert first.secret_link != second.secret_link
    assert "Read it, ask and answer here:" in first.body
    assert "Read it and ask here:" in second.body
    assert set(Guest.objects.values_list("contact_id", flat=True)) == {bo.pk, tom.pk}


def test_nobody_elses_contact_and_nobody_who_left_gets_a_link(ada, offer, bo, tom):
    tom = edit(tom, by=ada, left_on=timezone.localdate())
    with pytest.raises(Refused, match="Choose a contact of this client"):
        perform(offer.send, by=ada, contact=bo, others=[(tom, "reads")])
    offer.refresh_from_db()
    assert (offer.stage, mails_of(offer).count()) == ("approved", 0)


def test_the_form_gives_each_person_one_part(ada, offer, bo, tom):
    form = typed(offer, ada, contact=bo.pk, reads=[tom.pk], signs=[tom.pk])
    assert form.errors == {"reads": ["Tom Reyes stands twice: give each person one part."]}
    form = typed(offer, ada, contact=bo.pk, reads=[bo.pk])
    assert "reads" in form.errors
    form = typed(offer, ada, contact=bo.pk, signs=[tom.pk])
    assert form.is_valid()
    assert form.cleaned_data["others"] == [(tom, "signs")]


def test_where_one_person_can_be_reached_nobody_is_asked_who_else(ada, offer):
    assert set(SendForm(record=offer, user=ada).fields) == {"contact", "template", "words", "expires_on"}


def test_the_words_come_from_a_template_for_each_person_and_greet_once(ada, offer, bo, tom, template):
    bo, tom = edit(bo, by=ada, title="owner"), edit(tom, by=ada, title="accountant")
    perform(offer.send, by=ada, contact=bo, others=[(tom, "reads")], template=template)
    first, second = mails_of(offer)
    assert first.subject == f"For Bo: {offer.title}"
    assert first.body.startswith("Dear Bo, as owner, read it.")
    assert second.body.startswith("Dear Tom, as accountant, read it.")


def test_a_field_that_a_template_would_leave_empty_is_named_before_anything_is_sent(ada, offer, bo, tom, template):
    bo = edit(bo, by=ada, title="owner")
    form = typed(offer, ada, contact=bo.pk, reads=[tom.pk], template=template.pk)
    assert re.match(r"Tom Reyes: Fill in what \{contact.title\} stands for", form.errors["template"][0])
    with pytest.raises(Refused, match="Fill in what"):
        perform(offer.send, by=ada, contact=bo, others=[(tom, "reads")], template=template)
    assert mails_of(offer).count() == 0


def test_a_template_and_words_of_ones_own_are_not_mixed(ada, offer, bo, template):
    bo = edit(bo, by=ada, title="owner")
    form = typed(offer, ada, contact=bo.pk, template=template.pk, words="Here it is.")
    assert form.errors["words"] == ["Take either a template or words of your own: empty one of the two."]


# -- Again, to one more, and closing. ----------------------------------------------------------------------------------


def test_sending_again_makes_a_new_link_to_which_the_old_one_leads(ada, offer, bo):
    sent = perform(offer.send, by=ada, contact=bo)
    (old,) = links_of(sent)
    sent = perform(sent.share, by=ada, contact=bo, role="decides")
    old, new = links_of(sent)
    assert old.replaced_by == new
    assert old.revoked_at
    assert mails_of(sent).count() == 2
    assert token_hash(mails_of(sent)[1].secret_link.split("/")[-2]) == new.token_hash
    assert Event.objects.get(verb="proposal.share").facts.values["role"] == "decides"


def test_a_proposal_is_sent_to_one_more_person_without_a_new_revision(ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo)
    sent = perform(sent.share, by=ada, contact=tom)
    assert sent.stage == "sent"
    assert list(links_of(sent).values_list("role", flat=True)) == ["decides", "reads"]


def test_what_waits_to_be_answered_still_waits_when_it_is_shared(ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo)
    open_before = sent.opportunity.tasks.open().count()
    perform(sent.share, by=ada, contact=tom)
    assert sent.opportunity.tasks.open().count() == open_before


def test_an_offer_that_is_valid_no_more_is_sent_to_nobody(ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo)
    with time_machine.travel(timezone.now() + timedelta(days=60)), pytest.raises(Refused):
        perform(sent.share, by=ada, contact=tom)


def test_words_beside_a_shared_link_are_read_like_all_that_clients_read(ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo)
    form = ShareForm({"contact": tom.pk, "role": "reads", "words": "Mind the margin."}, record=sent, user=ada)
    assert "words" in form.errors
    with pytest.raises(Refused):
        perform(sent.share, by=ada, contact=tom, words="Mind the margin.")


def test_one_link_is_closed_with_a_reason_and_its_mail_that_waits_is_held(ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo, others=[(tom, "reads")])
    first, second = links_of(sent)
    form = CloseLinkForm({"link": second.pk, "reason": "He left the project."}, record=sent, user=ada)
    assert form.is_valid(), form.errors
    perform(sent.close_link, by=ada, **form.cleaned_data)
    first, second = links_of(sent)
    assert (first.revoked_at, second.replaced_by) == (None, None)
    assert second.revoked_at
    assert [mail.stage for mail in mails_of(sent)] == ["queued", "held"]
    assert Event.objects.get(verb="proposal.close_link").reason == "He left the project."


def test_a_link_of_another_offer_cannot_be_closed_here(ada, ben, offer, bo):
    other = a_proposal(ada, approver=ben, stage="sent")
    sent = perform(offer.send, by=ada, contact=bo)
    form = CloseLinkForm({"link": links_of(other).get().pk, "reason": "x"}, record=sent, user=ada)
    assert "link" in form.errors
    with pytest.raises(Refused, match="not one of this proposal's links"):
        perform(sent.close_link, by=ada, link=links_of(other).get(), reason="x")


def test_whoever_may_not_send_closes_and_shares_nothing(ann, ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo)
    with pytest.raises(PermissionDenied):
        perform(sent.share, by=ann, contact=tom)
    with pytest.raises(PermissionDenied):
        perform(sent.close_link, by=ann, link=links_of(sent).get(), reason="x")


def test_each_link_of_a_revision_leads_to_the_same_persons_of_the_next(ada, ben, offer, bo, tom):
    first = perform(offer.send, by=ada, contact=bo, others=[(tom, "reads")])
    second = first.revise(by=ada)
    second = approve_all(perform(second.submit, by=ada), ben)
    second = perform(second.send, by=ada, contact=bo, others=[(tom, "reads")])
    newer = {link.contact_id: link for link in links_of(second)}
    assert {link.contact_id: link.replaced_by for link in links_of(first)} == newer


# -- What staff see. ---------------------------------------------------------------------------------------------------


def test_the_proposals_page_says_who_has_it_and_that_fetching_means_nothing(as_user, ada, offer, bo, tom):
    sent = perform(offer.send, by=ada, contact=bo, others=[(tom, "signs")])
    page = as_user(ada).get(sent.staff_url()).content.decode()
    assert "Who has it" in page
    assert "Reads, and signs the contract" in page
    assert page.count("not opened yet") == 2
    assert "Send to somebody else…" in page
    assert "Close a link…" in page
