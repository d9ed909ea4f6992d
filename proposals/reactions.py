"""What follows, in the same transaction, when something that a proposal or a contract rests on moves."""

from django.utils import timezone

from opportunities import notices, optout, sequences
from opportunities.followups import give_days, hasten, open_task
from opportunities.models import Notice, Opportunity, SequenceRun, Task, User
from opportunities.records import Lack, Opens, Refused, edit, perform, reacts_to
from portal.models import Guest, Publication, StopLink
from portal.words import shares_no_word, without_links

from . import answering, approvals, clock, difference, evidence, gates, lint, policies, publishing
from .models import Approval, Contract, Proposal, Summary

# -- Approvals. --------------------------------------------------------------------------------------------------------


@reacts_to("approval.approve", "approval.approve_on")
def settle_what_was_approved(approval, event):
    approvals.settle(approval.subject, asked_by=approval.asked_by)


@reacts_to("approval.reject", "approval.request_changes", "approval.recall")
def send_back_what_was_not(approval, event):
    record, reason = approval.subject, f"{event.actor_name}: {event.reason}"
    if record.stage == "in_review":
        perform(record.send_back, by=None, reason=reason)
    elif record.stage == "paused" and record.paused_from != "draft":
        approvals.send_back_when_resumed(record, reason)
        words = f"{record} comes back to you as a draft when it is resumed: {reason}"
        tell(record.author, Notice.Kind.APPROVAL, words, record, event)


@reacts_to("approval.reassign")
def follow_who_decides_on_it(approval, event):
    approvals.pass_on(approval, f"{event.actor_name} gave the question to {approval.owner}.")


@reacts_to("user.edit")
def move_on_from_whoever_left(user, facts):
    """The questions of somebody who works here no more go on at once."""
    if "is_active" in facts and not user.is_active:
        clock.move_on_from(user)


@reacts_to("proposal.edit", "contract.edit", "summary.edit")
def lapse_what_changed(record, facts):
    # Read again: a discount that was typed as 10 is 10.00 from now on, and has to have that digest.
    approvals.lapse_changed(type(record).objects.get(pk=record.pk))


@reacts_to("proposal.create")
def let_follow_ups_speak_of_it(proposal, event):
    """What waits for words about a proposal may go on: there is one."""
    hasten(opportunity=proposal.opportunity, waits_for=Task.Waits.WORDS)


@reacts_to("proposal.edit")
def let_follow_ups_speak_of_it_as_it_is(proposal, facts):
    """What waits for the words or the day of a proposal may go on."""
    if facts.keys() & {"title", "valid_until"}:
        hasten(opportunity=proposal.opportunity, waits_for=Task.Waits.WORDS)


# -- What clients may read. --------------------------------------------------------------------------------------------


@reacts_to("templateversion.create")
def keep_our_words_out_of_templates(version, event):
    """Refuse a template that says what only we may read, or promises what it cannot prove."""
    if marks := lint.read_template(version):
        raise Refused([Lack(mark.sentence, version.template.staff_url("id_body")) for mark in marks])


@reacts_to("message.queue")
def keep_our_words_out_of_mail(message, event):
    """Refuse a mail that somebody wrote, or that a template was filled for. What was approved was read before."""
    if (message.is_by_hand or message.template_version_id) and (marks := lint.read_mail(message)):
        raise Refused([Lack(mark.sentence, message.staff_url()) for mark in marks])


@reacts_to("message.edit")
def keep_our_words_out_of_changed_mail(message, facts):
    """What may go by itself is read again when it is changed; a draft is read when somebody sends it."""
    if message.stage != message.Stage.DRAFT and facts.keys() & {"subject", "body"}:
        keep_our_words_out_of_mail(message, None)


# -- Who is told. ------------------------------------------------------------------------------------------------------


def tell(user, kind, words, record, event, subject=""):
    """Tell one of us what an event did, unless they did it."""
    about = {"key": f"{record.pk}:{event.pk}", "about": record, "by": event.actor, "subject": subject}
    notices.tell(user, kind, words, record.staff_url(), **about)


@reacts_to("approval.create")
def tell_who_decides(approval, event):
    """Whoever is to approve hears what, of whom, what it is worth, why, and what changed since they approved last.

    So does whoever stands in for them. Where nobody can decide, whoever may mend that hears so instead.
    """
    if approval.nobody_because:
        return
    subject = approvals.subject_of(approval)
    words = f"Approve {approvals.called(approval)}. {approval.why} {what_changed(approval, approval.owner)}"
    tell(approval.owner, Notice.Kind.APPROVAL, words, approval, event, subject)
    for standing_in in approval.owner.delegations_given.on(timezone.localdate()).select_related("taker"):
        if policies.may_approve(approval, standing_in.taker):
            words = f"Approve {approvals.called(approval)}. {approvals.why_asked(approval, standing_in.taker)}"
            tell(standing_in.taker, Notice.Kind.APPROVAL, words, approval, event, subject)


# A mail tells of so many changes; the page has them all.
TOLD = 10


def what_changed(approval, user) -> str:
    """Say what changed since somebody approved this last, ten changes at most; nothing if they never did."""
    last = difference.given_before(approval, user)
    if last is None or last.decided_by != user:
        return ""
    lines = [f"{line['sign']} {line['words']}" for line in difference.changes(last.content, approval.content)]
    more = [f"and {len(lines) - TOLD} more"] if len(lines) > TOLD else []
    said = "; ".join([*lines[:TOLD], *more])
    return f"Since you approved it: {said}" if lines else "Nothing changed since you approved it."


@reacts_to("approval.approve", "approval.approve_on", "approval.reject", "approval.request_changes")
def tell_who_asked(approval, event):
    reason = f": “{event.reason}”" if event.reason else ""
    reason = f", as long as {approval.on_condition}" if approval.condition else reason
    words = f"{event.actor_name} {event.past.rstrip(':,')} the {approval.get_aspect_display().lower()} of "
    tell(approval.asked_by, Notice.Kind.APPROVAL, f"{words}{approval.opportunity}{reason}", approval, event)


@reacts_to("approval.reassign")
def tell_who_has_it_now(approval, event):
    words = f"{event.actor_name} gave you to decide: {approvals.called(approval)}: “{event.reason}” {approval.why}"
    words = f"{words} {what_changed(approval, approval.owner)}"
    tell(approval.owner, Notice.Kind.APPROVAL, words, approval, event, approvals.subject_of(approval))


@reacts_to("approval.edit")
def tell_of_an_escalation(approval, facts):
    """A question that goes on to somebody else is told to both, and to whoever manages who had it.

    Whoever has it now reads all that whoever had it first did. Where they only see to it, `tell_if_nobody_decides`
    says so.
    """
    if "owner" not in facts:
        return
    before = User.objects.get(pk=int(facts["owner"][0].rpartition("#")[2].rstrip(")")))
    what, subject = approvals.called(approval), approvals.subject_of(approval)
    why = "the deadline has passed" if before.is_active else f"{before} has left"
    if before.pk in approval.subject.hands:
        why = f"{before} has written in it"
    words = dict.fromkeys((before, *before.managers()), f"{approval.owner} decides on {what} now: {why}.")
    if not approval.nobody_because:
        asked = f"It is yours to decide on {what} now: {why}. {approvals.why_asked(approval, approval.owner)}"
        words[approval.owner] = f"{asked} {what_changed(approval, approval.owner)}"
    kind, url, key = Notice.Kind.ESCALATION, approval.staff_url(), f"{approval.pk}:{approval.due:%Y%m%d%H%M}"
    notices.tell_all([(user, kind, said, url, key, approval) for user, said in words.items()], subject)


@reacts_to("proposal.accept", "proposal.decline", "contract.sign", "contract.decline")
def tell_what_they_answered(record, event):
    facts = event.facts.values if event.facts else {}
    words = f"{without_links(event.actor_name)} {event.past.rstrip(':')} {record}"
    if record.label() == Proposal.label():
        words = f"{without_links(who_answered(event, facts))} {event.past.rstrip(':')} {record}{as_whom(event, facts)}"
    words += f", {facts['late']}" if "late" in facts else ""
    words += f": “{without_links(event.reason)}”" if event.reason else ""
    if event.verb == "contract.sign" and shares_no_word(event.contact.name, typed := facts["name"]):
        words += f". They typed “{without_links(typed)}”, which is not their name: ask whether they signed themselves."
    tell(record.owner, Notice.Kind.ANSWER, words, record, event)
    if event.verb == "contract.decline":
        for manager in record.owner.managers():
            tell(manager, Notice.Kind.ANSWER, words, record, event)


def reader_of(event, facts) -> str:
    """Return the colleague in whose browser a proposal was answered. Whoever declines gives no other name."""
    return facts.get("reader", "") or (facts.get("name", "") if event.verb == "proposal.decline" else "")


def who_answered(event, facts) -> str:
    reader = reader_of(event, facts)
    return f"{reader}, whom {event.actor_name} passed it on to," if reader else event.actor_name


def as_whom(event, facts) -> str:
    """Say which name was typed, where it is not that of whose link or browser it was."""
    name = facts.get("name", "")
    return f" as “{without_links(name)}”" if name not in ("", reader_of(event, facts) or event.actor_name) else ""


@reacts_to("contract.run_out")
def tell_that_nobody_signed_in_time(contract, event):
    words = f"Nobody signed {contract} until {publishing.spoken(contract.sign_by)}: prolong it, or void it."
    tell(contract.owner, Notice.Kind.BREACH, words, contract, event)


# -- Signing. ----------------------------------------------------------------------------------------------------------


@reacts_to("contract.end")
def take_back_its_change_order(contract, event):
    """Nobody can accept a change of what does not run any more."""
    for change in contract.change_orders.exclude(stage__in=Proposal.CLOSED):
        perform(change.withdraw, by=None, reason=f"{contract.number} ended.")


@reacts_to("contract.sign")
def tell_who_signed_before(contract, event):
    """Whoever has signed hears of each signature after theirs."""
    publishing.tell_that_somebody_signed(contract, event.contact)


@reacts_to("contract.countersign")
def send_the_sealed_copy(contract, event):
    """Everybody who signed gets what both sides signed now."""
    publishing.mail_sealed(contract)


@reacts_to("contract.sign")
def let_the_next_one_sign(contract, event):
    """Whoever signs next gets their mail; when nobody is left, the contract is signed."""
    publishing.hold_back(contract, f"{event.actor_name} has signed.")
    following = contract.whose_turn
    if following is None:
        perform(contract.be_signed, by=None)
        contract.refresh_from_db()
        return
    words = f"{without_links(event.actor_name)} has signed our contract, and now it is your turn."
    publishing.ask_to_sign(contract, by=None, words=words, contact=following)
    edit(contract, by=None, past=f"asked {following} next to sign", reminded_on=publishing.agency_day())
    contract.refresh_from_db()


@reacts_to("contract.decline", "contract.void", "contract.run_out")
def ask_nobody_to_sign(contract, event):
    """Nobody is asked to sign what cannot be signed any more; who was to sign beside them hears of a no, and why.

    Everybody who was to sign hears once that it was withdrawn, or that its time is over.
    """
    publishing.hold_back(contract, f"The contract {event.past.rstrip(':')}.")
    if event.verb == "contract.decline" and event.contact_id:
        publishing.tell_that_it_was_declined(contract, event.contact, event.reason)
    elif event.verb == "contract.run_out":
        publishing.tell_that_its_time_is_over(contract)
    elif event.verb == "contract.void" and contract.sent_at and contract.ran_out_on != contract.sign_by:
        publishing.tell_that_it_was_withdrawn(contract)


@reacts_to("proposal.pause")
def tell_that_it_paused(proposal, event):
    """What pauses by itself is told; what somebody pauses they know."""
    if event.actor_kind == "system":
        tell(proposal.owner, Notice.Kind.PAUSE, f"{proposal} paused: {event.reason}", proposal, event)


@reacts_to("payment.mark_overdue")
def tell_that_it_is_overdue(payment, event):
    tell(payment.contract.owner, Notice.Kind.BREACH, f"Overdue: {payment}", payment, event)


# -- Evidence. ---------------------------------------------------------------------------------------------------------


@reacts_to("audit.expire", "audit.withdraw")
def pause_what_rests_on_it(audit, event):
    """Pause the proposals that rest on this audit and are still ours; ask the owner about those with the client."""
    reason = f"The audit “{audit}” {event.past.rstrip(':')}. {event.reason}".strip()
    for proposal, fell in evidence.shaken_by(audit):
        if proposal.stage in Proposal.BEFORE_SENT:
            perform(proposal.pause, by=None, reason=reason)
        else:
            evidence.ask_whether_it_stands(proposal, fell or [audit])


@reacts_to("audit.correct", "audit.withdraw_evidence", "audit.import_evidence")
def pause_what_rests_on_a_piece(audit, event):
    """The same of a single piece that was withdrawn or has a newer version, whether or not the audit was verified."""
    for proposal, fell in evidence.shaken_by(audit):
        if fell and proposal.stage in Proposal.BEFORE_SENT:
            reason = f"{evidence.names(fell)} {'does' if len(fell) == 1 else 'do'} not count any more. {event.reason}"
            perform(proposal.pause, by=None, reason=reason.strip())
        elif fell:
            evidence.ask_whether_it_stands(proposal, fell)


@reacts_to("audit.expire", "audit.withdraw", "audit.correct", "audit.withdraw_evidence", "audit.import_evidence")
def read_again_the_words_on_it(audit, event):
    """Words for a client do not outlive their proof unseen either."""
    evidence.shake_words(audit)


@reacts_to("summary.withdraw")
def say_where_the_client_reads_on(summary, event):
    """The task to see to it names each page on which withdrawn words stay."""
    if there := summary.read_in():
        names = " and ".join(f"{each.number}, revision {each.revision}," for each in there)
        title = (
            f"Send a new revision or withdraw: {names} still {'says' if len(there) == 1 else 'say'} “{summary.title}”"
        )
        for task in Task.objects.about(summary).open():
            edit(task, by=None, title=title[:200])


@reacts_to("summary.approve")
def publish_an_approved_answer(summary, event):
    """An answer waits for no page that carries it: the client waits for it."""
    if summary.kind == Summary.Kind.ANSWER:
        perform(summary.publish, by=None)


@reacts_to("summary.publish")
def show_an_answer(summary, event):
    if summary.kind == Summary.Kind.ANSWER:
        answering.show(summary)


@reacts_to("summary.withdraw", "summary.supersede")
def take_an_answer_back(summary, event):
    if summary.kind == Summary.Kind.ANSWER:
        answering.take_back(summary, event.reason or "A newer answer stands there.")


@reacts_to("audit.verify")
def resume_what_is_cured(audit, event):
    for proposal in Proposal.objects.filter(opportunity=audit.opportunity, stage="paused", paused_by_itself=True):
        evidence.resume_if_cured(proposal)


@reacts_to("proposal.pause")
def rest_with_the_proposal(proposal, event):
    approvals.rest(proposal)


@reacts_to("proposal.resume")
def review_again_what_changed(proposal, event):
    approvals.take_up(proposal.approvals, "Its proposal was resumed.")
    approvals.lapse_changed(proposal)
    approvals.ask_for_what_lapsed(Proposal.objects.get(pk=proposal.pk))


# -- Who decides, and whose client it is. ------------------------------------------------------------------------------


@reacts_to("opportunity.edit")
def follow_who_decides(opportunity, facts):
    if "decision_owner" in facts:
        mind_the_decision_path(opportunity)


@reacts_to("contact.edit")
def follow_whether_they_can_be_reached(contact, facts):
    if facts.keys() & {"left_on", "email", "phone", "mail_failed_at"}:
        for opportunity in Opportunity.objects.filter(decision_owner=contact).order_by("pk"):
            mind_the_decision_path(opportunity)


def mind_the_decision_path(opportunity):
    """Pause what we still write while nobody is known to decide, and go on once somebody is."""
    for proposal in Proposal.objects.filter(opportunity=opportunity).order_by("pk"):
        lacks = gates.decision_path_is_known.lacks(proposal)
        if lacks and proposal.stage in Proposal.BEFORE_SENT:
            perform(proposal.pause, by=None, reason=f"The decision path is lost. {lacks[0].words}")
        else:
            evidence.resume_if_cured(proposal)


@reacts_to("client.edit")
def keep_apart_what_clients_hold(client, facts):
    """A client that signed, or that may come into the portal, is no second entry: what they hold names them."""
    if "merged_into" not in facts:
        return
    holds = [
        ("contracts", Contract.objects.filter(opportunity__client=client)),
        ("guests of the portal", Guest.objects.filter(client_id=client.pk)),
        ("pages in the portal", Publication.objects.filter(client_id=client.pk)),
    ]
    if there := [name for name, rows in holds if rows.exists()]:
        raise Refused([f"{client} has {' and '.join(there)}, which keep its name: merge the other one into it."])


# -- Sending. ----------------------------------------------------------------------------------------------------------


@reacts_to("proposal.send")
def promise_a_follow_up(proposal, event):
    """Begin the sequences that wait for it; where there are none, ask in three days how it reads.

    The sequences are about winning a deal: of a change order somebody of ours asks, in their own words.
    """
    if proposal.is_change_order:
        open_task(proposal, Opens("follow_up", "Ask how the change order reads", 3), by=None)
        return
    if sequences.start_with(event.verb, proposal.opportunity, proposal.recipient):
        return
    words = (
        f"Hello {proposal.recipient},\n\nhow does our proposal read? "
        "Ask what you want to know on its page, or answer this mail.\n\n"
        f"{proposal.owner}"
    )
    mail = {"contact": proposal.recipient, "subject": f"Our proposal: {proposal.title}", "words": words}
    open_task(proposal, Opens("follow_up", "Ask how the proposal reads", 3), by=None, **mail)


@reacts_to("proposal.mark_viewed", "proposal.engage")
def start_what_begins_when_it_is_read(proposal, event):
    """A person opened it, or reads it. That something fetched the page starts nothing: it is not even an event."""
    if proposal.stage in Proposal.WITH_CLIENT and not proposal.is_change_order:
        sequences.start_with(event.verb, proposal.opportunity, event.contact)


@reacts_to("proposal.engage")
def tell_that_it_is_read(proposal, event):
    """Whoever owns the offer hears that now is a good time to talk."""
    name = event.facts.values.get("name", "") if event.facts else ""
    who = without_links(f"{name}, whom {event.contact} passed it on to," if name else event.contact)
    words = f"{who} reads {proposal}. Now is a good time to talk."
    notices.tell(
        proposal.owner, Notice.Kind.ANSWER, words, proposal.staff_url(), key=f"read:{event.pk}", about=proposal
    )


@reacts_to("contract.send")
def start_what_begins_with_a_contract(contract, event):
    sequences.start_with(event.verb, contract.opportunity, contract.signer)


@reacts_to("proposal.accept", "proposal.decline")
def stop_for_whoever_answered(proposal, event):
    """Nobody is asked how an offer reads that was answered. A question is a message, and stops like one."""
    if proposal.is_change_order:
        return
    reason = f"{event.actor_name} {event.past.rstrip(':')} {proposal}."
    sequences.stop(proposal.opportunity, reason=reason, ended=SequenceRun.Ended.ANSWER)


@reacts_to("message.start_sending")
def open_a_way_out(message, event):
    """Marketing mail has a door in the portal that stops it. It is there before the mail is."""
    if token := optout.token(message):
        who = {"client_id": message.client_id, "contact_id": message.contact_id, "email": message.sent_to}
        StopLink.keep(token, purpose=message.purpose, **who)


@reacts_to("opportunity.lose")
def take_back_what_is_open(opportunity, event):
    """Nobody can accept the offer of a deal that is closed, and nobody need decide on words for it."""
    if binding := Contract.objects.filter(opportunity=opportunity, stage="active").first():
        raise Refused([Lack("End the contract first: both sides have signed it.", binding.staff_url())])
    unfinished = [*Contract.WRITABLE, Contract.Stage.SENT, Contract.Stage.SIGNED]
    contracts = Contract.objects.filter(opportunity=opportunity, stage__in=unfinished)
    # An accepted one would let the deal into its next contract as soon as it is reopened; one that was signed is past.
    over = [stage for stage in Proposal.CLOSED if stage != Proposal.Stage.ACCEPTED]
    proposals = Proposal.objects.filter(opportunity=opportunity).exclude(stage__in=over)
    proposals = proposals.exclude(contracts__stage="ended")
    summaries = Summary.objects.filter(opportunity=opportunity, stage__in=Summary.WRITABLE)
    for rows, move in ((contracts, "void"), (proposals, "withdraw"), (summaries, "withdraw")):
        for record in rows.order_by("pk"):
            perform(getattr(record, move), by=None, reason="The deal was closed as lost.")


@reacts_to("opportunity.resume")
def give_time_to_what_waited(opportunity, event):
    """What fell due while the deal rested gets a few days, and the questions about it their hours anew."""
    for rows in (Proposal.objects, Contract.objects):
        give_days(rows.filter(opportunity=opportunity).exclude(stage__in=rows.model.CLOSED), 2)
    approvals.take_up(Approval.objects.filter(opportunity=opportunity), "The opportunity was resumed.")
    for proposal in Proposal.objects.filter(opportunity=opportunity, stage="paused"):
        approvals.rest(proposal)


@reacts_to("opportunity.win")
def leave_the_contract_to_delivery(opportunity, event):
    """What was owed on the contract until it was won is done."""
    for contract in Contract.objects.filter(opportunity=opportunity, stage="active"):
        edit(contract, by=None, next_action="Deliver what was signed", due_on=None)


# -- Who of the client may come in. ------------------------------------------------------------------------------------


@reacts_to("contact.edit")
def close_the_door_behind_who_left(contact, facts):
    """Whoever leaves the company, or gets another address, no longer gets in by the old one."""
    if "left_on" in facts or "email" in facts:
        publishing.keep_out(contact)
    if "left_on" in facts and contact.left_on:
        publishing.close_links_of(contact, f"{contact} left")
    elif "email" in facts and facts["email"][0].lower() != contact.email.lower():
        publishing.close_links_of(contact, f"the mail address of {contact} changed")
    if "left_on" in facts and contact.left_on is None:
        publishing.let_back_in(contact)


@reacts_to("client.edit")
def name_their_room_anew(client, facts):
    """A guest of several clients reads by its name whose room they are in."""
    if "name" in facts:
        Guest.objects.filter(client_id=client.pk).update(client_name=client.name)


# -- What the client sees of where we are. -----------------------------------------------------------------------------

SEEN = [
    *(f"opportunity.{step.name}" for step in Opportunity.steps()),
    *(f"proposal.{name}" for name in ("create", "send", "accept", "decline", "expire", "withdraw", "supersede")),
    *(
        f"contract.{name}"
        for name in ("create", "send", "prolong", "run_out", "be_signed", "countersign", "decline", "void")
    ),
]


@reacts_to(*dict.fromkeys(SEEN))
def show_where_we_are(record, event):
    # What changes a contract in force belongs to the work: delivery shows it.
    if getattr(record, "changes_id", None):
        return
    publishing.publish_status(getattr(record, "opportunity", record))
