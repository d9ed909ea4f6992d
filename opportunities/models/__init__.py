"""The records of the path, one file each."""

from .audit import Audit, Evidence
from .client import Client, Consent, Contact
from .closing import Closing, WinBack
from .discovery import Answer, Discovery
from .event import Diary, Event, Facts
from .heartbeat import Heartbeat
from .lead import Lead, LeadFact, Source
from .message import Message
from .note import Note
from .objection import Objection, UnwrittenPromise
from .opportunity import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
from .questionnaire import Question, Questionnaire
from .task import Task
from .user import Team, User

__all__ = [
    "Answer",
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
    "Lead",
    "LeadFact",
    "Message",
    "Note",
    "Objection",
    "Opportunity",
    "OpportunityGroupPermission",
    "OpportunityUserPermission",
    "Question",
    "Questionnaire",
    "Source",
    "Task",
    "Team",
    "UnwrittenPromise",
    "User",
    "WinBack",
]
