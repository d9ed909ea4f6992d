"""What follows around a deal, in the same transaction, when it rests, ends, comes back or changes hands.

What becomes of each kind of record that is open when its deal is

                  paused                  resumed                   lost                      reopened
Task              waits                   goes on, late ones later  cancelled                 a new one is promised
Message           held, if not yet sent   a person reads it again   held, if not yet sent     a person may send it
Discovery         waits                   late ones get some days   owed by nobody            goes on
SequenceRun       waits with its task     goes on with its task     stops                     stays stopped
Audit             waits                   late ones get some days   owed by nobody            goes on, to be verified
Objection         stays                   stays                     stays as it was said      stays
UnwrittenPromise  stays                   stays                     stays: it bars a win      stays
Confirmation      stays                   stays                     stays                     stays
Closing           -                       -                         written                   stays
WinBack           -                       -                         planned                   expires
Proposal          not sent                late ones get some days   withdrawn                 stays withdrawn
Contract          not sent                late ones get some days   voided; refused in force  stays voided
Approval          asked of nobody         asked again, with time    lapses                    stays lapsed
Summary           stays                   stays                     withdrawn, if not shown   stays withdrawn

The last four are seen to in the `reactions.py` of proposals. Won deals hand over instead: see that of handoff.
"""

from datetime import timedelta

from django.utils import timezone

from . import clock, incoming, leaving, notices, optout, outbox, secondtries, sequences
from .followups import end_of_day, give_days, hasten, open_task
from .models import Audit, Event, Message, Notice, Opportunity, SequenceRun, Task, WinBack
from .records import Opens, begin, edit, perform, reacts_to
from .repeating import next_due, unborn

# A deal that is paused without a day is looked at again after so many days.
REST = 30
# What fell due while a deal was paused gets so many days from when it goes on.
GRACE = 2
LOOK_AGAIN = "Look at it again"
PAUSED = "The opportunity is paused"
LOST = "The opportunity was lost."

# -- Sequences: first what ends them, so that a reason is told before their tasks are closed for another. --------------

Ended = SequenceRun.Ended
# A deal that rests stays where it is.
MOVES_ON = [f"opportunity.{step.name}" for step in Opportunity.steps() if step.name not in ("pause", "resume")]


@reacts_to(*dict.fromkeys(MOVES_ON))
def stop_what_was_for_the_stage_before(opportunity, event):
    before, now = Opportunity.Stage(event.stage_from).label, opportunity.get_stage_display()
    reason = f"The opportunity moved on, from {before.lower()} to {now.lower()}."
    sequences.stop(opportunity, reason=reason, ended=Ended.MOVED)


@reacts_to("opportunity.start_discovery", "opportunity.start_proposal")
def start_what_begins_with_the_stage(opportunity, event):
    sequences.start_with(event.verb, opportunity, opportunity.decision_owner)


@reacts_to("winback.open")
def start_what_begins_with_a_win_back(win_back, event):
    sequences.start_with(event.verb, win_back.opportunity, win_back.opportunity.decision_owner)


@reacts_to("message.receive")
def stop_for_whom_we_heard_from(message, event):
    """Whoever answers, or meets us, is written to by a person from now on, and so is whom a colleague answers for.

    An automatic answer is none.
    """
    if message.channel == Message.Channel.MEETING:
        reason, ended = f"We met {message.contact}: “{message.subject}”.", Ended.MEETING
    elif is_letter(message):
        reason, ended = f"{message.contact} wrote to us: “{message.subject}”.", Ended.REPLY
    else:
        return
    for contact, opportunity in incoming.heard_from(message):
        sequences.stop(opportunity, contact, reason=reason, ended=ended)
    if ended == Ended.MEETING:
        incoming.end_waiting(message, "We met them.")


def is_letter(message) -> bool:
    """Whether somebody wrote a message that came in."""
    return message.channel == Message.Channel.MAIL and not incoming.is_automatic(message)


@reacts_to("inboundmail.file", "inboundmail.set_aside")
def go_on_with_whom_it_kept(inbound, event):
    """Somebody said where a mail belongs. What it did not end goes on."""
    hasten(contact__in=incoming.kept_waiting(inbound).values_list("pk", flat=True))


@reacts_to("contact.edit")
def stop_for_whoever_left(contact, facts):
    if "left_on" in facts and contact.left_on:
        sequences.stop(contact=contact, reason=f"{contact} left the company.", ended=Ended.LEFT)


@reacts_to("consent.create", "consent.edit")
def stop_for_whoever_opted_out(consent, event):
    """Once nothing that they agreed to is left for a purpose, nothing more is begun or written for it."""
    if consent.withdrawn_at and not consent.contact.agreed_to(consent.purpose):
        optout.let_go(consent.contact, consent.purpose)


@reacts_to("consent.create")
def keep_to_an_earlier_stop(consent, event):
    """What was agreed to before somebody stopped that mail is over, whichever file it comes from."""
    optout.keep_to(consent)


@reacts_to("sequencerun.stop")
def let_go_of_its_step(run, event):
    for task in run.tasks.unfinished().order_by("pk"):
        perform(task.cancel, by=None, reason=f"{run.sequence} was stopped. {event.reason}"[:300])


@reacts_to("task.finish")
def take_the_next_step(task, event):
    if task.run_id and task.run.is_open:
        sequences.take_next_step(task.run)


@reacts_to("task.cancel")
def stop_with_its_step(task, event):
    """Whoever lets a step go lets the rest go too: nobody waits for what never comes."""
    if task.run_id and task.run.is_open:
        perform(task.run.stop, by=None, reason=f"Its step was cancelled: {event.reason}"[:300])


@reacts_to("message.release", "message.settle_unsent", "message.retry")
def keep_back_what_was_stopped_meanwhile(message, event):
    """Mail that was on its way when its follow-up was closed goes no more by itself: whether the server put it off, or
    somebody who does not know of that has it sent. Only who reads the reason sends it after this."""
    if (words := outbox.stopped(message)) or (words := rests_since(message)):
        perform(message.hold, by=None, reason=words)
    elif message.task_id and message.task.stage == Task.Stage.PAUSED:
        wait_with_it(message, message.task)


def rests_since(message) -> str:
    """Return what happened to the deal of a mail that was paused or lost while the mail was on its way."""
    deal = message.opportunity
    if deal is None or deal.stage not in (Opportunity.Stage.PAUSED, Opportunity.Stage.LOST):
        return ""
    rests = Event.objects.filter(record_type=deal.label(), record_id=deal.pk, at__gte=message.claimed_at)
    rests = rests.filter(verb__in=["opportunity.pause", "opportunity.lose"]).order_by("-pk").first()
    if rests is None:
        return ""
    return f"{PAUSED}: {rests.reason}" if deal.stage == Opportunity.Stage.PAUSED else LOST


@reacts_to("task.pause")
def keep_its_mail_with_it(task, event):
    """The mail of a follow-up that somebody pauses waits with it, and goes when it goes on."""
    for message in task.messages.filter(stage=Message.Stage.QUEUED):
        wait_with_it(message, task)


def wait_with_it(message, task):
    waits_for = task.waits_for or Task.Waits.TIMING
    perform(message.hold, by=None, reason=f"Its follow-up waits: {task.paused_because}", waits_for=waits_for)


# -- What rests, ends and comes back with its deal. --------------------------------------------------------------------


@reacts_to("opportunity.pause")
def wait_with_the_deal(opportunity, event):
    """Let everything that is open about the deal wait with it, and promise to look at it again."""
    hold_mail(opportunity, because=f"{PAUSED}: {event.reason}")
    for task in opportunity.tasks.open().order_by("pk"):
        perform(task.pause, by=None, reason=f"{PAUSED}: {event.reason}")
    days = (opportunity.due_on - timezone.localdate()).days if opportunity.due_on else REST
    open_task(opportunity, Opens("follow_up", LOOK_AGAIN, days), by=None)


@reacts_to("opportunity.resume")
def go_on_with_the_deal(opportunity, event):
    """Take up what waited for the deal; what fell due meanwhile gets a few days."""
    # What else is open about the deal came up while it waited, and is still to be done.
    for task in Task.objects.open().about(opportunity).filter(title__startswith=LOOK_AGAIN):
        perform(task.finish, by=None, outcome="The opportunity was resumed.")
    soon = end_of_day(timezone.localdate() + timedelta(days=GRACE))
    waiting = opportunity.tasks.filter(stage=Task.Stage.PAUSED, waits_for_deal=True).order_by("pk")
    for task in waiting:
        if task.due_at < timezone.now():
            edit(task, by=None, reason="It fell due while the opportunity was paused.", due_at=soon)
        perform(task.resume, by=None)
    for rows in work_on(opportunity):
        give_days(rows, GRACE)
    # What was right to write before may be wrong to send now: a person reads it again.
    held = opportunity.messages.filter(stage=Message.Stage.HELD, trouble__startswith=PAUSED).order_by("pk")
    held = [message for message in held if not Task.objects.about(message).exists()]
    for message in held:
        open_task(message, Opens("follow_up", "Read it again and send it, or leave it", GRACE), by=None)
    if not (waiting or held):
        open_task(opportunity, Opens("follow_up", "Pick up where it was left", GRACE), by=None)


@reacts_to("opportunity.lose")
def plan_to_win_it_back(opportunity, event):
    """Nothing more is owed on a lost deal but the second try, inside the window that its closing names."""
    for task in opportunity.tasks.unfinished().order_by("pk"):
        perform(task.cancel, by=None, reason=LOST)
    hold_mail(opportunity, because=LOST)
    for rows in work_on(opportunity):
        for record in rows.exclude(due_on=None).order_by("pk"):
            edit(record, by=None, reason=LOST, due_on=None)
    WinBack.plan(opportunity.closings.latest("pk"))


def work_on(opportunity):
    """Return what is still asked and measured for a deal, kind by kind."""
    return [rows.exclude(stage__in=rows.model.CLOSED) for rows in (opportunity.discoveries, opportunity.audits)]


def hold_mail(opportunity, *, because):
    """Keep back the mail that has not gone yet, what waits for a condition too. Only a person sends it after this."""
    for message in opportunity.messages.filter(stage=Message.Stage.QUEUED).order_by("pk"):
        perform(message.hold, by=None, reason=because)
    for message in opportunity.messages.filter(stage=Message.Stage.HELD, again_at__isnull=False).order_by("pk"):
        outbox.leave_to_a_person(message, because)


@reacts_to("message.confirm_sent", "message.settle_sent")
def finish_what_mailed_it(message, event):
    """A follow-up is done when its mail has gone, and not before."""
    if message.task_id and message.task.stage not in Task.CLOSED:
        perform(message.task.finish, by=None, outcome="The mail went.")


@reacts_to("message.confirm_sent", "message.settle_sent")
def mark_the_second_try(message, event):
    """A letter about a second try has gone: they are contacted with that."""
    secondtries.went(message)


@reacts_to("message.receive")
def ask_whether_to_reopen(message, event):
    """Whoever is tried again and writes is somebody to decide about."""
    if is_letter(message):
        secondtries.answered(message)


@reacts_to("campaign.go_on")
def go_on_with_its_letters(campaign, event):
    hasten(campaign_entry__campaign=campaign)


@reacts_to("message.fail", "message.doubt", "message.come_back")
def tell_of_troubled_mail(message, event):
    """Whoever wrote a mail hears that it did not arrive, or may not have."""
    words = f"“{message.subject}” to {message.contact}: {message.get_stage_display().lower()}. {event.reason}"
    key = f"{message.pk}:{message.stage}:{message.attempt}"
    notices.tell(message.owner, Notice.Kind.MAIL, words, message.staff_url(), key=key, about=message)


@reacts_to("message.hold")
def tell_that_it_waits(message, event):
    """Whoever sent a mail hears what a person must see to before it goes. A follow-up says so itself."""
    if message.waits_for not in ("", Task.Waits.TIMING) and not message.is_its_tasks:
        words = f"“{message.subject}” to {message.contact} waits: {event.reason}"
        about = {"key": f"{message.pk}:{event.pk}", "about": message}
        notices.tell(message.owner, Notice.Kind.PAUSE, words, message.staff_url(), **about)


@reacts_to("message.receive")
def tell_of_an_answer(message, event):
    """Whoever has the deal hears that the client wrote. What answers by itself is no answer."""
    if is_letter(message):
        words = f"{message.contact.told_apart} wrote: “{message.subject}”"
        owner = message.opportunity.owner if message.opportunity else message.owner
        about = {"key": message.pk, "about": message, "by": event.actor}
        notices.tell(owner, Notice.Kind.ANSWER, words, message.staff_url(), **about)


@reacts_to("task.finish", "task.cancel")
def keep_back_its_mail(task, event):
    """The mail of a follow-up that somebody closed otherwise goes no more by itself."""
    outbox.keep_back(task, f"Its follow-up was closed: {event.reason or 'it is done'}")


@reacts_to("task.finish", "task.cancel")
def open_the_next(task, event):
    """A task that repeats is followed by the next one, until its series ends or is cancelled."""
    whole = (event.facts.values if event.facts else {}).get("series", event.verb == "task.cancel")
    if whole or not task.repeats or not (due := next_due(task, clock.now())):
        return
    above = task.parent
    is_over = above.stage == "lost" if task.opportunity_id else not above.is_open
    if is_over:
        return
    follower = begin(unborn(task, due), by=None, past="promised")
    if above.stage == "paused":
        perform(follower.pause, by=None, reason=PAUSED + ".")


@reacts_to("consent.create", "consent.edit", "contact.edit")
def look_again_at_who_waits(record, event):
    """What waits for a contact may go on: they agreed, or there is another way to them."""
    contact = getattr(record, "contact", record)
    hasten(contact=contact)
    if record is contact:
        hasten(opportunity__decision_owner=contact)


@reacts_to("contact.edit")
def trust_the_new_address(contact, facts):
    """Mail that came back says nothing of another address."""
    if "email" in facts and contact.mail_failed_at:
        edit(contact, by=None, reason="They have another address.", mail_failed_at=None, mail_trouble="")


# What somebody changes of a follow-up that may be what it waits for.
CURES = {"contact", "not_after", "template", "subject", "words", "purpose", "owner"}


@reacts_to("task.edit")
def look_again_at_what_was_mended(task, facts):
    """What is mended on the follow-up itself cures it as well as what is mended elsewhere."""
    if facts.keys() & CURES:
        waiting = Task.objects.filter(pk=task.pk, stage=Task.Stage.PAUSED, again_at__gt=clock.now())
        waiting.update(again_at=clock.now())


@reacts_to("opportunity.edit")
def look_again_at_the_deal(opportunity, facts):
    """What waits for somebody to decide, or for words about the deal, may go on."""
    if facts.keys() & {"decision_owner", "name", "next_action"}:
        hasten(opportunity=opportunity)


@reacts_to("lead.edit")
def look_again_at_where_it_came_from(lead, facts):
    """What waits for its source to hold again may go on: it has another."""
    if "source" in facts and lead.opportunity_id:
        hasten(opportunity=lead.opportunity)


@reacts_to("user.edit")
def hand_on_what_they_owed(user, facts):
    """Whoever left reads no notice: what they still owed is somebody else's from now on."""
    if facts.keys() & {"is_active", "is_staff"} and not leaving.works_here(user):
        leaving.hand_on(user)


@reacts_to("task.create")
def owe_it_to_nobody_who_left(task, event):
    """What is promised for a deal whose owner has left is somebody's who is here."""
    if not leaving.works_here(task.owner):
        leaving.give(task, task.owner)


@reacts_to("user.edit")
def look_again_at_who_writes(user, facts):
    """What waits for words about whoever writes may go on."""
    hasten(owner=user, waits_for=Task.Waits.WORDS)


@reacts_to("messagetemplate.edit", "templateversion.create")
def look_again_at_the_words(record, event):
    """What waits for the words of its template may go on."""
    hasten(template=getattr(record, "template", record))


@reacts_to("source.edit")
def look_again_at_its_source(source, facts):
    """What waits for its source to hold again may go on."""
    hasten(opportunity__leads__source=source)


@reacts_to("quietdate.create", "quietdate.edit", "client.edit")
def look_again_at_the_calendar(record, event):
    """What waits for a working day may go earlier, or later."""
    if record.label() == "opportunities.client":
        hasten(contact__client=record)
    else:
        hasten()


@reacts_to("winback.expire")
def write_no_more_after_the_window(win_back, event):
    """A lost deal that is tried again no more is left alone: what still runs for it ends."""
    deal = Opportunity.objects.get(pk=win_back.opportunity_id)
    if deal.stage == Opportunity.Stage.LOST and not sequences.is_tried_again(deal):
        sequences.stop(deal, reason="The window to try again is over.", ended=SequenceRun.Ended.MOVED)


@reacts_to("winback.reopen")
def reopen_the_deal(win_back, event):
    perform(win_back.opportunity.reopen, by=event.actor, reason=event.reason)


@reacts_to("opportunity.reopen")
def end_the_win_back(opportunity, event):
    """A deal that is open again needs no second try: what was planned ends."""
    for win_back in opportunity.win_backs.exclude(stage__in=WinBack.CLOSED).order_by("pk"):
        perform(win_back.expire, by=None)
    # Whoever was to verify an audit was let off when the deal was lost.
    verify = next(step.custom["opens"] for step in Audit.steps() if step.name == "submit")
    for audit in opportunity.audits.filter(stage=Audit.Stage.IN_REVIEW).order_by("pk"):
        open_task(audit, verify, by=None)


@reacts_to("opportunity.edit")
def hand_over_what_is_open(opportunity, facts):
    """Whoever takes a deal over gets what its last owner still owed on it."""
    kinds = (opportunity.tasks, opportunity.win_backs, opportunity.sequence_runs)
    leaving.take_over(opportunity, facts, [kind.exclude(stage__in=kind.model.CLOSED) for kind in kinds])
