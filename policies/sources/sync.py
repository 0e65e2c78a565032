"""From files to drafts: what is due is read, and what is new there becomes a version.

Whoever takes a source has a lease (portal/kernel/due.py), and saves each version only while it is
theirs. A version stands with its commit or not at all, so a reading that was killed is
just read again: what is saved already is found to be the same.
"""

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from policies.language.problems import Problem
from policies.models import Policy, PolicyVersion
from policies.publishing import InvalidPolicy, check_document, create_policy, save_version
from policies.sources.configure import record_reading
from policies.sources.models import Origin, PolicySource
from policies.sources.queries import newest_origins
from policies.sources.read import BUDGET, File, Reading, read_source_files
from portal.access import Capability, holds
from portal.kernel.clock import now
from portal.kernel.due import about, held, pause, take
from portal.kernel.errors import Conflict, Refused
from portal.kernel.git_process import GitFailed
from portal.kernel.text import make_visible
from portal.ledger.change import state_of

EVERY = timedelta(minutes=1)
FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
PATIENCE = 60.0  # seconds for all files together; a worker's task may take two minutes
LEASE = timedelta(seconds=BUDGET + 100)
MOST_PROBLEMS = 200
TOO_LATE = Problem(1, 1, "not looked at: the files before it took too long")


class LeaseLost(Exception):
    """Somebody else reads the source by now, or it was changed or removed."""


def due_sources(limit: int = 50) -> list[UUID]:
    """Sources whose time to be read has come, the oldest first."""
    due = PolicySource.objects.filter(next_try__lte=now()).order_by("next_try")
    return list(due.values_list("pk", flat=True)[:limit])


def sync_source(source_id: UUID) -> bool:
    """Read one source, if that is due; whether it was asked. No transaction is open meanwhile."""
    taken = take(PolicySource.objects.filter(pk=source_id), LEASE)
    if taken is None:
        return False
    try:
        _require_drafter(taken)
        found = read_source_files(taken, _known(taken))
        if found.files is None:
            _finish(taken, found, taken.problems, taken.gone)
        else:
            _sync(taken, found, found.files)
    except LeaseLost:
        return True
    except GitFailed as failure:
        _note_failure(taken, str(failure))
    except Refused as refusal:
        _note_failure(taken, refusal.sentence)
    return True


def _held(taken: PolicySource) -> PolicySource:
    """The row, locked. Raises LeaseLost unless the lease is still ours."""
    found = held(taken)
    if found is None:
        raise LeaseLost
    return found


def _require_drafter(source: PolicySource) -> None:
    if not holds(source.configured_by, Capability.DRAFT_POLICY):
        raise Refused(
            "Who configured this source may not draft policies any more. Another administrator "
            "has to save it again."
        )


def _known(source: PolicySource) -> dict[str, str]:
    return {origin.path: origin.commit for origin in newest_origins(source)}


def _sync(taken: PolicySource, found: Reading, files: Iterable[File]) -> None:
    problems: list[dict[str, Any]] = []
    named: dict[str, str] = {}
    ends = time.monotonic() + PATIENCE
    for file in files:
        late = (TOO_LATE,) if time.monotonic() > ends else ()
        mistakes = file.problems or late or _keep(taken, file, named)
        problems += [_row(file.path, mistake) for mistake in mistakes]
    broken = {problem["path"] for problem in problems}
    gone = [
        {"policy": origin.version.policy.name, "path": origin.path}
        for origin in newest_origins(taken)
        if origin.version.policy.name not in named and origin.path not in broken
    ]
    _finish(taken, found, problems[:MOST_PROBLEMS], gone)


def _row(path: str, problem: Problem) -> dict[str, Any]:
    message = make_visible(problem.message)[:500]
    return {"path": path, "line": problem.line, "column": problem.column, "message": message}


@transaction.atomic
def _keep(taken: PolicySource, file: File, named: dict[str, str]) -> tuple[Problem, ...]:
    """Save the file as the next version, where it says something new; else what is wrong."""
    source = _held(taken)
    try:
        name = check_document(file.text).policy
        if name in named:
            return (Problem(1, 1, f"{named[name]} is the policy “{name}” already"),)
        named[name] = file.path
        policy = Policy.objects.filter(name=name).first()
        if _newest_text(source, policy) != file.text:
            _save(source, policy, file)
    except InvalidPolicy as refusal:
        return refusal.problems
    return ()


def _newest_text(source: PolicySource, policy: Policy | None) -> str | None:
    rows = PolicyVersion.objects.filter(policy=policy, origin__source=source)
    return rows.order_by("-number").values_list("text", flat=True).first() if policy else None


def _save(source: PolicySource, policy: Policy | None, file: File) -> None:
    by, note = source.configured_by, make_visible(f"{file.commit} {file.subject}")[:500]
    try:
        if policy is None:
            version = create_policy(by=by, text=file.text, note=note)
        else:
            version = save_version(by=by, policy=policy, text=file.text, note=note)
    except Conflict as conflict:
        if conflict.code != "same-document":
            raise
        return  # somebody saved the very same text by hand
    Origin.objects.create(
        version=version,
        source=source,
        repository=source.repository,
        commit=file.commit,
        path=file.path,
        writers=list(file.writers),
    )


@transaction.atomic
def _finish(taken: PolicySource, found: Reading, problems: list[Any], gone: list[Any]) -> None:
    source = _held(taken)
    names = ["commit", "problems", "gone", "failing_since"]
    before = state_of(source, ["commit"])
    moved = (source.commit, source.problems, source.gone) != (found.tip, problems, gone)
    source.commit, source.problems, source.gone = found.tip, problems, gone
    moved = moved or source.failing_since is not None
    source.failing_since, source.error, source.attempts, source.read_at = None, "", 0, now()
    source.next_try = source.read_at + about(EVERY)
    source.save(update_fields=[*names, "error", "attempts", "read_at", "next_try"])
    if moved:
        record_reading("policy_source.synced", source, before, ["commit"])


@transaction.atomic
def _note_failure(taken: PolicySource, why: str) -> None:
    source = _held(taken)
    at, first = now(), source.failing_since is None
    before = state_of(source, ["error"])
    source.error, source.failing_since = make_visible(why)[:500], source.failing_since or at
    source.next_try = at + pause(source.attempts, FIRST_PAUSE, LONGEST_PAUSE)
    source.save(update_fields=["error", "failing_since", "next_try"])
    if first:
        record_reading("policy_source.failed", source, before, ["error"])
