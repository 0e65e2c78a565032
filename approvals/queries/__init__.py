"""The read side: what a person or a token may see, ready to be shown."""

from approvals.queries.decisions import decision_lines, named_drift
from approvals.queries.filters import QueueFilters, parse_filters
from approvals.queries.listing import RequestsPage, requests_page
from approvals.queries.load import in_sight, load_request, require_sight
from approvals.queries.owned import owned_by, owned_permit, readable_by, request_numbered
from approvals.queries.page import RequestPage, request_page
from approvals.queries.queue import QueuePage, queue_page, queue_row
from approvals.queries.rows import QueueRow
from approvals.queries.summary import summary, waiting_for
from approvals.queries.visible import Sight, sight_of, visible

__all__ = [
    "QueueFilters",
    "QueuePage",
    "QueueRow",
    "RequestPage",
    "RequestsPage",
    "Sight",
    "decision_lines",
    "in_sight",
    "load_request",
    "named_drift",
    "owned_by",
    "owned_permit",
    "parse_filters",
    "queue_page",
    "queue_row",
    "readable_by",
    "request_numbered",
    "request_page",
    "requests_page",
    "require_sight",
    "sight_of",
    "summary",
    "visible",
    "waiting_for",
]
