"""The records of what delivery inherits."""

from .connector import Connector
from .handoff import Handoff, Promise, Receipt
from .project import ChecklistItem, LaunchBlocker, Project
from .provider import Provider
from .report import Report, ReportingCadence, ReportNote

__all__ = [
    "ChecklistItem",
    "Connector",
    "Handoff",
    "LaunchBlocker",
    "Project",
    "Promise",
    "Provider",
    "Receipt",
    "Report",
    "ReportNote",
    "ReportingCadence",
]
