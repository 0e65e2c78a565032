"""Families: facts that a connection names, of a type that the family fixes."""

import re
from dataclasses import dataclass

from policies.language.vocabulary.fact import FactType, Kind, Value

#: What follows the first dot. Words that the condition language cannot read there are no names.
_NAME = re.compile(r"(?!(?:in|true|false|null)\Z)[a-z][a-z0-9_]{0,49}")


@dataclass(frozen=True, slots=True)
class Family:
    """Facts `name.ANYTHING` of one kind, all attested."""

    name: str
    kind: Kind
    description: str
    example: Value

    def fact(self, name: str) -> FactType | None:
        """The fact of this name (`metric.error_rate`); None where it is none of this family."""
        prefix, _, rest = name.partition(".")
        if prefix != self.name or not _NAME.fullmatch(rest):
            return None
        return FactType(name, self.kind, "attested", self.description, self.example)


FAMILIES = (
    Family("metric", "double", "Number that a connection reads.", 0.012),
    Family("flag", "bool", "Yes or no that a connection reads.", True),
    Family("text", "string", "Text that a connection reads.", "green"),
    Family("items", "list", "Texts that a connection reads.", ("eu-1", "eu-2")),
)
