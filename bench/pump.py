"""The pump: due work against Celery doing nothing, and how soon due work is done while much is pending."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction

from bench.measure import Ratio, compare, p95

ROOT = Path(__file__).resolve().parent.parent
ITEMS = 500
PENDING = 100_000
PROBES = 60

TASKS = """
with made as (
  insert into opportunities_task (diary_id, opportunity_id, kind, title, owner_id, due_at, time_zone, repeats, purpose,
    subject, words, paused_because, waits_for, waits_for_deal, outcome, stage, record_type)
  select deal.diary_id, deal.id, 'follow_up', %(title)s, deal.owner_id, now() + %(due)s::interval, '', '',
    'transactional', '', '', '', '', false, '', 'open', ''
  from (select * from opportunities_opportunity order by id limit %(deals)s) deal, generate_series(1, %(each)s)
  returning id, diary_id, owner_id, title, stage)
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
  record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select diary_id, 0, '', '', '', 0, now(), 'task.create', 'created', 'opportunities.task', id, title, 'system',
  'ZartsAlgo', owner_id, '', stage, '', ''
from made
"""


def add(large, count, title, due):
    """Add tasks of ours to a database, on its first deals."""
    each = max(1, count // large.size)
    with transaction.atomic(), large.connection.cursor() as cursor:
        given = {"title": title, "due": due, "deals": min(count, large.size), "each": each}
        cursor.execute(TASKS, given)


def against_celery(small, large) -> Ratio:
    """Tell the owners of so many due tasks, and have a worker do nothing as often."""
    from opportunities import followups
    from opportunities.models import Task

    with large:
        if not Task.objects.filter(title="Bench").exists():
            add(large, ITEMS, "Bench", "-1 day")
        followups.tell_owners()

    def told():
        with large, large.connection.cursor() as cursor:
            # The same work each time: nobody was told of any of them.
            cursor.execute(
                "update opportunities_task set told_at = null, due_at = due_at - interval '1 second' "
                "where title = 'Bench'"
            )
            assert followups.tell_owners() >= ITEMS

    with a_worker() as nothing:
        return compare(nothing, told, times=1)


@contextmanager
def a_worker():
    """Yield the function that has a real worker do nothing so many times, and waits for it."""
    os.environ["BENCH_BROKER"] = settings.CELERY_BROKER_URL
    from bench.nothing import app, nothing, said

    words = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "bench.nothing",
        "worker",
        "--concurrency=1",
        "-Q",
        "bench",
    ]
    worker = subprocess.Popen(
        [*words, "--without-gossip", "--without-mingle", "--loglevel=critical"],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with app.connection() as broker:
        redis = broker.default_channel.client

        def do_nothing():
            redis.delete("bench-done")
            with app.producer_or_acquire() as producer:
                for _ in range(ITEMS):
                    nothing.apply_async(producer=producer)
                said.apply_async(producer=producer)
            while not redis.get("bench-done"):
                time.sleep(0.001)

        try:
            yield do_nothing
        finally:
            worker.terminate()
            worker.wait()


def soon_done(small, large) -> Ratio:
    """Return how soon a task is told of, at the 95th percentile and in seconds, with 100,000 that are still to come."""
    from opportunities.models import Task

    with large:
        if Task.objects.filter(title="Pending").count() < PENDING:
            add(large, PENDING, "Pending", "30 days")
    environment = {
        **os.environ,
        "DATABASE_URL": large.url,
        "PORTAL_DATABASE_URL": large.url,
        "SECRET_KEY": "bench" * 10,
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "REDIS_URL": settings.REDIS_URL,
    }
    pump = subprocess.Popen(
        [sys.executable, "manage.py", "pump"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        times = [probe(large) for _ in range(PROBES)][5:]
    finally:
        pump.terminate()
        pump.wait()
    found = p95(times)
    return Ratio(found, 1.0, 1000.0, found * 1000)


def probe(large) -> float:
    """Add one due task, and return after how many seconds its owner was told."""
    from opportunities.models import Task

    with large:
        add(large, 1, "Probe", "0")
        began, task = time.perf_counter(), Task.objects.filter(title="Probe").latest("pk")
        while Task.objects.filter(pk=task.pk, told_at=None).exists():
            time.sleep(0.01)
            assert time.perf_counter() - began < 60, "the pump does not come"
        took = time.perf_counter() - began
    time.sleep(took % 0.2)
    return took
