"""What the clock does: proposals expire, signatures are asked for again, payments are late, late questions go on."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import formats, timezone

from opportunities import clock, conditions, notices
from opportunities.followups import open_task
from opportunities.models import Event, Notice
from opportunities.records import Opens, Refused, edit, lock, perform, tell
from opportunities.repeating import zone_of
from portal.models import ClientAction

from . import approvals, asking, inbox, publishing
from .models import Approval, Contract, Payment, Proposal

BATCH = 50
# What a client answers a proposal with.
ANSWERS = (ClientAction.Verb.ACCEPTED, ClientAction.Verb.DECLINED)


def run() -> dict:
    """Do everything that is due. Return the counts."""
    return {
        "expired": expire(),
        "undecided": ask_about_the_decision(),
        "signatures_mended": inbox.mend_signatures(),
        "contracts_run_out": run_out_of_time(),
        "asked_to_sign": remind_to_sign(),
        "overdue": mark_overdue(),
        "reminded": remind(),
        "moved_on": move_on(),
        "ran_out": run_out(),
        "asked": ask_what_was_written(),
    }


def expire() -> int:
    """Expire the proposals whose last day has passed."""
    due = Proposal.objects.filter(stage__in=Proposal.WITH_CLIENT, valid_until__lt=timezone.localdate())
    return sum(moved(proposal.expire) for proposal in due.order_by("pk")[:BATCH])


def undecided():
    """Return the proposals whose day to decide passed without an answer, and of which nobody was told that yet."""
    said = Event.objects.filter(verb="proposal.pass_decision", record_id=OuterRef("pk"))
    came = ClientAction.objects.unhandled().filter(publication=OuterRef("publication_id"), verb__in=ANSWERS)
    due = Proposal.objects.filter(stage__in=Proposal.WITH_CLIENT, decide_on__lt=publishing.agency_day())
    return due.exclude(opportunity__stage="paused").filter(~Exists(said), ~Exists(came))


def ask_about_the_decision() -> int:
    """Give the owner one task when the day by which a client was asked to decide passes unanswered."""
    return sum(pass_decision(proposal) for proposal in undecided().order_by("pk")[:BATCH])


@transaction.atomic
def pass_decision(proposal) -> bool:
    proposal = lock(proposal)
    if not undecided().filter(pk=proposal.pk).exists():
        return False
    tell(proposal, "pass_decision", "was not decided in time:", by=None, facts={"decide_on": proposal.decide_on})
    open_task(proposal, Opens("follow_up", "The day to decide passed: ask what holds them up", 1), by=None)
    return True


def mark_overdue() -> int:
    due = Payment.objects.filter(stage__in=["invoiced", "part_paid"], due_on__lt=timezone.localdate())
    return sum(moved(payment.mark_overdue) for payment in due.order_by("pk")[:BATCH])


def moved(move) -> bool:
    """Make a move by the clock; somebody may have been quicker."""
    try:
        perform(move, by=None)
    except Refused:
        return False
    return True


# -- Contracts. --------------------------------------------------------------------------------------------------------

# So many days before the last one a signature is asked for again, and after so many in which nothing was asked.
BEFORE, QUIET = (3, 1), 4


def run_out_of_time() -> int:
    """Notice the contracts whose last day to sign has passed. Their pages closed with the day."""
    today = publishing.agency_day()
    due = Contract.objects.filter(stage="sent", sign_by__lt=today).exclude(ran_out_on=F("sign_by"))
    return sum(moved(contract.run_out) for contract in due.order_by("pk")[:BATCH])


def unasked(today):
    """Return the contracts whose signature is to be asked for again today: never twice a day."""
    due = Q(reminded_on__lte=today - timedelta(days=QUIET))
    for days in BEFORE:
        mark = timedelta(days=days)
        due |= Q(sign_by__lte=today + mark, reminded_on__lt=F("sign_by") - mark)
    rows = Contract.objects.filter(due, stage="sent", sign_by__gte=today, reminded_on__lt=today)
    return rows.exclude(opportunity__stage="paused")


def remind_to_sign() -> int:
    """Remind whoever is to sign next, in their working hours, as long as the contract is open."""
    asked = 0
    for contract in unasked(publishing.agency_day()).order_by("sign_by", "pk").iterator():
        asked += remind_of_signing(contract)
        if asked == BATCH:
            break
    return asked


@transaction.atomic
def remind_of_signing(contract) -> bool:
    contract, today = lock(contract), publishing.agency_day()
    if not unasked(today).filter(pk=contract.pk).exists():
        return False
    who = contract.whose_turn
    if who is None or conditions.way_to(who) or conditions.timing(who, clock.now()):
        return False
    words = f"Our contract waits for your signature. {publishing.left_to_sign(contract, today)}"
    subject = "Still to sign"
    publishing.ask_to_sign(contract, by=None, words=words, template="contract_reminder", subject=subject)
    edit(contract, by=None, past=f"reminded {who} to sign", reminded_on=today)
    return True


# -- Approvals. --------------------------------------------------------------------------------------------------------


def waiting():
    return Approval.objects.waiting().select_related("owner", "opportunity__client", "rule__escalates_to")


def remind() -> int:
    """Remind whoever has a question of which the better part of its time has passed, once each."""
    due = waiting().filter(remind_at__lte=timezone.now()).order_by("remind_at")
    return sum(remind_of(approval) for approval in due[:BATCH])


@transaction.atomic
def remind_of(approval) -> bool:
    approval = lock(approval)
    if approval.stage != "pending" or approval.remind_at is None:
        return False
    words = f"Still to decide, by {said_at(approval)}: {approvals.called(approval)}. {approval.why}"
    key = f"{approval.pk}:remind:{approval.remind_at:%Y%m%d%H%M}"
    subject = f"Still to decide: {approvals.subject_of(approval)}"
    about = {"key": key, "about": approval, "subject": subject}
    notices.tell(approval.owner, Notice.Kind.APPROVAL, words, approval.staff_url(), **about)
    edit(approval, by=None, past="reminded of", remind_at=None)
    return True


def said_at(approval) -> str:
    return formats.date_format(timezone.localtime(approval.due, zone_of(approval.owner.time_zone)), "j M, H:i")


def move_on() -> int:
    """Give the questions that are late, or whose approver has left, to somebody else who may answer."""
    late = Q(due__lt=timezone.now()) | Q(owner__is_active=False)
    return sum(hand_on(approval) for approval in waiting().filter(late).order_by("due")[:BATCH])


def move_on_from(user) -> int:
    """Give every question of somebody who has left to somebody else."""
    theirs = Approval.objects.filter(stage="pending", owner=user).order_by("opportunity_id", "pk")
    return sum(hand_on(approval) for approval in theirs.select_related("owner", "opportunity__client"))


@transaction.atomic
def hand_on(approval) -> bool:
    approval = lock(approval)
    left = not approval.owner.is_active
    if approval.stage != "pending" or not (left or approval.due < timezone.now()):
        return False
    if not asking.is_needed(approval):
        approvals.drop(approval)
        return True
    following, escalated = follower(approval)
    due = approvals.next_deadline()
    if following == approval.owner:
        # It is asked once more after the next deadline, and keeps nobody else from being asked.
        reason = "The deadline has passed, and nobody else may answer."
        words = f"You have not decided on {approvals.called(approval)}. {reason} {approval.why}"
        about = {"key": f"{approval.pk}:{approval.due:%Y%m%d%H%M}", "about": approval}
        about["subject"] = f"Late: {approvals.subject_of(approval)}"
        notices.tell(approval.owner, Notice.Kind.BREACH, words, approval.staff_url(), **about)
        edit(approval, by=None, reason=reason, due=due, due_on=timezone.localdate(due))
        return False
    reason = f"{approval.owner} has left." if left else "The deadline has passed."
    changes = {"owner": following, "due": due, "due_on": timezone.localdate(due), "remind_at": None}
    if escalated:
        changes["escalated_at"] = timezone.now()
    for name, value in changes.items():
        setattr(approval, name, value)
    changes["next_action"] = approvals.next_of(approval)
    approval = edit(approval, by=None, reason=reason, past="moved on", **changes)
    approvals.pass_on(approval, f"The question went on to {following}.")
    approvals.tell_if_nobody_decides(approval)
    return True


def follower(approval):
    """Return who has a question next, and whether it escalates to them: once it goes to whom its rule names.

    Where nobody else may answer it stays; with whoever has left it does not: then the record's owner sees to it.
    """
    record, named = approval.subject, approval.rule and approval.rule.escalates_to
    may_go_up = named and approval.escalated_at is None and named != approval.owner
    if may_go_up and asking.could_decide(named, record, asking.barred_from_taking(record, approval)):
        return named, True
    following = asking.approver(record, approval, instead_of=approval.owner)
    if following == approval.owner and not approval.owner.is_active:
        following = record.owner
    return following, False


def run_out() -> int:
    """Lapse what was given too long ago to be sent by, and ask for it again."""
    due = Approval.objects.filter(stage="approved", expires_at__lte=timezone.now()).order_by("expires_at")
    due = due.select_related("opportunity", "proposal", "contract__proposal", "summary")
    return sum(ran_out(approval) for approval in due[:BATCH])


@transaction.atomic
def ran_out(approval) -> bool:
    approval = lock(approval)
    return approval.stage == "approved" and approval.expires_at is not None and approvals.run_out(approval)


def ask_what_was_written() -> int:
    """Ask anew about what changed in rows that are open, and in which nobody wrote for a while."""
    quiet = Proposal.objects.filter(writing_until__lte=timezone.now()).order_by("writing_until")
    return sum(proposal.stop_writing(by=None) for proposal in quiet[:BATCH])
