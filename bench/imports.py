"""Leads from a file, against the least that a database can do with the same rows: a bare COPY, three indexes."""

import statistics
import threading
from contextlib import contextmanager

import psutil
from psycopg import sql

from bench.databases import Database, owner
from bench.measure import Ratio, time_of

ROWS = 100_000
HEADER = ["Reference", "Name", "Email", "Phone", "Company", "Status", "Created"]
BARE = """
drop table if exists bench_bare;
create table bench_bare (id bigint generated always as identity primary key, ref text, name text, email text,
    phone text, company text, status text, created text);
create index on bench_bare (email); create index on bench_bare (ref)
"""


def rows_of(count):
    for n in range(count):
        yield (
            f"R{n}",
            f"Person {n}",
            f"p{n}@firm{n}.example",
            f"+1 555 {n:07}",
            f"Firm {n:x} of {n * 7919 % count}",
            "New",
            "2026-03-04",
        )


def an_import(small, large) -> Ratio:
    """Bring the rows in, checked, matched, told and with every wall met; before and after, copy them bare."""
    from opportunities.imports import bring_in

    with owner() as server:
        server.execute("drop database if exists bench_1 with (force)")
    fresh = Database(1)
    rows = list(rows_of(ROWS))
    raw = "\n".join(",".join(row) for row in [HEADER, *rows]).encode()
    copies = [time_of(lambda: copied(fresh.name, rows)) for _ in range(6)][3:]
    with fresh, peak() as most:
        took = time_of(lambda: bring_in("leads", [("leads.csv", [raw])], system="bench", owner=fresh.person))
        from opportunities.models import Lead

        assert Lead.objects.filter(external_ref__startswith="bench:").count() == ROWS
    more = [time_of(lambda: copied(fresh.name, rows)) for _ in range(3)]
    print(f"  {ROWS:,} leads in {took / 1000:.1f} s; it took {most[0]:.0f} MB more of memory at most")
    bare = statistics.median(copies + more)
    return Ratio(took / bare, statistics.median(more) / statistics.median(copies), bare, took)


def copied(name, rows):
    with owner(name) as server, server.cursor() as cursor:
        cursor.execute(BARE)
        columns = sql.SQL("ref, name, email, phone, company, status, created")
        with cursor.copy(sql.SQL("copy bench_bare ({}) from stdin").format(columns)) as pipe:
            for row in rows:
                pipe.write_row(row)


@contextmanager
def peak():
    """Yield [by how many MB this process grew at most]."""
    process, most, over = psutil.Process(), [0.0], threading.Event()
    before = process.memory_info().rss

    def look():
        while not over.wait(0.02):
            most[0] = max(most[0], (process.memory_info().rss - before) / 1e6)

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield most
    finally:
        over.set()
        watch.join()
