"""What is here already: rows that came in before, rows that stand twice, and whose the deals of a file are."""

from django.db import connection

from ..models import Client, Import, User
from . import lookalikes
from .files import BadFile
from .home import house
from .kinds import AS_SETS, model_of, table_of

BATCH = "r.of_id = %(of)s and r.id > %(above)s and r.id <= %(upto)s and r.verdict in ('new', 'joined')"
OWNER = "(select coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username)"
OWNER += " from opportunities_user u where u.id = {}.owner_id)"

KNOWN = """
update opportunities_importrow r set verdict = 'known', record_id = t.id,
  reason = 'Came in before: ' || case when {mine} then left(t.name, 200) else {anothers} end
from {table} t
where {batch} and t.external_ref = r.reference and t.external_ref <> ''
"""

# One of our own files names what was born in this house by its number here.
KNOWN_AT_HOME = """
update opportunities_importrow r set verdict = 'known', record_id = t.id,
  reason = 'Here already: ' || case when {mine} then left(t.name, 200) else {anothers} end
from {table} t
where {batch} and t.id = case when r.reference ~ %(home)s then split_part(r.reference, ':', 3)::bigint end
"""

# A row that was joined to a lead left its reference nowhere else. Found again it is known, and known from then on.
KNOWN_AS_JOINED = """
update opportunities_importrow r set verdict = 'known', record_id = t.id,
  reason = 'Came in before, joined to ' || case when {mine} then left(t.name, 200) else {anothers} end
from opportunities_importrow o join opportunities_import i on i.id = o.of_id
  join opportunities_lead t on t.id = o.record_id
where {batch} and o.reference = r.reference and o.reference <> '' and i.kind = 'leads'
  and o.verdict in ('joined', 'known') and (o.verdict = 'known' or o.id <= i.last_row)
  and (o.of_id <> r.of_id or o.id <= %(above)s)
"""

TWICE = """
update opportunities_importrow r set verdict = 'refused', "column" = %(column)s,
  reason = 'stands in line ' || d.first || ' already; remove one of the two'
from (
  select id, line, first_value(line) over same as first, row_number() over same as n
  from opportunities_importrow where of_id = %(of)s and id > %(above)s and verdict in ('new', 'joined')
  window same as (partition by reference order by id)) d
where r.id = d.id and d.n > 1
"""

# Whose a deal is: the client of that person's mail address, or of that name, or of a name that is written otherwise.
CLIENTS = """
with asked as materialized (
  select r.id, r.said->>'client' as called, lower(r.said->>'client') as name, zarts_name_key(r.said->>'client') as key,
    lower(r.said->>'email') as mail
  from opportunities_importrow r
  where {batch} and r.client_id is null
), found as (
  select a.id, c.id as client, 1 as rank, '' as why from asked a join opportunities_client c on lower(c.name) = a.name
  union all
  select a.id, p.client_id, 2, 'mail address' from asked a
    join opportunities_contact p on lower(p.email) = a.mail where a.mail <> ''
  union all
  select a.id, c.id, 3, 'spelling' from asked a join opportunities_client c on c.name_key = a.key where a.key <> ''
), best as (
  select distinct on (f.id) f.id, f.client, f.why from found f order by f.id, f.rank, not {open}, f.client
)
update opportunities_importrow r set client_id = c.id, {said}
from best b join opportunities_client c on c.id = b.client
where r.id = b.id
"""
JOINS = """
  verdict = 'joined',
  reason = case when r.reason <> '' then r.reason
    when not {mine} then 'At a client of ' || {owner}
    when b.why = '' then 'The client is here already: ' || left(c.name, 120)
    when b.why = 'mail address' then 'The mail address is one of ' || left(c.name, 120)
    else left(r.said->>'client', 120) || ' is ' || left(c.name, 120) end
"""
# A client that was merged away is the one that it was merged into, maybe meanwhile.
STANDING = """
update opportunities_importrow r set client_id = (
  with recursive way as (
    select c.id, c.merged_into_id from opportunities_client c where c.id = r.client_id
    union all
    select c.id, c.merged_into_id from way w join opportunities_client c on c.id = w.merged_into_id
  ) select id from way where merged_into_id is null)
where {batch} and exists (select from opportunities_client c where c.id = r.client_id and c.merged_into_id is not null)
"""
# A deal of theirs would give them a right to all of the client: see Client.is_open_to.
ANOTHERS = """
update opportunities_importrow r set verdict = 'refused', client_id = null, "column" = %(column)s,
  reason = 'Somebody else’s client: ask ' || {owner} || '.'
from opportunities_client c
where {batch} and c.id = r.client_id and not {open}
"""
# One client under two names, in the file itself: they become one, and it is said.
SPELLED = """
with spelled as materialized (
  select r.id, r.said->>'client' as called, first_value(r.said->>'client') over same as first,
    first_value(r.line) over same as line
  from opportunities_importrow r
  where {batch} and r.client_id is null and zarts_name_key(r.said->>'client') <> ''
  window same as (partition by zarts_name_key(r.said->>'client') order by r.id)
)
update opportunities_importrow r set reason = left(concat_ws(' · ', nullif(r.reason, ''),
  'The same client as ' || left(s.first, 120) || ' in line ' || s.line), 400)
from spelled s where r.id = s.id and lower(s.called) <> lower(s.first)
"""


# Who left meanwhile, or has another role, gets nothing more.
UNFIT = """
update opportunities_importrow r set verdict = 'refused', client_id = null, "column" = %(column)s,
  reason = {owner} || ' left, or may not own {kind}; choose another owner, and bring this row in again'
where {batch} and not (r.owner_id = any(%(fit)s)) and (r.verdict = 'new' or '{kind}' = 'opportunities')
"""
# A file has a few sources. More are another column.
MOST_SOURCES = 50
SOURCES = """
select count(*) from (
  select distinct lower(r.said->>'source') as name from opportunities_importrow r where {batch}) n
where not exists (select from opportunities_source s where lower(s.name) = n.name)
"""


def settle(record):
    """Say of every staged row what becomes of it."""
    # What is left of an earlier check is lower than the row with which this one began.
    whole = {"of": record.pk, "above": record.last_row, "upto": 2**62}
    with connection.cursor() as cursor:
        by_index(cursor)
        known(cursor, record, whole)
        cursor.execute(TWICE, {**whole, "column": (record.columns.get("ref") or "row")[:100]})
        if record.kind == Import.Kind.LEADS:
            few_sources(cursor, record, whole)
            lookalikes.settle(cursor, record, whole)
        elif record.kind == Import.Kind.OPPORTUNITIES:
            mine, more = within(Client, Client.reach(record.owner), "c.id", "m")
            words = {"mine": mine, "owner": OWNER.format("c"), "batch": BATCH}
            clients(cursor, record, whole | more, said=JOINS.format(**words))
            lookalikes.of_deals(cursor, record, whole)
            cursor.execute(SPELLED.format(batch=BATCH), whole)


def few_sources(cursor, record, rows):
    """Refuse a file that would make hundreds of sources."""
    cursor.execute(SOURCES.format(batch=BATCH), rows)
    new = cursor.fetchone()[0]
    if new > MOST_SOURCES and (column := record.columns.get("source")):
        raise BadFile(
            f"Is “{column[:80]}” the source column? It would make {new:,} new sources. Choose another column, or none; "
            "or add those sources first."
        )


def unfit(cursor, record, rows):
    """Refuse what would become the record of somebody who may not own it any more."""
    fit = list(User.who_may_own(model_of(record)).values_list("pk", flat=True))
    column = (record.columns.get("owner") or "Owner")[:100]
    kind = record.get_kind_display().lower()
    words = UNFIT.format(batch=BATCH, kind=kind, owner=OWNER.format("r"))
    cursor.execute(words, {**rows, "fit": fit, "column": column})


def by_index(cursor):
    """Look everything up by its index until the transaction ends: the tables may have grown since they were counted."""
    cursor.execute("set local enable_seqscan = off")


def known(cursor, record, rows):
    """Mark the rows that are here already. Asked again in each batch: another file may have been quicker."""
    if record.kind not in AS_SETS:
        return  # what comes in one by one is looked up likewise
    model = model_of(record)
    mine, more = within(model, model.reach(record.owner), "t.id", "m")
    anothers = f"'somebody else’s {model._meta.verbose_name}, ask ' || {OWNER.format('t')}"
    words = {"mine": mine, "anothers": anothers, "batch": BATCH, "table": table_of(record)}
    cursor.execute(KNOWN.format(**words), rows | more)
    home = f"^{house()}:{model._meta.model_name}:[0-9]{{1,18}}$"
    cursor.execute(KNOWN_AT_HOME.format(**words), {**rows, **more, "home": home})
    if record.kind == Import.Kind.LEADS:
        cursor.execute(KNOWN_AS_JOINED.format(**words), rows | more)


def clients(cursor, record, rows, said="reason = r.reason"):
    """Find the client of each deal, as it is now: of several of the name, one that may be used."""
    is_open, more = open_to(record.runner, "f.client")
    cursor.execute(CLIENTS.format(said=said, open=is_open, batch=BATCH), rows | more)
    theirs(cursor, record, rows)


def open_to(user, row: str) -> tuple[str, dict]:
    """Return in SQL whether a client is open to somebody: everything is to a command."""
    return ("true", {}) if user is None else within(Client, Client.reach(user, "change"), row, "o")


def theirs(cursor, record, rows):
    """Hang each deal on the client that stands, and refuse those at a client that is somebody else's."""
    cursor.execute(STANDING.format(batch=BATCH), rows)
    is_open, more = open_to(record.runner, "c.id")
    column = next((record.columns[name] for name in ("client", "contact", "email") if record.columns.get(name)), "row")
    words = {"owner": OWNER.format("c"), "open": is_open, "batch": BATCH}
    cursor.execute(ANOTHERS.format(**words), {**rows, **more, "column": column[:100]})


def within(model, condition, row: str, prefix: str) -> tuple[str, dict]:
    """Return in SQL, with its parameters, whether the record with the number `row` meets a condition."""
    if not condition:
        return "true", {}
    found = model._base_manager.filter(condition).order_by().values("pk")
    text, values = found.query.sql_with_params()
    names = [f"{prefix}{number}" for number in range(len(values))]
    text %= tuple(f"%({name})s" for name in names)
    return f"exists (select from ({text}) seen(id) where seen.id = {row})", dict(zip(names, values, strict=True))
