"""One condition: compiled once, then true, false or unknown for given facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from policies.language.conditions.cost import MAX_COST, worst_cost
from policies.language.conditions.engine import Engine, Program
from policies.language.conditions.errors import ConditionError
from policies.language.conditions.guards import check_guards, names_in
from policies.language.conditions.tree import Node, read_tree
from policies.language.facts import Facts, Known, Value
from policies.language.schema import Kind, Schema

#: Facts of families that one document may name: the engine is told of each.
MAX_OF_FAMILIES = 200


class Truth(StrEnum):
    """The three answers of a condition."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition says about some facts.

    `missing` names the unknown facts behind an unknown answer. It is empty, and `error` says
    why, when the facts are all there and the answer still cannot be computed (a division by zero).
    """

    truth: Truth
    missing: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """`reads` are the facts it names itself, `names` the definitions it uses."""

    text: str
    tree: Node
    reads: frozenset[str]
    names: frozenset[str]
    _program: Program = field(repr=False)

    def evaluate(self, facts: Facts, named: Mapping[str, Answer]) -> Answer:
        """The answer, given the answers of the definitions it uses.

        Unknown facts and names are simply not handed over: the engine makes an error of each,
        which only `true ||` and `false &&` absorb.
        """
        values: dict[str, Value] = {}
        missing: set[str] = set()
        errors: set[str] = set()
        for name in self.reads:
            state = facts.state(name)
            if isinstance(state, Known):
                values[name] = state.value
            else:
                missing.add(name)
        for name in self.names:
            answer = named[name]
            if answer.truth is Truth.UNKNOWN:
                missing |= answer.missing
                errors |= {answer.error} - {""}
            else:
                values[name] = answer.truth is Truth.TRUE
        result = self._program.run(values)
        if isinstance(result, bool):
            return Answer(Truth.TRUE if result else Truth.FALSE)
        if missing:
            return Answer(Truth.UNKNOWN, frozenset(missing))
        return Answer(Truth.UNKNOWN, error=min(errors, default=result))


class Compiler:
    """Compiles the conditions of one document, over its facts and its definitions in order.

    What they cost with the largest facts adds up; see `conditions.cost`.
    """

    def __init__(self, schema: Schema, definitions: Sequence[str]) -> None:
        self._schema = schema
        self._definitions = tuple(definitions)
        self._cost = 0
        # Of a family only what the document names, or there would be no end of them.
        self._of_families: frozenset[str] = frozenset()
        self._engine = self._engine_for(self._of_families)

    def compile(self, text: str, *, before: str | None = None) -> Condition:
        """The condition `text`; with `before`, only definitions above that one may be used.

        Raises ConditionError.
        """
        end = len(self._definitions) if before is None else self._definitions.index(before)
        earlier, later = self._definitions[:end], self._definitions[end:]
        self._spend(0)
        self._declare(self._schema.named_in(text))
        program = self._engine.compile(text)
        tree = read_tree(program.serialized())
        check_guards(tree, self._schema, earlier, later)
        reads, names = names_in(tree, self._schema), names_in(tree, earlier)
        self._spend(worst_cost(tree, self._schema, reads))
        return Condition(text, tree, reads, names, program)

    def _declare(self, names: frozenset[str]) -> None:
        wanted = self._of_families | {name for name in names if name in self._schema}
        if len(wanted) > MAX_OF_FAMILIES:
            message = f"too many facts of connections; at most {MAX_OF_FAMILIES} in a document"
            raise ConditionError.at(0, message)
        if wanted != self._of_families:
            self._of_families, self._engine = wanted, self._engine_for(wanted)

    def _engine_for(self, of_families: frozenset[str]) -> Engine:
        variables: dict[str, Kind] = dict.fromkeys(self._definitions, "bool")
        variables |= {name: self._schema[name].kind for name in (*self._schema, *of_families)}
        return Engine(variables, lambda word: [*self._schema.near(word), *self._definitions])

    def _spend(self, cost: int) -> None:
        if cost > MAX_COST:
            raise ConditionError.at(0, _too_slow("this condition", cost))
        self._cost += cost
        if self._cost > MAX_COST:
            raise ConditionError.at(0, _too_slow("all conditions up to here", self._cost))


def _too_slow(what: str, cost: int) -> str:
    return (
        f"{what} could take {cost // 1_000_000} ms with the largest facts, and a document"
        f" {MAX_COST // 1_000_000} ms in all: loop less, or over less"
    )
