"""Sentences with facts in them: `Change freeze ({ops.freeze_reason}).`"""

import re
from dataclasses import dataclass

from policies.language.facts import Facts, Known, Value, value_to_json
from policies.language.schema import Schema, unknown_fact
from portal.kernel.text import make_visible

MAX_CHARACTERS = 500
MAX_SHOWN = 200
MAX_SHOWN_ITEMS = 5

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class TemplateError(ValueError):
    """A sentence that cannot be filled in; `offset` counts characters from its start."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence; `reads` are the facts it shows."""

    text: str
    reads: frozenset[str]

    def fill(self, facts: Facts) -> str:
        """The sentence for these facts. Text from outside is capped and made visible."""

        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                return match[0][0]
            state = facts.state(name)
            return show(state.value) if isinstance(state, Known) else "unknown"

        return _PART.sub(replace, self.text)


def read_template(text: str, schema: Schema) -> Template:
    """Raises TemplateError. `{{` and `}}` stand for the braces themselves."""
    if not text.strip():
        raise TemplateError(0, "the sentence is empty; say why the action is denied")
    if len(text) > MAX_CHARACTERS:
        raise TemplateError(0, f"the sentence is too long; at most {MAX_CHARACTERS} characters")
    reads = set()
    for match in _PART.finditer(text):
        name = match[1]
        if name is None:
            if len(match[0]) == 1:
                raise TemplateError(match.start(), "a single brace; write {{ or }} for a brace")
        elif name not in schema:
            raise TemplateError(match.start() + 1, unknown_fact(name, schema))
        else:
            reads.add(name)
    return Template(text, frozenset(reads))


def show(value: Value) -> str:
    """A value inside a sentence: one line, capped, nothing hidden in it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        more = len(value) - MAX_SHOWN_ITEMS
        items = ", ".join(map(show, value[:MAX_SHOWN_ITEMS])) or "none"
        return f"{items} and {more} more" if more > 0 else items
    text = make_visible(" ".join(str(value_to_json(value)).split()))
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
