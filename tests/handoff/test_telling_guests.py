"""What a guest hears when the deal is won: what we need from them, and where they do it. Once each."""

import pytest
from django.utils import timezone

from handoff.inherit import inherit
from opportunities.models import Message
from opportunities.records import begin, perform
from portal.models import Guest
from tests.makers_handoff import a_signed_deal


def mails():
    return Message.objects.filter(template="onboarding").order_by("pk")


@pytest.fixture
def deal(ada, ben, dora):
    return a_signed_deal(ada, manager=ben)


def win(deal, by):
    return perform(deal.win, by=by, reason="proof", competitor="Nobody", words="The numbers convinced them.")


def test_each_guest_is_told_once_what_we_need_from_them_and_where(deal, ada):
    client = deal.client
    dai = begin(type(deal.decision_owner)(client=client, name="Dai Evans", email="dai@harbor.example"), by=ada)
    begin(type(dai)(client=client, name="No Mail", email=""), by=ada)
    won = win(deal, ada)

    assert {mail.contact for mail in mails()} == {deal.decision_owner, dai}
    assert {mail.stage for mail in mails()} == {"queued"}
    mail, project = mails().get(contact=dai), won.projects.get()
    title = project.handoff.contract.proposal.title
    assert mail.subject == f"What we need from you: {title}"
    for item in project.items.filter(who="client"):
        assert f"- {item.title}" in mail.body
    for item in project.items.filter(who="us"):
        assert item.title not in mail.body
    assert "- Access to HubSpot" in mail.body
    assert "/portal/onboarding/" in mail.body
    assert (mail.purpose, mail.owner) == ("contractual", project.owner)

    inherit(won, by=ada)
    assert mails().count() == 2
    assert project.handoff.receipts.filter(record_type="opportunities.message").count() == 2


def test_whose_access_was_taken_away_hears_nothing(deal, ada, ben):
    bo = deal.decision_owner
    guest = Guest.objects.filter(client_id=deal.client_id, contact_id=bo.pk).first()
    assert guest is not None
    Guest.objects.filter(pk=guest.pk).update(revoked_at=timezone.now(), taken_by="Ben")
    win(deal, ada)
    assert not mails().exists()
