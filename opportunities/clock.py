"""The one clock that due work goes by: the database's, so that machines whose own clocks are wrong agree."""

from datetime import date, datetime

from django.db import connection
from django.utils import timezone
from time_machine import escape_hatch


def now() -> datetime:
    """Return the time of the database, or of the story that is told at another time (the demo, a test)."""
    if escape_hatch.is_travelling():
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("select statement_timestamp()")
        return cursor.fetchone()[0]


def today() -> date:
    """Return the day that it is now where this process counts its days."""
    return timezone.localdate(now())
