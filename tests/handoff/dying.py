"""A process that wins one deal and is killed at each step of winning, try after try: `python -m tests.handoff.dying`.

Takes the numbers of the deal and of whoever wins it. Of each try it prints the point, the signal that ended it, and how
many rows of each kind there were then.
"""

import json
import os
import signal
import sys

import django

# The deal is closed and nothing is made yet; then each step of `handoff.inherit`; then all of it is committed, and
# whoever pressed the button never heard of it.
BEFORE, AFTER = "close_as", "committed"
COUNTED = ("opportunities.Closing", "opportunities.Event", "opportunities.Task", "handoff.Handoff", "handoff.Promise")
COUNTED += ("handoff.Project", "handoff.ChecklistItem", "handoff.Connector", "handoff.ReportingCadence")
COUNTED += ("handoff.Report", "handoff.Receipt", "portal.Guest", "portal.Publication", "opportunities.Message")


def points() -> list[str]:
    from handoff.inherit import STEPS

    return [BEFORE, *STEPS, AFTER]


def counts() -> dict:
    from django.apps import apps

    return {label: apps.get_model(label)._base_manager.count() for label in COUNTED}


def main():
    django.setup()
    from django.db import connections

    deal, winner = map(int, sys.argv[1:])
    for point in points():
        connections.close_all()  # each try has a connection of its own, and it ends with it
        child = os.fork()
        if not child:
            win_and_die(deal, winner, point)
        _, status = os.waitpid(child, 0)
        print(json.dumps([point, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, counts()]), flush=True)


def win_and_die(deal, winner, point):
    """Win the deal, and be killed right after this point."""
    from handoff.inherit import Will
    from opportunities.models import Opportunity, User
    from opportunities.records import perform

    mortal = {BEFORE: Opportunity}.get(point, Will)
    if point != AFTER:
        setattr(mortal, point, followed_by_death(getattr(mortal, point)))
    try:
        opportunity = Opportunity.objects.get(pk=deal)
        perform(
            opportunity.win,
            by=User.objects.get(pk=winner),
            reason="proof",
            competitor="Nobody",
            words="The numbers convinced them.",
        )
        if point == AFTER:
            die()
    finally:
        os._exit(1)


def followed_by_death(step):
    def run(*args, **details):
        step(*args, **details)
        die()

    return run


def die():
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
