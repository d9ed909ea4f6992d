"""With whose rights the portal speaks to the database."""

from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def portal_rights(token, write=False):
    """Hold a client's token for one transaction. Unless it is to write, the database refuses any change.

    The setting ends with the transaction: a pooled connection carries nobody's rights to the next request.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "select set_config('zarts.token', %s, true), set_config('transaction_read_only', %s, true)",
            [token or "", "off" if write else "on"],
        )
        yield cursor


def call(cursor, function, *values):
    """Call one of the database's doors and return its single value."""
    cursor.execute(f"select public.{function}({', '.join(['%s'] * len(values))})", values)
    return cursor.fetchone()[0]


def rows(cursor, function, *values):
    """Call one of the database's doors and return its rows as dicts."""
    cursor.execute(f"select * from public.{function}({', '.join(['%s'] * len(values))})", values)  # noqa: S608 - names are ours
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
