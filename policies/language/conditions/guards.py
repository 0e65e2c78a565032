"""What a condition may not contain although the engine would take it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from policies.language.conditions.engine import FUNCTIONS, regex_problem
from policies.language.conditions.errors import ConditionError, Mistake
from policies.language.conditions.patterns import size_problem
from policies.language.conditions.tree import Call, Constant, Items, Loop, Name, Node, children
from policies.language.globs import glob_problem
from policies.language.problems import did_you_mean
from policies.language.schema import Schema

MAX_LOOPS = 2

_REFUSED = {
    "dyn": "it would switch the type check off",
    "type": "it would switch the type check off",
}


@dataclass(frozen=True, slots=True)
class _Guard:
    schema: Schema
    definitions: Collection[str]
    later: Collection[str]

    def check(self, node: Node, loops: tuple[str, ...]) -> Iterator[Mistake]:
        if "dyn" in node.type or node.type in {"other", "uint", "bytes"}:
            yield Mistake(node.offset, "this has no fixed type; mixed or empty lists have none")
        match node:
            case Constant(value=str() as text) if "\0" in text:
                yield Mistake(node.offset, "this text contains a NUL character; remove it")
            case Name(name=name):
                yield from self._name(node, name, loops)
            case Call():
                yield from self._call(node)
            case Loop():
                yield from self._loop(node, loops)
        inner = (*loops, node.variable) if isinstance(node, Loop) else loops
        for part in children(node):
            # What a loop goes over is worked out once, outside of it.
            outside = isinstance(node, Loop) and part is node.items
            yield from self.check(part, loops if outside else inner)

    def _name(self, node: Node, name: str, loops: tuple[str, ...]) -> Iterator[Mistake]:
        if name in self.later:
            message = f"'{name}' is defined further down; only earlier names may be used"
            yield Mistake(node.offset, message)
        elif name not in loops and name not in self.definitions and name not in self.schema:
            yield Mistake(node.offset, f"'{name}' is not a fact and not a defined name")

    def _loop(self, node: Loop, loops: tuple[str, ...]) -> Iterator[Mistake]:
        if len(loops) >= MAX_LOOPS:
            yield Mistake(node.offset, f"at most {MAX_LOOPS} loops inside each other")
        taken = {*self.definitions, *self.later, *loops, *self.schema.words}
        if node.variable in taken:
            message = f"'{node.variable}' already means something; name the variable otherwise"
            yield Mistake(node.offset, message)

    def _call(self, node: Call) -> Iterator[Mistake]:
        function, arguments = node.function, node.arguments
        if function not in FUNCTIONS:
            reason = _REFUSED.get(function)
            message = f"{function}() is not supported"
            yield Mistake(node.offset, f"{message}: {reason}" if reason else message)
        elif function in {"_==_", "_!=_"}:
            left, right = arguments
            yield from self._literal(left, right)
            yield from self._literal(right, left)
        elif function == "@in" and isinstance(arguments[1], Items):
            for item in arguments[1].items:
                yield from self._literal(arguments[0], item)
        elif function in {"matches", "matches_path"}:
            yield from _pattern(function, arguments[-1])

    def _literal(self, fact: Node, literal: Node) -> Iterator[Mistake]:
        """A text that an enumerated fact can never be would wait for ever."""
        if not isinstance(fact, Name) or not isinstance(literal, Constant):
            return
        declared = self.schema.get(fact.name)
        if declared is None or not declared.enumeration or not isinstance(literal.value, str):
            return
        if literal.value not in declared.enumeration:
            allowed = ", ".join(declared.enumeration)
            hint = did_you_mean(literal.value, declared.enumeration)
            message = f"{fact.name} is never '{literal.value}', it is one of {allowed}{hint}"
            yield Mistake(literal.offset, message)


def _pattern(function: str, pattern: Node) -> Iterator[Mistake]:
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        yield Mistake(pattern.offset, f"the pattern of {function}() must be a literal text")
        return
    if function == "matches_path":
        problem = glob_problem(pattern.value)
    else:
        problem = size_problem(pattern.value) or regex_problem(pattern.value)
    if problem:
        yield Mistake(pattern.offset, problem)


def check_guards(
    tree: Node, schema: Schema, definitions: Collection[str], later: Collection[str]
) -> None:
    """Raises ConditionError with everything that is refused in this condition."""
    mistakes = list(_Guard(schema, definitions, later).check(tree, ()))
    if mistakes:
        raise ConditionError(sorted(set(mistakes)))


def names_in(tree: Node, known: Mapping[str, object] | Collection[str]) -> frozenset[str]:
    """Which of `known` the condition names."""
    found = {tree.name} if isinstance(tree, Name) and tree.name in known else set()
    return frozenset(found).union(*(names_in(part, known) for part in children(tree)))
