"""How the background is: which processes were heard of, how long the oldest due thing waits, what asks a person."""

import os
import socket
from datetime import timedelta

from django.db import connection
from django.db.models import Count, Min, Q

from opportunities import clock
from opportunities.models import Heartbeat, Letter, Message, Task
from portal.models import ClientAction, Inquiry

# When the last round of anybody ended.
ROUND = "tick"
STILL_ALIVE = timedelta(seconds=60)
FORGOTTEN = timedelta(days=2)
# The most uncertain and failed ones that one page shows.
MOST = 50

HEARD = """
insert into opportunities_heartbeat (name, kind, at, began_at, rounds)
values (%(name)s, %(kind)s, statement_timestamp(), statement_timestamp(), %(rounds)s)
on conflict (name) do update
set at = statement_timestamp(), rounds = opportunities_heartbeat.rounds + %(rounds)s
"""


def process() -> str:
    """Return the name of this process among all that do due work."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def beat(name, kind="", rounds=0):
    """Say that somebody is alive, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(HEARD, {"name": name, "kind": kind, "rounds": rounds})


def forget():
    """Forget the processes that ended days ago."""
    Heartbeat.objects.exclude(kind="").filter(at__lt=clock.now() - FORGOTTEN).delete()


def is_alive() -> bool:
    """Whether a round ended within the last minute."""
    return Heartbeat.objects.filter(name=ROUND, at__gt=clock.now() - STILL_ALIVE).exists()


def processes() -> list:
    """Return the processes that were heard of lately, the latest first, each with whether it is silent."""
    at = clock.now()
    rows = list(Heartbeat.objects.exclude(kind="").filter(at__gt=at - FORGOTTEN).order_by("-at")[:MOST])
    for row in rows:
        row.silent = at - row.at > STILL_ALIVE
    return rows


def oldest_due():
    """Return since when the oldest thing waits that is due and may go, or None."""
    at = clock.now()
    rows = [
        Task.objects.filter(stage="open", told_at=None, due_at__lte=at).aggregate(at=Min("due_at")),
        Message.objects.filter(stage="queued", go_at__lte=at).aggregate(at=Min("go_at")),
        Letter.objects.filter(state="queued", go_at__lte=at).aggregate(at=Min("go_at")),
        ClientAction.objects.unhandled().aggregate(at=Min("at")),
        Inquiry.objects.unhandled().aggregate(at=Min("at")),
    ]
    return min((row["at"] for row in rows if row["at"]), default=None)


def counts() -> dict:
    """Return how many mails ask a person: to clients and to ourselves, uncertain and failed."""
    troubled = Q(stage__in=["uncertain", "failed"])
    messages = dict(Message.objects.filter(troubled).values_list("stage").annotate(Count("pk")))
    letters = dict(Letter.objects.filter(state__in=["uncertain", "failed"]).values_list("state").annotate(Count("pk")))
    return {name: messages.get(name, 0) + letters.get(name, 0) for name in ("uncertain", "failed")}


def waiting() -> list:
    """Return how many follow-ups wait for each condition, in words, the most first."""
    rows = Task.objects.filter(stage="paused").exclude(waits_for="").values_list("waits_for").annotate(Count("pk"))
    found = [(Task.Waits(name).label, count) for name, count in rows]
    return sorted(found, key=lambda row: -row[1])
