"""Small charts drawn by the server: `{% load charts %}`. The drawing itself is pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel.text import make_visible
from portal.templatetags.times import duration_words

register = template.Library()

WIDTH, HEIGHT, PAD = 120.0, 24.0, 3.0


@dataclass(frozen=True)
class Series:
    """A number over time, oldest first; `marks` are moments to be drawn as lines across it."""

    label: str
    points: tuple[tuple[datetime, float], ...]
    marks: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """What stands in the picture, in its own units: the line, its end, and the marks."""

    path: str
    end: tuple[float, float]
    marks: tuple[float, ...]


def number_words(value: float) -> str:
    """Four digits that count, as people write them: 0.0123, 41.2, 1,234,568."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def draw(points: Sequence[tuple[float, float]], marks: Sequence[float] = ()) -> Drawing | None:
    """The line through points (moment, value) in a box of WIDTH by HEIGHT; None for less than two
    moments. Equal values give a level line in the middle; marks outside the span are left out."""
    if len({at for at, _value in points}) < 2:
        return None
    line = sorted(points)
    first, last = line[0][0], line[-1][0]
    low, high = min(v for _at, v in line), max(v for _at, v in line)

    def across(at: float) -> float:
        return round(PAD + (at - first) / (last - first) * (WIDTH - 2 * PAD), 1)

    def up(value: float) -> float:
        # Halved first: the difference of two doubles may be too large for one.
        share = (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5
        return round(HEIGHT - PAD - share * (HEIGHT - 2 * PAD), 1)

    places = [(across(at), up(value)) for at, value in line]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    return Drawing(path, places[-1], tuple(across(at) for at in marks if first <= at <= last))


def sentence(series: Series) -> str:
    """What the line shows, for whoever does not see it."""
    values = [value for _at, value in series.points]
    text = _("%(label)s: %(now)s now, between %(low)s and %(high)s in %(span)s") % {
        "label": make_visible(series.label),
        "now": number_words(values[-1]),
        "low": number_words(min(values)),
        "high": number_words(max(values)),
        "span": _span(series),
    }
    n = len(series.marks)
    told = ngettext("; %(n)d action marked", "; %(n)d actions marked", n) % {"n": n} if n else ""
    return text + told


@register.simple_tag
def spark(series: Series | None) -> SafeString:
    """The line with its lowest and highest value; nothing where there is too little to draw."""
    if series is None:
        return SafeString("")
    drawing = draw(
        [(at.timestamp(), value) for at, value in series.points],
        [at.timestamp() for at in series.marks],
    )
    if drawing is None:
        return SafeString("")
    values = [value for _at, value in series.points]
    said = _("min %(low)s · max %(high)s in %(span)s") % {
        "low": number_words(min(values)),
        "high": number_words(max(values)),
        "span": _span(series),
    }
    return format_html(
        '<span class="spark"><svg viewBox="0 0 {} {}" role="img"><title>{}</title>{}'
        '<path d="{}"/><circle cx="{}" cy="{}" r="2"/></svg> <small>{}</small></span>',
        f"{WIDTH:g}", f"{HEIGHT:g}", sentence(series),
        format_html_join("", '<path class="mark" d="M{} 0V{}"/>',
                         ((f"{x:g}", f"{HEIGHT:g}") for x in drawing.marks)),
        drawing.path, f"{drawing.end[0]:g}", f"{drawing.end[1]:g}", said,
    )  # fmt: skip


def _span(series: Series) -> str:
    return duration_words((series.points[-1][0] - series.points[0][0]).total_seconds())
