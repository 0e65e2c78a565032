"""The engine's own syntax tree, read from the checked expression that it serialises.

Reading the tree of the engine, rather than parsing the text a second time, leaves no room for
two parsers to disagree. Whatever is not known here is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from policies.language.conditions.errors import ConditionError
from policies.language.conditions.wire import (
    Field,
    Fields,
    WireError,
    as_double,
    as_signed,
    as_text,
    read_fields,
)

Quantifier = Literal["exists", "all", "exists_one"]

_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition: where it stands in the text and the engine's type of it."""

    offset: int
    type: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal."""

    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A fact, a definition or the variable of a loop."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or operator; the receiver of a method is the first argument."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list literal."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """`items.exists(variable, body)` and its two siblings."""

    quantifier: Quantifier
    variable: str
    items: Node
    body: Node


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node."""
    match node:
        case Call(arguments=parts) | Items(items=parts):
            return parts
        case Loop(items=items, body=body):
            return (items, body)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for part in children(node):
        yield from walk(part)


def read_tree(serialized: bytes) -> Node:
    """The tree of a checked expression. Raises ConditionError for what is left out here."""
    try:
        checked = read_fields(read_fields(serialized)[2][0])
        return _Reader(checked).node(checked[4][0])
    except (WireError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise ConditionError.at(0, "the engine wrote a tree that cannot be read") from error


class _Reader:
    def __init__(self, checked: Fields) -> None:
        self._types = {key: _type(value) for key, value in _entries(checked.get(3, []))}
        source = read_fields(checked[5][0])
        positions = _entries(source.get(4, []))
        self._offsets = {key: value for key, value in positions if isinstance(value, int)}

    def node(self, data: Field) -> Node:
        fields = read_fields(data)
        identity = as_signed(fields[2][0])
        offset, type_ = self._offsets.get(identity, 0), self._types.get(identity, "unknown")
        if 3 in fields:
            return Constant(offset, type_, _constant(read_fields(fields[3][0]), offset))
        if 4 in fields:
            return Name(offset, type_, as_text(read_fields(fields[4][0])[1][0]))
        if 6 in fields:
            return self._call(read_fields(fields[6][0]), offset, type_)
        if 7 in fields:
            items = read_fields(fields[7][0]).get(1, [])
            return Items(offset, type_, tuple(map(self.node, items)))
        if 9 in fields:
            return self._loop(read_fields(fields[9][0]), offset, type_)
        raise ConditionError.at(offset, _left_out(fields))

    def _call(self, fields: Fields, offset: int, type_: str) -> Node:
        parts = fields.get(1, []) + fields.get(3, [])
        return Call(offset, type_, as_text(fields[2][0]), tuple(map(self.node, parts)))

    def _loop(self, fields: Fields, offset: int, type_: str) -> Node:
        step = self.node(fields[6][0])
        start = self.node(fields[4][0])
        quantifier = _quantifier(start, step)
        if quantifier is None or 8 in fields or not isinstance(step, Call):
            raise ConditionError.at(offset, "only exists, all and exists_one loop over a list")
        body = step.arguments[0 if quantifier == "exists_one" else 1]
        variable = as_text(fields[1][0])
        return Loop(offset, type_, quantifier, variable, self.node(fields[2][0]), body)


def _quantifier(start: Node, step: Node) -> Quantifier | None:
    """Which macro the engine unfolded, told by its first value and its step."""
    match start, step:
        case Constant(value=False, type="bool"), Call(function="_||_"):
            return "exists"
        case Constant(value=True, type="bool"), Call(function="_&&_"):
            return "all"
        case Constant(value=0, type="int"), Call(function="_?_:_"):
            return "exists_one"
    return None


def _constant(fields: Fields, offset: int) -> bool | int | float | str:
    for number, value in ((key, values[0]) for key, values in fields.items()):
        if number == 2:
            return bool(value)
        if number == 3:
            return as_signed(value)
        if number == 5:
            return as_double(value)
        if number == 6:
            return as_text(value)
    raise ConditionError.at(offset, "null, bytes and unsigned literals are not supported")


def _left_out(fields: Fields) -> str:
    if 8 in fields:
        return "map and message literals are not supported"
    return "this expression is not supported"


def _entries(values: list[Field]) -> Iterator[tuple[int, Field]]:
    for entry in map(read_fields, values):
        yield as_signed(entry.get(1, [0])[0]), entry.get(2, [0])[0]


def _type(data: Field) -> str:
    fields = read_fields(data)
    if 3 in fields and isinstance(fields[3][0], int):
        return _PRIMITIVES.get(fields[3][0], "other")
    if 6 in fields:
        element = read_fields(fields[6][0]).get(1)
        return f"list({_type(element[0]) if element else 'dyn'})"
    return "dyn" if 1 in fields or 10 in fields else "other"
