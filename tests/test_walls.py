"""The database's wall: whatever walks past `perform` is refused by PostgreSQL, for every state column there is."""

import io

import pgtrigger
import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from opportunities import walls
from opportunities.models import Lead
from opportunities.records import begin, perform
from tests.makers import a_lead
from tests.world import a_row_of

pytestmark = pytest.mark.django_db
RECORDS = walls.records()
# The walls' own words: any other refusal would prove nothing about them.
EDGE = "does not go from|begins as|never changed"


def illegal(model, stage):
    """Return the stages that this record cannot go to in one step."""
    legal = {after for before, after in model.edges() if before == stage} | {stage}
    return [other for other in model.Stage.values if other not in legal]


def refused(act, words=None):
    # COPY's own cursor says no in the driver's words, everything else in Django's.
    with pytest.raises((DatabaseError, psycopg.DatabaseError), match=words), transaction.atomic():
        act()
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


def test_a_wrong_stage_is_refused_however_it_is_written(world, subtests):
    for model in RECORDS:
        with subtests.test(model.__name__):
            row = a_row_of(model, world)
            for stage in [*illegal(model, row.stage), "no such stage"]:
                write_it_wrongly(model, row.pk, stage)


def write_it_wrongly(model, pk, stage):
    rows = model._base_manager.filter(pk=pk)
    refused(lambda: rows.update(stage=stage), EDGE)
    refused(lambda: raw(f"update {model._meta.db_table} set stage = %s where id = %s", [stage, pk]), EDGE)
    refused(lambda: ignore_triggers() or rows.update(stage=stage), EDGE)
    bulk = rows.get()
    bulk.__dict__["stage"] = stage
    refused(lambda: model._base_manager.bulk_update([bulk], ["stage"]), EDGE)


def test_a_legal_step_without_an_event_is_refused_at_commit(world, subtests):
    for model in RECORDS:
        with subtests.test(model.__name__):
            row = a_row_of(model, world)
            for before, after in model.edges():
                if before == row.stage and after != before:
                    refused(lambda after=after, row=row: type(row)._base_manager.filter(pk=row.pk).update(stage=after))


def test_a_record_is_born_in_its_first_stage_only(world, subtests):
    for model in RECORDS:
        with subtests.test(model.__name__):
            row = a_row_of(model, world)
            first = model._meta.get_field("stage").default
            for stage in model.Stage.values:
                if stage != first:
                    bear_it_wrongly(row, stage)


def bear_it_wrongly(row, stage):
    rows = type(row)._base_manager
    refused(lambda: copy_of(row, stage).save(force_insert=True), EDGE)
    refused(lambda: rows.create(**values_of(row, stage)), EDGE)
    refused(lambda: rows.bulk_create([copy_of(row, stage)]), EDGE)
    refused(lambda: ignore_triggers() or copy_of(row, stage).save(force_insert=True), EDGE)


def values_of(row, stage):
    """Return the values of this record for `create`, with a stage of its own."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key and not field.generated]
    return {field.attname: getattr(row, field.attname) for field in fields} | {"stage": stage}


def copy_of(row, stage):
    """Return a new record like this one, in a stage of its own."""
    twin = type(row)._base_manager.get(pk=row.pk)
    twin.pk = twin.id = None
    twin._state.adding = True
    twin.__dict__["stage"] = stage
    return twin


def ignore_triggers():
    """Set what `pgtrigger.ignore()` sets. It cannot itself: our statements are bound on the server, one at a time."""
    ids = [wall.get_pgid(model) for model, wall in pgtrigger.registered()]
    raw("select set_config('pgtrigger.ignore', %s, true)", ["{" + ",".join(ids) + "}"])


def raw(statement, params=()):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_a_record_that_nobody_told_the_diary_about_is_refused_at_commit(ada):
    refused(lambda: Lead(name="Silent", owner=ada).save())
    begin(Lead(name="Told", owner=ada), by=ada)


def test_copy_into_a_table_meets_the_same_wall(ada):
    lead = a_lead(ada)
    columns = (
        "name, company, email, phone, website, country, words, consent, external_ref, arrived_at, next_action, "
        "owner_id, diary_id, stage"
    )
    line = f"Copied\t\t\t\t\t\t\t{{}}\t\t2026-01-01\tCall\t{ada.pk}\t{lead.diary_id}\tqualified\n"

    def copy():
        with connection.cursor() as cursor, cursor.copy(f"copy opportunities_lead ({columns}) from stdin") as pipe:
            pipe.write(io.StringIO(line).read())

    refused(copy, EDGE)


def test_an_event_of_an_earlier_transaction_does_not_count(ada):
    lead = perform(a_lead(ada).work, by=ada)
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("set constraints all deferred")
    # The event says new to working; the step from working to disqualified has none.
    refused(lambda: Lead.objects.filter(pk=lead.pk).update(stage="disqualified"))


def test_the_walls_let_an_ordinary_update_through(ada):
    lead = a_lead(ada)
    Lead.objects.filter(pk=lead.pk).update(phone="555", stage=F("stage"))
