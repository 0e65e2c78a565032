"""Reading a policy document with its tests, as every save does, beside compiling its conditions."""

from statistics import median
from time import perf_counter

from bench.figures import Figure
from bench.verdict import POLICY
from policies.language.conditions.engine import Engine
from policies.language.parse import parse_policy
from policies.language.schema import SCHEMAS
from policies.language.testing import run_cases

ROUNDS = 30
TESTS = """\
tests:
  - name: staging runs by itself
    given: {request.tier: staging, git.on_branch: true}
    expect: {verdict: allow, because: [r01]}
  - name: off the branch
    given: {git.on_branch: false, git.head: "1"}
    expect: {verdict: deny, because: [r02]}
  - name: large changes ask two
    given: {git.on_branch: true, git.diff_lines: 501}
    expect: {verdict: review, because: [r03]}
  - name: unknown paths count as a change of the database
    given: {git.on_branch: true, git.paths: ~}
    expect: {verdict: review, because: [default, r04]}
  - name: an unknown branch blocks
    given: {git.on_branch: ~}
    expect: {verdict: blocked, because: [r02]}
"""


def run() -> list[Figure]:
    """Milliseconds against the bar, and the ratio to the engine."""
    text = POLICY + TESTS
    document = parse_policy(text)
    wrong = [result.differences for result in run_cases(document) if not result.passed]
    if wrong:
        raise RuntimeError(f"the tests of the document fail: {wrong}")
    conditions = [rule.when.text for rule in document.rules]
    kinds = {name: fact.kind for name, fact in SCHEMAS["v1"].items()}
    took, least = [], []
    for _ in range(ROUNDS):  # in turns: other load on the machine meets both
        begun = perf_counter()
        engine = Engine(kinds)
        for condition in conditions:
            engine.compile(condition)
        least.append(perf_counter() - begun)
        begun = perf_counter()
        run_cases(parse_policy(text))
        took.append(perf_counter() - begun)
    whole, floor = median(took), median(least)
    return [
        Figure("document of ten rules with five tests, p50", whole * 1000, " ms", at_most=50),
        Figure("the same / raw engine compiling", whole / floor, note=f"{floor * 1000:.1f} ms"),
    ]
