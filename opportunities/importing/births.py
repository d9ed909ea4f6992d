"""Many records at once: born, moved and told in sets. The walls and the chain of the diaries are met all the same."""

from typing import Any

from django.db import connection, models

from ..models import Event


class Now:
    """A value that is the same for all rows; whatever else is given is an expression in SQL."""

    def __init__(self, value):
        self.value = value


def columns_of(model, given: dict[str, Any]):
    """Yield (column, expression, parameters) of a new row: what is given, and the model's own default of all else."""
    for field in model._meta.concrete_fields:
        value = given.get(field.attname, given.get(field.name))
        if isinstance(value, str):
            yield field.column, value, []
        elif value is not None:
            yield field.column, *constant(field, value.value)
        elif field.generated or field.primary_key or field.db_default is not models.NOT_PROVIDED:
            continue
        else:
            yield field.column, *constant(field, field.get_default())


def constant(field, value):
    prepared = field.get_db_prep_save(value, connection)
    return f"%s::{field.db_type(connection)}", [prepared]


def birth(model, source: str, /, **given) -> tuple[str, list]:
    """Return the statement that makes a row of a model for each row of `source` ("from … where …")."""
    rows = list(columns_of(model, given))
    names = ", ".join(f'"{column}"' for column, _, _ in rows)
    expressions = ", ".join(expression for _, expression, _ in rows)
    params = [param for _, _, params in rows for param in params]
    return f'insert into "{model._meta.db_table}" ({names}) select {expressions} {source}', params


def event(model, source: str, verb: str, past: str, /, *, by, **given) -> tuple[str, list]:
    """Return the statement that tells one line in the diary of each row of `source`."""
    actor = {name: Now(getattr(value, "pk", value)) for name, value in Event.actor_fields(by).items()}
    actor = {f"{name}_id" if name in ("actor", "contact") else name: value for name, value in actor.items()}
    said = {
        "verb": Now(f"{model._meta.model_name}.{verb}"),
        "past": Now(past),
        "record_type": Now(model.label()),
        **actor,
        **given,
    }
    return birth(Event, source, **said)


def run(cursor, made: tuple[str, list], more=()) -> int:
    """Run a statement of ours; `more` are the parameters of its source, which come after its own."""
    statement, params = made
    cursor.execute(statement, [*params, *more])
    return cursor.rowcount


def numbers(cursor, table: str, count: int) -> list[int]:
    """Set aside so many numbers of a table."""
    query = "select nextval(pg_get_serial_sequence(%s::text, 'id'::text)) from generate_series(1, %s::int)"
    cursor.execute(query, [table, count])
    return [number for (number,) in cursor.fetchall()]
