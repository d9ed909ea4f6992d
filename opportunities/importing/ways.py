"""How the rows of each kind come in: looked at as a whole first, then brought in batch by batch."""

from . import deals, leads, matching
from .files import BadFile
from .kinds import AS_SETS, Kind
from .offers import ProposalRows, Proposals
from .people import Clients, Contacts
from .singly import Singly
from .todos import Tasks

SETS = {Kind.LEADS: leads.bring, Kind.OPPORTUNITIES: deals.bring}
ONE_BY_ONE = {
    Kind.CLIENTS: Clients,
    Kind.CONTACTS: Contacts,
    Kind.TASKS: Tasks,
    Kind.PROPOSALS: Proposals,
    Kind.PROPOSAL_ROWS: ProposalRows,
}
# So many rows come in within one transaction: those that are written one by one take longer.
MANY, FEW = 2_000, 100


def refusal_of(kind: str, user) -> str:
    """Say why somebody brings no rows of a kind in, if they may not write such a record by hand, either."""
    one = ONE_BY_ONE.get(kind)
    if one is None or user is None or user.has_perm(one.right):
        return ""
    return f"{user} may not add {Kind(kind).label.lower()}. A manager can."


def most_of(record) -> int:
    return MANY if record.kind in AS_SETS else FEW


def settle(record):
    """Say of every staged row what becomes of it."""
    matching.settle(record)
    if record.kind in ONE_BY_ONE:
        one_by_one(record).settle()


def bring(record, above: int, upto: int, made: dict):
    """Bring in the rows of an import whose numbers lie above the one and up to the other."""
    if record.kind in SETS:
        SETS[record.kind](record, above, upto, made)
    else:
        one_by_one(record).bring(above, upto)


def one_by_one(record) -> Singly:
    if words := refusal_of(record.kind, record.runner):
        raise BadFile(words)
    return ONE_BY_ONE[record.kind](record)
