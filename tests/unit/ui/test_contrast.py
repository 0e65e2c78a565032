"""Contrast is measured from the stylesheet itself, so that no token can drift below the bar."""

import re
from pathlib import Path

import pytest

STYLES = Path(__file__).resolve().parents[3] / "portal" / "static" / "portal"
SHEET = (STYLES / "countersign.css").read_text()
TOKENS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", SHEET
    )
}
STATES = ["ok", "warn", "bad", "info", "drift", "idle"]
TEXT = [
    (ink, ground)
    for ink in ("text", "muted", "accent")
    for ground in ("bg", "surface", "sunken", "accent-soft")
]
TEXT += [(f"{state}-ink", ground) for state in STATES for ground in (f"{state}-soft", "surface")]
TEXT += [("text", f"{state}-soft") for state in STATES]
TEXT += [("on-accent", "accent"), ("muted", "idle-soft")]


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_extremes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_is_readable(ink, ground, theme):
    assert contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["surface", "bg"])
def test_borders_of_controls_and_the_focus_ring_are_seen(ground, theme):
    assert contrast(TOKENS["line-strong"][theme], TOKENS[ground][theme]) >= 3.0
    assert contrast(TOKENS["accent"][theme], TOKENS[ground][theme]) >= 3.0
