"""A process of the product whose clock is wrong, and that dies or freezes at named points.

`python -m tests.faults.child` with four values and the command. What befalls it is noted in the folder of the run.
"""

import os
import random
import runpy
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

# After each of these the process may be gone: a claim, the mail server's answer, its word in the diary, a touch that is
# not committed yet, a telling that is not committed yet.
POINTS = [
    ("opportunities.outbox", "claim"),
    ("opportunities.outbox", "hand_over"),
    ("opportunities.outbox", "deliver"),
    ("opportunities.outbox", "claim_letter"),
    ("opportunities.followups", "touch"),
    ("opportunities.notices", "tell_all"),
]


class Notes:
    """A folder in which a run and its processes tell each other what happens."""

    def __init__(self, home):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)

    def order(self, name):
        (self.home / name).touch()

    def is_ordered(self, name) -> bool:
        return (self.home / name).exists()

    def take(self, name) -> bool:
        """Whether this order was given, and nobody else took it."""
        try:
            (self.home / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def write(self, name, words):
        with (self.home / name).open("a") as file:
            file.write(f"{words}\n")

    def read(self, name) -> list[str]:
        file = self.home / name
        return file.read_text().splitlines() if file.exists() else []


def main():
    """Take: by how many seconds the clock is wrong, how likely each point is the last, the lease, and the notes."""
    shift, chance, lease, home, *words = sys.argv[1:]
    be_wrong(timedelta(seconds=float(shift)))
    import django

    django.setup()
    lend_for(float(lease))
    be_mortal(float(chance), Notes(home))
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def be_wrong(shift):
    """Let this process believe in another time of the day."""
    from django.utils import timezone

    now, seconds = timezone.now, time.time
    timezone.now = lambda: now() + shift
    time.time = lambda: seconds() + shift.total_seconds()


def lend_for(seconds):
    """Let a mail be lent for so many seconds."""
    from opportunities import outbox

    outbox.LEASE, outbox.TOO_LATE = timedelta(seconds=seconds), seconds / 2


def be_mortal(chance, notes):
    from importlib import import_module

    for module, name in POINTS:
        module = import_module(module)
        setattr(module, name, mortal(getattr(module, name), name, chance, notes))


def mortal(function, name, chance, notes):
    def run(*args, **kwargs):
        answer = function(*args, **kwargs)
        if answer is None or notes.is_ordered("calm"):
            return answer
        if random.random() < chance:
            notes.write("died", os.getpid())
            os.kill(os.getpid(), signal.SIGKILL)
        if is_to_a_client(name, args) and notes.take(f"freeze-{name}"):
            notes.write("froze", f"{os.getpid()} {time.monotonic()}")
            os.kill(os.getpid(), signal.SIGSTOP)
        return answer

    return run


def is_to_a_client(name, args) -> bool:
    """Whether a point is about a mail to a client: of letters to ourselves no diary says what came late."""
    return name != "hand_over" or "Auto-Submitted" not in args[0].extra_headers


if __name__ == "__main__":
    main()
