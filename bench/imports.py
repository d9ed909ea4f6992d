"""Leads from a file, against a COPY of what they become into the same tables: same columns and indexes, no triggers.

Each row becomes a lead, its diary and the first line in it. Beside it is told how far off the least is that a database
can do with the file's own rows: a COPY into one table of text, three indexes.
"""

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
BECOMES = ("opportunities_diary", "opportunities_lead", "opportunities_event")
COLUMNS = """
select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns
where table_schema = 'public' and table_name = %s and is_generated = 'NEVER'
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
    """Bring the rows in, checked, matched, told and with every wall met; before and after, copy what they become."""
    from opportunities.imports import bring_in
    from opportunities.models import Lead

    with owner() as server:
        server.execute("drop database if exists bench_1 with (force)")
    fresh = Database(1)
    rows = list(rows_of(ROWS))
    raw = "\n".join(",".join(row) for row in [HEADER, *rows]).encode()
    with fresh, peak() as most:
        took = time_of(lambda: bring_in("leads", [("leads.csv", [raw])], system="bench", owner=fresh.person))
        assert Lead.objects.filter(external_ref__startswith="bench:").count() == ROWS
    became = became_of(fresh.name)
    times = [time_of(copies_of(fresh.name, became)) for _ in range(8)][2:]
    least = statistics.median(time_of(lambda: copied(fresh.name, rows)) for _ in range(3))
    print(
        f"  {ROWS:,} leads in {took / 1000:.1f} s; it took {most[0]:.0f} MB more of memory at most; "
        f"{took / least:.1f} times as long as a COPY of the file's rows into one bare table"
    )
    base, early, late = statistics.median(times), statistics.median(times[:3]), statistics.median(times[3:])
    return Ratio(took / base, late / early, base, took)


def became_of(name) -> dict[str, tuple[str, bytes]]:
    """Return {table: (its columns, its rows)} of what an import made, as COPY says it."""
    became = {}
    with owner(name) as server, server.cursor() as cursor:
        for table in BECOMES:
            columns = cursor.execute(COLUMNS, [table]).fetchone()[0]
            with cursor.copy(f"copy {table} ({columns}) to stdout") as pipe:
                became[table] = columns, b"".join(pipe)
    return became


def copies_of(name, became):
    """Make empty twins of the tables, and return what fills them."""
    with owner(name) as server:
        for table in became:
            server.execute(f"drop table if exists bench_{table}")
            server.execute(f"create table bench_{table} (like {table} including all)")

    def fill():
        with owner(name) as server, server.transaction(), server.cursor() as cursor:
            for table, (columns, rows) in became.items():
                with cursor.copy(f"copy bench_{table} ({columns}) from stdin") as pipe:
                    pipe.write(rows)

    return fill


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
