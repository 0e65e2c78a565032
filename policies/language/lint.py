"""Invariant 5: a claimed fact may only tighten. Refuses conditions where it could loosen.

The caller chooses what is claimed, so `approve` may not read a claim at all. In `deny` and
`require` every test of a claim must stand where making it true can only make the rule apply, and
must be of a form that a caller who says nothing does not pass. Then the rule applies at least as
often as the same rule with that test replaced by false. An exception (a test under `!`) may use a
claim only together with something that the portal saw itself. What cannot be shown is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.language.conditions import Condition, Mistake
from policies.language.conditions.engine import regex_fits_empty
from policies.language.conditions.tree import (
    Call,
    Constant,
    Items,
    Loop,
    Name,
    Node,
    walk,
)
from policies.language.document import Effect
from policies.language.globs import match_glob
from policies.language.schema import Schema

_FLIPPED = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_ARITHMETIC = {"_+_", "_-_", "_*_", "_/_", "-_", "int", "double"}

_HOW = (
    "write the rule so that the claim makes it apply, or join the exception with a fact"
    " that the portal saw itself, as in !(hotfix && history.failures_7d > 0)"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands: does its truth make the rule apply, and is the exception joined?"""

    tightens: bool = True
    joined: bool = False


class _Lint:
    def __init__(self, schema: Schema, definitions: Mapping[str, Condition]) -> None:
        self._schema = schema
        self._definitions = definitions
        # Definitions use each other: without these, a chain of them costs twice as much a link.
        self._claims: dict[str, frozenset[str]] = {}
        self._observes: dict[str, frozenset[str]] = {}
        self._loosens: dict[tuple[str, _Place], bool] = {}

    def claims(self, node: Node, loops: frozenset[str] = frozenset()) -> set[str]:
        """The claimed facts behind a node, through definitions and loop variables."""
        found: set[str] = set()
        for name in _names(node):
            if name in self._definitions:
                if name not in self._claims:
                    self._claims[name] = frozenset(self.claims(self._definitions[name].tree))
                found |= self._claims[name]
            elif name in loops or (name in self._schema and self._schema[name].claimed):
                found.add(name)
        return found

    def check(self, node: Node, place: _Place, loops: frozenset[str]) -> Iterator[Mistake]:
        claimed = self.claims(node, loops)
        if not claimed:
            return
        match node:
            case Call(function="!_", arguments=(inner,)):
                yield from self.check(inner, _Place(not place.tightens), loops)
            case Call(function="_&&_" | "_||_", arguments=parts):
                joined = place.joined or self._joins(node, loops)
                for part in parts:
                    yield from self.check(part, _Place(place.tightens, joined), loops)
            case Call(function="_?_:_", arguments=(question, yes, no)):
                if self.claims(question, loops):
                    yield _refusal(question, self.claims(question, loops))
                yield from self.check(yes, place, loops)
                yield from self.check(no, place, loops)
            case Loop():
                yield from self._loop(node, place, loops)
            case Call(function="_==_" | "_!=_" as function, arguments=(left, right)) if (
                _truth(left) is not None or _truth(right) is not None
            ):
                other, truth = (
                    (left, _truth(right)) if _truth(left) is None else (right, _truth(left))
                )
                same = (function == "_==_") is truth
                where = place if same else _Place(not place.tightens)
                yield from self.check(other, where, loops)
            case Name(name=name) if name in self._definitions:
                if self._definition_loosens(name, place):
                    yield _refusal(node, claimed, through=name)
            case _:
                proven = self._asserts(node, loops)
                if not proven or not (place.tightens or place.joined):
                    yield _refusal(node, claimed)

    def _definition_loosens(self, name: str, place: _Place) -> bool:
        if (name, place) not in self._loosens:
            mistakes = self.check(self._definitions[name].tree, place, frozenset())
            self._loosens[name, place] = any(True for _ in mistakes)
        return self._loosens[name, place]

    def _joins(self, node: Node, loops: frozenset[str]) -> bool:
        """Whether a conjunction holds a part that only the portal's own sources decide."""
        if not isinstance(node, Call) or node.function != "_&&_":
            return False
        return any(
            self._joins(part, loops) or self._observed(part, loops) for part in node.arguments
        )

    def _observed(self, node: Node, loops: frozenset[str]) -> bool:
        # Request facts are attested, but the caller picks them: they join nothing.
        facts = self._facts(node)
        return (
            bool(facts)
            and not self.claims(node, loops)
            and all(self._schema[name].group != "request" for name in facts)
        )

    def _facts(self, node: Node) -> set[str]:
        found: set[str] = set()
        for name in _names(node):
            if name in self._definitions:
                if name not in self._observes:
                    self._observes[name] = frozenset(self._facts(self._definitions[name].tree))
                found |= self._observes[name]
            elif name in self._schema:
                found.add(name)
        return found

    def _loop(self, node: Loop, place: _Place, loops: frozenset[str]) -> Iterator[Mistake]:
        over_claims = self.claims(node.items, loops)
        plain = isinstance(node.items, Name)
        if node.quantifier == "exists_one" or (over_claims and not plain):
            yield _refusal(node, self.claims(node, loops))
            return
        if over_claims and node.quantifier != "exists":
            # More items make `all` false: a longer claim would lift the rule.
            yield _refusal(node, over_claims)
            return
        inner = loops | {node.variable} if over_claims else loops - {node.variable}
        if over_claims and not self.claims(node.body, inner):
            if not (place.tightens or place.joined):
                yield _refusal(node, over_claims)
            return
        yield from self.check(node.body, place, inner)

    def _asserts(self, node: Node, loops: frozenset[str]) -> bool:
        """Whether a test of a claim is of a form that saying nothing does not pass."""
        match node:
            case Name(type="bool"):
                return True
            case Call(function="_==_", arguments=(left, right)):
                comparable = left.type in {"string", "int", "double"}
                return comparable and _says(left) and _says(right)
            case Call(function="@in", arguments=(item, Name())):
                return _says(item)
            case Call(function="@in", arguments=(Name(type="string"), Items(items=items))):
                return all(map(_not_empty, items))
            case Call(function="startsWith" | "endsWith" | "contains", arguments=(Name(), text)):
                return _not_empty(text)
            case Call(function="matches", arguments=(Name(), Constant(value=str() as pattern))):
                return not regex_fits_empty(pattern)
            case Call(function="matches_path", arguments=(Name(), Constant(value=str() as glob))):
                return not match_glob(glob, "")
            case Call(function=function, arguments=(left, right)) if function in _FLIPPED:
                return self._compares(function, left, right, loops)
        return False

    def _compares(self, function: str, left: Node, right: Node, loops: frozenset[str]) -> bool:
        if self.claims(right, loops) and not self.claims(left, loops):
            function, left, right = _FLIPPED[function], right, left
        match left, right:
            case Call(function="size", arguments=(Name(),)), Constant(value=int() as number):
                # Longer claims may only make it true: size() > 0 and size() >= 1 and up.
                least = {"_>_": number + 1, "_>=_": number}.get(function, 0)
                return least >= 1
        return _is_arithmetic(left) and _is_arithmetic(right)


def _names(node: Node) -> set[str]:
    return {part.name for part in walk(node) if isinstance(part, Name)}


def _truth(node: Node) -> bool | None:
    return node.value if isinstance(node, Constant) and isinstance(node.value, bool) else None


def _says(node: Node) -> bool:
    return isinstance(node, Name) or _not_empty(node)


def _not_empty(node: Node) -> bool:
    return isinstance(node, Constant) and node.value != ""


def _is_arithmetic(node: Node) -> bool:
    """Numbers only: a comparison of texts or booleans says nothing about their order."""
    if isinstance(node, Call):
        return node.function in _ARITHMETIC and all(map(_is_arithmetic, node.arguments))
    return isinstance(node, Name | Constant) and node.type in {"int", "double"}


def _refusal(node: Node, claimed: set[str], *, through: str = "") -> Mistake:
    names = ", ".join(sorted(claimed))
    by = f" ('{through}' reads it)" if through else ""
    message = f"the claimed fact {names} could loosen this rule{by}: {_HOW}"
    return Mistake(node.offset, message)


class Linter:
    """Lints the rules of one document."""

    def __init__(self, schema: Schema, definitions: Mapping[str, Condition]) -> None:
        self._lint = _Lint(schema, definitions)

    def mistakes(self, effect: Effect, when: Condition) -> list[Mistake]:
        """The places of `when` in which a claimed fact could loosen a rule of this effect."""
        if effect != "approve":
            return list(self._lint.check(when.tree, _Place(), frozenset()))
        claimed = self._lint.claims(when.tree)
        if not claimed:
            return []
        names = ", ".join(sorted(claimed))
        message = f"approve may not rest on the claimed fact {names}; only attested facts approve"
        return [Mistake(when.tree.offset, message)]
