"""The keys by which two entries are found to be the same. What each is made of: sql/alike.sql."""

from django.db import models
from django.db.models.functions import Coalesce, Length, NullIf


def key_of(kind: str, column) -> models.Func:
    """Return one of our own functions in the database on a column: of a name, a phone or a domain."""
    return models.Func(column, function=f"zarts_{kind}", output_field=models.TextField())


def key_field(kind: str, *columns: str) -> models.GeneratedField:
    """Return a column that the database keeps: the key of the first of these columns that has one."""
    keys = [key_of(f"{kind}_key", column) for column in columns]
    none = models.Value("", output_field=models.TextField())
    key = keys[0] if len(keys) == 1 else Coalesce(*(NullIf(key, none) for key in keys), none)
    return models.GeneratedField(expression=key, output_field=models.TextField(), db_persist=True)


# Written where nobody has one, in examples and tests: whoever has it in common has nothing in common.
NOBODYS = "^example[.](com|org|net|example)$"


def domain_of(address: str) -> str:
    """Return the key of an address, an expression in SQL, by which others are looked for: none where it is nobody's."""
    return f"regexp_replace(zarts_domain_key({address}), '{NOBODYS}', '')"


def near_indexes(name: str) -> list[models.Index]:
    """Return the indexes that find the same name, and with `around` those that differ from it by one slip."""
    halves = [(f"{name}_{half}_half", half) for half in ("first", "last")]
    is_one = ~models.Q(name_key="")
    return [
        models.Index(fields=["name_key"], name=f"{name}_by_key", condition=is_one),
        *(models.Index(half_of(half), name=own, condition=is_one) for own, half in halves),
    ]


def half_of(half: str) -> models.Func:
    return models.Func("name_key", Length("name_key"), function=f"zarts_{half}_half", output_field=models.TextField())


# So many are looked at whose names have a half, the length and the numbers in common. Where thousands begin alike, one
# with a slip at the end may be missed; the same name never is, by its own index.
MOST_AROUND = 500
# What has three quarters at one end in common, or else nearly the fourth at the other, is looked at closely: the closer
# look costs ten times as much.
AROUND = """
select distinct h.id from generate_series(greatest(length({name}) - 1, 5), length({name}) + 1) long, lateral (
  (select id, name_key from {table}
    where zarts_first_half(name_key, length(name_key)) = zarts_first_half({name}, long) and name_key <> '' limit {most})
  union all
  (select id, name_key from {table}
    where zarts_last_half(name_key, length(name_key)) = zarts_last_half({name}, long) and name_key <> '' limit {most})
) h where length({name}) > 4 and h.name_key <> {name}
  and (left(h.name_key, long * 3 / 4) = left({name}, long * 3 / 4)
    or right(h.name_key, long - 2 - long * 3 / 4) = right({name}, long - 2 - long * 3 / 4))
  and (right(h.name_key, long * 3 / 4) = right({name}, long * 3 / 4)
    or left(h.name_key, long - 2 - long * 3 / 4) = left({name}, long - 2 - long * 3 / 4))
  and zarts_one_slip(h.name_key, {name})
"""


def around(table: str, name: str) -> str:
    """Return the query for the rows of a table whose name is one slip from the key `name`, an expression in SQL."""
    return AROUND.format(table=table, name=name, most=MOST_AROUND)
