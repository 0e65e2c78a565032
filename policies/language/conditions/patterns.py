"""How much work a regular expression is, told from its text before the engine compiles it."""

import re

MAX_SIZE = 250

# A class of letters of all the world's scripts is a program of its own.
_UNICODE_CLASS = 100
_ATOM = re.compile(
    r"\\[pP]\{.*?\}|\\[pP].|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", re.DOTALL
)


def size_problem(pattern: str) -> str | None:
    """Why `pattern` is too much to compile, or None."""
    size = program_size(pattern)
    if size <= MAX_SIZE:
        return None
    return f"the regular expression is too large: {size} parts with repetitions, at most {MAX_SIZE}"


def program_size(pattern: str) -> int:
    """Its parts, each as often as it is repeated at most."""
    return _weigh(pattern, literal=1, unicode_class=_UNICODE_CLASS)


def branches(pattern: str) -> int:
    """In how many ways it may go on at once, at most.

    One for each class, alternative and optional or repeated part, and so many for `{n}`.
    """
    return _weigh(pattern, literal=0, unicode_class=1)


def _weigh(pattern: str, *, literal: int, unicode_class: int) -> int:
    totals, last = [0], 0
    for atom in _ATOM.finditer(pattern):
        text = atom[0]
        if text == "(":
            totals.append(0)
            last = 0
            continue
        if text == ")" and len(totals) > 1:
            last = totals.pop()
        elif text in "*+?" or atom[1] is not None:
            totals[-1] -= last
            last = max(last, 1) * int(atom[2] or atom[1] or 1)
        elif text in ".|" or text[0] == "[" or text[1:].isalpha() or text[-1] == "}":
            last = 1 + (unicode_class - 1) * len(re.findall(r"\\[pP]", text))
        else:
            last = literal
        totals[-1] += last
    return sum(totals)
