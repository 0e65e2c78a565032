"""The difference between two documents, line by line, ready to be shown. Pure."""

import difflib
from dataclasses import dataclass
from typing import Literal

CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document or difference; a number is None where the line is not."""

    kind: Literal["same", "added", "removed", "skipped"]
    old: int | None
    new: int | None
    text: str


def numbered(text: str) -> list[Line]:
    """The document with its line numbers."""
    return [Line("same", n, n, line) for n, line in enumerate(_lines(text), start=1)]


def difference(old: str, new: str) -> list[Line]:
    """What turns `old` into `new`, with a little unchanged text around each change."""
    before, after = _lines(old), _lines(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    shown: list[Line] = []
    end = 0
    for group in matcher.get_grouped_opcodes(CONTEXT):
        start = group[0][1]
        if start > end:
            shown.append(Line("skipped", None, None, str(start - end)))
        for opcode, i1, i2, j1, j2 in group:
            shown += _changed(opcode, before, after, (i1, i2), (j1, j2))
        end = group[-1][2]
    if shown and len(before) > end:
        shown.append(Line("skipped", None, None, str(len(before) - end)))
    return shown


def _changed(
    opcode: str,
    before: list[str],
    after: list[str],
    old: tuple[int, int],
    new: tuple[int, int],
) -> list[Line]:
    if opcode == "equal":
        shift = new[0] - old[0]
        return [Line("same", i + 1, i + shift + 1, before[i]) for i in range(*old)]
    removed = [Line("removed", i + 1, None, before[i]) for i in range(*old)]
    return removed + [Line("added", None, j + 1, after[j]) for j in range(*new)]


def _lines(text: str) -> list[str]:
    # Not splitlines(): it also breaks at characters that the parser takes as part of a line.
    return text.removesuffix("\n").split("\n") if text else []
