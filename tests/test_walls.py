"""The database's wall: whatever walks past `perform` is refused by PostgreSQL, for every state column there is."""

import io

import pgtrigger
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
each = pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)


def illegal(model, stage):
    """Return the stages that this record cannot go to in one step."""
    legal = {after for before, after in model.edges() if before == stage} | {stage}
    return [other for other in model.Stage.values if other not in legal]


def refused(act):
    with pytest.raises(DatabaseError), transaction.atomic():
        act()
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


@each
def test_a_wrong_stage_is_refused_however_it_is_written(model, world):
    row = a_row_of(model, world)
    rows = model._base_manager.filter(pk=row.pk)
    for stage in [*illegal(model, row.stage), "no such stage"]:
        refused(lambda stage=stage: rows.update(stage=stage))
        refused(lambda stage=stage: raw(f"update {model._meta.db_table} set stage = %s where id = %s", [stage, row.pk]))
        with pgtrigger.ignore():
            refused(lambda stage=stage: rows.update(stage=stage))
        bulk = model._base_manager.get(pk=row.pk)
        bulk.__dict__["stage"] = stage
        refused(lambda bulk=bulk: model._base_manager.bulk_update([bulk], ["stage"]))


@each
def test_a_legal_step_without_an_event_is_refused_at_commit(model, world):
    row = a_row_of(model, world)
    for before, after in model.edges():
        if before == row.stage and after != before:
            refused(lambda after=after: model._base_manager.filter(pk=row.pk).update(stage=after))


@each
def test_a_record_is_born_in_its_first_stage_only(model, world):
    row = a_row_of(model, world)
    first = model._meta.get_field("stage").default
    for stage in model.Stage.values:
        if stage != first:
            refused(lambda stage=stage: copy_of(row, stage).save(force_insert=True))
            refused(lambda stage=stage: model._base_manager.bulk_create([copy_of(row, stage)]))
            with pgtrigger.ignore():
                refused(lambda stage=stage: copy_of(row, stage).save(force_insert=True))


def copy_of(row, stage):
    """Return a new record like this one, in a stage of its own."""
    twin = type(row)._base_manager.get(pk=row.pk)
    twin.pk = twin.id = None
    twin._state.adding = True
    twin.__dict__["stage"] = stage
    return twin


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

    refused(copy)


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
