"""What keeps a mail back, for how long, and what it says when it goes at last."""

import threading
from datetime import timedelta

import pytest
from anymail.exceptions import AnymailRequestsAPIError
from django.core.mail import get_connection
from django.db import connection, transaction
from django.utils import timezone
from requests import Response

from opportunities import bounces, followups, outbox, sequences
from opportunities.models import Contact, Message, MessageTemplate, Note, Notice, Task
from opportunities.records import Refused, begin, edit, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from tests.makers_series import a_sequence, agree, another_day, let_fall_due, to_clients
from tests.opportunities.test_followups import a_follow_up
from tests.opportunities.test_outbox import a_mail, again
from tests.opportunities.test_secondtries import a_lost_deal


def put_off_by_the_server(task):
    """A follow-up whose mail the server would not take yet."""
    followups.send_due()
    message = task.messages.get()
    assert message.stage == "queued"
    return message


def let_go(message):
    Message.objects.filter(pk=message.pk).update(go_at=timezone.now())
    followups.send_due()


# -- A deal that rests or ends, and a follow-up that somebody pauses. --------------------------------------------------


@pytest.mark.django_db
def test_the_mail_of_a_follow_up_that_somebody_pauses_waits_with_it_and_goes_when_it_goes_on(ada, mail_server):
    catcher = mail_server("451 Later")
    task = a_follow_up(ada)
    message = put_off_by_the_server(task)
    perform(again(task).pause, by=ada, reason="They are in mourning.")
    catcher.answer = "250 OK"
    catcher.got.clear()
    let_go(message)
    assert (again(message).stage, again(message).trouble) == ("held", "Its follow-up waits: They are in mourning.")
    perform(again(task).resume, by=ada)
    followups.send_due()
    assert (again(message).stage, again(task).stage, len(to_clients(catcher))) == ("sent", "done", 1)


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["pause", "lose"])
def test_mail_that_was_on_its_way_when_its_deal_rested_or_was_lost_goes_no_more_by_itself(ada, mail_server, end):
    catcher, message = mail_server(), a_mail(ada)
    message = perform(message.start_sending, by=None)
    deal = again(message.opportunity)
    if end == "pause":
        perform(deal.pause, by=ada, reason="Their summer.")
    else:
        a_lost_deal(ada, deal=deal)
    perform(again(message).release, by=None, reason="421 Busy", attempt=1)
    let_go(message)
    assert (again(message).stage, again(message).waits_for, to_clients(catcher)) == ("held", "", [])


@pytest.mark.django_db
def test_the_mail_of_a_follow_up_that_was_on_its_way_when_the_deal_rested_is_read_again_by_a_person(ada, mail_server):
    catcher, task = mail_server(), a_follow_up(ada)
    followups.take_touches()
    message = perform(task.messages.get().start_sending, by=None)
    deal = perform(again(message.opportunity).pause, by=ada, reason="Their summer.")
    perform(again(message).release, by=None, reason="421 Busy", attempt=1)
    let_go(message)
    assert to_clients(catcher) == []
    perform(deal.resume, by=ada)
    assert Task.objects.open().about(message).get().title.startswith("Read it again and send it")


@pytest.mark.django_db
def test_mail_that_waited_for_consent_does_not_go_when_it_comes_after_the_deal_was_lost(ada, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    message = a_mail(ada, deal, purpose="marketing")
    followups.send_due()
    assert again(message).waits_for == "consent"
    a_lost_deal(ada, deal=again(deal))
    agree(deal.decision_owner, ada)
    followups.send_due()
    assert (again(message).stage, again(message).trouble) == ("held", "The opportunity was lost.")
    assert to_clients(catcher) == []


@pytest.mark.django_db
def test_what_was_put_off_stays_put_off_whatever_is_written_about_its_reader(ada, mail_server):
    catcher = mail_server("451 Later")
    task = a_follow_up(ada)
    message = put_off_by_the_server(task)
    again(task).snooze(timezone.now() + timedelta(days=7), by=ada, reason="After the fair.")
    catcher.answer = "250 OK"
    catcher.got.clear()
    edit(Contact.objects.get(pk=task.contact_id), by=ada, title="Owner")
    followups.send_due()
    assert (again(message).stage, to_clients(catcher)) == ("held", [])
    Task.objects.filter(pk=task.pk).update(due_at=timezone.now())
    followups.send_due()
    assert (again(message).stage, len(to_clients(catcher))) == ("sent", 1)


@pytest.mark.django_db
def test_what_a_person_sends_again_of_a_closed_follow_up_is_looked_at_again_by_itself(ada, mail_server):
    catcher, task = mail_server(), a_follow_up(ada)
    followups.send_due()
    bounces.came_back(task.messages.get(), "550 No such user")
    new = {"email": "new@client.example", "works_on": another_day()}
    contact = edit(Contact.objects.get(pk=task.contact_id), by=ada, **new)
    catcher.got.clear()
    message = perform(task.messages.get().retry, by=ada)
    followups.send_due()
    assert (again(message).stage, again(message).waits_for) == ("held", "timing")
    assert again(message).again_at, "nobody looks after it but the outbox"
    edit(contact, by=ada, works_on="1234567")
    Message.objects.update(again_at=timezone.now())
    followups.send_due()
    assert [mail.rcpt_tos for mail in to_clients(catcher)] == [["new@client.example"]]


# -- One that cannot go keeps no other back. ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_mail_whose_link_was_closed_while_it_waited_asks_a_person_and_keeps_no_other_back(ada, ben, mail_server):
    catcher = mail_server()
    proposal = a_proposal(ada, approver=ben, stage="approved")
    contact = proposal.opportunity.decision_owner
    proposal = perform(proposal.send, by=ada, contact=contact)
    edit(contact, by=None, mail_failed_at=timezone.now(), mail_trouble="550")
    followups.send_due()
    message = Message.objects.get(template="proposal")
    assert message.waits_for == "path"
    perform(type(proposal).objects.get(pk=proposal.pk).withdraw, by=ada, reason="The price is wrong.")
    edit(Contact.objects.get(pk=contact.pk), by=ada, email="bo.new@client.example")
    other = a_follow_up(ada)
    followups.send_due()
    assert (again(message).stage, again(message).again_at) == ("held", None)
    assert again(message).trouble == "The link in it was closed."
    assert [mail.rcpt_tos for mail in to_clients(catcher)] == [[other.contact.email]]


@pytest.mark.django_db
@pytest.mark.parametrize("of", ["outbox.waits", "followups.take", "followups.look_at", "outbox.look_at"])
def test_many_that_cannot_be_taken_keep_nobody_behind_them_waiting(ada, mail_server, monkeypatch, of):
    catcher, deal = mail_server(), an_opportunity(ada)
    monkeypatch.setattr("opportunities.turns.BATCH", 2)
    rows = [a_follow_up(ada, deal) for _ in range(5)] if "followups" in of else [a_mail(ada, deal) for _ in range(5)]
    if "look_at" in of:
        for row in rows:
            wait = row.pause if "followups" in of else row.hold
            perform(wait, by=None, reason="For a while.", waits_for="path", again_at=timezone.now())
    bad, real = {row.pk for row in rows[:4]}, getattr(globals()[of.partition(".")[0]], of.partition(".")[2])

    def breaks(row, *args):
        if getattr(row, "pk", row) in bad:
            raise RuntimeError("On purpose.")
        return real(row, *args)

    monkeypatch.setattr(f"opportunities.{of}", breaks)
    followups.send_due()
    assert len(to_clients(catcher)) == 1


@pytest.mark.django_db
def test_a_part_of_a_round_ends_in_time_and_goes_on_in_the_next(ada, mail_server, monkeypatch):
    catcher, deal = mail_server(), an_opportunity(ada)
    for _ in range(3):
        a_mail(ada, deal)
    monkeypatch.setattr("opportunities.turns.LONG_ENOUGH", -1)
    followups.send_due()
    assert to_clients(catcher) == []
    monkeypatch.undo()
    outbox.send()
    assert Message.objects.filter(stage="sent").count() == 3 or Message.objects.filter(stage="queued").count() == 0


# -- What it says, and to whom. ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["451 Later", "550 No such user"])
def test_a_follow_up_that_is_changed_before_its_mail_has_gone_says_what_it_says_now(ada, mail_server, answer):
    catcher = mail_server(answer)
    task = a_follow_up(ada)
    followups.send_due()
    new = Contact(client=task.contact.client, name="Eva New", email="eva@new.example")
    new = begin(Contact(**{**vars_of(new), "works_from": "00:00", "works_to": "00:00", "works_on": "1234567"}), by=ada)
    agree(new, ada, "transactional")
    again(task).change(by=ada, contact=new, words="Dear Eva, a new text.")
    catcher.answer = "250 OK"
    catcher.got.clear()
    let_go(task.messages.get())
    (mail,) = to_clients(catcher)
    assert mail.rcpt_tos == ["eva@new.example"]
    assert b"Dear Eva, a new text." in mail.content
    assert (again(task).stage, Message.objects.count()) == ("done", 1)


def vars_of(contact):
    return {"client": contact.client, "name": contact.name, "email": contact.email}


@pytest.mark.django_db
def test_a_follow_up_is_not_changed_while_its_mail_is_on_its_way(ada):
    task = a_follow_up(ada)
    followups.take_touches()
    perform(task.messages.get().start_sending, by=None)
    with pytest.raises(Refused, match="on its way already"):
        again(task).change(by=ada, words="Other words.")
    assert again(task).words == "Good morning."


@pytest.mark.django_db
def test_what_is_written_for_us_alone_does_not_leave_by_the_field_of_a_template(ada, ben, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    deal = edit(deal, by=ada, next_action="Keep our margin: they do not know the cost price")
    template = begin(MessageTemplate(name="Next", purpose="transactional"), by=ben)
    template.revise("What comes next", "Hello {contact.first_name}, next: {opportunity.next_step}.", by=ben)
    steps = [{"wait_days": 1, "template": template}]
    run = sequences.start(a_sequence(ben, steps=steps), deal, deal.decision_owner, by=ada)
    task = let_fall_due(run)
    followups.send_due()
    assert to_clients(catcher) == []
    assert again(task).stage == "paused"
    assert "margin" in again(task).paused_because


@pytest.mark.django_db
def test_a_template_that_is_for_other_mail_by_now_is_not_mailed_under_the_consent_for_the_first(ada, ben, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    run = sequences.start(a_sequence(ben), deal, deal.decision_owner, by=ada)
    task = let_fall_due(run)
    edit(again(task).template, by=ben, purpose="marketing")
    followups.send_due()
    assert to_clients(catcher) == []
    assert "is for marketing mail now" in again(task).paused_because


@pytest.mark.django_db
def test_a_template_without_words_mails_nothing_and_says_so(ada, ben, mail_server):
    catcher, task = mail_server(), a_follow_up(ada)
    template = begin(MessageTemplate(name="Empty", purpose="transactional"), by=ben)
    Task.objects.filter(pk=task.pk).update(words="", template=template)
    followups.send_due()
    assert to_clients(catcher) == []
    assert again(task).paused_because == "Write the words of the template Empty."


@pytest.mark.django_db
def test_mail_goes_to_an_address_with_letters_of_its_own_and_its_pages_open(ada, as_user, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    edit(deal.decision_owner, by=ada, email="info@müller.de")
    message = a_mail(ada, again(deal))
    assert as_user(ada).get(message.staff_url()).status_code == 200
    outbox.send()
    assert again(message).stage == "sent"
    assert catcher.got[0].rcpt_tos == ["info@xn--mller-kva.de"]


# -- What the server says. ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_known_to_have_gone_is_not_sent_again_though_a_person_said_send_it(ada, mail_server):
    catcher = mail_server()
    a_mail(ada)
    claimed, server = outbox.claim(), get_connection()
    server.open()
    assert outbox.hand_over(outbox.letter_of(claimed, server), server).kind == "sent"
    perform(again(claimed).doubt, by=None, reason="Its lease is over.", attempt=1)
    perform(again(claimed).settle_unsent, by=ada)
    assert outbox.heard(claimed, "confirm_sent")
    outbox.send()
    assert (again(claimed).stage, len(to_clients(catcher))) == ("sent", 1)


@pytest.mark.django_db
def test_nobody_marks_a_mail_as_sent_that_was_not_handed_over(ada):
    with pytest.raises(Refused, match="was not handed over"):
        perform(a_mail(ada).confirm_sent, by=None)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "turned away"), (403, "turned away"), (408, "unknown"), (422, "refused"), (429, "later")]
)
def test_what_a_provider_answers_is_told_apart(status, kind):
    trouble = Exception("No.")
    trouble.status_code = status
    assert outbox.answer_of(trouble).kind == kind


@pytest.mark.django_db
def test_a_provider_that_turns_us_away_keeps_all_mail_queued_for_as_long_as_it_does(ada, settings, monkeypatch):
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL_POSTMARK_SERVER_TOKEN = "of last year"
    asked, refusal = [], Response()
    refusal.status_code, refusal.reason, refusal.url = 401, "Unauthorized", "https://api.postmark.example/email"

    def turns_away(self, message):
        asked.append(message)
        raise AnymailRequestsAPIError("Your token is wrong.", email_message=message, response=refusal)

    monkeypatch.setattr("anymail.backends.postmark.EmailBackend._send", turns_away)
    first, second = a_mail(ada), a_mail(ada)
    Message.objects.filter(pk=first.pk).update(attempt=20)
    outbox.send()
    assert len(asked) == 1, "the others need not be turned away, too"
    assert (again(first).stage, again(second).stage) == ("queued", "queued")


@pytest.mark.django_db
def test_a_letter_to_one_of_us_without_an_address_has_failed(ada, mail_server):
    from opportunities import notices

    catcher = mail_server()
    type(ada).objects.filter(pk=ada.pk).update(email="")
    letter = notices.write(again(ada), "Due", "A task.", key="k")
    outbox.send()
    assert (again(letter).state, catcher.got) == ("failed", [])
    assert Notice.objects.count() == 0


# -- Two at one deal. --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_who_writes_something_and_sends_it_at_once_waits_for_nobody_who_waits_for_them():
    deal = an_opportunity(person("ada", "Growth ops", team="East"))
    trouble, began = [], threading.Event()

    def moves():
        began.set()
        try:
            perform(type(deal).objects.get(pk=deal.pk).pause, by=None, reason="Their summer.")
        except Exception as found:
            trouble.append(found)
        finally:
            connection.close()

    other = threading.Thread(target=moves)
    with transaction.atomic():
        Note.take(deal, "They answer in the morning.", by=deal.owner)
        other.start()
        began.wait()
        assert waits_for_a_lock()
        edit(type(deal).objects.get(pk=deal.pk), by=deal.owner, close_risk="Their cousin")
    other.join()
    assert trouble == []
    assert again(deal).stage == "paused"


def waits_for_a_lock() -> bool:
    """Wait until the other one waits."""
    until = timezone.now() + timedelta(seconds=8)
    while timezone.now() < until:
        with connection.cursor() as cursor:
            cursor.execute("select pg_stat_clear_snapshot()")
            cursor.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
            if cursor.fetchone()[0]:
                return True
    return False
