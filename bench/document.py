"""What the editor asks on every pause in typing: a document of 200 rules read, judged by its tests.

The floor compiles the same conditions with the raw engine, over the same names. Nothing here waits,
so both are CPU time: what else the machine does would count otherwise.
"""

from collections.abc import Callable
from statistics import median
from time import process_time

from bench.figures import Figure
from policies.language.cautions import cautions_of
from policies.language.conditions.engine import Engine
from policies.language.format import format_document
from policies.language.parse import parse_policy
from policies.language.schema import SCHEMAS
from policies.language.testing import run_cases

RULES, TESTS, ROUNDS = 200, 20, 15

CONDITIONS = (
    "request.tier == 'staging' && prod",
    "!git.on_branch && history.deploys_7d > {n}",
    "git.diff_lines > {n}00",
    "matches_path(git.paths, 'db/{n}/**')",
    "prod && (time.hour < 6 || time.hour > 20)",
    "!git.signed && git.files_changed > {n}",
    "history.first_time && prod",
    "history.failures_7d > {n}",
    "prod && git.insertions + git.deletions > {n}000",
    "git.author.endsWith('@example{n}.com')",
)
HEAD = """\
policy: large
facts: v1
match: {projects: ["**"], environments: ["**"], actions: ["**"]}
define:
  prod: request.environment == 'production'
default: {require: {count: 1, from: [leads]}}
rules:
"""
RULE = """\
  - id: r{n}
    when: "{when}"
    require: {{count: 1, from: [leads]}}
"""
TEST = """\
  - name: test {n}
    given: {{request.environment: production, git.diff_lines: {n}, git.paths: [a, b]}}
    expect: {{verdict: review}}
"""


def run() -> list[Figure]:
    """Milliseconds against the bar, and the ratio to the engine."""
    conditions = [CONDITIONS[n % len(CONDITIONS)].format(n=n) for n in range(RULES)]
    rules = "".join(RULE.format(n=n, when=when) for n, when in enumerate(conditions))
    text = f"{HEAD}{rules}tests:\n" + "".join(TEST.format(n=n) for n in range(TESTS))
    if not all(result.passed for result in run_cases(parse_policy(text))):
        raise RuntimeError("the tests of the document do not pass")
    kinds = {name: fact.kind for name, fact in SCHEMAS["v1"].items()}

    def check() -> None:
        document = parse_policy(text)
        run_cases(document)
        cautions_of(document, text)

    def engine() -> None:
        raw = Engine({**kinds, "prod": "bool"})
        for condition in conditions:
            raw.compile(condition)

    took, least, tidied = [], [], []
    for _ in range(ROUNDS):  # in turns: other load on the machine meets both
        least.append(_seconds(engine))
        took.append(_seconds(check))
        tidied.append(_seconds(lambda: format_document(text)))
    whole, floor = median(took), median(least)
    name = f"check of {RULES} rules with {TESTS} tests, CPU p50"
    note = f"engine {floor * 1000:.0f} ms"
    return [
        Figure(name, whole * 1000, " ms", at_most=200),
        Figure("the same / raw CEL engine compiling them", whole / floor, note=note),
        Figure("formatting it, CPU p50", median(tidied) * 1000, " ms"),
    ]


def _seconds(function: Callable[[], object]) -> float:
    begun = process_time()
    function()
    return process_time() - begun
