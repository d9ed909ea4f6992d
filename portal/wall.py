"""Whether the portal's login can do more than it must: asked before anything is served, and nothing is if it can."""

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from .grants import PORTAL_CALLS

# Of these it reads some columns, row by row as its token allows.
READ = ("portal_publication", "portal_paper")

MORE_THAN_IT_MUST = """
with me as (select * from pg_roles where rolname = current_user),
ours as (
  select c.*, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%%' and c.relkind in ('r', 'p', 'v', 'm', 'f')
)
select 'may pass every wall' from me where rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication
union all
select 'is a member of ' || g.rolname
  from me join pg_auth_members m on m.member = me.oid join pg_roles g on g.oid = m.roleid
union all
select 'owns ' || relname from me, ours where relowner = me.oid
union all
select 'may read ' || relname from ours where has_any_column_privilege(oid, 'select') and relname <> all(%(read)s)
union all
select 'may change ' || relname from ours
 where has_any_column_privilege(oid, 'insert, update, references')
    or has_table_privilege(oid, 'delete, truncate, trigger')
union all
select 'reads all rows of ' || relname from ours where relname = any(%(read)s) and not relrowsecurity
union all
select 'may call ' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where n.nspname = 'public' and p.prosecdef and has_function_privilege(p.oid, 'execute') and p.proname <> all(%(calls)s)
"""


def holes() -> list[str]:
    """Return what this process's login can do and must not."""
    with connection.cursor() as cursor:
        cursor.execute(MORE_THAN_IT_MUST, {"read": list(READ), "calls": list(PORTAL_CALLS)})
        return sorted(row[0] for row in cursor.fetchall())


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
                f"The login of the portal can do more than it must, so it serves nothing: it {', it '.join(found)}. "
                "Run the migrations: they grant exactly its rights. PORTAL_DATABASE_URL names the login zarts_portal."
            )
        self.is_known = True
