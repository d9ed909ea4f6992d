from .action import ClientAction
from .guest import Guest, Session, SignInLink, SignInRequest
from .inquiry import Inquiry
from .link import ProposalLink
from .publication import Publication, digest_of
from .token import IntakeToken

__all__ = [
    "ClientAction",
    "Guest",
    "Inquiry",
    "IntakeToken",
    "ProposalLink",
    "Publication",
    "Session",
    "SignInLink",
    "SignInRequest",
    "digest_of",
]
