"""The rules the one stylesheet and the templates keep."""

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHEET = ROOT / "portal" / "static" / "portal" / "countersign.css"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_the_stylesheet_stays_small():
    raw = SHEET.read_bytes()
    assert len(raw) <= 30 * 1024
    assert len(gzip.compress(raw)) <= 8 * 1024
    assert raw.count(b"\n") <= 700


def test_important_stands_in_utilities_only():
    before_utilities = SHEET.read_text().split("@layer utilities {")[0]
    assert "!important" not in before_utilities


def test_no_selector_by_id():
    selectors = re.findall(r"^([^{}]+)\{", SHEET.read_text(), flags=re.MULTILINE)
    assert not [selector for selector in selectors if re.search(r"#[a-z]", selector)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_style_script_or_foreign_address(template):
    text = template.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|javascript:", text)
    assert "<style" not in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"(?:src|href)=[\"']https?://", text)
