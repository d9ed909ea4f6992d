"""How the background is: which processes were heard of, how long the oldest due thing waits, what asks a person."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from billiard import current_process
from django.db import connection
from django.db.models import Count

from opportunities import clock
from opportunities.models import Heartbeat, Task

# When the last round of anybody ended.
ROUND = "tick"
# When somebody last began with what is looked at now and then only.
SELDOM = "now and then"
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
TURN = """
insert into opportunities_heartbeat (name, kind, at, began_at, rounds)
values (%(name)s, '', statement_timestamp(), statement_timestamp(), 0)
on conflict (name) do update set at = statement_timestamp()
where opportunities_heartbeat.at < statement_timestamp() - make_interval(secs => %(seconds)s) returning name
"""


def process() -> str:
    """Return the name of this process among all that do due work. A worker's children are one with it."""
    alone = current_process().name == "MainProcess"
    return f"{socket.gethostname()[:80]}:{os.getpid() if alone else os.getppid()}"


def beat(name, kind="", rounds=0):
    """Say that somebody is alive, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(HEARD, {"name": name, "kind": kind, "rounds": rounds})


def takes_turn(name, seconds) -> bool:
    """Whether it is this process that does now what one of them does every so many seconds."""
    with connection.cursor() as cursor:
        cursor.execute(TURN, {"name": name, "seconds": seconds})
        return cursor.fetchone() is not None


def leave():
    """Say that this process ends as it should: nobody needs to ask why it is silent."""
    Heartbeat.objects.filter(name=process()).delete()


def forget():
    """Forget the processes that ended days ago."""
    Heartbeat.objects.exclude(kind="").filter(at__lt=clock.now() - FORGOTTEN).delete()


def is_alive(at=None) -> bool:
    """Whether a round ended within the last minute."""
    return Heartbeat.objects.filter(name=ROUND, at__gt=(at or clock.now()) - STILL_ALIVE).exists()


def processes(at) -> list:
    """Return the processes that were heard of lately, the latest first, each with whether it is silent."""
    rows = list(Heartbeat.objects.exclude(kind="").filter(at__gt=at - FORGOTTEN).order_by("-at")[:MOST])
    for row in rows:
        row.silent = at - row.at > STILL_ALIVE
    return rows


def silences(at) -> list:
    """Return of each process that was heard of lately its kind, and since how many seconds it was not heard of."""
    return [{"kind": row.kind, "seconds": round((at - row.at).total_seconds())} for row in processes(at)]


# Of each kind of due work what has waited longest, by its own index.
STANDING = """
select least(
    (select min(due_at) from opportunities_task where stage = 'open' and told_at is null and due_at <= %(at)s),
    (select min(go_at) from opportunities_message where stage = 'queued' and go_at <= %(at)s),
    (select min(go_at) from opportunities_letter where state = 'queued' and go_at <= %(at)s),
    (select min(at) from portal_clientaction where handled_at is null),
    (select min(at) from portal_inquiry where handled_at is null),
    (select min(at) from portal_stop where handled_at is null),
    (select min(at) from portal_paymentnotice where handled_at is null)),
  (select count(*) from opportunities_message where stage in ('failed', 'uncertain') and stage = 'uncertain')
    + (select count(*) from opportunities_letter where state in ('failed', 'uncertain') and state = 'uncertain'),
  (select count(*) from opportunities_message where stage in ('failed', 'uncertain') and stage = 'failed')
    + (select count(*) from opportunities_letter where state in ('failed', 'uncertain') and state = 'failed')
"""


@dataclass
class Standing:
    """Since when the oldest thing waits that is due and may go, and how many mails ask a person."""

    oldest: datetime | None
    uncertain: int
    failed: int

    def seconds(self, at) -> int:
        """Return for how many seconds the oldest thing waits."""
        return round((at - self.oldest).total_seconds()) if self.oldest else 0


def standing(at) -> Standing:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"at": at})
        return Standing(*cursor.fetchone())


def waiting() -> list:
    """Return how many follow-ups wait for each condition, in words, the most first."""
    rows = Task.objects.filter(stage="paused").exclude(waits_for="").values_list("waits_for").annotate(Count("pk"))
    found = [(Task.Waits(name).label, count) for name, count in rows]
    return sorted(found, key=lambda row: -row[1])
