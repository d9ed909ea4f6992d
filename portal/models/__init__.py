from .action import ClientAction
from .guest import Guest, Session, SignInLink, SignInRequest
from .inquiry import Inquiry
from .link import ProposalLink
from .paper import Look, Paper
from .publication import Publication, digest_of
from .stop import Stop, StopLink
from .token import IntakeToken

__all__ = [
    "ClientAction",
    "Guest",
    "Inquiry",
    "IntakeToken",
    "Look",
    "Paper",
    "ProposalLink",
    "Publication",
    "Session",
    "SignInLink",
    "SignInRequest",
    "Stop",
    "StopLink",
    "digest_of",
]
