"""Who is told what, and how: once, in the way that each chose, and never of what they did themselves."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from opportunities import conditions, followups, notices, outbox
from opportunities.models import Contact, Letter, Message, Notice, NoticeChoice, Task, User
from opportunities.records import begin, edit, perform
from proposals import clock
from proposals.models import Approval
from tests.conftest import person
from tests.makers import a_lead, an_opportunity
from tests.makers_proposals import a_proposal, decide
from tests.makers_series import another_day
from tests.opportunities.test_followups import a_follow_up

pytestmark = pytest.mark.django_db
Kind, How = Notice.Kind, NoticeChoice.How


def told(user, kind):
    return [notice.words for notice in Notice.objects.filter(user=user, kind=kind).order_by("pk")]


def tell(user, key="one"):
    notices.tell(user, Kind.BREACH, "It is late.", "/admin/today/", key=key)


# -- How. --------------------------------------------------------------------------------------------------------------


def test_the_same_thing_is_told_once(ada):
    tell(ada)
    tell(ada)
    assert (Notice.objects.count(), Letter.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("how", "here", "mailed", "in_digest"),
    [(How.ON, 1, 1, False), (How.DIGEST, 1, 0, True), (How.OFF, 0, 0, None)],
)
def test_each_is_told_as_they_chose(ada, how, here, mailed, in_digest):
    NoticeChoice.objects.create(user=ada, kind=Kind.BREACH, how=how)
    tell(ada)
    assert (Notice.objects.count(), Letter.objects.count()) == (here, mailed)
    assert Notice.objects.values_list("in_digest", flat=True).first() == in_digest


def test_who_left_and_who_did_it_hear_nothing(ada):
    notices.tell(ada, Kind.BREACH, "It is late.", "/admin/", key="x", by=ada)
    ada.is_active = False
    tell(ada)
    assert not Notice.objects.exists()


def test_the_mail_leads_to_the_page_and_to_the_choice(ada, settings):
    tell(ada)
    letter = Letter.objects.get()
    assert f"{settings.SITE_URL}/admin/today/" in letter.body
    assert f"{settings.SITE_URL}/admin/my/notices/" in letter.body


def test_what_was_told_is_not_mailed_later_though_somebody_chose_mail_since(ada):
    NoticeChoice.objects.create(user=ada, kind=Kind.BREACH, how=How.DIGEST)
    tell(ada)
    NoticeChoice.objects.update(how=How.ON)
    tell(ada)
    assert (Notice.objects.count(), Letter.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_two_that_tell_the_same_at_once_tell_it_once_and_neither_fails():
    ada, start, failed = person("ada", "Growth ops"), threading.Barrier(3), []

    def work():
        start.wait()
        try:
            with transaction.atomic():
                tell(ada)
                assert Notice.objects.count() == 1, "its transaction is whole"
        except Exception as trouble:
            failed.append(trouble)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (Notice.objects.count(), failed) == (1, [])


# -- What. -------------------------------------------------------------------------------------------------------------


def test_an_approval_that_is_wanted_is_told_to_whoever_decides_and_its_answer_to_whoever_asked(ada, ben):
    proposal = perform(a_proposal(ada).submit, by=ada)
    asked = Approval.objects.filter(proposal=proposal).order_by("pk").first()
    assert any(str(proposal.opportunity) in words for words in told(ben, Kind.APPROVAL))
    assert told(ada, Kind.APPROVAL) == []
    decide(asked, "request_changes", by=ben, reason="Say what it costs.")
    assert any("Say what it costs." in words for words in told(ada, Kind.APPROVAL))


def test_a_question_that_goes_on_to_somebody_else_is_told_to_both(ada, ben):
    other = person("mia", "Manager", team="East", sees="team")
    perform(a_proposal(ada).submit, by=ada)
    Approval.objects.update(due=timezone.now() - timedelta(hours=1))
    clock.run()
    escalated = Notice.objects.filter(kind=Kind.ESCALATION)
    assert {notice.user for notice in escalated} == {ben, other}
    for question in Approval.objects.filter(stage="pending"):
        had = ben if question.owner == other else other
        words = {notice.user: notice.words for notice in escalated.filter(record_id=question.pk)}
        assert words[question.owner].startswith("It is yours to decide on ")
        assert words[had].startswith(f"{question.owner} decides on ")
        assert all("the deadline has passed" in said for said in words.values())


def test_a_question_whose_approver_has_left_goes_on_and_their_manager_hears_why(ada, ben):
    boss, other = (person(name, "Manager", team="East", sees="team") for name in ("mia", "noa"))
    perform(a_proposal(ada).submit, by=ada)
    Approval.objects.update(owner=ben)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    clock.run()
    assert told(ben, Kind.ESCALATION) == []
    for question in Approval.objects.filter(stage="pending"):
        manager = other if question.owner == boss else boss
        assert any("Ben has left" in words for words in told(question.owner, Kind.ESCALATION))
        about = Notice.objects.get(user=manager, kind=Kind.ESCALATION, record_id=question.pk)
        assert about.words.startswith(f"{question.owner} decides on ")
        assert "Ben has left" in about.words
    assert told(ada, Kind.ESCALATION) == []


def test_a_question_that_nobody_else_may_decide_is_a_breach_of_whoever_has_it(ada, ben):
    perform(a_proposal(ada).submit, by=ada)
    Approval.objects.update(due=timezone.now() - timedelta(hours=1))
    clock.run()
    clock.run()
    late = told(ben, Kind.BREACH)
    assert len(late) == Approval.objects.filter(stage="pending").count()
    assert all("You have not decided on" in words for words in late)


def test_a_question_that_only_rested_with_its_deal_is_no_breach(ada, ben, time_machine):
    proposal = perform(a_proposal(ada).submit, by=ada)
    deal = perform(proposal.opportunity.pause, by=ada, reason="They are away.")
    time_machine.move_to(timezone.now() + timedelta(days=9))
    clock.run()
    perform(deal.resume, by=ada)
    assert Approval.objects.filter(stage="pending", due__gt=timezone.now()).exists()
    assert told(ben, Kind.BREACH) == []


def test_a_follow_up_that_waits_for_a_person_is_told_and_one_that_waits_for_the_morning_is_not(ada):
    deal = an_opportunity(ada)
    task = a_follow_up(ada, deal)
    edit(deal, by=ada, decision_owner=None)
    followups.send_due()
    assert told(ada, Kind.PAUSE) == [f"“{task}” waits: Nobody is known to decide: name the decision owner."]
    sleeper = an_opportunity(ada)
    Contact.objects.filter(pk=sleeper.decision_owner_id).update(works_on="8")
    night = a_follow_up(ada, sleeper)
    edit(sleeper.decision_owner, by=ada, works_on=another_day())
    followups.send_due()
    assert Task.objects.get(pk=night.pk).stage == "paused"
    assert len(told(ada, Kind.PAUSE)) == 1


def test_what_waits_for_the_same_again_is_told_again(ada, time_machine):
    task = a_follow_up(ada)
    wait = conditions.Wait(Task.Waits.PATH, "Name the decision owner.")
    followups.pause_for(task, wait)
    perform(task.resume, by=None)
    followups.pause_for(task, wait)
    assert len(told(ada, Kind.PAUSE)) == 1, "not twice a day"
    perform(task.resume, by=None)
    time_machine.move_to(timezone.now() + timedelta(days=1))
    followups.pause_for(task, wait)
    assert len(told(ada, Kind.PAUSE)) == 2


def test_mail_that_waits_for_a_person_is_told_to_whoever_sent_it(ada, mail_server):
    mail_server()
    deal = an_opportunity(ada)
    mail = {"owner": ada, "by": ada, "opportunity": deal}
    outbox.write(deal.decision_owner, "Our news", "Here.", purpose="marketing", **mail)
    outbox.send()
    (words,) = told(ada, Kind.PAUSE)
    assert words.startswith(f"“Our news” to {deal.decision_owner} waits: ")
    kept = outbox.write(deal.decision_owner, "The offer", "Here.", **mail)
    perform(kept.hold, by=ada, reason="I read it again first.")
    assert len(told(ada, Kind.PAUSE)) == 1, "what somebody holds they know"


def test_mail_that_failed_or_is_in_doubt_is_told_to_whoever_wrote_it(ada, mail_server):
    mail_server("550 No such user")
    deal = an_opportunity(ada)
    message = outbox.write(deal.decision_owner, "The offer", "Here.", owner=ada, by=ada, opportunity=deal)
    outbox.send()
    (words,) = told(ada, Kind.MAIL)
    assert "The offer" in words
    assert "No such user" in words
    perform(Message.objects.get(pk=message.pk).retry, by=ada)
    outbox.claim()
    perform(Message.objects.get(pk=message.pk).doubt, by=None, reason="It hung up.")
    assert len(told(ada, Kind.MAIL)) == 2


def test_a_client_who_writes_is_told_to_whoever_has_the_deal(ada):
    deal = an_opportunity(ada)
    mail = Message(
        client=deal.client, opportunity=deal, contact=deal.decision_owner, owner=ada, subject="A question", body="When?"
    )
    perform(begin(mail, by=deal.decision_owner).receive, by=None)
    assert told(ada, Kind.ANSWER) == [f"{deal.decision_owner} wrote: “A question”"]
    absent = Message(
        client=deal.client,
        opportunity=deal,
        contact=deal.decision_owner,
        owner=ada,
        subject="Away",
        body="Away.",
        template="automatic",
    )
    perform(begin(absent, by=deal.decision_owner).receive, by=None)
    assert len(told(ada, Kind.ANSWER)) == 1, "what answers by itself is no answer"


def test_a_first_answer_that_is_late_is_told_once(ada):
    lead = a_lead(ada, arrived_at=timezone.now() - timedelta(days=2))
    a_lead(ada)
    assert notices.tell_of_late_answers() == 1
    assert notices.tell_of_late_answers() == 0
    assert told(ada, Kind.BREACH) == [f"{lead} still waits for a first answer from us."]


def test_whoever_takes_a_late_lead_over_hears_of_it_and_who_does_not_want_to_keeps_nobody_waiting(
    ada, cem, monkeypatch
):
    monkeypatch.setattr(notices, "MOST", 1)
    NoticeChoice.objects.create(user=cem, kind=Kind.BREACH, how=How.OFF)
    a_lead(cem, arrived_at=timezone.now() - timedelta(days=3))
    lead = a_lead(ada, arrived_at=timezone.now() - timedelta(days=2))
    assert [notices.tell_of_late_answers() for _ in range(2)] == [1, 0]
    dan = person("dan", "Growth ops", team="East")
    edit(lead, by=ada, owner=dan)
    assert notices.tell_of_late_answers() == 1
    assert len(told(dan, Kind.BREACH)) == 1
