"""What the portal's login is refused by the database, and what nobody may change."""

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from portal_makers import CONTRACT, HARBOR, MARTA, PIER, TOM, a_guest, a_link, a_publication

from portal.grants import PORTAL_CALLS
from portal.models import ClientAction, Guest, Publication, Session, SignInLink
from portal.tokens import new_token, token_hash

pytestmark = pytest.mark.django_db(transaction=True)


def ask(cursor, sql, *values, token=""):
    """Run one statement under the portal's login, in its own transaction, and return its rows."""
    cursor.execute("begin")
    try:
        cursor.execute("select set_config('zarts.token', %s, true)", [token])
        cursor.execute(sql, values)
        found = cursor.fetchall() if cursor.description else []
        cursor.execute("commit")
        return found
    except Exception:
        cursor.execute("rollback")
        raise


def is_refused(cursor, sql):
    try:
        ask(cursor, sql)
    except Exception as refusal:
        # A view that adds up takes no row from anybody, and is no table to empty.
        words = ("permission denied", "must be owner", "cannot insert into view", "cannot delete from view")
        return any(each in str(refusal) for each in (*words, "is not a table"))
    return False


def tables():
    with connection.cursor() as cursor:
        cursor.execute(
            "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')"
            " and n.nspname not like 'pg\\_%'"
        )
        return [name for (name,) in cursor.fetchall()]


def test_the_portal_can_read_no_table_but_publications_and_their_papers(portal_cursor):
    others = [table for table in tables() if table not in ("public.portal_publication", "public.portal_paper")]

    assert len(others) >= 8
    assert [table for table in others if not is_refused(portal_cursor, f"select 1 from {table}")] == []


def test_the_portal_can_write_no_table_at_all(portal_cursor):
    statements = [
        statement
        for table in tables()
        for statement in (
            f"insert into {table} default values",
            f"delete from {table}",
            f"truncate {table}",
            f"alter table {table} add column x int",
            f"drop table {table}",
        )
    ]
    statements.append("update public.portal_publication set title = 'x'")

    assert [statement for statement in statements if not is_refused(portal_cursor, statement)] == []


def test_the_agencys_own_columns_of_a_publication_are_out_of_reach(portal_cursor):
    for column in ("approved_by", "withdrawn_reason", "opportunity_id", "*"):
        assert is_refused(portal_cursor, f"select {column} from public.portal_publication")


def test_the_portal_can_call_its_doors_and_no_other_function_of_ours(portal_cursor):
    with connection.cursor() as cursor:
        cursor.execute(
            "select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace"
            " and p.proname like 'portal\\_%' and has_function_privilege('zarts_portal', p.oid, 'execute')"
        )
        assert {name for (name,) in cursor.fetchall()} == set(PORTAL_CALLS)


def test_without_a_token_nothing_is_seen(portal_cursor):
    a_publication()

    for token in ("", "x", "' or true --", "*"):
        assert ask(portal_cursor, "select id from portal_publication", token=token) == []


def test_a_session_sees_its_own_clients_publications_only(portal_cursor):
    own, other = a_publication(), a_publication(client_id=PIER, ref="proposal:2")
    link, session = SignInLink.mint(a_guest()), new_token()
    assert ask(portal_cursor, "select portal_sign_in(%s, %s)", link, token_hash(session)) == [(HARBOR,)]

    assert ask(portal_cursor, "select id from portal_publication", token=session) == [(own.pk,)]
    assert ask(portal_cursor, "select id from portal_publication where id = %s", other.pk, token=session) == []


def test_the_hash_of_a_token_is_not_a_token(portal_cursor):
    a_publication()
    link, session = SignInLink.mint(a_guest()), new_token()
    ask(portal_cursor, "select portal_sign_in(%s, %s)", link, token_hash(session))

    assert ask(portal_cursor, "select id from portal_publication", token=token_hash(session)) == []


def test_a_link_sees_its_own_publication_only(portal_cursor):
    link, token = a_link()
    a_publication(ref="proposal:2")

    assert ask(portal_cursor, "select id from portal_publication", token=token) == [(link.publication_id,)]


def test_revoked_guests_links_and_withdrawn_publications_show_nothing(portal_cursor):
    guest = a_guest()
    link, session = SignInLink.mint(guest), new_token()
    ask(portal_cursor, "select portal_sign_in(%s, %s)", link, token_hash(session))
    publication = a_publication()
    mailed, token = a_link(publication)
    seen = "select id from portal_publication"
    assert ask(portal_cursor, seen, token=session) == ask(portal_cursor, seen, token=token) == [(publication.pk,)]

    mailed.revoke()
    assert ask(portal_cursor, seen, token=token) == []
    publication.withdraw("A price was wrong.")
    assert ask(portal_cursor, seen, token=session) == []
    a_publication(ref="proposal:2")
    assert len(ask(portal_cursor, seen, token=session)) == 1
    Guest.objects.filter(pk=guest.pk).update(revoked_at="2026-01-01T00:00Z")
    assert ask(portal_cursor, seen, token=session) == []


def test_the_portal_can_not_become_somebody_else(portal_cursor):
    for sql in ("set role zarts_app", "set session authorization zarts_app", "alter role zarts_portal superuser"):
        with pytest.raises(Exception, match=r"denied|must be|role"):
            ask(portal_cursor, sql)


def test_the_portal_can_make_nothing_of_its_own(portal_cursor):
    for sql in (
        "create table t (x int)",
        "create function f() returns int language sql as 'select 1'",
        "create schema s",
        "create view v as select 1",
        "copy portal_publication (title) to program 'true'",
        "select pg_read_file('/etc/passwd')",
        "select lo_import('/etc/passwd')",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be"):
            ask(portal_cursor, sql)


def test_a_temporary_table_does_not_stand_in_for_ours(portal_cursor):
    a_publication()
    try:
        portal_cursor.execute("create temporary table portal_session (client_id bigint, token_hash text)")
    except psycopg.errors.InsufficientPrivilege:
        return
    portal_cursor.execute("insert into portal_session values (1, encode(sha256('x'), 'hex'))")
    assert ask(portal_cursor, "select id from portal_publication", token="x") == []


def test_a_publication_is_frozen_even_for_staff():
    publication = a_publication()
    rows = Publication.objects.filter(pk=publication.pk)

    for change in (
        lambda: rows.update(title="Other words"),
        lambda: rows.update(withdrawn_reason="without a date"),
        lambda: rows.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_publication_is_withdrawn_once():
    publication = a_publication()
    publication.withdraw("A price was wrong.")

    with pytest.raises(DatabaseError), transaction.atomic():
        Publication.objects.filter(pk=publication.pk).update(withdrawn_reason="Something else")
    with pytest.raises(DatabaseError), transaction.atomic():
        Publication.objects.filter(pk=publication.pk).update(withdrawn_at=None)


def test_staff_can_not_change_what_a_client_did(portal_cursor):
    _, token = a_link()
    ask(portal_cursor, "select portal_open(%s, %s, '', '', false, '', '')", token, new_token())

    for change in ({"verb": "accepted"}, {"words": "x"}, {"at": "2026-01-01T00:00Z"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            ClientAction.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        ClientAction.objects.all()._raw_delete("default")
    assert ClientAction.objects.update(outcome="Viewed.") == 1


def test_a_signature_needs_a_session_a_signer_and_the_very_words(portal_cursor):
    contract = a_publication(kind="contract", body=CONTRACT)
    others = a_publication(kind="contract", client_id=PIER, ref="contract:9", body=CONTRACT)
    tokens = {}
    for contact in (MARTA, TOM):
        tokens[contact] = new_token()
        link = SignInLink.mint(a_guest(contact_id=contact))
        ask(portal_cursor, "select portal_sign_in(%s, %s)", link, token_hash(tokens[contact]))

    def sign(token=None, publication=contract, version="sign-1", digest=None, name="Marta Lind", role="Owner"):
        sql = "select portal_sign(%s, %s, %s, %s, %s, %s, '', '')"
        values = (token or tokens[MARTA], publication.pk, name, role, version, digest or publication.digest)
        return ask(portal_cursor, sql, *values)[0][0]

    assert sign(token="x" * 43) == "signed_out"
    assert sign(token=tokens[TOM]) == "not_signer"
    assert sign(publication=others) == "unknown"
    assert sign(version="sign-0") == "words"
    assert sign(digest="0" * 64) == "changed"
    for unread in ("", "\u202e\u200b", "\n\t", "Mar\u00adta", "\u3164", "12", "x" * 4000):
        assert sign(name=unread) == sign(role=unread) == "refused"
    assert sign() == "signed"
    assert sign() == "already"
    signature = ClientAction.objects.get(verb="signed")
    assert signature.digest == contract.digest
    assert signature.data == {"consent": CONTRACT["consent"]}


def test_a_session_lasts_a_fortnight_and_belongs_to_its_guests_client(portal_cursor):
    session = new_token()
    ask(portal_cursor, "select portal_sign_in(%s, %s)", SignInLink.mint(a_guest()), token_hash(session))

    made = Session.objects.get()
    assert (made.client_id, (made.expires_at - made.created_at).days) == (HARBOR, 14)
    assert made.token_hash == token_hash(session)
