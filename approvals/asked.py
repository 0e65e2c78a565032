"""What the verdict in force asks of people: how many, of whom, how surely known."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from approvals.models import Decision, Request
from approvals.quorum import Asked


def obligations(request: Request) -> list[Asked]:
    """What the verdict in force asks for."""
    if request.verdict is None:
        return []
    return [asked_of(row) for row in request.verdict.body["obligations"]]


def asked_of(row: Mapping[str, Any]) -> Asked:
    """One obligation as a verdict stores it."""
    return Asked(
        policy=row["policy"],
        rule=row["rule"],
        count=row["count"],
        groups=tuple(row["groups"]),
        including=tuple(sorted(row["including"].items())),
        sequence=tuple(row["sequence"]),
        distinct_across=tuple(row["distinct_across"]),
        self_approval=row["self_approval"],
    )


def self_approval_allowed(asked: Iterable[Asked]) -> bool:
    """Whether who touched the change may decide on it: only if everybody who asks says so."""
    listed = list(asked)
    return bool(listed) and all(one.self_approval for one in listed)


def step_up_age(request: Request) -> int:
    """How old, in seconds, the second factor of who decides may be; 0 where none is asked for."""
    return int(request.verdict.body["step_up"]) if request.verdict else 0


def confirmed_within(decision: Decision, age: int) -> bool:
    """Whether the decision was confirmed by a second factor not older than `age` seconds."""
    if not age:
        return True
    shown_at = decision.stepped_up_at
    return shown_at is not None and decision.decided_at - shown_at <= timedelta(seconds=age)
