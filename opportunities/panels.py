"""What an opportunity's page shows of the floor's own records, one function a panel.

Each takes the opportunity and the person, and returns what its template shows in at most three queries. Rows come
from the opportunity's own relations, so that asking each of them who may move it costs nothing.
"""

from django.db.models import Count, Prefetch

from . import optout
from .models import Consent, Contact, Evidence, Message, SequenceRun, Task
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
    shown = newest(Contact.objects.filter(client=opportunity.client_id).prefetch_related(given))
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
    waiting = list(rows.knowing_questions().exclude(stage__in=Task.CLOSED).order_by("due_at", "pk")[: MOST + 1])
    done = newest(rows.filter(stage__in=Task.CLOSED), FEW)
    return {
        "waiting": with_moves(waiting[:MOST], user),
        "done": done["rows"],
        "more": len(waiting) > MOST or done["more"],
        "may_change": may_change(opportunity, user, "opportunities.change_task"),
    }


def messages(opportunity, user) -> dict:
    """What was said and written, the newest first, with who spoke."""
    shown = newest(opportunity.messages.select_related("contact", "owner"))
    for message in shown["rows"]:
        message.side = "talk" if message.channel != Message.Channel.MAIL else "ours"
        if message.side == "ours" and message.stage == Message.Stage.RECEIVED:
            message.side = "theirs"
    return shown
