"""Second tries at lost deals: their window, what they show, a letter under the four conditions, and reopening."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from opportunities import followups, outbox, secondtries
from opportunities.models import Consent, Event, Message, MessageTemplate, Objection, SequenceRun, Source, Task, WinBack
from opportunities.records import Refused, begin, edit, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_series import a_sequence, another_day

pytestmark = pytest.mark.django_db


def day(number):
    return timezone.localdate() + timedelta(days=number)


def agrees(contact, by, purpose="marketing"):
    return begin(Consent(contact=contact, purpose=purpose, text_version="1", source="Form"), by=by)


def a_lost_deal(owner, first=0, last=30, **fields):
    deal = fields.pop("deal", None) or an_opportunity(owner)
    said = {"reason": "price", "words": "Too dear this year.", "must_change": "A new budget."} | fields
    return perform(deal.lose, by=owner, reactivate_from=day(first), reactivate_to=day(last), **said)


def a_win_back(owner, *, agreed=True, **fields):
    deal = a_lost_deal(owner, **fields)
    if agreed:
        agrees(deal.decision_owner, owner)
    secondtries.turn()
    return WinBack.objects.get(opportunity=deal)


def again(record):
    return type(record).objects.get(pk=record.pk)


def a_template(by, body="Hello {contact.first_name}, shall we talk again?"):
    template = begin(MessageTemplate(name="Try again", purpose="marketing"), by=by)
    template.revise("Shall we talk again?", body, by=by)
    return template


# -- The window. -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        ("2027-02-28T23:59Z", "waiting"),
        ("2027-03-01T00:00Z", "open"),
        ("2027-03-31T23:59Z", "open"),
        ("2027-04-01T00:00Z", "expired"),
    ],
)
def test_it_opens_on_its_first_day_and_expires_after_its_last(ada, time_machine, now, stage):
    time_machine.move_to("2026-11-26T10:00Z", tick=False)
    deal = an_opportunity(ada)
    window = {"reactivate_from": date(2027, 3, 1), "reactivate_to": date(2027, 3, 31)}
    perform(deal.lose, by=ada, reason="price", words="Too dear.", **window)
    time_machine.move_to(now, tick=False)
    secondtries.turn()
    assert WinBack.objects.get().stage == stage


def test_it_opens_once_and_its_owner_has_a_task(ada):
    win_back = a_win_back(ada)
    secondtries.turn()
    assert Task.objects.open().about(win_back).get().title.startswith("Ask whether it is time to try again")
    assert Event.objects.filter(verb="winback.open").count() == 1


# -- What its page shows. ----------------------------------------------------------------------------------------------


def test_its_page_shows_the_old_objection_beside_what_must_have_changed(ada, as_user):
    deal = an_opportunity(ada)
    begin(Objection(opportunity=deal, kind="price", words="A freelancer costs half.", owner=ada), by=ada)
    win_back = a_win_back(ada, deal=deal, agreed=False)
    page = as_user(ada).get(win_back.staff_url()).content.decode()
    for words in ("A freelancer costs half.", "Too dear this year.", "A new budget.", "Nothing is known yet."):
        assert words in page
    assert "has not agreed to marketing mail" in page, "what a letter would wait for is said before"


def test_what_has_changed_is_written_there(ada, cem, as_user):
    win_back = a_win_back(ada)
    url = f"/admin/opportunities/winback/{win_back.pk}/fields/"
    as_user(ada).post(url, {"changed": "They have a new budget."})
    assert again(win_back).changed == "They have a new budget."
    assert as_user(cem).post(url, {"changed": "Mine."}).status_code == 404


def test_its_list_is_read_by_window_and_reason(ada, as_user):
    a_win_back(ada)
    page = as_user(ada).get("/admin/opportunities/winback/").content.decode()
    assert "A new budget." in page
    assert "The price" in page


# -- A letter. ---------------------------------------------------------------------------------------------------------


def test_a_letter_goes_under_the_four_conditions_and_makes_it_contacted(ada, ben, mail_server):
    catcher, win_back = mail_server(), a_win_back(ada)
    task = secondtries.write(win_back, win_back.opportunity.decision_owner, by=ada, template=a_template(ben))
    followups.send_due()
    followups.send_due()
    assert again(task).stage == "done"
    assert again(win_back).stage == "contacted"
    assert sum(task.contact.email in envelope.rcpt_tos for envelope in catcher.got) == 1


def test_without_consent_to_marketing_a_letter_waits_and_goes_when_it_is_given(ada, mail_server):
    mail_server()
    win_back = a_win_back(ada, agreed=False)
    contact = win_back.opportunity.decision_owner
    task = secondtries.write(win_back, contact, by=ada, subject="Again?", words="Hello.")
    followups.send_due()
    assert (again(task).stage, again(task).waits_for) == ("paused", "consent")
    assert again(win_back).stage == "open"
    agrees(contact, ada)
    followups.send_due()
    assert again(win_back).stage == "contacted"


def test_nobody_is_written_to_twice_at_once_or_outside_the_window(ada):
    win_back = a_win_back(ada)
    contact = win_back.opportunity.decision_owner
    secondtries.write(win_back, contact, by=ada, subject="Again?", words="Hello.")
    with pytest.raises(Refused, match="waits already"):
        secondtries.write(win_back, contact, by=ada, subject="Again?", words="Hello.")
    later = a_win_back(ada, first=10)
    with pytest.raises(Refused, match="Wait for its window"):
        secondtries.write(later, later.opportunity.decision_owner, by=ada, subject="Again?", words="Hello.")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_at_once_one_does():
    ada = person("ada", "Growth ops", team="East")
    win_back, gate, said = a_win_back(ada), threading.Barrier(2), []

    def write():
        try:
            with transaction.atomic():
                mine = again(win_back)
                gate.wait(timeout=20)
                secondtries.write(mine, mine.opportunity.decision_owner, by=ada, subject="Again?", words="Hello.")
        except Refused as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert said == ["A letter to them waits already: cancel it first."]
    assert secondtries.letters(win_back).count() == 1


def test_a_sequence_ends_with_the_window_and_mails_nobody_after_it(ada, ben, mail_server, time_machine):
    catcher = mail_server()
    a_sequence(ben, starts_with="winback.open", purpose="marketing", days=(20, 5))
    contact = a_win_back(ada, last=10).opportunity.decision_owner
    run = SequenceRun.objects.get()
    late = run.tasks.get().due_at + timedelta(minutes=1)
    time_machine.move_to(timezone.now() + timedelta(days=11))
    secondtries.turn()
    assert (again(run).stage, again(run).ended) == ("stopped", "moved")
    time_machine.move_to(late)
    followups.send_due()
    assert catcher.got_for(contact) == []


def test_a_letter_is_written_on_its_page(ada, ben, ann, as_user):
    win_back = a_win_back(ada)
    contact, url = win_back.opportunity.decision_owner, f"/admin/opportunities/winback/{win_back.pk}/write/"
    words = {"subject": "Again?", "body": "Good morning {contact.first_name}."}
    nothing = as_user(ada).post(url, {"contact": contact.pk, "do": "send"})
    assert set(nothing.context["form"].errors) == {"subject", "body"}
    stranger = an_opportunity(ada).decision_owner
    assert as_user(ada).post(url, {**words, "contact": stranger.pk, "do": "send"}).context["form"].errors["contact"]
    assert as_user(ann).post(url, {**words, "contact": contact.pk, "do": "send"}).status_code == 403
    seen = as_user(ada).post(url, {**words, "contact": contact.pk, "do": "preview"}).context["seen"]
    assert (seen.body.splitlines()[0], seen.lacks) == ("Good morning Bo.", [])
    assert not secondtries.letters(win_back).exists()
    as_user(ada).post(url, {**words, "contact": contact.pk, "do": "send"})
    letter = secondtries.letters(win_back).get()
    assert (letter.purpose, letter.subject, letter.words) == ("marketing", "Again?", "Good morning Bo.")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Hello {contact.nickname}.", "Take out {contact.nickname}"),
        ("Hello, {contact.title}.", "Fill in what {contact.title} stands for"),
        ("Our margin allows it now.", "Take out “margin”"),
        ("Hello {contact.title}. Our margin allows it.", "Fill in what {contact.title} stands for"),
    ],
)
def test_a_letter_that_no_mail_could_be_is_refused_when_it_is_written(ada, as_user, body, said):
    win_back = a_win_back(ada, agreed=False)
    contact, url = win_back.opportunity.decision_owner, f"/admin/opportunities/winback/{win_back.pk}/write/"
    for do in ("preview", "send", "save"):
        answer = as_user(ada).post(url, {"contact": contact.pk, "subject": "Again?", "body": body, "do": do})
        assert said in answer.context["seen"].lacks[0].words
    assert not secondtries.letters(win_back).exists()
    assert not Message.objects.exists()


def test_what_a_letter_will_wait_for_is_said_beside_it_and_stops_nothing(ada, as_user):
    win_back = a_win_back(ada, agreed=False)
    contact, url = win_back.opportunity.decision_owner, f"/admin/opportunities/winback/{win_back.pk}/write/"
    words = {"contact": contact.pk, "subject": "Again?", "body": "Hello."}
    answer = as_user(ada).post(url, {**words, "do": "preview"})
    assert [wait.words for wait in answer.context["seen"].waits] == ["Bo Larsen has not agreed to marketing mail."]
    assert as_user(ada).post(url, {**words, "do": "send"}).status_code == 302
    again_ = as_user(ada).post(url, {**words, "do": "send"})
    assert "waits already" in again_.context["seen"].lacks[0].words, "one at a time"


def test_the_words_of_a_template_come_into_a_letter_filled(ada, ben, as_user):
    win_back = a_win_back(ada)
    template = a_template(ben)
    contact, url = win_back.opportunity.decision_owner, f"/admin/opportunities/winback/{win_back.pk}/write/"
    answer = as_user(ada).post(url, {"contact": contact.pk, "template": template.pk, "do": "use"})
    assert answer.context["form"]["body"].value() == "Hello Bo, shall we talk again?"
    other = begin(MessageTemplate(name="About the work"), by=ben)
    answer = as_user(ada).post(url, {"contact": contact.pk, "template": other.pk, "do": "use"})
    assert answer.context["form"].errors["template"], "a lost deal gets marketing mail only"


def test_who_answers_is_to_be_decided_about(ada):
    win_back = a_win_back(ada)
    deal = win_back.opportunity
    mail = Message(
        client=deal.client, opportunity=deal, contact=deal.decision_owner, owner=ada, subject="Yes", body="Let us talk."
    )
    perform(begin(mail, by=deal.decision_owner).receive, by=None)
    assert Task.objects.open().about(win_back).filter(title__startswith="They answered").exists()


# -- Reopening. --------------------------------------------------------------------------------------------------------


def test_reopening_keeps_the_history(ada):
    win_back = a_win_back(ada)
    before = set(Event.objects.filter(diary=win_back.opportunity.diary).values_list("pk", flat=True))
    perform(win_back.reopen, by=ada, reason="They have a new budget.")
    deal = again(win_back.opportunity)
    assert (deal.stage, again(win_back).stage) == ("qualified", "reopened")
    assert deal.closings.get().words == "Too dear this year."
    assert before <= set(Event.objects.filter(diary=deal.diary).values_list("pk", flat=True))
    assert deal.tasks.open().exists(), "no open deal is without its next step"
    lost_again = perform(deal.lose, by=ada, reason="fit", words="No.", reactivate_from=day(1), reactivate_to=day(2))
    assert lost_again.win_backs.count() == 2


def test_whoever_takes_the_deal_over_tries_again(ada, ben):
    win_back = a_win_back(ada)
    edit(win_back.opportunity, by=ben, owner=ben)
    assert again(win_back).owner == ben


# -- By hand. ----------------------------------------------------------------------------------------------------------


def write_by_hand(browser, deal, do="send", **fields):
    words = {"subject": "Again?", "body": "Shall we talk again?", "purpose": "transactional", "template": ""}
    url = f"/admin/opportunities/opportunity/{deal.pk}/write/"
    return browser.post(url, {"contact": deal.decision_owner_id, "do": do, **words, **fields})


def not_met(ada, deal, what):
    contact = deal.decision_owner
    if what == "consent":
        contact.consents.get(purpose="transactional").withdraw(by=ada, reason="They said so.")
    elif what == "path":
        edit(deal, by=ada, decision_owner=None)
    elif what == "source":
        source = begin(Source(name="A list", kind="import", valid_until=day(-1)), by=None)
        edit(deal.leads.get(), by=None, source=source)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("consent", "stopped transactional mail on"),
        ("path", "Nobody is known to decide"),
        ("source", "is no longer valid"),
    ],
)
def test_a_mail_by_hand_about_a_lost_deal_is_asked_the_four_conditions_too(ada, as_user, what, said, mail_server):
    catcher, deal = mail_server(), a_lost_deal(ada)
    contact = deal.decision_owner
    not_met(ada, deal, what)
    for do in ("preview", "send"):
        answer = write_by_hand(as_user(ada), deal, do=do, contact=contact.pk)
        assert [said in lack.words for lack in answer.context["seen"].lacks] == [True]
    assert not Message.objects.exists()
    write_by_hand(as_user(ada), deal, do="save", contact=contact.pk)
    perform(Message.objects.get().queue, by=ada)  # on the page of the draft
    outbox.run()
    held = Message.objects.get()
    assert (held.stage, said in held.trouble, catcher.got_for(contact)) == ("held", True, [])


def test_it_waits_for_their_working_hour_and_says_so_before_it_is_sent(ada, as_user, mail_server):
    catcher, deal = mail_server(), a_lost_deal(ada)
    edit(deal.decision_owner, by=ada, works_on=another_day())
    answer = write_by_hand(as_user(ada), deal, do="preview")
    assert "does not work on" in answer.context["seen"].waits[0].words
    write_by_hand(as_user(ada), deal)
    outbox.run()
    assert (Message.objects.get().stage, catcher.got_for(deal.decision_owner)) == ("held", [])
    edit(again(deal.decision_owner), by=ada, works_on="1234567")
    Message.objects.update(again_at=timezone.now() - timedelta(minutes=1))
    followups.send_due()
    assert Message.objects.get().stage == "sent"


def test_what_came_between_send_and_sending_holds_it_too(ada, as_user, mail_server):
    catcher, deal = mail_server(), a_lost_deal(ada)
    write_by_hand(as_user(ada), deal)
    not_met(ada, deal, "consent")
    outbox.run()
    message = Message.objects.get()
    assert (message.stage, message.waits_for) == ("held", "consent")
    assert catcher.got_for(deal.decision_owner) == []


def test_who_wrote_is_answered_whatever_they_agreed_to(ada, as_user, mail_server):
    catcher, deal = mail_server(), a_lost_deal(ada)
    not_met(ada, deal, "consent")
    mail = Message(
        client=deal.client, opportunity=deal, contact=deal.decision_owner, owner=ada, subject="Yes", body="Let us talk."
    )
    perform(begin(mail, by=deal.decision_owner).receive, by=None)
    assert write_by_hand(as_user(ada), deal, do="preview").context["seen"].lacks == []
    write_by_hand(as_user(ada), deal)
    outbox.run()
    assert len(catcher.got_for(deal.decision_owner)) == 1
    answer = write_by_hand(as_user(ada), deal, body="One more thing.")
    assert "stopped transactional mail" in answer.context["seen"].lacks[0].words, "their mail is answered"


def test_an_open_deal_is_written_about_as_before(ada, as_user, mail_server):
    catcher, deal = mail_server(), an_opportunity(ada)
    not_met(ada, deal, "consent")
    write_by_hand(as_user(ada), deal)
    outbox.run()
    assert len(catcher.got_for(deal.decision_owner)) == 1
