"""What a project's page shows of its onboarding: who has to do what, what blocks it, and how each access stands."""

from django.db.models import Prefetch

from opportunities.records import Move, holds, refusals

from .models import OutOfScope

# Moves that are offered only when they can be made: elsewhere they would stand in the way of the usual one.
ONLY_READY = ("ask_anew", "reopen")


def panel(project, user) -> dict:
    """Return the onboarding of a project as one person sees it, each line with the moves that they may make."""
    found = Prefetch("out_of_scope", OutOfScope.objects.select_related("exclusion"))
    items = with_moves(project.items.select_related("owner").prefetch_related(found), project, user)
    blockers = with_moves(project.blockers.select_related("owner", "summary"), project, user)
    people = ("provider", "holder_contact", "holder_user", "said_by", "granted_by", "verified_by")
    accesses = with_moves(project.connectors.select_related(*people), project, user)
    waiting = [item for item in items if item.is_open]
    return {
        "todo": [(title, grouped(waiting, who)) for who, title in (("client", "The client"), ("us", "Us"))],
        "waiting": len(waiting),
        "past": [item for item in items if not item.is_open],
        "done": sum(item.stage == "done" for item in items),
        "count": sum(item.stage != "waived" for item in items),
        "blockers": sorted((one for one in blockers if one.is_open), key=how_bad),
        "cleared": [one for one in blockers if not one.is_open],
        "accesses": accesses,
        "works": sum(one.stage == "verified" and not one.holder_left for one in accesses),
        "needed": sum(one.stage != "revoked" for one in accesses),
        "may_add": {
            name: project.goes_on and user.has_perm(f"handoff.add_{name}") and project.within_reach(user, "change")
            for name in ("checklistitem", "launchblocker", "connector")
        },
        "may_write": user.has_perm("proposals.write_summary") and project.within_reach(user, "change"),
    }


def with_moves(rows, project, user) -> list:
    """Return the rows of a project, each with its moves. Whether somebody may is asked once for all of a kind."""
    may = holds(user, f"handoff.move_{rows.model._meta.model_name}", project)
    found = list(rows)
    for row in found:
        row.project = project
        moves = [Move(row, step, refusals(row, step)) for step in row.moves()] if may else []
        row.moves_here = [move for move in moves if move.ready or move.name not in ONLY_READY]
    return found


def grouped(items, who) -> list:
    """Return what one side has to do under its headings, in the order in which each comes first."""
    groups: dict[str, list] = {}
    for item in items:
        if item.who == who:
            groups.setdefault(item.group, []).append(item)
    return list(groups.items())


def how_bad(blocker):
    return (["high", "medium", "low"].index(blocker.severity), blocker.since, blocker.pk)
