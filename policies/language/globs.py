"""Glob patterns for names and paths.

`*` is anything within one segment, `?` one character of it, `**` (alone between slashes) any
number of segments, also none. Time is linear in the segments, whatever the pattern.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

MAX_PATTERN = 200


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
    return _fits(_compiled(pattern), text.split("/"))


@lru_cache(maxsize=2_048)
def _compiled(pattern: str) -> tuple[re.Pattern[str] | None, ...]:
    problem = glob_problem(pattern)
    if problem:
        raise ValueError(problem)
    segments = pattern.split("/")
    # a/** is what lies under a, so it wants at least one segment after a.
    if len(segments) > 1 and segments[-1] == "**":
        segments[-1:] = ["**", "*"]
    return tuple(None if segment == "**" else _segment(segment) for segment in segments)


def _segment(segment: str) -> re.Pattern[str]:
    """Atomic groups: a chunk found at its first place is never looked for again."""
    chunks = [re.escape(chunk).replace(r"\?", ".") for chunk in segment.split("*")]
    first, *rest = chunks
    if not rest:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{chunk})" for chunk in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def _fits(pattern: Sequence[re.Pattern[str] | None], parts: Sequence[str]) -> bool:
    """The two-finger walk: on a mismatch only the last `**` takes one segment more."""
    at = part = 0
    star: tuple[int, int] | None = None
    while part < len(parts):
        if at < len(pattern) and pattern[at] is None:
            at += 1
            star = (at, part)
            continue
        segment = pattern[at] if at < len(pattern) else None
        if segment is not None and segment.fullmatch(parts[part]):
            at, part = at + 1, part + 1
        elif star is not None:
            at, part = star[0], star[1] + 1
            star = (at, part)
        else:
            return False
    return all(segment is None for segment in pattern[at:])
