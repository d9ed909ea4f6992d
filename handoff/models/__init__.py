"""The records of what delivery inherits."""

from .cadencechange import CadenceChange
from .handoff import Handoff, Promise, Receipt
from .outofscope import OutOfScope
from .project import ChecklistItem, Connector, LaunchBlocker, Project
from .report import Report, ReportingCadence, ReportNote

__all__ = [
    "CadenceChange",
    "ChecklistItem",
    "Connector",
    "Handoff",
    "LaunchBlocker",
    "OutOfScope",
    "Project",
    "Promise",
    "Receipt",
    "Report",
    "ReportNote",
    "ReportingCadence",
]
