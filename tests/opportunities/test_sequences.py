"""Sequences: one step after the other, each under the four conditions, until somebody answers."""

import threading
from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.utils import timezone

from opportunities import followups, outbox, sequences
from opportunities.models import Contact, Event, Message, SequenceRun, SequenceStep, Task, WinBack
from opportunities.records import Refused, begin, edit, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from tests.makers_series import a_call, a_sequence, a_template, agree, done, let_fall_due, to_clients


def now(record):
    return type(record)._base_manager.get(pk=record.pk)


def a_run(ada, ben, *, opportunity=None, sequence=None, **fields):
    opportunity = opportunity or an_opportunity(ada)
    sequence = sequence or a_sequence(ben, **fields)
    return sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)


def hear_from(run, *, channel="mail", template="", subject="Yes, please", **fields):
    fields = {"opportunity": run.opportunity, "contact": run.contact, **fields}
    message = Message(
        client=run.opportunity.client,
        owner=run.owner,
        channel=channel,
        template=template,
        subject=subject,
        body="Call me.",
        **fields,
    )
    return perform(begin(message, by=None).receive, by=None)


def open_task(run):
    return run.tasks.unfinished().get()


def has_stopped(run, ended, *words):
    """Check that a run stopped for this reason, says so itself and in the diary, and left nothing open behind it."""
    run = now(run)
    told = Event.objects.get(verb="sequencerun.stop", record_id=run.pk)
    assert (run.stage, run.ended, told.reason) == ("stopped", ended, run.stopped_because)
    assert not [word for word in words if word not in run.stopped_because], run.stopped_because
    assert not run.tasks.unfinished().exists()
    assert not run.tasks.filter(messages__stage="queued").exists()
    return True


# -- It begins. --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_begins_with_the_task_of_its_first_step(ada, ben):
    run = a_run(ada, ben)
    task = run.tasks.get()
    step = run.sequence.rows.first()
    assert (run.stage, run.position, run.owner, task.owner) == ("running", 1, ada, ada)
    assert (task.kind, task.contact, task.template, task.purpose) == (
        "follow_up",
        run.contact,
        step.template,
        "transactional",
    )
    assert timedelta(days=2, hours=23) < task.due_at - timezone.now() < timedelta(days=3, hours=1)
    assert Event.objects.get(verb="sequencerun.create").actor == ada


@pytest.mark.django_db
def test_a_step_is_due_at_the_next_working_hour_of_its_contact(ada, ben, time_machine):
    time_machine.move_to(datetime(2026, 12, 3, 15, tzinfo=UTC), tick=False)  # a Thursday
    opportunity = an_opportunity(ada)
    hours = {"works_from": time(9), "works_to": time(17), "works_on": "12345", "time_zone": "America/New_York"}
    edit(opportunity.decision_owner, by=ada, **hours)
    opportunity = now(opportunity)
    run = a_run(ada, ben, opportunity=opportunity)  # three days later is a Sunday
    assert run.tasks.get().due_at == datetime(2026, 12, 7, 14, tzinfo=UTC), "Monday at 9 in New York"


@pytest.mark.django_db
def test_the_summer_time_of_the_contact_counts(ada, ben, time_machine):
    time_machine.move_to(datetime(2027, 3, 26, 8, tzinfo=UTC), tick=False)  # the Friday before it begins in Berlin
    opportunity = an_opportunity(ada)
    hours = {"works_from": time(9), "works_to": time(17), "works_on": "12345", "time_zone": "Europe/Berlin"}
    edit(opportunity.decision_owner, by=ada, **hours)
    run = a_run(ada, ben, opportunity=now(opportunity))
    assert run.tasks.get().due_at == datetime(2027, 3, 29, 8, tzinfo=UTC), "already at work, in summer time"


@pytest.mark.django_db
def test_a_contact_whose_time_zone_is_nonsense_still_gets_a_task(ada, ben):
    opportunity = an_opportunity(ada)
    Contact.objects.filter(pk=opportunity.decision_owner_id).update(time_zone="Mars/Olympus")
    assert a_run(ada, ben, opportunity=now(opportunity)).tasks.get().stage == "open"


@pytest.mark.django_db
def test_a_call_is_a_task_for_a_person_and_mails_nobody(ada, ben, mail_server):
    catcher = mail_server()
    run = a_run(ada, ben, steps=[a_call(), a_call("Call again")])
    task = let_fall_due(run)
    assert (task.contact, task.template, task.promised_to) == (None, None, run.contact)
    followups.send_due()
    assert not Message.objects.exists()
    assert [envelope.rcpt_tos for envelope in catcher.got] == [[ada.email]], "its owner is told"


def a_lost_deal(owner):
    soon = timezone.localdate() + timedelta(days=30)
    window = {"reactivate_from": soon, "reactivate_to": soon + timedelta(days=30)}
    return perform(an_opportunity(owner).lose, by=owner, reason="timing", words="Not now.", **window)


@pytest.mark.django_db
def test_a_sequence_that_cannot_begin_says_everything_that_is_in_the_way(ada, ben):
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    sequence = perform(a_sequence(ben, days=()).retire, by=ben)
    with pytest.raises(Refused) as refusal:
        sequences.start(sequence, opportunity, other.decision_owner, by=ada)
    assert refusal.value.reasons == [
        "Choose another sequence: Three letters is out of use.",
        "Write the first step of Three letters: it has none.",
        f"Choose somebody at {opportunity.client}: this deal is theirs.",
    ]
    assert all(lack.url for lack in refusal.value.lacks)
    assert not SequenceRun.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda deal: Contact.objects.update(email=""), "cannot be reached: find a new contact path"),
        (lambda deal: Contact.objects.update(left_on=timezone.localdate()), "cannot be reached"),
        (lambda deal: Contact.objects.update(mail_failed_at=timezone.now()), "comes back: write down another address"),
        (lambda deal: perform(deal.pause, by=None, reason="Holiday"), "Resume the opportunity first"),
        (lambda deal: type(deal).objects.update(decision_owner=None), "Name the decision owner"),
    ],
)
def test_it_begins_for_nobody_who_cannot_be_written_to(ada, ben, spoil, words):
    opportunity, sequence = an_opportunity(ada), a_sequence(ben)
    spoil(opportunity)
    opportunity = now(opportunity)
    with pytest.raises(Refused, match=words):
        sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)


@pytest.mark.django_db
def test_who_only_has_a_phone_can_be_called(ada, ben):
    opportunity = an_opportunity(ada)
    Contact.objects.update(email="", phone="+1 555 010 0101")
    assert a_run(ada, ben, opportunity=now(opportunity), steps=[a_call()]).stage == "running"


@pytest.mark.django_db
def test_a_lost_deal_is_written_to_only_while_its_win_back_is_open(ada, ben):
    opportunity, sequence = a_lost_deal(ada), a_sequence(ben)
    with pytest.raises(Refused, match="Reopen the opportunity first"):
        sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
    perform(opportunity.win_backs.get().open, by=None)
    run = sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
    assert run.tasks.get().kind == "win_back"


@pytest.mark.django_db
def test_it_runs_once_for_a_contact_of_a_deal_and_again_after_its_end(ada, ben):
    run = a_run(ada, ben)
    with pytest.raises(Refused, match="runs for .* already"):
        a_run(ada, ben, opportunity=run.opportunity, sequence=run.sequence)
    perform(run.stop, by=ada, reason="They want to be left alone.")
    assert a_run(ada, ben, opportunity=run.opportunity, sequence=run.sequence).stage == "running"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_start_it_at_once_one_does():
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    opportunity, sequence = an_opportunity(ada), a_sequence(ben)
    both, answers = threading.Barrier(2), []

    def run():
        both.wait(10)
        try:
            sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
            answers.append("started")
        except Refused as refusal:
            answers.append(str(refusal))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert "started" in answers
    assert any("already" in answer for answer in answers)
    assert (SequenceRun.objects.count(), Task.objects.exclude(run=None).count()) == (1, 1)


# -- It is started by a move. ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_sent_proposal_begins_its_sequence_for_its_recipient_instead_of_the_usual_follow_up(ada, ben):
    sequence = a_sequence(ben, starts_with="proposal.send")
    proposal = a_proposal(ada, approver=ben, stage="sent")
    run = SequenceRun.objects.get()
    assert (run.sequence, run.contact, run.opportunity) == (sequence, proposal.recipient, proposal.opportunity)
    assert not Task.objects.filter(title__startswith="Ask how the proposal reads").exists()


@pytest.mark.django_db
def test_a_stage_begins_its_sequence_for_who_decides(ada, ben):
    a_sequence(ben, starts_with="opportunity.start_discovery")
    opportunity = an_opportunity(ada, stage="discovery")
    assert SequenceRun.objects.get().contact == opportunity.decision_owner


@pytest.mark.django_db
def test_a_win_back_begins_its_sequence(ada, ben):
    a_sequence(ben, starts_with="winback.open", purpose="marketing")
    opportunity = a_lost_deal(ada)
    perform(WinBack.objects.get().open, by=None)
    assert SequenceRun.objects.get().contact == opportunity.decision_owner


@pytest.mark.django_db
def test_a_move_stands_though_its_sequence_cannot_begin_and_the_diary_says_why(ada, ben):
    a_sequence(ben, starts_with="opportunity.start_discovery", days=())
    opportunity = an_opportunity(ada, stage="discovery")
    assert opportunity.stage == "discovery"
    assert not SequenceRun.objects.exists()
    told = Event.objects.get(verb="opportunity.start_no_sequence")
    assert "Write the first step of Three letters" in told.reason


@pytest.mark.django_db
def test_what_is_out_of_use_begins_for_nobody_and_what_runs_goes_on(ada, ben):
    sequence = a_sequence(ben, starts_with="opportunity.start_discovery")
    run = a_run(ada, ben, sequence=sequence)
    perform(sequence.retire, by=ben)
    an_opportunity(ada, stage="discovery")
    assert SequenceRun.objects.count() == 1
    done(open_task(run))
    assert now(run).position == 2


# -- It goes on. -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_step_opens_when_the_mail_of_the_one_before_has_gone_and_the_last_ends_it(ada, ben, mail_server):
    catcher = mail_server()
    run = a_run(ada, ben, days=(3, 4))
    let_fall_due(run)
    followups.send_due()
    second = open_task(run)
    assert (len(to_clients(catcher)), now(run).position) == (1, 2)
    assert timedelta(days=3, hours=23) < second.due_at - timezone.now() < timedelta(days=4, hours=1)
    a_day_ago = timezone.now() - timedelta(days=1)  # another day
    Message.objects.update(touch_day=a_day_ago.date(), touch_until=a_day_ago, claimed_at=a_day_ago)
    let_fall_due(run)
    followups.send_due()
    assert (len(to_clients(catcher)), now(run).stage) == (2, "finished")
    assert Event.objects.filter(verb="sequencerun.finish").count() == 1


@pytest.mark.django_db
def test_a_step_that_a_person_did_opens_the_next(ada, ben):
    run = a_run(ada, ben, steps=[a_call(), a_call("Call again", wait_days=0)])
    done(open_task(run), by=ada)
    assert open_task(run).title.startswith("Call again")


@pytest.mark.django_db
def test_nothing_opens_where_the_mail_was_refused(ada, ben, mail_server):
    mail_server("554 We do not like you")
    run = a_run(ada, ben)
    let_fall_due(run)
    followups.send_due()
    assert (now(run).position, open_task(run).stage) == (1, "open")


@pytest.mark.django_db
def test_a_paused_deal_lets_its_sequence_wait_and_go_on(ada, ben):
    run = a_run(ada, ben)
    opportunity = perform(run.opportunity.pause, by=ada, reason="Holiday")
    assert (now(run).stage, open_task(run).stage) == ("running", "paused")
    perform(opportunity.resume, by=ada)
    assert (now(run).stage, open_task(run).stage) == ("running", "open")


@pytest.mark.django_db
def test_a_step_that_is_done_while_the_deal_rests_opens_one_that_rests_too(ada, ben):
    run = a_run(ada, ben)
    opportunity = perform(run.opportunity.pause, by=ada, reason="Holiday")
    done(open_task(run), by=ada)
    assert open_task(run).stage == "paused"
    perform(opportunity.resume, by=ada)
    assert open_task(run).stage == "open"


@pytest.mark.django_db
def test_a_step_waits_for_consent_like_any_touch_and_goes_on_when_it_is_there(ada, ben, mail_server):
    catcher = mail_server()
    run = a_run(ada, ben, purpose="marketing")
    let_fall_due(run)
    followups.send_due()
    task = open_task(run)
    assert (task.stage, task.waits_for, now(run).stage) == ("paused", "consent", "running")
    agree(run.contact, ada)
    followups.send_due()
    assert len(to_clients(catcher)) == 1


@pytest.mark.django_db
def test_steps_that_were_not_begun_follow_the_new_plan_and_none_is_taken_twice(ada, ben):
    run = a_run(ada, ben, steps=[a_call("One"), a_call("Two"), a_call("Three")])
    one, two, three = run.sequence.rows.all()
    done(open_task(run))  # “Two” is begun now
    SequenceStep.objects.filter(pk=three.pk).update(position=1)
    SequenceStep.objects.filter(pk=two.pk).update(position=3)
    SequenceStep.objects.filter(pk=one.pk).update(position=2)
    SequenceStep.objects.create(sequence=run.sequence, position=4, **a_call("Four"))
    done(open_task(run))
    assert open_task(run).title.startswith("Four"), "what was put before the latest step is past"
    done(open_task(run))
    assert now(run).stage == "finished"
    assert run.tasks.count() == 3


@pytest.mark.django_db
def test_a_step_that_is_taken_out_of_the_plan_leaves_the_others_in_their_order(ada, ben):
    run = a_run(ada, ben, steps=[a_call("One"), a_call("Two"), a_call("Three")])
    done(open_task(run))
    run.sequence.rows.filter(position__in=[1, 2]).delete()
    done(open_task(run))
    assert open_task(run).title.startswith("Three")


@pytest.mark.django_db
def test_two_steps_of_one_number_are_both_taken(ada, ben):
    run = a_run(ada, ben, steps=[a_call("One"), a_call("Two")])
    run.sequence.rows.update(position=1)
    done(open_task(run))
    assert open_task(run).title.startswith("Two")


@pytest.mark.django_db
def test_whoever_takes_the_deal_over_takes_its_sequences_over(ada, ben):
    run = a_run(ada, ben)
    edit(run.opportunity, by=ben, owner=ben)
    assert (now(run).owner, open_task(run).owner) == (ben, ben)


# -- It ends early. ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_reply_stops_it(ada, ben):
    run = a_run(ada, ben)
    hear_from(run)
    assert has_stopped(run, "reply", str(run.contact), "Yes, please")


@pytest.mark.django_db
@pytest.mark.parametrize("stage", ["queued", "paused"])
def test_a_reply_stops_what_waits_and_what_is_queued_too(ada, ben, stage, mail_server):
    catcher = mail_server()
    run = a_run(ada, ben, purpose="marketing" if stage == "paused" else "transactional")
    let_fall_due(run)
    followups.take_touches()
    hear_from(run)
    assert has_stopped(run, "reply")
    followups.send_due()
    assert to_clients(catcher) == []
    assert not Message.objects.exclude(stage__in=["held", "received"]).exists()


@pytest.mark.django_db
def test_held_mail_of_a_stopped_sequence_never_goes_by_itself(ada, ben, mail_server, time_machine):
    catcher = mail_server()
    run = a_run(ada, ben, purpose="marketing")
    agree(run.contact, ada)
    let_fall_due(run)
    followups.take_touches()
    consent = run.contact.consents.get(purpose="marketing")
    consent.withdraw(by=ada, reason="They said so.")
    agree(run.contact, ada)
    time_machine.move_to(timezone.now() + timedelta(days=2))
    followups.send_due()
    followups.send_due()
    assert (Message.objects.get().stage, to_clients(catcher)) == ("held", [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "told",
    [
        {"template": "automatic"},
        {"channel": "call"},
    ],
)
def test_an_automatic_answer_and_a_call_stop_nothing(ada, ben, told):
    run = a_run(ada, ben)
    hear_from(run, **told)
    assert now(run).stage == "running"


@pytest.mark.django_db
def test_a_word_of_somebody_else_stops_nothing_for_this_one(ada, ben):
    run = a_run(ada, ben)
    other = begin(Contact(client=run.opportunity.client, name="Kim", email="kim@harbor.example"), by=ada)
    hear_from(run, contact=other)
    assert now(run).stage == "running"


@pytest.mark.django_db
def test_mail_that_belongs_to_no_deal_stops_what_runs_for_its_writer(ada, ben):
    run = a_run(ada, ben)
    hear_from(run, opportunity=None)
    assert has_stopped(run, "reply")


@pytest.mark.django_db
def test_a_meeting_stops_it(ada, ben):
    run = a_run(ada, ben)
    hear_from(run, channel="meeting", subject="Lunch")
    assert has_stopped(run, "meeting", "We met", "Lunch")


@pytest.mark.django_db
def test_a_move_of_the_deal_stops_it_and_says_from_where_to_where(ada, ben):
    run = a_run(ada, ben)
    perform(run.opportunity.start_discovery, by=ada)
    assert has_stopped(run, "moved", "from qualified to discovery")


@pytest.mark.django_db
def test_a_lost_deal_stops_it_for_that_reason(ada, ben):
    run = a_run(ada, ben)
    soon = timezone.localdate() + timedelta(days=30)
    window = {"reactivate_from": soon, "reactivate_to": soon + timedelta(days=30)}
    perform(run.opportunity.lose, by=ada, reason="timing", words="Not now.", **window)
    assert has_stopped(run, "moved", "to lost")


@pytest.mark.django_db
def test_whoever_leaves_is_written_to_no_more(ada, ben):
    run = a_run(ada, ben)
    run.contact.leave(timezone.localdate(), by=ada)
    assert has_stopped(run, "left", "left the company")


@pytest.mark.django_db
def test_an_opt_out_of_its_purpose_stops_it_and_of_another_does_not(ada, ben):
    run = a_run(ada, ben)
    agree(run.contact, ada).withdraw(by=ada, reason="Said so.")
    assert now(run).stage == "running"
    run.contact.consents.get(purpose="transactional").withdraw(by=ada, reason="Said so.")
    assert has_stopped(run, "opt_out", "opted out of transactional mail")


@pytest.mark.django_db
def test_a_consent_that_is_replaced_by_another_is_no_opt_out(ada, ben):
    run = a_run(ada, ben)
    agree(run.contact, ada, purpose="transactional")
    run.contact.consents.filter(purpose="transactional").first().withdraw(by=ada, reason="Written down twice.")
    assert now(run).stage == "running"


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_an_answer_to_the_proposal_stops_it(ada, ben, answer):
    a_sequence(ben, starts_with="proposal.send")
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    run = SequenceRun.objects.get()
    assert run.stage == "running", "to open it is no answer"
    if answer == "accept":
        agreed = {"version": "accept-1", "text": "I accept."}
        perform(proposal.accept, by=proposal.recipient, name="Bo", role="Owner", consent=agreed)
    else:
        perform(proposal.decline, by=proposal.recipient, reason="Too early.")
    assert has_stopped(run, "answer", str(proposal.recipient), f"{answer}")


@pytest.mark.django_db
def test_somebody_stops_it_saying_why(ada, ben, cem):
    run = a_run(ada, ben)
    with pytest.raises(PermissionDenied):
        perform(run.stop, by=cem, reason="Mine.")
    perform(run.stop, by=ada, reason="I call them myself.")
    assert has_stopped(run, "by_hand", "I call them myself.")


@pytest.mark.django_db
def test_whoever_cancels_a_step_stops_the_rest(ada, ben):
    run = a_run(ada, ben)
    perform(open_task(run).cancel, by=ada, reason="Not this one.")
    assert has_stopped(run, "by_hand", "Not this one.")


@pytest.mark.django_db
def test_mail_that_was_on_its_way_when_they_replied_is_held_when_the_server_puts_it_off(ada, ben, mail_server):
    run = a_run(ada, ben)
    let_fall_due(run)
    followups.take_touches()
    message = outbox.claim()
    hear_from(run)
    assert has_stopped(run, "reply")
    perform(message.release, by=None, reason="451 Come back later", attempt=message.attempt)
    catcher = mail_server()
    followups.send_due()
    assert (now(message).stage, to_clients(catcher)) == ("held", [])


@pytest.mark.django_db
def test_mail_that_went_though_they_replied_opens_nothing_more(ada, ben):
    run = a_run(ada, ben)
    let_fall_due(run)
    followups.take_touches()
    message = outbox.claim()
    hear_from(run)
    perform(message.confirm_sent, by=None, attempt=message.attempt)
    assert (now(message).stage, run.tasks.count(), now(run).stage) == ("sent", 1, "stopped")


@pytest.mark.django_db(transaction=True)
def test_a_reply_against_a_due_step_has_one_winner_and_nothing_goes_after_it(mail_server):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    sequence, catcher = a_sequence(ben), mail_server()
    runs = [a_run(ada, ben, sequence=sequence) for _ in range(4)]
    [let_fall_due(run) for run in runs]
    both, troubles = threading.Barrier(2), []

    def answer():
        both.wait(10)
        try:
            for run in runs:
                hear_from(run)
        except Exception as trouble:
            troubles.append(trouble)
        connection.close()

    def work():
        both.wait(10)
        followups.send_due()
        connection.close()

    threads = [threading.Thread(target=part) for part in (answer, work)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    went = len(to_clients(catcher))
    followups.send_due()
    followups.send_due()
    assert troubles == []
    assert len(to_clients(catcher)) == went, "nothing more goes"
    assert {now(run).stage for run in runs} == {"stopped"}
    assert not Message.objects.filter(stage__in=["queued", "sending"]).exists()
    assert not Task.objects.filter(run__in=runs).unfinished().exists()


# -- One touch a day. --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_of_two_sequences_for_one_contact_on_one_day_the_second_goes_the_next_day_and_says_why(
    ada, ben, mail_server, time_machine
):
    catcher = mail_server()
    first = a_run(ada, ben)
    second = a_run(ada, ben, opportunity=first.opportunity, sequence=a_sequence(ben, name="Two letters"))
    let_fall_due(first)
    let_fall_due(second)
    followups.send_due()
    assert len(to_clients(catcher)) == 1
    (waiting,) = Task.objects.filter(run__in=[first, second], stage="paused")
    assert "was followed up today already: it goes on" in waiting.paused_because
    time_machine.move_to(timezone.now() + timedelta(days=1, minutes=1))
    followups.send_due()
    assert len(to_clients(catcher)) == 2


@pytest.mark.django_db
def test_two_sequences_for_different_purposes_both_go_on_one_day(ada, ben, mail_server):
    catcher = mail_server()
    first = a_run(ada, ben)
    second = a_run(ada, ben, opportunity=first.opportunity, sequence=a_sequence(ben, name="News", purpose="marketing"))
    agree(first.contact, ada)
    let_fall_due(first)
    let_fall_due(second)
    followups.send_due()
    assert len(to_clients(catcher)) == 2


# -- Its steps. --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"channel": "mail"}, "Choose the template that is mailed."),
        ({"channel": "call"}, "Say what is to be done."),
        ({"channel": "task", "title": "  "}, "Say what is to be done."),
    ],
)
def test_a_step_says_what_it_does(ben, fields, words):
    with pytest.raises(ValidationError, match=words):
        SequenceStep(sequence=a_sequence(ben), **fields).clean()


@pytest.mark.django_db
def test_mail_of_one_kind_is_not_sent_under_the_name_of_another(ben):
    news = a_template(ben, "News", purpose="marketing")
    with pytest.raises(ValidationError, match="“News” is marketing mail. Choose one of transactional mail."):
        SequenceStep(sequence=a_sequence(ben), template=news).clean()
