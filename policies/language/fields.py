"""Reading the parts of a document with a problem for each mistake, instead of the first only."""

import re
from collections.abc import Collection, Iterator
from collections.abc import Sequence as Ordered
from typing import TypeVar

from policies.language.nodes import Mapping, Scalar, Sequence, YamlNode
from policies.language.problems import PolicyError, Problem, did_you_mean

MAX_PROBLEMS = 100

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_WHOLE = re.compile(r"[0-9]{1,6}")
_ANYTHING = re.compile(r".+", re.DOTALL)
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")

#: What each time of a document may be, from and to.
TIMES = {"decide_within": ("1m", "30d"), "valid_for": ("10s", "7d")}

Word = TypeVar("Word", bound=str)


class Report:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, node: YamlNode, message: str) -> None:
        """A problem at `node`."""
        self.problems.append(node.problem(message))
        self._stop_at_many()

    def finish(self) -> None:
        """Raises PolicyError when anything was found."""
        if self.problems:
            raise PolicyError(self.problems)

    def _stop_at_many(self) -> None:
        """Nobody reads more, and looking for what was meant takes its time."""
        if len(self.problems) >= MAX_PROBLEMS:
            self.finish()

    def mapping(self, node: YamlNode, what: str, keys: Collection[str]) -> dict[str, YamlNode]:
        """The entries of a mapping that knows `keys`."""
        if not isinstance(node, Mapping):
            self.add(node, f"{what} must be a mapping of {', '.join(sorted(keys))}")
            return {}
        found = {}
        for key, value in node.entries:
            name = key.value
            if name in keys:
                found[name] = value
            else:
                self.add(key, f"unknown key '{name}' in {what}{did_you_mean(name, keys)}")
        return found

    def entries(self, node: YamlNode, what: str) -> Iterator[tuple[Scalar, YamlNode]]:
        """The entries of a mapping with free keys."""
        if isinstance(node, Mapping):
            yield from node.entries
        else:
            self.add(node, f"{what} must be a mapping")

    def items(self, node: YamlNode, what: str) -> tuple[YamlNode, ...]:
        """The items of a list."""
        if isinstance(node, Sequence):
            return node.items
        self.add(node, f"{what} must be a list")
        return ()

    def scalar(self, node: YamlNode, what: str) -> Scalar | None:
        """Text that is there."""
        self._stop_at_many()
        if not isinstance(node, Scalar):
            self.add(node, f"{what} must be text")
        elif not node.value.strip():
            self.add(node, f"{what} is empty")
        else:
            return node
        return None

    def word(self, node: YamlNode, what: str, pattern: re.Pattern[str], is_: str) -> str:
        """Text of a given shape, or nothing."""
        scalar = self.scalar(node, what)
        if scalar is not None and pattern.fullmatch(scalar.value):
            return scalar.value
        if scalar is not None:
            self.add(node, f"{what} must be {is_}")
        return ""

    def words(
        self, node: YamlNode, what: str, pattern: re.Pattern[str], is_: str
    ) -> tuple[str, ...]:
        """A list of such texts, each once."""
        found: list[str] = []
        seen: set[str] = set()
        for item in self.items(node, what):
            word = self.word(item, f"an item of {what}", pattern, is_)
            if word in seen:
                self.add(item, f"'{word}' is there twice")
            seen.add(word)
            found.append(word)
        if isinstance(node, Sequence) and not found:
            self.add(node, f"{what} is empty")
        return tuple(found)

    def texts(self, node: YamlNode, what: str, is_: str) -> tuple[str, ...]:
        """A list of any texts, each once."""
        return self.words(node, what, _ANYTHING, is_)

    def choice(self, node: YamlNode, what: str, known: Ordered[Word]) -> Word | None:
        """One of a few words, or nothing."""
        value = node.value if isinstance(node, Scalar) else ""
        for word in known:
            if word == value:
                return word
        hint = did_you_mean(value, known)
        self.add(node, f"{what} must be one of {', '.join(known)}{hint}")
        return None

    def flag(self, node: YamlNode | None, what: str) -> bool:
        """true or false, written so; false where nothing is written."""
        if node is None:
            return False
        if isinstance(node, Scalar) and node.style is not None:
            self.add(node, f"{what} must be true or false without quotes")
            return False
        return self.choice(node, what, ("true", "false")) == "true"

    def decimal(self, node: YamlNode, what: str) -> float:
        """A number that is not negative, written plainly."""
        if isinstance(node, Scalar) and node.style is None and _DECIMAL.fullmatch(node.value):
            return float(node.value)
        self.add(node, f"{what} must be a number such as 5 or 0.002")
        return 0.0

    def number(self, node: YamlNode, what: str, low: int, high: int) -> int:
        """A whole number written plainly."""
        plain = isinstance(node, Scalar) and node.style is None and _WHOLE.fullmatch(node.value)
        value = int(node.value) if isinstance(node, Scalar) and plain else low - 1
        if not low <= value <= high:
            self.add(node, f"{what} must be a whole number from {low} to {high}")
        return value

    def seconds(self, node: YamlNode, what: str, low: str, high: str) -> int:
        """A duration such as 30m, 8h or 1d, in seconds."""
        match = _DURATION.fullmatch(node.value) if isinstance(node, Scalar) else None
        if match is None:
            self.add(node, f"{what} must be a duration such as 30m, 8h or 1d")
            return 0
        value = int(match[1]) * _UNITS[match[2]]
        if not _length(low) <= value <= _length(high):
            self.add(node, f"{what} must be from {low} to {high}")
        return value


def read_time(node: YamlNode | None, key: str, report: Report) -> int | None:
    """`decide_within` or `valid_for` in seconds; None where it is not written."""
    return report.seconds(node, key, *TIMES[key]) if node else None


def _length(duration: str) -> int:
    return int(duration[:-1]) * _UNITS[duration[-1]]
