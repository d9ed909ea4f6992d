"""While somebody is erased nobody begins to copy what may name them: a file, a take-out, what another system is told.

Who copies reads what was there before the erase, and would keep it after.
"""

from django.db import connection

# The lock's number among PostgreSQL's advisory locks.
ALONE = (1 << 59) + 1


def begin_alone():
    """Wait until nobody begins to copy, and keep everybody from it until this transaction has ended.

    It comes before every other lock of an erase: who shares it waits for nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [ALONE])


def is_quiet() -> bool:
    """Keep an erase from beginning until this transaction has ended; False when there is one: come back later."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock_shared(%s)", [ALONE])
        return cursor.fetchone()[0]
