"""Whether the portal's login can do more than it must: asked before anything is served, and nothing is if it can.

What it must be able to do stands in grants.py. Each hole is a sentence that says how to mend it.
"""

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, transaction
from psycopg.types.json import Jsonb

from .grants import POLICIES, PORTAL_CALLS, READABLE

MIGRATE = "run manage.py migrate, which grants exactly its rights"
MORE_THAN_IT_MUST = """
with me as (select * from pg_roles where rolname = current_user),
schemas as (
  select * from pg_namespace n where n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%%'
),
ours as (
  select c.*, n.nspname, c.oid::regclass::text as named from pg_class c join schemas n on n.oid = c.relnamespace
),
tables as (select * from ours where relkind in ('r', 'p', 'v', 'm', 'f')),
read as (select t.*, r.columns from tables t join jsonb_each(%(read)s) r(named, columns) on r.named = t.named)
select 'may pass every wall',
  format('let PORTAL_DATABASE_URL name zarts_portal, and make it a plain login: alter role %%I nosuperuser nobypassrls '
         'nocreaterole nocreatedb noreplication', rolname)
  from me where rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication
union all
select format('is a member of %%s', g.rolname), format('revoke %%I from %%I', g.rolname, me.rolname)
  from me join pg_auth_members m on m.member = me.oid join pg_roles g on g.oid = m.roleid
union all
select format('owns %%s', named), format('give it to whoever owns the others: alter table %%s owner to …', named)
  from me, ours where relowner = me.oid and relkind <> 'i'
union all
select format('may make things in the database %%s', current_database()), %(migrate)s
 where has_database_privilege(current_database(), 'create, temporary')
union all
select format('may make things in the schema %%s', nspname),
  format('revoke create on schema %%I from public, %%I', nspname, me.rolname)
  from me, schemas n where has_schema_privilege(n.oid, 'create')
union all
select format('may read %%s', named), case when nspname = 'public' then %(migrate)s
    else format('revoke all on %%s from public, %%I', named, me.rolname) end
  from me, tables t where has_any_column_privilege(t.oid, 'select') and not %(read)s ? named
union all
select format('may read %%s of %%s', string_agg(a.attname, ', ' order by a.attname), r.named), %(migrate)s
  from read r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
 where has_column_privilege(r.oid, a.attnum, 'select') and not r.columns ? a.attname::text
 group by r.named
union all
select format('may change %%s', named), case when nspname = 'public' then %(migrate)s
    else format('revoke all on %%s from public, %%I', named, me.rolname) end
  from me, tables t
 where has_any_column_privilege(t.oid, 'insert, update, references')
    or has_table_privilege(t.oid, 'delete, truncate, trigger')
union all
select format('may count with %%s', named), case when nspname = 'public' then %(migrate)s
    else format('revoke all on sequence %%s from public, %%I', named, me.rolname) end
  from me, ours o
 where case when relkind = 'S' then has_sequence_privilege(o.oid, 'usage, select, update') else false end
union all
select format('reads all rows of %%s', named), format('alter table %%s enable row level security', named)
  from read where not relrowsecurity
union all
-- Built in is what has a number below: a function that anybody made since has a higher one, in whichever schema.
select format('may call %%s', p.oid::regprocedure),
  case when n.nspname = 'public' then %(migrate)s
    else format('revoke all on function %%s from public, %%I', p.oid::regprocedure, me.rolname) end
  from me, pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where p.oid >= 16384 and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')
   and not (n.nspname = 'public' and p.proname = any(%(calls)s))
"""
THEIR_POLICIES = """
select p.tablename, p.policyname, p.permissive, p.cmd, p.roles::text[],
  regexp_replace(coalesce(p.qual, ''), '\\s+', ' ', 'g'), regexp_replace(coalesce(p.with_check, ''), '\\s+', ' ', 'g')
from pg_policies p where p.schemaname = 'public' and p.tablename like 'portal\\_%'
"""


def holes() -> list[str]:
    """Say what this process's login can do and must not, each with how to mend it."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Every name is written in full, whatever the login's own settings are.
        cursor.execute("set local search_path = pg_catalog")
        asked = {"read": Jsonb(READABLE), "calls": list(PORTAL_CALLS), "migrate": MIGRATE}
        cursor.execute(MORE_THAN_IT_MUST, asked)
        found = [f"It {what}: {mend}." for what, mend in cursor.fetchall()]
        cursor.execute(THEIR_POLICIES)
        return sorted(found + strange_policies({tuple(row[:2]): tuple(row[2:]) for row in cursor.fetchall()}))


def strange_policies(there) -> list[str]:
    """Say which policies of the portal's tables are not those that are written."""
    written = {(one.table, one.name): one for one in POLICIES}
    found = [
        f"The policy {name} on {table} is not one of ours: drop policy {name} on public.{table}."
        for table, name in there.keys() - written.keys()
    ]
    for key, policy in written.items():
        if there.get(key) != policy.as_kept:
            what = "is not the one that is written" if key in there else "is not there"
            found.append(f"The policy {policy.name} on {policy.table} {what}: {policy.made}.")
    return found


class ServesBehindTheWall:
    """Serve nothing with a login that can do more than it must. While no database answers, ask again later."""

    def __init__(self, get_response):
        self.get_response, self.is_known = get_response, False
        self.look()

    def __call__(self, request):
        if not self.is_known:
            self.look()
        return self.get_response(request)

    def look(self):
        try:
            found = holes()
        except OperationalError:
            return
        finally:
            connection.close()
        if found:
            raise ImproperlyConfigured(
                "The login of the portal can do more than it must, so it serves nothing. " + " ".join(found)
            )
        self.is_known = True
