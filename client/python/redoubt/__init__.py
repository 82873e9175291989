"""Redoubt: computing together on data that nobody hands over.

A Participant holds keys in a folder and acts through the `redoubt` program, which makes every check. Start at Participant.
"""

from redoubt.errors import (
    AuthenticationFailed,
    BadOutput,
    EvidenceRejected,
    InternalError,
    LogProofFailed,
    Malformed,
    MissingDependency,
    NotFound,
    Partial,
    RedoubtError,
    RedoubtWarning,
    Refused,
    Unavailable,
    UsageError,
)
from redoubt.participant import Environment, Member, Participant
from redoubt.program import Program
from redoubt.records import (
    Appraisal,
    Approval,
    Budget,
    Check,
    Dataset,
    Decision,
    LogEntry,
    LogView,
    Proposal,
    PublicKeys,
    QueryStatus,
    QuerySummary,
    ReceiptVerdict,
    Table,
    Verdict,
    Verification,
)

__all__ = [
    "Appraisal", "Approval", "AuthenticationFailed", "BadOutput", "Budget", "Check", "Dataset", "Decision", "Environment",
    "EvidenceRejected", "InternalError", "LogEntry", "LogProofFailed", "LogView", "Malformed", "Member", "MissingDependency", "NotFound",
    "Partial", "Participant", "Program", "Proposal", "PublicKeys", "QueryStatus", "QuerySummary", "ReceiptVerdict", "RedoubtError",
    "RedoubtWarning", "Refused", "Table", "Unavailable", "UsageError", "Verdict", "Verification",
]
