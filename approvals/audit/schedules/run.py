"""Taking a slot: the report is asked for, and each recipient's mail waits for the file."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from approvals.audit.exports.order import order_export
from approvals.audit.schedules.change import halt
from approvals.audit.schedules.slots import days_before, last_slot, next_slot
from approvals.models import ReportMail, ReportSchedule
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden, NotFound, Refused
from portal.ledger.actors import SYSTEM


def due_schedules(limit: int = 50) -> list[UUID]:
    """Schedules whose slot has come, the longest overdue first."""
    due = ReportSchedule.objects.filter(next_slot__lte=now()).order_by("next_slot")
    return list(due.values_list("pk", flat=True)[:limit])


@transaction.atomic
def run_schedule(schedule_id: UUID) -> bool:
    """Take the slot that has come, the last one if several were missed; whether there was one.

    One whose owner may not have the report any more is stopped.
    """
    at = now()
    rows = ReportSchedule.objects.select_for_update(skip_locked=True)
    schedule = rows.filter(pk=schedule_id, next_slot__lte=at).first()
    if schedule is None or schedule.next_slot is None:
        return False
    zone = ZoneInfo(schedule.zone)
    slot = last_slot(schedule.every, schedule.hour, zone, schedule.next_slot, at)
    schedule.next_slot, schedule.error = next_slot(schedule.every, schedule.hour, zone, at), ""
    try:
        with transaction.atomic():
            _ask(schedule, slot.astimezone(zone), at)
    except (Forbidden, NotFound) as refusal:
        halt(schedule, SYSTEM, refusal.sentence)
        return True
    except Refused as refusal:
        schedule.error = refusal.sentence[:500]
    schedule.save(update_fields=["next_slot", "error"])
    return True


def _ask(schedule: ReportSchedule, slot: datetime, at: datetime) -> None:
    since, until = days_before(schedule.period, slot.date())
    export = order_export(
        by=schedule.by,
        kind="report",
        subject=schedule.report,
        form=schedule.form,
        wish={
            "since": since.isoformat(),
            "until": until.isoformat(),
            "zone": schedule.zone,
            **schedule.wish,
        },
        schedule=schedule,
    )
    ReportMail.objects.bulk_create(
        ReportMail(schedule=schedule, export=export, person=person, at=at, next_try=at)
        for person in schedule.recipients.all()
    )
