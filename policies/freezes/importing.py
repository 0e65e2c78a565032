"""Turning the events of an iCalendar file into windows: new, changed, as they were, gone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from policies.freezes.calendar import over_at
from policies.freezes.ical import Event, read_events
from policies.freezes.ledger import WINDOW, entry
from policies.freezes.looks import look_now
from policies.freezes.models import FreezeWindow, ImportedCalendar
from policies.freezes.problems import CalendarError
from policies.freezes.scope import Scope, require_manage
from portal.access.models import Organisation
from portal.kernel.canonical import sha256_digest
from portal.kernel.clock import now
from portal.kernel.validation import invalid
from portal.ledger.actors import Actor, person_actor
from portal.ledger.change import state_of
from portal.ledger.record import append, new_entry

_WRITTEN = [*WINDOW, "over_at", "changed_at", "next_look", "looking_since", "looked_up_to"]


@dataclass(frozen=True)
class Plan:
    """What importing these events would do."""

    new: list[Event]
    changed: list[tuple[FreezeWindow, Event]]
    same: list[Event]
    gone: list[FreezeWindow]

    @property
    def moves(self) -> bool:
        """Whether anything would change."""
        return bool(self.new or self.changed or self.gone)


def plan_of(known: Mapping[str, FreezeWindow], events: Iterable[Event], *, all_of: bool) -> Plan:
    """Compare events with the windows `known` by UID; `all_of`: a missing event is gone."""
    plan = Plan([], [], [], [])
    seen = set()
    for event in events:
        seen.add(event.uid)
        window = known.get(event.uid)
        if window is None:
            plan.new.append(event)
        elif (window.reason, window.series) == (event.reason, event.series):
            plan.same.append(event)
        else:
            plan.changed.append((window, event))
    if all_of:
        plan.gone.extend(window for uid, window in known.items() if uid not in seen)
    return plan


def read_upload(data: bytes, zone: str) -> list[Event]:
    """The events of an uploaded file. Raises Invalid."""
    try:
        events = read_events(data, zone, now())
    except CalendarError as error:
        raise invalid(error.field, error.sentence) from error
    if not events:
        raise invalid("file", "The file has no event that is still to come.")
    return events


def plan_upload(scope: Scope, kind: str, events: Iterable[Event]) -> Plan:
    """What importing an uploaded file would do: what is not in it stays."""
    listed = list(events)
    return plan_of(_known(scope, kind, [event.uid for event in listed]), listed, all_of=False)


def _known(scope: Scope, kind: str, uids: list[str]) -> dict[str, FreezeWindow]:
    rows = FreezeWindow.objects.filter(
        project=scope.project, environment=scope.environment, kind=kind, calendar=None,
        removed_at=None, uid__in=uids,
    ).select_for_update()  # fmt: skip
    return {row.uid: row for row in rows}


@transaction.atomic
def import_file(*, by: Any, scope: Scope, kind: str, zone: str, data: bytes) -> Plan:
    """Import an uploaded file; the same file again changes nothing. Raises Forbidden, Invalid,
    Conflict."""
    require_manage(by, scope)
    events = read_upload(data, zone)
    # Two at once would both find nothing known: one import at a time.
    Organisation.objects.select_for_update().first()
    plan = plan_upload(scope, kind, events)
    template = FreezeWindow(
        project=scope.project, environment=scope.environment, kind=kind, created_by=by
    )
    apply_plan(plan, template, person_actor(by), digest=sha256_digest(data))
    return plan


def template_of(calendar: ImportedCalendar) -> FreezeWindow:
    """What every window of an imported calendar has in common."""
    return FreezeWindow(
        project=calendar.project,
        environment=calendar.environment,
        kind=calendar.kind,
        calendar=calendar,
    )


def apply_plan(plan: Plan, template: FreezeWindow, actor: Actor, *, digest: str) -> None:
    """Write the plan and its entries. The caller holds the transaction and the lock."""
    if not plan.moves:
        return
    at = now()
    made = [_made(template, event, at) for event in plan.new]
    changed = [(window, state_of(window, WINDOW)) for window, _ in plan.changed]
    for window, event in plan.changed:
        _set(window, event, at)
    removed = [(window, state_of(window, ["removed_at"])) for window in plan.gone]
    for window in plan.gone:
        window.removed_at = at
        look_now(window, at)
    FreezeWindow.objects.bulk_create(made)
    FreezeWindow.objects.bulk_update([*(w for w, _ in changed), *plan.gone], _WRITTEN)
    append(
        [
            _imported(plan, template, actor, digest),
            *(entry("freeze.created", actor, w, {}, WINDOW) for w in made),
            *(entry("freeze.changed", actor, w, old, WINDOW) for w, old in changed),
            *(entry("freeze.removed", actor, w, old, ["removed_at"]) for w, old in removed),
        ]
    )


def _made(template: FreezeWindow, event: Event, at: datetime) -> FreezeWindow:
    window = FreezeWindow(
        project=template.project,
        environment=template.environment,
        kind=template.kind,
        calendar=template.calendar,
        created_by=template.created_by,
        uid=event.uid,
    )
    _set(window, event, at)
    return window


def _set(window: FreezeWindow, event: Event, at: datetime) -> None:
    window.reason, window.series = event.reason, event.series
    window.over_at = over_at(event.series)
    look_now(window, at)


def _imported(plan: Plan, template: FreezeWindow, actor: Actor, digest: str) -> Any:
    about = {
        "kind": "freeze_calendar",
        "id": str(template.calendar_id or ""),
        "level": template.level,
        "digest": digest,
        "added": len(plan.new),
        "changed": len(plan.changed),
        "removed": len(plan.gone),
    }
    return new_entry(
        "freeze_calendar.imported", actor=actor, project=template.project_id, object=about
    )
