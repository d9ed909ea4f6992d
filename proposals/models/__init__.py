"""The records of what is promised, and of who approved it."""

from .approval import Approval
from .contract import Contract, ContractClause, Signature
from .payment import Payment
from .proposal import Proposal
from .rows import Claim, Milestone, PriceLine, ScopeItem
from .service import ApprovalRule, Aspect, Cadence, Clause, Delegation, Service
from .summary import Summary

__all__ = [
    "Approval",
    "ApprovalRule",
    "Aspect",
    "Cadence",
    "Claim",
    "Clause",
    "Contract",
    "ContractClause",
    "Delegation",
    "Milestone",
    "Payment",
    "PriceLine",
    "Proposal",
    "ScopeItem",
    "Service",
    "Signature",
    "Summary",
]
