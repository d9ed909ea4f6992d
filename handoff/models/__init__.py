"""The records of what delivery inherits."""

from .cadencechange import CadenceChange
from .connector import Connector
from .handoff import Handoff, Promise, Receipt
from .outofscope import OutOfScope
from .project import ChecklistItem, LaunchBlocker, Project
from .provider import Provider
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
    "Provider",
    "Receipt",
    "Report",
    "ReportNote",
    "ReportingCadence",
]
