"""Which rows of a list are due when."""

from datetime import datetime, time, timedelta

from django.db.models import DateTimeField, Q
from django.utils import timezone

DUE = {"overdue": "Overdue", "today": "Today", "week": "This week", "none": "No date"}


def is_due(value: str, field) -> Q:
    """Return the condition for rows whose day or time in this field is as a filter says."""
    today = timezone.localdate()
    first, last = {"today": (today, today), "week": (today, today + timedelta(days=6 - today.weekday()))}.get(
        value, (None, None)
    )
    if value == "none":
        return Q(**{field.name: None})
    timed = isinstance(field, DateTimeField)
    if value == "overdue":
        return Q(**{f"{field.name}__lt": timezone.now() if timed else today})
    if timed:
        return Q(**{f"{field.name}__gte": morning(first), f"{field.name}__lt": morning(last + timedelta(days=1))})
    return Q(**{f"{field.name}__range": (first, last)})


def morning(day):
    return timezone.make_aware(datetime.combine(day, time()))


def due_field(page):
    """Return the field in which the rows of a list say when they are owed, or None."""
    fields = (field for field in page.opts.concrete_fields if field.name in ("due_on", "due_at"))
    return next((field for field in fields if field.name in page.list_display), None)
