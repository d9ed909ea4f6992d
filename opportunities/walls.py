"""The database's own lock on every record: which stage may follow which, and that the diary was told.

The trigger functions are plain SQL of the owner's (sql/walls.sql, sql/chain.sql). pgtrigger only hangs them on
the tables and notices in `makemigrations` when a state machine changed: its switch to ignore triggers does not
reach them.
"""

import pgtrigger
from django.apps import apps


class Wall(pgtrigger.Trigger):
    """A trigger that calls one of the owner's functions with fixed words."""

    func = "RETURN NEW;"

    def __init__(self, *, calls, words=(), **kwargs):
        self.calls, self.words = calls, words
        super().__init__(**kwargs)

    def render_execute(self, model):
        words = ", ".join("'{}'".format(str(word).replace("'", "''")) for word in self.words)
        return f"public.{self.calls}({words})"


def walls_of(model):
    """Return the walls that stand around one kind of record."""
    first = model._meta.get_field("stage").default
    yield Wall(
        name="stage_edge",
        calls="zarts_keep_stage",
        words=[first, *(f"{before}>{after}" for before, after in model.edges())],
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("stage"),
    )
    yield Wall(
        name="stage_told",
        calls="zarts_keep_told",
        words=[model.label()],
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("OLD.stage IS DISTINCT FROM NEW.stage"),
        timing=pgtrigger.Deferred,
    )
    yield Wall(
        name="birth_told",
        calls="zarts_keep_told",
        words=[model.label()],
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
    )


def team_of_owner():
    """Return the wall that writes the owner's team beside the owner."""
    return Wall(
        name="team_of_owner",
        calls="zarts_keep_team",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("owner_id"),
    )


def frozen(name="frozen", *, unless="", operation=pgtrigger.Update | pgtrigger.Delete):
    """Return the wall of a table whose rows are never changed; `unless` is a condition in SQL on OLD and NEW."""
    return Wall(
        name=name,
        calls="zarts_forbid",
        when=pgtrigger.Before,
        operation=operation,
        condition=pgtrigger.Condition(f"NOT ({unless})") if unless else None,
    )


def settled(name, *columns, once=""):
    """Return the wall that keeps columns as they are, from when `once` holds: a condition in SQL on OLD and NEW."""
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    return Wall(
        name=name,
        calls="zarts_keep_settled",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(f"(({once}) AND ({changed}))" if once else changed),
    )


def held_to(name, calls):
    """Return the wall that asks one of the owner's functions, once a statement, about all the rows that it deletes."""
    return Wall(
        name=name,
        calls=calls,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        referencing=pgtrigger.Referencing(old="gone"),
    )


def records():
    """Return every kind of record that has a stage."""
    from .records import Record

    return [model for model in apps.get_models() if issubclass(model, Record)]


def build():
    """Hang the walls on every model that needs them. Called once, when all models are known."""
    from .scope import Scoped

    for model in records():
        for wall in walls_of(model):
            wall.register(model)
    for model in apps.get_models():
        if issubclass(model, Scoped):
            team_of_owner().register(model)
