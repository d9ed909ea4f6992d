"""The records of the path, one file each."""

from .audit import Audit, Evidence
from .client import Client, Consent, Contact
from .closing import Closing, WinBack
from .discovery import Discovery
from .event import Diary, Event, Facts
from .heartbeat import Heartbeat
from .imported import Import, ImportMap, ImportPart, ImportRow
from .lead import Lead, LeadFact, Source
from .message import Message
from .objection import Objection, UnwrittenPromise
from .opportunity import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
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
    "Facts",
    "Heartbeat",
    "Import",
    "ImportMap",
    "ImportPart",
    "ImportRow",
    "Lead",
    "LeadFact",
    "Message",
    "Objection",
    "Opportunity",
    "OpportunityGroupPermission",
    "OpportunityUserPermission",
    "Source",
    "Task",
    "Team",
    "UnwrittenPromise",
    "User",
    "WinBack",
]
