"""The two state machines of the design: the one place that names the moves. Pure.

The same table stands in PostgreSQL, where a trigger refuses any other move (a test compares them).
"""

from enum import StrEnum


class Status(StrEnum):
    """Where a request stands."""

    SUBMITTED = "submitted"
    PENDING = "pending"
    APPROVED = "approved"
    REDEEMED = "redeemed"
    REJECTED = "rejected"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class PermitStatus(StrEnum):
    """Where a permit stands."""

    ISSUED = "issued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    EXPIRED = "expired"
    REVOKED = "revoked"


S, P = Status, PermitStatus

# (from, to): the event that records the move.
TRANSITIONS: dict[tuple[Status, Status], str] = {
    (S.SUBMITTED, S.PENDING): "request.pended",
    (S.SUBMITTED, S.APPROVED): "request.approved",
    (S.SUBMITTED, S.DENIED): "request.denied",
    (S.SUBMITTED, S.WITHDRAWN): "request.withdrawn",
    (S.SUBMITTED, S.EXPIRED): "request.expired",
    (S.SUBMITTED, S.SUPERSEDED): "request.superseded",
    (S.PENDING, S.APPROVED): "request.approved",
    (S.PENDING, S.REJECTED): "request.rejected",
    (S.PENDING, S.DENIED): "request.denied",
    (S.PENDING, S.EXPIRED): "request.expired",
    (S.PENDING, S.WITHDRAWN): "request.withdrawn",
    (S.PENDING, S.SUPERSEDED): "request.superseded",
    (S.APPROVED, S.REDEEMED): "permit.issued",
    (S.APPROVED, S.PENDING): "drift.found",
    (S.APPROVED, S.EXPIRED): "request.expired",
    (S.APPROVED, S.WITHDRAWN): "request.withdrawn",
    (S.APPROVED, S.REVOKED): "request.revoked",
}

PERMIT_TRANSITIONS: dict[tuple[PermitStatus, PermitStatus], str] = {
    (P.ISSUED, P.RUNNING): "permit.started",
    (P.ISSUED, P.EXPIRED): "permit.expired",
    (P.RUNNING, P.SUCCEEDED): "permit.finished",
    (P.RUNNING, P.FAILED): "permit.finished",
    (P.RUNNING, P.LOST): "permit.lost",
    # Silence is a guess: what the run itself says of its end is the truth, however late.
    (P.LOST, P.SUCCEEDED): "permit.finished",
    (P.LOST, P.FAILED): "permit.finished",
}

OPEN = frozenset({S.SUBMITTED, S.PENDING, S.APPROVED})
WAITING = frozenset({S.SUBMITTED, S.PENDING})
OVER = frozenset(Status) - OPEN


def may_move(old: Status, new: Status) -> bool:
    """Whether the design allows this move."""
    return (old, new) in TRANSITIONS
