"""What is here already: rows that came in before, rows that stand twice, and whom they may be the same as."""

from django.db import connection

from ..alike import MOST_AROUND, around, domain_of
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

# The first of the reasons for which a lead may be one that is here. Each row is looked up by itself, by one index after
# the other until something is found: nobody has counted yet how many rows there are, so a join is planned for one.
ALIKE_LEADS = """
with asked as materialized (
  select r.id, lower(r.said->>'email') as mail, zarts_phone_key(r.said->>'phone') as phone,
    zarts_name_key(r.said->>'company') as name, {domain} as domain
  from opportunities_importrow r where r.of_id = %(of)s and r.verdict = 'new'
), found as materialized (
  select a.id, coalesce(
    (select array[max(l.id), 1] from (
      select id from opportunities_lead where lower(email) = a.mail and a.mail <> '' limit {most}
    ) l having count(*) > 0),
    (select array[max(l.id), 2] from (
      select id from opportunities_lead where phone_key = a.phone and phone_key <> '' limit {most}
    ) l having count(*) > 0),
    (select array[max(l.id), 3] from (
      select id from opportunities_lead where domain_key = a.domain and domain_key <> '' limit {most}
    ) l having count(*) > 0),
    (select array[max(l.id), 4] from (
      (select id from opportunities_lead where name_key = a.name and name_key <> '' limit {most})
      union all ({around})
    ) l having count(*) > 0)) as lead
  from asked a
), best as (
  select id, lead[1] as lead, (array['mail address', 'phone', 'domain', 'company'])[lead[2]] as why
  from found where lead is not null
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
            near = around("opportunities_lead", "a.name")
            alike = ALIKE_LEADS.format(
                mine=mine(record.owner), around=near, most=MOST_AROUND, domain=domain_of("r.said->>'website'")
            )
            cursor.execute(alike, {**whole, "join": join})
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
