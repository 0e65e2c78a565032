"""Parts of a replay as bytes in and bytes out, so that other processes can share the work. Pure.

The engine holds the interpreter's lock, so threads would not help. `python -m policies.replaying`
answers each line of its input with one line, and ends with its input: it never outlives whoever
started it.
"""

import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import orjson

from policies.language.document import PinnedPolicy
from policies.language.facts import FactValueError
from policies.language.parse import load_policy
from policies.language.problems import PolicyError
from policies.simulation import Replayed, Stored, Totals, replay, touches

MOST_SECONDS = 5.0  # for one part; conditions over long lists take their time

#: Text, number and digest of a policy version.
Version = tuple[str, int, str]
#: Project, environment, action, outcome, and the stored JSON of policies, obligations and facts.
#: The outcome is None where policy never gave a verdict.
Row = tuple[str, str, str, str | None, str, str, str]


def ask(proposed: Version, others: Mapping[str, Version], rows: list[Row]) -> bytes:
    """A part as one line. `others` are the versions that took part, by digest."""
    return orjson.dumps({"proposed": proposed, "others": others, "rows": rows})


def answer(line: bytes) -> bytes:
    """Replay a part, or as much of it as the time allows: the sums, and which would change."""
    part = orjson.loads(line)
    proposed = _pinned(part["proposed"])
    totals = Totals()
    changed = []
    begun = time.monotonic()
    for number, row in enumerate(part["rows"]):
        replayed = _one(proposed, part["others"], row, totals)
        if replayed is not None and replayed.change.differs:
            changed.append([number, str(replayed.change), *replayed.people, replayed.unsure])
        if time.monotonic() - begun > MOST_SECONDS:
            break
    return orjson.dumps({"totals": totals.to_json(), "changed": changed})


def _pinned(version: Version) -> PinnedPolicy:
    text, number, digest = version
    return PinnedPolicy(load_policy(text), number, digest)


def _one(
    proposed: PinnedPolicy, others: Mapping[str, Any], row: Row, totals: Totals
) -> Replayed | None:
    totals.requests += 1
    project, environment, action, outcome, policies, obligations, facts = row
    if outcome is None:
        return None
    refs = tuple((ref["policy"], ref["digest"]) for ref in orjson.loads(policies))
    asked, known = orjson.loads(obligations), orjson.loads(facts)
    stored = Stored(project, environment, action, outcome, refs, asked, known)
    if not touches(proposed, stored):
        return None
    beside = [digest for name, digest in refs if name != proposed.document.policy]
    try:
        replayed = replay(proposed, [_pinned(others[digest]) for digest in beside], stored)
    except (KeyError, PolicyError, FactValueError):
        totals.unreadable += 1  # a version or a snapshot that nobody can read any more
        return None
    totals.add(replayed)
    return replayed


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(answer(line) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
