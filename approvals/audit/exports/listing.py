"""A person's exports in words, for the page that lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from approvals.audit.exports.kinds import KINDS
from approvals.models import Export
from portal.directory.models import Environment, Project


@dataclass(frozen=True)
class ExportRow:
    """An export; `title` says what it is, `part` which rows of it."""

    export: Export
    title: str
    part: str


def in_words(exports: Sequence[Export]) -> list[ExportRow]:
    """The rows of a page, in two statements."""
    wishes = [export.wish for export in exports]
    names = {
        **_names(Project, "slug", [wish.get("project") for wish in wishes]),
        **_names(Environment, "name", [wish.get("environment") for wish in wishes]),
    }
    return [ExportRow(one, title_of(one), _part(one.wish, names)) for one in exports]


def _names(
    model: type[Project] | type[Environment], field: str, ids: list[str | None]
) -> dict[str, str]:
    wanted = {UUID(one) for one in ids if one}
    found = model._default_manager.filter(pk__in=wanted).values_list("pk", field)
    return {str(pk): name for pk, name in found}


def title_of(export: Export) -> str:
    """What people call it."""
    kind = KINDS.get(export.kind)
    return kind.title(export) if kind else export.kind


def _part(wish: dict[str, str], names: dict[str, str]) -> str:
    period = ""
    if wish.get("since") and wish.get("until"):
        period = _("%(since)s to %(until)s") % wish
    places = [names.get(wish.get(place, ""), "") for place in ("project", "environment")]
    return " · ".join(part for part in (period, *places) if part)
