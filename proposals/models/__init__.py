"""The records of what is promised, and of who approved it."""

from .approval import Approval
from .book import Block, BookPrice, OfferTemplate, UsualScope, UsualStep
from .contract import Contract, ContractClause
from .glossary import GlossaryTerm
from .payment import Payment, PaymentProof
from .proposal import Proposal
from .rows import Claim, Milestone, PriceLine, ScopeItem
from .service import ApprovalRule, Aspect, Cadence, Clause, Delegation, Service
from .signing import Signatory, Signature
from .summary import Summary

__all__ = [
    "Approval",
    "ApprovalRule",
    "Aspect",
    "Block",
    "BookPrice",
    "Cadence",
    "Claim",
    "Clause",
    "Contract",
    "ContractClause",
    "Delegation",
    "GlossaryTerm",
    "Milestone",
    "OfferTemplate",
    "Payment",
    "PaymentProof",
    "PriceLine",
    "Proposal",
    "ScopeItem",
    "Service",
    "Signatory",
    "Signature",
    "Summary",
    "UsualScope",
    "UsualStep",
]
