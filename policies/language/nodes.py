"""YAML as nodes with positions, without the parts of YAML that surprise.

No anchors, aliases, tags, duplicate keys or second documents; scalars stay the text that was
written, so `no` and `on` are never booleans.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from policies.language.problems import PolicyError, Problem

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
MAX_NODES = 10_000


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A node and where it starts, counted from 1."""

    line: int
    column: int

    def problem(self, message: str) -> Problem:
        """A problem at this node."""
        return Problem(self.line, self.column, message)


@dataclass(frozen=True, slots=True)
class Scalar(YamlNode):
    """Text as written; `style` is YAML's (None for plain). `lines` is the whole source."""

    value: str
    style: str | None
    lines: tuple[str, ...]

    def problem_at(self, offset: int, message: str) -> Problem:
        """A problem at a character of the value, or at the node where that cannot be told."""
        before = self.value[:offset]
        row = before.count("\n")
        within = len(before) - (before.rfind("\n") + 1)
        value_line = self.value.split("\n")[row]
        if self.style == "|":
            line = self.line + 1 + row
            source = self.lines[line - 1] if line <= len(self.lines) else ""
            start = len(source) - len(source.lstrip()) if row == 0 else self._indent()
            exact = source[start:] == value_line
        else:
            line, start = self.line, self.column - 1 + (1 if self.style else 0)
            exact = self.lines[line - 1][start:].startswith(self.value)
        return Problem(line, start + within + 1, message) if exact else self.problem(message)

    def _indent(self) -> int:
        first = self.lines[self.line]
        return len(first) - len(first.lstrip())


@dataclass(frozen=True, slots=True)
class Sequence(YamlNode):
    """A list."""

    items: tuple[YamlNode, ...]


@dataclass(frozen=True, slots=True)
class Mapping(YamlNode):
    """Keys in the order written, each with its own position."""

    entries: tuple[tuple[Scalar, YamlNode], ...]


def read_yaml(text: str) -> YamlNode:
    """The one document in `text`. Raises PolicyError."""
    _refuse_unreadable(text)
    try:
        return _Composer(text).document()
    except yaml.MarkedYAMLError as error:
        raise PolicyError([_yaml_problem(error)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        message = f"the character U+{ord(text[error.position]):04X} is not allowed"
        raise PolicyError([Problem(line, column, message)]) from None


def _refuse_unreadable(text: str) -> None:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise PolicyError([Problem(1, 1, "the document is not valid Unicode")]) from None
    if size > MAX_BYTES:
        message = f"the document is too large; at most {MAX_BYTES // 1024} KiB"
        raise PolicyError([Problem(1, 1, message)])


def _yaml_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = error.problem or error.context or "not YAML"
    hint = ""
    if "found character '\\t'" in said:
        hint = "; indent with spaces"
    elif "mapping values are not allowed" in said:
        hint = "; put quotes around text that contains a colon"
    message = f"not YAML: {said}{hint}"
    return Problem(mark.line + 1, mark.column + 1, message) if mark else Problem(1, 1, message)


class _Composer:
    """Builds nodes from parser events, so that nothing is resolved or shared behind our back.

    Events are taken one by one: the parser is quadratic in the depth, which is refused here first.
    """

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._lines = tuple(text.splitlines())
        self._nodes = 0

    def document(self) -> YamlNode:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise PolicyError([Problem(1, 1, "the document is empty")])
        root = self._build(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise PolicyError([Problem(*_place(after), "one document a file")])
        return root

    def _build(self, event: yaml.Event, depth: int) -> YamlNode:
        line, column = _place(event)
        self._nodes += 1
        refusal = _refusal(event, depth, self._nodes)
        if refusal:
            raise PolicyError([Problem(line, column, refusal)])
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, column, event.value, event.style, self._lines)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(line, column, tuple(self._until_end(depth)))
        return self._mapping(line, column, tuple(self._until_end(depth)))

    def _until_end(self, depth: int) -> Iterator[YamlNode]:
        for event in self._events:
            if isinstance(event, yaml.events.CollectionEndEvent):
                return
            yield self._build(event, depth + 1)

    def _mapping(self, line: int, column: int, parts: tuple[YamlNode, ...]) -> Mapping:
        entries: dict[str, tuple[Scalar, YamlNode]] = {}
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise PolicyError([key.problem("a key must be a plain word")])
            if key.value in entries:
                first = entries[key.value][0].line
                message = f"'{key.value}' is there twice, first in line {first}"
                raise PolicyError([key.problem(message)])
            entries[key.value] = (key, value)
        return Mapping(line, column, tuple(entries.values()))


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _refusal(event: yaml.Event, depth: int, nodes: int) -> str | None:
    if isinstance(event, yaml.AliasEvent):
        return "aliases are not supported; write the value again"
    if getattr(event, "anchor", None) is not None:
        return "anchors are not supported; write the value again"
    if getattr(event, "tag", None) is not None:
        return "tags are not supported; text stays text here"
    if nodes > MAX_NODES:
        return f"too many keys, values and items; at most {MAX_NODES}"
    return f"nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else None
