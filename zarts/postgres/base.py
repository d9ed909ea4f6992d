"""PostgreSQL as Django speaks to it, with a pool that is whole again as soon as the server is back.

The pool looks at one connection at a time, and waits longer after each that is dead. When the server was away all of
them are: the first who came waited ten seconds, and got an error. Here the first dead one has all of them looked at.
"""

from functools import partial

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self):
        pool = super().pool
        if pool is not None:
            pool._check = partial(alive_or_all_out, pool)
        return pool


def alive_or_all_out(pool, connection):
    """Raise where a connection is dead, after throwing out the others of its pool that died with it."""
    try:
        ConnectionPool.check_connection(connection)
    except Exception:
        pool.check()
        raise
