"""Due work without a broker: a process that looks by itself, and at once when the portal calls."""

import logging
import threading

from django.db import DatabaseError, close_old_connections, connection

from . import due

log = logging.getLogger("zarts.pump")
# It looks again after so many seconds, called or not.
EVERY = 1.0


def run(stop: threading.Event):
    """Do round after round until somebody asks to stop. A database that is away is waited for."""
    while not stop.is_set():
        try:
            close_old_connections()
            due.run(kind="pump")
            wait(stop)
        except DatabaseError as trouble:
            log.warning("The database does not answer; the next look is in a second: %s", trouble)
            connection.close()
            stop.wait(EVERY)


def wait(stop):
    """Wait for a call of the database's, or for the next look."""
    if stop.is_set():
        return
    with connection.cursor() as cursor:
        cursor.execute("listen zarts_inbox")
    for _ in connection.connection.notifies(timeout=EVERY, stop_after=1):
        break
