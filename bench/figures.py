"""What a bench reports: figures with their bars, and the arithmetic they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

NAME, FIGURE, BAR = 58, 44, 12


@dataclass(frozen=True)
class Figure:
    """One line of the table. `at_most` or `at_least` is the bar; neither is a remark."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """`pass` or `MISS`; empty where there is no bar."""
        if self.at_most is not None:
            return "pass" if self.value <= self.at_most else "MISS"
        if self.at_least is not None:
            return "pass" if self.value >= self.at_least else "MISS"
        return ""

    @property
    def bar(self) -> str:
        """The bar as it is printed."""
        if self.at_most is not None:
            return f"<= {_short(self.at_most)}{self.unit}"
        if self.at_least is not None:
            return f">= {_short(self.at_least)}{self.unit}"
        return ""

    def line(self) -> str:
        """One line of the table."""
        figure = f"{_short(self.value)}{self.unit}" + (f"  ({self.note})" if self.note else "")
        return f"{self.name:<{NAME}} {figure:<{FIGURE}} {self.bar:<{BAR}} {self.verdict}".rstrip()


def heading() -> str:
    """The table's first line."""
    return f"{'promise':<{NAME}} {'measured':<{FIGURE}} {'bar':<{BAR}} "


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: Sequence[float]) -> str:
    """Median and 95th percentile, for a note."""
    return f"p50 {median(seconds) * 1000:.1f} ms, p95 {percentile(seconds, 0.95) * 1000:.1f} ms"
