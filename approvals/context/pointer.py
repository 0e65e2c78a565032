"""Finding one value in a JSON document: JSON Pointer (RFC 6901), and `*` for every element.

A segment `*` goes on in each element of an array (or each value of an object) and makes a list of
what is found there; elements that have nothing at that place are left out.
"""

import re
from typing import Any

_FORM = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
EVERY = "*"


class Missing(LookupError):
    """The document has nothing at this place."""


def parse_pointer(text: str) -> tuple[str, ...]:
    """The segments of a pointer; the empty one is the whole document. Raises ValueError."""
    if not _FORM.fullmatch(text):
        raise ValueError(text)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def value_at(document: Any, segments: tuple[str, ...]) -> Any:
    """What stands there. Raises Missing."""
    for number, segment in enumerate(segments):
        if segment == EVERY and isinstance(document, list | dict):
            rest = segments[number + 1 :]
            elements = document if isinstance(document, list) else list(document.values())
            return [found for element in elements for found in _there(element, rest)]
        document = _step(document, segment)
    return document


def _there(element: Any, segments: tuple[str, ...]) -> list[Any]:
    try:
        found = value_at(element, segments)
    except Missing:
        return []
    return found if EVERY in segments else [found]


def _step(document: Any, segment: str) -> Any:
    if isinstance(document, dict) and segment in document:
        return document[segment]
    if isinstance(document, list) and _INDEX.fullmatch(segment) and int(segment) < len(document):
        return document[int(segment)]
    raise Missing(segment)
