from .action import ClientAction
from .guest import Guest, Session, SignInLink, SignInRequest
from .inquiry import Inquiry
from .link import ProposalLink
from .publication import Publication, digest_of

__all__ = [
    "ClientAction",
    "Guest",
    "Inquiry",
    "ProposalLink",
    "Publication",
    "Session",
    "SignInLink",
    "SignInRequest",
    "digest_of",
]
