"""What SQL would drop or lock, told from its words: nothing is run, nothing is looked up.

Words are enough, and in linear time: a parser gives up on what one vendor alone says, and a hostile
file could make it search for ever. Whose SQL a file holds nobody knows, and quotes and comments end
differently for each; so it is read as each of them would, and every finding counts.
"""

import re
from dataclasses import dataclass, field
from importlib import import_module

from approvals.context.migrations_words import Word, drops, locks, made_at_run_time

HEAD = 60  # characters of a statement's beginning, and again of what was found in it
MOST = 200  # findings of one kind
DEEPEST = 3  # bodies of functions within bodies
_WORTH_READING = re.compile(
    r"drop|truncate|delete|alter|index|lock|vacuum|cluster|optimize|refresh|exec|prepare"
    r"|\{\{|\{%|^[ \t]*\\[a-z]",
    re.IGNORECASE | re.MULTILINE,
)
_COMMAND = re.compile(r"^[ \t]*\\[a-z]", re.MULTILINE)  # of psql: it may read another file
_KINDS = ("drops", "locks", "unclear")

Places = dict[tuple[str, int], str]  # what was found, by kind and place


@dataclass
class Findings:
    """Short texts of what drops, what locks, and what cannot be told; each once, in order."""

    drops: list[str] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def add(self, other: "Findings", before: str = "") -> None:
        """Take over another's findings, each with `before` in front of it; at most so many."""
        for name in _KINDS:
            mine: list[str] = getattr(self, name)
            for one in getattr(other, name):
                text = before + one
                if len(mine) > MOST:
                    break
                if text not in mine:
                    mine.append(text if len(mine) < MOST else "… and more")


def read_sql(text: str) -> Findings:
    """What the statements of `text` drop and lock; the body of a function counts as statements."""
    places: Places = {}
    _read_text(text, 0, DEEPEST, places)
    found = Findings()
    for (kind, _), head in sorted(places.items(), key=lambda item: item[0][1]):
        found.add(Findings(**{kind: [head]}))
    return found


def _read_text(text: str, base: int, deepest: int, places: Places) -> None:
    """Add what is found in `text`, which begins at `base` of the whole."""
    if not _WORTH_READING.search(text):
        return
    if not deepest:
        places["unclear", base] = "bodies of functions within bodies"
        return
    if _COMMAND.search(text):
        places["unclear", base] = "commands of psql"
    # Loaded when the first migration is read: a process that reads none is 10 MiB smaller.
    vendors = import_module("approvals.context.migrations_vendors")
    readable = False
    for statements in vendors.as_each_vendor(text):
        readable = True
        made: set[str] = set()
        for statement in statements:
            _read_statement(statement.words, text, base, made, places)
            for start, body in statement.bodies:
                _read_text(body, base + start, deepest - 1, places)
    if not readable:
        places["unclear", base] = "SQL that cannot be read"


def _read_statement(
    words: list[Word], text: str, base: int, made: set[str], places: Places
) -> None:
    found = (drops(words), locks(words, made), made_at_run_time(words))
    for kind, all_places in zip(_KINDS, found, strict=True):
        for at in all_places[: MOST + 1]:
            # Another vendor's reading of the same place says the same again.
            places.setdefault((kind, base + words[at].start), _head(words, at, text))


def _head(words: list[Word], at: int, text: str) -> str:
    """The beginning of the statement, and the place in it where something was found."""
    start, place, end = words[0].start, words[at].start, words[-1].end
    if place - start < HEAD:
        return cut(text, start, end, 2 * HEAD)
    return f"{cut(text, start, end, HEAD)} {cut(text, place, end, HEAD)}"


def cut(text: str, start: int, end: int, longest: int = 2 * HEAD) -> str:
    """A part of `text` on one line, at most `longest` characters and a mark of what is left out."""
    line = " ".join(text[start : min(end, start + 4 * longest)].split())
    return line if len(line) <= longest else f"{line[:longest]}…"
