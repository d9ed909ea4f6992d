"""How the rows of each kind come in: looked at as a whole first, then brought in batch by batch."""

from . import deals, leads, matching
from .kinds import AS_SETS, Kind
from .offers import ProposalRows, Proposals
from .people import Clients, Contacts
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


def most_of(record) -> int:
    return MANY if record.kind in AS_SETS else FEW


def settle(record):
    """Say of every staged row what becomes of it."""
    matching.settle(record)
    if record.kind in ONE_BY_ONE:
        ONE_BY_ONE[record.kind](record).settle()


def bring(record, above: int, upto: int, made: dict):
    """Bring in the rows of an import whose numbers lie above the one and up to the other."""
    if record.kind in SETS:
        SETS[record.kind](record, above, upto, made)
    else:
        ONE_BY_ONE[record.kind](record).bring(above, upto)
