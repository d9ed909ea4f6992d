"""The database's logins and exactly what each may do.

The owner migrates. `zarts_app` is the staff surface, the worker and beat. `zarts_portal` is the public surface.
`zarts_reader` reads the prepared reads and nothing else, by two groups: a login that is given one of them reads only
that one's. `migrate` makes them and grants anew each time, so that a right that is no longer written here is gone.
PostgreSQL lets every login change its own password and settings, and has no right to revoke for that: `migrate` puts
those back too.
"""

import logging
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.db import ProgrammingError, connections, transaction
from psycopg import sql

from portal.grants import GRANTS as PORTAL_GRANTS

log = logging.getLogger("zarts.logins")
SURFACES = ("zarts_app", "zarts_portal")
# Groups without a sign-in of their own, and which of the views in the schema `reads` each may read, by their ending.
READS = {
    "zarts_reads_internal": ("_admin", "_proposal", "_approval", "_contract"),
    "zarts_reads_portal": ("_portal",),
}
READER = "zarts_reader"
NAMES = (*SURFACES, READER, *READS)

# Tables whose rows the application may also delete. Everything else is kept: closed, withdrawn or superseded.
DELETABLE = {
    "django_session",
    # Wrong passwords that were long enough ago.
    "axes_accessattempt",
    "axes_accessattemptexpiration",
    # Which forms were saved lately.
    "opportunities_savedform",
    # Processes that were not heard of for days.
    "opportunities_heartbeat",
    # The log of what other systems were told, when it is old; the diary keeps the events.
    "hooks_delivery",
    "hooks_attempt",
    # Calls of programs, when the day is over in which the same one again gets the same answer.
    "api_call",
    # What was done to many rows at once, a month later; the diaries of the rows keep it.
    "opportunities_bulkchange",
    "opportunities_bulkrow",
    # What somebody took out, when its days are over.
    "takeout_ownpiece",
    "opportunities_user_groups",
    "opportunities_user_user_permissions",
    "auth_group_permissions",
    "opportunities_opportunityuserpermission",
    "opportunities_opportunitygrouppermission",
    # Rows of a proposal that is still being written; a wall refuses it once the proposal is sent.
    "proposals_scopeitem",
    "proposals_milestone",
    "proposals_priceline",
    "proposals_claim",
    "proposals_claim_evidence",
    # Who signs a contract that is still being written; a wall refuses it likewise.
    "proposals_signatory",
    "handoff_reportingcadence_recipients",
    # Rows of a file that is only being looked at: each look reads them anew.
    "opportunities_importrow",
    # What a deal is about, and what its discovery asks. The diary keeps what it was before.
    "proposals_service_opportunities",
    "opportunities_discovery_questionnaires",
    # Questions of a version that nobody was asked yet; a wall refuses it once it was.
    "opportunities_question",
    # Steps of a sequence: a plan, which the diary keeps as it was. What was done of it are tasks and mail.
    "opportunities_sequencestep",
}
# Tables that the application only adds to.
ADD_ONLY = {"opportunities_event", "opportunities_facts", "opportunities_diary", "django_admin_log"}
COUNTED = {f"numbers_{table}" for table in ("standing", "delta", "counter", "offer", "idle", "touched")}
COUNTED |= {"numbers_countedreport", "numbers_countedclaim"}
# What a privacy erase left, and which erases now: the database's own function writes both.
ERASING = {"opportunities_blanked", "opportunities_erasing"}
READ_ONLY = COUNTED | ERASING | {"django_migrations", "django_content_type", "auth_permission"}


def make(using: str):
    """Make the logins that do not exist yet, or say which command an administrator must run. Put the others back."""
    with connections[using].cursor() as cursor:
        cursor.execute("select rolname from pg_roles where rolname = any(%s)", [list(NAMES)])
        there = {name for (name,) in cursor.fetchall()}
        for name in sorted(there):
            put_back(name, using)
        missing = [name for name in NAMES if name not in there]
        if not missing:
            join_groups(using)
            return
        cursor.execute("select rolcreaterole or rolsuper from pg_roles where rolname = current_user")
        if not cursor.fetchone()[0]:
            raise CommandError(
                f"The logins {', '.join(missing)} are missing and this owner may not create roles. "
                "Have a database administrator run: manage.py sql_logins | psql"
            )
        for name in missing:
            cursor.execute(creation(name))
    join_groups(using)


def joining() -> sql.Composed:
    """Return the statement that lets the reader read by both groups."""
    groups = sql.SQL(", ").join(map(sql.Identifier, READS))
    return sql.SQL("grant {} to {}").format(groups, sql.Identifier(READER))


def join_groups(using: str):
    """Put the reader into both groups, unless it is there; an owner who may not is told whom to ask."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "select bool_and(pg_has_role(%s, name, 'member')) from unnest(%s::name[]) name", [READER, list(READS)]
        )
        if not cursor.fetchone()[0]:
            attempt([joining()], f"{READER} reads nothing yet: have a database administrator run sql_logins", using)


def creation(name: str) -> sql.Composed:
    """Return the statement that makes one login, with the password that its URL carries."""
    text = "create role {} login" if settings.LOGINS.get(name) else "create role {} nologin"
    if password(name):
        text += " password {}"
    return sql.SQL(text).format(sql.Identifier(name), sql.Literal(password(name)))


def password(name: str) -> str:
    return unquote(urlsplit(settings.LOGINS.get(name) or "").password or "")


def put_back(name: str, using: str):
    """Give a login the password of its URL again, and no settings of its own, whoever changed them.

    An owner who may not alter it only warns.
    """
    role, database = sql.Identifier(name), sql.Identifier(connections[using].settings_dict["NAME"])
    lines = [
        sql.SQL("alter role {} reset all").format(role),
        sql.SQL("alter role {} in database {} reset all").format(role, database),
    ]
    if settings.LOGINS.get(name):
        lines.append(sql.SQL("alter role {} login").format(role))  # it may have been made before it had an address
    if password(name):
        lines.append(sql.SQL("alter role {} password {}").format(role, sql.Literal(password(name))))
    attempt(lines, "The password and settings of %s stay as they are", using, name)


def attempt(lines, words, using, *told):
    """Run these, all or none; an owner who may not is only warned."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            for line in lines:
                cursor.execute(line)
    except ProgrammingError as refusal:
        log.warning(f"{words}: %s", *told, refusal)


def grant(using: str):
    """Give each login exactly its rights on every table, sequence and function, and nothing else."""
    with connections[using].cursor() as cursor:
        for statement in [*database_statements(connections[using].settings_dict["NAME"]), *statements(cursor)]:
            cursor.execute(statement)


def database_statements(name: str) -> list:
    """Return the grants on the database itself: to connect, and not to make so much as a temporary table."""
    lines = ["revoke all on database {} from public", "grant connect on database {} to " + ", ".join(NAMES)]
    return [sql.SQL(line).format(sql.Identifier(name)) for line in lines]


def statements(cursor) -> list:
    """Return the grants, as one list that can be read and compared."""
    cursor.execute(
        "select tablename from pg_tables where schemaname = 'public' order by tablename",
    )
    tables = [name for (name,) in cursor.fetchall()]
    lines: list = [
        "revoke all on schema public from public",
        "revoke execute on all functions in schema public from public",
    ]
    for login in NAMES:
        lines += [
            f"revoke all on all tables in schema public from {login}",
            f"revoke all on all sequences in schema public from {login}",
            f"revoke all on all functions in schema public from {login}",
            f"revoke all on schema public from {login}",
        ]
    lines.append(f"grant usage on schema public to {', '.join(SURFACES)}")
    for table in tables:
        rights = ["select"]
        if table not in READ_ONLY:
            rights.append("insert")
        if table not in READ_ONLY | ADD_ONLY:
            rights.append("update")
        if table in DELETABLE:
            rights.append("delete")
        lines.append(sql.SQL("grant {} on {} to zarts_app").format(sql.SQL(", ".join(rights)), sql.Identifier(table)))
    lines.append("grant usage on all sequences in schema public to zarts_app")
    lines += built_in_statements(cursor)
    # Trigger functions run without a right of their own; these are called by name.
    lines.append("grant execute on function zarts_event_hash, zarts_facts_digest, zarts_carry_on to zarts_app")
    alike = "zarts_name_key, zarts_phone_key, zarts_domain_key, zarts_first_half, zarts_last_half, zarts_one_slip"
    lines.append(f"grant execute on function {alike} to zarts_app")
    # Counters are written by triggers; the clock adds them up, mends them and, once, tells what was before them.
    lines.append("grant execute on function numbers_add_up, numbers_mend, numbers_tell_history to zarts_app")
    # Two of these stand in what is compared each night.
    looking = "numbers_take_touched, numbers_count_offers, numbers_count_idle, numbers_tell_proof, numbers_minutes"
    looking += ", numbers_count_reports, numbers_count_claims"
    lines.append(f"grant execute on function {looking}, numbers_of_lead to zarts_app")
    lines.append("grant select on numbers_sum, numbers_drift to zarts_app")
    lines.append("grant execute on function zarts_search_mend, zarts_search_words, zarts_search_plain to zarts_app")
    # A privacy erase; who may is asked before, and the event that tells of it the function writes itself.
    erasing = "zarts_is_erasing, zarts_blanked_proof, zarts_erase, zarts_erase_reach, zarts_erase_names"
    looking = "zarts_erase_pattern, zarts_erase_letters, zarts_erase_anothers, zarts_erase_look, zarts_erase_named"
    lines.append(f"grant execute on function {erasing}, {looking} to zarts_app")
    return [*lines, *reads_statements(cursor), *PORTAL_GRANTS]


def reads_statements(cursor) -> list:
    """Return the grants on the prepared reads. What stands beside them in their schema nobody reads by itself."""
    cursor.execute("select viewname from pg_views where schemaname = 'reads' order by viewname")
    views = [name for (name,) in cursor.fetchall()]
    if not views:
        return []
    everybody = ", ".join(("public", *NAMES))
    lines = [
        f"revoke all on all tables in schema reads from {everybody}",
        f"revoke all on schema reads from {everybody}",
    ]
    lines.append(f"grant usage on schema reads to {', '.join(('zarts_app', *READS))}")
    for group, endings in READS.items():
        of_group = ", ".join(f"reads.{view}" for view in views if view.endswith(endings))
        lines.append(f"grant select on {of_group} to zarts_app, {group}")
    if each := ", ".join(f"reads.{view}" for view in views if view.endswith("_each")):
        lines.append(f"grant select on {each} to zarts_app")
    return lines


def built_in_statements(cursor) -> list:
    """Return the revokes of what PostgreSQL itself gives to everybody.

    With an advisory lock the portal's login could hold up every move of the staff, and with large objects fill the
    disk. An owner who is no superuser may not revoke them: then this only warns, and they stay.
    """
    cursor.execute(
        "select p.oid::regprocedure::text, p.proname like '%%advisory%%' from pg_proc p"
        " where p.pronamespace = 'pg_catalog'::regnamespace and (p.proname ~ '^pg_(try_)?advisory_(xact_)?(un)?lock'"
        " or p.proname in ('lo_creat', 'lo_create', 'lo_from_bytea')) order by 1"
    )
    lines = []
    for function, is_lock in cursor.fetchall():
        lines.append(f"revoke execute on function {function} from public")
        lines += [f"grant execute on function {function} to zarts_app"] * is_lock
    return lines
