"""Setting up a report that is sent regularly, changing and stopping it, leaving its recipients."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import override
from django.utils.translation import gettext as _

from approvals.audit.exports.report_job import form_of, report_of
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.schedules.slots import next_slot
from approvals.audit.scope import audit_scope, auditors_of
from approvals.models import ReportSchedule
from portal.accounts.models import User
from portal.kernel.canonical import JSON
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.validation import check_row, invalid
from portal.ledger.actors import Actor, person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

_SETTINGS = ("every", "hour", "zone", "period", "form")
MOST = 20  # of one person
MOST_RECIPIENTS = 20


@transaction.atomic
def create_schedule(
    *, by: User, filters: ReportFilters, recipients: list[User], **wanted: Any
) -> ReportSchedule:
    """Send it from its next slot on. `wanted` are the other fields of the row.

    Raises Forbidden, NotFound, Invalid (also for recipients who do not audit all of it), Conflict.
    """
    audit_scope(by)
    places = {n: v for n, v in filters.query().items() if n in {"project", "environment"}}
    schedule = ReportSchedule(by=by, wish=places, created_at=now(), **wanted)
    report_of(schedule.report), form_of(schedule.form)
    schedule.next_slot = _first_slot(schedule)
    check_row(schedule)
    _check_recipients(filters, recipients)
    User.objects.select_for_update().values_list("pk").get(pk=by.pk)
    if ReportSchedule.objects.filter(by=by, stopped_at=None).count() >= MOST:
        raise Conflict(
            _("You have %(n)d schedules already. Stop one first.") % {"n": MOST}, code="too-many"
        )
    schedule.save(force_insert=True)
    schedule.recipients.set(recipients)
    people = sorted(str(one.actor_ref) for one in recipients)
    note("report.scheduled", schedule, person_actor(by), people=people)
    return schedule


@transaction.atomic
def change_schedule(
    *, by: User, schedule: ReportSchedule, recipients: list[User], **wanted: Any
) -> ReportSchedule:
    """Send it otherwise from its next slot on; what it is of, and where, stays.

    Raises NotFound for somebody else's, Forbidden, Invalid, Conflict for one that was stopped.
    """
    schedule = _own(by, schedule)
    if schedule.stopped_at is not None:
        raise Conflict(_("It was stopped. Set up another one."), code="stopped")
    filters = filters_of(by, schedule)
    before = _settings_of(schedule)
    for name, value in wanted.items():
        setattr(schedule, name, value)
    form_of(schedule.form)
    schedule.next_slot = _first_slot(schedule)
    check_row(schedule)
    _check_recipients(filters, recipients)
    schedule.save()
    schedule.recipients.set(recipients)
    changed = change(before, _settings_of(schedule))
    note("report.rescheduled", schedule, person_actor(by), changed=changed)
    return schedule


def filters_of(by: User, schedule: ReportSchedule) -> ReportFilters:
    """Its place, for what `by` audits now. Raises Forbidden, NotFound."""
    with override(ZoneInfo(schedule.zone)):
        return report_filters(audit_scope(by), schedule.wish)


def _settings_of(schedule: ReportSchedule) -> dict[str, JSON]:
    people: list[JSON] = [*sorted(str(one.actor_ref) for one in schedule.recipients.all())]
    return {**state_of(schedule, _SETTINGS), "recipients": people}


def _first_slot(schedule: ReportSchedule) -> Any:
    try:
        zone = ZoneInfo(schedule.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise invalid("zone", _("There is no such time zone.")) from error
    if not 0 <= schedule.hour <= 23:
        raise invalid("hour", _("Take an hour from 0 to 23."))
    return next_slot(schedule.every, schedule.hour, zone, now())


def _check_recipients(filters: ReportFilters, recipients: list[User]) -> None:
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise invalid("recipients", _("Take 1 to %(n)d people.") % {"n": MOST_RECIPIENTS})
    auditors = set(auditors_of(filters.projects).values_list("pk", flat=True))
    for person in recipients:
        if person.pk not in auditors:
            raise invalid(
                "recipients", _("%(name)s does not audit all of this.") % {"name": person}
            )
        if not person.email:
            raise invalid("recipients", _("%(name)s has no e-mail address.") % {"name": person})


def load_schedule(person: User, schedule_id: UUID) -> ReportSchedule:
    """One of theirs, or one that is sent to them. Raises NotFound."""
    theirs = Q(by=person) | Q(recipients=person)
    found = ReportSchedule.objects.filter(theirs, pk=schedule_id).distinct().first()
    if found is None:
        raise NotFound(_("There is no such schedule, or it is not yours."))
    return found


@transaction.atomic
def stop_schedule(*, by: User, schedule: ReportSchedule) -> ReportSchedule:
    """Send it no more. Raises NotFound for somebody else's."""
    schedule = _own(by, schedule)
    if schedule.stopped_at is None:
        halt(schedule, person_actor(by))
    return schedule


def halt(schedule: ReportSchedule, actor: Actor, error: str = "") -> None:
    """Stop it, and record that. The caller holds the row."""
    schedule.stopped_at, schedule.next_slot, schedule.error = now(), None, error[:500]
    schedule.save(update_fields=["stopped_at", "next_slot", "error"])
    note("report.unscheduled", schedule, actor, outcome="failed" if error else "stopped")


@transaction.atomic
def leave_schedule(*, by: User, schedule: ReportSchedule) -> None:
    """`by` gets it no more."""
    schedule = _locked(schedule)
    if schedule.recipients.filter(pk=by.pk).exists():
        schedule.recipients.remove(by)
        note("report.unscheduled", schedule, person_actor(by), outcome="left")


def _own(by: User, schedule: ReportSchedule) -> ReportSchedule:
    schedule = _locked(schedule)
    if schedule.by_id != by.pk:
        raise NotFound(_("There is no such schedule, or it is not yours."))
    return schedule


def _locked(schedule: ReportSchedule) -> ReportSchedule:
    return ReportSchedule.objects.select_for_update().get(pk=schedule.pk)


def note(
    event: str,
    schedule: ReportSchedule,
    actor: Actor,
    outcome: str = "",
    changed: Mapping[str, JSON] | None = None,
    **more: Any,
) -> None:
    """An entry about a schedule; that of one project is the project's."""
    said = {name: getattr(schedule, name) for name in ("report", "form", "period", "every", "zone")}
    said |= {"kind": "schedule", "id": str(schedule.pk), "hour": schedule.hour, **schedule.wish}
    project = UUID(schedule.wish["project"]) if "project" in schedule.wish else None
    parts: dict[str, Any] = {"object": said | more}
    if changed is not None:
        parts["change"] = dict(changed)
    record(event, actor=actor, project=project, outcome=outcome, **parts)
