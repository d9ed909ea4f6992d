"""Which columns a list can show, and what stands in them: for a page in words, for a file as plain values."""

from datetime import date, datetime
from decimal import Decimal

from django.contrib.admin.utils import label_for_field, lookup_field
from django.db import models
from django.utils.html import strip_tags
from django.utils.text import capfirst

from ..money import MoneyField

# What the rows of a list may point to and name in a column: their names are read along, and lead no further.
NAMED = {
    *("opportunities.client", "opportunities.contact", "opportunities.opportunity", "opportunities.source"),
    *("opportunities.team", "opportunities.user", "proposals.service"),
}
PLAIN = (models.CharField, models.DateField, models.IntegerField, models.DecimalField, models.BooleanField)
# How a record is kept, which nobody reads.
TECHNICAL = {"record_type", "record_id", "permission", "digest", "bound", "key", "field", "template"}


def offered(page, user) -> dict[str, str]:
    """Return the columns that this person may have on a list, each with its words: the usual ones first."""
    names = [*page.list_display, *page.list_more]
    if page.offers_its_fields:
        names += [field.name for field in page.opts.concrete_fields if is_plain(field)]
    return {name: label_of(page, name) for name in dict.fromkeys(names) if may_see(page, name, user)}


def label_of(page, name) -> str:
    return "No." if name == "id" else capfirst(label_for_field(name, page.model, page))


def is_plain(field) -> bool:
    """Whether a field that is edited on the record's page can stand in a cell."""
    if field.name in TECHNICAL or not field.editable:
        return False
    if field.related_model:
        return field.many_to_one and field.related_model._meta.label_lower in NAMED
    return isinstance(field, PLAIN) or field.primary_key


def may_see(page, name, user) -> bool:
    """Whether this person may see what a column names: a kind of record that is closed to them is not offered."""
    related = next((field.related_model for field in page.opts.concrete_fields if field.name == name), None)
    if related is None:
        return True
    return user.has_perm(f"{related._meta.app_label}.view_{related._meta.model_name}")


def with_names(page, rows, names):
    """Read along what the added columns point to."""
    more = [
        field.name
        for field in page.opts.concrete_fields
        if field.related_model and field.name in names and field.name not in page.list_display
    ]
    return rows.select_related(*more) if more else rows


# -- For a file. -------------------------------------------------------------------------------------------------------


def heads(page, names, zone) -> list[str]:
    """Return what stands above the columns of a file. A time says in which zone it is."""
    found = []
    for name in names:
        field = field_of(page, name)
        is_time = isinstance(field, models.DateTimeField) or hasattr(getattr(page, name, None), "is_time")
        zoned = f" ({zone.key})" if is_time else ""
        found += [label_of(page, name) + zoned, *(["Currency"] if says_currency(page, field, names) else [])]
    return found


def values(page, names, row, zone) -> list:
    """Return the cells of a row as plain values: numbers, days, times of that zone, words."""
    found = []
    for name in names:
        field, _, value = lookup_field(name, row, page)
        if field is not None and getattr(field, "flatchoices", None):
            value = dict(field.flatchoices).get(value, value)
        found.append(plain(value, zone))
        if says_currency(page, field, names):
            found.append(row.currency)
    return found


def field_of(page, name):
    return next((field for field in page.opts.concrete_fields if field.name == name), None)


def says_currency(page, field, names) -> bool:
    """Whether an amount needs its currency beside it, because no column says it."""
    return isinstance(field, MoneyField) and "currency" not in names and field_of(page, "currency") is not None


def plain(value, zone):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, (date, int, Decimal, float)):
        return value
    return strip_tags(str(value)) if hasattr(value, "__html__") else str(value)
