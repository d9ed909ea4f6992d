"""The records of the path, one file each."""

from .audit import Audit
from .checkpoint import Checkpoint, Confirmation
from .client import Client, Consent, Contact
from .closing import Closing, WinBack
from .discovery import Answer, Discovery
from .event import Diary, Event, Facts
from .evidence import Evidence, EvidenceWithdrawal
from .evidence_file import EvidenceFile
from .heartbeat import Heartbeat
from .imported import Import, ImportMap, ImportPart, ImportRow
from .lead import Lead, LeadFact
from .message import Message
from .note import Note
from .objection import Objection, UnwrittenPromise
from .opportunity import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
from .questionnaire import Question, Questionnaire
from .saved_form import SavedForm
from .shelf_life import ShelfLife
from .source import Source
from .task import Task
from .user import Team, User
from .view import SavedView

__all__ = [
    "Answer",
    "Audit",
    "Checkpoint",
    "Client",
    "Closing",
    "Confirmation",
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
    "Import",
    "ImportMap",
    "ImportPart",
    "ImportRow",
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
    "SavedForm",
    "SavedView",
    "ShelfLife",
    "Source",
    "Task",
    "Team",
    "UnwrittenPromise",
    "User",
    "WinBack",
]
