"""The one place that touches the CEL engine.

The engine reads past its own type checks when a host value is wrong, so it is only given values
that `facts.check_value` let through, and only those that the expression reads.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cel_expr_python import cel

from policies.language.conditions.errors import ConditionError, Mistake
from policies.language.facts import Kind, Value
from policies.language.globs import match_glob
from policies.language.problems import did_you_mean

MAX_CHARACTERS = 4_000

Near = Callable[[str], Iterable[str]]

_STRINGS = cel.Type.List(cel.Type.STRING)
_TYPES = {
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
    "list": _STRINGS,
}
_ERROR = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
# The engine turns has(fact) into the fact itself, so it cannot be found in the tree.
_HAS = re.compile(r"\bhas\b(?:\s|//[^\n]*\n)*\(")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STATUS = re.compile(r"^[A-Z_]+: ")
_OVERLOAD = re.compile(r"found no matching overload for '_?@?(\S+?)_?' applied to '(.*)'")
_ENGINE_NOTE = re.compile(r" ?(\[[A-Z_]+\]|\(in container ''\)|expecting \{.*)$")

_OPERATORS = "_&&_ _||_ !_ _?_:_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in _+_ _-_ _*_ _/_ _%_ -_ _[_]"
_CALLS = "size startsWith endsWith contains matches matches_path int double"

#: What a condition may call, by the names under which the engine knows them.
FUNCTIONS = frozenset((*_OPERATORS.split(), *_CALLS.split()))


def _any_path_matches(paths: list[str], pattern: str) -> bool:
    found = any(match_glob(pattern, path) for path in paths)
    # The engine never lets go of the list that it makes for a call; its texts at least can go.
    paths.clear()
    return found


def _path_matches(path: str, pattern: str) -> bool:
    return match_glob(pattern, path)


_MATCHES_PATH = cel.FunctionDecl(
    "matches_path",
    [
        cel.Overload(
            "matches_path_list",
            cel.Type.BOOL,
            [_STRINGS, cel.Type.STRING],
            False,
            _any_path_matches,
        ),
        cel.Overload(
            "matches_path_string",
            cel.Type.BOOL,
            [cel.Type.STRING, cel.Type.STRING],
            False,
            _path_matches,
        ),
    ],
)


class Engine:
    """Compiles conditions over one set of variables. Safe to share between threads."""

    def __init__(
        self,
        variables: Mapping[str, Kind],
        near: Near = lambda _: (),
    ) -> None:
        """`near`: the names to look through for what an unknown one may have meant."""
        self._near = near
        self._environment = cel.NewEnv(
            variables={name: _TYPES[kind] for name, kind in variables.items()},
            extensions=[cel.CelExtension("countersign", [_MATCHES_PATH])],
        )

    def compile(self, text: str) -> "Program":
        """Raises ConditionError for text that is too long, not CEL, or not true-or-false."""
        if len(text) > MAX_CHARACTERS:
            message = f"the condition is too long; at most {MAX_CHARACTERS} characters"
            raise ConditionError.at(0, message)
        if "\0" in text:
            message = "the condition contains a NUL character; remove it"
            raise ConditionError.at(text.index("\0"), message)
        strange = _SURROGATE.search(text)
        if strange:
            message = f"U+{ord(strange[0]):04X} is not a character; remove it"
            raise ConditionError.at(strange.start(), message)
        has = _HAS.search(text)
        if has:
            message = "has() is not supported: a missing fact already makes the condition unknown"
            raise ConditionError.at(has.start(), message)
        try:
            expression = self._environment.compile(text)
        except (RuntimeError, TypeError) as error:
            raise ConditionError(_mistakes(str(error), text, self._near)) from None
        if expression.return_type() != cel.Type.BOOL:
            name = expression.return_type().name().lower()
            raise ConditionError.at(0, f"the condition must be true or false, but it is {name}")
        return Program(expression)


class Program:
    """A compiled condition."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def serialized(self) -> bytes:
        """The checked expression as the engine writes it."""
        return bytes(self._expression.serialize())

    def run(self, values: Mapping[str, Value]) -> bool | str:
        """True, false, or the engine's reason why it cannot tell."""
        data = {name: _plain(value) for name, value in values.items()}
        try:
            result = self._expression.eval(data=data)
        except RuntimeError as error:
            return _without_notes(str(error))
        value = result.value()
        if result.type() == cel.Type.BOOL and isinstance(value, bool):
            return value
        return _without_notes(str(value))


def _plain(value: Value) -> bool | int | float | str | list[str]:
    return list(value) if isinstance(value, tuple) else value


def regex_problem(pattern: str) -> str | None:
    """Why the engine's regular expressions refuse `pattern`, or None."""
    result = _PROBE.run({"pattern": pattern})
    return result if isinstance(result, str) else None


def regex_fits_empty(pattern: str) -> bool:
    """Whether `pattern` is found in the empty text."""
    return _PROBE.run({"pattern": pattern}) is True


def _mistakes(report: str, text: str, near: Near) -> list[Mistake]:
    found = _ERROR.findall(report)
    undeclared = [row for row in found if _UNDECLARED.search(row[2])]
    # Whatever else the engine says about an undeclared name only follows from it.
    rows = undeclared or found
    if not rows:
        return [Mistake(0, _without_notes(report.splitlines()[0] if report else "not readable"))]
    return [_mistake(int(line), int(column), said, text, near) for line, column, said in rows]


def _mistake(line: int, column: int, said: str, text: str, near: Near) -> Mistake:
    offset = _offset(text, line, column)
    match = _UNDECLARED.search(said)
    if match is None:
        return Mistake(offset, _without_notes(said))
    word = match[1]
    if re.match(r"\s*\(", text[offset:].removeprefix(word)) or text[offset : offset + 1] == "(":
        return Mistake(offset, f"unknown function '{word}'{did_you_mean(word, _CALLS.split())}")
    # The engine points at the last dot of a dotted name.
    start = text.rfind(word, 0, offset + len(word))
    kind = "fact" if "." in word else "name"
    message = f"unknown {kind} '{word}'{did_you_mean(word, near(word))}"
    return Mistake(start if start >= 0 else offset, message)


def _offset(text: str, line: int, column: int) -> int:
    if line < 1 or column < 1:
        return 0
    before = text.split("\n")[: line - 1]
    return min(sum(len(part) + 1 for part in before) + column - 1, len(text))


def _without_notes(said: str) -> str:
    plain = _ENGINE_NOTE.sub("", _ENGINE_NOTE.sub("", _STATUS.sub("", said))).strip()
    return _OVERLOAD.sub(r"\1 cannot be used with \2", plain)


_PROBE = Engine({"pattern": "string"}).compile("''.matches(pattern)")
