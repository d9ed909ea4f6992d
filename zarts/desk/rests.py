"""The blast radius: what rests on evidence. Each app is asked what it knows; a few queries, however much there is."""

from django.urls import NoReverseMatch, reverse

from handoff import evidence as delivered
from opportunities.resting import Group, Versions
from proposals import evidence as promised


def groups_of(evidence, opportunity, user) -> list[Group]:
    """Return what rests on any of these versions, in the order of the chain from claim to report."""
    versions = Versions.of(evidence)
    return followed(*promised.resting_on(versions, opportunity, user), opportunity, user)


def groups_of_claim(claim, user) -> list[Group]:
    """Return what rests on a claim."""
    return followed(*promised.resting_on_claim(claim, user), claim.proposal.opportunity, user)


def groups_of_clause(clause, user) -> list[Group]:
    """Return what rests on a clause: it is in contracts of many opportunities, and delivery inherits none of it."""
    groups, carriers = promised.resting_on_clause(clause, user)
    return [*groups, promised.shown_of(carriers, urls_of(groups, carriers))]


def followed(offered, carriers, opportunity, user) -> list[Group]:
    """Return what was offered, what delivery inherited of it, and the pages that clients were shown."""
    inherited, reports = delivered.resting_on(carriers, opportunity, user)
    groups = [*offered, *inherited]
    carriers = [*carriers, *reports]
    return [*groups, promised.shown_of(carriers, urls_of(groups, carriers))]


def urls_of(groups, carriers) -> dict:
    """Return the page of each carrier that this person sees in one of the groups."""
    seen = {row.url for group in groups for row in group.rows}
    pages = {}
    for label, pk in carriers:
        try:
            url = reverse(f"admin:{label.replace('.', '_')}_change", args=[pk])
        except NoReverseMatch:
            continue  # a row of a proposal has no page of its own, and is published with it
        if url in seen:
            pages[label, pk] = url
    return pages
