"""Django looks here; one noun a file."""

from approvals.models.backtest import Backtest, BacktestChange, BacktestReader
from approvals.models.connection import AnswerTurn, Connection, HookDelivery, KeptAnswer
from approvals.models.decision import Decision
from approvals.models.export import Export, ExportChunk
from approvals.models.log_token import LogToken
from approvals.models.permit import Permit, SigningKey
from approvals.models.request import AwaitedGroup, Request
from approvals.models.schedule import ReportMail, ReportSchedule
from approvals.models.siem import SiemStream
from approvals.models.snapshot import Reading, Snapshot
from approvals.models.step_up import StepUp
from approvals.models.verdict import Verdict
from approvals.models.verification import Verification

__all__ = [
    "AnswerTurn",
    "AwaitedGroup",
    "Backtest",
    "BacktestChange",
    "BacktestReader",
    "Connection",
    "Decision",
    "Export",
    "ExportChunk",
    "HookDelivery",
    "KeptAnswer",
    "LogToken",
    "Permit",
    "Reading",
    "ReportMail",
    "ReportSchedule",
    "Request",
    "SiemStream",
    "SigningKey",
    "Snapshot",
    "StepUp",
    "Verdict",
    "Verification",
]
