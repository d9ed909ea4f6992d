"""What a maker made is kept, and put back row for row for the next test that begins alike.

A won deal takes some 2,000 statements, and hundreds of tests begin with one. The first is made by the real moves; the
rows that came of it are kept, and what the maker returned, for every worker of this run. A maker that is called in a
database of the same people, in which nothing has happened yet, gets these rows back; so does one that follows another
in the same transaction, when nothing was written between the two. In every other case it makes all moves again.
"""

import functools
import hashlib
import json
import os
import pickle
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.db import connection
from django.utils import timezone

from opportunities.models import Diary, Team, User

# Deadlines count in minutes: what is put back must not have grown old.
GOOD_FOR = timedelta(minutes=10)
# What differs in people who are the same: their passwords' salt, when they came, and the numbers of links to groups.
NEVER_ALIKE = {"password", "last_login", "date_joined"}

# People and teams, and their diaries, have numbers from here on; whatever is made while tests run has lower ones.
FIRST = 1_000_000_000

# The tables that `migrate` fills, and nobody else.
MIGRATED = ["django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"]

# These pass the walls, so they are only in a test's database, and only where its owner is a superuser. Without them
# every maker makes all moves.
FUNCTIONS = f"""
-- One statement that names every table: to ask one after another takes three times as long.
do $$
declare
  each_table text;
begin
  select string_agg(
    format('select %L as name, (select jsonb_agg(to_jsonb(t)) from %I t) as rows', tablename, tablename), ' union all ')
    into each_table
    from pg_tables where schemaname = 'public' and tablename <> all (array{MIGRATED});
  execute format('create function kept_rows() returns jsonb language plpgsql security definer as %L',
    'begin return (select coalesce(jsonb_object_agg(name, rows), jsonb_build_object()) from (' || each_table
    || ') of_each where rows is not null); end');
end $$;

-- How far each sequence came: of ids, and of the numbers that clients read.
create function kept_sequences() returns jsonb language sql security definer as $$
  select jsonb_object_agg(format('%I.%I', schemaname, sequencename), last_value) from pg_sequences
  where last_value is not null
$$;

create function put_back(kept jsonb, came_to jsonb default '{{}}') returns void language plpgsql security definer
set session_replication_role = replica as $$
declare
  name text;
  rows jsonb;
  columns text;
  key text;
  sequence text;
  last bigint;
begin
  -- What comes next is newer than what another worker made.
  for sequence, last in select * from jsonb_each_text(came_to) loop
    execute format('select setval(%L, $1) from %s where last_value <= $1', sequence, sequence) using last;
  end loop;
  for name, rows in select * from jsonb_each(kept) loop
    select string_agg(format('%I', attname), ', ') into columns from pg_attribute
      where attrelid = format('public.%I', name)::regclass and attnum > 0 and not attisdropped and attgenerated = '';
    select format('%I', attname) into strict key from pg_index
      join pg_attribute on attrelid = indrelid and attnum = indkey[0]
      where indrelid = format('public.%I', name)::regclass and indisprimary;
    execute format(
      'delete from %1$I where %2$s in (select %2$s from jsonb_populate_recordset(null::%1$I, $1))', name, key
    ) using rows;
    execute format('insert into %1$I (%2$s) select %2$s from jsonb_populate_recordset(null::%1$I, $1)', name, columns)
      using rows;
  end loop;
end $$;

revoke all on function kept_rows(), kept_sequences(), put_back(jsonb, jsonb) from public;
grant execute on function kept_rows(), kept_sequences(), put_back(jsonb, jsonb) to zarts_app;
"""

# How much was written so far, in which transaction, and the last event: as long as it stays, nothing was written.
WRITTEN = """
select pg_current_xact_id_if_assigned()::text,
  (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_xact_user_tables),
  (select max(id) from opportunities_event)
"""

KEPT: dict = {}
# Where the workers of one run find what the others made.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID")
SHELVES = Path(os.environ["DATA_DIR"]) / "kept"
SHELF = SHELVES / RUN if RUN else None
# What the last maker left: what was written by then, and the key of it.
LEFT: dict = {}


def kept(make):
    """Keep what this maker makes in a database in which nothing has happened yet."""

    @functools.wraps(make)
    def put_back_or_make(*args, **fields):
        named = name_of(args, fields)
        if named is None:
            return make(*args, **fields)
        begun = where_we_are()
        if begun is None:
            return make(*args, **fields)
        key = (make.__name__, named, begun)
        found = find(key)
        if found:
            with connection.cursor() as cursor:
                cursor.execute("select put_back(%s, %s)", found[1:3])
            made = pickle.loads(found[3])
        else:
            began, before, came_to = timezone.now(), all_rows(), sequences()
            made = make(*args, **fields)
            added = {name: new_rows(rows, before.get(name, [])) for name, rows in all_rows().items()}
            added = {name: rows for name, rows in added.items() if rows}
            # A sequence stands still where part of this was put back: it had come as far in a test before.
            theirs = {f"public.{name}_id_seq" for name in added}
            went_on = {name: last for name, last in sequences().items() if last != came_to.get(name) or name in theirs}
            keep(key, (began, json.dumps(added), json.dumps(went_on), pickle.dumps(made)))
        LEFT.clear()
        LEFT[written()] = hashlib.sha256(repr((key, KEPT[key][0])).encode()).hexdigest()
        return made

    return put_back_or_make


def find(key):
    """Return what was made under this key, here or by another worker, unless it grew old."""
    found = KEPT.get(key)
    if SHELF and not (found and is_fresh(found[0])):
        with suppress(FileNotFoundError):
            found = KEPT[key] = pickle.loads(place_of(key).read_bytes())
    return found if found and is_fresh(found[0]) else None


def clear_shelves():
    """Throw away what earlier runs made."""
    for shelf in SHELVES.glob("*"):
        if shelf != SHELF:
            shutil.rmtree(shelf, ignore_errors=True)


def keep(key, made):
    KEPT[key] = made
    if SHELF:
        SHELF.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=SHELF, delete=False) as file:
            file.write(pickle.dumps(made))
        os.replace(file.name, place_of(key))


def place_of(key) -> Path:
    return SHELF / hashlib.sha256(repr(key).encode()).hexdigest()


def is_fresh(made_at) -> bool:
    """Whether a test that begins now, by its own clock, would make the same: a clock may have been turned back."""
    now = timezone.now()
    return timedelta(0) <= now - made_at < GOOD_FOR and timezone.localdate(made_at) == timezone.localdate(now)


def where_we_are() -> str | None:
    """Return, in short, what this database holds: the same people, or what the same makers made. None where more."""
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from opportunities_event), to_regproc('kept_rows') is null")
        happened, cannot = cursor.fetchone()
    if cannot:
        return None
    return LEFT.get(written()) if happened else digest(all_rows())


def written():
    """Return how much this transaction wrote so far."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        found = cursor.fetchone()
    return found if found[0] else object()


def all_rows():
    with connection.cursor() as cursor:
        cursor.execute("select kept_rows()")
        return json.loads(cursor.fetchone()[0])


def sequences() -> dict:
    with connection.cursor() as cursor:
        cursor.execute("select kept_sequences()")
        return json.loads(cursor.fetchone()[0] or "{}")


def new_rows(rows, before):
    known = {json.dumps(row, sort_keys=True) for row in before}
    return [row for row in rows if json.dumps(row, sort_keys=True) not in known]


def digest(rows):
    """Return what two databases share that hold the same people."""
    alike = {}
    for name in rows.keys() - {"django_session"}:
        unlike = NEVER_ALIKE | ({"id"} if name == "opportunities_user_groups" else set())
        alike[name] = sorted(json.dumps({k: row[k] for k in row.keys() - unlike}, sort_keys=True) for row in rows[name])
    return hashlib.sha256(json.dumps(alike, sort_keys=True).encode()).hexdigest()


def name_of(args, fields):
    """Return the arguments as a key, or None when one of them is more than a person or a plain value."""
    named = []
    for name, value in [*enumerate(args), *sorted(fields.items())]:
        if isinstance(value, User):
            value = ("user", value.pk)
        elif getattr(value, "pk", None) is not None or callable(value):
            return None
        named.append((name, repr(value)))
    return tuple(named)


def numbered_alike(record, name):
    """Give a new person or team, and its diary, the number that it has in every test of every worker, and save it.

    Their numbers stand in the order of their names, as those do that come one after another in a test.
    """
    letters = f"{name.lower():a<6}"[:6]
    number = FIRST * 3 // 2 if isinstance(record, Team) else FIRST
    number += functools.reduce(lambda so_far, letter: so_far * 27 + (ord(letter) - 96) % 27, letters, 0)
    while Diary.objects.filter(pk=number).exists():
        number += 1
    record.diary = Diary.objects.create(pk=number)
    record.pk = number
    record.save(force_insert=True)
    return record
