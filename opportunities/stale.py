"""A page that was opened before others wrote: what its writer did not touch stays as it is now, and nothing is undone.

Each form of a record carries the marks of what stood in its fields when it was shown, as the pages of discoveries and
proposals do. A field that both changed is refused at its place, with what it says now and who wrote that.
"""

import json
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.db import models
from django.utils import formats
from django.utils.functional import cached_property

from .models import Event
from .models.discovery import mark
from .models.task import said


class SeenFields(forms.BaseModelForm):
    """What a form of a record knows of what its writer saw. It stands before the form among the bases of a class."""

    data: Any

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Kept before the form writes into its record.
        self.there = {}
        if self.instance.pk:
            kept = {name: field for name, field in self.fields.items() if not field.disabled}
            self.there = {name: self.get_initial_for_field(field, name) for name, field in kept.items()}
        self.newer: list = []

    @cached_property
    def seen(self) -> dict:
        """Return the marks that the page carried. A page that carried none saw what stands there now."""
        with suppress(ValueError, RecursionError):
            given = json.loads(self.data.get("seen") or "{}")
            if isinstance(given, dict):
                return {name: given[name] for name in self.there if isinstance(given.get(name), str)}
        return {}

    @property
    def marks(self) -> str:
        """Return the marks for the page. Where newer words were refused, the writer has seen those now."""
        now = {name: mark(normal(value)) for name, value in self.there.items()}
        if self.is_bound:
            now |= {name: each for name, each in self.seen.items() if name not in self.newer}
        return json.dumps(now) if now else ""

    def is_newer(self, name) -> bool:
        """Whether somebody wrote in a field since the page was opened."""
        return name in self.seen and self.seen[name] != mark(normal(self.there[name]))

    def is_touched(self, name) -> bool:
        """Whether the writer changed what they saw in a field."""
        return name not in self.cleaned_data or mark(normal(self.cleaned_data[name])) != self.seen.get(name)

    @cached_property
    def changed_data(self) -> list:
        return [name for name in super().changed_data if not self.is_newer(name) or self.is_touched(name)]

    def _clean_fields(self):
        """Let what was not touched be as it is now, before anything is compared; refuse what both changed."""
        super()._clean_fields()
        for name in [name for name in self.there if self.is_newer(name)]:
            if not self.is_touched(name):
                self.cleaned_data[name] = self.as_it_is_now(name)
                continue
            mine, now = normal(self.cleaned_data.get(name)), normal(self.there[name])
            if name in self.cleaned_data and mine != now:
                self.newer.append(name)
                self.add_error(name, self.said_of_newer(name))

    def as_it_is_now(self, name):
        field, model = self.fields[name], self.instance._meta
        if name in {each.name for each in model.many_to_many}:
            return getattr(self.instance, name).all()
        if name in {each.name for each in model.concrete_fields}:
            return getattr(self.instance, name)
        with suppress(forms.ValidationError):
            return field.clean(self.there[name])
        return self.cleaned_data[name]

    def said_of_newer(self, name) -> str:
        now = words_of(self.instance, name, self.there[name])
        wants = "Yours stands here: put together what you want to keep, then save again."
        return f"{who_wrote(self.instance, name)} changed this meanwhile. It says now: {now} {wants}"


class SeenForm(SeenFields, forms.ModelForm):
    """The form of a record whose writer loses nothing, and undoes nothing."""


def normal(value):
    """Return a value of a field as text, the same whether a record holds it or a form read it."""
    if value in (None, "", [], ()):
        return ""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, models.QuerySet | list | tuple):
        return json.dumps(sorted(normal(each) for each in value))
    if isinstance(value, datetime):
        return str(int(value.timestamp()) // 60)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).replace("\r\n", "\n").strip()


def words_of(record, name, value) -> str:
    """Say what stands in a field, for whoever was about to write over it."""
    if normal(value) == "":
        return "nothing."
    field = next((each for each in record._meta.fields if each.name == name), None)
    if field is not None and field.flatchoices:
        value = dict(field.flatchoices).get(value, value)
    elif field is not None and field.related_model:
        value = getattr(record, name)
    elif isinstance(value, datetime):
        value = said(value)
    elif isinstance(value, date):
        value = formats.date_format(value, "D j M Y")
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list | tuple | models.QuerySet):
        value = ", ".join(map(str, value))
    return f"“{value}”."


def who_wrote(record, name) -> str:
    """Return who wrote last in a field."""
    about = Event.objects.filter(record_type=record.label(), record_id=record.pk, facts__values__has_key=name)
    return about.order_by("-pk").values_list("actor_name", flat=True).first() or "Somebody"
