"""What endpoints are owed, worked off: claimed, sent, and written down. At least once, and in order for each diary.

A delivery is claimed in a transaction of its own before anything is sent, and settled in another. Whatever happens
between the two leaves it `sending`; when the lease is over it is sent again, under the same number. One endpoint is
told one thing at a time, so that one that hangs holds up nobody but itself, and after a silence it rests.
"""

import json
import logging
import random
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from opportunities import clock, notices
from opportunities.erasing import is_quiet
from opportunities.followups import end_of_day
from opportunities.models import Lead, Notice, Opportunity, Task
from opportunities.records import Refused, begin, lock, perform, tell, whole
from opportunities.turns import LONG_ENOUGH, take_each

from . import sending, signing
from .models import Attempt, Delivery, Endpoint

log = logging.getLogger("zarts.hooks")
State, Stage = Delivery.State, Endpoint.Stage
# So many endpoints are told at once by one process.
MOST = 8
# While one hangs, others are told on until then.
LONGEST = 15
LEASE = timedelta(seconds=60)
# A delivery that was not taken is tried again after so many minutes, and from then on as after the last.
AGAIN = (1, 5, 15, 60, 180, 360, 720)
GIVE_UP = timedelta(days=3)
# An endpoint that does not answer rests for so many minutes, by the tries in a row.
REST = (1, 5, 15)
# An endpoint that took nothing for so long is paused.
TOO_LONG = timedelta(days=5)
# What is settled stays in the log for so long; what a paused endpoint is owed is kept for so long.
KEPT = timedelta(days=30)
# So many are sent again at once.
MOST_AGAIN = 10_000


# -- What is said. -----------------------------------------------------------------------------------------------------


def body_of(delivery, endpoint) -> str:
    """Return what an endpoint is told of an event: names and words only where it asked for them."""
    event = delivery.event
    if event is None:
        said = {"id": delivery.event_number, "kind": "hook.test", "at": delivery.happened_at.isoformat(), "test": True}
        return json.dumps(said)
    deal = Opportunity.objects.filter(diary=event.diary_id).values_list("pk", flat=True).first()
    theirs = event.actor_kind == "contact"
    record = {"type": event.record_type, "id": event.record_id}
    said = {
        "id": delivery.event_number,
        "kind": event.verb,
        "at": event.at.isoformat(),
        "opportunity": deal,
        "record": record,
        "stage": {"before": event.stage_from or None, "after": event.stage_to or None},
        "actor": {
            "kind": event.actor_kind,
            "name": None if theirs and not endpoint.with_names else event.actor_name,
        },
        "order": {"diary": event.diary_id, "place": event.seq},
    }
    if endpoint.with_names:
        record["name"] = event.subject
    if endpoint.with_reason:
        said |= {"reason": event.reason or None, "next_action": event.next_action or None}
    return json.dumps(said, ensure_ascii=False)


# -- Claiming. ---------------------------------------------------------------------------------------------------------


@dataclass
class Claim:
    """A delivery that this process sends, with all that is needed for it. `attempt` is the fence."""

    pk: int
    endpoint_id: int
    attempt: int
    url: str
    body: bytes
    headers: dict


def waiting(at):
    return Delivery.objects.filter(state=State.WAITING, go_at__lte=at)


def ready(at, but=()) -> list[int]:
    """Return the endpoints that something may be sent to now, in a new order each time."""
    mine = {"endpoint": OuterRef("pk")}
    found = Endpoint.objects.exclude(stage=Stage.ENDED).exclude(pk__in=but).filter(is_awake(at))
    found = found.filter(
        Q(Exists(waiting(at).filter(**mine)), stage=Stage.IN_USE)
        | Q(Exists(waiting(at).filter(**mine, event=None)), stage=Stage.PAUSED)
    ).exclude(Exists(Delivery.objects.filter(**mine, state=State.SENDING)))
    ids = list(found.values_list("pk", flat=True))
    random.shuffle(ids)
    return ids


def is_awake(at):
    return Q(rests_until=None) | Q(rests_until__lte=at)


@transaction.atomic
def claim(endpoint_id) -> Claim | None:
    """Take the next delivery of an endpoint, or None. From here on it is `sending`: nobody else sends it.

    The endpoint's row is what workers queue at. Whoever writes events goes past it.
    """
    if not is_quiet():
        return None  # what the event says may be erased at this moment
    at = clock.now()
    rows = Endpoint.objects.filter(is_awake(at), pk=endpoint_id).exclude(stage=Stage.ENDED)
    endpoint = rows.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
    if endpoint is None or endpoint.deliveries.filter(state=State.SENDING).exists():
        return None
    # A later event of a diary waits for the earlier one.
    owed = endpoint.deliveries.filter(state__in=[State.WAITING, State.SENDING])
    owed = owed.filter(diary_id=OuterRef("diary_id"), pk__lt=OuterRef("pk"))
    mine = waiting(at).filter(endpoint=endpoint).exclude(Exists(owed))
    if endpoint.stage == Stage.PAUSED:
        mine = mine.filter(event=None)  # somebody tries it out before it is resumed
    delivery = mine.select_related("event").order_by("go_at", "pk").first()
    if delivery is None:
        return None
    delivery.state, delivery.claimed_at = State.SENDING, at
    delivery.attempts += 1
    delivery.first_at = delivery.first_at or at
    # Said anew each time: what it is told may be less since, and an erase may have come in between.
    delivery.body = body_of(delivery, endpoint)
    delivery.save(update_fields=["state", "claimed_at", "attempts", "first_at", "body"])
    body, second = delivery.body.encode(), int(at.timestamp())
    headers = {
        "Zarts-Signature": signing.signature(signing.secrets_of(endpoint, at), second, body),
        "Zarts-Event-Id": delivery.event_number,
        "Zarts-Delivery": str(delivery.pk),
    }
    return Claim(delivery.pk, endpoint.pk, delivery.attempts, endpoint.url, body, headers)


# -- A round. ----------------------------------------------------------------------------------------------------------

AT_WORK = threading.Lock()


def poke() -> int:
    """Begin to send in the background what is due, unless this process does already: a round waits for no receiver."""
    again = revive()
    if ready(clock.now()) and AT_WORK.acquire(blocking=False):
        # No daemon: a process that ends hears first what came of what it sent.
        threading.Thread(target=in_background, name="hooks").start()
    return again


def in_background():
    try:
        run()
    except Exception:
        log.exception("Deliveries failed.")
    finally:
        connection.close()
        AT_WORK.release()


def run() -> int:
    """Send what is due, to several endpoints at once, for a few seconds. Return how many calls were made."""
    began, going, made = time.monotonic(), {}, 0
    with ThreadPoolExecutor(MOST) as pool:
        while True:
            spent = time.monotonic() - began
            # Whoever waits for one that hangs tells the others meanwhile.
            if spent < (LONGEST if going else LONG_ENOUGH):
                for endpoint_id in ready(clock.now(), [mine.endpoint_id for mine in going.values()]):
                    if len(going) < MOST and (mine := claim(endpoint_id)):
                        going[pool.submit(sending.post, mine.url, mine.body, mine.headers)] = mine
            if not going:
                return made
            for done in wait(going, timeout=0.25, return_when=FIRST_COMPLETED).done:
                mine = going.pop(done)
                try:
                    settle(mine, done.result())
                except Exception:
                    # It stays `sending`, and is sent again. What came of the others is written down.
                    log.exception("What came of delivery %s could not be written down.", mine.pk)
                made += 1


def revive() -> int:
    """Put what was claimed long ago, and never settled, into the queue again: nobody knows whether it arrived."""
    return take_each(
        Delivery.objects.filter(state=State.SENDING, claimed_at__lt=clock.now() - LEASE), "claimed_at", doubt
    )


@transaction.atomic
def doubt(pk) -> bool:
    at = clock.now()
    rows = Delivery.objects.select_for_update(skip_locked=True).filter(pk=pk, state=State.SENDING)
    delivery = rows.filter(claimed_at__lt=at - LEASE).first()
    if delivery is None:
        return False
    words = "Uncertain: whoever sent it was not heard of again. It is sent once more under the same number."
    Attempt.objects.create(delivery=delivery, number=delivery.attempts, at=delivery.claimed_at, said=words)
    Delivery.objects.filter(pk=pk).update(state=State.WAITING, go_at=at, trouble=words)
    return True


# -- Settling. ---------------------------------------------------------------------------------------------------------


def settle(mine: Claim, outcome):
    """Write down what came of a call, and what follows from it."""
    if given_up := record_outcome(mine, outcome):
        # By itself: a diary is locked before a row, never after it.
        tell_owner(given_up, clock.now())
    if not outcome.ok:
        pause_if_too_long(mine.endpoint_id)


@transaction.atomic
def record_outcome(mine: Claim, outcome) -> Delivery | None:
    """Write down what came of a call. Return the delivery when it was given up."""
    at = clock.now()
    endpoint = Endpoint.objects.filter(pk=mine.endpoint_id)
    failures = endpoint.select_for_update(no_key=True).get().failures
    delivery = Delivery.objects.select_for_update(of=("self",)).select_related("endpoint__owner").get(pk=mine.pk)
    # An answer to what was erased meanwhile may repeat it.
    answer = outcome.answer if delivery.body.encode() == mine.body else ""
    said = {"took": outcome.took, "status": outcome.status, "said": outcome.said[:300], "answer": answer}
    Attempt.objects.create(delivery=delivery, number=mine.attempt, at=at, **said)
    if outcome.ok:
        endpoint.update(last_ok_at=at, failing_since=None, failures=0, rests_until=None)
    else:
        rest = timedelta(minutes=REST[min(failures, len(REST) - 1)])
        endpoint.update(failures=failures + 1, **({"rests_until": at + rest} if outcome.silent else {}))
        endpoint.filter(failing_since=None).update(failing_since=at)
    # Of a try that is over, whoever came late says nothing more; but that it arrived holds for the present one.
    if delivery.attempts != mine.attempt or delivery.state not in (State.SENDING, State.WAITING):
        return None
    if outcome.ok:
        change = {"state": State.DELIVERED, "settled_at": at, "trouble": ""}
    elif delivery.first_at is None:
        return None  # somebody put it into the queue anew: it goes anyway
    elif delivery.event_id is None or at - delivery.first_at >= GIVE_UP:
        change = {"state": State.GIVEN_UP, "settled_at": at, "trouble": outcome.said[:300]}
    else:
        # What somebody put into the queue again begins anew.
        tries = min(delivery.tries.filter(at__gte=delivery.first_at).count(), len(AGAIN))
        go_at = min(at + timedelta(minutes=AGAIN[max(tries, 1) - 1]), delivery.first_at + GIVE_UP)
        change = {"state": State.WAITING, "go_at": go_at, "trouble": outcome.said[:300]}
    Delivery.objects.filter(pk=delivery.pk).update(**change)
    return delivery if change["state"] == State.GIVEN_UP and delivery.event_id else None


@transaction.atomic
def tell_owner(delivery, at):
    """Tell the owner once a day that something was given up, and leave them one task until it is done."""
    endpoint = delivery.endpoint
    words = f"{endpoint} did not take an event for {GIVE_UP.days} days. It was given up: send it again from its log."
    key = f"hook:{endpoint.pk}:{at:%Y-%m-%d}"
    notices.tell(endpoint.owner, Notice.Kind.BREACH, words, endpoint.staff_url("log"), key=key, about=endpoint)
    if Task.objects.about(endpoint).unfinished().exists():
        return
    about = {}
    for name, model in (("opportunity", Opportunity), ("lead", Lead)):
        if found := model.objects.filter(diary=delivery.diary_id).first():
            about[name] = found
    if about:
        title = f"See why {endpoint} takes no events, and send again what it missed"[:200]
        of = {"record_type": endpoint.label(), "record_id": endpoint.pk}
        begin(Task(title=title, owner=endpoint.owner, due_at=end_of_day(clock.today()), **of, **about), by=None)


def pause_if_too_long(endpoint_id):
    """Pause an endpoint that took nothing for days, and tell its owner."""
    at = clock.now()
    long = Endpoint.objects.filter(pk=endpoint_id, stage=Stage.IN_USE, failing_since__lte=at - TOO_LONG)
    if (endpoint := long.select_related("owner").first()) is None:
        return
    words = f"It took nothing for {TOO_LONG.days} days. Mend it, send it a test, then resume it: what waits goes then."
    try:
        with transaction.atomic():
            perform(endpoint.pause, by=None, reason=words)
            key = f"hook:{endpoint.pk}:paused:{at:%Y-%m-%d}"
            said = f"{endpoint} was paused. {words}"
            notices.tell(endpoint.owner, Notice.Kind.BREACH, said, endpoint.staff_url(), key=key, about=endpoint)
    except Refused:
        pass  # somebody paused or ended it a moment ago


def in_trouble():
    """Return the endpoints that somebody should look at: those that took nothing lately, and those that rest."""
    asked = Q(stage=Stage.PAUSED) | Q(stage=Stage.IN_USE, failing_since__isnull=False)
    return Endpoint.objects.filter(asked).select_related("owner").order_by("failing_since", "pk")


# -- By hand. ----------------------------------------------------------------------------------------------------------


@whole
def try_out(endpoint, *, by) -> Delivery:
    """Owe an endpoint a test, now. It is not in doubt while it is mended, so that it does not rest."""
    endpoint = lock(endpoint)
    if not endpoint.is_open:
        raise Refused([f"{endpoint} was ended. Add a new webhook for its address."])
    at = clock.now()
    Endpoint.objects.filter(pk=endpoint.pk).update(rests_until=None)
    tell(endpoint, "test", "sent a test to", by=by)
    return Delivery.objects.create(endpoint=endpoint, verb="hook.test", happened_at=at, go_at=at)


@whole
def send_again(endpoint, *, by, since=None, delivery=None) -> int:
    """Owe an endpoint now what it was told, what was given up, and what waits: one delivery, or all since a moment."""
    endpoint = lock(endpoint)
    if not endpoint.is_open:
        raise Refused([f"{endpoint} was ended: nothing is sent there any more."])
    at = clock.now()
    # What waits for its next try goes now, too; what waits for nothing but its turn goes anyway.
    later = Q(state=State.WAITING, go_at__gt=at)
    rows = endpoint.deliveries.filter(Q(state__in=[State.DELIVERED, State.GIVEN_UP]) | later).exclude(event=None)
    rows = rows.filter(pk=delivery.pk) if delivery is not None else rows.filter(happened_at__gte=since)
    if len(rows.values_list("pk")[: MOST_AGAIN + 1]) > MOST_AGAIN:
        raise Refused([f"That would be more than {MOST_AGAIN:,} events. Choose a later moment."])
    again = {"state": State.WAITING, "go_at": at, "first_at": None, "settled_at": None, "trouble": ""}
    if not (count := rows.update(**again)):
        raise Refused(["There is nothing to send again: it goes in a moment anyway, or is not in the log any more."])
    Endpoint.objects.filter(pk=endpoint.pk).update(rests_until=None)
    told = {"delivery": delivery.pk} if delivery is not None else {"since": since}
    tell(endpoint, "replay", "had events sent again to", by=by, facts=told | {"events": count})
    return count


def forget() -> int:
    """Drop what is owed to nobody any more, and take out of the log what was settled long ago, some at a time."""
    at, old = clock.now(), clock.now() - KEPT
    unsent = Delivery.objects.filter(state=State.WAITING).exclude(endpoint__stage=Stage.IN_USE)
    gone = unsent.filter(Q(go_at__lt=old) | Q(endpoint__stage=Stage.ENDED)).values("pk")[:1000]
    words = "Its webhook was paused for too long, or ended."
    Delivery.objects.filter(pk__in=gone, state=State.WAITING).update(state=State.DROPPED, settled_at=at, trouble=words)
    old_ones = list(Delivery.objects.filter(settled_at__lt=old).values_list("pk", flat=True)[:1000])
    Attempt.objects.filter(delivery__in=old_ones).delete()
    return Delivery.objects.filter(pk__in=old_ones).delete()[0]
