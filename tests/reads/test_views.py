"""The prepared reads in the database: their columns, their words, who reads them, and how."""

from unittest import mock

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from guardian.shortcuts import assign_perm

from handoff import publishing
from handoff.models import ReportNote
from opportunities.followups import end_of_day
from opportunities.models import Message, Opportunity, Task
from opportunities.records import begin, edit
from portal.models import Publication
from tests import database
from tests.makers import an_opportunity
from tests.makers_handoff import a_report
from tests.makers_proposals import a_proposal, a_summary
from zarts.reads import catalogue, reading
from zarts.reads.catalogue import SOURCES, VIEWS

pytestmark = pytest.mark.django_db

# Every column that a portal-safe view may have. One that is added is argued for here.
PORTAL_SAFE = {
    "report_notes": ["id", "client_id", "title", "period_from", "period_to", "words", "published_at"],
    "leads": ["id", "client_id", "title", "number", "words", "valid_until", "published_at"],
    "clients": ["id", "client_id", "title", "place", "next_step", "next_by", "is_over", "published_at"],
    "projects": [
        *("id", "client_id", "title", "kickoff_on", "kickoff_time", "zone", "lead_by", "is_open", "ended_on"),
        *("next_report_on", "published_at"),
    ],
    "tasks": ["id", "client_id", "title", "part", "done_by", "due_on", "is_done", "published_at"],
    "audits": ["id", "client_id", "title", "words", "published_at"],
    "reports": [
        *("id", "client_id", "title", "client_name", "period_from", "period_to", "words", "numbers", "next_steps"),
        *("next_report_on", "published_at"),
    ],
    "messages": ["id", "client_id", "kind", "title", "words", "said_by", "published_at"],
}
NAMED = "report_notes leads clients projects tasks audits reports messages".split()  # noqa: SIM905


@pytest.fixture
def house(ada, ben, dora):
    """Two deals of Ada's that have rows in every view: one whose first report is out, one that was sent an offer."""
    report = a_report(ada, manager=ben, delivery=dora, stage="published")
    begin(ReportNote(report=report, words="Their developer is leaving in spring.", author=dora), by=dora)
    publishing.publish_notice(report, report.summary)
    deal = an_opportunity(ada, stage="proposal")
    finding = a_summary(ada, approver=ben, stage="approved", opportunity=deal)
    offer = a_proposal(ada, approver=ben, stage="sent", opportunity=deal)
    contract = report.project.handoff.contract
    for about in (offer, offer.approvals.first(), contract, finding):
        mine = {"opportunity": about.opportunity, "owner": ada, "record_type": about.label(), "record_id": about.pk}
        begin(Task(title="Look at it", due_at=end_of_day(timezone.localdate()), **mine), by=ada)
        to = {"client": about.opportunity.client, "contact": about.opportunity.decision_owner}
        begin(Message(subject="About it", body="Here it is.", **to, **mine), by=ada)
    return deal


def columns_of(table):
    """Return what the database says of a view: each column with its type and its comment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select column_name, data_type, col_description(%s::regclass, ordinal_position) from "
            "information_schema.columns where table_schema = 'reads' and table_name = %s order by ordinal_position",
            [f"reads.{table}", table],
        )
        return {name: (catalogue.TYPES.get(kind, kind), words) for name, kind, words in cursor.fetchall()}


def test_the_guides_eight_sources_have_five_views_each():
    assert sorted(SOURCES) == sorted(NAMED)
    assert {kind for source in SOURCES.values() for kind in source.views} == set(catalogue.KINDS)
    assert len(VIEWS) == 40


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_columns_types_and_sentences_that_the_catalogue_says(name):
    view = VIEWS[name]
    assert columns_of(view.table) == {
        column.name: ({"timestamp": "timestamp"}.get(column.type, column.type), column.words)
        for column in view.columns.values()
    }
    assert list(columns_of(view.table)) == list(view.columns)
    assert view.columns["id"].type == "bigint"
    if view.is_internal:
        assert {"owner_id", "team_id"} <= set(view.columns)


@pytest.mark.parametrize("source", SOURCES)
def test_a_portal_safe_view_has_the_written_columns_and_no_other(source):
    assert list(columns_of(f"{source}_portal")) == PORTAL_SAFE[source]


def rows_of(view, user=None):
    asked = reading.Asked(view, list(view.columns))
    return [dict(zip(view.columns, row[1:], strict=True)) for row in reading.rows_of(asked, user, 1000)]


def words_in(value):
    """Yield every text in a value, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from words_in(each)
    elif value is not None:
        yield str(value)


def test_a_portal_safe_view_says_nothing_that_no_publication_says(house):
    """Each word that it holds stands in what is published and not taken back."""
    published = [
        word for one in Publication.objects.filter(withdrawn_at=None) for word in words_in([one.title, one.body])
    ]
    said = "\n".join(published)
    filled = 0
    for view in VIEWS.values():
        if view.is_internal:
            continue
        for row in rows_of(view):
            filled += 1
            for name, column in view.columns.items():
                if column.type not in ("text", "json") or name == "kind":
                    continue
                value = reading.as_json(row[name], column.type)
                for word in words_in(value):
                    assert all(part in said for part in word.split("\n\n")), (str(view), name)
    assert filled


def test_what_was_taken_back_is_in_no_portal_safe_view(house):
    for one in Publication.objects.filter(withdrawn_at=None):
        one.withdraw("Taken back.")
    assert {str(view): rows_of(view) for view in VIEWS.values() if not view.is_internal and rows_of(view)} == {}


def test_a_view_shows_its_owner_what_is_theirs_and_a_stranger_nothing(house, ada, ben, cem, subtests):
    for name, view in VIEWS.items():
        with subtests.test(name):
            everything = rows_of(view)
            assert everything
            assert rows_of(view, ada) == everything
            assert rows_of(view, ben) == everything
            assert rows_of(view, cem) == []


def test_a_shared_deal_is_read_by_whoever_it_is_shared_with(house, cem):
    assign_perm("view_opportunity", cem, house)
    seen = {str(view) for view in VIEWS.values() if rows_of(view, cem)}
    assert {"audits.admin", "audits.portal", "clients.admin", "tasks.proposal", "messages.approval"} <= seen
    assert not seen & {"leads.admin", "projects.admin", "reports.portal", "tasks.contract"}


def test_what_stands_beside_a_row_is_within_reach_as_well(house, ada, ben, cem):
    """Ada keeps the client, the lead and the tasks when a deal is given to Cem, and reads nothing of it any more."""
    sold = Opportunity.objects.exclude(pk=house.pk).get()
    second = an_opportunity(ada, stage="proposal", client=sold.client)
    a_proposal(ada, approver=ben, opportunity=second)
    beside = [view for view in VIEWS.values() if view.kind in catalogue.BESIDE]

    def seen(user):
        return {str(view): {row["opportunity_id"] for row in rows_of(view, user)} for view in beside}

    assert second.pk in seen(ada)["clients.proposal"]
    edit(second, by=ben, owner=cem)

    # Of their client she is shown the newest deal that is hers.
    assert sold.pk in seen(ada)["clients.proposal"]
    assert seen(cem)["clients.proposal"] == {second.pk}
    edit(sold, by=ben, owner=cem)
    assert set().union(*seen(ada).values()) == {house.pk}
    everything = seen(cem)
    assert set().union(*everything.values()) == {second.pk, sold.pk}
    with mock.patch.object(reading, "FEW", 0):
        assert set().union(*seen(ada).values()) == {house.pk}
        assert seen(cem) == everything


# -- Who reads them. ---------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(transactional_db):
    with database.login("reader") as connection:
        yield connection


def refused(connection, statement):
    with pytest.raises(psycopg.Error) as error, connection.transaction():
        connection.execute(statement)
    return isinstance(error.value, psycopg.errors.InsufficientPrivilege)


def test_the_reader_reads_every_view_and_is_refused_everything_else(reader):
    """Every table, view, sequence, function and schema that there is."""
    for view in VIEWS.values():
        reader.execute(f"select * from reads.{view.table} limit 1")
    relations = reader.execute(
        "select format('%I.%I', nspname, relname) from pg_class c join pg_namespace n on n.oid = relnamespace where "
        "nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and relkind in ('r', 'v', 'm', 'p', 'S')"
    ).fetchall()
    known = {f"reads.{view.table}" for view in VIEWS.values()}
    others = [name for (name,) in relations if name not in known]
    assert len(others) > 80
    assert [name for name in others if not refused(reader, f"select * from {name} limit 1")] == []
    may = (
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = relnamespace "
        "where nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and relkind in ('r', 'v', 'p') and "
        "has_table_privilege(c.oid, 'insert, update, delete, truncate, references, trigger')"
    )
    assert reader.execute(may).fetchall() == []
    functions = (
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname "
        "not in ('pg_catalog', 'information_schema') and has_function_privilege(p.oid, 'execute') and "
        "has_schema_privilege(n.oid, 'usage')"
    )
    assert reader.execute(functions).fetchall() == []
    schemas = (
        "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)' and "
        "has_schema_privilege(oid, 'usage, create') order by 1"
    )
    assert reader.execute(schemas).fetchall() == [("reads",)]
    for statement in (
        "create table reads.mine (id int)",
        "create table public.mine (id int)",
        "create temporary table mine (id int)",
        "create schema mine",
        "update public.opportunities_lead set name = 'x'",
        "delete from public.opportunities_task",
        "select pg_advisory_lock(1)",
        "select lo_create(0)",
        "set role zarts_app",
        "select * from public.portal_publication",
    ):
        assert refused(reader, statement), statement


@pytest.mark.parametrize(("group", "reads"), [("zarts_reads_portal", False), ("zarts_reads_internal", True)])
def test_each_group_reads_its_own_views_and_not_the_others(group, reads, reader):
    reader.execute(f"set role {group}")
    for view in VIEWS.values():
        statement = f"select count(*) from reads.{view.table}"
        if view.is_internal == reads:
            reader.execute(statement)
        else:
            assert refused(reader, statement), view


def test_a_filter_that_fails_tells_nobody_what_was_taken_back(reader, transactional_db):
    """PostgreSQL looks at a row with a reader's own conditions only after the view's: an error would tell of it."""
    made = {"client_id": 1, "kind": "status", "body": {"about": "Secret", "path": []}}
    Publication.objects.create(ref="a:1", title="Where we are", **made).withdraw("Taken back.")
    rows = reader.execute("select id from reads.clients_portal where title::int = 1").fetchall()
    assert rows == []
