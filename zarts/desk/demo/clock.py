"""The story's own time. Everything that asks Python for the time hears it; the database keeps its own."""

from datetime import UTC, datetime, timedelta

import time_machine


def real_now():
    """Return what time it really is."""
    hatch = time_machine.escape_hatch
    return hatch.datetime.datetime.now(tz=UTC) if hatch.is_travelling() else datetime.now(tz=UTC)


class Clock:
    """Walks from day to day, never backwards within a story and never past the present."""

    def __enter__(self):
        self.travel = time_machine.travel(real_now(), tick=True)
        self.traveller = self.travel.start()
        return self

    def __exit__(self, *why):
        self.travel.stop()

    def begin_again(self):
        """Forget how late it was: another story begins."""
        self.latest = None

    def to(self, day, hour=9, *, exactly=False):
        """Go to an hour of a day, counted from today, and at least some minutes on from where we were.

        People do on Friday what would fall on a weekend; what only the clock does is done `exactly` then.
        """
        now = real_now()
        if not exactly:
            day -= max(0, (now + timedelta(days=day)).weekday() - 4)
        then = (now + timedelta(days=day)).replace(hour=hour, minute=(7 * hour) % 60, second=0)
        if self.latest:
            then = max(then, self.latest + timedelta(minutes=4))
        self.latest = min(then, now)
        self.traveller.move_to(self.latest, tick=True)
