"""Random conditions of the right types, from everything that conditions may use.

A grammar as data: every line is one way to write a value of its type, `{int}` stands for any
value of type int. What a line makes is closed in itself (in brackets, or a call), so lines may be
put into each other; how operators bind without brackets is what the long lines are for.
`matches_path` is left out, it is ours; so are the texts that the CEL specification lets an engine
read as a number or not (see test_conditions).
"""

import re
from collections.abc import Iterable, Iterator
from random import Random

from policies.language.facts import SCHEMAS, Value

DEFINITIONS = ("first", "second")

_SCHEMA = SCHEMAS["v1"]
_LOOP_VARIABLES = ("p", "q")
_LINES = {
    "bool": """
        ({bool} && {bool})
        ({bool} && {bool})
        ({bool} || {bool})
        ({bool} || {bool})
        ({bool} && {bool} || {bool} && !{bool})
        ({bool} || {bool} && {bool} || {bool})
        ({bool} || {bool} ? {bool} && {bool} : {bool} || {bool})
        ({int} + {int} * {int} < {int} - {int} - {int})
        ({int} / {int} % {int} == -{int} + {int} || {bool})
        ({bool} && {double} - {double} / {double} >= -{double})
        ({string} + {string} in {list} && {bool})
        !{bool}
        !!{bool}
        !{string}.startsWith({string})
        {string}.startsWith({string})
        {string}.endsWith({string})
        {string}.contains({string})
        {string}.matches({pattern})
        matches({string}, {pattern})
        ({string} in {list})
        ({string} in {list})
        ({list} in [{list}, {list}])
        ({list} == {list})
        ({list} != {list})
        {list}.exists({loop:string})
        {list}.exists({loop:string})
        {list}.all({loop:string})
        {list}.exists_one({loop:string})
        [{int}, {int}].exists({loop:int})
        [{int}, {int}, {int}].all({loop:int})
        [{int}, {int}].exists_one({loop:int})
        [{double}, {double}].exists({loop:double})
        [{bool}, {bool}].all({loop:bool})
        {enumerated}
        {enumerated}
    """,
    "int": """
        ({int} + {int})
        ({int} - {int})
        ({int} * {int})
        ({int} / {int})
        ({int} % {int})
        (-{int})
        size({string})
        {string}.size()
        size({list})
        {list}.size()
        [{double}, {double}].size()
        int({number})
        int({string})
        int({double})
        int({int})
    """,
    "double": """
        ({double} + {double})
        ({double} - {double})
        ({double} * {double})
        ({double} / {double})
        (-{double})
        double({number})
        double({string})
        double({int})
        double({double})
    """,
    "string": """
        ({string} + {string})
        {list}[{index}]
        {list}[{int}]
    """,
    "list": """
        [{string}]
        [{string}, {string}]
        ({list} + {list})
        ({list} + [{string}])
    """,
}
_EVERY_TYPE = """
    ({bool} ? {T} : {T})
    [{T}][0]
    [{T}, {T}][{index}]
"""
_COMPARISONS = """
    ({T} == {T})
    ({T} != {T})
    ({T} < {T})
    ({T} <= {T})
    ({T} > {T})
    ({T} >= {T})
    ({T} in [{T}, {T}])
    ({T} in [{T}, {T}, {T}])
"""
_LITERALS = {
    "bool": "true false",
    "int": """0 0 1 1 2 3 -1 -2 7 0x1F -0xa 9223372036854775807 -9223372036854775808
        4611686018427387904""",
    "double": """0.0 0.0 -0.0 1.0 1.0 -1.5 0.5 2.0 1e3 2.5E-1 .5 1e308 -1e308 5e-324
        9223372036854775808.0 -9223372036854775808.0""",
    "string": r"""'' '' 'a' 'a' "b" 'ab' r'a\b' 'a\\b' "it's" 'é' '\u00e9' '😀' '\U0001F600'
        '\x61' '\101' '''a'b''' '12' '-7' '1.5' 'A' 'main' 'db/1.sql' 'e\u0301'""",
    "index": "0 0 0 1 1 -1 2",
    "number": """'0' '0' '12' '-7' '+1' '007' '1.5' '-0.25' '1e3' '9223372036854775807' '-0' '--1'
        '9223372036854775808' '-9223372036854775808' '' 'a' '1e400' 'true' '12a' 'inf' 'nan'""",
    "pattern": r"""'^a' 'b$' '^[ab]*$' '(?i)A' r'^\d+$' '.' '^$' 'a|12' '^.$' 'é' '(a)(b)?'
        '[^a]' 'a{1,2}' '\\.'""",
}
_VALUES: dict[str, tuple[Value, ...]] = {
    "bool": (True, False),
    "int": (0, 1, 2, 3, 7, -1, -2, 31, 2**53 - 1, 1 - 2**53),
    "double": (0.0, -0.0, 0.5, 1.0, -1.5, 2.0, 1e308, -1e308, 5e-324, 1e3),
    "string": ("", "a", "b", "ab", "a\\b", "é", "😀", "12", "-7", "1.5", "A", "main", "db/1.sql"),
    "list": ((), ("a",), ("a", "b"), ("b", "a", "a"), ("12", "é", ""), ("ab", "a", "main", "it's")),
}
_HOLE = re.compile(r"\{([\w:]+)\}")


def _lines(type_: str) -> Iterator[str]:
    yield _LINES[type_] + _EVERY_TYPE.replace("{T}", f"{{{type_}}}")
    if type_ == "bool":
        for one in ("bool", "int", "double", "string"):
            yield _COMPARISONS.replace("{T}", f"{{{one}}}")


def _holes(block: str) -> Iterator[list[str]]:
    """Each line as text and types by turns, text first and last."""
    for line in filter(None, map(str.strip, block.splitlines())):
        yield _HOLE.split(line)


def _terms(kind: str) -> list[str]:
    """How the facts of a kind are written; a compared enumerated one must not stand alone."""
    facts = [fact for fact in _SCHEMA.values() if fact.kind == kind]
    return [f"({fact.name} + '')" if fact.enumeration else fact.name for fact in facts]


_GRAMMAR = {type_: [line for block in _lines(type_) for line in _holes(block)] for type_ in _LINES}
_WORDS = {type_: text.split() for type_, text in _LITERALS.items()}
_TERMS = {kind: _terms(kind) for kind in _LINES}
_ENUMERATED = [fact for fact in _SCHEMA.values() if fact.enumeration]


def make_condition(draw: Random) -> str:
    """One condition over the facts and the names in DEFINITIONS."""
    return _Writer(draw).some("bool", draw.choice((1, 2, 2, 3, 3, 4)))


def make_values(draw: Random, names: Iterable[str], missing: float) -> dict[str, Value]:
    """Values for these facts; each is missing with this probability."""
    kept = [_SCHEMA[name] for name in sorted(names) if draw.random() >= missing]
    return {fact.name: draw.choice(fact.enumeration or _VALUES[fact.kind]) for fact in kept}


class _Writer:
    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self._loops: list[tuple[str, str]] = []

    def some(self, type_: str, depth: int) -> str:
        if type_ == "enumerated":
            return self._enumerated()
        if type_.startswith("loop:"):
            return self._loop(type_.removeprefix("loop:"), depth)
        if type_ not in _GRAMMAR or depth <= 0 or self._draw.random() < 0.1:
            return self._leaf(type_)
        line = self._draw.choice(_GRAMMAR[type_])
        if len(self._loops) == len(_LOOP_VARIABLES) and any("loop:" in part for part in line):
            return self._leaf(type_)
        turns = enumerate(line)
        return "".join(self.some(part, depth - 1) if turn % 2 else part for turn, part in turns)

    def _leaf(self, type_: str) -> str:
        variables = [name for name, of in self._loops if of == type_]
        if variables and self._draw.random() < 0.6:
            return self._draw.choice(variables)
        if type_ == "bool" and self._draw.random() < 0.15:
            return self._draw.choice(DEFINITIONS)
        if type_ == "list" or (type_ in _TERMS and self._draw.random() < 0.6):
            return self._draw.choice(_TERMS[type_])
        word = self._draw.choice(_WORDS[type_])
        return f"({word})" if word.startswith("-") else word

    def _loop(self, type_: str, depth: int) -> str:
        variable = _LOOP_VARIABLES[len(self._loops)]
        self._loops.append((variable, type_))
        body = self.some("bool", depth)
        self._loops.pop()
        return f"{variable}, {body}"

    def _enumerated(self) -> str:
        fact = self._draw.choice(_ENUMERATED)
        line = self._draw.choice(("({} == '{}')", "({} != '{}')", "({} in ['{}', '{}'])"))
        return line.format(fact.name, *self._draw.choices(fact.enumeration, k=2))
