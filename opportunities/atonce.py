"""Apply many migration operations as one: `migrate` then looks at the finished models once, not after each."""

from django.db.migrations.operations import AddConstraint, AddField, AddIndex, AlterUniqueTogether, CreateModel
from django.db.migrations.operations.base import Operation


class AtOnce(Operation):
    """Operations that are applied as one, forwards only. A new table is made as the last of them leaves it."""

    reversible = False
    # Part of the table already when the finished model is created.
    WITHIN = (AddField, AddIndex, AddConstraint, AlterUniqueTogether)

    def __init__(self, operations):
        self.operations = operations

    def state_forwards(self, app_label, state):
        # Models that were drawn before would be drawn again after every single step.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        made = {operation.name_lower for operation in self.operations if isinstance(operation, CreateModel)}
        for operation in self.operations:
            model = getattr(operation, "model_name_lower", None) or getattr(operation, "name_lower", None)
            if not (isinstance(operation, self.WITHIN) and model in made):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        return "Make the tables"
