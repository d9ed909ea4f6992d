"""The pump: due work against Celery doing nothing, and how soon due work is done while much is pending."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.test import override_settings

from bench.measure import ROUNDS, TRIES, Ratio, compare, p95
from zarts.demo import free_port

ROOT = Path(__file__).resolve().parent.parent
SMTP = "django.core.mail.backends.smtp.EmailBackend"
ITEMS = 500
MAILS = 100
PENDING = 100_000
PROBES = 60
# A round ends after some seconds, and the next one goes on.
MOST_TURNS = 20

TASKS = """
with made as (
  insert into opportunities_task (diary_id, opportunity_id, kind, title, owner_id, due_at, time_zone, repeats, purpose,
    subject, words, paused_because, waits_for, mended_at, waits_for_deal, outcome, stage, record_type)
  select deal.diary_id, deal.id, 'follow_up', %(title)s, deal.owner_id, now() + %(due)s::interval, '', '',
    'transactional', '', '', '', '', '', false, '', 'open', ''
  from (select * from opportunities_opportunity order by id limit %(deals)s) deal, generate_series(1, %(each)s)
  returning id, diary_id, owner_id, title, stage)
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
  record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select diary_id, 0, '', '', '', 0, now(), 'task.create', 'created', 'opportunities.task', id, title, 'system',
  'ZartsAlgo', owner_id, '', stage, '', ''
from made
"""


# Follow-ups by mail, each to somebody new, so that no touch of the same day is in its way.
PEOPLE = """
with deals as (select * from opportunities_opportunity order by id limit %(deals)s),
people as (
  insert into opportunities_contact (client_id, name, email, phone, title, decision_role, time_zone, country,
    works_from, works_to, works_on, mail_trouble)
  select client_id, 'Bench', concat_ws('-', %(title)s::text, lot, id) || '@sink.example', '', '', 'owner', 'UTC', '',
    '00:00', '00:00', '1234567', ''
  from deals, generate_series(1, %(lots)s) lot returning id, client_id, email),
agreed as (
  insert into opportunities_consent (contact_id, purpose, basis, text_version, source, captured_at)
  select id, 'transactional', 'consent', '1', 'Form', now() from people),
made as (
  insert into opportunities_task (diary_id, opportunity_id, kind, title, owner_id, due_at, time_zone, repeats,
    contact_id, purpose, subject, words, paused_because, waits_for, mended_at, waits_for_deal, outcome, stage,
    record_type)
  select deals.diary_id, deals.id, 'follow_up', split_part(people.email, '-' || deals.id || '@', 1), deals.owner_id,
    now() + '30 days'::interval, '', '', people.id, 'transactional', 'How are you?', 'Hello.', '', '', '', false, '',
    'open', ''
  from people join deals using (client_id)
  returning id, diary_id, owner_id, title, stage)
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
  record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select diary_id, 0, '', '', '', 0, now(), 'task.create', 'created', 'opportunities.task', id, title, 'system',
  'ZartsAlgo', owner_id, '', stage, '', ''
from made
"""
DECIDE = """
update opportunities_opportunity deal set decision_owner_id = people.id from opportunities_contact people
where people.client_id = deal.client_id
  and people.email = concat_ws('-', %(title)s::text, 1, deal.id) || '@sink.example'
"""
FALL_DUE = "update opportunities_task set due_at = now() where title = %s"


def add(large, count, title, due):
    """Add tasks of ours to a database, on its first deals."""
    each = max(1, count // large.size)
    with transaction.atomic(), large.connection.cursor() as cursor:
        given = {"title": title, "due": due, "deals": min(count, large.size), "each": each}
        cursor.execute(TASKS, given)


def pend(large):
    """Have 100,000 tasks that are still to come."""
    from opportunities.models import Task

    with large:
        if Task.objects.filter(title="Pending").count() < PENDING:
            add(large, PENDING, "Pending", "30 days")


def promise(large, lots, deals):
    """Promise mails that are due in a month, in so many lots, each of one mail about so many deals. Return their names.

    A lot falls due as one when its name is given to `FALL_DUE`.
    """
    title = f"bench{time.time_ns()}"
    with large, transaction.atomic(), large.connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"title": title, "lots": lots, "deals": deals})
        cursor.execute(DECIDE, {"title": title})
    return iter([f"{title}-{lot}" for lot in range(1, lots + 1)])


@contextmanager
def a_sink():
    """Yield the port of a real mail server, a process of its own, that takes everything."""
    port = free_port()
    words = ["-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Sink"]
    sink = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        sink.terminate()
        sink.wait()


def mails_against_celery(small, large) -> Ratio:
    """Send so many follow-ups with 100,000 pending, from their conditions to done, and do nothing as often."""
    from opportunities import followups
    from opportunities.models import Message

    pend(large)
    deals = min(MAILS, large.size)
    lots = promise(large, 10 + ROUNDS * TRIES, deals)

    def mailed():
        with large, large.connection.cursor() as cursor:
            lot = next(lots)
            cursor.execute(FALL_DUE, [lot])
            sent = Message.objects.filter(task__title=lot, stage="sent", task__stage="done")
            for _ in range(MOST_TURNS):
                followups.send_due()
                if sent.count() == deals:
                    return
            raise AssertionError(f"{sent.count()} of {deals} went")

    with a_sink() as port, a_worker(deals) as nothing, override_settings(EMAIL_BACKEND=SMTP, EMAIL_PORT=port):
        return compare(nothing, mailed, times=1)


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
def a_worker(items=ITEMS):
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
                for _ in range(items):
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
    pend(large)
    with a_pump(large, port=1):
        return seconds([probe(large) for _ in range(PROBES)][5:])


def soon_mailed(small, large) -> Ratio:
    """Return the same of a follow-up by mail: how soon it is sent and done."""
    pend(large)
    with a_sink() as port, a_pump(large, port):
        empty_the_outbox(large, port)
        return seconds([probe_mail(large, lot) for lot in promise(large, PROBES, 1)][5:])


def empty_the_outbox(large, port):
    """Send what another line of an earlier run left: nothing else may be on its way."""
    from opportunities import outbox

    with large, override_settings(EMAIL_BACKEND=SMTP, EMAIL_PORT=port):
        while any(outbox.run().values()):
            pass


def seconds(times) -> Ratio:
    found = p95(times)
    return Ratio(found, 1.0, 1000.0, found * 1000)


@contextmanager
def a_pump(large, port):
    """Have a pump work on a database, and mail to this port."""
    environment = {
        **os.environ,
        "DATABASE_URL": large.url,
        "PORTAL_DATABASE_URL": large.url,
        "SECRET_KEY": "bench" * 10,
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
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
        yield
    finally:
        pump.terminate()
        pump.wait()


def probe(large) -> float:
    """Add one due task, and return after how many seconds its owner was told."""
    from opportunities.models import Task

    with large:
        add(large, 1, "Probe", "0")
        task = Task.objects.filter(title="Probe").latest("pk")
        return until_none(Task.objects.filter(pk=task.pk, told_at=None))


def probe_mail(large, lot) -> float:
    """Let one follow-up by mail fall due, and return after how many seconds it had gone and was done."""
    from opportunities.models import Task

    with large, large.connection.cursor() as cursor:
        cursor.execute(FALL_DUE, [lot])
        return until_none(Task.objects.filter(title=lot).exclude(messages__stage="sent", stage="done"))


def until_none(rows) -> float:
    """Wait until there are no such rows, and return for how many seconds; then a moment, out of step with the pump."""
    began = time.perf_counter()
    while rows.exists():
        time.sleep(0.01)
        assert time.perf_counter() - began < 60, "the pump does not come"
    took = time.perf_counter() - began
    time.sleep(took % 0.2)
    return took
