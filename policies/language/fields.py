"""Reading the parts of a document with a problem for each mistake, instead of the first only."""

import re
from collections.abc import Collection, Iterator

from policies.language.nodes import Mapping, Scalar, Sequence, YamlNode
from policies.language.problems import PolicyError, Problem, did_you_mean

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_WHOLE = re.compile(r"[0-9]{1,6}")


class Report:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, node: YamlNode, message: str) -> None:
        """A problem at `node`."""
        self.problems.append(node.problem(message))

    def finish(self) -> None:
        """Raises PolicyError when anything was found."""
        if self.problems:
            raise PolicyError(self.problems)

    def mapping(
        self, node: YamlNode, what: str, keys: Collection[str], later: Collection[str] = ()
    ) -> dict[str, YamlNode]:
        """The entries of a mapping that knows `keys`; those of `later` are named as such."""
        if not isinstance(node, Mapping):
            self.add(node, f"{what} must be a mapping of {', '.join(sorted(keys))}")
            return {}
        found = {}
        for key, value in node.entries:
            name = key.value
            if name in keys:
                found[name] = value
            elif name in later:
                self.add(key, f"'{name}' is not supported yet by this version")
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
        for item in self.items(node, what):
            word = self.word(item, f"an item of {what}", pattern, is_)
            if word in found:
                self.add(item, f"'{word}' is there twice")
            found.append(word)
        if isinstance(node, Sequence) and not found:
            self.add(node, f"{what} is empty")
        return tuple(found)

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


def _length(duration: str) -> int:
    return int(duration[:-1]) * _UNITS[duration[-1]]
