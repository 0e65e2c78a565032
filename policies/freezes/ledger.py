"""Entries about the calendar. Names and reasons are free text, so they appear by their digest."""

from typing import Any

from policies.freezes.models import FreezeException, FreezeWindow, ImportedCalendar
from portal.kernel.canonical import JSON
from portal.ledger.actors import Actor
from portal.ledger.change import change, state_of
from portal.ledger.record import NewEntry, append, new_entry

WINDOW = ("kind", "reason", "starts_at", "ends_at", "zone", "rule", "excluded", "removed_at")
EXCEPTION = ("name", "reason", "action", "lifts_organisation", "until", "revoked_at")
CALENDAR = ("kind", "zone", "url", "removed_at")

_KINDS = {FreezeWindow: "freeze", FreezeException: "freeze_exception",
          ImportedCalendar: "freeze_calendar"}  # fmt: skip

Row = FreezeWindow | FreezeException | ImportedCalendar


def entry(
    event: str, actor: Actor, row: Row, before: dict[str, JSON], names: tuple[str, ...] | list[str]
) -> NewEntry:
    """One entry about `row`, with the named fields before and as they are now."""
    about: dict[str, Any] = {"kind": _KINDS[type(row)], "id": str(row.pk), "level": row.level}
    if row.environment_id:
        about["environment"] = str(row.environment_id)
    if isinstance(row, FreezeWindow) and row.calendar_id:
        about["calendar"] = str(row.calendar_id)
    return new_entry(
        event,
        actor=actor,
        project=row.project_id,
        object=about,
        change=change(before, state_of(row, names)),
    )


def record_change(
    event: str, actor: Actor, row: Row, before: dict[str, JSON], names: tuple[str, ...] | list[str]
) -> None:
    """Write that one entry."""
    append([entry(event, actor, row, before, names)])
