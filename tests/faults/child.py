"""A process of the product whose clock is wrong, and that dies at named points: `python -m tests.faults.child`."""

import os
import random
import runpy
import signal
import sys
import time
from datetime import timedelta

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


def main():
    """Take: by how many seconds the clock is wrong, how likely each point is the last, and the command."""
    shift, chance, *words = sys.argv[1:]
    be_wrong(timedelta(seconds=float(shift)))
    import django

    django.setup()
    die_at_points(float(chance))
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def be_wrong(shift):
    """Let this process believe in another time of the day."""
    from django.utils import timezone

    now, seconds = timezone.now, time.time
    timezone.now = lambda: now() + shift
    time.time = lambda: seconds() + shift.total_seconds()


def die_at_points(chance):
    from importlib import import_module

    for module, name in POINTS:
        module = import_module(module)
        setattr(module, name, mortal(getattr(module, name), chance))


def mortal(function, chance):
    def run(*args, **kwargs):
        answer = function(*args, **kwargs)
        if answer is not None and random.random() < chance:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return run


if __name__ == "__main__":
    main()
