"""The records of the path, one file each."""

from .audit import Audit
from .campaign import Campaign, CampaignEntry
from .checkpoint import Checkpoint, Confirmation
from .client import Client, Consent, Contact
from .closing import Closing, WinBack
from .discovery import Answer, Discovery
from .event import Blanked, Diary, Event, Facts
from .evidence import Evidence, EvidenceWithdrawal
from .evidence_file import EvidenceFile
from .heartbeat import Heartbeat
from .imported import Import, ImportMap, ImportPart, ImportRow
from .inbound import InboundMail
from .lead import Lead, LeadFact
from .many import BulkChange, BulkRow
from .message import Message
from .note import Note
from .notice import Letter, Notice, NoticeChoice
from .objection import Objection, UnwrittenPromise
from .opportunity import Opportunity, OpportunityGroupPermission, OpportunityUserPermission
from .questionnaire import Question, Questionnaire
from .quiet import QuietDate
from .saved_form import SavedForm
from .sequence import Sequence, SequenceRun, SequenceStep
from .shelf_life import ShelfLife
from .source import Source
from .task import Task
from .template import MessageTemplate, TemplateVersion
from .user import Team, User
from .view import SavedView

__all__ = [
    "BulkChange",
    "BulkRow",
    "Answer",
    "Audit",
    "Campaign",
    "CampaignEntry",
    "Checkpoint",
    "Client",
    "Closing",
    "Confirmation",
    "Consent",
    "Contact",
    "Blanked",
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
    "InboundMail",
    "Lead",
    "LeadFact",
    "Letter",
    "Message",
    "MessageTemplate",
    "Note",
    "Notice",
    "NoticeChoice",
    "Objection",
    "Opportunity",
    "OpportunityGroupPermission",
    "OpportunityUserPermission",
    "Question",
    "Questionnaire",
    "QuietDate",
    "SavedForm",
    "SavedView",
    "Sequence",
    "SequenceRun",
    "SequenceStep",
    "ShelfLife",
    "Source",
    "Task",
    "Team",
    "TemplateVersion",
    "UnwrittenPromise",
    "User",
    "WinBack",
]
