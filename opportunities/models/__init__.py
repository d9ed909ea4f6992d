"""The records of the path, one file each."""

from .audit import Audit
from .client import Client, Consent, Contact
from .closing import Closing, WinBack
from .discovery import Discovery
from .event import Diary, Event, Facts
from .evidence import Evidence, EvidenceWithdrawal
from .evidence_file import EvidenceFile
from .heartbeat import Heartbeat
from .lead import Lead, LeadFact, Source
from .message import Message
from .objection import Objection, UnwrittenPromise
from .opportunity import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
from .shelf_life import ShelfLife
from .task import Task
from .user import Team, User

__all__ = [
    "Audit",
    "Client",
    "Closing",
    "Consent",
    "Contact",
    "Diary",
    "Discovery",
    "Event",
    "Evidence",
    "EvidenceFile",
    "EvidenceWithdrawal",
    "Facts",
    "Heartbeat",
    "Lead",
    "LeadFact",
    "Message",
    "Objection",
    "Opportunity",
    "OpportunityGroupPermission",
    "OpportunityUserPermission",
    "ShelfLife",
    "Source",
    "Task",
    "Team",
    "UnwrittenPromise",
    "User",
    "WinBack",
]
