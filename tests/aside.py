"""Somebody else, at the same moment, with a connection of their own."""

import threading

from django.db import connection


class Aside(threading.Thread):
    """Do something aside, from now on. `ends` waits, and gives back what came of it."""

    def __init__(self, deed):
        super().__init__(daemon=True)
        self.deed, self.came, self.trouble = deed, None, None
        self.start()

    def run(self):
        try:
            self.came = self.deed()
        except Exception as trouble:
            self.trouble = trouble
        finally:
            connection.close()

    def ends(self, seconds=40):
        """Return what came of it. Raises what it raised."""
        self.join(seconds)
        assert not self.is_alive(), "it waits for ever"
        if self.trouble:
            raise self.trouble
        return self.came
