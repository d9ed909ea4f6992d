"""What an opportunity's page shows of the floor's own records, one function a panel.

Each takes the opportunity and the person, and returns what its template shows in at most three queries. Rows come
from the opportunity's own relations, so that asking each of them who may move it costs nothing.
"""

import re

from django.db.models import Count, Prefetch
from django.utils import formats, timezone

from . import optout
from .models import Consent, Contact, Evidence, Message, SequenceRun, Task
from .models.client import telling_apart
from .writing import sheets

# The most of each kind that a panel shows; the newest count.
MOST = 30
FEW = 5


def may_change(opportunity, user, right="") -> bool:
    """Whether this person may do more here than read: with this right, if one is named."""
    return (not right or user.has_perm(right)) and opportunity.within_reach(user, "change")


def newest(rows, most=MOST) -> dict:
    """Return the newest rows, and whether there are more."""
    found = list(rows.order_by("-pk")[: most + 1])
    return {"rows": found[:most], "more": len(found) > most}


def with_moves(rows, user) -> list:
    """Return each row with the moves that are open to this person."""
    return [(row, [move for move in row.moves_for(user) if move.allowed]) for row in rows]


def discovery(opportunity, user) -> dict:
    """What the client needs, part by part, and how many parts are written."""
    shown = newest(opportunity.discoveries.select_related("owner"), FEW)
    latest = shown["rows"][0] if shown["rows"] else None
    if latest is None:
        return {"discovery": None}
    parts = sheets(latest)
    still_asked = latest.is_open and opportunity.is_open
    return {
        "discovery": latest,
        "parts": parts,
        "written": sum(part.written for part in parts),
        "asked": sum(len(part.rows) for part in parts),
        "earlier": shown["rows"][1:],
        "may_write": still_asked and may_change(opportunity, user, "opportunities.change_discovery"),
        "moves": with_moves([latest], user)[0][1],
    }


def audit(opportunity, user) -> dict:
    """What we measured, with how long each piece still counts."""
    proof = Prefetch(
        "evidence",
        Evidence.objects.current().select_related(*Evidence.TOLD_WITH).order_by("fresh_until", "pk"),
        to_attr="proof",
    )
    shown = newest(opportunity.audits.select_related("owner").prefetch_related(proof), FEW)
    latest = shown["rows"][0] if shown["rows"] else None
    # Only the newest is worked on: what the others lack is history.
    moves = with_moves([latest], user)[0][1] if latest else []
    return shown | {"latest": latest, "moves": moves}


def people(opportunity, user) -> dict:
    """Who is there, who decides, what each agreed to or stopped, and which sequences run for them."""
    given = Prefetch("consents", Consent.objects.order_by("purpose", "pk"))
    there = Contact.objects.filter(client=opportunity.client_id).knowing_namesakes()
    shown = newest(there.prefetch_related(given))
    shown["rows"].sort(key=lambda contact: (contact.pk != opportunity.decision_owner_id, bool(contact.left_on)))
    runs = opportunity.sequence_runs.filter(stage=SequenceRun.Stage.RUNNING).select_related("sequence", "contact")
    running = with_moves(runs.annotate(steps_in_plan=Count("sequence__rows")).order_by("pk"), user)
    for contact in shown["rows"]:
        contact.agreed = [consent for consent in contact.consents.all() if consent.state == "valid"]
        contact.stopped = optout.stopped(contact)
        contact.running = [(run, moves) for run, moves in running if run.contact_id == contact.pk]
    return shown | {
        "may_change": may_change(opportunity, user, "opportunities.change_contact"),
        "may_start": may_change(opportunity, user, "opportunities.move_sequencerun"),
    }


def objections(opportunity, user) -> dict:
    """What stands in the way: doubts that the client voiced, and promises that no document holds."""
    doubts, said = newest(opportunity.objections.all()), newest(opportunity.unwritten_promises.all())
    return {
        "doubts": with_moves(first_open(doubts["rows"]), user),
        "said": with_moves(first_open(said["rows"]), user),
        "more": doubts["more"] or said["more"],
    }


def first_open(rows) -> list:
    return sorted(rows, key=lambda row: not row.is_open)


def tasks(opportunity, user) -> dict:
    """What is promised, the most urgent first, and what was done of late."""
    rows = opportunity.tasks.select_related("owner")
    waiting = list(rows.knowing_questions().unfinished().order_by("due_at", "pk")[: MOST + 1])
    done = newest(rows.filter(stage__in=Task.CLOSED), FEW)
    return {
        "waiting": with_moves(waiting[:MOST], user),
        "done": done["rows"],
        "more": len(waiting) > MOST or done["more"],
        "may_change": may_change(opportunity, user, "opportunities.change_task"),
    }


def messages(opportunity, user) -> dict:
    """What was said and written, thread by thread, the newest first, with who spoke and what became of it."""
    shown = newest(opportunity.messages.select_related("contact", "owner").annotate(**telling_apart("contact__")))
    troubled = (Message.Stage.DRAFT, Message.Stage.UNCERTAIN, Message.Stage.FAILED, Message.Stage.HELD)
    may = may_change(opportunity, user, "opportunities.add_message")
    for message in shown["rows"]:
        who = message.contact
        who.has_namesake, who.is_met_by_mail = message.has_namesake, message.is_met_by_mail
        message.who = who.told_apart
        message.side = side_of(message)
        message.standing = standing_of(message)
        moves = message.moves_for(user) if message.stage in troubled else []
        message.open_moves = [move for move in moves if move.allowed]
        message.may_edit = may and message.stage == Message.Stage.DRAFT and message.channel == Message.Channel.MAIL
        again = (Message.Stage.FAILED, Message.Stage.HELD)
        message.may_rewrite = may and message.stage in again and Message.LINK not in message.body
    return shown | {"threads": threads_of(shown["rows"]), "may_write": may}


def side_of(message) -> str:
    """Say who spoke: we, they, or both."""
    if message.channel != Message.Channel.MAIL:
        return "talk"
    return "theirs" if message.stage == Message.Stage.RECEIVED else "ours"


def standing_of(message) -> str:
    """Say in words where a mail of ours stands, and why."""
    stage, because = Message.Stage(message.stage), f": {message.trouble}" if message.trouble else "."
    if stage == Message.Stage.QUEUED and message.go_at and message.go_at > timezone.now():
        return f"Queued: it goes at {moment(message.go_at)}."
    if stage == Message.Stage.HELD and message.again_at:
        return f"Held{because} It is looked at again at {moment(message.again_at)}."
    return {
        Message.Stage.DRAFT: "A draft: nobody got it yet.",
        Message.Stage.QUEUED: "Queued: it goes now.",
        Message.Stage.SENDING: "Being handed to the mail server.",
        Message.Stage.UNCERTAIN: f"Nobody knows whether it went{because}",
        Message.Stage.HELD: f"Held{because}",
        Message.Stage.FAILED: f"It did not arrive{because}",
    }.get(stage, "")


def moment(at) -> str:
    return formats.date_format(timezone.localtime(at), "D j M Y, H:i T")


ANSWERS = re.compile(r"^(?:(?:re|fwd?|aw|wg|sv|tr|antw)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)


def threads_of(rows) -> list[dict]:
    """Return messages as threads, in the order of their newest: what answers another, or bears the same subject."""
    threads: list[dict] = []
    by_number: dict[str, dict] = {}
    by_subject: dict[tuple, dict] = {}
    # From the oldest on, so that an answer finds what it answers.
    for message in reversed(rows):
        subject = ANSWERS.sub("", message.subject.strip())
        same = (message.contact_id, subject.casefold())
        thread = by_number.get(message.in_reply_to) or by_subject.get(same)
        if thread is None:
            thread = {"subject": subject or "No subject", "rows": []}
            threads.append(thread)
        thread["rows"].insert(0, message)
        by_subject.setdefault(same, thread)
        if message.message_id:
            by_number[message.message_id] = thread
    return sorted(threads, key=lambda thread: thread["rows"][0].pk, reverse=True)
