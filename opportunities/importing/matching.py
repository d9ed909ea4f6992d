"""What is here already: rows that came in before, rows that stand twice, and whom they may be the same as."""

from django.db import connection

from ..alike import around
from ..models import Import

TABLES = {"leads": "opportunities_lead", "opportunities": "opportunities_opportunity"}

KNOWN = """
update opportunities_importrow r set verdict = 'known', reason = 'Came in before: ' || left(t.name, 200),
  record_id = t.id
from {table} t
where r.of_id = %(of)s and r.id > %(above)s and r.id <= %(upto)s and r.verdict in ('new', 'joined')
  and t.external_ref = r.reference and t.external_ref <> ''
"""

TWICE = """
update opportunities_importrow r set verdict = 'refused', "column" = %(column)s,
  reason = 'stands in line ' || d.first || ' already; remove one of the two'
from (
  select id, line, first_value(line) over same as first, row_number() over same as n
  from opportunities_importrow where of_id = %(of)s and verdict in ('new', 'joined')
  window same as (partition by reference order by id)) d
where r.id = d.id and d.n > 1
"""

# The first of the reasons for which a lead may be one that is here, and the newest for which it holds. Each value is
# looked up once, however many rows have it, and by its own index.
ALIKE_LEADS = """
with asked as materialized (
  select r.id, lower(r.said->>'email') as mail, zarts_phone_key(r.said->>'phone') as phone,
    zarts_name_key(r.said->>'company') as name, zarts_domain_key(r.said->>'website') as domain
  from opportunities_importrow r where r.of_id = %(of)s and r.verdict = 'new'
), found as (
  select a.id, m.lead, 1 as rank, 'mail address' as why from asked a join (
    select v.mail, max(l.id) as lead from (select distinct mail from asked where mail <> '') v
    join opportunities_lead l on lower(l.email) = v.mail group by 1) m on m.mail = a.mail
  union all
  select a.id, m.lead, 2, 'phone' from asked a join (
    select v.phone, max(l.id) as lead from (select distinct phone from asked where phone <> '') v
    join opportunities_lead l on l.phone_key = v.phone and l.phone_key <> '' group by 1) m on m.phone = a.phone
  union all
  select a.id, m.lead, 3, 'domain' from asked a join (
    select v.domain, max(l.id) as lead from (select distinct domain from asked where domain <> '') v
    join opportunities_lead l on l.domain_key = v.domain and l.domain_key <> '' group by 1) m on m.domain = a.domain
), name as materialized (
  select distinct a.name from asked a where a.name <> '' and not exists (select from found f where f.id = a.id)
), named as (
  select name, max(lead) as lead from (
    select v.name, l.id as lead from name v join opportunities_lead l on l.name_key = v.name and l.name_key <> ''
    union all
    select v.name, n.id from name v, lateral ({around}) n) n group by name
), best as (
  select distinct on (f.id) f.id, f.lead, f.why
  from (select * from found union all select a.id, n.lead, 4, 'company' from asked a join named n using (name)) f
  order by f.id, f.rank
)
update opportunities_importrow r set
  verdict = case when %(join)s and l.stage in ('new', 'working') and {mine} then 'joined' else 'new' end,
  record_id = case when %(join)s and l.stage in ('new', 'working') and {mine} then l.id else r.record_id end,
  reason = case when {mine} then 'Same ' || b.why || ' as ' || left(l.name, 120)
    else 'Same ' || b.why || ' as a lead of '
      || coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username)
    end
from best b join opportunities_lead l on l.id = b.lead join opportunities_user u on u.id = l.owner_id
where r.id = b.id
"""

# Whose a deal is: the client of that person's mail address, or of that name, or of a name that is written otherwise.
CLIENTS = """
with asked as materialized (
  select r.id, r.said->>'client' as called, lower(r.said->>'client') as name, zarts_name_key(r.said->>'client') as key,
    lower(r.said->>'email') as mail
  from opportunities_importrow r
  where r.of_id = %(of)s and r.id > %(above)s and r.id <= %(upto)s and r.verdict in ('new', 'joined')
    and r.client_id is null
), found as (
  select a.id, c.id as client, 1 as rank, '' as why from asked a join opportunities_client c on lower(c.name) = a.name
  union all
  select a.id, p.client_id, 2, 'mail address' from asked a
    join opportunities_contact p on lower(p.email) = a.mail where a.mail <> ''
  union all
  select a.id, c.id, 3, 'spelling' from asked a join opportunities_client c on c.name_key = a.key where a.key <> ''
), best as (
  select distinct on (f.id) f.id, f.client, f.why from found f order by f.id, f.rank, f.client
)
update opportunities_importrow r set client_id = c.id, {said}
from best b join opportunities_client c on c.id = b.client
where r.id = b.id
"""
JOINS = """
  verdict = 'joined',
  reason = case when r.reason <> '' then r.reason
    when b.why = '' then 'The client is here already: ' || left(c.name, 120)
    when b.why = 'mail address' then 'The mail address is one of ' || left(c.name, 120)
    else left(r.said->>'client', 120) || ' is ' || left(c.name, 120) end
"""


def settle(record):
    """Say of every staged row what becomes of it."""
    with connection.cursor() as cursor:
        by_index(cursor)
        whole = {"of": record.pk, "above": 0, "upto": 2**62}
        known(cursor, record, whole)
        cursor.execute(TWICE, {**whole, "column": (record.columns.get("ref") or "row")[:100]})
        if record.kind == Import.Kind.LEADS:
            join = record.choices.get("alike") == "join"
            near = around("opportunities_lead", "v.name")
            cursor.execute(ALIKE_LEADS.format(mine=mine(record.owner), around=near), {**whole, "join": join})
        else:
            cursor.execute(CLIENTS.format(said=JOINS), whole)


def by_index(cursor):
    """Look everything up by its index until the transaction ends: the tables may have grown since they were counted."""
    cursor.execute("set local enable_seqscan = off")


def known(cursor, record, rows):
    """Mark the rows that are here already. Asked again in each batch: another file may have been quicker."""
    cursor.execute(KNOWN.format(table=TABLES[record.kind]), rows)


def clients(cursor, rows):
    """Find the client of each deal of a batch, as it is now."""
    cursor.execute(CLIENTS.format(said="reason = r.reason"), rows)


def mine(user) -> str:
    """Return the condition in SQL for the leads that this person may see."""
    if user is None or user.sees_all:
        return "true"
    if user.sees_team:
        return f"(l.owner_id = {int(user.pk)} or l.team_id = {int(user.team_id)})"
    return f"(l.owner_id = {int(user.pk)})"
