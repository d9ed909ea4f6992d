"""One click in a mail stops marketing for its reader, at every client, for good; contracts go on."""

import email
import re
from datetime import timedelta
from email.policy import default

import pytest
from django.utils import timezone

from opportunities import followups, optout, outbox, sequences
from opportunities.models import Client, Consent, Contact, Event, Lead, Message, SequenceRun, Task
from opportunities.records import begin, edit
from portal.models import Stop, StopLink
from portal.tokens import token_hash
from proposals import inbox
from tests.makers import an_opportunity
from tests.makers_series import a_sequence, agree, let_fall_due, to_clients

WHEN = {"purpose": "marketing", "mailed_at": timezone.now()}


def now(record):
    return type(record)._base_manager.get(pk=record.pk)


def stop(contact, at=None):
    """Have a contact press the way out."""
    return optout.stop(contact, contact.email, at=at or timezone.now(), **WHEN)


def a_letter(opportunity, owner, purpose="marketing"):
    contact = opportunity.decision_owner
    return outbox.write(
        contact, "News", "We measured again.", owner=owner, by=owner, purpose=purpose, opportunity=opportunity
    )


def read(envelope):
    return email.message_from_bytes(envelope.content, policy=default)


# -- In the mail. ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_marketing_mail_carries_the_way_out_in_its_headers_and_at_its_end(ada, mail_server, settings):
    settings.PORTAL_URL = "https://clients.zarts.example"
    catcher = mail_server()
    opportunity = an_opportunity(ada)
    agree(opportunity.decision_owner, ada)
    a_letter(opportunity, ada)
    followups.send_due()
    mail = read(to_clients(catcher)[0])
    link = re.fullmatch(r"<(https://clients\.zarts\.example/stop/([\w-]{43})/)>", mail["List-Unsubscribe"].strip())
    assert link
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_body(("plain",)).get_content().rstrip().endswith(f"Stop it here: {link[1]}")
    kept = StopLink.objects.get()
    assert kept.token_hash == token_hash(link[2])
    assert (kept.contact_id, kept.email, kept.purpose) == (
        opportunity.decision_owner_id,
        opportunity.decision_owner.email.lower(),
        "marketing",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", ["transactional", "contractual"])
def test_other_mail_has_none(ada, mail_server, purpose):
    catcher = mail_server()
    a_letter(an_opportunity(ada), ada, purpose=purpose)
    followups.send_due()
    mail = read(to_clients(catcher)[0])
    assert mail["List-Unsubscribe"] is None
    assert "/stop/" not in mail.get_body(("plain",)).get_content()
    assert not StopLink.objects.exists()


@pytest.mark.django_db
def test_a_second_attempt_carries_the_same_way_out(ada, mail_server):
    catcher = mail_server("451 Come back later")
    opportunity = an_opportunity(ada)
    agree(opportunity.decision_owner, ada)
    a_letter(opportunity, ada)
    followups.send_due()
    Message.objects.update(go_at=timezone.now() - timedelta(seconds=1))
    followups.send_due()
    first, second = (read(envelope)["List-Unsubscribe"] for envelope in to_clients(catcher))
    assert first == second
    assert StopLink.objects.count() == 1


@pytest.mark.django_db
def test_two_mails_have_two_ways_out_and_none_tells_of_the_message(ada):
    opportunity = an_opportunity(ada)
    first, second = (a_letter(opportunity, ada) for _ in range(2))
    assert optout.token(first) != optout.token(second)
    assert first.key.hex not in optout.token(first)


# -- From the click to the diary. --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_click_from_the_mail_stops_marketing_and_not_contracts(ada, mail_server, portal_client):
    catcher = mail_server()
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    agree(contact, ada)
    a_letter(opportunity, ada)
    followups.send_due()
    link = read(to_clients(catcher)[0])["List-Unsubscribe"].strip("<> ")
    path = "/" + link.split("/", 3)[3]

    assert portal_client.get(path).status_code == 200
    assert inbox.read()["stops"] == 0
    assert portal_client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert inbox.read()["stops"] == 1

    assert not contact.agreed_to("marketing")
    assert contact.agreed_to("transactional")
    assert contact.agreed_to("contractual")
    told = Event.objects.get(verb="consent.edit")
    today = optout.day(timezone.now())
    assert (told.contact, told.reason) == (contact, f"Stopped by one click from the mail of {today}.")
    assert Stop.objects.get().outcome == "Taken back."

    a_letter(opportunity, ada)
    a_letter(opportunity, ada, purpose="contractual")
    followups.send_due()
    assert sorted(Message.objects.values_list("purpose", "stage")) == [
        ("contractual", "sent"),
        ("marketing", "held"),
        ("marketing", "sent"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_click_after_they_agreed_again_stops_it_again(ada, mail_server, portal_client):
    catcher = mail_server()
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    agree(contact, ada)
    a_letter(opportunity, ada)
    followups.send_due()
    path = "/" + read(to_clients(catcher)[0])["List-Unsubscribe"].strip("<> ").split("/", 3)[3]
    for _ in range(2):
        portal_client.post(path, {"List-Unsubscribe": "One-Click"})
        inbox.read()
        assert not contact.agreed_to("marketing")
        agree(contact, ada)
        assert contact.agreed_to("marketing"), "who agrees again agrees"


# -- Whom it counts for. -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_counts_at_every_client_where_the_address_is_known(ada):
    contact = an_opportunity(ada).decision_owner
    elsewhere = begin(Client(name="Pier Yoga", owner=ada), by=ada)
    twin = begin(Contact(client=elsewhere, name="Bo L.", email=contact.email.upper()), by=ada)
    other = begin(Contact(client=elsewhere, name="Kim", email="kim@pier.example"), by=ada)
    for person in (contact, twin, other):
        agree(person, ada)
    assert stop(contact) == 2
    assert [person.agreed_to("marketing") for person in (contact, twin, other)] == [False, False, True]


@pytest.mark.django_db
def test_it_counts_for_whoever_has_another_address_by_now(ada):
    contact = an_opportunity(ada).decision_owner
    agree(contact, ada)
    old = contact.email
    contact = edit(contact, by=ada, email="bo.new@harbor.example")
    optout.stop(contact, old, at=timezone.now(), **WHEN)
    assert not contact.agreed_to("marketing")


@pytest.mark.django_db
def test_what_they_agreed_to_after_the_click_stays(ada):
    contact = an_opportunity(ada).decision_owner
    before = agree(contact, ada, captured_at=timezone.now() - timedelta(days=3))
    after = agree(contact, ada)
    stop(contact, at=timezone.now() - timedelta(days=1))
    assert (now(before).state, now(after).state) == ("withdrawn", "valid")


@pytest.mark.django_db
def test_a_stop_counts_for_whoever_had_agreed_to_nothing_and_stands_with_its_date(ada):
    contact = an_opportunity(ada).decision_owner
    assert stop(contact) == 0
    (kept,) = optout.stopped(contact)
    assert (kept.purpose, kept.text_version, kept.state) == ("marketing", "one-click", "withdrawn")
    stop(contact, at=kept.withdrawn_at)
    assert contact.consents.filter(purpose="marketing").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("agreed", [True, False])
def test_what_comes_later_from_a_file_and_is_older_does_not_revive_it(ada, agreed):
    contact = an_opportunity(ada).decision_owner
    if agreed:
        agree(contact, ada)
    stop(contact)
    given = {
        "purpose": "marketing",
        "text_version": "2024",
        "source": "Fair",
        "captured_at": "2026-01-05T10:00:00+00:00",
    }
    lead = begin(Lead(name="Bo Larsen", company="Pier Yoga", email=contact.email, consent=given, owner=ada), by=ada)
    found = lead.find_or_make_contact(by=ada, client=begin(Client(name="Pier Yoga", owner=ada), by=ada))
    assert found != contact
    assert not found.agreed_to("marketing")
    older = found.consents.get()
    assert older.withdrawn_at
    assert "They stopped it on" in Event.objects.filter(verb="consent.edit", record_id=older.pk).get().reason


@pytest.mark.django_db
def test_a_consent_to_other_mail_is_not_looked_at(ada):
    contact = an_opportunity(ada).decision_owner
    stop(contact)
    agree(contact, ada, purpose="contractual", captured_at=timezone.now() - timedelta(days=300))
    assert contact.agreed_to("contractual")


@pytest.mark.django_db
def test_an_entry_that_was_merged_since_leads_to_the_one_that_goes_on(ada):
    from opportunities import merging

    gone, kept = an_opportunity(ada), an_opportunity(ada)
    twin = begin(Contact(client=kept.client, name="Bo", email=gone.decision_owner.email), by=ada)
    agree(twin, ada)
    merging.merge_clients(gone.client, kept.client, by=ada)
    stop(now(gone.decision_owner))
    assert not twin.agreed_to("marketing")


# -- What it stops. ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_stops_marketing_sequences_and_holds_their_mail_and_lets_the_others_run(ada, ben, mail_server):
    catcher = mail_server()
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    agree(contact, ada)
    news, offer = a_sequence(ben, name="News", purpose="marketing"), a_sequence(ben, name="Offer")
    runs = [sequences.start(each, opportunity, contact, by=ada) for each in (news, offer)]
    let_fall_due(runs[0])
    followups.take_touches()
    stop(contact)
    followups.send_due()
    assert [now(run).stage for run in runs] == ["stopped", "running"]
    assert now(runs[0]).ended == SequenceRun.Ended.OPT_OUT
    assert (Message.objects.get().stage, to_clients(catcher)) == ("held", [])


@pytest.mark.django_db
def test_a_sequence_that_waits_for_consent_stops_for_whoever_had_given_none(ada, ben):
    opportunity = an_opportunity(ada)
    run = sequences.start(a_sequence(ben, purpose="marketing"), opportunity, opportunity.decision_owner, by=ada)
    let_fall_due(run)
    followups.take_touches()
    stop(opportunity.decision_owner)
    assert now(run).stage == "stopped"


@pytest.mark.django_db
def test_a_campaigns_letter_to_them_is_cancelled(ada, ben):
    from opportunities.models import Campaign, CampaignEntry
    from tests.makers_series import a_template
    from tests.opportunities.test_sequences import a_lost_deal

    opportunity = a_lost_deal(ada)
    contact, template = opportunity.decision_owner, a_template(ben, purpose="marketing")
    agree(contact, ada)
    campaign = begin(Campaign(name="Spring", template=template, owner=ada), by=ada)
    fields = {"contact": contact, "template": template, "purpose": "marketing", "due_at": timezone.now()}
    task = begin(Task(opportunity=opportunity, title="Write", owner=ada, **fields), by=ada)
    CampaignEntry.objects.create(campaign=campaign, win_back=opportunity.win_backs.get(), contact=contact, task=task)
    stop(contact)
    assert (now(task).stage, Consent.objects.valid().filter(contact=contact, purpose="marketing").count()) == (
        "cancelled",
        0,
    )


@pytest.mark.django_db
def test_an_opt_out_reads_as_what_it_is_in_the_diary(ada):
    deal = an_opportunity(ada)
    consent = agree(deal.decision_owner, ada)
    stop(deal.decision_owner)
    told = Event.objects.filter(record_type=Consent.label(), record_id=consent.pk).order_by("-pk").first()
    assert told.past == "stopped"
