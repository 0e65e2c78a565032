"""What is wrong with one condition, told by offset in its own text."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Mistake:
    """One mistake; `offset` counts characters from the start of the condition."""

    offset: int
    message: str


class ConditionError(ValueError):
    """A condition that may not be used."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistake.message for mistake in self.mistakes))

    @classmethod
    def at(cls, offset: int, message: str) -> "ConditionError":
        """With one mistake."""
        return cls((Mistake(offset, message),))
