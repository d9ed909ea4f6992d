"""The records of what delivery inherits."""

from .handoff import Handoff, Promise, Receipt
from .project import ChecklistItem, Connector, LaunchBlocker, Project
from .report import Report, ReportingCadence, ReportNote

__all__ = [
    "ChecklistItem",
    "Connector",
    "Handoff",
    "LaunchBlocker",
    "Project",
    "Promise",
    "Receipt",
    "Report",
    "ReportNote",
    "ReportingCadence",
]
