"""The condition engine against an independent one, on random expressions of the right types.

COUNTERSIGN_DIFFERENTIAL says how many expressions there are in all (20000),
COUNTERSIGN_DIFFERENTIAL_SEED which (0). Nothing else is left to chance. A million:

    COUNTERSIGN_DIFFERENTIAL=1000000 make test ARGS=tests/unit/policies/test_differential.py
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from policies.language.conditions import Answer, Compiler, Condition, Truth
from policies.language.conditions.engine import FUNCTIONS
from policies.language.conditions.tree import Call, Loop, Node, children
from policies.language.facts import SCHEMAS, Value
from tests.unit.policies.builders import GONE, facts
from tests.unit.policies.expressions import DEFINITIONS, make_condition, make_values
from tests.unit.policies.reference import reference_answer

TOTAL = int(os.environ.get("COUNTERSIGN_DIFFERENTIAL", "20000"))
SEED = os.environ.get("COUNTERSIGN_DIFFERENTIAL_SEED", "0")
PARTS = 4
SHOWN = 3

COMPILER = Compiler(SCHEMAS["v1"], DEFINITIONS)
QUANTIFIERS = ("exists", "all", "exists_one")
UNKNOWN = Answer(Truth.UNKNOWN, frozenset({"git.head"}))
ANSWERS = (Answer(Truth.TRUE), Answer(Truth.FALSE), UNKNOWN)


@dataclass(frozen=True)
class Case:
    """One condition with what it is asked about, all from one seed."""

    seed: str
    condition: Condition
    values: dict[str, Value]
    named: dict[str, Answer]

    @classmethod
    def of(cls, seed: str) -> "Case":
        """The same every time; the condition must compile."""
        draw = Random(seed)
        condition = COMPILER.compile(make_condition(draw))
        values = make_values(draw, condition.reads, missing=0.1)
        return cls(seed, condition, values, {name: draw.choice(ANSWERS) for name in DEFINITIONS})

    def __str__(self) -> str:
        named = {name: answer.truth.value for name, answer in self.named.items()}
        return f"{self.condition.text}\n  Case.of({self.seed!r}): {self.values} {named}"

    def ours(self) -> Answer:
        """What the portal says; a missing fact is one that is not there or one that is unknown."""
        gone = {n: GONE for n in self.condition.reads - self.values.keys() if len(n) % 2}
        return self.condition.evaluate(facts({**self.values, **gone}, target=False), self.named)

    def theirs(self) -> Truth:
        """What the other engine says."""
        told = {n: a.truth is Truth.TRUE for n, a in self.named.items() if a.truth != "unknown"}
        return reference_answer(self.condition.text, {**self.values, **told})


def features(node: Node, loops: int = 0) -> Iterator[str]:
    """The operators, functions and loops of a condition; a loop inside a loop is one of its own."""
    if isinstance(node, Call):
        yield node.function
    if isinstance(node, Loop):
        yield f"{node.quantifier} in a loop" if loops else node.quantifier
    for part in children(node):
        inside = isinstance(node, Loop) and part is node.body
        yield from features(part, loops + inside)


@pytest.fixture(autouse=True)
def _at_any_cost(monkeypatch):
    """What could take long with the largest facts is not refused here: these are small."""
    monkeypatch.setattr("policies.language.conditions.condition.MAX_COST", 10**18)


@pytest.mark.parametrize("part", range(PARTS))
def test_both_engines_give_the_same_answer(part):
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(part, TOTAL, PARTS):
        case = Case.of(f"{SEED}:{number}")
        ours, theirs = case.ours(), case.theirs()
        seen.update([ours.truth.value, *set(features(case.condition.tree))])
        seen["computed in vain"] += bool(ours.error)
        seen["decided without some facts"] += ours.truth is not Truth.UNKNOWN and len(
            case.values
        ) < len(case.condition.reads)
        if ours.truth is not theirs:
            wrong.append(f"{case.condition.text}\n  ours {ours}, theirs {theirs}, by {case}")
    shortest = "\n".join(sorted(wrong, key=len)[:SHOWN])
    assert not wrong, f"{len(wrong)} of seed {SEED} differ; the shortest:\n{shortest}"
    assert_rich(seen, len(range(part, TOTAL, PARTS)))


def assert_rich(seen: Counter[str], total: int) -> None:
    """That the expressions hold all that conditions may use, and all answers."""
    loops = [f"{one}{where}" for one in QUANTIFIERS for where in ("", " in a loop")]
    least = dict.fromkeys(FUNCTIONS - {"matches_path"}, 0.01)
    least |= dict.fromkeys(loops, 0.002)
    least |= {truth.value: 0.2 for truth in Truth}
    least |= {"computed in vain": 0.05, "decided without some facts": 0.02}
    rare = {name: seen[name] for name, share in least.items() if seen[name] < share * total}
    assert not rare, f"too rare among {total}: {rare}"
