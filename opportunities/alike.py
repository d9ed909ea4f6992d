"""The keys by which two entries are found to be the same. What each is made of: sql/alike.sql."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Coalesce, NullIf


def key_of(kind: str, column) -> models.Func:
    """Return one of our own functions in the database on a column: of a name, a phone or a domain."""
    return models.Func(column, function=f"zarts_{kind}", output_field=models.TextField())


def key_field(kind: str, *columns: str) -> models.GeneratedField:
    """Return a column that the database keeps: the key of the first of these columns that has one."""
    keys = [key_of(f"{kind}_key", column) for column in columns]
    none = models.Value("", output_field=models.TextField())
    key = keys[0] if len(keys) == 1 else Coalesce(*(NullIf(key, none) for key in keys), none)
    return models.GeneratedField(expression=key, output_field=models.TextField(), db_persist=True)


def near_index(name: str) -> GinIndex:
    """Return the index that finds names which differ from another by one slip at most."""
    return GinIndex(key_of("near", "name_key"), name=name)
