"""How a deal rests, ends and comes back, and what becomes of everything that is open about it."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db.transaction import atomic
from django.urls import reverse
from django.utils import timezone

from opportunities import followups, reactions, secondtries, walls
from opportunities.gates import proposal_is_accepted
from opportunities.models import Audit, Closing, Event, Lead, Message, Objection, Task, UnwrittenPromise, WinBack
from opportunities.records import Refused, begin, edit, perform
from proposals import clock
from proposals.models import Approval
from tests.makers import an_audit, an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary
from zarts.desk import due, queue

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def day(days):
    return timezone.localdate() + timedelta(days=days)


def lose(deal, by, **fields):
    said = {"reason": "price", "words": "Too dear.", "must_change": "A budget for next year."}
    return perform(deal.lose, by=by, **said | {"reactivate_from": day(90), "reactivate_to": day(180)} | fields)


def a_task(deal, owner, **fields):
    due_at = followups.end_of_day(day(fields.pop("days", 3)))
    return begin(Task(opportunity=deal, title="Send the price list", owner=owner, due_at=due_at, **fields), by=owner)


def a_mail(deal, owner, subject="See you on Friday", **fields):
    about = {"opportunity": deal, "client": deal.client, "contact": deal.decision_owner, "owner": owner}
    mail_ = begin(Message(**about, subject=subject, body="As we said.", **fields), by=owner)
    return perform(mail_.queue, by=owner)


def post(client, deal, name, **fields):
    return client.post(reverse("admin:opportunities_opportunity_move", args=[deal.pk, name]), fields)


# -- Pause and resume. -------------------------------------------------------------------------------------------------


def test_everything_open_waits_with_a_paused_deal_and_says_why(ada):
    deal = an_opportunity(ada, stage="discovery")
    promised, own = deal.tasks.open().get(), a_task(deal, ada)

    deal = perform(deal.pause, by=ada, reason="They move offices.", until=day(20))

    for task in (again(promised), again(own)):
        assert (task.stage, task.waits_for_deal) == ("paused", True)
        assert task.paused_because == "The opportunity is paused: They move offices."
    reminder = deal.tasks.open().get()
    assert reminder.title.startswith("Look at it again")
    assert timezone.localdate(reminder.due_at) == deal.due_on == day(20)


def test_a_pause_ends_with_what_waited_going_on_where_it_was(ada, time_machine):
    deal = an_opportunity(ada, stage="discovery")
    promised, own, later = deal.tasks.open().get(), a_task(deal, ada), a_task(deal, ada, days=60)
    held = perform(a_task(deal, ada).pause, by=ada, reason="Their printer is on holiday.")
    deal = perform(deal.pause, by=ada, reason="They move offices.", until=day(20))
    time_machine.move_to(timezone.now() + timedelta(days=20))

    deal = perform(deal.resume, by=ada)

    assert deal.stage == "discovery"
    assert {task.pk for task in deal.tasks.open()} == {promised.pk, own.pk, later.pk}
    assert again(held).stage == "paused", "it waits for something else"
    assert timezone.localdate(again(own).due_at) == day(2), "it fell due meanwhile"
    assert timezone.localdate(again(later).due_at) == day(40)
    assert deal.tasks.filter(title__startswith="Look at it again").get().stage == "done"


def test_what_came_up_while_a_deal_rested_is_still_to_be_done_when_it_goes_on(ada):
    deal = perform(an_opportunity(ada).pause, by=ada, reason="They move offices.")
    deal.decision_owner.leave(timezone.localdate(), by=ada)

    deal = perform(again(deal).resume, by=ada)

    assert deal.tasks.open().filter(title__startswith="Find out who decides after").exists()
    assert deal.tasks.get(title__startswith="Look at it again").stage == "done"


def test_a_deal_for_which_nothing_waited_gets_a_task_when_it_goes_on(ada):
    deal = an_opportunity(ada)
    for task in deal.tasks.open():
        perform(task.finish, by=ada)

    deal = perform(perform(deal.pause, by=ada, reason="They move.").resume, by=ada)

    assert deal.tasks.open().get().title.startswith("Pick up where it was left")


def test_the_owner_is_reminded_on_the_day(ada, as_user, time_machine, django_capture_on_commit_callbacks):
    deal = perform(an_opportunity(ada).pause, by=ada, reason="They move offices.", until=day(20))
    reminder = deal.tasks.open().get()
    time_machine.move_to(timezone.now() + timedelta(days=21))

    with django_capture_on_commit_callbacks(execute=True):
        due.run()
    page = as_user(ada).get(reverse("today"))

    assert [message.subject for message in mail.outbox] == [f"Due: {reminder.title}"]
    assert page.context["overdue"] == [reminder]
    assert page.context["paused"] == [deal]
    assert page.context["waiting"] == [], "what waits with the deal is not listed twice"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"until": ""}, "Fill this in."),
        ({"until": "2020-01-01"}, "Choose a day that is still to come."),
        ({"until": "9999-01-01"}, "Check the year."),
        ({"until": "soon"}, "Choose a day that there is"),
        ({"reason": " "}, "Say why"),
        ({"reason": "a\0b"}, "Remove what is no letter here"),
    ],
)
def test_a_pause_asks_why_and_until_when(ada, as_user, fields, words):
    deal = an_opportunity(ada)

    answer = post(as_user(ada), deal, "pause", **{"reason": "They move.", "until": day(9)} | fields)

    assert words in answer.text
    assert again(deal).stage == "qualified"


def test_the_form_says_how_much_will_wait(ada, as_user):
    deal = an_opportunity(ada)
    a_task(deal, ada)

    page = as_user(ada).get(reverse("admin:opportunities_opportunity_move", args=[deal.pk, "pause"]))

    assert "2 open tasks of this deal will wait too" in page.text


def test_a_resumed_deal_says_again_what_was_next_before_it_rested(ada, time_machine):
    deal = edit(an_opportunity(ada), by=ada, next_action="Send the price list", due_on=day(40))
    soon = edit(an_opportunity(ada), by=ada, next_action="Call Bo", due_on=day(3))
    told = edit(an_opportunity(ada), by=ada, next_action="Call Mia", due_on=day(3))
    deal, soon, told = (perform(each.pause, by=ada, reason="They move.", until=day(9)) for each in (deal, soon, told))
    edit(told, by=ada, next_action="Send the new address")
    time_machine.move_to(timezone.now() + timedelta(days=9))

    deal, soon, told = (perform(each.resume, by=ada) for each in (deal, soon, told))

    assert (deal.next_action, deal.due_on) == ("Send the price list", day(31))
    assert (soon.next_action, soon.due_on) == ("Call Bo", day(2)), "it fell due meanwhile"
    assert (told.next_action, told.due_on) == ("Send the new address", day(2)), "what was written meanwhile stays"
    left = Event.objects.filter(verb="opportunity.pause", record_id=deal.pk).get().facts.values
    assert left["was_next"] == "Send the price list"


def test_a_deal_whose_diary_knows_no_pause_says_so_and_does_not_break(ada):
    assert an_opportunity(ada).left() == ("", None)


def test_mail_that_has_not_gone_is_held_while_the_deal_rests_and_a_person_reads_it_again(ada):
    deal = an_opportunity(ada)
    written = a_mail(deal, ada)

    deal = perform(deal.pause, by=ada, reason="They move offices.")
    followups.send_due()
    assert (again(written).stage, again(written).trouble) == ("held", "The opportunity is paused: They move offices.")
    assert not mail.outbox

    perform(deal.resume, by=ada)
    followups.send_due()
    assert again(written).stage == "held", "what was right then may be wrong now"
    assert not mail.outbox
    asked = Task.objects.open().about(written).get()
    assert (asked.title, asked.owner) == (f"Read it again and send it, or leave it: {written}", ada)


def test_what_is_asked_and_measured_waits_with_a_paused_deal_and_gets_a_few_days_after(ada, as_user, time_machine):
    deal = an_opportunity(ada, stage="discovery")
    discovery = edit(deal.discoveries.get(), by=ada, due_on=day(5))
    later = begin(Audit(opportunity=deal, name="Speed", owner=ada, next_action="Measure", due_on=day(60)), by=ada)
    deal = perform(deal.pause, by=ada, reason="They move offices.", until=day(20))
    time_machine.move_to(timezone.now() + timedelta(days=20))
    page = as_user(ada).get(later.staff_url()).text
    assert "Its deal is paused: resume it to go on." in page

    perform(deal.resume, by=ada)

    assert (again(discovery).stage, again(discovery).due_on) == ("open", day(2))
    assert again(later).due_on == day(40)
    assert "Its deal is paused" not in as_user(ada).get(later.staff_url()).text


def test_what_the_clock_finds_while_a_deal_rests_waits_with_it(ada, ben, time_machine):
    deal = an_opportunity(ada, stage="proposal", reviewer=ben)
    deal = perform(deal.pause, by=ada, reason="They move offices.", until=day(300))
    time_machine.move_to(timezone.now() + timedelta(days=299))

    due.expire_audits()

    audit = deal.audits.get()
    assert audit.stage == "stale"
    found = Task.objects.about(audit).get(title__startswith="Collect the evidence again")
    assert (found.stage, found.waits_for_deal) == ("paused", True)
    perform(again(deal).resume, by=ada)
    assert again(found).stage == "open"


@pytest.mark.parametrize("kind", ["proposal", "contract"])
def test_nothing_is_sent_to_the_client_of_a_paused_deal(ada, ben, kind):
    make = a_proposal if kind == "proposal" else a_contract
    record = make(ada, approver=ben, stage="approved")
    deal = perform(again(record.opportunity).pause, by=ada, reason="They move offices.")

    send = next(move for move in again(record).moves_for(ada) if move.name == "send")
    assert [lack.words for lack in send.lacks] == ["Resume the deal first: it is paused."]

    perform(deal.resume, by=ada)
    assert next(move for move in again(record).moves_for(ada) if move.name == "send").ready


def test_nobody_is_asked_to_approve_anything_of_a_paused_deal(ada, ben, as_user, time_machine):
    proposal = a_proposal(ada, approver=ben, stage="in_review")
    asked = proposal.approvals.filter(stage="pending").first()
    assert asked in queue.Queue(ben).all_open()
    deal = perform(again(proposal.opportunity).pause, by=ada, reason="They move offices.")

    assert not queue.Queue(ben).all_open()
    time_machine.move_to(timezone.now() + timedelta(days=9))
    before = again(asked).due
    clock.move_on()
    assert again(asked).due == before, "it is not passed on either"

    perform(again(deal).resume, by=ada)
    assert asked in queue.Queue(ben).all_open()
    assert again(asked).due > timezone.now()
    assert again(asked).due_on == timezone.localdate(again(asked).due)


# -- Lose. -------------------------------------------------------------------------------------------------------------


def test_a_lost_deal_owes_nothing_but_the_second_try(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    deal = proposal.opportunity
    own = a_task(deal, ada)

    deal = lose(deal, ada)

    assert again(own).stage == "cancelled"
    assert not deal.tasks.unfinished().exists()
    win_back = deal.win_backs.get()
    assert (win_back.stage, win_back.owner, win_back.closing) == ("waiting", ada, deal.closings.get())
    assert (win_back.opens_on, win_back.ends_on) == (day(90), day(180))


def test_mail_to_the_client_does_not_go_out_after_the_deal_is_lost(ada):
    deal = an_opportunity(ada)
    written = a_mail(deal, ada)
    touch = a_task(deal, ada, contact=deal.decision_owner, subject="Well?", words="How does it read?", days=-1)

    lose(deal, ada)
    followups.send_due()

    assert not mail.outbox
    assert (again(written).stage, again(written).trouble) == ("held", "The opportunity was lost.")
    assert again(touch).stage == "cancelled"
    told = Event.objects.get(verb="message.hold")
    assert (told.reason, told.diary_id) == ("The opportunity was lost.", deal.diary_id)
    perform(again(written).queue, by=ada)
    followups.send_due()
    assert [sent.subject for sent in mail.outbox] == ["See you on Friday"], "a person may send it all the same"


def test_open_audits_and_discoveries_of_a_lost_deal_are_owed_by_nobody_and_go_on_when_it_is_reopened(ada, ben, as_user):
    deal = an_opportunity(ada, stage="audit")
    audit = perform(an_audit(deal, ada).submit, by=ada)
    collecting = begin(Audit(opportunity=deal, name="Speed", owner=ada, next_action="Measure", due_on=day(1)), by=ada)
    collecting = perform(collecting.collect, by=ada)
    discovery = perform(deal.discoveries.get().reopen, by=ada, reason="A second shop.")
    edit(discovery, by=ada, due_on=day(2))
    browser = as_user(ada)
    add = reverse("admin:opportunities_evidence_add")
    assert collecting in browser.get(add).context["form"].fields["audit"].queryset

    deal = lose(deal, ada)

    for record in (audit, collecting, discovery):
        assert again(record).due_on is None
        assert "Its deal is lost: reopen it to go on." in browser.get(record.staff_url()).text
    assert collecting not in browser.get(add).context["form"].fields["audit"].queryset

    perform(deal.reopen, by=ada, reason="They found money.")

    assert [again(record).stage for record in (audit, collecting, discovery)] == ["in_review", "collecting", "open"]
    assert Task.objects.open().about(audit).get().owner == ben, "whoever verifies is asked again"


def test_what_the_clock_finds_about_a_lost_deal_is_owed_by_nobody(ada, ben, time_machine):
    deal = lose(an_opportunity(ada, stage="proposal", reviewer=ben), ada)
    time_machine.move_to(timezone.now() + timedelta(days=60))

    due.expire_audits()

    assert deal.audits.get().stage == "stale"
    assert not deal.tasks.open().exists()


def test_what_was_said_stays_as_it_was_said_when_the_deal_is_lost_and_reopened(ada):
    deal = an_opportunity(ada)
    doubt = begin(Objection(opportunity=deal, kind="price", words="Dear.", owner=ada), by=ada)
    said = begin(UnwrittenPromise(opportunity=deal, words="A free month.", owner=ada), by=ada)

    perform(lose(deal, ada).reopen, by=ada, reason="They found money.")

    assert (again(doubt).stage, again(said).stage) == ("raised", "noted")


def test_what_the_client_accepted_counts_no_more_when_the_deal_comes_back(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    deal = lose(again(contract.opportunity), ada)

    assert (again(contract).stage, again(contract.proposal).stage) == ("voided", "withdrawn")
    deal = perform(deal.reopen, by=ada, reason="They found money.")
    assert proposal_is_accepted.lacks(deal)


def test_a_deal_whose_contract_holds_is_not_lost_before_the_contract_ends(ada, ben):
    contract = a_contract(ada, approver=ben, stage="active")
    with pytest.raises(Refused, match="End the contract first: both sides have signed it.") as refusal, atomic():
        lose(again(contract.opportunity), ada)
    assert refusal.value.lacks[0].url == contract.staff_url()

    perform(contract.end, by=ben, reason="They closed the shop.")
    assert lose(again(contract.opportunity), ada).stage == "lost"
    assert again(contract.proposal).stage == "accepted", "what was signed is history"


@pytest.mark.parametrize("stage", ["draft", "in_review", "approved", "sent", "viewed"])
def test_nothing_of_a_lost_deal_waits_for_a_word_or_a_hand(ada, ben, as_user, stage):
    proposal = a_proposal(ada, approver=ben, stage=stage)
    deal = again(proposal.opportunity)
    words = [a_summary(ada, opportunity=deal), a_summary(ada, opportunity=deal, stage="in_review")]
    assert Approval.objects.filter(opportunity=deal, stage="pending").exists()

    lose(deal, ada)

    assert again(proposal).stage == "withdrawn"
    assert [again(summary).stage for summary in words] == ["withdrawn", "withdrawn"]
    assert not Approval.objects.filter(opportunity=deal, stage="pending").exists()
    assert not Task.objects.filter(opportunity=deal).unfinished().exists()
    page = as_user(ben).get(reverse("today"), {"whose": "team"})
    assert not [*page.context["overdue"], *page.context["approvals"], *page.context["adrift"]]


@pytest.mark.parametrize("stage", ["draft", "in_review", "sent", "signed"])
def test_the_contract_of_a_lost_deal_is_void_and_nobody_is_asked_about_it(ada, ben, stage):
    contract = a_contract(ada, approver=ben, stage=stage)
    deal = lose(again(contract.opportunity), ada)

    assert again(contract).stage == "voided"
    assert not Approval.objects.filter(opportunity=deal, stage="pending").exists()
    assert not deal.tasks.unfinished().exists()


def test_words_that_a_client_has_read_stay_when_the_deal_is_lost(ada, ben):
    deal = an_opportunity(ada, stage="audit")
    summary = perform(a_summary(ada, opportunity=deal, approver=ben, stage="approved").publish, by=ben)
    lose(deal, ada)
    assert again(summary).stage == "published"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"words": " "}, "Say what happened"),
        ({"reason": "weather"}, "Choose one from the list."),
        ({"reason": ""}, "Choose what lost it"),
        ({"reason": "competitor", "competitor": ""}, "Name who won it, or choose another reason."),
        ({"reactivate_from": "2020-01-01"}, "Choose a day that is still to come."),
        ({"reactivate_to": "2020-01-01"}, "Choose a day that is still to come."),
        ({"reactivate_from": "2100-02-01", "reactivate_to": "2100-01-01"}, "The window must end after it begins."),
        ({"reactivate_to": "9999-12-31"}, "Check the year."),
        ({"reactivate_from": ""}, "Fill this in."),
        ({"words": "x" * 1_000_000}, "Shorten this to 4000 letters"),
        ({"competitor": "a\0b"}, "Remove what is no letter here"),
    ],
)
def test_losing_says_at_the_field_what_is_wrong(ada, as_user, fields, words):
    deal = an_opportunity(ada)
    said = {"reason": "price", "words": "Too dear.", "reactivate_from": day(9), "reactivate_to": day(19)}

    answer = post(as_user(ada), deal, "lose", **said | fields)

    assert answer.status_code == 200
    assert words in answer.text
    assert again(deal).stage == "qualified"
    assert not Closing.objects.exists()


def test_each_closing_stays_and_both_pages_list_them(ada, as_user):
    deal = lose(an_opportunity(ada), ada)
    deal = perform(deal.reopen, by=ada, reason="They found money.")
    deal = lose(deal, ada, reason="competitor", words="Alto was quicker.", competitor="Alto")

    browser = as_user(ada)
    for page in (browser.get(deal.staff_url()).text, browser.get(deal.client.staff_url()).text):
        for words in ("Too dear.", "Alto was quicker.", "against Alto", "A budget for next year.", "Win-back: expired"):
            assert words in page
    assert deal.closings.count() == deal.win_backs.count() == 2


def test_a_clients_page_lists_only_the_endings_that_i_may_see(ada, cem, as_user):
    deal = lose(an_opportunity(ada), ada)
    other = begin(type(deal)(client=deal.client, name="Another", owner=cem, next_action="Call"), by=cem)

    assert "Too dear." not in as_user(cem).get(other.client.staff_url()).text


# -- Come back. --------------------------------------------------------------------------------------------------------


def test_a_second_try_opens_and_ends_by_the_clock(ada, time_machine):
    deal = lose(an_opportunity(ada), ada)
    assert secondtries.turn() == 0

    time_machine.move_to(timezone.now() + timedelta(days=90))
    assert secondtries.turn() == 1
    assert secondtries.turn() == 0
    assert deal.win_backs.get().stage == "open"
    asked = deal.tasks.open().get()
    assert (asked.kind, asked.owner) == ("win_back", ada)

    time_machine.move_to(timezone.now() + timedelta(days=91))
    assert secondtries.turn() == 1
    assert deal.win_backs.get().stage == "expired"
    assert again(asked).stage == "done"


def test_a_window_that_nobody_looked_at_expires_unopened(ada, time_machine):
    deal = lose(an_opportunity(ada), ada)
    time_machine.move_to(timezone.now() + timedelta(days=181))

    secondtries.turn()

    assert deal.win_backs.get().stage == "expired"
    assert not deal.tasks.open().exists()


def test_a_reopened_deal_has_a_task_and_no_second_try(ada):
    deal = lose(an_opportunity(ada, stage="discovery"), ada)

    deal = perform(deal.reopen, by=ada, reason="They found money.")

    assert (deal.stage, deal.probability, deal.next_action) == ("qualified", 10, "Find out what has changed")
    assert deal.tasks.open().get().title.startswith("Find out what has changed")
    assert deal.win_backs.get().stage == "expired"


def test_nothing_is_in_scope_of_a_reopened_deal(ada, ben):
    deal = again(a_contract(ada, approver=ben).opportunity)
    assert deal.scope_state == "approved"

    deal = perform(lose(deal, ada).reopen, by=ada, reason="They found money.")

    assert deal.scope_state == "unscoped"
    assert deal.closings.get().scope_state == "approved", "it was, when it was lost"


def test_a_second_try_that_succeeds_reopens_the_deal(ada):
    win_back = perform(lose(an_opportunity(ada), ada).win_backs.get().open, by=None)

    win_back = perform(win_back.reopen, by=ada, reason="They found money.")

    assert (win_back.stage, again(win_back.opportunity).stage) == ("reopened", "qualified")
    reopened = Event.objects.get(verb="opportunity.reopen")
    assert (reopened.actor, reopened.reason) == (ada, "They found money.")


def test_reopening_asks_what_has_changed_and_says_what_had_to(ada, as_user):
    deal = lose(an_opportunity(ada), ada)
    browser = as_user(ada)

    page = browser.get(reverse("admin:opportunities_opportunity_move", args=[deal.pk, "reopen"]))

    assert "What has changed?" in page.text
    assert "this had to change: A budget for next year." in page.text
    assert "Say what has changed since it was lost." in post(browser, deal, "reopen", reason=" ").text
    assert again(deal).stage == "lost"
    post(browser, deal, "reopen", reason="They found money.")
    assert again(deal).stage == "qualified"


def test_a_lost_deal_is_not_lost_again(ada):
    deal = lose(an_opportunity(ada), ada)

    with pytest.raises(Refused, match="already lost"):
        lose(deal, ada)
    assert WinBack.objects.count() == 1


def test_one_table_says_what_becomes_of_every_kind_of_record_of_a_deal():
    of_a_deal = [kind for kind in walls.records() if any(field.name == "opportunity" for field in kind._meta.fields)]
    for kind in of_a_deal:
        if kind is not Lead and kind._meta.app_label != "handoff":
            assert f"\n{kind.__name__} " in reactions.__doc__, kind


# -- Changing hands. ---------------------------------------------------------------------------------------------------


def test_whoever_takes_a_deal_over_gets_what_its_owner_owed_on_it(ada, ben, cem):
    deal = an_opportunity(ada)
    mine, bens, done = deal.tasks.open().get(), a_task(deal, ben), perform(a_task(deal, ada).finish, by=ada)

    edit(deal, by=ada, owner=cem)

    assert [again(task).owner for task in (mine, bens, done)] == [cem, ben, ada]
    assert Event.objects.get(verb="task.edit", record_id=mine.pk).reason == f"Cem has taken {deal} over."


def test_the_second_try_goes_along_with_a_lost_deal(ada, cem):
    deal = edit(lose(an_opportunity(ada), ada), by=ada, owner=cem)

    assert deal.win_backs.get().owner == cem


def test_nobody_is_written_down_as_gone_before_they_left(ada):
    deal = an_opportunity(ada)
    with pytest.raises(Refused, match="Choose today or a day before"):
        deal.decision_owner.leave(timezone.localdate() + timedelta(days=30), by=ada)
    assert type(deal.decision_owner).objects.get(pk=deal.decision_owner_id).left_on is None
