"""The prepared reads as the product's own pages ask for them: `rows.reports.visible_to(user).only(…)`.

A model is made of each view by the catalogue, so that there is one list of columns. They stand in a registry of their
own: nothing migrates them, nobody has rights on them, and the application's login may only read them. A page names the
columns that it shows: what it does not name, the database does not look up.
"""

from typing import Any

from django.apps import apps
from django.apps.registry import Apps
from django.db import models

from handoff import cadence
from handoff.models import Report
from opportunities.models import Lead, Task
from opportunities.models.task import TaskQuerySet

from .catalogue import VIEWS, View

REGISTRY = Apps()
FIELDS: dict[str, Any] = {
    "bigint": models.BigIntegerField,
    "integer": models.IntegerField,
    "numeric": models.DecimalField,
    "date": models.DateField,
    "timestamp": models.DateTimeField,
    "text": models.TextField,
    "boolean": models.BooleanField,
    "time": models.TimeField,
    "json": models.JSONField,
}


class RowQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Return the rows of the records that this person may see: the same condition as for those."""
        return self.filter(self.model.record.reach(user))


class Row(models.Model):
    """One row of a view. What a record says of itself by these columns alone, its row says in the same words."""

    record: Any

    class Meta:
        abstract = True

    def __eq__(self, other):
        """A row stands for its record."""
        return isinstance(other, type(self) | self.record) and self.pk == other.pk

    def __hash__(self):
        return hash(self.pk)

    def staff_url(self, anchor: str = "") -> str:
        return self.record(pk=self.pk).staff_url(anchor)


class LeadRow(Row):
    __str__ = Lead.__str__

    class Meta(Row.Meta):
        abstract = True


class TaskRow(Row):
    __str__ = Task.__str__
    undecided = Task.undecided

    class Meta(Row.Meta):
        abstract = True

    @property
    def about(self) -> str:
        """Return the name of the opportunity or the lead that it belongs to."""
        return self.opportunity_name if self.opportunity_id else self.lead_name

    @property
    def mend_url(self) -> str:
        """Return the page that mends what it waits for."""
        return self.waits_for and (self.mended_at or self.parent_url)

    @property
    def parent_url(self) -> str:
        kind = "opportunity" if self.opportunity_id else "lead"
        above = self.record._meta.get_field(kind).related_model
        return above(pk=getattr(self, f"{kind}_id")).staff_url()


class TaskRowQuerySet(RowQuerySet):
    knowing_questions = TaskQuerySet.knowing_questions


class ReportRow(Row):
    CLOSED = Report.CLOSED
    is_open = Report.is_open
    covers = Report.covers

    class Meta(Row.Meta):
        abstract = True

    @property
    def is_late(self) -> bool:
        """Whether its day has passed, where the client is."""
        return self.is_open and self.due_on < cadence.today(self.time_zone)


def model_of(view: View, base=Row, queryset=RowQuerySet):
    """Return the model of a view. A column that is a choice is called as it is called on the record."""
    record = apps.get_model(view.of)
    choices = {field.name: field.choices for field in record._meta.concrete_fields if field.choices}
    fields: dict[str, Any] = {
        name: FIELDS[column.type](primary_key=name == "id", null=name != "id", choices=choices.get(name))
        for name, column in view.columns.items()
    }
    meta = type(
        "Meta", (), {"apps": REGISTRY, "app_label": "reads", "managed": False, "db_table": f'"reads"."{view.table}"'}
    )
    made = {"__module__": __name__, "Meta": meta, "record": record, "objects": queryset.as_manager(), **fields}
    return type(view.table, (base,), made)


leads = model_of(VIEWS["leads.admin"], LeadRow).objects
tasks = model_of(VIEWS["tasks.admin"], TaskRow, TaskRowQuerySet).objects
reports = model_of(VIEWS["reports.admin"], ReportRow).objects
messages = model_of(VIEWS["messages.admin"]).objects
