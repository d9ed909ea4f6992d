"""Apply many migration operations as one: `migrate` then looks at the finished models once, not after each."""

from django.db.migrations import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterUniqueTogether,
    CreateModel,
    RemoveField,
    RenameField,
    RunPython,
    RunSQL,
)
from django.db.migrations.operations.base import Operation


class AtOnce(Operation):
    """Operations that are applied as one, new tables as the last of them leaves them; backwards, one by one."""

    # Part of the table already when the finished model is created.
    WITHIN = (AddField, AddIndex, AddConstraint, AlterUniqueTogether)

    def __init__(self, operations):
        self.operations = operations

    @property
    def reversible(self):
        return all(operation.reversible for operation in self.operations)

    def state_forwards(self, app_label, state):
        # Models that were drawn before would be drawn again after every single step.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        made = made_by(self.operations)
        for operation in self.operations:
            model = getattr(operation, "model_name_lower", None) or getattr(operation, "name_lower", None)
            if not (isinstance(operation, self.WITHIN) and model in made):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        singly = Migration("singly", app_label)
        singly.operations = self.operations
        singly.unapply(to_state, schema_editor)

    def describe(self):
        return "Make the tables"


def made_by(operations) -> set[str]:
    """Return the models that these operations make."""
    return {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}


def at_once(operations) -> list[Operation]:
    """Return the operations in as few steps as they allow: Python code sees the models of just its own place."""
    steps: list[list[Operation]] = [[]]
    for operation in operations:
        if stands_alone(operation):
            steps += [[operation], []]
        elif comes_after(operation, steps[-1]):
            steps.append([operation])
        else:
            steps[-1].append(operation)
    return [AtOnce(step) if len(step) > 1 else step[0] for step in steps if step]


def stands_alone(operation) -> bool:
    return isinstance(operation, RunPython | RenameField)


def comes_after(operation, step) -> bool:
    """Return whether it changes a column that the step brings or changes, or what is made with a table of the step."""
    made = made_by(step)
    if isinstance(operation, RunSQL):
        # Triggers are made with their table, and may need the functions.
        return bool(made)
    if not isinstance(operation, AlterField | RemoveField):
        return False
    column = operation.model_name_lower, operation.name_lower
    columns = [
        (one.model_name_lower, one.name_lower) for one in step if isinstance(one, AddField | AlterField | RemoveField)
    ]
    return operation.model_name_lower in made or column in columns
