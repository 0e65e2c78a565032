"""Several things at once, each on a connection of its own; and what must agree afterwards."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections, transaction

from approvals.models import Decision, Permit, Request
from approvals.states import TRANSITIONS, Status
from portal.ledger.models import Entry

MOVES = frozenset(TRANSITIONS.values())
TIMEOUT = 30.0


@dataclass
class Result:
    """What one call gave, or what it raised."""

    value: Any = None
    error: Exception | None = None


def together(*calls: Callable[[], Any]) -> list[Result]:
    """Run all `calls` at the same moment in threads; their results in order."""
    barrier = threading.Barrier(len(calls))
    results = [Result() for _ in calls]

    def run(call: Callable[[], Any], result: Result) -> None:
        try:
            connections["default"].ensure_connection()
            barrier.wait(TIMEOUT)
            result.value = call()
        except Exception as error:
            result.error = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=pair, daemon=True)
        for pair in zip(calls, results, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert not any(thread.is_alive() for thread in threads), "a call hangs"
    return results


def behind(first: Callable[[], Any], second: Callable[[], Any]) -> Result:
    """Run `first` and keep its transaction open until `second` waits for one of its locks.

    What `second` gave: the unlucky moment of a race, made certain.
    """
    result = Result()

    def run() -> None:
        try:
            result.value = second()
        except Exception as error:
            result.error = error
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    with transaction.atomic():
        first()
        thread.start()
        deadline = time.monotonic() + TIMEOUT
        while not _somebody_waits():
            assert time.monotonic() < deadline, "nothing waits for the first call"
            time.sleep(0.005)
    thread.join(TIMEOUT)
    assert not thread.is_alive(), "the second call hangs"
    return result


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def later(milliseconds: float, call: Callable[[], Any]) -> Callable[[], Any]:
    """The same call a moment later, so that races are run at every distance."""

    def wait_and_call() -> Any:
        time.sleep(milliseconds / 1000)
        return call()

    return wait_and_call


def errors(results: list[Result]) -> list[str]:
    """The class names of what was raised."""
    return sorted(type(r.error).__name__ for r in results if r.error is not None)


def agree(request: Request) -> Request:
    """Assert that status, decisions, permit and ledger tell the same story; the row as it is."""
    request = Request.objects.get(pk=request.pk)
    entries = list(Entry.objects.filter(request=request.pk).order_by("id"))
    payloads = [json.loads(bytes(entry.payload)) for entry in entries]
    _chain_holds(request, entries, payloads)
    moves = [entry.type for entry in entries if entry.type in MOVES]
    assert _status_after(moves) == request.status
    assert [e.type for e in entries].count("decision.recorded") == _count(Decision, request)
    assert moves.count("permit.issued") == _count(Permit, request)
    assert _count(Permit, request) == (1 if request.status == Status.REDEEMED else 0)
    rejected = Decision.objects.filter(request=request, round=request.round, outcome="reject")
    assert rejected.exists() == (request.status == Status.REJECTED)
    return request


def _chain_holds(request: Request, entries: list[Entry], payloads: list[dict[str, Any]]) -> None:
    """No gap, no fork: each line names the one before, and the row names the last."""
    assert [payload["seq"] for payload in payloads] == list(range(1, len(entries) + 1))
    before = [None, *(bytes(entry.leaf).hex() for entry in entries[:-1])]
    assert [payload["prev"] for payload in payloads] == before
    assert request.ledger_seq == len(entries)
    assert bytes(request.ledger_prev) == bytes(entries[-1].leaf)


def _status_after(moves: list[str]) -> str:
    status = Status.SUBMITTED
    for event in moves:
        status = next(new for (old, new), name in TRANSITIONS.items()
                      if (old, name) == (status, event))  # fmt: skip
    return status


def _count(model: Any, request: Request) -> int:
    return int(model.objects.filter(request=request).count())
