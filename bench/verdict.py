"""The verdict of a ten-rule policy with its explanation, beside the raw engine on its conditions.

The floor evaluates the same ten conditions, compiled once, with values at hand: no unknowns, no
obligations, no sentences.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

from bench.figures import Figure
from policies.language.document import PinnedPolicy
from policies.language.evaluate import evaluate
from policies.language.facts import SCHEMAS, Facts, Known
from policies.language.parse import parse_policy

ROUNDS, CALLS = 40, 50

POLICY = """\
policy: shop
facts: v1
match: {projects: ["**"], environments: ["**"], actions: ["**"]}
rules:
  - {id: r01, when: "request.tier == 'staging'", approve: auto}
  - {id: r02, when: "!git.on_branch", deny: "{git.head} is not on the branch."}
  - {id: r03, when: "git.diff_lines > 500", require: {count: 2, from: [leads]}}
  - {id: r04, when: "matches_path(git.paths, 'db/**')", require: {count: 1, from: [dba]}}
  - {id: r05, when: "time.hour < 6 || time.hour > 20", require: {count: 1, from: [on-call]}}
  - {id: r06, when: "!git.signed && git.files_changed > 10", require: {count: 1, from: [leads]}}
  - {id: r07, when: "history.first_time", require: {count: 1, from: [leads]}}
  - {id: r08, when: "history.failures_7d > 3", deny: "{history.failures_7d} failures this week."}
  - {id: r09, when: "git.insertions + git.deletions > 10000", deny: "Too large to look at."}
  - {id: r10, when: "git.author.endsWith('@example.com')", require: {count: 1, from: [leads]}}
default: {require: {count: 1, from: [leads]}}
decide_within: 24h
valid_for: 1h
"""
VALUES: dict[str, object] = {
    "request.project": "shop",
    "request.environment": "production",
    "request.tier": "production",
    "request.action": "deploy",
    "git.on_branch": True,
    "git.head": "1" * 40,
    "git.diff_lines": 640,
    "git.paths": tuple(f"src/part{n}/file.py" for n in range(40)),
    "git.files_changed": 40,
    "git.signed": True,
    "git.insertions": 400,
    "git.deletions": 240,
    "git.author": "ana@example.com",
    "time.hour": 14,
    "history.first_time": False,
    "history.failures_7d": 1,
}


def run() -> list[Figure]:
    """Milliseconds against the bar, and the ratio to the engine."""
    at, schema = datetime(2026, 11, 23, 12, tzinfo=UTC), SCHEMAS["v1"]
    states = {
        name: Known(value, schema[name].group, at, schema[name].provenance)  # type: ignore[arg-type]
        for name, value in VALUES.items()
    }
    facts = Facts(states)
    pinned = PinnedPolicy(parse_policy(POLICY), 1, "sha256:" + "0" * 64)
    conditions = [rule.when for rule in pinned.document.rules]
    handed = [(c._program, {name: VALUES[name] for name in c.reads}) for c in conditions]
    if len(conditions) != 10 or len(evaluate([pinned], facts).explanation) != 11:
        raise RuntimeError("the policy does not have ten rules, each explained")

    def engine() -> None:
        for program, values in handed:
            program.run(values)  # type: ignore[arg-type]

    took, least = [], []
    for _ in range(ROUNDS):  # in turns: other load on the machine meets both
        least.append(_seconds(engine))
        took.append(_seconds(lambda: evaluate([pinned], facts).to_json()))
    whole, floor = median(took), median(least)
    return [
        Figure("verdict of ten rules with explanation, p50", whole * 1000, " ms", at_most=1),
        Figure("the same / raw CEL engine", whole / floor, note=f"engine {floor * 1000:.2f} ms"),
    ]


def _seconds(function: Callable[[], object]) -> float:
    begun = perf_counter()
    for _ in range(CALLS):
        function()
    return (perf_counter() - begun) / CALLS
