"""Whose the rows of a file become. Nobody gets what they may not work on."""

from ..models import User
from .files import BadFile
from .kinds import model_of

# What is chosen for the rows that name no owner, when it is nobody in particular.
IN_TURN = "*"


def owners_of(record) -> list[int]:
    """Return who shall own the rows that name nobody: whoever was chosen, or brings them in, or growth ops in turn.

    Nobody when whoever was chosen may not: then it is asked again.
    """
    fit = User.who_may_own(model_of(record))
    chosen = record.choices.get("owner_default")
    if chosen and chosen != IN_TURN:
        return list(fit.filter(username=chosen).values_list("pk", flat=True))
    may = set(fit.values_list("pk", flat=True))
    if chosen != IN_TURN and record.owner_id in may:
        return [record.owner_id]
    people = [person.pk for person in User.by_load("Growth ops") if person.pk in may]
    if not people:
        raise BadFile("Nobody has the role Growth ops yet: make a user with it, or name an owner with --owner.")
    return people


def people_by_name(record) -> dict[str, int]:
    """Return who may own what comes in, by every word that a file may call them."""
    people = {}
    for user in User.who_may_own(model_of(record)).order_by("-pk"):
        for word in (user.username, user.email, user.get_full_name()):
            if word:
                people[word.casefold()] = user.pk
    return people
