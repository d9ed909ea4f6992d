"""Due work without a broker: a process that looks by itself, and at once when the portal calls."""

import logging
import threading
from contextlib import suppress

import psycopg
from django.db import Error, close_old_connections, connection

from . import due, pulse

log = logging.getLogger("zarts.pump")
# It looks again after so many seconds, called or not.
EVERY = 1.0
# A database that is away. While it listens, the driver says so in words of its own.
AWAY = (Error, psycopg.Error)


def run(stop: threading.Event):
    """Do round after round until somebody asks to stop. A database that is away is waited for."""
    while not stop.is_set():
        try:
            close_old_connections()
            due.run(kind="pump")
            wait(stop)
        except AWAY as trouble:
            log.warning("The database does not answer; the next look is in a second: %s", trouble)
            connection.close()
            stop.wait(EVERY)
    with suppress(*AWAY):
        pulse.leave()


def wait(stop):
    """Wait for a call of the database's, or for the next look."""
    if stop.is_set():
        return
    with connection.cursor() as cursor:
        cursor.execute("listen zarts_inbox")
    for _ in connection.connection.notifies(timeout=EVERY, stop_after=1):
        break
