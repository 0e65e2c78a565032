"""Formatting a document without touching what it says.

Indentation of two spaces a level, no spaces at line ends, no two blank lines in a row, one line end
at the end. Comments, the order and the words stay. A step is kept only if the document reads the
same before and after, comments included; one that does not fit a document leaves it alone.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from policies.language.nodes import Mapping, Scalar, Sequence, YamlNode, read_yaml
from policies.language.problems import PolicyError

STEP = 2


def format_document(text: str) -> str:
    """The formatted text. Raises PolicyError for what is not YAML as policies use it."""
    meaning = _meaning(read_yaml(text))
    for tidy in _TIDIES:
        tried = tidy(text)
        if tried != text and _comments(tried) == _comments(text) and _reads(tried) == meaning:
            text = tried
    return text


def _reads(text: str) -> object:
    try:
        return _meaning(read_yaml(text))
    except PolicyError:
        return None


def _meaning(node: YamlNode) -> object:
    """What a document says, without where it stands. Whether a text is quoted matters."""
    if isinstance(node, Scalar):
        return node.value, node.style is None
    if isinstance(node, Mapping):
        return "mapping", [(_meaning(key), _meaning(value)) for key, value in node.entries]
    items = node.items if isinstance(node, Sequence) else ()
    return "list", [_meaning(item) for item in items]


def _comments(text: str) -> list[str]:
    """Whatever looks like a comment; inside of quotes it does no harm to compare it too."""
    return [found.strip() for found in re.findall(r"(?:^|\s)(#.*)$", text, re.MULTILINE)]


def _line_ends(text: str) -> str:
    return "\n".join(line.rstrip(" \t\r") for line in text.split("\n")).strip("\n") + "\n"


def _blank_lines(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text)


def _indentation(text: str) -> str:
    """Every line moved to where its nesting says; what continues an entry moves along with it.

    A comment moves with the entry below it.
    """
    layout = _Layout(text)
    moved: list[str] = []
    comments: list[str] = []
    shift = 0
    for number, line in enumerate(text.split("\n")):
        bare = line.lstrip(" ")
        if bare.startswith("#") and number not in layout.inside:
            comments.append(line)
            continue
        place = layout.places.get(number)
        shift = shift if place is None else place - (len(line) - len(bare))
        moved += [_moved(comment, shift) for comment in comments]
        comments.clear()
        moved.append(_moved(line if place is None else re.sub(r"^( *-) +", r"\1 ", line), shift))
    return "\n".join([*moved, *comments])


def _moved(line: str, shift: int) -> str:
    bare = line.lstrip(" ")
    return " " * max(0, len(line) - len(bare) + shift) + bare if bare else ""


class _Layout:
    """`places`: the right column of each line that begins an entry of a block. `inside`: the lines
    that continue a text or a flow collection. Lines and columns count from 0."""

    def __init__(self, text: str) -> None:
        self.places: dict[int, int] = {}
        self.inside: set[int] = set()
        self._lines = text.split("\n")
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                self._node(event, 0)

    def _node(self, event: yaml.Event, column: int) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._continues(event, event)
        elif isinstance(event, yaml.CollectionStartEvent) and event.flow_style:
            self._continues(event, self._skip())
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(_at(event.start_mark)[1], column)
        else:
            self._mapping(column)

    def _mapping(self, column: int) -> None:
        while isinstance(key := next(self._events), yaml.NodeEvent):
            self.places.setdefault(_at(key.start_mark)[0], column)
            self._node(key, column)
            self._node(next(self._events), column + STEP)

    def _sequence(self, dash: int, column: int) -> None:
        while isinstance(item := next(self._events), yaml.NodeEvent):
            line = _at(item.start_mark)[0]
            while self._lines[line][dash : dash + 1] != "-":  # the item may begin below its dash
                line -= 1
            self.places.setdefault(line, column)
            self._node(item, column + STEP)

    def _skip(self) -> yaml.Event:
        """The event that ends the collection that just began."""
        depth = 1
        for event in self._events:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if not depth:
                break
        return event

    def _continues(self, begin: yaml.Event, end: yaml.Event) -> None:
        line, column = _at(end.end_mark)
        self.inside.update(range(_at(begin.start_mark)[0] + 1, line + (1 if column else 0)))


def _at(mark: Any) -> tuple[int, int]:
    return (mark.line, mark.column) if mark else (0, 0)


_TIDIES: tuple[Callable[[str], str], ...] = (_line_ends, _blank_lines, _indentation)
