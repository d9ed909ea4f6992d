"""Going through due rows, each once in a round: one that cannot be taken keeps nobody behind it waiting."""

import logging
import time

from django.db.models import Q

log = logging.getLogger("zarts.turns")
BATCH = 50
# A part of a round ends after so many seconds, and goes on in the next: what else is due gets its turn.
LONG_ENOUGH = 5


def in_turn(rows, by):
    """Yield the keys of rows in the order of the time `by`, as they are when their turn comes."""
    until, ahead = time.monotonic() + LONG_ENOUGH, Q()
    while batch := list(rows.filter(ahead).order_by(by, "pk").values_list(by, "pk")[:BATCH]):
        for _, pk in batch:
            if time.monotonic() > until:
                return
            yield pk
        at, pk = batch[-1]
        ahead = Q(**{f"{by}__gt": at}) | Q(**{by: at, "pk__gt": pk})


def take_each(rows, by, take) -> int:
    """Take each of these rows by its key, in turn. Return how many were taken.

    One that fails is logged and keeps nobody behind it waiting: it is tried again in the next round.
    """
    taken = 0
    for pk in in_turn(rows, by):
        try:
            taken += take(pk)
        except Exception:
            log.exception("%s %s is due and could not be taken.", rows.model._meta.verbose_name.capitalize(), pk)
    return taken
