"""What became otherwise while a request waits, as people read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from approvals.queries.facts import HIDDEN, QUIET, label_of
from approvals.queries.values import words
from policies.language.facts import Known
from portal.kernel.clock import now


@dataclass(frozen=True)
class News:
    """One fact: old and new value in words, and when the new one was read."""

    fact: str
    label: str
    old: str
    new: str
    at: datetime


def news_of(moved: Iterable[Mapping[str, Any]]) -> list[News]:
    """`Request.moved`, the latest first, without what another fact says already."""
    return [
        News(
            fact=row["fact"],
            label=label_of(row["fact"]),
            old=_said(row["old"], row["fact"]),
            new=_said(row["new"], row["fact"]),
            at=datetime.fromisoformat(row["at"]),
        )
        for row in moved
        if row["fact"] not in HIDDEN | QUIET
    ]


def _said(value: Any, name: str) -> str:
    """A value as it is stored, in words; None is unknown."""
    if value is None:
        return _("unknown")
    plain = tuple(value) if isinstance(value, list) else value
    return words(Known(plain, "", now(), "attested"), name)
