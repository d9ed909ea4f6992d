from .action import ClientAction
from .guest import Guest, Session, SignInLink, SignInRequest
from .inquiry import Inquiry
from .link import ProposalLink
from .payment import PaymentNotice
from .publication import Publication, digest_of
from .stop import Stop, StopLink
from .token import IntakeToken

__all__ = [
    "ClientAction",
    "Guest",
    "Inquiry",
    "IntakeToken",
    "PaymentNotice",
    "ProposalLink",
    "Publication",
    "Session",
    "SignInLink",
    "SignInRequest",
    "Stop",
    "StopLink",
    "digest_of",
]
