from .action import ClientAction
from .guest import Guest, Session, SignInLink, SignInRequest
from .inquiry import Inquiry
from .link import ProposalLink, Reader
from .paper import Look, Paper
from .passkey import Passkey, UsedChallenge
from .payment import PaymentNotice
from .preview import Preview
from .publication import Publication, digest_of
from .stop import Stop, StopLink
from .token import IntakeToken

__all__ = [
    "ClientAction",
    "Guest",
    "Inquiry",
    "IntakeToken",
    "Passkey",
    "Preview",
    "Look",
    "Paper",
    "PaymentNotice",
    "ProposalLink",
    "Publication",
    "Reader",
    "Session",
    "SignInLink",
    "SignInRequest",
    "Stop",
    "StopLink",
    "UsedChallenge",
    "digest_of",
]
