"""A document in plain pieces, before it is set: text is text, and never markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from django.utils.timezone import localtime

from portal.kernel.text import make_visible, on_one_line

LONGEST = 40_000  # characters of one text: a comment with nothing but unseen ones fits
MOST_TITLE = 120  # of the title, which is on every page

Tone = Literal["", "ok", "bad"]


@dataclass(frozen=True)
class Pairs:
    """Names and their values, each on a line."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """`widths`: how the columns share the line, as numbers; as wide as they need where empty."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int] = ()


@dataclass(frozen=True)
class Note:
    """A sentence that stands by itself."""

    text: str
    tone: Tone = ""


Part = Pairs | Table | Note


@dataclass(frozen=True)
class Section:
    """Parts under a heading."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Document:
    """`about`: one line under the title; `made`: when, as the reader's zone and UTC have it.

    `page` says which of how many a page is, with `{n}` and `{m}` in their places.
    """

    title: str
    about: str
    made: str
    page: str
    sections: Sequence[Section] = field(default_factory=tuple)
    landscape: bool = False

    def to_json(self) -> dict[str, Any]:
        """What the template reads: nothing unseen in any text, and none too long."""
        return {
            "title": on_one_line(self.title)[:MOST_TITLE],
            "about": _text(self.about),
            "made": _text(self.made),
            "page": self.page,
            "landscape": self.landscape,
            "sections": [
                {"title": _text(one.title), "parts": [_part(part) for part in one.parts]}
                for one in self.sections
            ],
        }


def _part(part: Part) -> Mapping[str, Any]:
    if isinstance(part, Note):
        return {"kind": "note", "text": _text(part.text), "tone": part.tone}
    if isinstance(part, Pairs):
        return {"kind": "pairs", "rows": [[_text(name), _text(said)] for name, said in part.rows]}
    return {
        "kind": "table",
        "columns": [_text(name) for name in part.columns],
        "widths": list(part.widths),
        "rows": [[_text(cell) for cell in row] for row in part.rows],
    }


def _text(text: object) -> str:
    shown = make_visible(str(text)).replace("\t", " ")
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}… ({len(shown):,})"


def both(moment: datetime | None) -> str:
    """A moment in the reader's zone, and in UTC beside it; empty where there is none."""
    if moment is None:
        return ""
    local, utc = localtime(moment), moment.astimezone(UTC)
    if not local.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    other = "%H:%M:%S" if local.date() == utc.date() else "%Y-%m-%d %H:%M:%S"
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({utc.strftime(other)} UTC)"
