"""To what a retest is narrowed, and which words narrow it to nothing."""

import re
from typing import NamedTuple

from zarts.desk.roles import ROLES

from . import addresses

# What a walk is made of, in its order.
PARTS = ("sign-in", "rights", "pages", "portal", "proposals", "mail", "links")
SLUGS = {role.lower().replace(" ", "-"): role for role in ROLES}


class Only(NamedTuple):
    """The parts and the roles that are walked, and of which addresses: all where no word says it."""

    parts: list[str]
    roles: list[str]
    pieces: list[str]


def read(words: str) -> Only:
    """Read what a run is narrowed to. A word that is neither a part nor a role is a piece of an address."""
    said = words.lower().replace(",", " ").split()
    return Only(
        [part for part in PARTS if part in said] or list(PARTS),
        [SLUGS[word] for word in said if word in SLUGS] or list(ROLES),
        [word for word in said if word not in PARTS and word not in SLUGS],
    )


def strange(words: str) -> list[str]:
    """Return the words that name no part, no role and no piece of any address: a walk would pass them over."""
    pieces = read(words).pieces
    routes = addresses.routes() if pieces else []
    return [piece for piece in pieces if not any(is_of(piece, route) for route in routes)]


def is_of(piece, route) -> bool:
    """Whether a piece can be one of such an address. Its numbers stand for records."""
    parts = [part for part in re.split(r"\d+", piece) if part.strip("/")]
    return bool(parts) and all(part in route for part in parts)
