"""Glob patterns for names and paths.

`*` is anything within one segment, `?` one character of it, `**` (alone between slashes) any
number of segments, also none. Time is linear in the segments of the text; what stands between two
`**` is looked for at each of them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

MAX_PATTERN = 200

Segment = str | re.Pattern[str]
Chunk = tuple[Segment, ...]


def glob_problem(pattern: str) -> str | None:
    """Why `pattern` is no glob, or None."""
    if not pattern:
        return "the pattern is empty"
    if len(pattern) > MAX_PATTERN:
        return f"the pattern is too long; at most {MAX_PATTERN} characters"
    if any(character in pattern for character in "[]{}!\\\0"):
        return "a pattern knows only *, ** and ?; brackets, ! and \\ are not supported"
    if any("**" in segment and segment != "**" for segment in pattern.split("/")):
        return "** stands alone between slashes, as in migrations/**"
    return None


def match_glob(pattern: str, text: str) -> bool:
    """Whether the whole of `text` fits. Raises ValueError for what is no pattern."""
    chunks = _compiled(pattern)
    parts = text.split("/")
    head, *middle, tail = chunks if len(chunks) > 1 else (*chunks, ())
    begin, end = len(head), len(parts) - len(tail)
    if len(chunks) == 1 and begin != end:
        return False
    if begin > end or not _fits(head, parts, 0) or not _fits(tail, parts, end):
        return False
    for chunk in middle:
        # The first place is as good as any: it leaves the most for what follows.
        last = end - len(chunk)
        found = next((at for at in range(begin, last + 1) if _fits(chunk, parts, at)), None)
        if found is None:
            return False
        begin = found + len(chunk)
    return True


@lru_cache(maxsize=2_048)
def _compiled(pattern: str) -> tuple[Chunk, ...]:
    """The runs of segments between the `**`."""
    problem = glob_problem(pattern)
    if problem:
        raise ValueError(problem)
    segments = pattern.split("/")
    # a/** is what lies under a, so it wants at least one segment after a.
    if len(segments) > 1 and segments[-1] == "**":
        segments[-1:] = ["**", "*"]
    chunks: list[list[Segment]] = [[]]
    for segment in segments:
        if segment == "**":
            chunks.append([])
        else:
            chunks[-1].append(_segment(segment))
    return tuple(map(tuple, chunks))


def _segment(segment: str) -> Segment:
    """Atomic groups: a chunk found at its first place is never looked for again."""
    if "*" not in segment and "?" not in segment:
        return segment
    first, *rest = (re.escape(part).replace(r"\?", ".") for part in segment.split("*"))
    if not rest:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def _fits(chunk: Chunk, parts: Sequence[str], at: int) -> bool:
    for wanted, part in zip(chunk, parts[at : at + len(chunk)], strict=True):
        if isinstance(wanted, str):
            if wanted != part:
                return False
        elif not wanted.fullmatch(part):
            return False
    return True
