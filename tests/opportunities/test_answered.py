"""A client who writes is written to by a person from then on: whoever answers, and whether or not it is filed yet."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opportunities import campaigns, followups, incoming, sequences
from opportunities.models import Campaign, Contact, Message, Task
from opportunities.records import begin, edit, perform
from tests.makers import a_worked_lead, an_opportunity
from tests.makers_series import a_sequence, another_day, let_fall_due, to_clients
from tests.opportunities.mails import a_mail, a_true_mail, sent_mail
from tests.opportunities.test_followups import a_follow_up
from tests.opportunities.test_outbox import again
from tests.opportunities.test_secondtries import a_template, a_win_back

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def address(settings, tmp_path):
    settings.INBOUND_ADDRESS = "reply@in.zarts.example"
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def run(ada, ben):
    deal = an_opportunity(ada)
    return sequences.start(a_sequence(ben), deal, deal.decision_owner, by=ada)


def take(raw):
    return incoming.take(raw, via="imap")


def in_two_days(owner, deal):
    return a_follow_up(owner, deal, due_at=timezone.now() + timedelta(days=2))


def another_deal(deal, owner):
    """Return a second open deal of the same client."""
    lead = a_worked_lead(owner, email=deal.decision_owner.email, company=deal.client.name)
    perform(lead.qualify, by=owner, client=deal.client)
    return lead


# -- Somebody else answers that very mail. -----------------------------------------------------------------------------


def test_a_colleague_who_answers_a_step_stops_the_sequence(ada, run, mail_server):
    mail_server()
    let_fall_due(run)
    followups.send_due()
    step = Message.objects.get(task__run=run)
    answer = take(a_mail("alias@harbor-dental.example", to=incoming.reply_address(step)))
    assert answer.message.contact != run.contact
    assert (again(run).stage, again(run).ended) == ("stopped", "reply")


def test_a_colleague_who_answers_ends_the_follow_up_of_whom_they_answer_for(ada):
    deal = an_opportunity(ada)
    message, task = sent_mail(deal, ada), in_two_days(ada, deal)
    take(a_mail("alias@harbor-dental.example", to=incoming.reply_address(message)))
    assert (again(task).stage, again(task).outcome) == ("done", "The client wrote first.")


def test_a_colleague_who_is_away_stops_nothing(ada, run):
    message, task = sent_mail(run.opportunity, ada), in_two_days(ada, run.opportunity)
    away = {"to": incoming.reply_address(message), "Auto_Submitted": "auto-replied"}
    take(a_mail("alias@harbor-dental.example", **away))
    assert (again(run).stage, again(task).stage) == ("running", "open")


def test_an_answer_from_elsewhere_stops_the_sequence_when_it_is_filed(ada, run, as_user):
    message = sent_mail(run.opportunity, ada)
    mail = take(a_mail("bo.private@elsewhere.example", to=incoming.reply_address(message)))
    assert (mail.stage, again(run).stage) == ("unmatched", "running")
    here = {"where": f"opportunity:{run.opportunity_id}", "who": "new", "name": "Kim", "email": mail.from_address}
    as_user(ada).post(mail.move_url("file"), here)
    assert again(mail).message.in_reply_to == message.message_id
    assert again(run).stage == "stopped"


# -- Nobody has filed it yet. ------------------------------------------------------------------------------------------


def test_what_waits_for_whoever_wrote_on_two_deals_goes_to_nobody_until_that_is_filed(ada, run, as_user, mail_server):
    catcher = mail_server()
    another_deal(run.opportunity, ada)
    mail = take(a_true_mail(run.contact.email, "Please stop."))
    assert mail.trouble == f"Two deals are open with {run.opportunity.client}."
    let_fall_due(run)
    followups.send_due()
    task = run.tasks.get()
    assert (task.stage, task.waits_for, to_clients(catcher)) == ("paused", "source", [])
    assert (
        task.paused_because == "A mail came in that may be Bo Larsen’s answer: say where it belongs, or set it aside."
    )

    as_user(ada).post(mail.move_url("file"), {"page": run.opportunity.staff_url(), "who": run.contact_id})
    followups.send_due()
    assert again(run).stage == "stopped"
    assert to_clients(catcher) == []


def test_what_waits_goes_on_when_the_mail_is_set_aside(ada, run, mail_server):
    catcher = mail_server()
    mail = take(a_mail(run.contact.email, "Nobody vouches for this."))
    let_fall_due(run)
    followups.send_due()
    assert to_clients(catcher) == []
    perform(mail.set_aside, by=ada, reason="It is not from them.")
    followups.send_due()
    assert len(to_clients(catcher)) == 1


def test_a_follow_up_waits_while_an_answer_from_elsewhere_is_not_filed(ada, mail_server):
    catcher = mail_server()
    deal = an_opportunity(ada)
    message, task = sent_mail(deal, ada), a_follow_up(ada, deal)
    take(a_mail("bo.private@elsewhere.example", to=incoming.reply_address(message)))
    followups.send_due()
    assert (again(task).stage, to_clients(catcher)) == ("paused", [])


@pytest.mark.parametrize("of", ["a stranger", "a machine", "a forger"])
def test_a_mail_that_is_not_theirs_keeps_nothing(ada, mail_server, of):
    catcher = mail_server()
    deal = an_opportunity(ada)
    a_follow_up(ada, deal)
    if of == "a stranger":
        take(a_mail("kim@elsewhere.example"))
    elif of == "a machine":
        take(a_mail(deal.decision_owner.email, Precedence="bulk"))
    else:
        failed = f"mx.zarts.example; dmarc=fail header.from={deal.decision_owner.email.partition('@')[2]}"
        assert take(a_mail(deal.decision_owner.email, Authentication_Results=failed)).stage == "unmatched"
    followups.send_due()
    assert len(to_clients(catcher)) == 1


def test_an_answer_that_may_be_about_two_deals_ends_what_waits_on_both(ada, run):
    deal = run.opportunity
    message, task = sent_mail(deal, ada), in_two_days(ada, deal)
    Message.objects.filter(pk=message.pk).update(opportunity=None)
    another_deal(deal, ada)
    mail = take(a_mail(run.contact.email, to=incoming.reply_address(message)))
    assert (mail.stage, mail.message.opportunity) == ("filed", None)
    assert (again(run).stage, again(task).stage) == ("stopped", "done")


# -- Second tries. -----------------------------------------------------------------------------------------------------


def test_a_letter_of_a_campaign_that_waits_goes_no_more_when_the_client_answers(ada, ben, mail_server):
    catcher = mail_server()
    deal = a_win_back(ada).opportunity
    message, who = sent_mail(deal, ada), Contact.objects.get(pk=deal.decision_owner_id)
    edit(who, by=ada, works_on=another_day())
    campaign = Campaign(name="Spring", template=a_template(ben), owner=ben, chosen={})
    campaign = perform(begin(campaign, by=ben).start, by=ben)
    campaigns.work()
    followups.send_due()
    task = Task.objects.get(campaign_entry__campaign=campaign)
    assert task.stage == "paused"

    take(a_mail(who.email, "We bought elsewhere.", to=incoming.reply_address(message)))
    edit(Contact.objects.get(pk=who.pk), by=ada, works_on="1234567")
    followups.send_due()
    assert (again(task).stage, to_clients(catcher)) == ("done", [])
